/* cluster/slots.h - who owns which slot: claims in headers, UPDATE both ways, what is lost with keys (spec A20 to A23).
 *
 * O1  A claim wins if nobody owns the slot, if the owner stopped claiming it, or if the owner's config epoch is smaller.
 * O2  A slot we lose is lost at once (slots_served_here()); one we win counts when it is on disk.
 * O3  Keys of lost slots are dropped, unless we lost everything and become a replica: then the sync replaces them.
 * O4  Owner of all our (or our primary's) slots is now another: we follow it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;
struct bus_head;
struct bus_update;
struct slot_bitmap;

enum update_refusal {
	UPDATE_TAKEN,
	UPDATE_UNKNOWN_NODE,
	UPDATE_MYSELF,
	UPDATE_NOTHING_NEW,
	UPDATE_REFUSAL_COUNT
};

const char *update_refusal_name(enum update_refusal refusal);

/* PING, PONG or MEET of a known node: its claims, and ours that it does not know. */
void slots_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head,
		   struct effects *out);
void slots_claimed(struct cluster *c, uint32_t node, uint64_t epoch,
		   const struct slot_bitmap *claimed, struct effects *out);
enum update_refusal slots_on_update(struct cluster *c, const struct bus_update *update,
				    struct effects *out);
/* Commands (ADDSLOTS, DELSLOTS, SETSLOT ... NODE): owner, open marks and what follows from them. */
void slots_assign(struct cluster *c, uint16_t slot, uint32_t node,
		  struct effects *out); /* NODE_NONE: nobody */
/* SETSLOT n NODE id: as slots_assign(); closes our marks, bumps our epoch if we import it, follows if it was our last. */
void slots_settle(struct cluster *c, uint16_t slot, uint32_t node, struct effects *out);
void slots_open(struct cluster *c, uint16_t slot, uint32_t importing_from,
		uint32_t migrating_to); /* NODE_NONE: not */
/* The keys that a start found on disk (spec A39, as Redis up to 7.2): a primary takes their slots if nobody has them, and opens them
 * as imports from their owner otherwise. How many slots changed.
 */
uint32_t slots_on_load(struct cluster *c, struct effects *out);
uint32_t slots_key_count(const struct cluster *c, uint16_t slot);
bool slots_hold_keys(const struct cluster *c); /* in any slot */
