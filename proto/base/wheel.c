/* proto/base/wheel.c - slots are lists, and a bitmap per level says which are not empty, so that time may jump: an idle wheel
 * advances over hours in a few steps.
 */
#include "proto/base/wheel.h"

#include <stddef.h>
#include <string.h>

#include "proto/base/assert.h"

#define SLOT_BITS 8

static unsigned
shift_of(unsigned level)
{
	return level * SLOT_BITS;
}

static void
link_to(struct wheel_node **list, struct wheel_node *node)
{
	node->next = *list;
	if (node->next != NULL)
		node->next->link = &node->next;
	node->link = list;
	*list = node;
}

static void
unlink_node(struct wheel_node *node)
{
	*node->link = node->next;
	if (node->next != NULL)
		node->next->link = node->link;
	node->link = NULL;
}

void
wheel_init(struct wheel *wheel, uint64_t now_us)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->tick = now_us / WHEEL_TICK_US;
}

static uint64_t
tick_of(uint64_t at_us)
{
	return at_us / WHEEL_TICK_US + (at_us % WHEEL_TICK_US != 0);
}

/* The lowest level on which the deadline is less than one turn away. */
static void
place(struct wheel *wheel, struct wheel_node *node)
{
	uint64_t tick = tick_of(node->at_us);
	if (tick <= wheel->tick) {
		link_to(&wheel->due, node);
		return;
	}
	unsigned level = 0;
	while (level < WHEEL_LEVELS - 1 &&
	       (tick >> shift_of(level)) - (wheel->tick >> shift_of(level)) >= WHEEL_SLOTS)
		level++;
	uint64_t turn = (tick >> shift_of(level)) - (wheel->tick >> shift_of(level));
	if (turn >= WHEEL_SLOTS) /* beyond the last level: as far away as it can be */
		tick = wheel->tick + ((uint64_t)(WHEEL_SLOTS - 1) << shift_of(level));
	unsigned slot = (unsigned)(tick >> shift_of(level)) % WHEEL_SLOTS;
	link_to(&wheel->slots[level][slot], node);
	wheel->occupied[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

void
wheel_add(struct wheel *wheel, struct wheel_node *node, uint64_t at_us)
{
	DASSERT(node->link == NULL);
	node->at_us = at_us;
	place(wheel, node);
}

/* list is a slot, or a node's next field, or due: the bit of a slot that has become empty is cleared, or a timer that is
 * re-armed with every segment would leave a trail of slots to wake up for. */
static void
forget_empty(struct wheel *wheel, struct wheel_node **list)
{
	uintptr_t offset = (uintptr_t)list - (uintptr_t)wheel->slots;
	if (offset >= sizeof(wheel->slots) || *list != NULL)
		return;
	size_t index = (size_t)(list - &wheel->slots[0][0]);
	size_t level = index / WHEEL_SLOTS, slot = index % WHEEL_SLOTS;
	wheel->occupied[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

void
wheel_cancel(struct wheel *wheel, struct wheel_node *node)
{
	if (node->link == NULL)
		return;
	struct wheel_node **list = node->link;
	unlink_node(node);
	forget_empty(wheel, list);
}

/* Slots from the current one on until the first occupied one of this level: 1 .. WHEEL_SLOTS, 0: none. */
static unsigned
distance(const struct wheel *wheel, unsigned level)
{
	unsigned now = (unsigned)(wheel->tick >> shift_of(level)) % WHEEL_SLOTS;
	for (unsigned step = 1; step <= WHEEL_SLOTS;) {
		unsigned slot = (now + step) % WHEEL_SLOTS;
		uint64_t word = wheel->occupied[level][slot / 64] >> (slot % 64);
		if (word != 0) {
			unsigned found = step + (unsigned)__builtin_ctzll(word);
			return found <= WHEEL_SLOTS ? found : 0;
		}
		step += 64 - slot % 64;
	}
	return 0;
}

/* The tick at which the first occupied slot of a level begins; UINT64_MAX: none. */
static uint64_t
level_next(const struct wheel *wheel, unsigned level)
{
	unsigned steps = distance(wheel, level);
	if (steps == 0)
		return UINT64_MAX;
	return ((wheel->tick >> shift_of(level)) + steps) << shift_of(level);
}

static uint64_t
next_tick(const struct wheel *wheel)
{
	uint64_t first = UINT64_MAX;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t tick = level_next(wheel, level);
		first = tick < first ? tick : first;
	}
	return first;
}

/* The wheel stands at a tick where slots begin: their nodes become due or go down a level. */
static void
open_slots(struct wheel *wheel)
{
	for (unsigned level = WHEEL_LEVELS; level-- > 0;) {
		uint64_t low = wheel->tick & ((UINT64_C(1) << shift_of(level)) - 1);
		if (low != 0)
			continue;
		unsigned slot = (unsigned)(wheel->tick >> shift_of(level)) % WHEEL_SLOTS;
		struct wheel_node *node;
		wheel->occupied[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
		struct wheel_node *list = wheel->slots[level][slot];
		wheel->slots[level][slot] = NULL;
		if (list != NULL)
			list->link = &list;
		while ((node = list) != NULL) {
			unlink_node(node);
			place(wheel, node);
		}
	}
}

struct wheel_node *
wheel_advance(struct wheel *wheel, uint64_t now_us)
{
	uint64_t until = now_us / WHEEL_TICK_US;
	while (wheel->due == NULL && wheel->tick < until) {
		uint64_t tick = next_tick(wheel);
		if (tick > until) {
			wheel->tick = until;
			return NULL;
		}
		wheel->tick = tick;
		open_slots(wheel);
	}
	struct wheel_node *node = wheel->due;
	if (node != NULL)
		unlink_node(node);
	return node;
}

uint64_t
wheel_next_at(const struct wheel *wheel)
{
	if (wheel->due != NULL)
		return wheel->tick * WHEEL_TICK_US;
	uint64_t tick = next_tick(wheel);
	return tick == UINT64_MAX ? UINT64_MAX : tick * WHEEL_TICK_US;
}
