/* tests/unit/cluster/town.c - the network and the disk of town.h: a sorted list of events and a table of connections. */
#include "tests/unit/cluster/town.h"

#include <check.h>
#include <stdlib.h>

#include "cluster/handshake.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "cluster/step.h"

#define CONNS_MAX 100000

struct town_event {
	struct town_event *next;
	uint64_t at_ms, order, after;
	unsigned to;
	uint64_t life; /* of the node it is for */
	enum cluster_event_kind kind;
	bus_link link;
	uint64_t number;
	struct bus_msg msg;
	struct bus_gossip *gossip;
	struct effect effect; /* when waiting */
};

struct town_conn {
	unsigned from, to;
	bus_link out, in;
	bool open;
};

static const char *
ip_of(unsigned node)
{
	static const char *const ips[TOWN_MAX] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",  "10.0.0.5",  "10.0.0.6",
		"10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11", "10.0.0.12"};
	return ips[node];
}

static struct town_event *
post(struct town *t, unsigned to, enum cluster_event_kind kind, uint64_t delay_ms)
{
	struct town_event *e = calloc(1, sizeof(*e));
	*e = (struct town_event){.at_ms = t->now_ms + delay_ms,
				 .to = to,
				 .kind = kind,
				 .life = t->nodes[to].restarted};
	struct town_event **at = &t->queue;
	while (*at != NULL && (*at)->at_ms <= e->at_ms)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
	return e;
}

static void
event_free(struct town_event *e)
{
	free(e->gossip);
	free(e);
}

static struct cluster_config
town_config(unsigned node)
{
	struct cluster_config config = {.node_timeout_ms = TOWN_TIMEOUT,
					.replica_validity_factor = 10,
					.repl_ping_period_s = 10,
					.migration_barrier = 1,
					.manual_failover_timeout_ms = 5000,
					.blacklist_ttl_s = 60,
					.allow_replica_migration = true,
					.require_full_coverage = true,
					.port = 7000,
					.cport = 17000};
	memcpy(config.ip, ip_of(node), strlen(ip_of(node)));
	return config;
}

struct town *
town_new(unsigned count)
{
	struct town *t = calloc(1, sizeof(*t));
	t->count = count;
	t->now_ms = 1000000;
	t->out = calloc(1, sizeof(*t->out));
	t->conns = calloc(CONNS_MAX, sizeof(*t->conns));
	for (unsigned i = 0; i < count; i++) {
		struct cluster_config config = town_config(i);
		t->nodes[i] = (struct town_node){.alive = true,
						 .data_alive = true,
						 .link_up = true,
						 .offset = 1,
						 .save_ms = 1,
						 .link_ms = t->now_ms,
						 .role_of = NODE_NONE};
		t->nodes[i].keys = calloc(SLOT_COUNT, sizeof(uint32_t));
		t->nodes[i].c =
			cluster_format(calloc(1, cluster_size(64)), 64, &config, 1 + i, t->now_ms);
	}
	return t;
}

void
town_free(struct town *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		struct town_node *n = &t->nodes[i];
		while (n->waiting != NULL) {
			struct town_event *e = n->waiting;
			n->waiting = e->next;
			event_free(e);
		}
		free(n->c);
		free(n->keys);
	}
	while (t->queue != NULL) {
		struct town_event *e = t->queue;
		t->queue = e->next;
		event_free(e);
	}
	free(t->conns);
	free(t->out);
	free(t);
}

static struct town_conn *
find_conn(struct town *t, unsigned node, bus_link link)
{
	for (unsigned i = t->conn_count; i-- > 0;) {
		struct town_conn *conn = &t->conns[i];
		if ((conn->from == node && conn->out == link) ||
		    (conn->to == node && conn->in == link))
			return conn;
	}
	return NULL;
}

