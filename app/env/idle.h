/* app/env/idle.h - how a lcore rests in adaptive mode, and how others wake it.
 *
 *     sleeper:  spin a little -> asleep = true -> look once more (rings, rx) -> epoll until deadline -> asleep = false
 *     waker:    put the mail -> full fence -> asleep? write the eventfd
 *
 * L1  No wake-up is lost: the sleeper sets the flag before its last look, the waker looks at the flag after its mail is visible
 *     (both sequentially consistent).
 * L2  Waking a lcore that polls costs one load.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IDLE_SPINS        64   /* empty turns before the first sleep */
#define IDLE_NAP_US       1000 /* longest sleep when some port has no descriptor to wait on */
#define IDLE_SLEEP_MAX_US 1000000

struct idle {
	int epoll_fd, event_fd;
	bool naps; /* a port without a descriptor: sleeps are short */
	unsigned spins;
	_Atomic bool asleep;
};

/* 0 or negative errno. */
int idle_init(struct idle *idle);
void idle_close(struct idle *idle);
/* Readable means wake up. 0 or negative errno. */
int idle_add_fd(struct idle *idle, int fd);
/* Something this lcore polls has no descriptor: never sleep longer than IDLE_NAP_US. */
void idle_nap_only(struct idle *idle);
/* Called by the owner after a turn without work. sleep_us: time to its next deadline. work_waiting: its last look. */
void idle_wait(struct idle *idle, uint64_t sleep_us, bool (*work_waiting)(void *), void *owner);
/* A turn had work: the next idle ones spin again. */
static inline void
idle_busy(struct idle *idle)
{
	idle->spins = 0;
}
/* Any thread: does it sleep, so that its descriptors will wake it? */
static inline bool
idle_asleep(const struct idle *idle)
{
	return atomic_load_explicit(&idle->asleep, memory_order_relaxed);
}
/* Any thread. */
void idle_wake(struct idle *idle);
