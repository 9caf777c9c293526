/* app/lcore/sync.c - the link to our primary: handshake, whole or partial sync, stream, ACKs (spec C1).
 *
 *     IDLE --> CONNECTING --> GREETING --> ASKING --> LOADING --> STREAMING
 *      ^                  any failure: retry        \-- +CONTINUE --^
 *      '---------------------------------------------------------'
 *
 * Everything that changes keys happens inside a barrier, so that one lcore may write to all keyspaces: what a turn has received is applied
 * together. Mail per command to its slot's lcore (DESIGN 4) was put off: it saves the barrier, and costs an order that has to be kept.
 */
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/lcore/rdb_keys.h"
#include "app/lcore/repl.h"
#include "app/store/slot_table.h"
#include "proto/base/assert.h"
#include "proto/base/number.h"
#include "proto/resp/parser.h"

#define LINE_MAX   512
#define BUFFER_MIN ((size_t)64 * 1024)
#define BUFFER_MAX (1ull << 30)
#define ARGS_MAX   1024u
#define CONNECT_US 3000000              /* a SYN that is not answered for so long is tried anew */
#define APPLY_MAX  ((size_t)256 * 1024) /* bytes applied inside one barrier */

enum sync_state {
	SYNC_IDLE,
	SYNC_CONNECTING,
	SYNC_GREETING,
	SYNC_ASKING,
	SYNC_LOADING,
	SYNC_STREAMING
};

enum greeting { GREET_PING, GREET_AUTH, GREET_PORT, GREET_CAPA, GREET_VERSION, GREET_DONE };

struct sync {
	enum sync_state state;
	struct conn *conn;
	bool conn_ended;
	enum greeting greeting; /* whose answer is awaited */
	uint64_t retry_at_us, ack_at_us, heard_at_us;
	/* bytes received and not used: lines, an RDB's tail, half a command */
	uint8_t *buffer;
	size_t from, len, size;
	/* whole sync */
	char id[REPL_ID_LEN + 1];
	uint64_t offset; /* of the snapshot */
	char mark[REPL_ID_LEN];
	bool by_mark, payload_begun;
	struct rdb_keys keys;
	/* stream */
	struct session session;
	struct resp_parser parser;
	struct span args[ARGS_MAX];
	uint64_t applied; /* offset of the command that is being applied */
};

/* ---- life ---- */

struct sync *
sync_create(struct repl_lcore *l)
{
	struct sync *s = l->allocator->alloc(l->allocator, sizeof(*s));
	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->session.flags = SESSION_PRIMARY | SESSION_AUTHENTICATED;
	s->session.protocol = 2;
	return s;
}

/* reason: for INFO and the log; a literal. */
static void
hang_up(struct repl_lcore *l, const char *reason)
{
	struct sync *s = l->sync;
	if (s->conn != NULL) {
		if (!s->conn_ended)
			conn_abort(s->conn);
		conn_release(s->conn, l->now_us);
		s->conn = NULL;
	}
	rdb_keys_free(&s->keys);
	l->allocator->release(l->allocator, s->buffer, s->size);
	s->buffer = NULL;
	s->from = s->len = s->size = 0;
	memset(&s->parser, 0, sizeof(s->parser));
	s->state = SYNC_IDLE;
	s->retry_at_us = l->now_us + REPL_RETRY_US;
	l->node->link_error = reason;
	if (atomic_exchange(&l->node->facts->link_up, false))
		atomic_store(&l->node->facts->link_at_us, l->now_us);
	slot_table_change_mode(l->node->slots, 0, SLOT_MODE_LINK_UP);
}

void
sync_destroy(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	if (s == NULL)
		return;
	hang_up(l, NULL);
	l->allocator->release(l->allocator, s, sizeof(*s));
	l->sync = NULL;
	slot_table_change_mode(l->node->slots, 0, SLOT_MODE_LOADING);
}

bool
sync_owns(const struct sync *s, const struct conn *conn)
{
	return s != NULL && s->conn == conn;
}

const char *
sync_state_name(const struct sync *s)
{
	static const char *const names[] = {"connect",   "connecting", "handshake",
					    "handshake", "sync",       "connected"};
	return names[s->state];
}

/* ---- sending ---- */

