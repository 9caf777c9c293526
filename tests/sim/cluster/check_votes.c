/* tests/sim/cluster/check_votes.c - K1: one vote per voter and epoch, across restarts, and every vote was due (spec A32). */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/book.h"
#include "tests/sim/cluster/check.h"

struct votes {
	struct book given;         /* (voter, epoch) -> candidate */
	struct bus_head *requests; /* the last that each host received */
};

static void *
init(const struct world *w)
{
	struct votes *votes = calloc(1, sizeof(*votes));
	ASSERT(votes != NULL);
	votes->requests = calloc(w->host_count, sizeof(*votes->requests));
	ASSERT(votes->requests != NULL);
	return votes;
}

static void
release(void *state)
{
	struct votes *votes = state;
	book_free(&votes->given);
	free(votes->requests);
	free(votes);
}

static void
on_send(void *state, struct world *w, const struct host *h, const struct bus_head *head,
	uint64_t after, uint32_t to)
{
	(void)after;
	struct votes *votes = state;
	if (head->type != BUS_AUTH_ACK || to == HOST_NONE)
		return;
	w->counts.votes++;
	struct book_entry *entry = book_at(&votes->given, &head->sender, head->current_epoch);
	char first[16], second[16];
	if (entry->value++ > 0)
		world_violate(w, VIOLATION_SAFETY,
			      "K1: n%u votes twice in epoch %llu: for %s, then for %s",
			      h->index + 1, (unsigned long long)head->current_epoch,
			      world_name(w, &entry->other, first),
			      world_name(w, &w->hosts[to].id, second));
	entry->other = w->hosts[to].id;
}

static void
on_receive(void *state, struct world *w, const struct host *h, const struct host *from,
	   const struct bus_msg *msg)
{
	(void)w;
	(void)from;
	struct votes *votes = state;
	if (msg->head.type == BUS_AUTH_REQUEST)
		votes->requests[h->index] = msg->head;
}

/* NULL, or the rule of A32 that this vote breaks. */
static const char *
broken_rule(const struct cluster *c, const struct bus_head *request, const struct effect *vote)
{
	const struct node *myself = &c->nodes[0], *candidate = &c->nodes[vote->node];
	if (!node_id_equal(&candidate->id, &request->sender))
		return "for a node that did not ask last";
	if (vote->number != request->current_epoch)
		return "in another epoch than the request's";
	if (!node_votes(myself))
		return "though it is no voting primary";
	if (node_is_primary(candidate) || candidate->primary == NODE_NONE)
		return "for no replica";
	if ((request->message_flags & BUS_FORCE_ACK) == 0 &&
	    (c->nodes[candidate->primary].flags & NODE_FAIL) == 0)
		return "though the primary has not failed";
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		uint32_t owner = c->owner[slot];
		if (slot_bitmap_has(&request->slots, slot) && owner != NODE_NONE &&
		    c->nodes[owner].config_epoch > request->config_epoch)
			return "for a claim older than what it knows";
	}
	return NULL;
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	const struct votes *votes = state;
	if (effect->trace != TRACE_VOTE)
		return;
	const char *broken = broken_rule(h->cluster, &votes->requests[h->index], effect);
	if (broken != NULL)
		world_violate(w, VIOLATION_SAFETY, "K1: n%u votes %s", h->index + 1, broken);
}

const struct checker check_votes = {.name = "votes",
				    .init = init,
				    .free = release,
				    .send = on_send,
				    .receive = on_receive,
				    .trace = on_trace};
