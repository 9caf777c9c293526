/* app/lcore/serve.c - the request flow of ARCHITECTURE.md, from ready connections to queued replies.
 *
 * A source is one contiguous piece of input: an mbuf, or a client's collected bytes. Commands are taken from a client's current
 * source only; when it is used up and more has arrived, the group runs first, because giving the source back ends the life of
 * the arguments (R2). With one command per segment, the common case, a group spans up to sixteen connections.
 */
#include "app/lcore/serve_internal.h"

#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/assert.h"

void
serve_init(struct serve *serve, const struct serve_options *options)
{
	memset(serve, 0, sizeof(*serve));
	serve->of = *options;
	STAILQ_INIT(&serve->closing);
	STAILQ_INIT(&serve->outgoing);
	STAILQ_INIT(&serve->acting);
	STAILQ_INIT(&serve->acted);
	STAILQ_INIT(&serve->waiting);
	STAILQ_INIT(&serve->paused);
	STAILQ_INIT(&serve->held);
}

enum pause_level
serve_pause_level(const struct serve *serve)
{
	const struct repl_lcore *repl = serve->of.repl;
	enum pause_level level = server_pause_level(serve->of.server);
	if (level == PAUSE_NONE && repl != NULL &&
	    repl_facts_paused(repl->node->facts, repl->now_us))
		level = PAUSE_WRITES;
	return level;
}

bool
serve_client_stopped(const struct client *client)
{
	return client->writer.failed ||
	       (client->session.flags & (SESSION_CLOSE_NOW | SESSION_CLOSE_AFTER_REPLY)) != 0;
}

/* ---- running a group ---- */

void
serve_mark_end(struct serve *serve, struct client *client, enum client_end end)
{
	if (client->end != CLIENT_OPEN)
		return;
	client->end = (uint8_t)end;
	if (client->parcel != NULL)
		return; /* when it is back */
	STAILQ_INSERT_TAIL(&serve->closing, client, closing_link);
}

void
serve_run_group(struct serve *serve)
{
	if (serve->count > 0) {
		call_prefetch(serve->of.server, serve->calls, serve->count);
		serve->counters.batches++;
		serve->counters.calls += serve->count;
	}
	for (uint32_t i = 0; i < serve->count; i++) {
		struct client *client = serve->owners[i];
		if (!serve_client_stopped(client))
			call_execute(serve->of.server, &serve->calls[i], &client->writer);
	}
	for (uint32_t i = 0; i < serve->source_count; i++) {
		struct client *client = serve->sources[i];
		client->in_group = false;
		client_take(client);
		if (!client_flush(client))
			serve_mark_end(serve, client, CLIENT_END_OUTPUT);
		else if (serve_client_stopped(client))
			serve_mark_end(serve, client, CLIENT_END_QUIT);
	}
	serve->count = serve->source_count = serve->args_used = 0;
}

static void
add_source(struct serve *serve, struct client *client)
{
	if (client->in_group)
		return;
	client->in_group = true;
	serve->sources[serve->source_count++] = client;
}

static void
add_call(struct serve *serve, struct client *client, const struct call *call)
{
	serve->owners[serve->count] = client;
	serve->calls[serve->count] = *call;
	serve->calls[serve->count].follows = serve->count > 0;
	serve->count++;
}

/* ---- taking commands from a source ---- */

static struct resp_limits
limits_of(const struct serve *serve, const struct client *client)
{
	const struct config *config = server_config(serve->of.server);
	return (struct resp_limits){
		.bulk_max = config->proto_max_bulk_len,
		.unauthenticated = (client->session.flags & SESSION_AUTHENTICATED) == 0,
	};
}

enum resp_status
serve_parse(struct serve *serve, struct client *client, struct span source, struct call *call,
	    struct resp_command *command)
{
	struct resp_limits limits = limits_of(serve, client);
	struct span *argv = &serve->args[serve->args_used];
	enum resp_status status = resp_parse(
		&client->parser, &limits, (uint8_t *)(uintptr_t)source.at + client->taken,
		source.len - client->taken, argv, SERVE_ARGS_MAX - serve->args_used, command);
	if (status != RESP_OK || command->argc == 0)
		return status;
	*call = (struct call){.session = &client->session, .argv = argv, .argc = command->argc};
	call_identify(serve->of.server, call);
	if (call_is_paused(call, serve_pause_level(serve)))
		call->route = ROUTE_PAUSED;
	return RESP_OK;
}

