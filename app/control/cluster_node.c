/* app/control/cluster_node.c - steps: facts are gathered, an event goes in, effects.c carries out what comes.
 *
 * A step that a frame causes does not know how many keys each slot holds: asking the data lcores takes a turn, and an answer must not
 * wait for it. It is told that every slot may hold some, so that every slot that is lost is emptied; emptying an empty one is
 * cheap. Commands that refuse to act on slots with keys get true counts.
 */
#include "app/control/cluster_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memzone.h>

#include "app/control/cluster_node_state.h"
#include "app/env/clock.h"
#include "app/env/log.h"
#include "proto/base/assert.h"
#include "proto/resp/writer.h"

#define MORE_MAX 64 /* steps that one event may take when effects run out of room */

static const uint32_t *
maybe_keys(void)
{
	static const uint32_t some[SLOT_COUNT] = {[0 ... SLOT_COUNT - 1] = 1};
	return some;
}

/* ---- steps ---- */

uint64_t
cluster_node_offset(const struct cluster_node *node)
{
	return repl_facts_offset(node->of.facts, node_is_replica(&node->cluster->nodes[0]),
				 node->of.hooks.stream_end(node->of.hooks.owner));
}

static void
gather(const struct cluster_node *node, struct cluster_facts *facts)
{
	const struct repl_facts *r = node->of.facts;
	*facts = (struct cluster_facts){
		.now_ms = node->now_ms,
		.unix_ms = clock_unix_ms(node->of.clock, node->now_us),
		.offset = cluster_node_offset(node),
		.primary_link_up = atomic_load_explicit(&r->link_up, memory_order_acquire) &&
				   atomic_load_explicit(&r->synced, memory_order_acquire),
		.primary_link_ms =
			atomic_load_explicit(&r->link_at_us, memory_order_acquire) / 1000,
		.writes_paused =
			node->pause_until_ms != 0 && node->fence_answered >= node->pause_fence,
		.data_alive = node->data_alive,
		.slot_keys = maybe_keys(),
	};
}

static void
step(struct cluster_node *node, const struct cluster_event *event)
{
	static const struct cluster_event tick = {.kind = CLUSTER_TICK};
	struct cluster_facts facts;
	uint64_t started = clock_now_us(node->of.clock);
	cluster_settings(node->of.config, cluster_config(node->cluster));
	for (int i = 0; i < MORE_MAX; i++) {
		gather(node, &facts);
		cluster_step(node->cluster, event, &facts, node->effects);
		effects_run(node, &facts);
		counter_add(&node->counters.steps, 1);
		if (!node->effects->more)
			break;
		event = &tick;
	}
	counter_raise(&node->counters.longest_step_us, clock_now_us(node->of.clock) - started);
}

static void
on_link_event(void *owner, const struct cluster_event *event)
{
	step(owner, event);
}

static bool
is_known(void *owner, bus_link link)
{
	const struct cluster_node *node = owner;
	return view_by_link(node->cluster, link) != NODE_NONE;
}

static void
persisted(struct cluster_node *node, uint64_t number)
{
	struct cluster_event event = {.kind = CLUSTER_PERSISTED, .number = number};
	effects_release(node, number);
	step(node, &event);
}

static void
watch_data(struct cluster_node *node)
{
	bool alive = node->of.hooks.data_alive(node->of.hooks.owner, node->now_ms);
	if (alive == node->data_alive)
		return;
	node->data_alive = alive;
	if (alive) {
		log_warning("The data lcores turn again: heartbeats go on");
		return;
	}
	counter_add(&node->counters.stopped_data, 1);
	log_warning("A data lcore has not turned for longer than cluster-node-timeout: no more "
		    "heartbeats, so that a replica can take over");
}

void
cluster_node_turn(struct cluster_node *node, uint64_t now_us)
{
	static const struct cluster_event tick = {.kind = CLUSTER_TICK};
	node->now_us = now_us;
	node->now_ms = now_us / 1000;
	if (!node->begun)
		effects_begin(node);
	node->begun = true;
	watch_data(node);
	bus_ready(node->bus, now_us);
	uint64_t number = save_turn(node);
	if (number != 0)
		persisted(node, number);
	bool paused = node->pause_until_ms != 0 && !node->paused_seen &&
		      node->fence_answered >= node->pause_fence;
	node->paused_seen = node->paused_seen || paused;
	if (paused || node->now_ms >= cluster_next_at(node->cluster))
		step(node, &tick);
	bus_ready(node->bus, now_us); /* what the steps made fail */
}