static bool
say(struct repl_lcore *l, const struct span *words, uint32_t count)
{
	char text[LINE_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "*%u\r\n", count);
	uint8_t *at, *end;
	for (uint32_t i = 0; i < count; i++) {
		if (len + words[i].len + 32 > sizeof(text))
			return false;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "$%zu\r\n%.*s\r\n",
					words[i].len, (int)words[i].len, (const char *)words[i].at);
	}
	if (!conn_room(l->sync->conn, (uint32_t)len, &at, &end))
		return false;
	memcpy(at, text, len);
	conn_commit(l->sync->conn, at + len);
	return true;
}

static void
acknowledge(struct repl_lcore *l, uint64_t offset)
{
	char text[NUMBER_SIZE_MAX];
	struct span words[3] = {
		SPAN("REPLCONF"),
		SPAN("ACK"),
		{(uint8_t *)text, number_format_unsigned(offset, text)}
        };
	if (say(l, words, 3))
		l->sync->ack_at_us = l->now_us + REPL_ACK_US;
}

static struct span
text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* The next question of the greeting; what a primary does not know it may refuse. */
static bool
greet(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	const struct config *config = server_config(l->server);
	char port[NUMBER_SIZE_MAX];
	struct span auth[3] = {SPAN("AUTH")};
	uint32_t n = 1;
	switch (s->greeting) {
	case GREET_PING:
		return say(l, (struct span[]){SPAN("PING")}, 1);
	case GREET_AUTH:
		if (config->masterauth[0] == '\0')
			break;
		if (config->masteruser[0] != '\0')
			auth[n++] = text_span(config->masteruser);
		auth[n++] = text_span(config->masterauth);
		return say(l, auth, n);
	case GREET_PORT:
		n = (uint32_t)number_format_unsigned(l->node->port, port);
		return say(l,
			   (struct span[]){
				   SPAN("REPLCONF"), SPAN("listening-port"), {(uint8_t *)port, n}
                },
			   3);
	case GREET_CAPA:
		return say(l,
			   (struct span[]){SPAN("REPLCONF"), SPAN("capa"), SPAN("eof"),
					   SPAN("capa"), SPAN("psync2")},
			   5);
	case GREET_VERSION: /* RDB 11, not 80, from Valkey 9.1 (spec C3) */
		return say(l, (struct span[]){SPAN("REPLCONF"), SPAN("version"), SPAN("8.1.0")}, 3);
	case GREET_DONE:
		return true;
	}
	s->greeting++;
	return greet(l);
}

static bool
ask_sync(struct repl_lcore *l)
{
	const struct repl *repl = l->node;
	char text[NUMBER_SIZE_MAX];
	size_t n = number_format_unsigned(stream_end(&repl->stream) + 1, text);
	l->sync->state = SYNC_ASKING;
	if (repl->backlog)
		return say(l,
			   (struct span[]){
				   SPAN("PSYNC"),
				   {(const uint8_t *)repl->id, REPL_ID_LEN},
				   {(uint8_t *)text,           n          }
                },
			   3);
	return say(l, (struct span[]){SPAN("PSYNC"), SPAN("?"), SPAN("-1")}, 3);
}

/* ---- receiving ---- */

static bool
collect(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	struct allocator *a = l->allocator;
	if (s->from > 0 && (s->from == s->len || s->from > s->size / 2)) {
		memmove(s->buffer, s->buffer + s->from, s->len - s->from);
		s->len -= s->from;
		s->from = 0;
	}
	for (;;) {
		struct span next = conn_peek(s->conn);
		if (next.len == 0 || s->len - s->from > BUFFER_MAX)
			return true;
		if (s->len + next.len > s->size) {
			size_t size =
				s->size * 2 > s->len + next.len ? s->size * 2 : s->len + next.len;
			size = size < BUFFER_MIN ? BUFFER_MIN : size;
			uint8_t *larger = a->resize(a, s->buffer, s->size, size);
			if (larger == NULL)
				return false;
			s->buffer = larger;
			s->size = size;
		}
		memcpy(s->buffer + s->len, next.at, next.len);
		s->len += next.len;
		conn_consume(s->conn, (uint32_t)next.len);
		if (s->len - s->from > APPLY_MAX)
			return true;
	}
}

