/* tests/stress/barrier.c - lcores that compete for acting, meet, are late and go on (app/lcore/barrier.h A1-A3).
 *
 * What an actor changes are plain integers, others' too: ThreadSanitizer sees any that are touched without the barrier's order, and the
 * sums at the end show it in any build.
 */
#include "app/lcore/barrier.h"

#include <sched.h>
#include <string.h>

#include "proto/base/prng.h"
#include "tests/stress/threads.h"

#define LCORES     4
#define ACTS       400   /* of each lcore */
#define SLOW_ONE   50    /* one turn in so many takes longer than others wait for it */
#define SLOW_SPINS 60000 /* in such a turn */
#define TURNS_MAX  100000000ul

struct own {
	_Alignas(64) uint64_t turns; /* written by its lcore between meetings, and by actors */
	uint64_t given;              /* by actors, as the lcore has found it */
};

struct run {
	struct barrier barrier;
	struct own own[LCORES + 1];
	uint64_t inside; /* more than none: two actors at a time */
	uint64_t acts, seen_turns;
	_Atomic unsigned done;
};

static void
act(struct run *run, unsigned self)
{
	uint64_t sum = 0;
	THREADS_CHECK(run->inside == 0);
	run->inside = self;
	for (unsigned i = 1; i <= LCORES; i++) {
		sum += run->own[i].turns;
		run->own[i].given++;
	}
	THREADS_CHECK(sum >= run->seen_turns); /* no turn is lost from sight */
	run->seen_turns = sum;
	run->acts++;
	for (unsigned i = 1; i <= LCORES; i++)
		sum -= run->own[i].turns;
	THREADS_CHECK(sum == 0); /* nobody went on meanwhile */
	THREADS_CHECK(run->inside == self);
	run->inside = 0;
}

/* A long command. */
static void
dawdle(struct prng *prng)
{
	for (unsigned i = 0; i < SLOW_SPINS; i++)
		prng_next(prng);
}

static void
lcore(void *owner, unsigned self)
{
	struct run *run = owner;
	struct own *own = &run->own[self];
	struct prng prng;
	uint64_t turns = 0, given = 0;
	unsigned acts = 0;
	bool wants = false;
	prng_seed(&prng, self);
	while (atomic_load(&run->done) < LCORES) {
		THREADS_CHECK(++turns < TURNS_MAX);
		own->turns++;
		THREADS_CHECK(own->turns == turns && own->given >= given);
		given = own->given;
		if (prng_below(&prng, SLOW_ONE) == 0)
			dawdle(&prng);
		barrier_visit(&run->barrier, self);
		wants = acts < ACTS && (wants || prng_below(&prng, 3) == 0);
		if (!wants || !barrier_enter(&run->barrier, self))
			continue;
		act(run, self);
		barrier_leave(&run->barrier, self);
		wants = false;
		if (++acts == ACTS)
			atomic_fetch_add(&run->done, 1);
		if (prng_below(&prng, 4) == 0)
			sched_yield();
	}
}

int
main(void)
{
	static struct run run;
	barrier_init(&run.barrier, LCORES);
	threads_run(&run, LCORES, lcore);
	THREADS_CHECK(run.acts == (uint64_t)LCORES * ACTS);
	for (unsigned i = 1; i <= LCORES; i++)
		THREADS_CHECK(run.own[i].given == run.acts);
	THREADS_CHECK(!barrier_is_asked(&run.barrier));
	return 0;
}
