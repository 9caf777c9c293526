/* app/lcore/away.c - commands that another lcore serves, or that run while all stand still: parcels out, replies back.
 *
 * The mail that carries a parcel is the only thing that moves: arguments are read where they arrived, replies are sent from where they were
 * written. Rejected: copying arguments into the mail, which would let the client go on parsing but costs a copy of every value.
 */
#include "app/lcore/serve_internal.h"

#include "app/cmd/command.h"
#include "proto/base/assert.h"
#include "proto/base/number.h"

#define WAIT_MS_MAX (INT64_MAX / 2000)

/* ---- mail ---- */

static void
post(struct serve *serve, struct parcel *p)
{
	enum mail_kind kind = p->to == p->home ? MAIL_REPLIES : MAIL_CALLS;
	if (STAILQ_EMPTY(&serve->outgoing) &&
	    mail_send(serve->of.office, serve->of.self, p->to, kind, (uintptr_t)p, 0))
		return;
	serve->counters.mail_full++;
	STAILQ_INSERT_TAIL(&serve->outgoing, p, link);
}

/* A reply's bytes have left: its memory goes back to the lcore it is of (parcel.h Q3). */
static void
part_done(void *serve_owner, void *object)
{
	struct serve *serve = serve_owner;
	struct parcel_part *part = object;
	if (part->lcore == serve->of.self) {
		parcel_part_free(part);
		return;
	}
	part->next = serve->used_parts;
	serve->used_parts = part;
}

static void
post_waiting(struct serve *serve)
{
	struct parcel *p;
	while (serve->used_parts != NULL) {
		struct parcel_part *part = serve->used_parts;
		if (!mail_send(serve->of.office, serve->of.self, part->lcore, MAIL_PART_DONE,
			       (uintptr_t)part, 0))
			break;
		serve->used_parts = part->next; /* NOLINT(clang-analyzer-unix.Malloc) */
	}
	while ((p = STAILQ_FIRST(&serve->outgoing)) != NULL) {
		enum mail_kind kind = p->to == p->home ? MAIL_REPLIES : MAIL_CALLS;
		if (!mail_send(serve->of.office, serve->of.self, p->to, kind, (uintptr_t)p, 0))
			break;
		STAILQ_REMOVE_HEAD(&serve->outgoing, link);
	}
}

/* ---- commands that run elsewhere ---- */

/* More commands of the client that go the same way: only such as can be parsed again if they do not. */
static void
gather(struct serve *serve, struct client *client, struct parcel *p, const struct call *first)
{
	struct span source = client_source(client);
	while (client->taken < source.len && source.at[client->taken] == '*') {
		struct resp_command command;
		struct call call;
		enum resp_status status = serve_parse(serve, client, source, &call, &command);
		if (status != RESP_OK && status != RESP_MORE && status != RESP_WIDE)
			client->protocol_error = (uint8_t)status; /* told when the parcel is back */
		if (status != RESP_OK || command.argc == 0 || call.route != first->route ||
		    call.member != first->member || !parcel_add(p, &call))
			return;
		client->taken += command.size;
		client->session.bytes_in += command.size;
	}
}

/* NULL: no memory. */
static struct config *
copy_config(struct serve *serve)
{
	struct allocator *a = serve->of.allocator;
	struct config *copy = a->alloc(a, sizeof(*copy));
	if (copy == NULL || config_copy(copy, server_config(serve->of.server)))
		return copy;
	a->release(a, copy, sizeof(*copy));
	return NULL;
}

static void
free_config(struct serve *serve, struct config *config)
{
	if (config == NULL)
		return;
	config_free(config);
	serve->of.allocator->release(serve->of.allocator, config, sizeof(*config));
}

/* To the lcore that serves it, or to where it waits for the barrier. */
static void
send_off(struct serve *serve, struct parcel *p)
{
	const struct call *call = &p->calls[0];
	if (call->route == ROUTE_BARRIER) {
		p->calls[0].session = &p->client->session; /* it runs on this lcore */
		STAILQ_INSERT_TAIL(&serve->acting, p, link);
		return;
	}
	if (call->route == ROUTE_REWRITE)
		p->config = copy_config(serve);
	bool control = call->route == ROUTE_CONTROL || call->route == ROUTE_REWRITE;
	p->to = control ? 0 : call->member + 1u;
	serve->counters.parcels_sent++;
	post(serve, p);
}

