/* tests/sim/cluster/check_wins.c - K2: a win shows grants of that epoch from a majority of distinct voters, and is the only one. */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/book.h"
#include "tests/sim/cluster/check.h"

#define GRANTS_MAX 2048u

struct grants { /* what one process has received; the oldest make room */
	uint64_t count;
	struct {
		uint64_t epoch;
		struct node_id voter;
	} list[GRANTS_MAX];
};

struct wins {
	struct grants **grants; /* by host; NULL: none yet */
	uint32_t host_count;
	struct book winners; /* (nobody, epoch) -> who won it */
};

static void *
init(const struct world *w)
{
	struct wins *wins = calloc(1, sizeof(*wins));
	ASSERT(wins != NULL);
	wins->host_count = w->host_count;
	wins->grants = calloc(w->host_count, sizeof(struct grants *));
	ASSERT(wins->grants != NULL);
	return wins;
}

static void
release(void *state)
{
	struct wins *wins = state;
	for (uint32_t i = 0; i < wins->host_count; i++)
		free(wins->grants[i]);
	free(wins->grants);
	book_free(&wins->winners);
	free(wins);
}

static void
on_boot(void *state, struct world *w, const struct host *h)
{
	(void)w;
	struct wins *wins = state;
	if (wins->grants[h->index] != NULL)
		wins->grants[h->index]->count = 0;
}

static void
on_receive(void *state, struct world *w, const struct host *h, const struct host *from,
	   const struct bus_msg *msg)
{
	(void)w;
	(void)from;
	struct wins *wins = state;
	if (msg->head.type != BUS_AUTH_ACK)
		return;
	if (wins->grants[h->index] == NULL) {
		wins->grants[h->index] = calloc(1, sizeof(struct grants));
		ASSERT(wins->grants[h->index] != NULL);
	}
	struct grants *grants = wins->grants[h->index];
	unsigned at = (unsigned)(grants->count++ % GRANTS_MAX);
	grants->list[at].epoch = msg->head.current_epoch;
	grants->list[at].voter = msg->head.sender;
}

static unsigned
distinct_grants(const struct grants *grants, uint64_t epoch)
{
	unsigned distinct = 0, count = grants == NULL ? 0 : (unsigned)grants->count;
	if (count > GRANTS_MAX)
		count = GRANTS_MAX;
	for (unsigned i = 0; i < count; i++) {
		bool again = grants->list[i].epoch != epoch;
		for (unsigned j = 0; !again && j < i; j++)
			again = grants->list[j].epoch == epoch &&
				node_id_equal(&grants->list[j].voter, &grants->list[i].voter);
		distinct += !again;
	}
	return distinct;
}

static unsigned
quorum(const struct cluster *c)
{
	unsigned voters = 0;
	for (uint32_t i = 0; i < c->high; i++)
		voters += c->nodes[i].in_use && node_votes(&c->nodes[i]);
	return voters / 2 + 1;
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	struct wins *wins = state;
	if (effect->trace == TRACE_ELECTION_ASKING)
		w->counts.elections++;
	if (effect->trace == TRACE_TAKEOVER)
		w->counts.takeovers++;
	if (effect->trace != TRACE_WON)
		return;
	w->counts.wins++;
	unsigned grants = distinct_grants(wins->grants[h->index], effect->number),
		 needed = quorum(h->cluster);
	if (grants < needed)
		world_violate(w, VIOLATION_SAFETY, "K2: n%u wins epoch %llu with %u of %u grants",
			      h->index + 1, (unsigned long long)effect->number, grants, needed);
	static const struct node_id nobody;
	struct book_entry *entry = book_at(&wins->winners, &nobody, effect->number);
	char other[16];
	if (entry->value++ > 0)
		world_violate(w, VIOLATION_SAFETY, "K2: n%u wins epoch %llu, as %s has before",
			      h->index + 1, (unsigned long long)effect->number,
			      world_name(w, &entry->other, other));
	entry->other = h->id;
}

const struct checker check_wins = {.name = "wins",
				   .init = init,
				   .free = release,
				   .boot = on_boot,
				   .receive = on_receive,
				   .trace = on_trace};
