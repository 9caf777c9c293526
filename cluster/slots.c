/* cluster/slots.c - claims. The table of owners is what everybody last claimed with the greatest epoch; a claim is compared as a
 * whole first (most headers change nothing), then byte by byte where it differs.
 *
 * Redis up to 7.2 passes over slots that we import; we follow Valkey 8: a failover on the source's side must reach the importer.
 */
#include "cluster/slots.h"

#include "cluster/emit.h"
#include "cluster/epoch.h"
#include "cluster/role.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

#define UPDATES_MAX 3 /* owners told of per frame; Redis stops after the first (spec E2 12) */

uint32_t
slots_key_count(const struct cluster *c, uint16_t slot)
{
	return c->facts->slot_keys != NULL ? c->facts->slot_keys[slot] : 0;
}

bool
slots_hold_keys(const struct cluster *c)
{
	for (unsigned slot = 0; c->facts->slot_keys != NULL && slot < SLOT_COUNT; slot++) {
		if (c->facts->slot_keys[slot] != 0)
			return true;
	}
	return false;
}

static bool
claim_wins(const struct cluster *c, unsigned slot, uint64_t epoch)
{
	uint32_t owner = c->owner[slot];
	return owner == NODE_NONE || slot_bitmap_has(&c->not_claiming, slot) ||
	       c->nodes[owner].config_epoch < epoch;
}

struct taking { /* what one claim took */
	uint32_t from_mine, claimed;
	struct slot_bitmap dirty;
	bool has_dirty;
};

static void
take_slot(struct cluster *c, uint16_t slot, uint32_t node, uint32_t mine, struct taking *taking)
{
	uint32_t old = c->owner[slot];
	if (old == 0 && slots_key_count(c, slot) > 0) {
		slot_bitmap_set(&taking->dirty, slot, true);
		taking->has_dirty = true;
	}
	if (old == 0)
		c->migrating_to[slot] = NODE_NONE; /* Valkey 8.1; Redis leaves the mark */
	if (old != NODE_NONE && old == mine)
		taking->from_mine++;
	/* The importer goes on with whoever replaced its source. */
	if (old != NODE_NONE && c->importing_from[slot] == old)
		c->importing_from[slot] = node;
	view_set_owner(c, slot, node);
	persist_want(c);
}

static void
claim_slot(struct cluster *c, uint16_t slot, uint32_t node, uint64_t epoch, struct taking *taking)
{
	if (c->owner[slot] == node)
		slot_bitmap_set(&c->not_claiming, slot, false);
	else if (claim_wins(c, slot, epoch))
		take_slot(c, slot, node, view_my_primary(c), taking);
}

/* Slots that the node owned and claims no more stay its own until somebody else claims them (spec A20). */
static void
note_unclaimed(struct cluster *c, uint32_t node, const struct slot_bitmap *claimed)
{
	uint8_t any = 0;
	for (unsigned byte = 0; byte < SLOT_BITMAP_SIZE; byte++) {
		uint8_t bits = (uint8_t)(c->nodes[node].slots.bytes[byte] & ~claimed->bytes[byte]);
		c->not_claiming.bytes[byte] |= bits;
		any |= bits;
	}
	c->claims_doubted = c->claims_doubted || any != 0;
}

/* Is one of its slots under doubt, so that even a claim of what we know is news? */
static bool
is_doubted(struct cluster *c, const struct node *n)
{
	uint8_t any = 0, its = 0;
	for (unsigned byte = 0; c->claims_doubted && byte < SLOT_BITMAP_SIZE; byte++) {
		any |= c->not_claiming.bytes[byte];
		its |= c->not_claiming.bytes[byte] & n->slots.bytes[byte];
	}
	c->claims_doubted = any != 0;
	return its != 0;
}

static void
settle_claim(struct cluster *c, uint32_t node, const struct taking *taking, struct effects *out)
{
	uint32_t mine = view_my_primary(c);
	bool all_lost =
		taking->from_mine > 0 && mine != NODE_NONE && c->nodes[mine].slot_count == 0;
	bool follow = c->config.allow_replica_migration || taking->claimed == taking->from_mine ||
		      (mine != NODE_NONE && view_same_shard(c, mine, node));
	if (all_lost && follow) {
		emit_trace(c, out, TRACE_DEMOTED, node, taking->from_mine);
		role_follow(c, node, out);
		return;
	}
	for (unsigned slot = 0; taking->has_dirty && slot < SLOT_COUNT; slot++) {
		if (slot_bitmap_has(&taking->dirty, slot))
			emit_add(out, EFFECT_DROP_SLOT)->slot = (uint16_t)slot;
	}
}

void
slots_claimed(struct cluster *c, uint32_t node, uint64_t epoch, const struct slot_bitmap *claimed,
	      struct effects *out)
{
	ASSERT(node != 0 && node_is_primary(&c->nodes[node]));
	struct taking taking = {0};
	for (unsigned byte = 0; byte < SLOT_BITMAP_SIZE; byte++) {
		unsigned bits = claimed->bytes[byte];
		taking.claimed += (uint32_t)__builtin_popcount(bits);
		for (unsigned slot = byte * 8; bits != 0; bits >>= 1, slot++) {
			if ((bits & 1) != 0)
				claim_slot(c, (uint16_t)slot, node, epoch, &taking);
		}
	}
	note_unclaimed(c, node, claimed);
	settle_claim(c, node, &taking, out);
}