bool
serve_runs_here(const struct serve *serve, const struct call *call)
{
	return call->route == ROUTE_HERE ||
	       (call->route == ROUTE_MEMBER && call->member == serve->of.self - 1);
}

static enum pump
pump_source(struct serve *serve, struct client *client, struct resp_command *command)
{
	struct span source = client_source(client);
	for (;;) {
		struct call call;
		if (client->taken == source.len)
			return PUMP_EXHAUSTED;
		if (serve->count == CALL_BATCH_MAX || serve->source_count == CALL_BATCH_MAX)
			return PUMP_FULL;
		enum resp_status status = serve_parse(serve, client, source, &call, command);
		if (status == RESP_MORE)
			return PUMP_STARVED;
		if (status == RESP_WIDE)
			return serve->args_used > 0 ? PUMP_FULL : PUMP_WIDE;
		if (status != RESP_OK) {
			client->protocol_error = (uint8_t)status;
			return PUMP_BROKEN;
		}
		client->session.bytes_in += command->size;
		if (command->argc > 0 && !serve_runs_here(serve, &call))
			return serve_park(serve, client, &call, command);
		client->taken += command->size;
		add_source(serve, client);
		if (command->argc == 0)
			continue;
		serve->args_used += command->argc;
		add_call(serve, client, &call);
	}
}

/* A command with more arguments than a group has room for: alone, with arguments on the heap. */
static bool
run_wide(struct serve *serve, struct client *client, uint32_t argc)
{
	struct allocator *a = serve->of.allocator;
	struct span *argv = a->alloc(a, argc * sizeof(*argv));
	struct resp_limits limits = limits_of(serve, client);
	struct resp_command command;
	if (argv == NULL)
		return false;
	struct span source = client_source(client);
	enum resp_status status = resp_parse(&client->parser, &limits,
					     (uint8_t *)(uintptr_t)source.at + client->taken,
					     source.len - client->taken, argv, argc, &command);
	bool done = status == RESP_OK;
	if (done) {
		struct call call = {
			.session = &client->session, .argv = argv, .argc = command.argc};
		call_identify(serve->of.server, &call);
		if (serve_runs_here(serve, &call)) {
			client->taken += command.size;
			add_source(serve, client);
			add_call(serve, client, &call);
			serve_run_group(serve);
		} else {
			done = serve_park(serve, client, &call, &command) == PUMP_PARKED;
		}
	}
	a->release(a, argv, argc * sizeof(*argv));
	return done;
}

void
serve_end_broken(struct serve *serve, struct client *client)
{
	char text[64];
	resp_status_text(&client->parser, (enum resp_status)client->protocol_error, text);
	resp_errorf(&client->writer, "ERR %s", text);
	client->session.flags |= SESSION_CLOSE_AFTER_REPLY;
	client_flush(client);
	serve_mark_end(serve, client, CLIENT_END_QUIT);
}

/* One source of one client. True: there may be more to do. */
static bool
pump_step(struct serve *serve, struct client *client)
{
	struct resp_command command;
	const struct config *config = server_config(serve->of.server);
	switch (pump_source(serve, client, &command)) {
	case PUMP_EXHAUSTED:
		if (conn_unread(client->conn) == (client->input != NULL ? 0 : client->taken))
			return false; /* its commands run when the group is full, or last */
		/* What came while a parcel was away is announced no more. */
		serve_run_group(serve);
		return true;
	case PUMP_STARVED:
		serve_run_group(serve);
		if (conn_unread(client->conn) == 0)
			return false;
		if (client_collect(client, command.want, config->client_query_buffer_limit))
			return true;
		serve_mark_end(serve, client, CLIENT_END_INPUT);
		return false;
	case PUMP_WIDE:
		if (run_wide(serve, client, command.argc))
			return client->parcel == NULL;
		serve_mark_end(serve, client, CLIENT_END_INPUT);
		return false;
	case PUMP_BROKEN:
		serve_run_group(
			serve); /* what came before it is answered, and may have been QUIT */
		if (serve_client_stopped(client))
			serve_mark_end(serve, client, CLIENT_END_QUIT);
		else
			serve_end_broken(serve, client);
		return false;
	case PUMP_FULL:
		serve_run_group(serve);
		return true;
	case PUMP_PARKED:
		return false;
	}
	return false;
}

