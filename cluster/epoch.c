/* cluster/epoch.c - epochs. A node's config epoch is taken from what it says as a primary only (Valkey 8; Redis 7.0 also from a
 * replica, whose header carries its primary's): a replica that is reset would otherwise be held to its old primary's epoch.
 */
#include "cluster/epoch.h"

#include "cluster/emit.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static void
raise_current(struct cluster *c, uint64_t epoch)
{
	if (epoch <= c->live.current_epoch)
		return;
	c->live.current_epoch = epoch;
	persist_want(c);
}

void
epoch_raise_node(struct cluster *c, uint32_t node, uint64_t config_epoch)
{
	struct node *n = &c->nodes[node];
	ASSERT(node != 0);
	raise_current(c, config_epoch); /* V4, whatever the peer says */
	if (config_epoch <= n->config_epoch)
		return;
	n->config_epoch = config_epoch;
	persist_want(c);
	election_on_epoch(c, config_epoch);
}

void
epoch_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head)
{
	raise_current(c, head->current_epoch);
	if (node_id_is_nobody(&head->replica_of))
		epoch_raise_node(c, sender, head->config_epoch);
	else
		raise_current(c, head->config_epoch); /* its primary's */
}

static uint64_t
next_epoch(struct cluster *c)
{
	/* Nobody counts that far, and a peer's claim beyond is refused (step.c). */
	ASSERT(c->live.current_epoch < EPOCH_MAX);
	raise_current(c, c->live.current_epoch + 1);
	return c->live.current_epoch;
}

static void
take_new_epoch(struct cluster *c)
{
	view_myself(c)->config_epoch = next_epoch(c);
	c->tell = TELL_ALL; /* Valkey 8.1 */
	persist_want(c);
}

void
epoch_on_collision(struct cluster *c, uint32_t sender, const struct bus_head *head,
		   struct effects *out)
{
	const struct node *me = &c->nodes[0];
	if (!node_is_primary(me) || !node_is_primary(&c->nodes[sender]) ||
	    head->config_epoch != me->config_epoch)
		return;
	if (node_id_compare(&me->id, &c->nodes[sender].id) > 0)
		return; /* the greater id never moves */
	take_new_epoch(c);
	emit_trace(c, out, TRACE_EPOCH_COLLISION, sender, me->config_epoch);
}

bool
epoch_bump(struct cluster *c, struct effects *out)
{
	const struct node *me = &c->nodes[0];
	uint64_t greatest = 0;
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (n->in_use && n->config_epoch > greatest)
			greatest = n->config_epoch;
	}
	if (me->config_epoch != 0 && me->config_epoch == greatest)
		return false;
	take_new_epoch(c);
	emit_trace(c, out, TRACE_EPOCH_BUMP, 0, me->config_epoch);
	return true;
}

enum set_epoch_refusal
epoch_set(struct cluster *c, uint64_t epoch)
{
	struct node *me = view_myself(c);
	if (c->node_count > 1)
		return SET_EPOCH_KNOWS_NODES;
	if (me->config_epoch != 0)
		return SET_EPOCH_NOT_ZERO;
	if (epoch >= EPOCH_MAX)
		return SET_EPOCH_TOO_GREAT;
	me->config_epoch = epoch;
	raise_current(c, epoch);
	persist_want(c);
	return SET_EPOCH_DONE;
}
