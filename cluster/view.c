/* cluster/view.c - the table of nodes. Ids and inbound links are found through two small hash tables in the caller's memory, so
 * that a gossip section of a hundred entries costs a hundred cache misses and not a hundred scans; outbound links carry their
 * node's index in their own number and need none.
 */
#include "cluster/view.h"

#include "cluster/emit.h"
#include "cluster/failure.h"
#include "proto/base/assert.h"

#define TABLE_FACTOR   4  /* places per node: short probes even when full */
#define LINK_NODE_BITS 13 /* outbound link: counter, index, 0 */

_Static_assert(CLUSTER_NODES_MAX < 1u << LINK_NODE_BITS, "an outbound link names its node");

static uint32_t
table_places(uint32_t nodes_max)
{
	uint32_t places = 16;
	while (places < nodes_max * TABLE_FACTOR)
		places *= 2;
	return places;
}

static size_t
table_at(uint32_t nodes_max)
{
	return sizeof(struct cluster) + nodes_max * sizeof(struct node);
}

size_t
cluster_size(uint32_t nodes_max)
{
	ASSERT(nodes_max >= 1 && nodes_max <= CLUSTER_NODES_MAX);
	return table_at(nodes_max) + 2 * sizeof(uint64_t) * table_places(nodes_max);
}

/* Mixes every bit into every other; keyed for ids, since peers choose them. */
static uint64_t
mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return hash ^ hash >> 32;
}

static uint64_t
id_hash(const struct cluster *c, const struct node_id *id)
{
	uint64_t hash = c->id_secret;
	for (size_t i = 0; i < NODE_ID_LEN; i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, id->bytes + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return mix(hash);
}

static uint64_t
place_of(uint64_t hash, uint32_t node)
{
	return (hash >> 32) << 32 | (node + 1);
}

static uint32_t
place_node(uint64_t place)
{
	return (uint32_t)place - 1;
}

static void
table_put(struct view_table *table, uint64_t hash, uint32_t node)
{
	uint32_t at = (uint32_t)hash & table->mask;
	while (table->places[at] != 0)
		at = (at + 1) & table->mask;
	table->places[at] = place_of(hash, node);
}

static uint64_t
table_hash(const struct cluster *c, const struct view_table *table, uint32_t node)
{
	const struct node *n = &c->nodes[node];
	return table == &c->by_id ? id_hash(c, &n->id) : mix(n->in);
}

/* Linear probing without tombstones: what follows moves up if its own place lies at or before the hole. */
static void
table_take(struct cluster *c, struct view_table *table, uint64_t hash, uint32_t node)
{
	uint32_t hole = (uint32_t)hash & table->mask;
	while (table->places[hole] != place_of(hash, node)) {
		ASSERT(table->places[hole] != 0);
		hole = (hole + 1) & table->mask;
	}
	for (uint32_t at = (hole + 1) & table->mask; table->places[at] != 0;
	     at = (at + 1) & table->mask) {
		uint32_t home =
			(uint32_t)table_hash(c, table, place_node(table->places[at])) & table->mask;
		if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
			table->places[hole] = table->places[at];
			hole = at;
		}
	}
	table->places[hole] = 0;
}

bool
view_has(const struct cluster *c, uint32_t node)
{
	return node < c->high && c->nodes[node].in_use;
}

uint32_t
view_find(const struct cluster *c, const struct node_id *id)
{
	uint64_t hash = id_hash(c, id);
	const struct view_table *table = &c->by_id;
	for (uint32_t at = (uint32_t)hash & table->mask; table->places[at] != 0;
	     at = (at + 1) & table->mask) {
		uint32_t node = place_node(table->places[at]);
		if (table->places[at] >> 32 == hash >> 32 && node_id_equal(&c->nodes[node].id, id))
			return node;
	}
	return NODE_NONE;
}

uint32_t
view_by_link(const struct cluster *c, bus_link link)
{
	if (link == 0)
		return NODE_NONE;
	if ((link & 1) == 0) {
		uint32_t node = (uint32_t)(link >> 1) & ((1u << LINK_NODE_BITS) - 1);
		return view_has(c, node) && c->nodes[node].out == link ? node : NODE_NONE;
	}
	uint64_t hash = mix(link);
	const struct view_table *table = &c->by_link;
	for (uint32_t at = (uint32_t)hash & table->mask; table->places[at] != 0;
	     at = (at + 1) & table->mask) {
		uint32_t node = place_node(table->places[at]);
		if (c->nodes[node].in == link)
			return node;
	}
	return NODE_NONE;
}