/* The sender claims what another owns with a greater epoch: tell it (spec A21; replicas too, as Redis 7.0). */
static void
correct(struct cluster *c, uint32_t sender, const struct bus_head *head, struct effects *out)
{
	uint32_t told[UPDATES_MAX], count = 0;
	for (unsigned slot = 0; slot < SLOT_COUNT && count < UPDATES_MAX; slot++) {
		uint32_t owner = c->owner[slot];
		if (!slot_bitmap_has(&head->slots, slot) || owner == NODE_NONE || owner == sender ||
		    slot_bitmap_has(&c->not_claiming, slot) ||
		    c->nodes[owner].config_epoch <= head->config_epoch)
			continue;
		bool again = false;
		for (uint32_t i = 0; i < count; i++)
			again = again || told[i] == owner;
		if (again)
			continue;
		told[count++] = owner;
		emit_update(c, out, sender, owner);
	}
}

void
slots_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head, struct effects *out)
{
	const struct node *n = &c->nodes[sender];
	uint32_t primary = node_is_primary(n) ? sender : n->primary;
	if (primary == NODE_NONE)
		return;
	const struct node *claimant = &c->nodes[primary];
	if (memcmp(&claimant->slots, &head->slots, sizeof(head->slots)) == 0 &&
	    !is_doubted(c, claimant))
		return;
	/* A claim of an epoch that the node itself has left behind came late. */
	if (primary == sender && head->config_epoch >= n->config_epoch)
		slots_claimed(c, sender, head->config_epoch, &head->slots, out);
	correct(c, sender, head, out);
}

enum update_refusal
slots_on_update(struct cluster *c, const struct bus_update *update, struct effects *out)
{
	uint32_t node = view_find(c, &update->id);
	if (node == NODE_NONE)
		return UPDATE_UNKNOWN_NODE;
	if (node == 0)
		return UPDATE_MYSELF;
	struct node *n = &c->nodes[node];
	if (update->config_epoch <= n->config_epoch || node_has(n, NODE_HANDSHAKE))
		return UPDATE_NOTHING_NEW;
	epoch_raise_node(c, node, update->config_epoch);
	if (node_is_replica(n))
		role_set_primary(c, node, out);
	emit_trace(c, out, TRACE_UPDATE_TAKEN, node, update->config_epoch);
	slots_claimed(c, node, update->config_epoch, &update->slots, out);
	return UPDATE_TAKEN;
}

void
slots_assign(struct cluster *c, uint16_t slot, uint32_t node, struct effects *out)
{
	(void)out;
	view_set_owner(c, slot, node);
	if (node == 0)
		c->importing_from[slot] = NODE_NONE;
	c->slots_changed = true;
	persist_want(c);
}

void
slots_settle(struct cluster *c, uint16_t slot, uint32_t node, struct effects *out)
{
	ASSERT(node != NODE_NONE && node_is_primary(&c->nodes[node]));
	ASSERT(node == 0 || c->owner[slot] != 0 || slots_key_count(c, slot) == 0);
	bool was_mine = c->owner[slot] == 0,
	     imported = node == 0 && c->importing_from[slot] != NODE_NONE;
	if (slots_key_count(c, slot) == 0)
		c->migrating_to[slot] = NODE_NONE;
	slots_assign(c, slot, node, out);
	if (imported)
		epoch_bump(c, out);
	if (node == 0) {
		c->tell = TELL_ALL;
		persist_want(c);
	}
	const struct node *me = &c->nodes[0];
	if (was_mine && node != 0 && node_is_primary(me) && me->slot_count == 0 &&
	    c->config.allow_replica_migration) {
		emit_trace(c, out, TRACE_DEMOTED, node, 1);
		role_follow(c, node, out);
	}
}

void
slots_open(struct cluster *c, uint16_t slot, uint32_t importing_from, uint32_t migrating_to)
{
	c->importing_from[slot] = importing_from;
	c->migrating_to[slot] = migrating_to;
	c->slots_changed = true;
	persist_want(c);
}

uint32_t
slots_on_load(struct cluster *c, struct effects *out)
{
	uint32_t changed = 0;
	for (unsigned slot = 0; node_is_primary(&c->nodes[0]) && slot < SLOT_COUNT; slot++) {
		uint32_t owner = c->owner[slot];
		if (slots_key_count(c, (uint16_t)slot) == 0 || owner == 0 ||
		    c->importing_from[slot] != NODE_NONE)
			continue;
		if (owner == NODE_NONE)
			slots_assign(c, (uint16_t)slot, 0, out);
		else
			slots_open(c, (uint16_t)slot, owner, NODE_NONE);
		changed++;
	}
	return changed;
}
