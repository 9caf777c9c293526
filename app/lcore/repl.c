/* app/lcore/repl.c - what a node's replication consists of, besides single replicas (replica.c) and the link (sync.c). */
#include "app/lcore/repl.h"

#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/text.h"
#include "app/lcore/client.h"
#include "app/store/slot_table.h"
#include "proto/base/assert.h"
#include "proto/base/number.h"

void
repl_new_id(struct repl *repl, struct prng *prng)
{
	for (unsigned i = 0; i < REPL_ID_LEN; i++)
		repl->id[i] = "0123456789abcdef"[prng_below(prng, 16)];
	repl->id[REPL_ID_LEN] = '\0';
}

bool
repl_init(struct repl *repl, void *ring, uint64_t size, struct prng *prng)
{
	if (ring == NULL)
		return false;
	stream_init(&repl->stream, ring, size);
	repl_new_id(repl, prng);
	memset(repl->id2, '0', REPL_ID_LEN);
	return true;
}

/* A replica's keys expire when its primary says so. While a failover waits for the offset to stand still, no key goes by itself. */
static void
settle_keys(const struct repl_lcore *l, struct server *server)
{
	server->stands_still = repl_facts_paused(l->node->facts, l->now_us);
	keyspace_keep_expired(server->keys, l->node->role == REPL_REPLICA || server->stands_still);
}

/* Inside a barrier. */
void
repl_feed_everywhere(const struct repl_lcore *l, bool on)
{
	struct repl *repl = l->node;
	repl->backlog |= on;
	for (unsigned i = 0; i < repl->lcores; i++) {
		struct server *server = repl->group->members[i];
		server->feed.on = on;
		settle_keys(l, server);
	}
}

/* ---- the stream ---- */

/* No replica can go on from a history with a hole in it: a new one begins. Inside a barrier, or with one lcore. */
static void
break_history(struct repl_lcore *l)
{
	struct repl *repl = l->node;
	repl_new_id(repl, &l->server->prng);
	memset(repl->id2, '0', REPL_ID_LEN);
	repl->second_offset = 0;
	stream_restart(&repl->stream, stream_end(&repl->stream));
	for (unsigned i = 0; i < repl->lcores; i++) {
		struct server *member = repl->group->members[i];
		member->feed.failed = false;
		repl_drop_replicas(member->hooks.replication);
	}
}

static void
wake_senders(const struct repl_lcore *l)
{
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++) {
		unsigned lcore = l->node->replicas[i].lcore;
		if (lcore != 0 && lcore != l->self)
			idle_wake(&l->node->idles[lcore - 1]);
	}
}

void
repl_flush(struct repl_lcore *l)
{
	if (l->server->feed.len == 0)
		return;
	struct span bytes = feed_take(l->server);
	if (bytes.len > l->node->stream.size / 2)
		l->server->feed.failed = true;
	else
		stream_append(&l->node->stream, l->self, bytes);
	wake_senders(l);
}

/* ---- changes of role: asked by control, done inside a barrier ---- */

static void
change_role(struct repl_lcore *l)
{
	struct repl *repl = l->node;
	sync_destroy(l);
	/* A primary whose address is not known yet has a port all the same (mail.h). */
	repl->role = repl->primary_port != 0 ? REPL_REPLICA : REPL_PRIMARY;
	repl_feed_everywhere(l, repl->role == REPL_PRIMARY && repl->backlog);
	if (repl->role == REPL_REPLICA && repl->primary_address != 0)
		l->sync = sync_create(l);
	atomic_store(&repl->facts->link_up, false);
	atomic_store(&repl->facts->link_at_us, l->now_us);
}

/* PSYNC2: whoever followed the old history up to here may go on with the new one. */
static void
shift_history(struct repl_lcore *l)
{
	struct repl *repl = l->node;
	memcpy(repl->id2, repl->id, sizeof(repl->id2));
	repl->second_offset = stream_end(&repl->stream) + 1;
	repl_new_id(repl, &l->server->prng);
	for (unsigned i = 0; i < repl->lcores; i++)
		repl_drop_replicas(repl->group->members[i]->hooks.replication);
}

