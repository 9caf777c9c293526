/* app/cmd/cmd_connection.c - the session itself: PING to HELLO, and CLIENT. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"

void
cmd_ping(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (call->argc > 2)
		reply_wrong_arity(w, "ping");
	else if (call->argc == 2)
		resp_bulk(w, call->argv[1]);
	else
		resp_raw(w, SPAN("+PONG\r\n"));
}

void
cmd_echo(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	resp_bulk(w, call->argv[1]);
}

void
cmd_select(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t db;
	(void)server;
	if (!number_parse(call->argv[1].at, call->argv[1].len, &db))
		resp_error(w, "ERR value is not an integer or out of range");
	else if (db < INT_MIN || db > INT_MAX)
		resp_errorf(w, "ERR value is out of range, value must between %d and %d", INT_MIN,
			    INT_MAX);
	else if (db != 0) /* one database, as in cluster mode */
		resp_error(w, "ERR DB index is out of range");
	else
		resp_simple(w, "OK");
}

void
cmd_quit(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	resp_simple(w, "OK");
	call->session->flags |= SESSION_CLOSE_AFTER_REPLY;
}

static bool
is_default_user(struct span user) /* names of users know upper and lower case */
{
	return user.len == 7 && memcmp(user.at, "default", 7) == 0;
}

static bool
password_fits(const struct server *server, struct span user, struct span password)
{
	const char *wanted = server->config.requirepass;
	size_t len = strlen(wanted);
	unsigned different = password.len != len || !is_default_user(user);
	/* Every byte is compared, so that time tells nothing. */
	for (size_t i = 0; i < password.len; i++)
		different |= (unsigned)(password.at[i] ^ wanted[len > 0 ? i % len : 0]);
	return different == 0 || (len == 0 && is_default_user(user));
}

static bool
authenticate(struct server *server, struct session *session, struct span user, struct span password,
	     struct resp_writer *w)
{
	if (password_fits(server, user, password)) {
		session->flags |= SESSION_AUTHENTICATED;
		return true;
	}
	resp_error(w, "WRONGPASS invalid username-password pair or user is disabled.");
	return false;
}

void
cmd_auth(struct server *server, struct call *call, struct resp_writer *w)
{
	if (call->argc > 3) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	if (call->argc == 2 && server->config.requirepass[0] == '\0') {
		resp_error(w, "ERR AUTH <password> called without any password configured for the "
			      "default user. Are you sure your configuration is correct?");
		return;
	}
	struct span user = call->argc == 3 ? call->argv[1] : SPAN("default");
	if (authenticate(server, call->session, user, call->argv[call->argc - 1], w))
		resp_simple(w, "OK");
}

void
cmd_reset(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *s = call->session;
	s->flags &= ~(uint32_t)(SESSION_READONLY | SESSION_ASKING | SESSION_REPLY_OFF |
				SESSION_NO_EVICT | SESSION_NO_TOUCH);
	session_rename(server, &s->name, SPAN(""));
	s->protocol = w->protocol = 2;
	if (server->config.requirepass[0] != '\0')
		s->flags &= ~(uint32_t)SESSION_AUTHENTICATED;
	resp_simple(w, "RESET");
}

/* ---- names ---- */

static bool
set_name(struct server *server, struct session *session, struct span name, struct resp_writer *w)
{
	bool fits = true;
	for (size_t i = 0; i < name.len && fits; i++)
		fits = name.at[i] >= '!' && name.at[i] <= '~';
	if (!fits) {
		resp_error(
			w,
			"ERR Client names cannot contain spaces, newlines or special characters.");
		return false;
	}
	if (session_rename(server, &session->name, name))
		return true;
	reply_out_of_memory(w);
	return false;
}

static void
reply_hello(struct server *server, struct session *session, struct resp_writer *w)
{
	w->protocol = session->protocol;
	resp_map(w, 7);
	resp_bulk_text(w, "server");
	resp_bulk_text(w, "redis");
	resp_bulk_text(w, "version");
	resp_bulk_text(w, "7.0.15");
	resp_bulk_text(w, "proto");
	resp_integer(w, session->protocol);
	resp_bulk_text(w, "id");
	resp_integer(w, (int64_t)session->id);
	resp_bulk_text(w, "mode");
	resp_bulk_text(w, server->group->slots != NULL ? "cluster" : "standalone");
	resp_bulk_text(w, "role");
	resp_bulk_text(w, server_is_replica(server) ? "replica" : "master");
	resp_bulk_text(w, "modules");
	resp_array(w, 0);
}

