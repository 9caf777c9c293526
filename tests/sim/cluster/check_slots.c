/* tests/sim/cluster/check_slots.c - K3: two nodes never claim one slot with one configuration epoch.
 *
 * Where an epoch was taken without asking anybody (TAKEOVER, SETSLOT, BUMPEPOCH, the resolution of a collision) Redis Cluster itself
 * does not promise this: a node elected elsewhere may hold the same number until the collision is seen. From then on only
 * agreement (K10) is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"

#define CLAIMS_MAX 256

struct claim {
	uint64_t epoch;
	struct node_id id;
	struct slot_bitmap slots; /* all that it ever claimed with it */
};

struct slots {
	struct claim claims[CLAIMS_MAX]; /* the oldest make room */
	unsigned count;
	struct claim *last; /* by host: what was looked at already */
};

static void *
init(const struct world *w)
{
	struct slots *slots = calloc(1, sizeof(*slots));
	ASSERT(slots != NULL);
	slots->last = calloc(w->host_count, sizeof(*slots->last));
	ASSERT(slots->last != NULL);
	return slots;
}

static void
release(void *state)
{
	struct slots *slots = state;
	free(slots->last);
	free(slots);
}

/* The first slot in both; SLOT_COUNT: none. */
static unsigned
overlap(const struct slot_bitmap *a, const struct slot_bitmap *b)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_bitmap_has(a, slot) && slot_bitmap_has(b, slot))
			return slot;
	return SLOT_COUNT;
}

static bool
is_empty(const struct slot_bitmap *map)
{
	static const struct slot_bitmap none;
	return memcmp(map, &none, sizeof(none)) == 0;
}

static void
look(struct slots *slots, struct world *w, const struct host *h, const struct bus_head *head)
{
	struct claim *own = NULL;
	unsigned held = slots->count < CLAIMS_MAX ? slots->count : CLAIMS_MAX;
	for (unsigned i = 0; i < held; i++) {
		struct claim *claim = &slots->claims[i];
		if (claim->epoch != head->config_epoch)
			continue;
		if (node_id_equal(&claim->id, &head->sender)) {
			own = claim;
			continue;
		}
		unsigned slot = overlap(&claim->slots, &head->slots);
		char other[16];
		if (slot < SLOT_COUNT && !w->unsafe_used)
			world_violate(w, VIOLATION_SAFETY,
				      "K3: n%u claims slot %u with epoch %llu, as %s does",
				      h->index + 1, slot, (unsigned long long)head->config_epoch,
				      world_name(w, &claim->id, other));
	}
	if (own == NULL) {
		own = &slots->claims[slots->count++ % CLAIMS_MAX];
		*own = (struct claim){.epoch = head->config_epoch, .id = head->sender};
	}
	for (unsigned i = 0; i < SLOT_BITMAP_SIZE; i++)
		own->slots.bytes[i] |= head->slots.bytes[i];
}

static void
on_send(void *state, struct world *w, const struct host *h, const struct bus_head *head,
	uint64_t after, uint32_t to)
{
	(void)after;
	(void)to;
	struct slots *slots = state;
	struct claim *last = &slots->last[h->index];
	if (!node_id_is_nobody(&head->replica_of) || w->unsafe_used)
		return;
	if (last->epoch == head->config_epoch && node_id_equal(&last->id, &head->sender) &&
	    memcmp(&last->slots, &head->slots, sizeof(last->slots)) == 0)
		return;
	*last = (struct claim){head->config_epoch, head->sender, head->slots};
	if (!is_empty(&head->slots))
		look(slots, w, h, head);
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	(void)state;
	(void)h;
	if (effect->trace == TRACE_TAKEOVER || effect->trace == TRACE_EPOCH_BUMP ||
	    effect->trace == TRACE_EPOCH_COLLISION)
		w->unsafe_used = true;
}

const struct checker check_slots = {
	.name = "slots", .init = init, .free = release, .send = on_send, .trace = on_trace};
