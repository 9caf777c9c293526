/* cluster/view.h - who exists and what they own, as last heard: the one struct that the files of this folder share.
 *
 *     nodes[]    fixed places; an index stays a node's while the node is known, so that slots and reports may refer to it
 *     owner[]    slot -> index of the node that serves it, NODE_NONE: nobody
 *     live / flying / durable    what we say of ourselves: decided, on its way to disk, on disk (cluster.h C3, C4; persist.h)
 *
 * V1  nodes[0] is this node, always. V2  owner[s] == i exactly if bit s of nodes[i].slots is set; slot_count counts them.
 * V3  A primary's primary is NODE_NONE; a replica owns no slot. V4  current_epoch >= every config_epoch, and neither ever falls
 * but by RESET HARD. V5  A node has at most one outbound and one inbound link, a link at most one node.
 * Private to cluster/, tests, and those who render it; written only by this folder. Flags, roles, slots and links change only
 * through the functions below, failure.h and role.h, which keep the counts true; cluster_check() recounts.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"
#include "cluster/election.h"
#include "cluster/health.h"
#include "cluster/manual.h"
#include "cluster/persist.h"

#define NODE_NONE UINT32_MAX
#define VIEW_REPORTS_MAX                                                                           \
	16384 /* failure reports at once, of all nodes; full: the new one is refused and counted */
#define VIEW_BLACKLIST_MAX 256
#define EPOCH_MAX          (UINT64_MAX / 2) /* greater ones are refused: nobody gets there by counting */

struct node {
	struct node_id id, shard_id; /* shard_id nobody: not told yet (Redis 7.0) */
	bool in_use;
	uint16_t flags; /* enum bus_node_flag */
	char ip[BUS_IP_LEN];
	uint16_t port, pport, cport;
	char hostname[BUS_NAME_MAX], nodename[BUS_NAME_MAX];
	uint32_t primary; /* index; NODE_NONE: a primary, or one whose primary is unknown */
	uint64_t config_epoch;
	struct slot_bitmap slots;
	uint32_t slot_count;
	uint64_t offset, offset_ms; /* last told, and when */
	uint64_t created_ms;
	uint64_t ping_sent_ms; /* 0: none waits for its PONG */
	uint64_t acked_ms;     /* when the last ping that was answered had been sent */
	uint64_t pong_received_ms, data_received_ms;
	uint64_t fail_ms, voted_ms, orphaned_ms; /* 0: never, or not */
	uint32_t report_first;                   /* index into reports; NODE_NONE: none */
	uint32_t replica_count, replica_before, ok_replica_count; /* of the last ticks */
	bus_link out, in;                                         /* 0: none */
	bool out_up, pong_on_out; /* established; a PONG came on this very connection */
	bool ping_owed,
		pong_owed; /* could not be sent on out, on in (emit.h E2, E3): the tick does */
	bool fail_untold;  /* we reached the quorum, and the FAIL still has to be sent */
	uint64_t out_created_ms, connect_at_ms, in_lost_ms;
	uint64_t sampled; /* number of the gossip section it was last put into */
};

struct report {
	uint32_t reporter, next;
	uint64_t at_ms;
};

struct banned {
	struct node_id id;
	uint64_t until_ms;
};

struct cluster_counters {
	uint64_t sent[BUS_TYPE_COUNT], received[BUS_TYPE_COUNT];
	uint64_t traced[TRACE_COUNT];
	uint64_t reports_full, nodes_full, traces_cut;
};

struct view_table { /* hash -> index of a node: open addressing, linear, (tag << 32 | index + 1), 0: free */
	uint32_t mask;
	uint64_t *places;
};

enum tell {
	TELL_NOBODY,
	TELL_SIBLINGS,
	TELL_ALL
}; /* a PONG at the end of the step: what is durable; what is decided */