struct node_id
view_random_id(struct cluster *c)
{
	struct node_id id;
	for (unsigned i = 0; i < NODE_ID_LEN; i += 16) {
		uint64_t bits = prng_next(&c->prng);
		for (unsigned j = i; j < i + 16 && j < NODE_ID_LEN; j++, bits >>= 4)
			id.bytes[j] = (uint8_t) "0123456789abcdef"[bits & 15];
	}
	return id;
}

uint32_t
view_add(struct cluster *c, const struct node_id *id, uint16_t flags)
{
	ASSERT(view_find(c, id) == NODE_NONE);
	ASSERT((flags & NODE_PFAIL) == 0);
	if (c->node_count == c->nodes_max) {
		c->counters.nodes_full++;
		return NODE_NONE;
	}
	uint32_t node = 0;
	while (node < c->high && c->nodes[node].in_use)
		node++;
	if (node == c->high)
		c->high++;
	c->node_count++;
	struct node *n = &c->nodes[node];
	*n = (struct node){.id = *id,
			   .in_use = true,
			   .flags = flags,
			   .primary = NODE_NONE,
			   .report_first = NODE_NONE,
			   .created_ms = c->now_ms,
			   .in_lost_ms = c->now_ms};
	table_put(&c->by_id, id_hash(c, id), node);
	return node;
}

void
view_rename(struct cluster *c, uint32_t node, const struct node_id *id)
{
	ASSERT(view_has(c, node) && view_find(c, id) == NODE_NONE);
	struct node *n = &c->nodes[node];
	table_take(c, &c->by_id, id_hash(c, &n->id), node);
	n->id = *id;
	table_put(&c->by_id, id_hash(c, id), node);
}

static void
remove_references(struct cluster *c, uint32_t node)
{
	for (uint32_t i = 0; i < c->high; i++) {
		struct node *other = &c->nodes[i];
		if (other->in_use && other->primary == node)
			other->primary = NODE_NONE;
	}
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		if (c->owner[slot] == node)
			view_set_owner(c, (uint16_t)slot, NODE_NONE);
		if (c->migrating_to[slot] == node)
			c->migrating_to[slot] = NODE_NONE;
		if (c->importing_from[slot] == node)
			c->importing_from[slot] = NODE_NONE;
	}
	struct voter_set *votes = &c->election.votes;
	for (uint32_t i = 0; i < votes->count; i++) {
		if (votes->voters[i] == node)
			votes->voters[i--] = votes->voters[--votes->count];
	}
	if (c->manual.state == MANUAL_PAUSED_FOR && c->manual.replica == node)
		c->manual.replica = NODE_NONE;
}

void
view_remove(struct cluster *c, uint32_t node, struct effects *out)
{
	ASSERT(node != 0 && view_has(c, node));
	struct node *n = &c->nodes[node];
	emit_close(out, n->out);
	emit_close(out, n->in);
	view_set_out(c, node, 0);
	view_set_in(c, node, 0);
	failure_forget(c, node);
	remove_references(c, node);
	ASSERT(n->slot_count == 0);
	table_take(c, &c->by_id, id_hash(c, &n->id), node);
	n->in_use = false;
	c->node_count--;
	while (!c->nodes[c->high - 1].in_use)
		c->high--;
}

/* Spec A36: whoever gets its first slot where others have replicas may be given one. */
static bool
anybody_has_replicas(const struct cluster *c)
{
	for (uint32_t i = 0; i < c->high; i++) {
		if (c->nodes[i].in_use && c->nodes[i].replica_count > 0)
			return true;
	}
	return false;
}

void
view_set_owner(struct cluster *c, uint16_t slot, uint32_t node)
{
	uint32_t old = c->owner[slot];
	if (old == node)
		return;
	if (old != NODE_NONE) {
		struct node *n = &c->nodes[old];
		c->voter_count -= node_votes(n);
		slot_bitmap_set(&n->slots, slot, false);
		n->slot_count--;
		c->voter_count += node_votes(n);
		c->owned_count--;
	}
	if (node != NODE_NONE) {
		struct node *n = &c->nodes[node];
		ASSERT(node_is_primary(n));
		c->voter_count -= node_votes(n);
		slot_bitmap_set(&n->slots, slot, true);
		if (n->slot_count++ == 0 && anybody_has_replicas(c))
			n->flags |= NODE_MIGRATE_TO;
		c->voter_count += node_votes(n);
		c->owned_count++;
	}
	c->owner[slot] = node;
	slot_bitmap_set(&c->not_claiming, slot, false);
	c->slots_changed = true;
	c->health_wanted = true;
}

