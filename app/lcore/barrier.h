/* app/lcore/barrier.h - all data lcores meet at a loop boundary, one acts on everybody's data, all go on.
 *
 *     actor     IDLE --barrier_enter()--> asks --everybody waits--> holds them --barrier_leave()--> IDLE
 *     others    FREE --barrier_visit()--> WAITING --actor--> HELD --actor--> FREE
 *                       ^------- gave up after BARRIER_SPINS -------'
 *
 * A1  While barrier_enter() has answered true and barrier_leave() was not called, no other lcore touches anything: what they wrote
 *     before is visible to the actor, and what the actor writes is visible to them.
 * A2  A lcore waits for a slow one at most BARRIER_SPINS, then goes on with its turn and comes again: a long command on one lcore
 *     delays the barrier, not the node.
 * A3  One actor at a time; a second one asks again later.
 * Atomics on variables only, no fence, no lock; stressed under ThreadSanitizer by tests/stress. Lcores are numbered from 1 to count.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#define BARRIER_LCORES_MAX 16
#define BARRIER_SPINS      20000 /* some hundred microseconds of pauses */
#define BARRIER_POLITE     200   /* from then on the core is offered to whoever shares it */

struct barrier {
	unsigned count;
	_Alignas(64) _Atomic unsigned actor; /* 0: nobody asks */
	struct {
		_Alignas(64) _Atomic unsigned state;
	} at[BARRIER_LCORES_MAX];
};

void barrier_init(struct barrier *barrier, unsigned count);
/* True: all others are held. False: not yet, call again next turn (and wake those that sleep). */
bool barrier_enter(struct barrier *barrier, unsigned self);
void barrier_leave(struct barrier *barrier, unsigned self);
/* Before a lcore sleeps: does anybody ask? */
static inline bool
barrier_is_asked(const struct barrier *barrier)
{
	return atomic_load_explicit(&barrier->actor, memory_order_seq_cst) != 0;
}
/* At every loop boundary of every lcore: one load when nobody asks. */
void barrier_wait_for_actor(struct barrier *barrier, unsigned self);
static inline void
barrier_visit(struct barrier *barrier, unsigned self)
{
	unsigned actor = atomic_load_explicit(&barrier->actor, memory_order_relaxed);
	if (__builtin_expect(actor != 0 && actor != self, 0))
		barrier_wait_for_actor(barrier, self);
}
