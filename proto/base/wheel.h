/* proto/base/wheel.h - deadlines of very many things, in constant time: a hierarchical timing wheel.
 *
 *     level 0   256 slots of 128 us        33 ms
 *     level 1   256 slots of 33 ms         8.4 s
 *     level 2   256 slots of 8.4 s         36 min
 *     level 3   256 slots of 36 min        6.4 days; later deadlines wait in its last slot and are put in again
 *
 * W1  A node is handed out at the first wheel_advance() whose now is at or past its deadline rounded up to a tick, never before
 *     its deadline.
 * W2  Nodes are the caller's memory; one that is linked must not move or be freed.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_US 128u
#define WHEEL_LEVELS  4
#define WHEEL_SLOTS   256u

struct wheel_node {
	struct wheel_node *next, **link; /* link NULL: not in a wheel */
	uint64_t at_us;
};

struct wheel {
	uint64_t tick; /* everything up to this tick has been handed out or is in due */
	struct wheel_node *due;
	uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
	struct wheel_node *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_us);
/* The node must not be in a wheel. */
void wheel_add(struct wheel *wheel, struct wheel_node *node, uint64_t at_us);
/* Does nothing for a node that is in no wheel. */
void wheel_cancel(struct wheel *wheel, struct wheel_node *node);
/* The next node that is due, out of the wheel; NULL: none left. Order within a tick is unspecified. */
struct wheel_node *wheel_advance(struct wheel *wheel, uint64_t now_us);
/* A time not later than the moment the first node becomes due, exact to the slot it is in; UINT64_MAX: empty. */
uint64_t wheel_next_at(const struct wheel *wheel);
