/* app/bench/progress.c - reads two relaxed counters of the load ten times a second, so that it ends soon after the load does. */
#include "app/bench/progress.h"

#include <stdio.h>
#include <time.h>

#include "app/bench/load.h"

#define LOOKS_PER_SECOND 10

void
progress_wait(struct load *load)
{
	const struct timespec nap = {.tv_nsec = 1000000000 / LOOKS_PER_SECOND};
	uint64_t before = 0;
	for (unsigned look = 1;; look++) {
		nanosleep(&nap, NULL);
		uint32_t phase = atomic_load_explicit(&load->shown_phase, memory_order_relaxed);
		uint64_t replies = atomic_load_explicit(&load->shown_replies, memory_order_relaxed);
		if (phase == LOAD_DONE || phase == LOAD_FAILED)
			return;
		if (load->options->quiet || look % LOOKS_PER_SECOND != 0)
			continue;
		/* Counters begin anew with each phase. */
		uint64_t more = replies >= before ? replies - before : replies;
		fprintf(stderr, "%3u s  %-16s %10lu replies  %10lu in the last second\n",
			look / LOOKS_PER_SECOND, load_phase_name((enum load_phase)phase), replies,
			more);
		before = replies;
	}
}
