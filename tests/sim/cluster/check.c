/* tests/sim/cluster/check.c - hands each thing that happens to every checker that wants it. */
#include "tests/sim/cluster/check.h"

static const struct checker *const checkers[] = {
	&check_votes,   &check_wins, &check_slots, &check_epochs, &check_disk,
	&check_failure, &check_bids, &check_links, &check_chains,
};
#define CHECKER_COUNT (sizeof(checkers) / sizeof(checkers[0]))
_Static_assert(CHECKER_COUNT <= WORLD_CHECKERS, "room for the state of every checker");

void
check_init(struct world *w)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		w->checks[i] = checkers[i]->init(w);
}

void
check_free(struct world *w)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		checkers[i]->free(w->checks[i]);
}

void
check_boot(struct world *w, const struct host *h)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->boot != NULL)
			checkers[i]->boot(w->checks[i], w, h);
}

void
check_send(struct world *w, const struct host *h, const struct bus_head *head, uint64_t after,
	   uint32_t to)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->send != NULL)
			checkers[i]->send(w->checks[i], w, h, head, after, to);
}

void
check_receive(struct world *w, const struct host *h, const struct host *from,
	      const struct bus_msg *msg)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->receive != NULL)
			checkers[i]->receive(w->checks[i], w, h, from, msg);
}

void
check_trace(struct world *w, const struct host *h, const struct effect *effect)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->trace != NULL)
			checkers[i]->trace(w->checks[i], w, h, effect);
}

void
check_persisted(struct world *w, const struct host *h)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->persisted != NULL)
			checkers[i]->persisted(w->checks[i], w, h);
}

void
check_stepped(struct world *w, const struct host *h)
{
	for (unsigned i = 0; i < CHECKER_COUNT; i++)
		if (checkers[i]->stepped != NULL)
			checkers[i]->stepped(w->checks[i], w, h);
}
