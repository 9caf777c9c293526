/* cluster/role.h - primary or replica of whom: ourselves by decision, others by their headers (spec A19, A23, A42, H2).
 *
 * R1  A node's role is what replica_of in its header says, whatever the flags.
 * R2  A primary that becomes a replica of its shard hands its slots to the new primary in our table, so that no slot is
 *     without owner in between (Valkey 8.0); one that leaves its shard leaves them unowned.
 * R3  A header older than what we know of the claim changes no role (Valkey 8.1).
 * R4  We follow primaries: if ours becomes a replica, we follow its primary.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;
struct bus_head;
struct node_id;

enum replicate_refusal {
	REPLICATE_ALLOWED,
	REPLICATE_UNKNOWN_NODE,
	REPLICATE_MYSELF,
	REPLICATE_A_REPLICA, /* "I can only replicate a master, not a replica." */
	REPLICATE_NOT_EMPTY, /* "To set a master the node must be empty and without assigned slots." */
	REPLICATE_REFUSAL_COUNT,
};

const char *replicate_refusal_name(enum replicate_refusal refusal);

/* CLUSTER REPLICATE; node NODE_NONE: unknown. */
enum replicate_refusal role_replicate(struct cluster *c, uint32_t node, struct effects *out);
/* We follow node, a primary: role, shard, marks, pauses, elections; tells everybody. Our slots must be gone. */
void role_follow(struct cluster *c, uint32_t node, struct effects *out);
/* We are a primary from now on. */
void role_lead(struct cluster *c, struct effects *out);
void role_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head,
		  struct effects *out);
void role_set_primary(struct cluster *c, uint32_t node, struct effects *out); /* of another node */
void role_follow_chain(struct cluster *c, struct effects *out);               /* R4 */
void role_set_shard(struct cluster *c, uint32_t node, const struct node_id *shard_id);
