/* cluster/ballot.c - the vote. Checks in the order of Redis, so that counters of a mixed cluster can be compared. */
#include "cluster/ballot.h"

#include "cluster/emit.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static bool
has_stale_slot(const struct cluster *c, const struct bus_head *request, uint16_t *stale_slot)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		uint32_t owner = c->owner[slot];
		if (!slot_bitmap_has(&request->slots, slot) || owner == NODE_NONE ||
		    slot_bitmap_has(&c->not_claiming, slot) ||
		    c->nodes[owner].config_epoch <= request->config_epoch)
			continue;
		*stale_slot = (uint16_t)slot;
		return true;
	}
	return false;
}

/* Not needed for safety; it keeps two replicas of one primary from winning one after the other. Gone in Valkey 8.1. */
static bool
voted_just_now(const struct cluster *c, const struct node *primary)
{
	return !c->config.fast_election && primary->voted_ms != 0 &&
	       c->now_ms - primary->voted_ms < 2 * c->config.node_timeout_ms;
}

enum ballot
ballot_decide(const struct cluster *c, uint32_t node, const struct bus_head *request,
	      uint16_t *stale_slot)
{
	const struct node *n = &c->nodes[node];
	if (!node_votes(&c->nodes[0]))
		return BALLOT_NOT_A_VOTER;
	if (c->now_ms - c->health.started_ms < BALLOT_RESTART_MS)
		return BALLOT_RESTARTING;
	if (request->current_epoch < c->live.current_epoch)
		return BALLOT_OLD_EPOCH;
	if (c->live.last_vote_epoch >= c->live.current_epoch)
		return BALLOT_ALREADY_VOTED;
	if (!node_is_replica(n))
		return BALLOT_NOT_A_REPLICA;
	if (n->primary == NODE_NONE)
		return BALLOT_PRIMARY_UNKNOWN;
	const struct node *primary = &c->nodes[n->primary];
	if (!node_has(primary, NODE_FAIL) && (request->message_flags & BUS_FORCE_ACK) == 0)
		return BALLOT_PRIMARY_ALIVE;
	if (voted_just_now(c, primary))
		return BALLOT_TOO_SOON;
	if (has_stale_slot(c, request, stale_slot))
		return BALLOT_STALE_SLOTS;
	return n->out_up ? BALLOT_GRANTED : BALLOT_NO_LINK;
}

void
ballot_on_request(struct cluster *c, uint32_t node, const struct bus_head *request,
		  struct effects *out)
{
	uint16_t stale_slot = 0;
	enum ballot ballot = ballot_decide(c, node, request, &stale_slot);
	if (ballot != BALLOT_GRANTED) {
		emit_trace(c, out, TRACE_BALLOT_REFUSED, node, ballot);
		if (ballot == BALLOT_STALE_SLOTS && c->owner[stale_slot] != node)
			emit_update(c, out, node, c->owner[stale_slot]);
		return;
	}
	ASSERT(c->live.last_vote_epoch < c->live.current_epoch);
	c->live.last_vote_epoch = c->live.current_epoch;
	c->nodes[c->nodes[node].primary].voted_ms = c->now_ms;
	emit_vote(c, out, node);
	emit_trace(c, out, TRACE_VOTE, node, c->live.last_vote_epoch);
}
