/* tests/sim/cluster/operator.c - see operator.h. */
#include "tests/sim/cluster/operator.h"

#include <stdio.h>

#include "tests/sim/cluster/world.h"

#define TRIES     16
#define ANSWER_US 20000u

static bool
is_replica(const struct host *h)
{
	return !node_is_primary(&h->cluster->nodes[0]);
}

static bool
is_voter(const struct host *h)
{
	return node_votes(&h->cluster->nodes[0]);
}

/* A running host of that kind; NULL: none was found. */
static struct host *
pick(struct world *w, bool (*kind)(const struct host *h))
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct host *h = &w->hosts[prng_below(&w->fault_prng, w->host_count)];
		if (host_running(h) && kind(h))
			return h;
	}
	return NULL;
}

static void
about(struct world *w, struct host *h, const char *format, const struct host *other)
{
	char text[WORLD_TEXT_MAX];
	(void)snprintf(text, sizeof(text), format, (const char *)other->id.bytes);
	(void)host_command(w, h, text);
}

static void
failover(struct world *w, const char *command)
{
	struct host *h = pick(w, is_replica);
	if (h != NULL)
		(void)host_command(w, h, command);
}

void
operator_failover(struct world *w)
{
	failover(w, "CLUSTER FAILOVER");
}

void
operator_force(struct world *w)
{
	failover(w, "CLUSTER FAILOVER FORCE");
}

void
operator_takeover(struct world *w)
{
	failover(w, "CLUSTER FAILOVER TAKEOVER");
}

void
operator_replicate(struct world *w)
{
	struct host *h = pick(w, is_replica), *primary = pick(w, is_voter);
	if (h != NULL && primary != NULL)
		about(w, h, "CLUSTER REPLICATE %.40s", primary);
}

static void
setslot(struct world *w, struct host *h, unsigned slot, const char *what, const struct host *other)
{
	char text[WORLD_TEXT_MAX];
	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u %s %.40s", slot, what,
		       (const char *)other->id.bytes);
	(void)host_command(w, h, text);
}

/* The source hears of it once the target has answered, which it does when its own claim is on disk. number: slot, target, source. */
static void
settle_source(struct world *w, uint64_t number)
{
	struct host *source = &w->hosts[number & 0xffff],
		    *target = &w->hosts[number >> 16 & 0xffff];
	unsigned slot = (unsigned)(number >> 32);
	if (!target->alive || target->cluster->owner[slot] != 0)
		return; /* no answer: the operator looks into it another day */
	if (slots_served_here(target->cluster, (uint16_t)slot))
		setslot(w, source, slot, "NODE", target);
	else
		world_later(w, ANSWER_US, settle_source, number);
}

/* Target first, as redis-cli does: spec H5. */
static void
settle_slot(struct world *w, uint64_t number)
{
	struct host *target = &w->hosts[number >> 16 & 0xffff];
	setslot(w, target, (unsigned)(number >> 32), "NODE", target);
	settle_source(w, number);
}

void
operator_move_slot(struct world *w)
{
	struct host *source = pick(w, is_voter), *target = pick(w, is_voter);
	if (source == NULL || target == NULL || source == target)
		return;
	unsigned slot = (unsigned)prng_below(&w->fault_prng, SLOT_COUNT);
	while (w->keys[slot] > 0 || source->cluster->owner[slot] != 0)
		slot = (slot + 1) % SLOT_COUNT;
	w->moved[w->moved_count++ % WORLD_MOVED_MAX] = (uint16_t)slot;
	setslot(w, target, slot, "IMPORTING", source);
	setslot(w, source, slot, "MIGRATING", target);
	world_later(w, prng_below(&w->fault_prng, 500000), settle_slot,
		    (uint64_t)slot << 32 | (uint64_t)target->index << 16 | source->index);
}

void
operator_bump(struct world *w)
{
	struct host *h = pick(w, is_voter);
	if (h != NULL)
		(void)host_command(w, h, "CLUSTER BUMPEPOCH");
}

void
operator_forget(struct world *w)
{
	struct host *h = &w->hosts[prng_below(&w->fault_prng, w->host_count)];
	struct host *other = &w->hosts[prng_below(&w->fault_prng, w->host_count)];
	about(w, h, "CLUSTER FORGET %.40s", other);
}

void
operator_reset(struct world *w)
{
	struct host *h = pick(w, is_replica);
	if (h != NULL)
		(void)host_command(w, h,
				   prng_below(&w->fault_prng, 2) == 0 ? "CLUSTER RESET SOFT"
								      : "CLUSTER RESET HARD");
}

static bool
is_owned(const struct world *w, uint16_t slot)
{
	for (uint32_t i = 0; i < w->host_count; i++)
		if (w->hosts[i].alive && w->hosts[i].cluster->owner[slot] == 0)
			return true;
	return false;
}

void
operator_fix(struct world *w)
{
	unsigned count = w->moved_count < WORLD_MOVED_MAX ? w->moved_count : WORLD_MOVED_MAX;
	for (unsigned i = 0; i < count; i++) {
		struct host *h = is_owned(w, w->moved[i]) ? NULL : pick(w, is_voter);
		if (h == NULL)
			continue;
		char text[WORLD_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "CLUSTER DELSLOTS %u", w->moved[i]);
		(void)host_command(w, h, text);
		(void)snprintf(text, sizeof(text), "CLUSTER ADDSLOTS %u", w->moved[i]);
		(void)host_command(w, h, text);
		(void)host_command(w, h, "CLUSTER BUMPEPOCH");
	}
}

static void
forget_strangers(struct world *w, struct host *h)
{
	for (uint32_t i = 1; i < h->cluster->high; i++) {
		const struct node *node = &h->cluster->nodes[i];
		if (!node->in_use || (node->flags & NODE_HANDSHAKE) != 0 ||
		    world_find(w, &node->id) != HOST_NONE)
			continue;
		char text[WORLD_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "CLUSTER FORGET %.40s",
			       (const char *)node->id.bytes);
		(void)host_command(w, h, text);
	}
}

static void
meet_missing(struct world *w, struct host *h)
{
	for (uint32_t i = 0; i < w->host_count; i++) {
		const struct host *other = &w->hosts[i];
		if (view_find(h->cluster, &other->id) != NODE_NONE)
			continue;
		char text[WORLD_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "CLUSTER MEET %s %u", other->ip, WORLD_PORT);
		(void)host_command(w, h, text);
	}
}

void
operator_repair(struct world *w)
{
	for (uint32_t i = 0; i < w->host_count; i++)
		if (host_running(&w->hosts[i])) {
			forget_strangers(w, &w->hosts[i]);
			meet_missing(w, &w->hosts[i]);
		}
}