void
cluster_node_turned(struct cluster_node *node, uint64_t took_us)
{
	counter_raise(&node->counters.longest_turn_us, took_us);
}

uint64_t
cluster_node_next_at(const struct cluster_node *node)
{
	uint64_t at_ms = cluster_next_at(node->cluster);
	if (node->save.retry_at_ms != 0 && node->save.retry_at_ms < at_ms)
		at_ms = node->save.retry_at_ms;
	return at_ms * 1000;
}

bool
cluster_node_waiting(const struct cluster_node *node)
{
	return disk_waiting(node->disk);
}

void
cluster_node_fenced(struct cluster_node *node, uint64_t number)
{
	ASSERT(number <= node->fence_asked);
	if (number > node->fence_answered)
		node->fence_answered = number;
}

/* ---- commands ---- */

static bool
word_in(struct span word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (word.len == strlen(list[i]) &&
		    strncasecmp((const char *)word.at, list[i], word.len) == 0)
			return true;
	return false;
}

bool
cluster_node_wants_keys(const struct span *argv, uint32_t argc)
{
	static const char *const words[] = {"setslot", "replicate", "reset", "flushslots"};
	return argc > 1 && word_in(argv[1], words, sizeof(words) / sizeof(words[0]));
}

static bool
only_reads(const struct span *argv, uint32_t argc)
{
	static const char *const words[] = {
		"info",     "nodes",  "slots", "shards",    "links",    "myid",
		"replicas", "slaves", "help",  "myshardid", "failover", "count-failure-reports"};
	return argc < 2 || word_in(argv[1], words, sizeof(words) / sizeof(words[0]));
}

uint64_t
cluster_node_command(struct cluster_node *node, const struct span *argv, uint32_t argc,
		     const uint32_t *slot_keys, struct resp_writer *w)
{
	struct cluster_facts facts;
	const struct cluster *c = node->cluster;
	cluster_settings(node->of.config, cluster_config(node->cluster));
	gather(node, &facts);
	if (slot_keys != NULL)
		facts.slot_keys = slot_keys;
	cluster_command(node->cluster, argv, argc, &facts, w, node->effects);
	effects_run(node, &facts);
	if (only_reads(argv, argc))
		return 0;
	/* The save that holds all that is decided by now (persist.h). */
	return c->save_wanted ? c->live_number + 1 : c->live_number;
}

uint64_t
cluster_node_durable(const struct cluster_node *node)
{
	return node->cluster->durable_number;
}

/* ---- life ---- */

static bool
create_slots(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX])
{
	node->slots_zone = rte_memzone_reserve_aligned(SLOT_TABLE_ZONE, slot_table_size(),
						       SOCKET_ID_ANY, 0, RTE_CACHE_LINE_SIZE);
	if (node->slots_zone != NULL)
		node->slots = slot_table_format(node->slots_zone->addr, slot_table_size());
	if (node->slots == NULL)
		snprintf(error, CLUSTER_NODE_ERROR_MAX, "no memory for the slot table: %s",
			 rte_strerror(rte_errno));
	return node->slots != NULL;
}

static bool
create_parts(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX])
{
	const struct cluster_node_options *of = &node->of;
	uint32_t nodes_max = of->config->cluster_nodes_max;
	struct cluster_config settings;
	struct bus_options bus = {
		.stack = of->stack,
		.allocator = &node->allocator,
		.address = of->config->ip,
		.nodes_max = nodes_max,
		.on_event = on_link_event,
		.is_known = is_known,
		.owner = node,
	};
	snprintf(error, CLUSTER_NODE_ERROR_MAX,
		 "no memory for %u nodes: lower cluster-nodes-max or give EAL more (-m)",
		 nodes_max);
	void *mem = rte_zmalloc("cluster", cluster_size(nodes_max), RTE_CACHE_LINE_SIZE);
	node->effects = rte_zmalloc("effects", sizeof(*node->effects), RTE_CACHE_LINE_SIZE);
	if (mem == NULL || node->effects == NULL) {
		rte_free(mem);
		return false;
	}
	cluster_settings(of->config, &settings);
	node->cluster = cluster_format(mem, nodes_max, &settings, of->seed, of->now_us / 1000);
	node->bus = bus_create(&bus);
	return node->bus != NULL && create_slots(node, error) && save_open(node, error);
}

