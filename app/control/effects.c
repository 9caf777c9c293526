/* app/control/effects.c - what a step decided, done: in its order, but for what waits for the disk (cluster.h C2). */
#include <inttypes.h>
#include <string.h>

#include "app/control/cluster_node_state.h"
#include "app/control/publish.h"
#include "app/control/words.h"
#include "proto/base/assert.h"

static void
ask_fence(struct cluster_node *node)
{
	node->fence_asked++;
	counter_add(&node->counters.fences, 1);
	node->of.hooks.fence(node->of.hooks.owner, node->fence_asked);
}

static void
connect_node(struct cluster_node *node, const struct effect *e)
{
	const struct node *n = &node->cluster->nodes[e->node];
	bus_connect(node->bus, e->link, n->ip, n->cport, node->now_us);
}

static void
change_role(struct cluster_node *node, uint32_t primary, bool replica)
{
	const struct cluster_hooks *hooks = &node->of.hooks;
	struct cluster_role role = {.replica = replica};
	if (role.replica && view_has(node->cluster, primary)) {
		const struct node *n = &node->cluster->nodes[primary];
		role.primary_known = n->ip[0] != '\0';
		memcpy(role.ip, n->ip, sizeof(role.ip));
		role.port = n->port;
	}
	hooks->role(hooks->owner, &role);
}

static void
pause_writes(struct cluster_node *node, uint64_t until_ms)
{
	const struct cluster_hooks *hooks = &node->of.hooks;
	node->pause_until_ms = until_ms;
	node->paused_seen = false;
	hooks->pause(hooks->owner, until_ms);
	if (until_ms == 0)
		return;
	/* Twice: what one data lcore had mailed to another before it paused has run when the second is answered. */
	ask_fence(node);
	ask_fence(node);
	node->pause_fence = node->fence_asked;
}

static void
publish(struct cluster_node *node)
{
	if (publish_slots(node->slots, node->cluster, node->of.config))
		ask_fence(node);
}

static void
send_frame(struct cluster_node *node, const struct effect *e)
{
	struct span frame = bus_frame_of(node->bus, e->msg);
	if (frame.len > 0)
		bus_send(node->bus, e->link, frame);
}

static void
count_trace(struct cluster_node *node, const struct effect *e)
{
	struct cluster_node_counters *c = &node->counters;
	counter_add(&c->traced[e->trace], 1);
	if (e->trace == TRACE_MESSAGE_REFUSED)
		counter_add(&c->refused[e->number], 1);
	else if (e->trace == TRACE_BALLOT_REFUSED)
		counter_add(&c->ballots[e->number], 1);
}

/* An effect whose number, if it has one, is on disk. */
static void
run(struct cluster_node *node, const struct effect *e, const struct cluster_facts *facts)
{
	const struct cluster_hooks *hooks = &node->of.hooks;
	switch (e->kind) {
	case EFFECT_PERSIST:
		save_begin(node, e->number, facts);
		break;
	case EFFECT_CONNECT:
		connect_node(node, e);
		break;
	case EFFECT_CLOSE:
		bus_close(node->bus, e->link);
		break;
	case EFFECT_SEND:
		send_frame(node, e);
		break;
	case EFFECT_SLOTS:
		publish(node);
		break;
	case EFFECT_ROLE:
		change_role(node, e->node, e->node != NODE_NONE);
		break;
	case EFFECT_NEW_HISTORY:
		hooks->new_history(hooks->owner);
		break;
	case EFFECT_PAUSE_WRITES:
		pause_writes(node, e->number);
		break;
	case EFFECT_DROP_SLOT:
		slot_bitmap_set(&node->dropped, e->slot, true);
		node->slots_dropped = true;
		break;
	case EFFECT_DROP_ALL:
		hooks->drop_all(hooks->owner);
		break;
	case EFFECT_TRACE:
		count_trace(node, e);
		words_log(node->cluster, e, cluster_node_offset(node));
		break;
	}
}

static void
hold(struct cluster_node *node, const struct effect *e)
{
	struct span frame = {NULL, 0};
	if (e->kind == EFFECT_SEND) {
		frame = bus_frame_of(node->bus, e->msg);
		if (frame.len == 0)
			return;
	}
	if (!gate_hold(&node->gate, e, frame)) {
		ASSERT(e->kind == EFFECT_SEND);
		counter_add(&node->counters.gate_refused, 1);
	}
}

static void
drop_slots(struct cluster_node *node)
{
	if (!node->slots_dropped)
		return;
	node->of.hooks.drop_slots(node->of.hooks.owner, &node->dropped);
	memset(&node->dropped, 0, sizeof(node->dropped));
	node->slots_dropped = false;
}

void
effects_run(struct cluster_node *node, const struct cluster_facts *facts)
{
	const struct effects *effects = node->effects;
	bus_forget_frame(node->bus);
	for (unsigned i = 0; i < effects->count; i++) {
		const struct effect *e = &effects->list[i];
		if (e->after > node->cluster->durable_number)
			hold(node, e);
		else
			run(node, e, facts);
	}
	drop_slots(node);
}

void
effects_begin(struct cluster_node *node)
{
	const struct node *me = view_myself(node->cluster);
	publish(node);
	if (node_is_replica(me))
		change_role(node, me->primary, true);
}

void
effects_release(struct cluster_node *node, uint64_t number)
{
	struct gate_item *item;
	while ((item = gate_take(&node->gate, number)) != NULL) {
		if (item->effect.kind == EFFECT_SEND)
			bus_send(node->bus, item->effect.link,
				 (struct span){item->frame, item->len});
		else
			run(node, &item->effect, NULL);
		gate_free(&node->gate, item);
	}
	drop_slots(node);
}
