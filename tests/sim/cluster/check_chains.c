/* tests/sim/cluster/check_chains.c - K9: nobody follows itself, and nobody follows a replica for long (spec A23). */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"

#define CHAIN_MS(timeout_ms) (4 * (timeout_ms) + 10000)

static void *
init(const struct world *w)
{
	uint64_t *since_us = calloc(w->host_count, sizeof(*since_us));
	ASSERT(since_us != NULL);
	return since_us;
}

static void
on_boot(void *state, struct world *w, const struct host *h)
{
	(void)w;
	uint64_t *since_us = state;
	since_us[h->index] = 0;
}

static void
on_stepped(void *state, struct world *w, const struct host *h)
{
	uint64_t *since_us = &((uint64_t *)state)[h->index];
	const struct cluster *c = h->cluster;
	uint32_t primary = c->nodes[0].primary;
	if (primary == 0)
		world_violate(w, VIOLATION_SAFETY, "K9: n%u follows itself", h->index + 1);
	if (primary == NODE_NONE || (c->nodes[primary].flags & NODE_REPLICA) == 0) {
		*since_us = 0;
	} else if (*since_us == 0) {
		*since_us = w->now_us;
	} else if (w->now_us - *since_us > CHAIN_MS(h->config.node_timeout_ms) * US_PER_MS) {
		char name[16];
		world_violate(w, VIOLATION_LIVENESS,
			      "K9: n%u has followed the replica %s for %llu ms", h->index + 1,
			      world_name(w, &c->nodes[primary].id, name),
			      (unsigned long long)((w->now_us - *since_us) / US_PER_MS));
	}
}

const struct checker check_chains = {
	.name = "chains", .init = init, .free = free, .boot = on_boot, .stepped = on_stepped};
