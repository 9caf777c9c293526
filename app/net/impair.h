/* app/net/impair.h - a wire that misbehaves from a seed: loss, duplication, reordering, delay, corruption.
 *
 *     impair_push(frames, now) --> [lost] [corrupted] [copied] --> held until due --> impair_pop(now)
 *
 * One instance per direction. The same code stands between two stacks in the simulator and in front of a live port (directive
 * net-impair), because the kernels we test on have no netem.
 *
 * I1  The same seed, frames and times give the same faults.
 * I2  A frame is changed only in a copy of its own when somebody else holds a reference to it.
 * Checksums must be in software on an impaired wire: a device would sign the corrupted bytes.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/prng.h"

struct rte_mbuf;
struct rte_mempool;

#define IMPAIR_HELD_MAX 4096 /* frames under way; beyond, frames are lost and counted as full */

struct impair_config { /* chances in 1/10000 */
	uint32_t loss, duplicate, reorder, corrupt;
	uint32_t delay_us;         /* every frame */
	uint32_t jitter_us;        /* uniformly added */
	uint32_t reorder_delay_us; /* added to a reordered frame; 0: 10 ms */
	uint64_t seed;
};

struct impair_counters {
	uint64_t frames, lost, duplicated, reordered, corrupted, full;
};

struct impair;

/* "loss=5,duplicate=1,reorder=10,corrupt=0.5,delay=100,jitter=50,seed=7": chances in percent, times in microseconds. False: *error
 * (160 bytes) says what is wrong. */
bool impair_parse(const char *text, struct impair_config *config, char *error);
/* pool: for copies. NULL: no memory. */
struct impair *impair_create(const struct impair_config *config, struct rte_mempool *pool);
void impair_destroy(struct impair *impair); /* frees what is held */
/* Takes the frames over. */
void impair_push(struct impair *impair, struct rte_mbuf **frames, uint16_t count, uint64_t now_us);
/* Frames that have arrived by now, in order of arrival. */
uint16_t impair_pop(struct impair *impair, struct rte_mbuf **out, uint16_t max, uint64_t now_us);
uint64_t impair_next_at(const struct impair *impair); /* UINT64_MAX: nothing under way */
const struct impair_counters *impair_counters(const struct impair *impair);
