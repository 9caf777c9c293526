/* app/store/budget.h - how much memory the data lcores of a node hold together, to within a credit or two each.
 *
 *     lcore 1   used 3.70 MB   credit 3.75 MB --\
 *     lcore 2   used 0.20 MB   credit 0.25 MB ---+-->  taken 4.00 MB        compared with maxmemory
 *
 * A lcore counts what it uses by itself and takes credit in steps of BUDGET_CREDIT, so that an atomic add happens once in many
 * commands. taken is never less than what is used when all have settled. One more atomic word tells who has nothing left to evict.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define BUDGET_CREDIT 65536u

struct budget {
	uint8_t before[64]; /* a cache line of its own, wherever it lies */
	_Atomic uint64_t taken;
	_Atomic uint64_t peak; /* of taken */
	_Atomic uint32_t
		poor; /* bit per lcore: its last search for something to evict found nothing */
	uint8_t behind[64];
};

static inline uint64_t
budget_taken(const struct budget *b)
{
	return atomic_load_explicit(&b->taken, memory_order_relaxed);
}

/* credit: the caller's own, 0 at first. Answers what all have taken. */
static inline uint64_t
budget_settle(struct budget *b, uint64_t *credit, uint64_t used)
{
	if (used <= *credit && *credit - used < (uint64_t)2 * BUDGET_CREDIT)
		return budget_taken(b);
	uint64_t want = (used + BUDGET_CREDIT - 1) / BUDGET_CREDIT * BUDGET_CREDIT;
	uint64_t more = want - *credit; /* wraps when it is less */
	uint64_t taken = atomic_fetch_add_explicit(&b->taken, more, memory_order_relaxed) + more;
	uint64_t peak = atomic_load_explicit(&b->peak, memory_order_relaxed);
	*credit = want;
	while (taken > peak &&
	       !atomic_compare_exchange_weak_explicit(&b->peak, &peak, taken, memory_order_relaxed,
						      memory_order_relaxed))
		;
	return taken;
}

static inline void
budget_set_poor(struct budget *b, unsigned lcore, uint32_t poor)
{
	uint32_t bit = UINT32_C(1) << lcore;
	uint32_t now = atomic_load_explicit(&b->poor, memory_order_relaxed);
	if (((now & bit) != 0) == (poor != 0))
		return;
	if (poor)
		atomic_fetch_or_explicit(&b->poor, bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&b->poor, ~bit, memory_order_relaxed);
}