/* A line without its end; false: not all here. Longer ones than LINE_MAX end the link. */
static bool
take_line(struct sync *s, char line[LINE_MAX])
{
	const uint8_t *at = s->buffer + s->from;
	const uint8_t *end = s->len > s->from ? memchr(at, '\n', s->len - s->from) : NULL;
	if (end == NULL)
		return false;
	size_t len = (size_t)(end - at);
	s->from += len + 1;
	if (len > 0 && at[len - 1] == '\r')
		len--;
	if (len >= LINE_MAX)
		len = LINE_MAX - 1;
	memcpy(line, at, len);
	line[len] = '\0';
	return true;
}

/* ---- whole sync ---- */

static bool
begin_loading(struct repl_lcore *l, const char *line)
{
	struct sync *s = l->sync;
	int64_t offset;
	if (strlen(line) < REPL_ID_LEN + 2 ||
	    !number_parse((const uint8_t *)line + REPL_ID_LEN + 1, strlen(line) - REPL_ID_LEN - 1,
			  &offset))
		return false;
	memcpy(s->id, line, REPL_ID_LEN);
	s->id[REPL_ID_LEN] = '\0';
	s->offset = (uint64_t)offset;
	s->state = SYNC_LOADING;
	s->payload_begun = false;
	return true;
}

/* "$<length>" or "$EOF:<mark>"; empty lines before it only say that the primary is alive. */
static bool
begin_payload(struct repl_lcore *l, const char *line)
{
	struct sync *s = l->sync;
	int64_t len = 0;
	if (line[0] == '\0')
		return true;
	s->by_mark = strncmp(line, "$EOF:", 5) == 0;
	if (s->by_mark ? strlen(line) != 5 + REPL_ID_LEN
		       : line[0] != '$' ||
				 !number_parse((const uint8_t *)line + 1, strlen(line + 1), &len))
		return false;
	if (s->by_mark)
		memcpy(s->mark, line + 5, REPL_ID_LEN);
	rdb_keys_free(&s->keys);
	rdb_keys_init(&s->keys, l->server, l->allocator, s->by_mark ? UINT64_MAX : (uint64_t)len);
	s->payload_begun = true;
	/* From here on the old data is gone, and so is the right to continue its history. */
	slot_table_change_mode(l->node->slots, SLOT_MODE_LOADING, 0);
	atomic_store(&l->node->facts->synced, false);
	l->node->backlog = false;
	for (unsigned i = 0; i < l->node->lcores; i++)
		keyspace_clear(l->node->group->members[i]->keys);
	return true;
}

/* NULL: go on; else why the link ends. */
static const char *
load_reason(const struct rdb_keys *keys, enum rdb_keys_refusal refusal)
{
	switch (refusal) {
	case RDB_KEYS_TAKEN:
		return NULL;
	case RDB_KEYS_NO_ROOM:
	case RDB_KEYS_NO_MEMORY:
		return "out of memory while loading";
	case RDB_KEYS_OTHER_TYPE:
		return "the primary holds a type that is not there yet";
	case RDB_KEYS_OTHER_DATABASE:
		return "the primary holds keys outside of database 0";
	case RDB_KEYS_FUNCTIONS:
		return "the primary holds functions, which are not there yet";
	case RDB_KEYS_BAD:
		break;
	}
	return rdb_event_name(keys->bad);
}

static void
finish_loading(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	struct repl *repl = l->node;
	memcpy(repl->id, s->id, sizeof(repl->id));
	memset(repl->id2, '0', REPL_ID_LEN);
	repl->second_offset = 0;
	repl->backlog = true;
	stream_restart(&repl->stream, s->offset);
	s->state = SYNC_STREAMING;
	slot_table_change_mode(repl->slots, SLOT_MODE_LINK_UP, SLOT_MODE_LOADING);
	atomic_store(&repl->facts->synced, true);
	atomic_store(&repl->facts->link_at_us, l->now_us);
	atomic_store(&repl->facts->link_up, true);
	repl->link_error = NULL;
	for (unsigned i = 0; i < repl->lcores; i++)
		repl_drop_replicas(repl->group->members[i]->hooks.replication);
	acknowledge(l, s->offset); /* a diskless primary waits for it (spec C1) */
}