bool
repl_wants_barrier(const struct repl_lcore *l)
{
	return l->role_changed || l->new_history || l->resume_us != 0 || l->server->feed.failed ||
	       replica_waits(l) || sync_waits(l->sync) || rdb_file_wants_barrier(l);
}

void
repl_act(struct repl_lcore *l)
{
	for (unsigned i = 0; i < l->node->lcores; i++)
		repl_flush(l->node->group->members[i]->hooks.replication);
	if (l->server->feed.failed)
		break_history(l);
	if (l->new_history)
		shift_history(l);
	if (l->role_changed)
		change_role(l);
	atomic_compare_exchange_strong(&l->node->facts->paused_until_us, &l->resume_us, 0);
	l->resume_us = 0;
	l->new_history = l->role_changed = false;
	replica_act(l);
	rdb_file_act(l);
	sync_act(l);
}

/* ---- turns ---- */

/* A quiet stream must show its replicas that we live; not while a manual failover waits for the offset to stand still. */
static void
keep_alive(struct repl_lcore *l)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n";
	struct repl *repl = l->node;
	bool anybody = false;
	if (l->self != 1 || l->now_us < l->ping_at_us)
		return;
	l->ping_at_us = l->now_us +
			(uint64_t)server_config(l->server)->repl_ping_replica_period_s * 1000000;
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++)
		anybody |= repl->replicas[i].lcore != 0;
	if (!anybody || repl->role != REPL_PRIMARY || repl_facts_paused(repl->facts, l->now_us))
		return;
	stream_append(&repl->stream, l->self, SPAN(ping));
	wake_senders(l);
}

bool
repl_turn(struct repl_lcore *l, uint64_t now_us)
{
	l->now_us = now_us;
	settle_keys(l, l->server);
	keep_alive(l);
	bool busy = snapshot_turn(l);
	busy |= rdb_file_turn(l);
	busy |= replica_turn(l);
	return sync_turn(l) || busy;
}

uint64_t
repl_next_at(const struct repl_lcore *l)
{
	uint64_t at = sync_next_at(l->sync);
	if (l->self == 1 && l->ping_at_us < at)
		at = l->ping_at_us;
	return l->share != NULL || l->used != NULL ? l->now_us : at;
}

void
repl_mail(struct repl_lcore *l, const struct mail *mail)
{
	struct parcel_part *part = (struct parcel_part *)(uintptr_t)mail->a;
	switch (mail->kind) {
	case MAIL_SNAPSHOT:
		if (part != NULL)
			replica_part(l, part);
		else
			replica_share_end(l, mail->b != 0);
		break;
	case MAIL_PART_DONE:
		snapshot_part_done(l, part);
		break;
	case MAIL_ROLE:
		l->node->primary_address = (uint32_t)mail->a;
		l->node->primary_port = (uint16_t)mail->b;
		l->role_changed = true;
		break;
	case MAIL_NEW_HISTORY:
		l->new_history = true;
		break;
	case MAIL_RESUME:
		l->resume_us = mail->a;
		break;
	default:
		break;
	}
}

void
repl_stop(struct repl_lcore *l)
{
	sync_destroy(l);
}

bool
repl_owns(const struct repl_lcore *l, const struct conn *conn)
{
	return sync_owns(l->sync, conn);
}

void
repl_conn_event(struct repl_lcore *l, struct conn *conn, uint8_t events)
{
	(void)conn;
	sync_event(l, events);
}

/* ---- WAIT ---- */

unsigned
repl_acked(const struct repl *repl, uint64_t offset)
{
	unsigned count = 0;
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++) {
		const struct replica_entry *e = &repl->replicas[i];
		count += atomic_load_explicit(&e->state, memory_order_acquire) == REPLICA_ONLINE &&
			 atomic_load_explicit(&e->acked, memory_order_acquire) >= offset;
	}
	return count;
}

