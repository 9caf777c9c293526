/* app/lcore/replica.c - a primary's side of one replica: PSYNC, snapshot, stream, ACKs (spec C2).
 *
 *     ASKED --barrier--> ONLINE                      it can go on where it was: +CONTINUE
 *                    --> SNAPSHOT --> LOADING --ACK--> ONLINE
 *
 * The snapshot goes out in the $EOF form where the replica knows it; a stock replica then finds the end by the last forty bytes, so nothing
 * may follow them before its first ACK. Else it is held until its length is known. One snapshot at a time: a second replica that
 * needs one waits for its turn.
 */
#include <string.h>

#include "app/cmd/command.h"
#include "app/lcore/client.h"
#include "app/lcore/repl.h"
#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "proto/base/number.h"
#include "proto/rdb/writer.h"

#define SEND_AHEAD (1u << 20) /* unacknowledged TCP bytes of one replica's stream */
#define SEND_PIECE RESP_ROOM_MAX
#define HEADER_MAX 512

struct replica {
	struct replica *next;
	struct client *client; /* NULL: gone; kept while parts of its snapshot are under way */
	struct replica_entry *entry;
	struct span id; /* asked for */
	char id_text[REPL_ID_LEN];
	int64_t wanted; /* PSYNC's offset: the next byte */
	uint64_t sent;  /* stream offset */
	bool capa_eof, capa_psync2;
	/* snapshot */
	char mark[REPL_ID_LEN];
	uint64_t crc, total;
	struct parcel_parts held; /* without capa eof */
};

static struct replica *
find(const struct repl_lcore *l, const struct client *client)
{
	for (struct replica *r = l->replicas; r != NULL; r = r->next)
		if (r->client == client)
			return r;
	return NULL;
}

static enum replica_state
state_of(const struct replica *r)
{
	return (enum replica_state)atomic_load_explicit(&r->entry->state, memory_order_relaxed);
}

static void
set_state(struct replica *r, enum replica_state state)
{
	atomic_store_explicit(&r->entry->state, (uint8_t)state, memory_order_release);
}

/* ---- bytes ---- */

static bool
send_bytes(struct replica *r, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	while (len > 0) {
		uint8_t *at, *end;
		uint32_t need = len < SEND_PIECE ? (uint32_t)len : SEND_PIECE;
		if (!conn_room(r->client->conn, need, &at, &end))
			return false;
		size_t n = (size_t)(end - at) < len ? (size_t)(end - at) : len;
		memcpy(at, from, n);
		conn_commit(r->client->conn, at + n);
		from += n;
		len -= n;
	}
	return true;
}

/* A reply line, piece by piece; the caller knows that it fits. */
static size_t
add(char *line, size_t len, const void *bytes, size_t more)
{
	memcpy(line + len, bytes, more);
	return len + more;
}

/* It must begin anew: the connection closes, and comes back with PSYNC. */
static void
cut_off(struct repl_lcore *l, struct replica *r)
{
	r->client->session.flags |= SESSION_CLOSE_NOW;
	l->server->wants |= SERVER_WANT_SWEEP;
	set_state(r, REPLICA_FREE);
}

/* ---- becoming a replica ---- */

static struct replica_entry *
entry_take(struct repl *repl, unsigned self)
{
	for (unsigned i = 0; i < REPL_REPLICAS_MAX; i++) {
		struct replica_entry *e = &repl->replicas[i];
		uint8_t unused = REPLICA_FREE;
		if (e->lcore == 0 &&
		    atomic_compare_exchange_strong(&e->state, &unused, REPLICA_ASKED)) {
			e->lcore = self;
			return e;
		}
	}
	return NULL;
}

void
replica_option(struct repl_lcore *l, struct client *client, struct span name, struct span value)
{
	int64_t number;
	struct session *session = &client->session;
	(void)l;
	if (span_is(name, "listening-port") && number_parse(value.at, value.len, &number))
		session->replica_port = (uint16_t)number;
	else if (span_is(name, "capa") && span_is(value, "eof"))
		session->replica_capa |= 1;
	else if (span_is(name, "capa") && span_is(value, "psync2"))
		session->replica_capa |= 2;
}

