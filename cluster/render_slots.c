/* cluster/render_slots.c - CLUSTER SLOTS and SHARDS: who serves what, for clients that route by slot. */
#include <string.h>

#include "cluster/node_line.h"
#include "cluster/render.h"
#include "proto/base/assert.h"
#include "proto/resp/writer.h"

/* The replicas of every node, in the order of the view: one walk over the view instead of one per range of slots. */
struct replica_lists {
	uint32_t first[CLUSTER_NODES_MAX], next[CLUSTER_NODES_MAX];
};

static void
replica_lists_make(struct replica_lists *lists, const struct cluster *c)
{
	ASSERT(c->high <= CLUSTER_NODES_MAX);
	for (uint32_t i = 0; i < c->high; i++)
		lists->first[i] = NODE_NONE;
	for (uint32_t i = c->high; i-- > 0;) {
		uint32_t primary = c->nodes[i].primary;
		if (!c->nodes[i].in_use || primary == NODE_NONE)
			continue;
		lists->next[i] = lists->first[primary];
		lists->first[primary] = i;
	}
}

static uint64_t
offset_of(const struct node *n, const struct cluster_facts *facts)
{
	return (n->flags & NODE_MYSELF) != 0 ? facts->offset : n->offset;
}

/* A replica without data cannot answer anybody. */
static bool
is_available(const struct node *n, const struct cluster_facts *facts)
{
	return (n->flags & NODE_FAIL) == 0 && offset_of(n, facts) != 0;
}

static void
reply_endpoint(const struct cluster *c, const struct node *n, struct resp_writer *w)
{
	switch (c->config.preferred_endpoint) {
	case ENDPOINT_IP:
		resp_bulk_text(w, n->ip);
		return;
	case ENDPOINT_HOSTNAME:
		resp_bulk_text(w, n->hostname[0] != '\0' ? n->hostname : "?");
		return;
	case ENDPOINT_UNKNOWN:
		resp_null(w);
		return;
	}
}

/* ---- SLOTS ---- */

static void
reply_server(const struct cluster *c, const struct node *n, struct resp_writer *w)
{
	bool ip = c->config.preferred_endpoint != ENDPOINT_IP;
	bool hostname = c->config.preferred_endpoint != ENDPOINT_HOSTNAME && n->hostname[0] != '\0';
	resp_array(w, 4);
	reply_endpoint(c, n, w);
	resp_integer(w, n->port);
	resp_bulk(w, (struct span){n->id.bytes, NODE_ID_LEN});
	resp_map(w, (size_t)ip + hostname);
	if (ip) {
		resp_bulk_text(w, "ip");
		resp_bulk_text(w, n->ip);
	}
	if (hostname) {
		resp_bulk_text(w, "hostname");
		resp_bulk_text(w, n->hostname);
	}
}

/* The next run of slots with one owner at or behind from. False: there is none. */
static bool
run_next(const struct cluster *c, unsigned from, struct slot_range *out)
{
	while (from < SLOT_COUNT && c->owner[from] == NODE_NONE)
		from++;
	if (from == SLOT_COUNT)
		return false;
	unsigned last = from;
	while (last + 1 < SLOT_COUNT && c->owner[last + 1] == c->owner[from])
		last++;
	*out = (struct slot_range){from, last};
	return true;
}

static void
reply_run(const struct cluster *c, const struct replica_lists *lists, struct slot_range run,
	  const struct cluster_facts *facts, struct resp_writer *w)
{
	uint32_t owner = c->owner[run.first];
	size_t servers = 1;
	for (uint32_t i = lists->first[owner]; i != NODE_NONE; i = lists->next[i])
		servers += is_available(&c->nodes[i], facts);
	resp_array(w, 2 + servers);
	resp_integer(w, run.first);
	resp_integer(w, run.last);
	reply_server(c, &c->nodes[owner], w);
	for (uint32_t i = lists->first[owner]; i != NODE_NONE; i = lists->next[i])
		if (is_available(&c->nodes[i], facts))
			reply_server(c, &c->nodes[i], w);
}

