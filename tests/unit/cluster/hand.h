/* tests/unit/cluster/hand.h - one node whose view is made by hand, and frames of peers that do not exist: for tables of decisions.
 *
 *     hand_new() -> hand_primary('b'), hand_replica('r') ... -> hand_frame(type, from), change it -> hand_deliver() -> ask out (hand_ask.h)
 *
 * Ids are one letter forty times: letters order like ids; we are 'm'. All peers are connected in both directions.
 */
#pragma once
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/failure.h"
#include "cluster/step.h"
#include "cluster/view.h"

#define HAND_T       1000 /* node timeout */
#define HAND_NODES   64
#define HAND_STARTED 100000
#define HAND_GOSSIP  64

struct hand {
	struct cluster *c;
	struct effects *out;
	struct cluster_facts facts;
	struct bus_msg msg;
	struct bus_gossip gossip[HAND_GOSSIP];
	uint32_t keys[SLOT_COUNT];
	char from_ip[BUS_IP_LEN];
	bus_link accepted; /* last inbound link made up */
	bool saves;        /* every save lands at once */
};

static inline struct node_id
hand_id(char letter)
{
	struct node_id id;
	memset(id.bytes, letter, sizeof(id.bytes));
	return id;
}

static inline void
hand_step(struct hand *h, const struct cluster_event *event)
{
	cluster_step(h->c, event, &h->facts, h->out);
	cluster_check(h->c);
}

/* Our save lands. */
static inline void
hand_saved(struct hand *h)
{
	while (h->c->flying_number != 0) {
		struct cluster_event event = {.kind = CLUSTER_PERSISTED,
					      .number = h->c->flying_number};
		hand_step(h, &event);
	}
}

static inline void
hand_tick(struct hand *h, uint64_t ms)
{
	h->facts.now_ms += ms;
	h->facts.unix_ms += ms;
	hand_step(h, &(struct cluster_event){.kind = CLUSTER_TICK});
}

/* Connects, saves and forgets what happened so far. Past the delays of a start. */
static inline struct hand *
hand_new(void)
{
	struct hand *h = calloc(1, sizeof(*h));
	struct cluster_config config = {.node_timeout_ms = HAND_T,
					.replica_validity_factor = 10,
					.repl_ping_period_s = 10,
					.migration_barrier = 1,
					.manual_failover_timeout_ms = 5000,
					.blacklist_ttl_s = 60,
					.allow_replica_migration = true,
					.require_full_coverage = true,
					.port = 7000,
					.cport = 17000,
					.ip = "10.0.0.1"};
	h->c = cluster_format(calloc(1, cluster_size(HAND_NODES)), HAND_NODES, &config, 1,
			      HAND_STARTED);
	h->out = calloc(1, sizeof(*h->out));
	h->facts = (struct cluster_facts){.now_ms = HAND_STARTED,
					  .unix_ms = 1700000000000,
					  .offset = 100,
					  .primary_link_up = true,
					  .primary_link_ms = HAND_STARTED,
					  .data_alive = true,
					  .slot_keys = h->keys};
	struct node_id me = hand_id('m');
	view_rename(h->c, 0, &me);
	memcpy(h->from_ip, "10.0.0.9", 9);
	h->accepted = 1;
	hand_tick(h, 10000);
	hand_saved(h);
	return h;
}

static inline void
hand_free(struct hand *h)
{
	free(h->c);
	free(h->out);
	free(h);
}

static inline uint32_t
hand_add(struct hand *h, char letter, uint16_t role)
{
	struct node_id id = hand_id(letter);
	h->c->now_ms = h->facts.now_ms;
	uint32_t node = view_add(h->c, &id, role);
	struct node *n = &h->c->nodes[node];
	memcpy(n->ip, "10.0.1.1", 9);
	n->ip[7] = letter;
	n->port = 7000;
	n->cport = 17000;
	n->shard_id = id;
	n->offset = 100;
	n->pong_received_ms = n->data_received_ms = h->facts.now_ms;
	view_set_out(h->c, node, view_new_link(h->c, node));
	n->out_up = true;
	view_set_in(h->c, node, h->accepted += 2);
	return node;
}

/* With config epoch = its letter, and slots first to last. */
static inline uint32_t
hand_primary(struct hand *h, char letter, unsigned first, unsigned last)
{
	uint32_t node = letter == 'm' ? 0 : hand_add(h, letter, NODE_PRIMARY);
	for (unsigned slot = first; slot <= last; slot++)
		view_set_owner(h->c, (uint16_t)slot, node);
	h->c->nodes[node].config_epoch = (uint64_t)letter;
	if ((uint64_t)letter > h->c->live.current_epoch)
		h->c->live.current_epoch = (uint64_t)letter;
	persist_want(h->c);
	return node;
}

static inline uint32_t
hand_replica(struct hand *h, char letter, uint32_t primary)
{
	uint32_t node = letter == 'm' ? 0 : hand_add(h, letter, NODE_REPLICA);
	view_set_role(h->c, node, true, primary);
	h->c->nodes[node].shard_id = h->c->nodes[primary].shard_id;
	persist_want(h->c);
	return node;
}

/* All that was made by hand is on disk, and told. */
static inline void
hand_settle(struct hand *h)
{
	hand_tick(h, 1);
	hand_saved(h);
}

/* h->msg: what the node would send of itself, as our view knows it. */
static inline struct bus_head *
hand_frame(struct hand *h, enum bus_type type, uint32_t from)
{
	const struct node *n = &h->c->nodes[from];
	const struct node *shown = n->primary == NODE_NONE ? n : &h->c->nodes[n->primary];
	h->msg = (struct bus_msg){
		.head = {.type = (uint16_t)type,
			 .port = n->port,
			 .cport = n->cport,
			 .current_epoch = h->c->live.current_epoch,
			 .config_epoch = shown->config_epoch,
			 .offset = n->offset,
			 .sender = n->id,
			 .slots = shown->slots,
			 .state_ok = true,
			 .flags = n->flags}
        };
	memcpy(h->msg.head.my_ip, n->ip, BUS_IP_LEN);
	if (n->primary != NODE_NONE)
		h->msg.head.replica_of = shown->id;
	if (type <= BUS_MEET)
		h->msg.ping.gossip = h->gossip;
	return &h->msg.head;
}