void
replica_ask(struct repl_lcore *l, struct client *client, struct span id, int64_t offset)
{
	struct allocator *a = l->allocator;
	struct replica *r = find(l, client) == NULL ? a->alloc(a, sizeof(*r)) : NULL;
	struct replica_entry *entry = r != NULL ? entry_take(l->node, l->self) : NULL;
	if (entry == NULL) {
		a->release(a, r, sizeof(*r));
		client->session.flags |= SESSION_CLOSE_NOW;
		l->server->wants |= SERVER_WANT_SWEEP;
		return;
	}
	memset(r, 0, sizeof(*r));
	r->client = client;
	r->entry = entry;
	r->wanted = offset;
	r->capa_eof = client->session.replica_capa & 1;
	r->capa_psync2 = client->session.replica_capa & 2;
	if (id.len == REPL_ID_LEN) {
		memcpy(r->id_text, id.at, REPL_ID_LEN);
		r->id = (struct span){(const uint8_t *)r->id_text, REPL_ID_LEN};
	}
	entry->port = client->session.replica_port;
	memset(entry->address, 0, sizeof(entry->address));
	const char *colon = strchr(client->session.address, ':');
	size_t len = colon != NULL ? (size_t)(colon - client->session.address) : 0;
	memcpy(entry->address, client->session.address,
	       len < sizeof(entry->address) ? len : sizeof(entry->address) - 1);
	client->session.flags |= SESSION_REPLICA;
	r->next = l->replicas;
	l->replicas = r;
}

static bool
same_id(struct span asked, const char *id)
{
	return asked.len == REPL_ID_LEN && memcmp(asked.at, id, REPL_ID_LEN) == 0;
}

/* PSYNC's offsets name the next byte and count from 1; ours count the bytes before it. */
static bool
can_continue(const struct repl *repl, const struct replica *r)
{
	if (!repl->backlog || r->wanted < 1)
		return false;
	uint64_t from = (uint64_t)r->wanted - 1;
	bool known = same_id(r->id, repl->id) ||
		     (repl->second_offset != 0 && same_id(r->id, repl->id2) &&
		      (uint64_t)r->wanted <= repl->second_offset);
	return known && from >= stream_oldest(&repl->stream) && from <= stream_end(&repl->stream);
}

static void
begin_partial(struct repl_lcore *l, struct replica *r)
{
	char line[HEADER_MAX];
	size_t len = add(line, 0, "+CONTINUE", 9);
	if (r->capa_psync2) {
		len = add(line, len, " ", 1);
		len = add(line, len, l->node->id, REPL_ID_LEN);
	}
	len = add(line, len, "\r\n", 2);
	r->sent = (uint64_t)r->wanted - 1;
	atomic_fetch_add(&l->node->partial_syncs, 1);
	set_state(r, REPLICA_ONLINE);
	atomic_store_explicit(&r->entry->acked, r->sent, memory_order_relaxed);
	atomic_store_explicit(&r->entry->acked_at_us, l->now_us, memory_order_relaxed);
	if (!send_bytes(r, line, len))
		cut_off(l, r);
}

/* ---- the snapshot ---- */

static void
sum_and_send(struct repl_lcore *l, struct replica *r, const uint8_t *bytes, size_t len)
{
	r->crc = crc64(r->crc, bytes, len);
	r->total += len;
	if (r->capa_eof && r->client != NULL && !send_bytes(r, bytes, len))
		cut_off(l, r);
}

/* Magic and what a stock node wants to know of the history. */
static size_t
snapshot_header(const struct repl *repl, uint64_t offset, uint8_t at[HEADER_MAX])
{
	struct rdb_writer w;
	rdb_writer_init(&w, &(struct rdb_writer_options){0});
	bool whole = rdb_writer_window(&w, at, HEADER_MAX) && rdb_write_header(&w) &&
		     rdb_write_aux(&w, SPAN("redis-ver"), SPAN("7.0.15")) &&
		     rdb_write_aux_number(&w, SPAN("redis-bits"), 64) &&
		     rdb_write_aux_number(&w, SPAN("repl-stream-db"), 0) &&
		     rdb_write_aux(&w, SPAN("repl-id"),
				   (struct span){(const uint8_t *)repl->id, REPL_ID_LEN}) &&
		     rdb_write_aux_number(&w, SPAN("repl-offset"), (int64_t)offset) &&
		     rdb_write_select(&w, 0);
	ASSERT(whole);
	return rdb_writer_take(&w);
}

