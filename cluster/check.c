/* cluster/check.c - every promise of view.h recounted from scratch. For tests and simulators, after every step. */
#include "cluster/election.h"
#include "cluster/failure.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static void
check_slots(const struct cluster *c)
{
	uint32_t owned = 0;
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		uint32_t owner = c->owner[slot];
		ASSERT(owner == NODE_NONE || view_has(c, owner));
		ASSERT(owner == NODE_NONE ||
		       slot_bitmap_has(&c->nodes[owner].slots, slot)); /* V2 */
		ASSERT(c->migrating_to[slot] == NODE_NONE || view_has(c, c->migrating_to[slot]));
		ASSERT(c->importing_from[slot] == NODE_NONE ||
		       view_has(c, c->importing_from[slot]));
		owned += owner != NODE_NONE;
	}
	ASSERT(owned == c->owned_count);
}

static uint32_t
count_bits(const struct slot_bitmap *map)
{
	uint32_t count = 0;
	for (unsigned i = 0; i < SLOT_BITMAP_SIZE; i++)
		count += (uint32_t)__builtin_popcount(map->bytes[i]);
	return count;
}

static void
check_node(const struct cluster *c, uint32_t node)
{
	const struct node *n = &c->nodes[node];
	ASSERT(view_find(c, &n->id) == node);
	ASSERT(n->slot_count ==
	       count_bits(&n->slots)); /* V2, with owned_count: no bit without owner[] */
	ASSERT(!(node_is_primary(n) && node_is_replica(n)));
	ASSERT(node_is_replica(n) || n->primary == NODE_NONE); /* V3 */
	ASSERT(node_is_primary(n) || n->slot_count == 0);      /* V3 */
	ASSERT(n->primary == NODE_NONE || (view_has(c, n->primary) && n->primary != node));
	ASSERT(n->config_epoch <= c->live.current_epoch); /* V4 */
	ASSERT(!(node_has(n, NODE_PFAIL) && node_has(n, NODE_FAIL)));
	ASSERT(node_has(n, NODE_MYSELF) == (node == 0)); /* V1 */
	ASSERT(n->out == 0 || view_by_link(c, n->out) == node);
	ASSERT(n->in == 0 || view_by_link(c, n->in) == node); /* V5 */
	ASSERT((n->out & 1) == 0 && (n->in == 0 || (n->in & 1) == 1));
	ASSERT(n->out != 0 || !n->out_up);
}

static void
check_nodes(const struct cluster *c)
{
	uint32_t count = 0, pfail = 0, voters = 0, slots = 0;
	ASSERT(c->nodes[0].in_use && c->high <= c->nodes_max);
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use)
			continue;
		check_node(c, i);
		count++;
		pfail += node_has(n, NODE_PFAIL);
		voters += node_votes(n);
		slots += n->slot_count;
	}
	ASSERT(count == c->node_count && pfail == c->pfail_count && voters == c->voter_count);
	ASSERT(slots == c->owned_count);
	ASSERT(!node_has(&c->nodes[0], NODE_PFAIL | NODE_FAIL | NODE_HANDSHAKE));
}

static void
check_reports(const struct cluster *c)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		for (uint32_t at = n->in_use ? n->report_first : NODE_NONE; at != NODE_NONE;
		     at = c->reports[at].next) {
			ASSERT(view_has(c, c->reports[at].reporter) &&
			       c->reports[at].reporter != i);
			count++;
			ASSERT(count <= VIEW_REPORTS_MAX);
		}
	}
	for (uint32_t at = c->report_free; at != NODE_NONE; at = c->reports[at].next) {
		count++;
		ASSERT(count <= VIEW_REPORTS_MAX);
	}
	ASSERT(count == VIEW_REPORTS_MAX);
}

static void
check_election(const struct cluster *c)
{
	const struct election *e = &c->election;
	ASSERT((e->state == ELECTION_ASKING) == (e->epoch != 0));
	ASSERT(e->epoch <= c->live.current_epoch);
	ASSERT(e->state == ELECTION_ASKING || e->votes.count == 0);
	ASSERT(e->state == ELECTION_IDLE || node_is_replica(&c->nodes[0]));
	for (uint32_t i = 0; i < e->votes.count; i++) {
		ASSERT(view_has(c, e->votes.voters[i]));
		for (uint32_t j = 0; j < i; j++)
			ASSERT(e->votes.voters[i] != e->votes.voters[j]); /* L1 */
	}
	ASSERT(c->manual.state != MANUAL_PAUSED_FOR || node_is_primary(&c->nodes[0]));
	ASSERT(c->manual.state == MANUAL_IDLE || c->manual.state == MANUAL_PAUSED_FOR ||
	       node_is_replica(&c->nodes[0]));
}

static void
check_persist(const struct cluster *c)
{
	ASSERT(c->durable.current_epoch <= c->live.current_epoch);
	ASSERT(c->durable.last_vote_epoch <= c->live.last_vote_epoch);
	ASSERT(c->live.last_vote_epoch <= c->live.current_epoch);
	ASSERT(c->flying_number == 0 || c->flying_number == c->live_number);
	ASSERT(c->durable_number <= c->live_number);
	/* Whatever is decided and not on its way is wanted. */
	uint64_t on_its_way =
		c->flying_number != 0 ? c->flying.current_epoch : c->durable.current_epoch;
	ASSERT(c->save_wanted || on_its_way == c->live.current_epoch);
}

void
cluster_check(const struct cluster *c)
{
	ASSERT(c->facts == NULL);
	check_slots(c);
	check_nodes(c);
	check_reports(c);
	check_election(c);
	check_persist(c);
}
