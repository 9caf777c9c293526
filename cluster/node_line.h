/* cluster/node_line.h - one node as a line of CLUSTER NODES and of nodes.conf, as Redis 7.0 writes it (spec B10).
 *
 *     <id> <ip>:<port>@<cport>[,<hostname>] <flags> <primary|-> <ping ms> <pong ms> <epoch> <connected|disconnected>
 *          [<slot>|<first>-<last> ...] [[<slot>->-<id>] ...] [[<slot>-<-<id>] ...]
 *
 * Open slots are known of ourselves only. Times are unix ms; 0: none. A replica's epoch is its primary's.
 */
#pragma once
#include "cluster/text.h"
#include "cluster/view.h"

struct slot_range {
	unsigned first, last;
};

/* The first run of set bits at or behind from. False: there is none. */
bool slot_range_next(const struct slot_bitmap *map, unsigned from, struct slot_range *out);

/* What others call this node's epoch: a replica's is its primary's. */
uint64_t node_epoch(const struct cluster *c, const struct node *n);

/* Without the line's end. */
void node_line(struct text *t, const struct cluster *c, const struct node *n,
	       const struct cluster_facts *facts);