static void
run_connect(struct town *t, unsigned from, const struct effect *effect)
{
	const struct node *target = &t->nodes[from].c->nodes[effect->node];
	unsigned to = t->count;
	for (unsigned i = 0; i < t->count; i++)
		to = strcmp(ip_of(i), target->ip) == 0 && target->cport == 17000 ? i : to;
	if (to == t->count || !t->nodes[to].alive) {
		post(t, from, CLUSTER_LINK_DOWN, 1)->link = effect->link;
		return;
	}
	ck_assert_uint_lt(t->conn_count, CONNS_MAX);
	struct town_conn *conn = &t->conns[t->conn_count++];
	*conn = (struct town_conn){.from = from,
				   .to = to,
				   .out = effect->link,
				   .in = ++t->links * 2 + 1,
				   .open = true};
	if (t->cut[from][to])
		return; /* SYN lost */
	post(t, to, CLUSTER_LINK_ACCEPTED, 1)->link = conn->in;
	post(t, from, CLUSTER_LINK_UP, 1)->link = conn->out;
}

static void
run_send(struct town *t, unsigned from, const struct effect *effect, const struct bus_msg *msg)
{
	struct town_conn *conn = find_conn(t, from, effect->link);
	t->nodes[from].sent[msg->head.type]++;
	if (conn == NULL || !conn->open)
		return;
	unsigned to = conn->from == from && conn->out == effect->link ? conn->to : conn->from;
	if (!t->nodes[to].alive || t->cut[from][to])
		return;
	struct town_event *e = post(t, to, CLUSTER_MESSAGE, 1);
	e->link = conn->from == from && conn->out == effect->link ? conn->in : conn->out;
	e->msg = *msg;
	e->number = from;
	if (msg->head.type <= BUS_MEET && msg->ping.gossip_count > 0) {
		size_t size = msg->ping.gossip_count * sizeof(struct bus_gossip);
		e->gossip = malloc(size);
		memcpy(e->gossip, msg->ping.gossip, size);
		e->msg.ping.gossip = e->gossip;
	}
}

static void
run_close(struct town *t, unsigned from, bus_link link)
{
	struct town_conn *conn = find_conn(t, from, link);
	if (conn == NULL || !conn->open)
		return;
	conn->open = false;
	unsigned to = conn->from == from && conn->out == link ? conn->to : conn->from;
	if (t->nodes[to].alive && !t->cut[from][to])
		post(t, to, CLUSTER_LINK_DOWN, 1)->link = conn->from == to ? conn->out : conn->in;
}

static void
run_role(struct town_node *n, const struct effect *effect, uint64_t now_ms)
{
	n->role_of = effect->node;
	n->link_ms = now_ms;
	if (effect->node != NODE_NONE && n->offset == 0)
		n->offset = 1;
}

static void
run_trace(struct town *t, struct town_node *n, const struct effect *effect)
{
	n->traced[effect->trace]++;
	n->last_number[effect->trace] = effect->number;
	n->last_ms[effect->trace] = t->now_ms;
}

static void
run_effect(struct town *t, unsigned node, const struct effect *effect, const struct bus_msg *msg)
{
	struct town_node *n = &t->nodes[node];
	switch (effect->kind) {
	case EFFECT_PERSIST:
		n->persists++;
		post(t, node, CLUSTER_PERSISTED, n->save_ms)->number = effect->number;
		break;
	case EFFECT_CONNECT:
		run_connect(t, node, effect);
		break;
	case EFFECT_CLOSE:
		run_close(t, node, effect->link);
		break;
	case EFFECT_SEND:
		run_send(t, node, effect, msg);
		break;
	case EFFECT_SLOTS:
		n->slots_effects++;
		break;
	case EFFECT_ROLE:
		run_role(n, effect, t->now_ms);
		break;
	case EFFECT_NEW_HISTORY:
		n->histories++;
		break;
	case EFFECT_PAUSE_WRITES:
		n->pause_until_ms = effect->number;
		n->paused = effect->number != 0;
		break;
	case EFFECT_DROP_SLOT:
		n->dropped_slots++;
		n->keys[effect->slot] = 0;
		break;
	case EFFECT_DROP_ALL:
		n->drop_alls++;
		memset(n->keys, 0, SLOT_COUNT * sizeof(uint32_t));
		break;
	case EFFECT_TRACE:
		run_trace(t, n, effect);
		break;
	}
}

