/* cluster/persist.c - numbering of saves. What is decided while a save flies goes into the next one, however much that is:
 * a slow disk delays votes and wins by two saves at most and heartbeats not at all.
 */
#include "cluster/persist.h"

#include "cluster/emit.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

void
persist_want(struct cluster *c)
{
	c->save_wanted = true;
}

uint64_t
persist_number(struct cluster *c)
{
	c->save_wanted = true;
	return c->live_number + 1;
}

uint64_t
persist_covers(const struct cluster *c)
{
	return c->live_number + c->save_wanted;
}

void
persist_live(struct cluster *c)
{
	const struct node *me = view_myself(c);
	uint32_t shown = view_my_primary(c);
	c->live.replica_of = (struct node_id){{0}};
	if (node_is_replica(me) && me->primary != NODE_NONE)
		c->live.replica_of = c->nodes[me->primary].id;
	if (shown == NODE_NONE) {
		c->live.config_epoch = 0;
		c->live.slots = (struct slot_bitmap){{0}};
		return;
	}
	c->live.config_epoch = c->nodes[shown].config_epoch;
	c->live.slots = c->nodes[shown].slots;
}

bool
persist_role_is_durable(const struct cluster *c)
{
	const struct node *me = &c->nodes[0];
	static const struct node_id nobody;
	bool follows = node_is_replica(me) && me->primary != NODE_NONE;
	return node_id_equal(&c->durable.replica_of, follows ? &c->nodes[me->primary].id : &nobody);
}

void
persist_loaded(struct cluster *c)
{
	ASSERT(c->flying_number == 0);
	persist_live(c);
	c->durable = c->live;
}

void
persist_end(struct cluster *c, struct effects *out)
{
	persist_live(c);
	if (!c->save_wanted || c->flying_number != 0)
		return;
	c->save_wanted = false;
	c->live_number++;
	c->flying = c->live;
	c->flying_number = c->live_number;
	emit_add(out, EFFECT_PERSIST)->number = c->live_number;
}

void
persist_done(struct cluster *c, uint64_t number)
{
	if (number == 0 || number != c->flying_number)
		return;
	/* Slots that have become ours on disk are served from now on (slots.h O2). */
	if (!node_id_equal(&c->durable.replica_of, &c->flying.replica_of) ||
	    memcmp(&c->durable.slots, &c->flying.slots, sizeof(c->durable.slots)) != 0)
		c->slots_changed = true;
	c->durable = c->flying;
	c->durable_number = number;
	c->flying_number = 0;
}