static const char *
load(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	char line[LINE_MAX];
	while (!s->payload_begun) {
		if (!take_line(s, line))
			return NULL;
		if (!begin_payload(l, line))
			return "no payload where one was announced";
	}
	struct span in = {s->buffer + s->from, s->len - s->from};
	const char *reason = load_reason(&s->keys, rdb_keys_read(&s->keys, &in));
	if (reason != NULL)
		return reason;
	s->from = s->len - in.len;
	if (!s->keys.done)
		return NULL;
	if (s->by_mark) {
		if (in.len < REPL_ID_LEN)
			return NULL;
		if (memcmp(in.at, s->mark, REPL_ID_LEN) != 0)
			return "the mark behind the payload is not the one announced";
		s->from += REPL_ID_LEN;
	}
	rdb_keys_free(&s->keys);
	finish_loading(l);
	return NULL;
}

/* ---- the stream ---- */

static const char *
apply(struct repl_lcore *l, const struct span *argv, uint32_t argc)
{
	struct sync *s = l->sync;
	struct server *server = l->server;
	struct resp_writer w = {.sink = &call_nowhere, .protocol = 2};
	struct call call = {.session = &s->session, .argv = argv, .argc = argc};
	if (span_is(argv[0], "replconf")) {
		if (argc >= 2 && span_is(argv[1], "getack"))
			acknowledge(l, s->applied);
		return NULL;
	}
	/* One barrier holds all of a transaction that has come; readers see no more than on its primary. */
	if (span_is(argv[0], "multi") || span_is(argv[0], "exec"))
		return NULL;
	call_identify(server, &call);
	if (call.command == NULL)
		return "the primary sent a command that is not there yet";
	uint64_t errors = server_counters(server)->error_replies, unix_ms = server->unix_ms;
	server->unix_ms = 0; /* nothing has expired that the primary has not said so of */
	call.route = ROUTE_BARRIER;
	call_execute(server, &call, &w);
	server->unix_ms = unix_ms;
	if (server_counters(server)->error_replies == errors)
		return NULL;
	return strncmp(w.error, "OOM ", 4) == 0 ? "out of memory while applying"
						: "the primary's command was refused here";
}

/* As many whole commands as there are. */
static const char *
stream(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	struct resp_limits limits = {.bulk_max = RDB_STRING_MAX_DEFAULT};
	size_t begin = s->from;
	uint64_t base = stream_end(&l->node->stream);
	const char *reason = NULL;
	while (s->from < s->len && reason == NULL) {
		struct resp_command command;
		struct span *argv = s->args;
		uint32_t wide = 0;
		enum resp_status status = resp_parse(&s->parser, &limits, s->buffer + s->from,
						     s->len - s->from, argv, ARGS_MAX, &command);
		if (status == RESP_WIDE) {
			wide = command.argc;
			argv = l->allocator->alloc(l->allocator, wide * sizeof(*argv));
			if (argv == NULL)
				return "out of memory while applying";
			status = resp_parse(&s->parser, &limits, s->buffer + s->from,
					    s->len - s->from, argv, wide, &command);
		}
		s->applied = base + (s->from - begin);
		if (status == RESP_OK && command.argc > 0)
			reason = apply(l, argv, command.argc);
		if (wide > 0)
			l->allocator->release(l->allocator, argv, wide * sizeof(*argv));
		if (status == RESP_MORE)
			break;
		if (status != RESP_OK)
			return "the stream is not made of commands";
		s->from += command.size;
	}
	/* P1: our own stream is the primary's, in pieces that the ring takes. */
	while (begin < s->from && reason == NULL) {
		size_t n = s->from - begin;
		n = n < STREAM_SIZE_MIN / 2 ? n : STREAM_SIZE_MIN / 2;
		stream_append(&l->node->stream, l->self, (struct span){s->buffer + begin, n});
		begin += n;
	}
	return reason;
}

/* ---- answers ---- */

static const char *
continue_history(struct repl_lcore *l, const char *id)
{
	struct repl *repl = l->node;
	struct sync *s = l->sync;
	if (strlen(id) == REPL_ID_LEN && memcmp(id, repl->id, REPL_ID_LEN) != 0) {
		memcpy(repl->id2, repl->id, sizeof(repl->id2));
		repl->second_offset = stream_end(&repl->stream) + 1;
		memcpy(repl->id, id, REPL_ID_LEN);
		for (unsigned i = 0; i < repl->lcores; i++)
			repl_drop_replicas(repl->group->members[i]->hooks.replication);
	}
	s->state = SYNC_STREAMING;
	s->ack_at_us = l->now_us;
	slot_table_change_mode(repl->slots, SLOT_MODE_LINK_UP, SLOT_MODE_LOADING);
	atomic_store(&repl->facts->synced, true);
	atomic_store(&repl->facts->link_at_us, l->now_us);
	atomic_store(&repl->facts->link_up, true);
	repl->link_error = NULL;
	return NULL;
}

