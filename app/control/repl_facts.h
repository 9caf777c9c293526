/* app/control/repl_facts.h - what the control lcore must know of replication, and tells it: a few words, one writer each.
 *
 * Data lcore 1 keeps the link to our primary and writes the link's words; control writes paused_until_us and announces; offsets are
 * the stream's (app/lcore/stream.h). All relaxed but where noted: each word stands for itself.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct repl_facts {
	_Atomic bool link_up; /* replica: connected and in sync with its primary */
	_Atomic bool
		synced; /* replica: holds a whole data set of its primary's; false: announce offset 0 */
	_Atomic uint64_t link_at_us; /* up: last byte received; down: since when; clock_now_us() */
	_Atomic uint64_t
		paused_until_us; /* writes wait until then (manual failover); 0: no pause */
};

/* A replica that has no data yet must not look better than its siblings (spec G). */
static inline uint64_t
repl_facts_offset(const struct repl_facts *facts, bool replica, uint64_t end)
{
	return replica && !atomic_load_explicit(&facts->synced, memory_order_relaxed) ? 0 : end;
}

static inline bool
repl_facts_paused(const struct repl_facts *facts, uint64_t now_us)
{
	return atomic_load_explicit(&facts->paused_until_us, memory_order_acquire) > now_us;
}
