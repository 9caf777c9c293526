/* tests/sim/cluster/check_links.c - K8: connections are bounded (view.h V5).
 *
 * The view's own two links per node are asserted by cluster_check(). Here the connections that a process holds are counted, so that
 * one that was forgotten without being closed is seen.
 */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"

#define LINKS_LOOK_EVERY 512
#define LINKS_PER_PEER                                                                             \
	6 /* two, twice that while old ones are being replaced after a cut, and strangers in handshake */
#define LINKS_SPARE 16

static void *
init(const struct world *w)
{
	uint64_t *steps = calloc(w->host_count, sizeof(*steps));
	ASSERT(steps != NULL);
	return steps;
}

static void
on_stepped(void *state, struct world *w, const struct host *h)
{
	uint64_t *steps = state;
	if (++steps[h->index] % LINKS_LOOK_EVERY != 0)
		return;
	unsigned links = net_link_count(h), limit = LINKS_PER_PEER * w->host_count + LINKS_SPARE;
	if (links > limit)
		world_violate(w, VIOLATION_SAFETY, "K8: n%u holds %u connections, allowed are %u",
			      h->index + 1, links, limit);
}

const struct checker check_links = {
	.name = "links", .init = init, .free = free, .stepped = on_stepped};