static void
begin_full(struct repl_lcore *l, struct replica *r)
{
	static const char select[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
	struct repl *repl = l->node;
	char line[HEADER_MAX];
	uint8_t header[HEADER_MAX];
	if (!repl->backlog)
		repl_feed_everywhere(l, true);
	r->sent = stream_end(&repl->stream);
	stream_append(&repl->stream, l->self, SPAN(select));
	repl->snapshot_sender = l->self;
	repl->snapshot_shares = snapshot_begin(l);
	atomic_fetch_add(&repl->full_syncs, 1);
	set_state(r, REPLICA_SNAPSHOT);
	size_t len = add(line, 0, "+FULLRESYNC ", 12);
	len = add(line, len, repl->id, REPL_ID_LEN);
	len = add(line, len, " ", 1);
	len += number_format_unsigned(r->sent, line + len);
	len = add(line, len, "\r\n", 2);
	bool sent = send_bytes(r, line, len);
	for (unsigned i = 0; i < REPL_ID_LEN; i++)
		r->mark[i] = "0123456789abcdef"[prng_below(&l->server->prng, 16)];
	if (r->capa_eof)
		sent = sent && send_bytes(r, "$EOF:", 5) && send_bytes(r, r->mark, REPL_ID_LEN) &&
		       send_bytes(r, "\r\n", 2);
	if (!sent || repl->snapshot_shares < repl->lcores)
		cut_off(l, r);
	size_t n = snapshot_header(repl, r->sent, header);
	if (r->capa_eof) {
		sum_and_send(l, r, header, n);
	} else {
		/* Held like any other part. */
		struct parcel_part *part = parcel_part_create(l->allocator, l->self, n);
		if (part == NULL) {
			cut_off(l, r);
			return;
		}
		part->bytes.len = n;
		memcpy(part + 1, header, n);
		replica_part(l, part);
	}
}

static struct replica *
in_snapshot(const struct repl_lcore *l)
{
	for (struct replica *r = l->replicas; r != NULL; r = r->next)
		if (state_of(r) == REPLICA_SNAPSHOT)
			return r;
	return NULL;
}

/* A part is used: back to its lcore (parcel.h Q3). */
void
replica_part_used(void *repl_lcore, void *object)
{
	struct repl_lcore *l = repl_lcore;
	struct parcel_part *part = object;
	if (part->lcore == l->self) {
		snapshot_part_done(l, part);
		return;
	}
	part->next = l->used;
	l->used = part;
}

static void
part_send(struct repl_lcore *l, struct replica *r, struct parcel_part *part)
{
	if (conn_reference(r->client->conn, part->bytes, replica_part_used, l, part))
		return;
	cut_off(l, r);
	replica_part_used(l, part);
}

void
replica_part(struct repl_lcore *l, struct parcel_part *part)
{
	if (l->node->file.taking) {
		rdb_file_part(l, part);
		return;
	}
	struct replica *r = in_snapshot(l);
	if (r == NULL) { /* it has gone */
		replica_part_used(l, part);
		return;
	}
	r->crc = crc64(r->crc, part->bytes.at, part->bytes.len);
	r->total += part->bytes.len;
	if (r->capa_eof) {
		part_send(l, r, part);
		return;
	}
	parcel_parts_add(&r->held, part);
}

static void
send_held(struct repl_lcore *l, struct replica *r)
{
	char line[NUMBER_SIZE_MAX + 3];
	size_t len = add(line, 0, "$", 1);
	len += number_format_unsigned(r->total, line + len);
	len = add(line, len, "\r\n", 2);
	bool sent = send_bytes(r, line, len);
	while (r->held.first != NULL) {
		struct parcel_part *part = r->held.first;
		r->held.first = part->next;
		if (sent)
			part_send(l, r, part);
		else
			replica_part_used(l, part);
	}
	if (!sent)
		cut_off(l, r);
}

void
replica_share_end(struct repl_lcore *l, bool failed)
{
	if (l->node->file.taking) {
		rdb_file_share_end(l, failed);
		return;
	}
	struct repl *repl = l->node;
	struct replica *r = in_snapshot(l);
	uint8_t tail[9] = {RDB_OP_END};
	if (failed && r != NULL) {
		cut_off(l, r);
		r = NULL;
	}
	if (--repl->snapshot_shares > 0)
		return;
	repl->snapshot_sender = 0;
	if (r == NULL)
		return;
	uint64_t crc = crc64(r->crc, tail, 1);
	store_le64(tail + 1, crc);
	r->total += sizeof(tail);
	if (!r->capa_eof)
		send_held(l, r);
	set_state(r, r->capa_eof ? REPLICA_LOADING : REPLICA_ONLINE);
	if (!send_bytes(r, tail, sizeof(tail)) ||
	    (r->capa_eof && !send_bytes(r, r->mark, REPL_ID_LEN)))
		cut_off(l, r);
}

/* ---- turns ---- */

bool
replica_waits(const struct repl_lcore *l)
{
	for (const struct replica *r = l->replicas; r != NULL; r = r->next)
		if (state_of(r) == REPLICA_ASKED &&
		    (l->node->snapshot_sender == 0 || can_continue(l->node, r)))
			return true;
	return false;
}

void
replica_act(struct repl_lcore *l)
{
	for (struct replica *r = l->replicas; r != NULL; r = r->next) {
		if (state_of(r) != REPLICA_ASKED || r->client == NULL)
			continue;
		if (can_continue(l->node, r))
			begin_partial(l, r);
		else if (l->node->snapshot_sender == 0)
			begin_full(l, r);
	}
}

static bool
send_stream(struct repl_lcore *l, struct replica *r, uint64_t committed)
{
	bool sent = false;
	while (r->sent < committed && conn_queued(r->client->conn) < SEND_AHEAD) {
		uint8_t *at, *end;
		uint64_t left = committed - r->sent;
		uint32_t need = left < SEND_PIECE ? (uint32_t)left : SEND_PIECE;
		if (!conn_room(r->client->conn, need, &at, &end))
			return sent; /* no mbuf now: next turn */
		size_t n = (size_t)(end - at) < left ? (size_t)(end - at) : left;
		if (!stream_read(&l->node->stream, r->sent, at, n)) {
			conn_commit(r->client->conn, at);
			cut_off(l, r); /* slower than the backlog is long */
			return true;
		}
		conn_commit(r->client->conn, at + n);
		r->sent += n;
		sent = true;
	}
	return sent;
}

static void
post_used(struct repl_lcore *l)
{
	while (l->used != NULL) {
		struct parcel_part *part = l->used, *next = part->next;
		if (!mail_send(l->office, l->self, part->lcore, MAIL_PART_DONE, (uintptr_t)part, 1))
			return;
		l->used = next;
	}
}

bool
replica_turn(struct repl_lcore *l)
{
	bool busy = false;
	post_used(l);
	if (l->replicas == NULL)
		return false;
	uint64_t committed = stream_committed(&l->node->stream);
	for (struct replica *r = l->replicas; r != NULL; r = r->next)
		if (state_of(r) == REPLICA_ONLINE)
			busy |= send_stream(l, r, committed);
	return busy;
}

/* REPLCONF ACK offset: also the first one, for which a replica that has loaded in the $EOF form is waited. */
void
replica_ack(struct repl_lcore *l, struct client *client, uint64_t offset)
{
	struct replica *r = find(l, client);
	if (r == NULL)
		return;
	if (state_of(r) == REPLICA_LOADING)
		set_state(r, REPLICA_ONLINE);
	atomic_store_explicit(&r->entry->acked_at_us, l->now_us, memory_order_relaxed);
	if (offset > atomic_load_explicit(&r->entry->acked, memory_order_relaxed))
		atomic_store_explicit(&r->entry->acked, offset, memory_order_release);
	for (unsigned i = 0; i < l->node->lcores; i++) /* somebody may WAIT for it */
		idle_wake(&l->node->idles[i]);
}

void
repl_client_gone(struct repl_lcore *l, const struct client *client)
{
	for (struct replica **p = &l->replicas; *p != NULL; p = &(*p)->next) {
		struct replica *r = *p;
		if (r->client != client)
			continue;
		while (r->held.first != NULL) {
			struct parcel_part *part = r->held.first;
			r->held.first = part->next;
			replica_part_used(l, part);
		}
		*p = r->next;
		atomic_store_explicit(&r->entry->acked, 0, memory_order_relaxed);
		set_state(r, REPLICA_FREE);
		r->entry->lcore = 0;
		l->allocator->release(l->allocator, r, sizeof(*r));
		return;
	}
}

void
repl_drop_replicas(struct repl_lcore *l)
{
	for (struct replica *r = l->replicas; r != NULL; r = r->next)
		cut_off(l, r);
}