void
cmd_hello(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *session = call->session;
	int64_t protocol = session->protocol;
	if (call->argc > 1 && (!number_parse(call->argv[1].at, call->argv[1].len, &protocol) ||
			       protocol < 2 || protocol > 3)) {
		bool number = number_parse(call->argv[1].at, call->argv[1].len, &protocol);
		resp_error(w, number ? "NOPROTO unsupported protocol version"
				     : "ERR Protocol version is not an integer or out of range");
		return;
	}
	for (uint32_t i = 2; i < call->argc; i++) {
		uint32_t more = call->argc - i - 1;
		if (span_is(call->argv[i], "auth") && more >= 2) {
			if (!authenticate(server, session, call->argv[i + 1], call->argv[i + 2], w))
				return;
			i += 2;
		} else if (span_is(call->argv[i], "setname") && more >= 1) {
			if (!set_name(server, session, call->argv[++i], w))
				return;
		} else {
			resp_errorf(w, "ERR Syntax error in HELLO option '%.*s'",
				    (int)call->argv[i].len, (const char *)call->argv[i].at);
			return;
		}
	}
	if ((session->flags & SESSION_AUTHENTICATED) == 0) {
		resp_error(w,
			   "NOAUTH HELLO must be called with the client already authenticated, "
			   "otherwise the HELLO <proto> AUTH <user> <pass> option can be used to "
			   "authenticate the client and select the RESP protocol version at the "
			   "same time");
		return;
	}
	session->protocol = (uint8_t)protocol;
	reply_hello(server, session, w);
}

/* ---- CLIENT ---- */

#define CLIENT_LINE_MAX 512
#define FLAGS_MAX       16
#define PAUSE_MS_MAX    (UINT64_MAX / 2000) /* a longer pause has no end */

/* Redis's letters; N: none of them. */
static void
flag_letters(const struct session *s, char text[FLAGS_MAX])
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = {
		{SESSION_REPLICA,           'S'},
                {SESSION_PRIMARY,           'M'},
                {SESSION_WAITING,           'b'},
		{SESSION_CLOSE_AFTER_REPLY, 'c'},
                {SESSION_CLOSE_NOW,         'A'},
                {SESSION_READONLY,          'r'},
		{SESSION_NO_EVICT,          'e'},
	};
	size_t n = 0;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (s->flags & letters[i].flag)
			text[n++] = letters[i].letter;
	if (n == 0)
		text[n++] = 'N';
	text[n] = '\0';
}

