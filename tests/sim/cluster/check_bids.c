/* tests/sim/cluster/check_bids.c - K7: who bids has fresh data of a primary that has failed (spec A26, A27). */
#include "tests/sim/cluster/check.h"

#define SECOND_MS 1000 /* spec A27: stock nodes count in seconds */

static void *
init(const struct world *w)
{
	(void)w;
	return NULL;
}

static void
release(void *state)
{
	(void)state;
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	(void)state;
	const struct cluster *c = h->cluster;
	if (effect->trace != TRACE_ELECTION_ASKING || c->manual.state == MANUAL_CAN_START)
		return;
	uint32_t primary = c->nodes[0].primary;
	if (primary == NODE_NONE || (c->nodes[primary].flags & NODE_FAIL) == 0)
		world_violate(w, VIOLATION_SAFETY, "K7: n%u bids though its primary has not failed",
			      h->index + 1);
	if (!h->repl.synced)
		world_violate(w, VIOLATION_SAFETY, "K7: n%u bids without any data", h->index + 1);
	uint64_t timeout_ms = h->config.node_timeout_ms, factor = h->config.replica_validity_factor;
	uint64_t limit_ms = timeout_ms + h->config.repl_ping_period_s * 1000ull +
			    timeout_ms * factor + SECOND_MS;
	if (factor != 0 && repl_age_ms(w, h) > limit_ms)
		world_violate(w, VIOLATION_SAFETY,
			      "K7: n%u bids with data %llu ms old, allowed are %llu", h->index + 1,
			      (unsigned long long)repl_age_ms(w, h), (unsigned long long)limit_ms);
}

const struct checker check_bids = {
	.name = "bids", .init = init, .free = release, .trace = on_trace};
