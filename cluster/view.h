/* cluster/view.h - who exists and what they own, as last heard: the one struct that the files of this folder share.
 *
 *     nodes[]    fixed places; an index stays a node's while the node is known, so that slots and reports may refer to it
 *     owner[]    slot -> index of the node that serves it, NODE_NONE: nobody
 *     live / flying / durable    what we say of ourselves: decided, on its way to disk, on disk (cluster.h C3, C4)
 *
 * V1  nodes[0] is this node, always. V2  owner[s] == i exactly if bit s of nodes[i].slots is set; slot_count counts them.
 * V3  A primary's primary is NODE_NONE; a replica owns no slot. V4  current_epoch >= every config_epoch, and neither ever falls
 * but by RESET HARD. V5  A node has at most one outbound and one inbound link, a link at most one node.
 * Private to cluster/, tests, and those who render it; written only by this folder.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"

#define NODE_NONE      UINT32_MAX
#define VIEW_LINKS_MAX (2 * CLUSTER_NODES_MAX)
#define VIEW_REPORTS_MAX                                                                           \
	16384 /* failure reports at once, of all nodes; full: the new one is refused and counted */
#define VIEW_BLACKLIST_MAX 256
#define VOTERS_MAX         1024 /* voting primaries of one election */

struct public_state { /* what our frames say of ourselves */
	uint64_t current_epoch, config_epoch;
	struct node_id replica_of; /* nobody: primary */
	struct slot_bitmap slots;  /* own, or our primary's */
	uint64_t last_vote_epoch;  /* persisted with the rest, not sent */
};

struct node {
	struct node_id id, shard_id;
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
	uint64_t pong_received_ms, data_received_ms;
	uint64_t fail_ms, voted_ms, orphaned_ms;
	uint32_t report_first; /* index into reports; NODE_NONE: none */
	uint32_t voter_reports;
	bus_link out, in;         /* 0: none */
	bool out_up, pong_on_out; /* established; a PONG came on this very connection */
	uint64_t out_created_ms, connect_at_ms;
};

struct report {
	uint32_t reporter, next;
	uint64_t at_ms;
};

struct banned {
	struct node_id id;
	uint64_t until_ms;
};

struct voter_set { /* indexes of distinct nodes; bound to an epoch by its owner */
	uint32_t count;
	uint32_t voters[VOTERS_MAX];
};

enum election_state { ELECTION_IDLE, ELECTION_WAITING, ELECTION_ASKING };

struct election { /* cluster/election.h */
	enum election_state state;
	uint64_t epoch; /* asked for; 0 unless ASKING */
	struct voter_set votes;
	uint64_t
		scheduled_ms; /* when start_at was drawn: the base of timeout and retry (spec A28) */
	uint64_t start_at_ms;
	uint32_t rank;
	bool refused_logged;
};

enum manual_state { MANUAL_IDLE, MANUAL_WAIT_OFFSET, MANUAL_CAN_START, MANUAL_PAUSED_FOR };

struct manual { /* cluster/manual.h; the first three as replica, MANUAL_PAUSED_FOR as primary */
	enum manual_state state;
	uint64_t deadline_ms;
	uint64_t offset; /* what our primary stopped at */
	bool offset_known;
	uint32_t replica; /* that we pause for */
};

struct health { /* cluster/health.h */
	bool ok;
	uint8_t reason; /* enum health_reason */
	uint64_t started_ms, minority_until_ms, checked_ms;
	uint32_t size; /* voting primaries */
};

struct cluster_counters {
	uint64_t sent[BUS_TYPE_COUNT], received[BUS_TYPE_COUNT];
	uint64_t traced[TRACE_COUNT];
	uint64_t reports_full, nodes_full;
};

struct cluster {
	struct cluster_config config;
	struct prng prng;
	uint64_t now_ms;                   /* of the current step */
	const struct cluster_facts *facts; /* of the current step; NULL between steps */
	struct public_state live, flying, durable;
	uint64_t live_number, flying_number,
		durable_number; /* flying_number 0: nothing is under way */
	uint64_t next_link;
	uint32_t nodes_max, node_count, high; /* in use; every index in use is below high */
	uint32_t owner[SLOT_COUNT];
	uint32_t migrating_to[SLOT_COUNT], importing_from[SLOT_COUNT]; /* NODE_NONE: not */
	struct slot_bitmap
		not_claiming; /* owned by a peer whose last header did not claim it (spec A20) */
	struct report reports[VIEW_REPORTS_MAX];
	uint32_t report_free;
	struct banned blacklist[VIEW_BLACKLIST_MAX];
	struct election election;
	struct manual manual;
	struct health health;
	uint64_t tick_at_ms, ticks;
	uint32_t tick_cursor; /* a tick that ran out of room goes on here */
	bool slots_changed,
		save_wanted; /* set during a step, answered at its end by one EFFECT_SLOTS, one EFFECT_PERSIST */
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
node_votes(const struct node *n) /* spec, head: "voting master" */
{
	return node_is_primary(n) && n->slot_count > 0;
}

uint32_t view_find(const struct cluster *c, const struct node_id *id); /* NODE_NONE: unknown */
uint32_t view_by_link(const struct cluster *c, bus_link link);
/* NODE_NONE: full. */
uint32_t view_add(struct cluster *c, const struct node_id *id, uint16_t flags);
/* Its slots, links, reports by and about it, replicas' references: all gone. Emits what closes its links. */
void view_remove(struct cluster *c, uint32_t node, struct effects *out);
void view_rename(struct cluster *c, uint32_t node, const struct node_id *id);
void view_set_owner(struct cluster *c, uint16_t slot, uint32_t node); /* NODE_NONE: nobody */
/* Is the slot ours, decided and on disk? What EFFECT_SLOTS publishes as local. */
bool slots_served_here(const struct cluster *c, uint16_t slot);