/* What the client wrote is in the stream below its end. Arguments that are wrong are answered at once, by the handler. */
static void
begin_wait(struct serve *serve, struct parcel *p)
{
	struct repl_lcore *repl = serve->of.repl;
	const struct span *argv = p->calls[0].argv;
	int64_t timeout_ms;
	repl_flush(repl);
	p->wait_offset = stream_end(&repl->node->stream);
	p->wait_until_us = 0;
	if (number_parse(argv[1].at, argv[1].len, &p->wait_count) &&
	    number_parse(argv[2].at, argv[2].len, &timeout_ms) && timeout_ms >= 0)
		p->wait_until_us = timeout_ms == 0 || timeout_ms > WAIT_MS_MAX
					   ? UINT64_MAX
					   : repl->now_us + (uint64_t)timeout_ms * 1000;
	p->client->session.flags |= SESSION_WAITING;
	serve->of.server->blocked++;
	STAILQ_INSERT_TAIL(&serve->waiting, p, link);
	if ((int64_t)repl_acked(repl->node, p->wait_offset) < p->wait_count)
		repl_ask_acks(repl);
}

static void
pause_parcel(struct serve *serve, struct parcel *p, struct parcel_list *list)
{
	enum pause_level level = serve_pause_level(serve);
	serve->paused_at = level > serve->paused_at ? level : serve->paused_at;
	STAILQ_INSERT_TAIL(list, p, link);
}

enum pump
serve_park(struct serve *serve, struct client *client, const struct call *call,
	   const struct resp_command *command)
{
	if (client->in_group)
		serve_run_group(serve);
	if (serve_client_stopped(client))
		return PUMP_EXHAUSTED;
	client->taken += command->size;
	struct parcel *p = parcel_create(serve->of.allocator, call->argc);
	if (p == NULL) {
		serve_mark_end(serve, client, CLIENT_END_INPUT);
		return PUMP_PARKED;
	}
	p->client = client;
	p->home = serve->of.self;
	p->session = client->session;
	client->parcel = p;
	bool added = parcel_add(p, call);
	ASSERT(added);
	if (call->route == ROUTE_WAIT) {
		begin_wait(serve, p);
	} else if (call->route == ROUTE_PAUSED) {
		pause_parcel(serve, p, &serve->paused);
	} else {
		if (call->route != ROUTE_BARRIER && call->route != ROUTE_REWRITE)
			gather(serve, client, p, call);
		send_off(serve, p);
	}
	return PUMP_PARKED;
}

/* What commands may change in a session while it is away. */
static void
session_merge(struct session *session, const struct session *travelled)
{
	const uint32_t changes = SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT | SESSION_ASKING;
	session->flags = (session->flags & ~changes) | (travelled->flags & changes);
	session->last_command = travelled->last_command;
	session->commands = travelled->commands;
	session->active_ms = travelled->active_ms;
}

static void
write_replies(struct serve *serve, struct client *client, struct parcel *p)
{
	struct resp_writer *w = &client->writer;
	resp_raw(w, (struct span){p->bytes, p->inline_len});
	struct parcel_part *part = p->parts.first;
	while (part != NULL) {
		struct parcel_part *next = part->next;
		bool small = part->bytes.len < RESP_REF_MIN / 8;
		if (small)
			resp_raw(w, part->bytes);
		if (small || w->failed ||
		    !w->sink->by_reference(w, part->bytes, part_done, serve, part)) {
			w->failed |= !small;
			part_done(serve, part);
		}
		part = next;
	}
	w->failed |= p->writer.failed;
}