static const char *
on_answer(struct repl_lcore *l, const char *line)
{
	struct sync *s = l->sync;
	if (s->state == SYNC_GREETING) {
		if (line[0] == '-' && s->greeting == GREET_PING &&
		    strncmp(line, "-NOAUTH", 7) != 0 && strncmp(line, "-NOPERM", 7) != 0)
			return "the primary refused PING";
		if (line[0] == '-' && s->greeting == GREET_AUTH)
			return "the primary refused masterauth";
		if (++s->greeting == GREET_DONE)
			return ask_sync(l) ? NULL : "no room to send";
		return greet(l) ? NULL : "no room to send";
	}
	if (line[0] == '\0')
		return NULL;
	if (strncmp(line, "+FULLRESYNC ", 12) == 0)
		return begin_loading(l, line + 12) ? NULL : "FULLRESYNC without a history";
	if (strncmp(line, "+CONTINUE", 9) == 0)
		return continue_history(l, line[9] == ' ' ? line + 10 : "");
	return "the primary cannot sync now";
}

/* Inside a barrier: all that has come. */
void
sync_act(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	const char *reason = NULL;
	char line[LINE_MAX];
	if (s == NULL || s->conn == NULL)
		return;
	if (!collect(l))
		reason = "out of memory while receiving";
	while (reason == NULL && (s->state == SYNC_GREETING || s->state == SYNC_ASKING) &&
	       take_line(s, line))
		reason = on_answer(l, line);
	if (reason == NULL && s->state == SYNC_LOADING)
		reason = load(l);
	if (reason == NULL && s->state == SYNC_STREAMING)
		reason = stream(l);
	if (reason != NULL)
		hang_up(l, reason);
}

bool
sync_waits(const struct sync *s)
{
	return s != NULL && s->conn != NULL && conn_unread(s->conn) > 0;
}

/* ---- time and connection ---- */

void
sync_event(struct repl_lcore *l, uint8_t events)
{
	struct sync *s = l->sync;
	if (events & CONN_READABLE) {
		s->heard_at_us = l->now_us;
		atomic_store_explicit(&l->node->facts->link_at_us, l->now_us, memory_order_relaxed);
	}
	if ((events & CONN_CONNECTED) && s->state == SYNC_CONNECTING) {
		s->state = SYNC_GREETING;
		s->greeting = GREET_PING;
		if (!greet(l))
			hang_up(l, "no room to send");
	}
	s->conn_ended = (events & CONN_END) != 0;
	if (events & (CONN_PEER_DONE | CONN_END))
		hang_up(l, "the primary closed the connection");
}

static void
connect_again(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	const struct repl *repl = l->node;
	s->conn = stack_connect(l->stack, repl->primary_address, repl->primary_port, s, l->now_us);
	s->retry_at_us = l->now_us + REPL_RETRY_US;
	if (s->conn == NULL)
		return;
	s->conn_ended = false;
	s->state = SYNC_CONNECTING;
	s->heard_at_us = l->now_us;
}

bool
sync_turn(struct repl_lcore *l)
{
	struct sync *s = l->sync;
	if (s == NULL)
		return false;
	uint64_t silence_us = l->now_us - s->heard_at_us;
	if (s->state == SYNC_IDLE && l->now_us >= s->retry_at_us) {
		connect_again(l);
		return true;
	}
	if (s->state == SYNC_CONNECTING && silence_us > CONNECT_US)
		hang_up(l, "the primary does not answer");
	if (s->state != SYNC_IDLE &&
	    silence_us > (uint64_t)server_config(l->server)->repl_timeout_s * 1000000)
		hang_up(l, "repl-timeout: the primary is silent");
	if (s->state == SYNC_STREAMING && l->now_us >= s->ack_at_us)
		acknowledge(l, stream_end(&l->node->stream));
	return false;
}

uint64_t
sync_next_at(const struct sync *s)
{
	if (s == NULL)
		return UINT64_MAX;
	return s->state == SYNC_STREAMING ? s->ack_at_us
	       : s->state == SYNC_IDLE    ? s->retry_at_us
					  : s->heard_at_us + 1000000;
}