struct cluster {
	struct cluster_config config;
	struct prng prng;
	uint64_t now_ms;                   /* of the current step */
	const struct cluster_facts *facts; /* of the current step; NULL between steps */
	struct public_state live, flying,
		durable; /* live: but for the epochs a copy, made by persist_live() */
	uint64_t live_number, flying_number,
		durable_number; /* last given out; under way or 0; on disk */
	uint64_t next_link;
	uint32_t nodes_max, node_count, high; /* in use; every index in use is below high */
	uint32_t pfail_count, owned_count;    /* nodes in PFAIL; slots with an owner */
	uint32_t voter_count;                 /* voting primaries: the cluster's size */
	struct view_table by_id, by_link;     /* by_link: inbound only */
	uint64_t id_secret;
	uint32_t owner[SLOT_COUNT];
	uint32_t migrating_to[SLOT_COUNT], importing_from[SLOT_COUNT]; /* NODE_NONE: not */
	struct slot_bitmap
		not_claiming; /* owned by a peer whose last header did not claim it (spec A20) */
	bool claims_doubted;  /* a bit of not_claiming may be set */
	struct report reports[VIEW_REPORTS_MAX];
	uint32_t report_free;
	struct banned blacklist[VIEW_BLACKLIST_MAX];
	struct election election;
	struct manual manual;
	struct health health;
	uint64_t tick_at_ms, random_ping_at_ms;
	uint32_t tick_cursor; /* a tick that ran out of room goes on here; 0: a new one */
	uint64_t sampled;     /* gossip sections built so far */
	/* Set during a step, answered at its end. */
	bool slots_changed, save_wanted, failover_wanted, health_wanted, suspicion_wanted,
		fails_untold;
	enum tell tell;
	struct cluster_counters counters;
	struct node nodes[];
};

static inline struct node *
view_myself(struct cluster *c)
{
	return &c->nodes[0];
}

static inline bool
node_is_primary(const struct node *n)
{
	return (n->flags & NODE_PRIMARY) != 0;
}

static inline bool
node_is_replica(const struct node *n)
{
	return (n->flags & NODE_REPLICA) != 0;
}

static inline bool
node_has(const struct node *n, unsigned flags)
{
	return (n->flags & flags) != 0;
}

static inline bool
node_votes(const struct node *n) /* spec, head: "voting master" */
{
	return node_is_primary(n) && n->slot_count > 0;
}

static inline uint32_t
view_quorum(const struct cluster *c)
{
	return c->voter_count / 2 + 1;
}

/* An index in use? For what came from outside. */
bool view_has(const struct cluster *c, uint32_t node);
uint32_t view_find(const struct cluster *c, const struct node_id *id); /* NODE_NONE: unknown */
uint32_t view_by_link(const struct cluster *c, bus_link link);
/* flags: a role, and whatever else but PFAIL. NODE_NONE: full. */
uint32_t view_add(struct cluster *c, const struct node_id *id, uint16_t flags);
/* Its slots, links, reports by and about it, replicas' references: all gone. Emits what closes its links. Never node 0. */
void view_remove(struct cluster *c, uint32_t node, struct effects *out);
void view_rename(struct cluster *c, uint32_t node, const struct node_id *id);
void view_set_owner(struct cluster *c, uint16_t slot, uint32_t node); /* NODE_NONE: nobody */
/* Role bits, primary, counts; the slots of a node that becomes a replica must be gone. primary NODE_NONE with replica: unknown. */
void view_set_role(struct cluster *c, uint32_t node, bool replica, uint32_t primary);
/* The two links; 0: none. What the node had there before is no longer its own: close it first. */
void view_set_out(struct cluster *c, uint32_t node, bus_link link);
void view_set_in(struct cluster *c, uint32_t node, bus_link link);
/* A name for a new outbound link to node. */
bus_link view_new_link(struct cluster *c, uint32_t node);
/* Forty random hexadecimal digits. */
struct node_id view_random_id(struct cluster *c);
/* Our primary, or ourselves: whose slots our frames carry. NODE_NONE: a replica whose primary is unknown. */
uint32_t view_my_primary(const struct cluster *c);
/* Do both belong to one shard: one primary at their root, or the same shard id (spec A42)? */
bool view_same_shard(const struct cluster *c, uint32_t a, uint32_t b);
/* Is the slot ours, decided and on disk? What EFFECT_SLOTS publishes as local. Owned but not yet on disk: publish as unowned. */
bool slots_served_here(const struct cluster *c, uint16_t slot);