static void
deliver(struct serve *serve, struct parcel *p)
{
	struct client *client = p->client;
	client->parcel = NULL;
	if (p->calls[0].session == &p->session)
		session_merge(&client->session, &p->session);
	write_replies(serve, client, p);
	free_config(serve, p->config);
	parcel_free(serve->of.allocator, p);
	client_take(client);
	bool flushed = client_flush(client);
	if (client->end != CLIENT_OPEN)
		STAILQ_INSERT_TAIL(&serve->closing, client, closing_link);
	else if (!flushed)
		serve_mark_end(serve, client, CLIENT_END_OUTPUT);
	else if (client->protocol_error != RESP_OK)
		serve_end_broken(serve, client);
	else if (serve_client_stopped(client))
		serve_mark_end(serve, client, CLIENT_END_QUIT);
	else
		serve_pump(serve, client);
}

static void
serve_parcel(struct serve *serve, struct parcel *p)
{
	struct server *server = serve->of.server;
	parcel_open(p, serve->of.self, serve->of.allocator);
	call_prefetch(server, p->calls, p->count);
	for (uint32_t i = 0; i < p->count && !p->writer.failed; i++) {
		p->calls[i].follows = i > 0;
		call_execute(server, &p->calls[i], &p->writer);
	}
	parcel_close(p);
	serve->counters.calls += p->count;
}

bool
serve_wants_barrier(const struct serve *serve)
{
	return !STAILQ_EMPTY(&serve->acting);
}

void
serve_act(struct serve *serve)
{
	struct parcel *p;
	serve->counters.barriers++;
	while ((p = STAILQ_FIRST(&serve->acting)) != NULL) {
		STAILQ_REMOVE_HEAD(&serve->acting, link);
		if (call_is_paused(&p->calls[0], serve_pause_level(serve))) {
			p->calls[0].session = &p->session; /* it may travel, later */
			pause_parcel(serve, p, &serve->paused);
			continue;
		}
		serve_parcel(serve, p);
		STAILQ_INSERT_TAIL(&serve->acted, p, link);
	}
}

void
serve_acted(struct serve *serve, uint64_t now_us)
{
	struct parcel *p;
	while ((p = STAILQ_FIRST(&serve->acted)) != NULL) {
		STAILQ_REMOVE_HEAD(&serve->acted, link);
		deliver(serve, p);
	}
	serve_run_group(serve);
	serve_end_marked(serve, now_us);
}

/* ---- waiting for replicas, and for a pause to end ---- */

static bool
wait_is_over(const struct serve *serve, const struct parcel *p, uint64_t now_us)
{
	const struct repl *repl = serve->of.repl->node;
	return (p->client->session.flags & SESSION_UNBLOCKED) != 0 || now_us >= p->wait_until_us ||
	       repl->role == REPL_REPLICA ||
	       (int64_t)repl_acked(repl, p->wait_offset) >= p->wait_count;
}