void
render_slots(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w)
{
	struct replica_lists lists;
	struct slot_range run;
	size_t count = 0;
	replica_lists_make(&lists, c);
	for (unsigned from = 0; run_next(c, from, &run); from = run.last + 1)
		count++;
	resp_array(w, count);
	for (unsigned from = 0; run_next(c, from, &run); from = run.last + 1)
		reply_run(c, &lists, run, facts, w);
}

/* ---- SHARDS ---- */

static const char *
health_of(const struct node *n, const struct cluster_facts *facts)
{
	if ((n->flags & NODE_FAIL) != 0)
		return "fail";
	return !node_is_primary(n) && n->primary != NODE_NONE && offset_of(n, facts) == 0
		       ? "loading"
		       : "online";
}

static void
reply_member(const struct cluster *c, const struct node *n, const struct cluster_facts *facts,
	     struct resp_writer *w)
{
	bool hostname = n->hostname[0] != '\0';
	resp_map(w, 6 + (size_t)(n->port != 0) + (n->pport != 0) + hostname);
	resp_bulk_text(w, "id");
	resp_bulk(w, (struct span){n->id.bytes, NODE_ID_LEN});
	if (n->port != 0) {
		resp_bulk_text(w, "port");
		resp_integer(w, n->port);
	}
	if (n->pport != 0) { /* the cluster talks plain, so the other port is the TLS one */
		resp_bulk_text(w, "tls-port");
		resp_integer(w, n->pport);
	}
	resp_bulk_text(w, "ip");
	resp_bulk_text(w, n->ip);
	resp_bulk_text(w, "endpoint");
	reply_endpoint(c, n, w);
	if (hostname) {
		resp_bulk_text(w, "hostname");
		resp_bulk_text(w, n->hostname);
	}
	resp_bulk_text(w, "role");
	resp_bulk_text(w, (n->flags & NODE_REPLICA) != 0 ? "replica" : "master");
	resp_bulk_text(w, "replication-offset");
	resp_integer(w, (int64_t)offset_of(n, facts));
	resp_bulk_text(w, "health");
	resp_bulk_text(w, health_of(n, facts));
}

static void
reply_slot_ranges(const struct node *n, struct resp_writer *w)
{
	struct slot_range range;
	size_t count = 0;
	for (unsigned from = 0; slot_range_next(&n->slots, from, &range); from = range.last + 1)
		count++;
	resp_array(w, 2 * count);
	for (unsigned from = 0; slot_range_next(&n->slots, from, &range); from = range.last + 1) {
		resp_integer(w, range.first);
		resp_integer(w, range.last);
	}
}

static bool
is_shard(const struct node *n)
{
	return n->in_use && node_is_primary(n); /* a node in handshake has no role yet */
}

static void
reply_shard(const struct cluster *c, const struct replica_lists *lists, uint32_t node,
	    const struct cluster_facts *facts, struct resp_writer *w)
{
	size_t members = 1;
	for (uint32_t i = lists->first[node]; i != NODE_NONE; i = lists->next[i])
		members++;
	resp_map(w, 2);
	resp_bulk_text(w, "slots");
	reply_slot_ranges(&c->nodes[node], w);
	resp_bulk_text(w, "nodes");
	resp_array(w, members);
	reply_member(c, &c->nodes[node], facts, w);
	for (uint32_t i = lists->first[node]; i != NODE_NONE; i = lists->next[i])
		reply_member(c, &c->nodes[i], facts, w);
}

void
render_shards(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w)
{
	struct replica_lists lists;
	size_t count = 0;
	replica_lists_make(&lists, c);
	for (uint32_t i = 0; i < c->high; i++)
		count += is_shard(&c->nodes[i]);
	resp_array(w, count);
	for (uint32_t i = 0; i < c->high; i++)
		if (is_shard(&c->nodes[i]))
			reply_shard(c, &lists, i, facts, w);
}
