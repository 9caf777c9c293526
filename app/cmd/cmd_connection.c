/* app/cmd/cmd_connection.c - the session itself: PING to HELLO, and CLIENT. */
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
password_fits(const struct server *server, struct span user, struct span password)
{
	const char *wanted = server->config.requirepass;
	size_t len = strlen(wanted);
	unsigned different = password.len != len || !span_is(user, "default");
	/* Every byte is compared, so that time tells nothing. */
	for (size_t i = 0; i < password.len; i++)
		different |= (unsigned)(password.at[i] ^ wanted[len > 0 ? i % len : 0]);
	return different == 0 || (len == 0 && span_is(user, "default"));
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
	s->name[0] = '\0';
	s->protocol = w->protocol = 2;
	if (server->config.requirepass[0] != '\0')
		s->flags &= ~(uint32_t)SESSION_AUTHENTICATED;
	resp_simple(w, "RESET");
}

/* ---- names ---- */

static bool
set_name(struct session *session, struct span name, struct resp_writer *w)
{
	bool fits = name.len < SESSION_NAME_MAX;
	for (size_t i = 0; i < name.len && fits; i++)
		fits = name.at[i] >= '!' && name.at[i] <= '~';
	if (!fits) {
		resp_error(
			w,
			"ERR Client names cannot contain spaces, newlines or special characters.");
		return false;
	}
	if (name.len > 0)
		memcpy(session->name, name.at, name.len);
	session->name[name.len] = '\0';
	return true;
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
	resp_bulk_text(w, "standalone");
	resp_bulk_text(w, "role");
	resp_bulk_text(w, "master");
	resp_bulk_text(w, "modules");
	resp_array(w, 0);
	(void)server;
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
			if (!set_name(session, call->argv[++i], w))
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

static size_t
client_line(const struct server *server, const struct session *s, char *at, size_t size)
{
	uint64_t now_ms = server->now_us / 1000;
	int n = snprintf(
		at, size,
		"id=%lu addr=%s laddr=%s fd=-1 name=%s age=%lu idle=%lu flags=N db=0 sub=0 "
		"psub=0 ssub=0 multi=-1 qbuf=%lu qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 "
		"rbp=0 obl=0 oll=0 omem=%lu tot-mem=%lu events=r cmd=%s user=default "
		"redir=-1 resp=%u\n",
		s->id, s->address, s->local_address, s->name, (now_ms - s->created_ms) / 1000,
		(now_ms - s->active_ms) / 1000, s->input_held, s->output_held,
		s->input_held + s->output_held,
		s->last_command != NULL ? s->last_command->name : "NULL", s->protocol);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static void
client_list(struct server *server, struct resp_writer *w)
{
	size_t size = server->session_count * CLIENT_LINE_MAX + 1, len = 0;
	char *text = server->allocator->alloc(server->allocator, size);
	const struct session *s;
	if (text == NULL) {
		reply_out_of_memory(w);
		return;
	}
	TAILQ_FOREACH (s, &server->sessions, link)
		len += client_line(server, s, text + len, CLIENT_LINE_MAX);
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)text, len});
	server->allocator->release(server->allocator, text, size);
}

static void
client_kill(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *s;
	int64_t id = 0, killed = 0;
	bool old_style = call->argc == 3, by_id = false, skip_me = true;
	struct span address = old_style ? call->argv[2] : SPAN("");
	for (uint32_t i = 2; !old_style && i < call->argc; i += 2) {
		struct span word = i + 1 < call->argc ? call->argv[i + 1] : SPAN("");
		if (span_is(call->argv[i], "id") && number_parse(word.at, word.len, &id))
			by_id = true;
		else if (span_is(call->argv[i], "addr") && word.len > 0)
			address = word;
		else if (span_is(call->argv[i], "skipme") && word.len > 0)
			skip_me = span_is(word, "yes");
		else {
			resp_error(w, ERROR_SYNTAX);
			return;
		}
	}
	TAILQ_FOREACH (s, &server->sessions, link) {
		if ((by_id && s->id != (uint64_t)id) ||
		    (address.len > 0 && !span_is(address, s->address)) ||
		    (s == call->session && skip_me && !old_style))
			continue;
		s->flags |= s == call->session ? SESSION_CLOSE_AFTER_REPLY : SESSION_CLOSE_NOW;
		killed++;
	}
	if (killed > 0)
		server->wants |= SERVER_WANT_SWEEP;
	if (!old_style)
		resp_integer(w, killed);
	else if (killed > 0)
		resp_simple(w, "OK");
	else
		resp_error(w, "ERR No such client");
}

static void
client_reply(struct call *call, struct resp_writer *w)
{
	struct session *s = call->session;
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

void
cmd_client(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *s = call->session;
	struct span sub = call->argv[1];
	char line[CLIENT_LINE_MAX];
	if (span_is(sub, "id") && call->argc == 2) {
		resp_integer(w, (int64_t)s->id);
	} else if (span_is(sub, "getname") && call->argc == 2) {
		if (s->name[0] != '\0')
			resp_bulk_text(w, s->name);
		else
			resp_null(w);
	} else if (span_is(sub, "setname") && call->argc == 3) {
		if (set_name(s, call->argv[2], w))
			resp_simple(w, "OK");
	} else if (span_is(sub, "list") && call->argc == 2) {
		client_list(server, w);
	} else if (span_is(sub, "info") && call->argc == 2) {
		size_t len = client_line(server, s, line, sizeof(line));
		resp_verbatim(w, "txt", (struct span){(const uint8_t *)line, len});
	} else if (span_is(sub, "kill") && call->argc >= 3) {
		client_kill(server, call, w);
	} else if (span_is(sub, "reply") && call->argc == 3) {
		client_reply(call, w);
	} else if (span_is(sub, "no-evict") && call->argc == 3) {
		resp_simple(w, "OK");
	} else {
		reply_unknown_subcommand(w, call);
	}
}
