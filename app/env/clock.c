/* app/env/clock.c - calibrated by EAL (rte_get_tsc_hz); steps of the wall clock show at the next second. */
#include "app/env/clock.h"

#include <time.h>

void
clock_init(struct clock *clock)
{
	clock->start_tsc = rte_rdtsc();
	clock->multiplier =
		(uint64_t)(((unsigned __int128)1000000 << CLOCK_SHIFT) / rte_get_tsc_hz());
	clock_sync(clock);
}

void
clock_sync(struct clock *clock)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t unix_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	atomic_store_explicit(&clock->unix_offset_us, unix_us - (int64_t)clock_now_us(clock),
			      memory_order_relaxed);
}