void
repl_ask_acks(struct repl_lcore *l)
{
	static const char ask[] = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";
	if (l->node->role != REPL_PRIMARY || !l->node->backlog ||
	    repl_facts_paused(l->node->facts, l->now_us))
		return; /* the ACK that comes each second has to do */
	stream_append(&l->node->stream, l->self, SPAN(ask));
	wake_senders(l);
}

/* ---- commands ---- */

static void
call_psync(struct repl_lcore *l, struct call *call, struct resp_writer *w)
{
	struct client *client = (struct client *)call->session;
	int64_t offset = -1;
	bool sync = span_is(call->argv[0], "sync");
	if (l->node->role == REPL_REPLICA &&
	    !atomic_load_explicit(&l->node->facts->link_up, memory_order_relaxed)) {
		resp_error(w, "NOMASTERLINK Can't SYNC while not connected with my master");
		return;
	}
	if (sync) {
		resp_error(w, "ERR SYNC is not there yet: use PSYNC");
		return;
	}
	if (!take_integer(call->argv[2], &offset, w))
		return;
	replica_ask(l, client, call->argv[1], offset);
}

static void
call_replconf(struct repl_lcore *l, struct call *call, struct resp_writer *w)
{
	struct client *client = (struct client *)call->session;
	int64_t offset;
	if (call->argc % 2 == 0) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	if (call->argc >= 3 && span_is(call->argv[1], "ack")) {
		if (number_parse(call->argv[2].at, call->argv[2].len, &offset) && offset >= 0)
			replica_ack(l, client, (uint64_t)offset);
		return; /* never answered */
	}
	for (uint32_t i = 1; i + 1 < call->argc; i += 2)
		replica_option(l, client, call->argv[i], call->argv[i + 1]);
	resp_simple(w, "OK");
}

static void
call_wait(struct repl_lcore *l, struct call *call, struct resp_writer *w)
{
	(void)call;
	if (l->node->role == REPL_REPLICA)
		resp_error(w, "ERR WAIT cannot be used with replica instances. Please also note "
			      "that since Redis 4.0 if a replica is configured to be writable "
			      "(which is not the default) writes to replicas are just local and "
			      "are not propagated.");
	else
		resp_integer(w, repl_acked(l->node, l->server->wait_offset));
}

static void
write_address(struct resp_writer *w, uint32_t a)
{
	char text[16];
	snprintf(text, sizeof(text), "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	resp_bulk_text(w, text);
}

static void
call_role(struct repl_lcore *l, struct resp_writer *w)
{
	const struct repl *repl = l->node;
	uint64_t end = stream_end(&repl->stream);
	if (repl->role == REPL_REPLICA) {
		resp_array(w, 5);
		resp_bulk_text(w, "slave");
		write_address(w, repl->primary_address);
		resp_integer(w, repl->primary_port);
		struct repl_lcore *first = repl->group->members[0]->hooks.replication;
		resp_bulk_text(w, first->sync != NULL ? sync_state_name(first->sync) : "connect");
		resp_integer(w, (int64_t)end);
		return;
	}
	unsigned online[REPL_REPLICAS_MAX], count = 0;
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++)
		if (atomic_load(&repl->replicas[i].state) == REPLICA_ONLINE)
			online[count++] = i;
	resp_array(w, 3);
	resp_bulk_text(w, "master");
	resp_integer(w, (int64_t)end);
	resp_array(w, count);
	for (unsigned i = 0; i < count; i++) {
		const struct replica_entry *e = &repl->replicas[online[i]];
		resp_array(w, 3);
		resp_bulk_text(w, e->address);
		resp_bulk_integer(w, e->port);
		resp_bulk_integer(w, (int64_t)atomic_load(&e->acked));
	}
}

void
repl_call(struct repl_lcore *l, struct call *call, struct resp_writer *w)
{
	if (span_is(call->argv[0], "replconf"))
		call_replconf(l, call, w);
	else if (span_is(call->argv[0], "wait"))
		call_wait(l, call, w);
	else if (span_is(call->argv[0], "role"))
		call_role(l, w);
	else
		call_psync(l, call, w);
}