static void
wait_effect(struct town_node *n, const struct effect *effect)
{
	struct town_event *e = calloc(1, sizeof(*e)), **at = &n->waiting;
	e->effect = *effect;
	if (effect->kind == EFFECT_SEND) {
		e->msg = *effect->msg;
		if (e->msg.head.type <= BUS_MEET && e->msg.ping.gossip_count > 0) {
			size_t size = e->msg.ping.gossip_count * sizeof(struct bus_gossip);
			e->gossip = malloc(size);
			memcpy(e->gossip, effect->msg->ping.gossip, size);
			e->msg.ping.gossip = e->gossip;
		}
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = e;
}

static void
run_waiting(struct town *t, unsigned node)
{
	struct town_node *n = &t->nodes[node];
	struct town_event **at = &n->waiting;
	while (*at != NULL) {
		struct town_event *e = *at;
		if (e->effect.after > n->c->durable_number) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		run_effect(t, node, &e->effect, &e->msg);
		event_free(e);
	}
}

static struct cluster_facts
facts_of(struct town *t, unsigned node)
{
	struct town_node *n = &t->nodes[node];
	return (struct cluster_facts){.now_ms = t->now_ms,
				      .unix_ms = 1700000000000 + t->now_ms,
				      .offset = n->offset,
				      .primary_link_up = n->link_up,
				      .primary_link_ms = n->link_up ? t->now_ms : n->link_ms,
				      .data_alive = n->data_alive,
				      .writes_paused = n->paused,
				      .slot_keys = n->keys};
}

static void
carry_out(struct town *t, unsigned node)
{
	struct town_node *n = &t->nodes[node];
	cluster_check(n->c);
	for (unsigned i = 0; i < t->out->count; i++) {
		const struct effect *effect = &t->out->list[i];
		if (effect->after > n->c->durable_number)
			wait_effect(n, effect);
		else
			run_effect(t, node, effect, effect->msg);
	}
	run_waiting(t, node);
}

static void
step(struct town *t, unsigned node, const struct cluster_event *event)
{
	struct cluster_facts facts = facts_of(t, node);
	cluster_step(t->nodes[node].c, event, &facts, t->out);
	bool more = t->out->more;
	carry_out(t, node);
	if (more)
		step(t, node, &(struct cluster_event){.kind = CLUSTER_TICK});
}

struct effects *
town_begin(struct town *t, unsigned node)
{
	static struct cluster_facts facts;
	facts = facts_of(t, node);
	step_begin(t->nodes[node].c, &facts, t->out);
	return t->out;
}

void
town_end(struct town *t, unsigned node)
{
	step_end(t->nodes[node].c, t->out);
	carry_out(t, node);
}

static void
deliver(struct town *t, struct town_event *e)
{
	struct town_node *n = &t->nodes[e->to];
	if (!n->alive || e->life != n->restarted)
		return;
	struct cluster_event event = {.kind = e->kind, .link = e->link, .number = e->number};
	if (e->kind == CLUSTER_MESSAGE) {
		event.msg = &e->msg;
		event.ip = ip_of((unsigned)e->number);
		event.own_ip = ip_of(e->to);
	} else if (e->kind == CLUSTER_LINK_UP) {
		event.ip = ip_of(e->to);
	}
	step(t, e->to, &event);
}

static bool
run_once(struct town *t, uint64_t until_ms)
{
	uint64_t at_ms = until_ms;
	if (t->queue != NULL && t->queue->at_ms < at_ms)
		at_ms = t->queue->at_ms;
	unsigned ticker = TOWN_MAX;
	for (unsigned i = 0; i < t->count; i++) {
		if (t->nodes[i].alive && cluster_next_at(t->nodes[i].c) < at_ms) {
			at_ms = cluster_next_at(t->nodes[i].c);
			ticker = i;
		}
	}
	if (at_ms >= until_ms)
		return false;
	if (at_ms > t->now_ms)
		t->now_ms = at_ms;
	if (ticker < TOWN_MAX) {
		step(t, ticker, &(struct cluster_event){.kind = CLUSTER_TICK});
		return true;
	}
	struct town_event *e = t->queue;
	t->queue = e->next;
	deliver(t, e);
	event_free(e);
	return true;
}

void
town_run(struct town *t, uint64_t ms)
{
	uint64_t until_ms = t->now_ms + ms;
	while (run_once(t, until_ms))
		;
	t->now_ms = until_ms;
}

bool
town_run_until(struct town *t, unsigned node, enum cluster_trace trace, uint64_t ms)
{
	uint64_t until_ms = t->now_ms + ms, before = t->nodes[node].traced[trace];
	while (t->nodes[node].traced[trace] == before) {
		if (!run_once(t, until_ms))
			return false;
	}
	return true;
}

void
town_kill(struct town *t, unsigned node)
{
	t->nodes[node].alive = false;
	t->nodes[node].restarted++;
	for (unsigned i = 0; i < t->conn_count; i++) {
		struct town_conn *conn = &t->conns[i];
		if (!conn->open || (conn->from != node && conn->to != node))
			continue;
		conn->open = false;
		unsigned other = conn->from == node ? conn->to : conn->from;
		if (!t->cut[node][other])
			post(t, other, CLUSTER_LINK_DOWN, 1)->link =
				conn->from == other ? conn->out : conn->in;
	}
}

void
town_cut(struct town *t, unsigned a, unsigned b, bool cut)
{
	t->cut[a][b] = t->cut[b][a] = cut;
}

void
town_isolate(struct town *t, unsigned node, bool cut)
{
	for (unsigned i = 0; i < t->count; i++)
		town_cut(t, node, i, i != node && cut);
}

struct cluster *
town_view(struct town *t, unsigned node)
{
	return t->nodes[node].c;
}

uint32_t
town_index(struct town *t, unsigned in, unsigned of)
{
	return view_find(t->nodes[in].c, &t->nodes[of].c->nodes[0].id);
}

struct node *
town_see(struct town *t, unsigned in, unsigned of)
{
	uint32_t node = town_index(t, in, of);
	ck_assert_uint_ne(node, NODE_NONE);
	return &t->nodes[in].c->nodes[node];
}

uint64_t
town_traced(struct town *t, enum cluster_trace trace)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < t->count; i++)
		count += t->nodes[i].traced[trace];
	return count;
}

