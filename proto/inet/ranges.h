/* proto/inet/ranges.h - which bytes arrived ahead of their turn: a short sorted list of runs.
 *
 *     rcv_nxt                 first.left   first.right      next.left
 *     ---|---- missing ---------|== here ==|--- missing ------|== here ...
 *
 * R1  Runs are not empty, do not touch, and stand in sequence order.
 * R2  There are never more than RANGES_MAX of them, nor more than the caller allows.
 * The list holds numbers; the bytes stay with their owner.
 */
#pragma once
#include <stdint.h>

#include "proto/inet/tcp.h"

#define RANGES_MAX 32 /* each loss in flight costs one */

struct range {
	tcp_seq left, right; /* right is the first byte that is not here */
};

struct ranges {
	struct range at[RANGES_MAX];
	uint8_t count;
};

enum ranges_answer {
	RANGES_ADDED,   /* *run is now in the list */
	RANGES_COVERED, /* every byte of it was there before */
	RANGES_FULL,    /* it would need one run more than allowed */
};

/* Adds the first contiguous piece of *run that is not here yet, and narrows *run to it. */
enum ranges_answer ranges_add(struct ranges *ranges, struct range *run, unsigned count_max);
/* Bytes of the run that begins at from, which leaves the list; 0: none begins there. */
uint32_t ranges_take(struct ranges *ranges, tcp_seq from);
/* Asserts R1 and R2, and that all lies inside (after, end]. */
void ranges_check(const struct ranges *ranges, tcp_seq after, tcp_seq end);