struct cluster_node *
cluster_node_create(const struct cluster_node_options *options, char error[CLUSTER_NODE_ERROR_MAX])
{
	struct cluster_node *node = rte_zmalloc("cluster node", sizeof(*node), RTE_CACHE_LINE_SIZE);
	if (node == NULL) {
		snprintf(error, CLUSTER_NODE_ERROR_MAX, "no memory: give EAL more (-m)");
		return NULL;
	}
	node->of = *options;
	node->now_us = options->now_us;
	node->now_ms = options->now_us / 1000;
	node->data_alive = true;
	node->save.job.lock_fd = -1;
	allocator_init_libc(&node->allocator);
	gate_init(&node->gate, &node->allocator);
	if (create_parts(node, error))
		return node;
	cluster_node_destroy(node);
	return NULL;
}

void
cluster_node_destroy(struct cluster_node *node)
{
	if (node == NULL)
		return;
	save_close(node);
	gate_close(&node->gate);
	bus_destroy(node->bus);
	rte_free(node->cluster);
	rte_free(node->effects);
	rte_memzone_free(node->slots_zone);
	rte_free(node);
}

const struct slot_table *
cluster_node_slots(const struct cluster_node *node)
{
	return node->slots;
}

struct slot_table *
cluster_node_slots_writable(struct cluster_node *node)
{
	return node->slots;
}

/* ---- INFO ---- */

struct lines {
	char *at;
	size_t size, len;
};

static void
line(struct lines *l, const char *prefix, const char *name, const _Atomic uint64_t *counter)
{
	size_t room = l->size - l->len;
	int n = snprintf(l->at + l->len, room, "%s%s:%lu\r\n", prefix, name,
			 atomic_load_explicit(counter, memory_order_relaxed));
	if (n > 0 && (size_t)n < room) /* a line that does not fit is left out whole */
		l->len += (size_t)n;
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
cluster_node_info(const struct cluster_node *node, char *at, size_t size)
{
	struct lines l = {.at = at, .size = size};
	const struct cluster_node_counters *c = &node->counters;
	const struct bus_counters *b = bus_counters(node->bus);
	line(&l, "", "cluster_steps", &c->steps);
	line(&l, "", "cluster_longest_step_us", &c->longest_step_us);
	line(&l, "", "control_longest_turn_us", &c->longest_turn_us);
	line(&l, "", "cluster_saves", &c->saves);
	line(&l, "", "cluster_saves_failed", &c->saves_failed);
	line(&l, "", "cluster_fences", &c->fences);
	line(&l, "", "cluster_frames_not_held", &c->gate_refused);
	line(&l, "", "cluster_data_stopped", &c->stopped_data);
	for (unsigned i = 0; i < TRACE_COUNT; i++)
		line(&l, "cluster_", cluster_trace_name((enum cluster_trace)i), &c->traced[i]);
	for (unsigned i = 1; i < MESSAGE_REFUSAL_COUNT; i++)
		line(&l, "cluster_refused_", message_refusal_name((enum message_refusal)i),
		     &c->refused[i]);
	for (unsigned i = 1; i < BALLOT_COUNT; i++)
		line(&l, "cluster_ballot_", ballot_name((enum ballot)i), &c->ballots[i]);
	line(&l, "", "bus_links", &b->links);
	line(&l, "", "bus_accepted", &b->accepted);
	line(&l, "", "bus_connected", &b->connected);
	line(&l, "", "bus_refused_full", &b->refused_full);
	line(&l, "", "bus_frames_sent", &b->frames_sent);
	line(&l, "", "bus_bytes_sent", &b->bytes_sent);
	line(&l, "", "bus_send_forgotten", &b->send_forgotten);
	for (unsigned i = 0; i < BUS_STATUS_COUNT; i++)
		line(&l, "bus_frames_", bus_status_name((enum bus_status)i), &b->frames[i]);
	for (unsigned i = 0; i < BUS_END_COUNT; i++)
		line(&l, "bus_end_", bus_end_name((enum bus_end)i), &b->ended[i]);
	return l.len;
}
