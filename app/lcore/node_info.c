/* app/lcore/node_info.c - INFO's "# Dpdk" section: what the node knows and Redis has no field for.
 *
 * Every drop reason of the packet path is a line of its own, named as its enum value is (drop_<name>), so that a counter, a test
 * and an operator speak of the same thing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_cycles.h>
#include <rte_mempool.h>

#include "app/lcore/node.h"
#include "proto/inet/icmp.h"

struct lines {
	char *at;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) line(struct lines *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	size_t room = l->size - l->len;
	int n = vsnprintf(l->at + l->len, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room) /* a line that does not fit is left out whole */
		l->len += (size_t)n;
}

static uint64_t
read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
lcore_lines(struct lines *l, const struct data_lcore *d)
{
	const struct data_counters *c = &d->counters;
	uint64_t busy = read_counter(&c->busy_cycles), idle = read_counter(&c->idle_cycles);
	line(l, "data_lcores:1\r\ntsc_hz:%lu\r\n", rte_get_tsc_hz());
	line(l, "lcore_turns:%lu\r\n", read_counter(&c->turns));
	line(l, "busy_cycles:%lu\r\nidle_cycles:%lu\r\n", busy, idle);
	line(l, "busy_share:%.4f\r\n",
	     busy + idle > 0 ? (double)busy / (double)(busy + idle) : 0.0);
	line(l, "rx_cycles:%lu\r\ntx_cycles:%lu\r\n", read_counter(&c->rx_cycles),
	     read_counter(&c->tx_cycles));
	line(l, "longest_turn_cycles:%lu\r\n", read_counter(&c->longest_turn_cycles));
	line(l, "calls:%lu\r\nbatches:%lu\r\n", d->serve.counters.calls, d->serve.counters.batches);
}

static void
drop_lines(struct lines *l, const struct stack_counters *s)
{
	for (unsigned k = PACKET_DROP_SHORT; k < PACKET_KIND_COUNT; k++)
		line(l, "drop_%s:%lu\r\n", packet_kind_name((enum packet_kind)k), s->packet[k]);
	for (unsigned k = TCP_KEPT + 1; k < TCP_DROP_COUNT; k++)
		line(l, "drop_tcp_%s:%lu\r\n", tcp_drop_name((enum tcp_drop)k), s->tcp[k]);
	for (unsigned k = 0; k < ICMP_KIND_COUNT; k++)
		line(l, "icmp_%s:%lu\r\n", icmp_kind_name((enum icmp_kind)k), s->icmp[k]);
}

static void
stack_lines(struct lines *l, const struct stack *stack)
{
	const struct stack_counters *s = stack_counters(stack);
	line(l, "rx_packets:%lu\r\nrx_bytes:%lu\r\ntx_packets:%lu\r\ntx_bytes:%lu\r\n",
	     s->rx_packets, s->rx_bytes, s->tx_packets, s->tx_bytes);
	line(l, "connections:%u\r\naccepted:%lu\r\nconnected:%lu\r\ntimeouts:%lu\r\n",
	     stack_conn_count(stack), s->accepted, s->connected, s->timeouts);
	line(l, "retransmits:%lu\r\nresets_sent:%lu\r\nno_listener:%lu\r\nconn_full:%lu\r\n",
	     s->retransmits, s->resets_sent, s->no_listener, s->conn_full);
	line(l, "no_mbuf:%lu\r\narp_failed:%lu\r\narp_conflicts:%lu\r\n", s->no_mbuf, s->arp_failed,
	     s->arp_conflicts);
	drop_lines(l, s);
}

static void
pool_lines(struct lines *l, const struct port *port)
{
	line(l, "data_mbufs:%u\r\ndata_mbufs_in_use:%u\r\n", port->data_pool->size,
	     rte_mempool_in_use_count(port->data_pool));
	line(l, "control_mbufs:%u\r\ncontrol_mbufs_in_use:%u\r\n", port->control_pool->size,
	     rte_mempool_in_use_count(port->control_pool));
}

static void
impair_lines(struct lines *l, const char *direction, const struct impair *impair)
{
	if (impair == NULL)
		return;
	const struct impair_counters *c = impair_counters(impair);
	line(l, "impair_%s_frames:%lu\r\nimpair_%s_lost:%lu\r\n", direction, c->frames, direction,
	     c->lost);
	line(l, "impair_%s_duplicated:%lu\r\nimpair_%s_reordered:%lu\r\n", direction, c->duplicated,
	     direction, c->reordered);
	line(l, "impair_%s_corrupted:%lu\r\n", direction, c->corrupted);
}

/* One system call, on request only. Data lcores poll: what they burn says nothing about load, busy_share does. */
static void
cpu_lines(struct lines *l)
{
	struct rusage self;
	if (getrusage(RUSAGE_SELF, &self) != 0)
		return;
	line(l, "used_cpu_sys:%ld.%06ld\r\nused_cpu_user:%ld.%06ld\r\n", self.ru_stime.tv_sec,
	     self.ru_stime.tv_usec, self.ru_utime.tv_sec, self.ru_utime.tv_usec);
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
node_info(void *data_lcore, const char *section, char *at, size_t size)
{
	const struct data_lcore *d = data_lcore;
	struct lines l = {.at = at, .size = size};
	if (strcmp(section, "cluster") == 0 && d->cluster != NULL)
		return cluster_node_info(d->cluster, at, size);
	if (strcmp(section, "replication") == 0 && d->repl.node != NULL)
		return repl_info(&d->repl, at, size);
	if (strcmp(section, "cpu") == 0)
		cpu_lines(&l);
	if (strcmp(section, "dpdk") != 0)
		return l.len;
	lcore_lines(&l, d);
	stack_lines(&l, d->stack);
	pool_lines(&l, d->wire->port);
	impair_lines(&l, "rx", d->rx_impair);
	impair_lines(&l, "tx", d->tx_impair);
	return l.len;
}