void
view_set_role(struct cluster *c, uint32_t node, bool replica, uint32_t primary)
{
	struct node *n = &c->nodes[node];
	ASSERT(view_has(c, node) && primary != node);
	ASSERT(replica ? n->slot_count == 0 : primary == NODE_NONE);
	c->voter_count -= node_votes(n);
	n->flags &= (uint16_t) ~(NODE_PRIMARY | NODE_REPLICA);
	n->flags |= replica ? NODE_REPLICA : NODE_PRIMARY;
	if (replica)
		n->flags &= (uint16_t)~NODE_MIGRATE_TO;
	n->primary = primary;
	c->voter_count += node_votes(n);
	c->slots_changed = true;
	c->health_wanted = true;
}

void
view_set_out(struct cluster *c, uint32_t node, bus_link link)
{
	struct node *n = &c->nodes[node];
	n->out = link;
	n->out_up = false;
	n->pong_on_out = n->ping_owed = false;
	n->out_created_ms = c->now_ms;
}

void
view_set_in(struct cluster *c, uint32_t node, bus_link link)
{
	struct node *n = &c->nodes[node];
	if (n->in != 0)
		table_take(c, &c->by_link, mix(n->in), node);
	n->in = 0;
	n->pong_owed = false;
	n->in_lost_ms = c->now_ms;
	if (link == 0)
		return;
	n->in = link;
	table_put(&c->by_link, mix(link), node);
}

bus_link
view_new_link(struct cluster *c, uint32_t node)
{
	c->next_link++;
	return (c->next_link << LINK_NODE_BITS | node) << 1;
}

uint32_t
view_my_primary(const struct cluster *c)
{
	return node_is_primary(&c->nodes[0]) ? 0 : c->nodes[0].primary;
}

static uint32_t
shard_root(const struct cluster *c, uint32_t node)
{
	uint32_t primary = c->nodes[node].primary;
	return primary == NODE_NONE ? node : primary;
}

bool
view_same_shard(const struct cluster *c, uint32_t a, uint32_t b)
{
	if (shard_root(c, a) == shard_root(c, b))
		return true;
	const struct node_id *id = &c->nodes[a].shard_id;
	return !node_id_is_nobody(id) && node_id_equal(id, &c->nodes[b].shard_id);
}

bool
slots_served_here(const struct cluster *c, uint16_t slot)
{
	return c->owner[slot] == 0 && node_id_is_nobody(&c->durable.replica_of) &&
	       slot_bitmap_has(&c->durable.slots, slot);
}

struct cluster_config *
cluster_config(struct cluster *c)
{
	return &c->config;
}

struct cluster *
cluster_format(void *mem, uint32_t nodes_max, const struct cluster_config *config, uint64_t seed,
	       uint64_t now_ms)
{
	struct cluster *c = mem;
	ASSERT(now_ms > 0);
	memset(mem, 0, cluster_size(nodes_max));
	c->config = *config;
	prng_seed(&c->prng, seed);
	c->id_secret = prng_next(&c->prng);
	c->now_ms = now_ms;
	c->nodes_max = nodes_max;
	/* The tables lie behind the nodes; both are multiples of 8 bytes long. */
	_Static_assert(sizeof(struct node) % 8 == 0 && sizeof(struct cluster) % 8 == 0,
		       "tables are aligned");
	void *places = (uint8_t *)mem + table_at(nodes_max);
	c->by_id.places = places;
	c->by_id.mask = table_places(nodes_max) - 1;
	c->by_link.places = c->by_id.places + table_places(nodes_max);
	c->by_link.mask = c->by_id.mask;
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		c->owner[slot] = c->migrating_to[slot] = c->importing_from[slot] = NODE_NONE;
	for (uint32_t i = 0; i < VIEW_REPORTS_MAX; i++)
		c->reports[i].next = i + 1 < VIEW_REPORTS_MAX ? i + 1 : NODE_NONE;
	c->health.started_ms = now_ms;
	c->manual.replica = NODE_NONE;
	c->tick_at_ms = now_ms;
	struct node_id id = view_random_id(c);
	uint32_t me = view_add(c, &id, NODE_MYSELF | NODE_PRIMARY);
	ASSERT(me == 0);
	c->nodes[me].shard_id = view_random_id(c);
	persist_want(c);
	persist_loaded(c);
	return c;
}
