/* app/env/clock.h - time from the TSC: microseconds since an arbitrary start, and the wall clock, without a system call.
 *
 * One struct clock per node. clock_sync() is the control lcore's, once a second: it compares with the kernel's wall clock and publishes the
 * offset. Everybody may read.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include <rte_cycles.h>

struct clock {
	uint64_t start_tsc;
	uint64_t multiplier;            /* microseconds per cycle, scaled by 2^CLOCK_SHIFT */
	_Atomic int64_t unix_offset_us; /* wall clock minus clock_now_us() */
};

#define CLOCK_SHIFT   40
#define CLOCK_BASE_US 1000000 /* what clock_now_us() begins with: 0 stays "never" */

void clock_init(struct clock *clock);
void clock_sync(struct clock *clock);

static inline uint64_t
clock_now_us(const struct clock *clock)
{
	unsigned __int128 cycles = rte_rdtsc() - clock->start_tsc;
	return CLOCK_BASE_US + (uint64_t)((cycles * clock->multiplier) >> CLOCK_SHIFT);
}

static inline uint64_t
clock_unix_ms(const struct clock *clock, uint64_t now_us)
{
	int64_t offset = atomic_load_explicit(&clock->unix_offset_us, memory_order_relaxed);
	return (uint64_t)((int64_t)now_us + offset) / 1000;
}
