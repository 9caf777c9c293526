/* app/control/gate.h - effects that wait until a state number is on disk (cluster.h C2): in order among themselves, overtaken by
 * what need not wait.
 *
 *     effect, frame --> gate_hold() --> [7][7][8][8] --> gate_take(durable 7) : first one, second one, NULL
 *
 * G1  What waits for the same number leaves in the order it came; a frame is a copy, so the step's memory may be used again.
 * G2  Frames beyond GATE_BYTES_MAX are refused: a frame that never leaves is one that got lost. Effects without a frame are
 *     always taken.
 * Pure but for the allocator. Control lcore only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/store/allocator.h"
#include "cluster/effect.h"
#include "proto/base/span.h"

#define GATE_BYTES_MAX (32u << 20)

struct gate_item {
	STAILQ_ENTRY(gate_item) next;
	struct effect effect; /* its msg is NULL: frame has it */
	uint32_t len;
	uint8_t frame[];
};

struct gate {
	struct allocator *allocator;
	STAILQ_HEAD(, gate_item) items;
	size_t count, bytes;
};

void gate_init(struct gate *gate, struct allocator *allocator);
void gate_close(struct gate *gate);
/* frame: encoded, empty if the effect sends none. False: G2, or no memory. */
bool gate_hold(struct gate *gate, const struct effect *effect, struct span frame);
/* The first that need not wait longer, out of the queue; the caller frees it. NULL: none. */
struct gate_item *gate_take(struct gate *gate, uint64_t durable);
void gate_free(struct gate *gate, struct gate_item *item);