static size_t
client_line(const struct server *server, const struct session *s, char *at, size_t size)
{
	uint64_t now_ms = server->now_us / 1000;
	char flags[FLAGS_MAX];
	flag_letters(s, flags);
	int n = snprintf(
		at, size,
		"id=%lu addr=%s laddr=%s fd=-1 name=%s age=%lu idle=%lu flags=%s db=0 sub=0 "
		"psub=0 ssub=0 multi=-1 qbuf=%lu qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 "
		"rbp=0 obl=0 oll=0 omem=%lu tot-mem=%lu events=r cmd=%s user=default "
		"redir=-1 resp=%u\n",
		s->id, s->address, s->local_address, s->name != NULL ? s->name : "",
		(now_ms - s->created_ms) / 1000, (now_ms - s->active_ms) / 1000, flags,
		s->input_held, s->output_held, s->input_held + s->output_held,
		s->last_command != NULL ? s->last_command->name : "NULL", s->protocol);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* Types as CLIENT LIST and KILL know them. Nobody is of pubsub until there is pub/sub. */
enum client_type { TYPE_NORMAL, TYPE_REPLICA, TYPE_MASTER, TYPE_PUBSUB, TYPE_ANY };

static enum client_type
type_of(const struct session *s)
{
	if (s->flags & SESSION_REPLICA)
		return TYPE_REPLICA;
	return s->flags & SESSION_PRIMARY ? TYPE_MASTER : TYPE_NORMAL;
}

static bool
take_client_type(struct span word, enum client_type *type, struct resp_writer *w)
{
	static const struct {
		const char *name;
		enum client_type type;
	} types[] = {
		{"normal",  TYPE_NORMAL },
                {"replica", TYPE_REPLICA},
                {"slave",   TYPE_REPLICA},
		{"master",  TYPE_MASTER },
                {"pubsub",  TYPE_PUBSUB },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is(word, types[i].name)) {
			*type = types[i].type;
			return true;
		}
	resp_errorf(w, "ERR Unknown client type '%.*s'", (int)word.len, (const char *)word.at);
	return false;
}

static bool
client_is_listed(const struct call *call, const struct session *s)
{
	int64_t id;
	for (uint32_t i = 3; i < call->argc; i++)
		if (number_parse(call->argv[i].at, call->argv[i].len, &id) && (uint64_t)id == s->id)
			return true;
	return call->argc == 2;
}

/* False: the error has been written. */
static bool
check_client_list(struct call *call, enum client_type *type, struct resp_writer *w)
{
	int64_t id;
	*type = TYPE_ANY;
	if (call->argc == 2)
		return true;
	if (call->argc == 4 && span_is(call->argv[2], "type"))
		return take_client_type(call->argv[3], type, w);
	if (call->argc == 3 || !span_is(call->argv[2], "id")) {
		resp_error(w, ERROR_SYNTAX);
		return false;
	}
	for (uint32_t i = 3; i < call->argc; i++)
		if (!number_parse(call->argv[i].at, call->argv[i].len, &id)) {
			resp_error(w, "ERR Invalid client ID");
			return false;
		}
	return true;
}

static void
client_list(struct server *server, struct call *call, struct resp_writer *w)
{
	enum client_type type;
	if (!check_client_list(call, &type, w))
		return;
	const struct server_group *group = server->group;
	size_t size = 1, len = 0;
	for (unsigned i = 0; i < group->count; i++)
		size += group->members[i]->session_count * CLIENT_LINE_MAX;
	char *text = server->allocator->alloc(server->allocator, size);
	const struct session *s;
	if (text == NULL) {
		reply_out_of_memory(w);
		return;
	}
	for (unsigned i = 0; i < group->count; i++)
		TAILQ_FOREACH (s, &group->members[i]->sessions, link)
			if (type != TYPE_ANY ? type_of(s) == type : client_is_listed(call, s))
				len += client_line(server, s, text + len, CLIENT_LINE_MAX);
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)text, len});
	server->allocator->release(server->allocator, text, size);
}

struct kill_filter {
	int64_t id; /* 0: any */
	struct span address, local_address;
	enum client_type type;
	bool by_address, by_local_address, skip_me;
};

/* One option and its value. False: the error has been written. */
static bool
take_kill_option(struct kill_filter *f, struct span option, struct span value,
		 struct resp_writer *w)
{
	if (span_is(option, "id")) {
		if (!number_parse(value.at, value.len, &f->id) || f->id < 1) {
			resp_error(w, "ERR client-id should be greater than 0");
			return false;
		}
	} else if (span_is(option, "type")) {
		if (!take_client_type(value, &f->type, w))
			return false;
	} else if (span_is(option, "addr")) {
		f->address = value;
		f->by_address = true;
	} else if (span_is(option, "laddr")) {
		f->local_address = value;
		f->by_local_address = true;
	} else if (span_is(option, "user")) {
		if (!is_default_user(value)) {
			resp_errorf(w, "ERR No such user '%.*s'", (int)value.len,
				    (const char *)value.at);
			return false;
		}
	} else if (span_is(option, "skipme") && (span_is(value, "yes") || span_is(value, "no"))) {
		f->skip_me = span_is(value, "yes");
	} else {
		resp_error(w, ERROR_SYNTAX);
		return false;
	}
	return true;
}

static bool
is_address(struct span word, const char *address)
{
	return word.len == strlen(address) && memcmp(word.at, address, word.len) == 0;
}

/* Those of one member: marked, and counted. */
static int64_t
kill_sessions_of(struct server *server, struct call *call, const struct kill_filter *f)
{
	int64_t killed = 0;
	struct session *s;
	TAILQ_FOREACH (s, &server->sessions, link) {
		if ((f->type != TYPE_ANY && type_of(s) != f->type) ||
		    (f->id != 0 && s->id != (uint64_t)f->id) ||
		    (f->by_address && !is_address(f->address, s->address)) ||
		    (f->by_local_address && !is_address(f->local_address, s->local_address)) ||
		    (s == call->session && f->skip_me))
			continue;
		s->flags |= s == call->session ? SESSION_CLOSE_AFTER_REPLY : SESSION_CLOSE_NOW;
		killed++;
	}
	if (killed > 0)
		server->wants |= SERVER_WANT_SWEEP;
	return killed;
}

