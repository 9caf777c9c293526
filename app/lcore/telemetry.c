/* app/lcore/telemetry.c - /pollis/...: what dpdk-telemetry.py and exporters of DPDK read of a node, without a connection to it.
 *
 *     telemetry thread --reads--> counters (one writer each, words), the slot table (made to be read by others)
 *
 * The thread is DPDK's. It never waits for a lcore and no lcore for it: what it reads of different words need not be of one moment.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_telemetry.h>

#include "app/control/cluster_node.h"
#include "app/lcore/node.h"
#include "app/store/slot_table.h"

#define RANGES_MAX 128 /* of slots in one answer, which the telemetry socket cuts at 16 KB */

#define RANGE_TEXT 128 /* what a string in an array may have: RTE_TEL_MAX_STRING_LEN */

/* The library passes no owner to what it calls, so the node is kept here: the one exception to "a node is a struct". */
static _Atomic(struct node *) *
told_node(void)
{
	static _Atomic(struct node *) node;
	return &node;
}

static struct node *
the_node(void)
{
	return atomic_load_explicit(told_node(), memory_order_acquire);
}

static int
tell_info(const char *command, const char *params, struct rte_tel_data *out)
{
	const struct node *node = the_node();
	(void)command, (void)params;
	rte_tel_data_start_dict(out);
	if (node == NULL)
		return 0;
	rte_tel_data_add_dict_string(out, "version", POLLIS_VERSION);
	rte_tel_data_add_dict_u64(out, "process_id", (uint64_t)getpid());
	rte_tel_data_add_dict_u64(out, "port", node->config->port);
	rte_tel_data_add_dict_string(out, "mode", node->cluster != NULL ? "cluster" : "standalone");
	rte_tel_data_add_dict_u64(out, "data_lcores", node->data_count);
	rte_tel_data_add_dict_u64(out, "clients",
				  atomic_load_explicit(&node->clients, memory_order_relaxed));
	rte_tel_data_add_dict_u64(out, "uptime_seconds",
				  (clock_now_us(&node->clock) - node->started_us) / 1000000);
	rte_tel_data_add_dict_u64(out, "data_mbufs", node->port->data_pool->size);
	rte_tel_data_add_dict_u64(out, "data_mbufs_in_use",
				  rte_mempool_in_use_count(node->port->data_pool));
	rte_tel_data_add_dict_u64(out, "control_mbufs", node->port->control_pool->size);
	rte_tel_data_add_dict_u64(out, "control_mbufs_in_use",
				  rte_mempool_in_use_count(node->port->control_pool));
	return 0;
}

/* A dict for each data lcore, made by one. */
static int
tell_each(struct rte_tel_data *out,
	  void (*tell)(const struct node *, unsigned, struct rte_tel_data *))
{
	const struct node *node = the_node();
	char name[16];
	rte_tel_data_start_dict(out);
	for (unsigned i = 0; node != NULL && i < node->data_count; i++) {
		struct rte_tel_data *one = rte_tel_data_alloc();
		if (one == NULL)
			return -ENOMEM;
		rte_tel_data_start_dict(one);
		tell(node, i, one);
		snprintf(name, sizeof(name), "lcore%u", i);
		rte_tel_data_add_dict_container(out, name, one, 0);
	}
	return 0;
}

static void
lcore_dict(const struct node *node, unsigned i, struct rte_tel_data *out)
{
	const struct data_lcore *d = node->data[i];
	const struct data_counters *c = &d->counters;
	uint64_t busy = data_counter(&c->busy_cycles), idle = data_counter(&c->idle_cycles);
	uint64_t per_mille =
		busy + idle > 0 ? (uint64_t)((double)busy * 1000 / (double)(busy + idle)) : 0;
	rte_tel_data_add_dict_u64(out, "eal_lcore", node->data_lcore_ids[i]);
	rte_tel_data_add_dict_u64(out, "turns", data_counter(&c->turns));
	rte_tel_data_add_dict_u64(out, "busy_cycles", busy);
	rte_tel_data_add_dict_u64(out, "idle_cycles", idle);
	rte_tel_data_add_dict_u64(out, "busy_per_mille", per_mille);
	rte_tel_data_add_dict_u64(out, "longest_turn_us",
				  data_counter(&c->longest_turn_cycles) * 1000000 /
					  rte_get_tsc_hz());
	rte_tel_data_add_dict_u64(out, "calls", d->serve.counters.calls);
	rte_tel_data_add_dict_u64(out, "batches", d->serve.counters.batches);
	rte_tel_data_add_dict_u64(out, "parcels_sent", d->serve.counters.parcels_sent);
	rte_tel_data_add_dict_u64(out, "barriers", d->serve.counters.barriers);
	rte_tel_data_add_dict_u64(out, "mail_full", d->serve.counters.mail_full);
}

static int
tell_lcores(const char *command, const char *params, struct rte_tel_data *out)
{
	(void)command, (void)params;
	return tell_each(out, lcore_dict);
}