void
town_mesh(struct town *t)
{
	for (unsigned i = 1; i < t->count; i++) {
		town_begin(t, i);
		ck_assert_int_eq(handshake_start(t->nodes[i].c, ip_of(0), 7000, 17000),
				 MEET_STARTED);
		town_end(t, i);
	}
	town_run(t, 5000);
	for (unsigned i = 0; i < t->count; i++) {
		ck_assert_uint_eq(t->nodes[i].c->node_count, t->count);
		for (unsigned j = 0; j < t->count; j++)
			ck_assert_uint_ne(town_index(t, i, j), NODE_NONE);
	}
}

void
town_found(struct town *t, unsigned primaries)
{
	ck_assert_uint_gt(primaries, 0);
	town_mesh(t);
	for (unsigned i = 0; i < primaries; i++) {
		struct effects *out = town_begin(t, i);
		for (unsigned slot = i * SLOT_COUNT / primaries;
		     slot < (i + 1) * SLOT_COUNT / primaries; slot++)
			slots_assign(t->nodes[i].c, (uint16_t)slot, 0, out);
		town_end(t, i);
	}
	for (unsigned i = primaries; i < t->count; i++) {
		struct effects *out = town_begin(t, i);
		ck_assert_int_eq(
			role_replicate(t->nodes[i].c, town_index(t, i, i % primaries), out),
			REPLICATE_ALLOWED);
		town_end(t, i);
	}
	town_run(t, 5000);
	for (unsigned i = 0; i < t->count; i++) {
		ck_assert(t->nodes[i].c->health.ok);
		ck_assert_uint_eq(t->nodes[i].c->voter_count, primaries);
		ck_assert_uint_eq(t->nodes[i].c->owned_count, SLOT_COUNT);
	}
}
