/* app/lcore/snapshot.c - a lcore's share of a point-in-time snapshot, slot by slot, while it serves.
 *
 *     cut (all stand still): guard every slot
 *     then: the walk takes slot after slot; a slot that is about to change is taken first (first_change)
 *     each slot's keys --> RDB bytes in parts of SNAPSHOT_PART --mail--> the lcore that sends --used--> back
 *
 * No fork, and no copy of what nobody changes. The walk stops while SNAPSHOT_AHEAD parts are under way, so memory is bounded by what the
 * replica takes and by what changes meanwhile.
 */
#include <string.h>

#include "app/cmd/command.h"
#include "app/lcore/repl.h"
#include "proto/base/assert.h"
#include "proto/rdb/writer.h"

#define SNAPSHOT_PART   ((size_t)64 * 1024)
#define SNAPSHOT_AHEAD  64u
#define SNAPSHOT_SLOTS  64u /* looked at in one turn */
#define SNAPSHOT_AROUND 64u /* bytes of a record besides key and value */

struct snapshot_share {
	struct repl_lcore *lcore;
	unsigned sender;
	uint32_t slot; /* the walk's next */
	uint32_t under_way;
	bool failed;
	struct rdb_writer writer;
	struct parcel_part
		*part; /* being written: whole records only, so that shares may be mixed */
	size_t room;   /* left in it */
};

static void
deliver(struct snapshot_share *s, struct parcel_part *part)
{
	struct repl_lcore *l = s->lcore;
	if (s->sender == l->self) {
		replica_part(l, part);
		return;
	}
	part->next = l->outgoing;
	l->outgoing = part;
}

static void
part_close(struct snapshot_share *s)
{
	struct parcel_part *part = s->part;
	if (part == NULL)
		return;
	part->bytes.len = rdb_writer_take(&s->writer);
	s->part = NULL;
	s->under_way++;
	deliver(s, part);
}

static bool
part_open(struct snapshot_share *s, size_t need)
{
	size_t room = need > SNAPSHOT_PART ? need : SNAPSHOT_PART;
	struct parcel_part *part = parcel_part_create(s->lcore->allocator, s->lcore->self, room);
	if (part == NULL)
		return false;
	s->part = part;
	s->room = room;
	return rdb_writer_window(&s->writer, (uint8_t *)(part + 1), room);
}

static void
write_entry(void *share, const struct entry *e)
{
	struct snapshot_share *s = share;
	struct span value = entry_value(e);
	uint64_t expire_ms = entry_expire_ms(e), before = s->writer.total;
	size_t need = e->key_len + value.len + SNAPSHOT_AROUND;
	struct rdb_write_key key = {.key = entry_key(e),
				    .type = RDB_TYPE_STRING,
				    .expire_ms =
					    expire_ms != 0 ? (int64_t)expire_ms : RDB_NO_EXPIRE,
				    .idle_s = RDB_NO_IDLE,
				    .freq = RDB_NO_FREQ};
	if (s->part != NULL && s->room < need)
		part_close(s);
	if (s->failed || (s->part == NULL && !part_open(s, need))) {
		s->failed =
			true; /* the replica is told by being dropped, never by a key that is missing */
		return;
	}
	bool whole = rdb_write_key(&s->writer, &key) && rdb_write_string(&s->writer, value);
	ASSERT(whole);
	s->room -= s->writer.total - before;
}

static void
first_change(void *server_owner, uint16_t slot)
{
	struct server *server = server_owner;
	struct repl_lcore *l = server->hooks.replication;
	if (l->share != NULL)
		keyspace_slot_visit(server->keys, slot, write_entry, l->share);
}

unsigned
snapshot_begin(struct repl_lcore *l)
{
	struct repl *r = l->node;
	unsigned shares = 0;
	for (unsigned i = 0; i < r->lcores; i++) {
		struct server *server = r->group->members[i];
		struct repl_lcore *at = server->hooks.replication;
		struct snapshot_share *s = server->allocator->alloc(server->allocator, sizeof(*s));
		if (s == NULL)
			continue; /* the caller sees it by the count */
		memset(s, 0, sizeof(*s));
		s->lcore = at;
		s->sender = l->self;
		rdb_writer_init(&s->writer, &(struct rdb_writer_options){0});
		at->share = s;
		server->watch.first_change = first_change;
		keyspace_guard(server->keys);
		shares++;
	}
	return shares;
}

/* All slots are taken: once its parts are on their way, the sender hears that this share is complete. */
static void
share_end(struct repl_lcore *l)
{
	struct snapshot_share *s = l->share;
	part_close(s);
	if (s->sender == l->self)
		replica_share_end(l, s->failed);
	else if (l->outgoing != NULL ||
		 !mail_send(l->office, l->self, s->sender, MAIL_SNAPSHOT, 0, s->failed))
		return; /* next turn */
	l->share = NULL;
	l->allocator->release(l->allocator, s, sizeof(*s));
}

static void
post_parts(struct repl_lcore *l)
{
	while (l->outgoing != NULL) {
		struct parcel_part *part = l->outgoing, *next = part->next;
		if (!mail_send(l->office, l->self, l->share->sender, MAIL_SNAPSHOT, (uintptr_t)part,
			       0))
			return;
		l->outgoing = next;
	}
}

bool
snapshot_turn(struct repl_lcore *l)
{
	struct snapshot_share *s = l->share;
	if (s == NULL)
		return false;
	for (unsigned n = 0; n < SNAPSHOT_SLOTS && s->slot < SLOT_COUNT; n++, s->slot++) {
		if (s->under_way >= SNAPSHOT_AHEAD)
			break;
		if (keyspace_unguard(l->server->keys, (uint16_t)s->slot))
			keyspace_slot_visit(l->server->keys, (uint16_t)s->slot, write_entry, s);
	}
	post_parts(l);
	if (s->slot == SLOT_COUNT)
		share_end(l);
	return true;
}

void
snapshot_part_done(struct repl_lcore *l, struct parcel_part *part)
{
	if (l->share != NULL)
		l->share->under_way--;
	parcel_part_free(part);
}
