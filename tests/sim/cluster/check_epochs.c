/* tests/sim/cluster/check_epochs.c - K4: a node's epochs never fall, also across restarts; in a collision only the smaller id moves.
 *
 * Books are kept by node id: RESET HARD is a new node. A replica's header carries its primary's configuration epoch, so that only
 * claims of primaries are compared.
 */
#include <stdlib.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/book.h"
#include "tests/sim/cluster/check.h"

enum { SHOWN_CURRENT, SHOWN_CONFIG };

struct before { /* a step that receives a heartbeat */
	struct node_id sender;
	uint64_t config_epoch;
};

struct epochs {
	struct book shown; /* (node, SHOWN_...) -> the greatest that left */
	struct before *before;
	uint64_t *current; /* by host: after its last step */
	struct node_id *id;
};

static void *
init(const struct world *w)
{
	struct epochs *epochs = calloc(1, sizeof(*epochs));
	ASSERT(epochs != NULL);
	epochs->before = calloc(w->host_count, sizeof(*epochs->before));
	epochs->current = calloc(w->host_count, sizeof(*epochs->current));
	epochs->id = calloc(w->host_count, sizeof(*epochs->id));
	ASSERT(epochs->before != NULL && epochs->current != NULL && epochs->id != NULL);
	return epochs;
}

static void
release(void *state)
{
	struct epochs *epochs = state;
	book_free(&epochs->shown);
	free(epochs->before);
	free(epochs->current);
	free(epochs->id);
	free(epochs);
}

static void
not_below(struct epochs *epochs, struct world *w, const struct host *h, const struct node_id *id,
	  uint64_t which, uint64_t value)
{
	struct book_entry *entry = book_at(&epochs->shown, id, which);
	if (value < entry->value)
		world_violate(w, VIOLATION_SAFETY, "K4: n%u shows %s epoch %llu after %llu",
			      h->index + 1, which == SHOWN_CURRENT ? "current" : "configuration",
			      (unsigned long long)value, (unsigned long long)entry->value);
	entry->value = value;
}

static void
on_boot(void *state, struct world *w, const struct host *h)
{
	struct epochs *epochs = state;
	struct book_entry *entry = book_at(&epochs->shown, &h->id, SHOWN_CURRENT);
	if (h->cluster->live.current_epoch < entry->value)
		world_violate(w, VIOLATION_SAFETY,
			      "K4: n%u comes back with epoch %llu, having shown %llu", h->index + 1,
			      (unsigned long long)h->cluster->live.current_epoch,
			      (unsigned long long)entry->value);
	epochs->current[h->index] = h->cluster->live.current_epoch;
	epochs->id[h->index] = h->id;
}

static void
on_send(void *state, struct world *w, const struct host *h, const struct bus_head *head,
	uint64_t after, uint32_t to)
{
	(void)after;
	(void)to;
	struct epochs *epochs = state;
	not_below(epochs, w, h, &head->sender, SHOWN_CURRENT, head->current_epoch);
	if (node_id_is_nobody(&head->replica_of) && h->cluster->nodes[0].slot_count > 0 &&
	    node_id_equal(&h->id, &head->sender))
		not_below(epochs, w, h, &head->sender, SHOWN_CONFIG, head->config_epoch);
}

static void
on_receive(void *state, struct world *w, const struct host *h, const struct host *from,
	   const struct bus_msg *msg)
{
	(void)w;
	(void)from;
	struct epochs *epochs = state;
	epochs->before[h->index] =
		(struct before){msg->head.sender, h->cluster->nodes[0].config_epoch};
}

static void
on_trace(void *state, struct world *w, const struct host *h, const struct effect *effect)
{
	const struct epochs *epochs = state;
	const struct before *before = &epochs->before[h->index];
	if (effect->trace != TRACE_EPOCH_COLLISION)
		return;
	if (node_id_compare(&h->id, &before->sender) > 0)
		world_violate(w, VIOLATION_SAFETY,
			      "K4: n%u gives way in a collision, though its id is the greater",
			      h->index + 1);
	else if (effect->number <= before->config_epoch)
		world_violate(w, VIOLATION_SAFETY,
			      "K4: n%u does not raise its epoch %llu in a collision", h->index + 1,
			      (unsigned long long)before->config_epoch);
}

static void
on_stepped(void *state, struct world *w, const struct host *h)
{
	struct epochs *epochs = state;
	uint64_t current = h->cluster->live.current_epoch, *last = &epochs->current[h->index];
	if (node_id_equal(&epochs->id[h->index], &h->id) && current < *last)
		world_violate(w, VIOLATION_SAFETY, "K4: the epoch of n%u falls from %llu to %llu",
			      h->index + 1, (unsigned long long)*last, (unsigned long long)current);
	*last = current;
	epochs->id[h->index] = h->id;
}

const struct checker check_epochs = {.name = "epochs",
				     .init = init,
				     .free = release,
				     .boot = on_boot,
				     .send = on_send,
				     .receive = on_receive,
				     .trace = on_trace,
				     .stepped = on_stepped};
