/* app/lcore/barrier.c - three states per lcore and one word for who acts.
 *
 * HELD may go back to WAITING: an actor that finds one lcore gone lets go of those it holds already.
 */
#include "app/lcore/barrier.h"

#include <sched.h>

#include "proto/base/assert.h"

enum { FREE, WAITING, HELD };

/* Lcores may share a core (tests, small machines): who spins for long must not keep the actor from running. */
static void
relax(unsigned spins)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
	if (spins > BARRIER_POLITE && spins % BARRIER_POLITE == 0)
		sched_yield();
}

static bool
move(struct barrier *barrier, unsigned lcore, unsigned from, unsigned to)
{
	return atomic_compare_exchange_strong_explicit(&barrier->at[lcore].state, &from, to,
						       memory_order_acq_rel, memory_order_acquire);
}

void
barrier_init(struct barrier *barrier, unsigned count)
{
	ASSERT(count < BARRIER_LCORES_MAX);
	barrier->count = count;
	atomic_init(&barrier->actor, 0);
	for (unsigned i = 0; i < BARRIER_LCORES_MAX; i++)
		atomic_init(&barrier->at[i].state, FREE);
}

/* The first lcore but self that does not wait; 0: all do. */
static unsigned
absent(struct barrier *barrier, unsigned self)
{
	for (unsigned i = 1; i <= barrier->count; i++)
		if (i != self &&
		    atomic_load_explicit(&barrier->at[i].state, memory_order_acquire) != WAITING)
			return i;
	return 0;
}

static bool
hold_all(struct barrier *barrier, unsigned self)
{
	for (unsigned i = 1; i <= barrier->count; i++) {
		if (i == self || move(barrier, i, WAITING, HELD))
			continue;
		for (unsigned j = 1; j < i; j++)
			if (j != self)
				move(barrier, j, HELD, WAITING);
		return false;
	}
	return true;
}

bool
barrier_enter(struct barrier *barrier, unsigned self)
{
	unsigned nobody = 0;
	if (barrier->count == 1)
		return true;
	if (!atomic_compare_exchange_strong_explicit(&barrier->actor, &nobody, self,
						     memory_order_acq_rel, memory_order_acquire) &&
	    nobody != self)
		return false;
	for (unsigned spins = 0; spins < BARRIER_SPINS; spins++) {
		if (absent(barrier, self) == 0 && hold_all(barrier, self))
			return true;
		relax(spins);
	}
	return false;
}

void
barrier_leave(struct barrier *barrier, unsigned self)
{
	if (barrier->count == 1)
		return;
	atomic_store_explicit(&barrier->actor, 0, memory_order_release);
	for (unsigned i = 1; i <= barrier->count; i++)
		if (i != self)
			atomic_store_explicit(&barrier->at[i].state, FREE, memory_order_release);
}

void
barrier_wait_for_actor(struct barrier *barrier, unsigned self)
{
	_Atomic unsigned *state = &barrier->at[self].state;
	atomic_store_explicit(state, WAITING, memory_order_release);
	for (unsigned spins = 0;; spins++) {
		unsigned now = atomic_load_explicit(state, memory_order_acquire);
		if (now == FREE)
			return;
		bool over = spins > BARRIER_SPINS ||
			    atomic_load_explicit(&barrier->actor, memory_order_relaxed) == 0;
		if (now == WAITING && over && move(barrier, self, WAITING, FREE))
			return;
		relax(spins);
	}
}