/* ---- INFO replication ---- */

static void
info_replica(const struct repl *repl, uint64_t now_us, struct text *out)
{
	uint32_t a = repl->primary_address;
	bool up = atomic_load(&repl->facts->link_up);
	uint64_t at = atomic_load(&repl->facts->link_at_us);
	const struct repl_lcore *first = repl->group->members[0]->hooks.replication;
	bool loading = slot_table_mode(repl->slots) & SLOT_MODE_LOADING;
	text_add(out, "role:slave\r\nmaster_host:%u.%u.%u.%u\r\nmaster_port:%u\r\n", a >> 24,
		 a >> 16 & 255, a >> 8 & 255, a & 255, repl->primary_port);
	text_add(out, "master_link_status:%s\r\nmaster_last_io_seconds_ago:%ld\r\n",
		 up ? "up" : "down", up ? (long)((now_us - at) / 1000000) : -1L);
	text_add(out, "master_sync_in_progress:%d\r\nmaster_link_state:%s\r\n", loading,
		 first->sync != NULL ? sync_state_name(first->sync) : "none");
	if (repl->link_error != NULL)
		text_add(out, "master_link_error:%s\r\n", repl->link_error);
	text_add(out, "slave_read_repl_offset:%lu\r\nslave_repl_offset:%lu\r\n",
		 stream_end(&repl->stream), stream_end(&repl->stream));
	if (!up)
		text_add(out, "master_link_down_since_seconds:%lu\r\n", (now_us - at) / 1000000);
	text_add(out, "slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\n");
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
repl_info(const struct repl_lcore *l, char *at, size_t size)
{
	const struct repl *repl = l->node;
	struct text out = {.at = at, .size = size};
	unsigned count = 0;
	uint64_t end = stream_end(&repl->stream), oldest = stream_oldest(&repl->stream);
	if (repl->role == REPL_REPLICA)
		info_replica(repl, l->now_us, &out);
	else
		text_add(&out, "role:master\r\n");
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++)
		count += atomic_load(&repl->replicas[i].state) >= REPLICA_SNAPSHOT;
	text_add(&out, "connected_slaves:%u\r\n", count);
	count = 0;
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++) {
		const struct replica_entry *e = &repl->replicas[i];
		uint8_t state = atomic_load(&e->state);
		if (state < REPLICA_SNAPSHOT)
			continue;
		text_add(&out, "slave%u:ip=%s,port=%u,state=%s,offset=%lu,lag=%lu\r\n", count++,
			 e->address, e->port,
			 state == REPLICA_SNAPSHOT  ? "wait_bgsave"
			 : state == REPLICA_LOADING ? "send_bulk"
						    : "online",
			 atomic_load(&e->acked),
			 state == REPLICA_ONLINE
				 ? (l->now_us - atomic_load(&e->acked_at_us)) / 1000000
				 : 0);
	}
	text_add(&out, "master_failover_state:no-failover\r\nmaster_replid:%s\r\n", repl->id);
	text_add(&out, "master_replid2:%s\r\nmaster_repl_offset:%lu\r\n", repl->id2, end);
	text_add(&out, "second_repl_offset:%ld\r\nrepl_backlog_active:%d\r\n",
		 repl->second_offset != 0 ? (long)repl->second_offset : -1L, repl->backlog);
	text_add(&out, "repl_backlog_size:%lu\r\nrepl_backlog_first_byte_offset:%lu\r\n",
		 repl->stream.size, repl->backlog ? oldest + 1 : 0);
	text_add(&out, "repl_backlog_histlen:%lu\r\n", repl->backlog ? end - oldest : 0);
	text_add(&out, "sync_full:%u\r\nsync_partial_ok:%u\r\n", atomic_load(&repl->full_syncs),
		 atomic_load(&repl->partial_syncs));
	return out.len;
}