static void
connections_dict(const struct node *node, unsigned i, struct rte_tel_data *out)
{
	const struct stack *stack = node->data[i]->stack;
	const struct stack_counters *s = stack_counters(stack);
	rte_tel_data_add_dict_u64(out, "connections", stack_conn_count(stack));
	rte_tel_data_add_dict_u64(out, "accepted", s->accepted);
	rte_tel_data_add_dict_u64(out, "connected", s->connected);
	rte_tel_data_add_dict_u64(out, "timeouts", s->timeouts);
	rte_tel_data_add_dict_u64(out, "retransmits", s->retransmits);
	rte_tel_data_add_dict_u64(out, "resets_sent", s->resets_sent);
	rte_tel_data_add_dict_u64(out, "rx_packets", s->rx_packets);
	rte_tel_data_add_dict_u64(out, "rx_bytes", s->rx_bytes);
	rte_tel_data_add_dict_u64(out, "tx_packets", s->tx_packets);
	rte_tel_data_add_dict_u64(out, "tx_bytes", s->tx_bytes);
}

static int
tell_connections(const char *command, const char *params, struct rte_tel_data *out)
{
	(void)command, (void)params;
	return tell_each(out, connections_dict);
}

static void
drop_entry(void *out, const char *name, uint64_t count)
{
	rte_tel_data_add_dict_u64(out, name, count);
}

/* All lcores' stacks and the bus's, by the names that INFO's # Dpdk has. */
static int
tell_drops(const char *command, const char *params, struct rte_tel_data *out)
{
	const struct node *node = the_node();
	struct stack_counters s = {0};
	struct wire_counters wire = {0};
	(void)command, (void)params;
	rte_tel_data_start_dict(out);
	if (node == NULL)
		return 0;
	for (unsigned i = 0; i < node->data_count; i++)
		stack_counters_add(&s, stack_counters(node->data[i]->stack));
	if (node->control_stack != NULL)
		stack_counters_add(&s, stack_counters(node->control_stack));
	for (unsigned i = 0; i <= node->data_count; i++) {
		wire.ring_full += node->wire.at[i].counters.ring_full;
		wire.outbox_full += node->wire.at[i].counters.outbox_full;
	}
	stack_drops_each(&s, drop_entry, out);
	rte_tel_data_add_dict_u64(out, "no_listener", s.no_listener);
	rte_tel_data_add_dict_u64(out, "conn_full", s.conn_full);
	rte_tel_data_add_dict_u64(out, "no_mbuf", s.no_mbuf);
	rte_tel_data_add_dict_u64(out, "arp_failed", s.arp_failed);
	rte_tel_data_add_dict_u64(out, "ring_full", wire.ring_full);
	rte_tel_data_add_dict_u64(out, "outbox_full", wire.outbox_full);
	return 0;
}

static const char *
state_word(enum slot_state state)
{
	static const char *const words[] = {"unowned", "local", "remote", "migrating", "importing"};
	return (size_t)state < sizeof(words) / sizeof(words[0]) ? words[state] : "?";
}

static void
add_range(const struct slot_table *table, unsigned first, unsigned last, uint32_t word,
	  struct rte_tel_data *out)
{
	char text[RANGE_TEXT], endpoint[SLOT_ENDPOINT_MAX] = "-";
	enum slot_state state = slot_word_state(word);
	if (state != SLOT_UNOWNED && state != SLOT_LOCAL)
		slot_table_endpoint(table, slot_word_node(word), endpoint);
	snprintf(text, sizeof(text), "%u %u %s %.80s", first, last, state_word(state), endpoint);
	rte_tel_data_add_array_string(out, text);
}

/* "/pollis/slots,FIRST": ranges of equal words from FIRST on, RANGES_MAX at most; the caller asks again behind the last. The table is
 * read where any process may: in its named region. */
static int
tell_slots(const char *command, const char *params, struct rte_tel_data *out)
{
	const struct rte_memzone *zone = rte_memzone_lookup(SLOT_TABLE_ZONE);
	const struct slot_table *table =
		zone != NULL ? slot_table_attach(zone->addr, slot_table_size()) : NULL;
	unsigned long first = params != NULL ? strtoul(params, NULL, 10) : 0;
	unsigned count = 0;
	(void)command;
	rte_tel_data_start_array(out, RTE_TEL_STRING_VAL);
	while (table != NULL && first < SLOT_COUNT && count++ < RANGES_MAX) {
		uint32_t word = slot_table_get(table, (uint16_t)first);
		unsigned long end = first + 1;
		while (end < SLOT_COUNT && slot_table_get(table, (uint16_t)end) == word)
			end++;
		add_range(table, (unsigned)first, (unsigned)end - 1, word, out);
		first = end;
	}
	return 0;
}

static const struct {
	const char *command;
	telemetry_cb tell;
	const char *help;
} commands[] = {
	{"/pollis/info",        tell_info,        "The node: version, mode, clients, pools. No parameters"    },
	{"/pollis/lcores",      tell_lcores,
	 "Each data lcore: busy share, turns, calls, mail. No parameters"                                     },
	{"/pollis/connections", tell_connections,
	 "Each data lcore's connections, packets, retransmits. No parameters"                                 },
	{"/pollis/drops",       tell_drops,       "Packets dropped, by reason, over all lcores. No parameters"},
	{"/pollis/slots",       tell_slots,
	 "Slot ownership: first last state endpoint. Parameters: int first"                                   },
};

int
telemetry_open(struct node *node)
{
	int rc = 0;
	atomic_store_explicit(told_node(), node, memory_order_release);
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]) && rc == 0; i++)
		rc = rte_telemetry_register_cmd(commands[i].command, commands[i].tell,
						commands[i].help);
	return rc;
}

void
telemetry_close(void)
{
	/* EAL ends the thread in rte_eal_cleanup(), after the node: an answer that is being made now is short. */
	atomic_store_explicit(told_node(), NULL, memory_order_release);
	rte_delay_us_sleep(1000);
}