/* A parked client goes on when its parcel is back. */
void
serve_pump(struct serve *serve, struct client *client)
{
	while (client->parcel == NULL && !serve_client_stopped(client) && !serve->draining &&
	       pump_step(serve, client))
		;
}

/* ---- life of clients ---- */

static const char too_many[] = "-ERR max number of clients reached\r\n";

static void
accept_client(struct serve *serve, struct conn *conn, uint64_t now_us)
{
	struct server *server = serve->of.server;
	uint8_t *at, *end;
	struct client *client = NULL;
	conn_head(conn)->user = NULL;
	uint32_t clients = atomic_load_explicit(serve->of.clients, memory_order_relaxed);
	if (clients < server_config(server)->maxclients && !serve->draining)
		client = client_open(server, serve->of.allocator, conn, serve->of.local_address,
				     now_us / 1000);
	if (client != NULL) {
		conn_head(conn)->user = client;
		atomic_fetch_add_explicit(serve->of.clients, 1, memory_order_relaxed);
		return;
	}
	serve->counters.refused_maxclients++;
	server_counters(server)->rejected_connections++;
	if (conn_room(conn, (uint32_t)(sizeof(too_many) - 1), &at, &end)) {
		memcpy(at, too_many, (sizeof(too_many) - 1));
		conn_commit(conn, at + (sizeof(too_many) - 1));
	}
	conn_release(conn, now_us);
}

static void
end_client(struct serve *serve, struct client *client, uint64_t now_us)
{
	struct conn *conn = client->conn;
	serve->counters.ended[client->end]++;
	atomic_fetch_sub_explicit(serve->of.clients, 1, memory_order_relaxed);
	/* What a client sent after its last command is dropped, not answered with RST: that could overtake the reply. */
	conn_consume(conn, conn_unread(conn));
	if (client->end == CLIENT_END_OUTPUT || client->end == CLIENT_END_INPUT)
		conn_abort(conn);
	if (client->session.flags & SESSION_REPLICA)
		repl_client_gone(serve->of.repl, client);
	client_free(serve->of.server, client);
	conn_release(conn, now_us);
}

void
serve_end_marked(struct serve *serve, uint64_t now_us)
{
	struct client *client;
	while ((client = STAILQ_FIRST(&serve->closing)) != NULL) {
		STAILQ_REMOVE_HEAD(&serve->closing, closing_link);
		end_client(serve, client, now_us);
	}
}

static void
serve_conn(struct serve *serve, struct conn *conn, uint64_t now_us)
{
	struct conn_head *head = conn_head(conn);
	uint8_t events = head->events;
	head->events = 0;
	if (serve->of.repl != NULL && repl_owns(serve->of.repl, conn)) {
		repl_conn_event(serve->of.repl, conn, events);
		return;
	}
	if (events & CONN_ACCEPTED)
		accept_client(serve, conn, now_us);
	struct client *client = head->user;
	if (client == NULL) { /* refused above, or ended before it could be accepted */
		if (events & CONN_END)
			conn_release(conn, now_us);
		return;
	}
	if (events & CONN_READABLE)
		serve_pump(serve, client);
	if (events & (CONN_PEER_DONE | CONN_END))
		serve_mark_end(serve, client, CLIENT_END_PEER);
}

void
serve_ready(struct serve *serve, uint64_t now_us)
{
	struct conn *conn;
	while ((conn = stack_next_ready(serve->of.stack)) != NULL)
		serve_conn(serve, conn, now_us);
	serve_run_group(serve);
	serve_end_marked(serve, now_us);
}

void
serve_sweep(struct serve *serve, uint64_t now_us)
{
	struct session *session;
	TAILQ_FOREACH (session, server_sessions(serve->of.server), link)
		if (session->flags & SESSION_CLOSE_NOW)
			serve_mark_end(serve, (struct client *)session, CLIENT_END_KILLED);
	serve_end_marked(serve, now_us);
}

void
serve_drain(struct serve *serve, uint64_t now_us)
{
	struct session *session;
	serve->draining = true;
	TAILQ_FOREACH (session, server_sessions(serve->of.server), link)
		serve_mark_end(serve, (struct client *)session, CLIENT_END_QUIT);
	serve_end_marked(serve, now_us);
}
