/* cluster/forget.c - the blacklist is a small array: entries expire, and the one that would expire first makes room. */
#include "cluster/forget.h"

#include "cluster/emit.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static bool
is_current(const struct cluster *c, const struct banned *b)
{
	return b->until_ms > c->now_ms;
}

bool
forget_is_banned(const struct cluster *c, const struct node_id *id)
{
	for (unsigned i = 0; i < VIEW_BLACKLIST_MAX; i++) {
		if (is_current(c, &c->blacklist[i]) && node_id_equal(&c->blacklist[i].id, id))
			return true;
	}
	return false;
}

static void
ban(struct cluster *c, const struct node_id *id, uint64_t ttl_ms)
{
	struct banned *place = &c->blacklist[0];
	for (unsigned i = 1; i < VIEW_BLACKLIST_MAX; i++) {
		if (c->blacklist[i].until_ms < place->until_ms)
			place = &c->blacklist[i];
	}
	*place = (struct banned){.id = *id, .until_ms = c->now_ms + ttl_ms};
}

uint32_t
forget_list(const struct cluster *c, struct bus_forgotten *at, uint32_t room)
{
	uint32_t count = 0;
	for (unsigned i = 0; i < VIEW_BLACKLIST_MAX && count < room; i++) {
		const struct banned *b = &c->blacklist[i];
		if (is_current(c, b) && b->until_ms - c->now_ms >= 1000)
			at[count++] = (struct bus_forgotten){
				.id = b->id, .ttl_s = (b->until_ms - c->now_ms) / 1000};
	}
	return count;
}

enum forget_refusal
forget_node(struct cluster *c, const struct node_id *id, uint64_t ttl_ms, struct effects *out)
{
	uint32_t node = view_find(c, id);
	if (node == NODE_NONE)
		return forget_is_banned(c, id) ? FORGET_ALREADY : FORGET_UNKNOWN;
	if (node == 0)
		return FORGET_MYSELF;
	if (node_is_replica(&c->nodes[0]) && c->nodes[0].primary == node)
		return FORGET_MY_PRIMARY;
	ban(c, id, ttl_ms);
	emit_trace(c, out, TRACE_NODE_REMOVED, node, 0);
	view_remove(c, node, out);
	persist_want(c);
	return FORGET_DONE;
}

static void
take_new_identity(struct cluster *c)
{
	struct node *me = view_myself(c);
	struct node_id id = view_random_id(c);
	view_rename(c, 0, &id);
	me->shard_id = view_random_id(c);
	me->config_epoch = 0;
	c->live = (struct public_state){0};
	/* Nobody knows this identity: what it shows until the save lands binds it to nothing. */
	c->durable = c->live;
	c->flying = c->live;
}

enum reset_refusal
reset_node(struct cluster *c, bool hard, struct effects *out)
{
	struct node *me = view_myself(c);
	if (node_is_primary(me) && slots_hold_keys(c))
		return RESET_HOLDS_KEYS;
	if (c->manual.state != MANUAL_IDLE)
		manual_end(c, MANUAL_ROLE_CHANGED, out);
	election_reset(c);
	if (node_is_replica(me)) {
		emit_add(out, EFFECT_DROP_ALL)->after = persist_number(c);
		role_lead(c, out);
		me->shard_id = view_random_id(c); /* it leaves its shard */
	}
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		view_set_owner(c, (uint16_t)slot, NODE_NONE);
		c->importing_from[slot] = c->migrating_to[slot] = NODE_NONE;
	}
	while (c->high > 1) /* the last one is in use */
		view_remove(c, c->high - 1, out);
	c->tell = TELL_NOBODY;
	if (hard)
		take_new_identity(c);
	c->slots_changed = true;
	persist_want(c);
	return RESET_DONE;
}
