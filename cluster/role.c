/* cluster/role.c - roles. What we decide of ourselves goes through role_lead() and role_follow(), which reset all that belonged
 * to the old role; Redis forgets some of it, and an election begun for one primary could end in place of another.
 */
#include "cluster/role.h"

#include "cluster/emit.h"
#include "cluster/epoch.h"
#include "cluster/slots.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

enum replicate_refusal
role_replicate(struct cluster *c, uint32_t node, struct effects *out)
{
	const struct node *me = &c->nodes[0];
	if (node == NODE_NONE || node_has(&c->nodes[node], NODE_HANDSHAKE))
		return REPLICATE_UNKNOWN_NODE;
	if (node == 0)
		return REPLICATE_MYSELF;
	if (!node_is_primary(&c->nodes[node]))
		return REPLICATE_A_REPLICA;
	if (node_is_primary(me) && (me->slot_count > 0 || slots_hold_keys(c)))
		return REPLICATE_NOT_EMPTY;
	role_follow(c, node, out);
	return REPLICATE_ALLOWED;
}

void
role_set_shard(struct cluster *c, uint32_t node, const struct node_id *shard_id)
{
	if (node_id_is_nobody(shard_id) || node_id_equal(&c->nodes[node].shard_id, shard_id))
		return;
	c->nodes[node].shard_id = *shard_id;
	c->slots_changed = true;
	persist_want(c);
	/* A replica must say exactly what its primary says (spec A42, G). */
	if (node_is_replica(&c->nodes[0]) && c->nodes[0].primary == node)
		role_set_shard(c, 0, shard_id);
}

static void
reset_role_state(struct cluster *c)
{
	election_reset(c);
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		c->importing_from[slot] = c->migrating_to[slot] = NODE_NONE;
	c->tell = TELL_ALL;
	persist_want(c);
}

/* Writes that a manual failover stopped go on after the change, not before. */
static void
announce_role(struct cluster *c, struct effects *out, uint32_t node)
{
	emit_trace(c, out, TRACE_ROLE_CHANGED, 0, 0);
	emit_role(c, out, node);
	if (c->manual.state != MANUAL_IDLE)
		manual_end(c, MANUAL_ROLE_CHANGED, out);
}

void
role_follow(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *me = view_myself(c);
	ASSERT(node != 0 && node_is_primary(&c->nodes[node]));
	ASSERT(me->slot_count == 0);
	if (node_is_replica(me) && me->primary == node)
		return;
	view_set_role(c, 0, true, node);
	if (node_id_is_nobody(&c->nodes[node].shard_id))
		c->nodes[node].shard_id =
			view_random_id(c); /* Redis 7.0 has none: 7.2 invents one as well */
	role_set_shard(c, 0, &c->nodes[node].shard_id);
	reset_role_state(c);
	announce_role(c, out, node);
}

void
role_lead(struct cluster *c, struct effects *out)
{
	if (node_is_primary(&c->nodes[0]))
		return;
	view_set_role(c, 0, false, NODE_NONE);
	reset_role_state(c);
	emit_add(out, EFFECT_NEW_HISTORY)->after = persist_number(c);
	announce_role(c, out, NODE_NONE);
}

void
role_set_primary(struct cluster *c, uint32_t node, struct effects *out)
{
	ASSERT(node != 0);
	if (node_is_replica(&c->nodes[node]))
		c->nodes[node].flags |=
			NODE_MIGRATE_TO; /* it was one of several in its shard (spec A36) */
	view_set_role(c, node, false, NODE_NONE);
	persist_want(c);
	emit_trace(c, out, TRACE_ROLE_CHANGED, node, 0);
}

/* R2: the sender replicates primary from now on; what it owned goes there, as far as its header says that primary owns it. */
static void
hand_over_slots(struct cluster *c, uint32_t sender, uint32_t primary, const struct bus_head *head,
		struct effects *out)
{
	bool hand = primary != NODE_NONE && primary != 0 && view_same_shard(c, sender, primary) &&
		    head->config_epoch >= c->nodes[primary].config_epoch &&
		    !node_has(&c->nodes[primary], NODE_HANDSHAKE);
	if (hand) {
		if (!node_is_primary(&c->nodes[primary]))
			role_set_primary(c, primary, out);
		epoch_raise_node(c, primary, head->config_epoch);
	}
	for (unsigned slot = 0; slot < SLOT_COUNT && c->nodes[sender].slot_count > 0; slot++) {
		if (c->owner[slot] == sender)
			view_set_owner(c, (uint16_t)slot,
				       hand && slot_bitmap_has(&head->slots, slot) ? primary
										   : NODE_NONE);
	}
}

static void
become_replica(struct cluster *c, uint32_t sender, const struct bus_head *head, struct effects *out)
{
	uint32_t primary = view_find(c, &head->replica_of);
	struct node *n = &c->nodes[sender];
	if (node_is_primary(n)) {
		if (primary != NODE_NONE && c->nodes[primary].config_epoch > head->config_epoch)
			return; /* R3 */
		hand_over_slots(c, sender, primary, head, out);
	} else if (node_is_replica(n) && (n->primary == primary || primary == NODE_NONE)) {
		return;
	}
	view_set_role(c, sender, true, primary);
	persist_want(c);
	emit_trace(c, out, TRACE_ROLE_CHANGED, sender, primary);
}

static bool
claims_slots(const struct bus_head *head)
{
	uint8_t any = 0;
	for (unsigned i = 0; i < SLOT_BITMAP_SIZE; i++)
		any |= head->slots.bytes[i];
	return any != 0;
}

void
role_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head, struct effects *out)
{
	struct node *n = &c->nodes[sender];
	if (!node_id_is_nobody(&head->replica_of)) {
		become_replica(c, sender, head, out);
		return;
	}
	if (node_is_primary(n) ||
	    (n->config_epoch > head->config_epoch && claims_slots(head))) /* R3 */
		return;
	role_set_primary(c, sender, out);
}

void
role_follow_chain(struct cluster *c, struct effects *out)
{
	const struct node *me = &c->nodes[0];
	if (!node_is_replica(me) || me->primary == NODE_NONE ||
	    !node_is_replica(&c->nodes[me->primary]))
		return;
	uint32_t next = c->nodes[me->primary].primary;
	if (next == NODE_NONE || next == 0 || !node_is_primary(&c->nodes[next]))
		return;
	emit_trace(c, out, TRACE_DEMOTED, next, 0);
	role_follow(c, next, out);
}
