/* cluster/command_slots.c - ADDSLOTS to SETSLOT: an operator says who owns what.
 *
 * The list of slots becomes a bitmap while it is checked, so that an order of 16384 arguments is one pass and the
 * change is made only when all of them are good.
 */
#include "cluster/command.h"
#include "cluster/slots.h"
#include "proto/resp/writer.h"

/* Adds first to last to the map. False: one is not free to be given (or taken) and the error has been replied. */
static bool
collect(const struct order *o, unsigned first, unsigned last, bool adding, struct slot_bitmap *map)
{
	for (unsigned slot = first; slot <= last; slot++) {
		const char *wrong = NULL;
		if ((o->c->owner[slot] != NODE_NONE) == adding)
			wrong = adding ? "is already busy" : "is already unassigned";
		else if (slot_bitmap_has(map, slot))
			wrong = "specified multiple times";
		if (wrong != NULL) {
			resp_errorf(o->w, "ERR Slot %u %s", slot, wrong);
			return false;
		}
		slot_bitmap_set(map, slot, true);
	}
	return true;
}

static void
apply(const struct order *o, const struct slot_bitmap *map, bool adding)
{
	/* Redis lets a replica own slots until the next header takes them away; view.h V3 does not. */
	if (adding && !node_is_primary(view_myself(o->c))) {
		resp_error(o->w, "ERR Please use ADDSLOTS only with masters.");
		return;
	}
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_bitmap_has(map, slot))
			slots_assign(o->c, (uint16_t)slot, adding ? 0 : NODE_NONE, o->out);
	reply_ok(o);
}

static void
change_slots(const struct order *o, bool adding)
{
	struct slot_bitmap map = {{0}};
	uint16_t slot;
	for (uint32_t i = 2; i < o->argc; i++)
		if (!order_slot(o, i, &slot))
			return;
	for (uint32_t i = 2; i < o->argc; i++)
		if (!order_slot(o, i, &slot) || !collect(o, slot, slot, adding, &map))
			return;
	apply(o, &map, adding);
}

static void
change_ranges(const struct order *o, bool adding)
{
	struct slot_bitmap map = {{0}};
	if (o->argc % 2 == 1) {
		resp_errorf(o->w, "ERR wrong number of arguments for 'cluster|%s' command",
			    adding ? "addslotsrange" : "delslotsrange");
		return;
	}
	for (uint32_t i = 2; i < o->argc; i += 2) {
		uint16_t first, last;
		if (!order_slot(o, i, &first) || !order_slot(o, i + 1, &last))
			return;
		if (first > last) {
			resp_errorf(o->w,
				    "ERR start slot number %u is greater than end slot number %u",
				    (unsigned)first, (unsigned)last);
			return;
		}
		if (!collect(o, first, last, adding, &map))
			return;
	}
	apply(o, &map, adding);
}

void
command_addslots(struct order *o)
{
	change_slots(o, true);
}

void
command_addslotsrange(struct order *o)
{
	change_ranges(o, true);
}

void
command_delslots(struct order *o)
{
	change_slots(o, false);
}

void
command_delslotsrange(struct order *o)
{
	change_ranges(o, false);
}

void
command_flushslots(struct order *o)
{
	if (slots_hold_keys(o->c)) {
		resp_error(o->w, "ERR DB must be empty to perform CLUSTER FLUSHSLOTS.");
		return;
	}
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		if (o->c->owner[slot] == 0)
			slots_assign(o->c, (uint16_t)slot, NODE_NONE, o->out);
	reply_ok(o);
}

/* ---- SETSLOT ---- */

static bool
take_primary(const struct order *o, const char *unknown, uint32_t *node)
{
	const struct span word = o->argv[4];
	*node = order_node(o, 4);
	if (*node == NODE_NONE) {
		resp_errorf(o->w, "ERR %s %.*s", unknown, (int)word.len, (const char *)word.at);
		return false;
	}
	if (!node_is_primary(&o->c->nodes[*node])) { /* nor is one in handshake */
		resp_error(o->w, "ERR Target node is not a master");
		return false;
	}
	return true;
}

static void
setslot_migrating(const struct order *o, uint16_t slot)
{
	uint32_t node;
	if (o->c->owner[slot] != 0) {
		resp_errorf(o->w, "ERR I'm not the owner of hash slot %u", (unsigned)slot);
		return;
	}
	if (!take_primary(o, "I don't know about node", &node))
		return;
	slots_open(o->c, slot, NODE_NONE, node);
	reply_ok(o);
}

static void
setslot_importing(const struct order *o, uint16_t slot)
{
	uint32_t node;
	if (o->c->owner[slot] == 0) {
		resp_errorf(o->w, "ERR I'm already the owner of hash slot %u", (unsigned)slot);
		return;
	}
	if (!take_primary(o, "I don't know about node", &node))
		return;
	slots_open(o->c, slot, node, NODE_NONE);
	reply_ok(o);
}

static void
setslot_node(const struct order *o, uint16_t slot)
{
	uint32_t node;
	if (!take_primary(o, "Unknown node", &node))
		return;
	if (o->c->owner[slot] == 0 && node != 0 && slots_key_count(o->c, slot) != 0) {
		resp_errorf(o->w,
			    "ERR Can't assign hashslot %u to a different node while I still hold "
			    "keys for this hash slot.",
			    (unsigned)slot);
		return;
	}
	slots_settle(o->c, slot, node, o->out);
	reply_ok(o);
}

void
command_setslot(struct order *o)
{
	uint16_t slot;
	if (node_is_replica(view_myself(o->c))) {
		resp_error(o->w, "ERR Please use SETSLOT only with masters.");
		return;
	}
	if (!order_slot(o, 2, &slot))
		return;
	if (order_is(o, 3, "migrating") && o->argc == 5) {
		setslot_migrating(o, slot);
	} else if (order_is(o, 3, "importing") && o->argc == 5) {
		setslot_importing(o, slot);
	} else if (order_is(o, 3, "stable") && o->argc == 4) {
		slots_open(o->c, slot, NODE_NONE, NODE_NONE);
		reply_ok(o);
	} else if (order_is(o, 3, "node") && o->argc == 5) {
		setslot_node(o, slot);
	} else {
		resp_error(o->w, "ERR Invalid CLUSTER SETSLOT action or number of arguments. "
				 "Try CLUSTER HELP");
	}
}
