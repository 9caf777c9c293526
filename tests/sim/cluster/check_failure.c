/* tests/sim/cluster/check_failure.c - K6: FAIL by quorum rests on fresh reports of distinct primaries (spec A11, A12).
 *
 * A report counts here if the frame that carried it came from a node that calls itself a primary: the least that the node's
 * own books must be stricter than. Beyond FAILURE_HOSTS_MAX hosts the table would be too large, and only counts are kept.
 */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"

#define FAILURE_HOSTS_MAX 64u
#define FAILURE_SLACK_MS  1

struct failure {
	uint32_t hosts; /* 0: no table */
	uint64_t *
		at_ms; /* [observer][target][reporter]: last said to be failing, in the observer's time */
};

static void *
init(const struct world *w)
{
	struct failure *failure = calloc(1, sizeof(*failure));
	ASSERT(failure != NULL);
	if (w->host_count <= FAILURE_HOSTS_MAX) {
		failure->hosts = w->host_count;
		failure->at_ms = calloc((size_t)w->host_count * w->host_count * w->host_count,
					sizeof(uint64_t));
		ASSERT(failure->at_ms != NULL);
	}
	return failure;
}

static void
release(void *state)
{
	struct failure *failure = state;
	free(failure->at_ms);
	free(failure);
}

static uint64_t *
reports(const struct failure *failure, uint32_t observer, uint32_t target)
{
	return &failure->at_ms[((size_t)observer * failure->hosts + target) * failure->hosts];
}

static void
on_boot(void *state, struct world *w, const struct host *h)
{
	(void)w;
	struct failure *failure = state;
	for (size_t i = 0; i < (size_t)failure->hosts * failure->hosts; i++)
		failure->at_ms[(size_t)h->index * failure->hosts * failure->hosts + i] = 0;
}

static void
on_receive(void *state, struct world *w, const struct host *h, const struct host *from,
	   const struct bus_msg *msg)
{
	struct failure *failure = state;
	if (failure->hosts == 0 || msg->head.type > BUS_MEET ||
	    !node_id_is_nobody(&msg->head.replica_of))
		return;
	for (unsigned i = 0; i < msg->ping.gossip_count; i++) {
		const struct bus_gossip *entry = &msg->ping.gossip[i];
		uint32_t target = (entry->flags & (NODE_PFAIL | NODE_FAIL)) != 0
					  ? world_find(w, &entry->id)
					  : HOST_NONE;
		if (target != HOST_NONE)
			reports(failure, h->index, target)[from->index] = host_now_ms(w, h);
	}
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	const struct failure *failure = state;
	w->counts.pfails += effect->trace == TRACE_PFAIL;
	if (effect->trace != TRACE_FAIL)
		return;
	w->counts.fails++;
	const struct cluster *c = h->cluster;
	uint32_t target = world_find(w, &c->nodes[effect->node].id);
	if (failure->hosts == 0 || target == HOST_NONE)
		return;
	unsigned voters = 0, fresh = node_votes(&c->nodes[0]);
	for (uint32_t i = 0; i < c->high; i++)
		voters += c->nodes[i].in_use && node_votes(&c->nodes[i]);
	uint64_t oldest_ms = 2 * h->config.node_timeout_ms + FAILURE_SLACK_MS;
	for (uint32_t i = 0; i < failure->hosts; i++) {
		uint64_t at_ms = reports(failure, h->index, target)[i];
		fresh += at_ms != 0 && host_now_ms(w, h) - at_ms <= oldest_ms;
	}
	if (fresh < voters / 2 + 1)
		world_violate(w, VIOLATION_SAFETY,
			      "K6: n%u holds n%u for failed on %u of %u reports", h->index + 1,
			      target + 1, fresh, voters / 2 + 1);
}

const struct checker check_failure = {.name = "failure",
				      .init = init,
				      .free = release,
				      .boot = on_boot,
				      .receive = on_receive,
				      .trace = on_trace};