static int64_t
kill_sessions(struct server *server, struct call *call, const struct kill_filter *f)
{
	int64_t killed = 0;
	for (unsigned i = 0; i < server->group->count; i++)
		killed += kill_sessions_of(server->group->members[i], call, f);
	return killed;
}

static void
client_kill(struct server *server, struct call *call, struct resp_writer *w)
{
	struct kill_filter f = {.skip_me = true, .type = TYPE_ANY};
	if (call->argc == 3) { /* the old form: an address alone, our own too */
		f = (struct kill_filter){
			.by_address = true, .address = call->argv[2], .type = TYPE_ANY};
		if (kill_sessions(server, call, &f) > 0)
			resp_simple(w, "OK");
		else
			resp_error(w, "ERR No such client");
		return;
	}
	for (uint32_t i = 2; i < call->argc; i += 2) {
		if (i + 1 == call->argc) {
			resp_error(w, ERROR_SYNTAX);
			return;
		}
		if (!take_kill_option(&f, call->argv[i], call->argv[i + 1], w))
			return;
	}
	resp_integer(w, kill_sessions(server, call, &f));
}

static void
client_reply(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *s = call->session;
	(void)server;
	if (span_is(call->argv[2], "on")) {
		s->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP |
					SESSION_REPLY_SKIP_NEXT);
		resp_simple(w, "OK");
	} else if (span_is(call->argv[2], "off")) {
		s->flags |= SESSION_REPLY_OFF;
	} else if (span_is(call->argv[2], "skip")) {
		if ((s->flags & SESSION_REPLY_OFF) == 0)
			s->flags |= SESSION_REPLY_SKIP_NEXT;
	} else {
		resp_error(w, ERROR_SYNTAX);
	}
}

static void
client_id(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	resp_integer(w, (int64_t)call->session->id);
}

static void
client_getname(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (call->session->name != NULL)
		resp_bulk_text(w, call->session->name);
	else
		resp_null(w);
}

static void
client_setname(struct server *server, struct call *call, struct resp_writer *w)
{
	if (set_name(server, call->session, call->argv[2], w))
		resp_simple(w, "OK");
}

static void
client_info(struct server *server, struct call *call, struct resp_writer *w)
{
	char line[CLIENT_LINE_MAX];
	size_t len = client_line(server, call->session, line, sizeof(line));
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)line, len});
}

/* ON or OFF sets or clears a flag. */
static void
change_flag(struct call *call, uint32_t flag, struct resp_writer *w)
{
	struct session *s = call->session;
	bool on = span_is(call->argv[2], "on");
	if (!on && !span_is(call->argv[2], "off")) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	s->flags = on ? s->flags | flag : s->flags & ~flag;
	resp_simple(w, "OK");
}

static void
client_no_evict(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	change_flag(call, SESSION_NO_EVICT, w);
}

static void
client_no_touch(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	change_flag(call, SESSION_NO_TOUCH, w);
}

/* There is no tracking: nobody is redirected to. */
static void
client_getredir(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_integer(w, -1);
}

static void
client_trackinginfo(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_map(w, 3);
	resp_bulk_text(w, "flags");
	resp_set(w, 1);
	resp_bulk_text(w, "off");
	resp_bulk_text(w, "redirect");
	resp_integer(w, -1);
	resp_bulk_text(w, "prefixes");
	resp_array(w, 0);
}

/* A second pause makes a first one that still holds longer and stricter, never shorter. */
static void
pause_all_members(struct server *server, enum pause_level level, uint64_t ms, struct resp_writer *w)
{
	uint64_t until_us = ms > PAUSE_MS_MAX ? UINT64_MAX - 1 : server->now_us + ms * 1000;
	for (unsigned i = 0; i < server->group->count; i++) {
		struct server *m = server->group->members[i];
		bool holds = server->now_us < m->pause_until_us;
		m->pause = holds && m->pause > level ? m->pause : level;
		m->pause_until_us =
			holds && m->pause_until_us > until_us ? m->pause_until_us : until_us;
	}
	resp_simple(w, "OK");
}