static void
end_wait(struct serve *serve, struct parcel *p)
{
	const uint32_t flags = SESSION_WAITING | SESSION_UNBLOCKED | SESSION_UNBLOCK_ERROR;
	struct session *session = &p->client->session;
	bool error = (session->flags & SESSION_UNBLOCK_ERROR) != 0;
	session->flags &= ~flags;
	serve->of.server->blocked--;
	serve->of.server->wait_offset = p->wait_offset;
	if (!error) {
		serve_parcel(serve, p);
		return;
	}
	parcel_open(p, serve->of.self, serve->of.allocator);
	resp_error(&p->writer, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
	parcel_close(p);
}

static void
answer_waits(struct serve *serve, uint64_t now_us)
{
	struct parcel_list still = STAILQ_HEAD_INITIALIZER(still);
	struct parcel *p;
	while ((p = STAILQ_FIRST(&serve->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&serve->waiting, link);
		if (!wait_is_over(serve, p, now_us)) {
			STAILQ_INSERT_TAIL(&still, p, link);
			continue;
		}
		end_wait(serve, p);
		STAILQ_INSERT_TAIL(&serve->acted, p, link);
	}
	STAILQ_CONCAT(&serve->waiting, &still);
	serve_acted(serve, now_us);
}

static bool
parcel_is_paused(const struct parcel *p, enum pause_level level)
{
	bool paused = false;
	for (uint32_t i = 0; i < p->count; i++)
		paused |= call_is_paused(&p->calls[i], level);
	return paused;
}

static void
serve_others(struct serve *serve, struct parcel *p)
{
	serve_parcel(serve, p);
	serve->counters.parcels_served++;
	if (serve->of.repl != NULL)
		repl_flush(serve->of.repl); /* what is acknowledged is in the stream */
	p->to = p->home;
	post(serve, p);
}

/* What waits for a level at which it is not stopped any more. Slots may have moved meanwhile: each call is looked at anew. */
static void
resume(struct serve *serve, enum pause_level level)
{
	struct parcel_list held = STAILQ_HEAD_INITIALIZER(held), paused;
	struct parcel *p;
	STAILQ_INIT(&paused);
	STAILQ_CONCAT(&held, &serve->held);
	STAILQ_CONCAT(&paused, &serve->paused);
	serve->paused_at = level;
	while ((p = STAILQ_FIRST(&held)) != NULL) {
		STAILQ_REMOVE_HEAD(&held, link);
		if (parcel_is_paused(p, level))
			STAILQ_INSERT_TAIL(&serve->held, p, link);
		else
			serve_others(serve, p);
	}
	while ((p = STAILQ_FIRST(&paused)) != NULL) {
		STAILQ_REMOVE_HEAD(&paused, link);
		struct call *call = &p->calls[0];
		call_identify(serve->of.server, call);
		if (call_is_paused(call, level)) {
			STAILQ_INSERT_TAIL(&serve->paused, p, link);
		} else if (call->route == ROUTE_WAIT) {
			begin_wait(serve, p);
		} else if (serve_runs_here(serve, call)) {
			serve_parcel(serve, p);
			deliver(serve, p);
		} else {
			send_off(serve, p);
		}
	}
}

/* When the pause ends that stops somebody. */
static uint64_t
pause_ends_at(const struct serve *serve)
{
	uint64_t at = UINT64_MAX;
	if (serve_pause_level(serve) == PAUSE_NONE)
		return 0; /* it has */
	if (server_pause_level(serve->of.server) != PAUSE_NONE)
		at = serve->of.server->pause_until_us;
	if (serve->of.repl != NULL) {
		uint64_t failover = atomic_load_explicit(
			&serve->of.repl->node->facts->paused_until_us, memory_order_relaxed);
		at = failover != 0 && failover < at ? failover : at;
	}
	return at;
}

uint64_t
serve_next_at(const struct serve *serve)
{
	const struct parcel *p;
	uint64_t at = UINT64_MAX;
	STAILQ_FOREACH(p, &serve->waiting, link)
	at = p->wait_until_us < at ? p->wait_until_us : at;
	if (!STAILQ_EMPTY(&serve->paused) || !STAILQ_EMPTY(&serve->held)) {
		uint64_t ends = pause_ends_at(serve);
		at = ends < at ? ends : at;
	}
	return at;
}

void
serve_mail(struct serve *serve, const struct mail *mail, uint64_t now_us)
{
	struct parcel *p = (struct parcel *)(uintptr_t)mail->a;
	(void)now_us;
	if (mail->kind == MAIL_CALLS) {
		if (parcel_is_paused(p, serve_pause_level(serve)))
			pause_parcel(serve, p, &serve->held);
		else
			serve_others(serve, p);
	} else if (mail->kind == MAIL_REPLIES) {
		deliver(serve, p);
	} else if (mail->kind == MAIL_PART_DONE) {
		parcel_part_free((struct parcel_part *)(uintptr_t)mail->a);
	}
}

bool
serve_settle(struct serve *serve, uint64_t now_us)
{
	if (!STAILQ_EMPTY(&serve->waiting))
		answer_waits(serve, now_us);
	if ((!STAILQ_EMPTY(&serve->paused) || !STAILQ_EMPTY(&serve->held)) &&
	    serve_pause_level(serve) < serve->paused_at)
		resume(serve, serve_pause_level(serve));
	serve_run_group(serve);
	serve_end_marked(serve, now_us);
	post_waiting(serve);
	return !STAILQ_EMPTY(&serve->outgoing) || serve->used_parts != NULL;
}