static void
client_pause(struct server *server, struct call *call, struct resp_writer *w)
{
	enum pause_level level = PAUSE_ALL;
	int64_t ms;
	if (call->argc > 4) {
		reply_subcommand_syntax(w, call);
		return;
	}
	if (call->argc == 4 && span_is(call->argv[3], "write")) {
		level = PAUSE_WRITES;
	} else if (call->argc == 4 && !span_is(call->argv[3], "all")) {
		resp_error(w, "ERR CLIENT PAUSE mode must be WRITE or ALL");
		return;
	}
	if (!number_parse(call->argv[2].at, call->argv[2].len, &ms))
		resp_error(w, "ERR timeout is not an integer or out of range");
	else if (ms < 0)
		resp_error(w, "ERR timeout is negative");
	else if (ms > INT64_MAX - (int64_t)server->unix_ms)
		resp_error(w, "ERR timeout is out of range");
	else
		pause_all_members(server, level, (uint64_t)ms, w);
}

static void
client_unpause(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	for (unsigned i = 0; i < server->group->count; i++)
		server->group->members[i]->pause_until_us = 0;
	resp_simple(w, "OK");
}

static struct session *
find_session(const struct server *server, int64_t id)
{
	struct session *s;
	for (unsigned i = 0; i < server->group->count; i++)
		TAILQ_FOREACH (s, &server->group->members[i]->sessions, link)
			if (s->id == (uint64_t)id)
				return s;
	return NULL;
}

/* Who is in WAIT is answered by its own lcore, on its next turn. */
static void
unblock(struct session *s, bool error, struct resp_writer *w)
{
	bool waits =
		s != NULL && (s->flags & (SESSION_WAITING | SESSION_UNBLOCKED)) == SESSION_WAITING;
	if (waits)
		s->flags |= error ? SESSION_UNBLOCKED | SESSION_UNBLOCK_ERROR : SESSION_UNBLOCKED;
	resp_integer(w, waits);
}

static void
client_unblock(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t id;
	if (call->argc > 4)
		reply_subcommand_syntax(w, call);
	else if (call->argc == 4 && !span_is(call->argv[3], "timeout") &&
		 !span_is(call->argv[3], "error"))
		resp_error(w, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
	else if (take_integer(call->argv[2], &id, w))
		unblock(find_session(server, id),
			call->argc == 4 && span_is(call->argv[3], "error"), w);
}

/* CLIENT TRACKING ON is refused: nobody is in a mode that these words would change. */
static void
client_caching(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_error(w,
		   "ERR CLIENT CACHING can be called only when the client is in tracking mode with "
		   "OPTIN or OPTOUT mode enabled");
}

static void
client_tracking(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (span_is(call->argv[2], "off") && call->argc == 3)
		resp_simple(w, "OK");
	else if (span_is(call->argv[2], "on"))
		resp_error(w, "ERR CLIENT TRACKING is not there yet");
	else
		resp_error(w, ERROR_SYNTAX);
}

/* Redis 7.2's, which client libraries of today send first: what they are called. */
static void
client_setinfo(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *s = call->session;
	struct span value = call->argv[3];
	bool name = span_is(call->argv[2], "lib-name");
	if (!name && !span_is(call->argv[2], "lib-ver")) {
		resp_errorf(w, "ERR Unrecognized option '%.*s'", (int)call->argv[2].len,
			    (const char *)call->argv[2].at);
		return;
	}
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < '!' || value.at[i] > '~' || value.len >= SESSION_NAME_MAX) {
			resp_errorf(w,
				    "ERR %s cannot contain spaces, newlines or special "
				    "characters.",
				    name ? "lib-name" : "lib-ver");
			return;
		}
	if (session_rename(server, name ? &s->lib_name : &s->lib_version, value))
		resp_simple(w, "OK");
	else
		reply_out_of_memory(w);
}

void
cmd_client(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"caching",      client_caching,      3 },
		{"getname",      client_getname,      2 },
		{"getredir",     client_getredir,     2 },
		{"id",           client_id,           2 },
		{"info",         client_info,         2 },
		{"kill",         client_kill,         -3},
		{"list",         client_list,         -2},
		{"no-evict",     client_no_evict,     3 },
		{"no-touch",     client_no_touch,     3 },
		{"pause",        client_pause,        -3},
		{"reply",        client_reply,        3 },
		{"setinfo",      client_setinfo,      4 },
		{"setname",      client_setname,      3 },
		{"tracking",     client_tracking,     -3},
		{"trackinginfo", client_trackinginfo, 2 },
		{"unblock",      client_unblock,      -3},
		{"unpause",      client_unpause,      2 },
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
