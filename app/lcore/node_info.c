/* app/lcore/node_info.c - INFO's "# Dpdk" section: what the node knows and Redis has no field for.
 *
 * Every drop reason of the packet path is a line of its own, named as its enum value is (drop_<name>), so that a counter, a test
 * and an operator speak of the same thing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_cycles.h>
#include <rte_mempool.h>

#include "app/cmd/command.h"
#include "app/cmd/text.h"
#include "app/lcore/node.h"
#include "proto/inet/icmp.h"

/* What the lcores did, added up; the longest turn is the longest of any. */
struct lcore_sums {
	uint64_t turns, busy, idle, rx, tx, longest, calls, batches;
};

static double
share(uint64_t busy, uint64_t idle)
{
	return busy + idle > 0 ? (double)busy / (double)(busy + idle) : 0.0;
}

static const struct data_lcore *
member_of(const struct data_lcore *d, unsigned i)
{
	return d->server->group->members[i]->hooks.owner;
}

static void
add_lcore(struct lcore_sums *sum, const struct data_lcore *d)
{
	const struct data_counters *c = &d->counters;
	uint64_t longest = data_counter(&c->longest_turn_cycles);
	sum->turns += data_counter(&c->turns);
	sum->busy += data_counter(&c->busy_cycles);
	sum->idle += data_counter(&c->idle_cycles);
	sum->rx += data_counter(&c->rx_cycles);
	sum->tx += data_counter(&c->tx_cycles);
	sum->longest = longest > sum->longest ? longest : sum->longest;
	sum->calls += d->serve.counters.calls;
	sum->batches += d->serve.counters.batches;
}

static void
lcore_lines(struct text *l, const struct data_lcore *asked)
{
	struct lcore_sums s = {0};
	for (unsigned i = 0; i < asked->lcores; i++)
		add_lcore(&s, member_of(asked, i));
	text_add(l, "data_lcores:%u\r\ntsc_hz:%lu\r\nlcore_turns:%lu\r\n", asked->lcores,
		 rte_get_tsc_hz(), s.turns);
	text_add(l, "busy_cycles:%lu\r\nidle_cycles:%lu\r\nbusy_share:%.4f\r\n", s.busy, s.idle,
		 share(s.busy, s.idle));
	text_add(l, "rx_cycles:%lu\r\ntx_cycles:%lu\r\nlongest_turn_cycles:%lu\r\n", s.rx, s.tx,
		 s.longest);
	text_add(l, "calls:%lu\r\nbatches:%lu\r\n", s.calls, s.batches);
	for (unsigned i = 0; i < asked->lcores; i++) {
		const struct data_lcore *d = member_of(asked, i);
		text_add(l, "lcore%u:busy_share=%.4f,calls=%lu,connections=%u,clients=%lu\r\n", i,
			 share(data_counter(&d->counters.busy_cycles),
			       data_counter(&d->counters.idle_cycles)),
			 d->serve.counters.calls, stack_conn_count(d->stack),
			 d->server->session_count);
	}
}

void
stack_counters_add(struct stack_counters *sum, const struct stack_counters *more)
{
	/* All fields are counts. */
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

void
stack_drops_each(const struct stack_counters *s, stack_drop_teller *tell, void *to)
{
	char name[64];
	for (unsigned k = PACKET_DROP_SHORT; k < PACKET_KIND_COUNT; k++)
		tell(to, packet_kind_name((enum packet_kind)k), s->packet[k]);
	for (unsigned k = TCP_KEPT + 1; k < TCP_DROP_COUNT; k++) {
		snprintf(name, sizeof(name), "tcp_%s", tcp_drop_name((enum tcp_drop)k));
		tell(to, name, s->tcp[k]);
	}
}

static void
drop_line(void *text, const char *name, uint64_t count)
{
	text_add(text, "drop_%s:%lu\r\n", name, count);
}

static void
stack_lines(struct text *l, const struct data_lcore *asked)
{
	struct stack_counters sum = {0}, *s = &sum;
	unsigned connections = 0;
	for (unsigned i = 0; i < asked->lcores; i++) {
		stack_counters_add(&sum, stack_counters(member_of(asked, i)->stack));
		connections += stack_conn_count(member_of(asked, i)->stack);
	}
	text_add(l, "rx_packets:%lu\r\nrx_bytes:%lu\r\ntx_packets:%lu\r\ntx_bytes:%lu\r\n",
		 s->rx_packets, s->rx_bytes, s->tx_packets, s->tx_bytes);
	text_add(l, "connections:%u\r\naccepted:%lu\r\nconnected:%lu\r\ntimeouts:%lu\r\n",
		 connections, s->accepted, s->connected, s->timeouts);
	text_add(l, "retransmits:%lu\r\nresets_sent:%lu\r\nno_listener:%lu\r\nconn_full:%lu\r\n",
		 s->retransmits, s->resets_sent, s->no_listener, s->conn_full);
	text_add(l, "no_mbuf:%lu\r\narp_failed:%lu\r\narp_conflicts:%lu\r\n", s->no_mbuf,
		 s->arp_failed, s->arp_conflicts);
	text_add(l, "path_mtu:%lu\r\nresets_limited:%lu\r\n", s->path_mtu, s->resets_limited);
	text_add(l, "cookies_sent:%lu\r\ncookies_good:%lu\r\ncookies_bad:%lu\r\n", s->cookies_sent,
		 s->cookies_good, s->cookies_bad);
	stack_drops_each(s, drop_line, l);
	for (unsigned k = 0; k < ICMP_KIND_COUNT; k++)
		text_add(l, "icmp_%s:%lu\r\n", icmp_kind_name((enum icmp_kind)k), s->icmp[k]);
}

static void
pool_lines(struct text *l, const struct port *port)
{
	text_add(l, "data_mbufs:%u\r\ndata_mbufs_in_use:%u\r\n", port->data_pool->size,
		 rte_mempool_in_use_count(port->data_pool));
	text_add(l, "control_mbufs:%u\r\ncontrol_mbufs_in_use:%u\r\n", port->control_pool->size,
		 rte_mempool_in_use_count(port->control_pool));
}

static void
ring_lines(struct text *l, const struct data_lcore *asked)
{
	struct wire_counters sum = {0};
	uint64_t parcels = 0, mail_full = 0, barriers = 0;
	for (unsigned i = 0; i < asked->lcores; i++) {
		const struct data_lcore *d = member_of(asked, i);
		const struct wire_counters *c = &d->wire->at[d->index].counters;
		sum.handed_on += c->handed_on;
		sum.ring_full += c->ring_full;
		sum.outbox_full += c->outbox_full;
		parcels += d->serve.counters.parcels_sent;
		mail_full += d->serve.counters.mail_full;
		barriers += d->serve.counters.barriers;
	}
	text_add(l, "handed_on:%lu\r\ndrop_ring_full:%lu\r\ndrop_outbox_full:%lu\r\n",
		 sum.handed_on, sum.ring_full, sum.outbox_full);
	text_add(l, "parcels_sent:%lu\r\nmail_full:%lu\r\nbarriers:%lu\r\n", parcels, mail_full,
		 barriers);
}

static void
impair_lines(struct text *l, const char *direction, const struct impair *impair)
{
	if (impair == NULL)
		return;
	const struct impair_counters *c = impair_counters(impair);
	text_add(l, "impair_%s_frames:%lu\r\nimpair_%s_lost:%lu\r\n", direction, c->frames,
		 direction, c->lost);
	text_add(l, "impair_%s_duplicated:%lu\r\nimpair_%s_reordered:%lu\r\n", direction,
		 c->duplicated, direction, c->reordered);
	text_add(l, "impair_%s_corrupted:%lu\r\n", direction, c->corrupted);
}

/* One system call, on request only. Data lcores poll: what they burn says nothing about load, busy_share does. */
static void
cpu_lines(struct text *l)
{
	struct rusage self;
	if (getrusage(RUSAGE_SELF, &self) != 0)
		return;
	text_add(l, "used_cpu_sys:%ld.%06ld\r\nused_cpu_user:%ld.%06ld\r\n", self.ru_stime.tv_sec,
		 self.ru_stime.tv_usec, self.ru_utime.tv_sec, self.ru_utime.tv_usec);
	text_add(l, "used_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\n");
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
node_info(void *data_lcore, const char *section, char *at, size_t size)
{
	const struct data_lcore *d = data_lcore;
	struct text l = {.at = at, .size = size};
	if (strcmp(section, "cluster") == 0 && d->cluster != NULL)
		return cluster_node_info(d->cluster, at, size);
	if (strcmp(section, "replication") == 0 && d->serve.of.repl != NULL)
		return repl_info(&d->repl, at, size);
	if (strcmp(section, "persistence") == 0)
		return rdb_file_info(&d->repl, at, size);
	if (strcmp(section, "cpu") == 0)
		cpu_lines(&l);
	if (strcmp(section, "dpdk") != 0)
		return l.len;
	lcore_lines(&l, d);
	stack_lines(&l, d);
	ring_lines(&l, d);
	pool_lines(&l, d->wire->port);
	impair_lines(&l, "rx", d->rx_impair);
	impair_lines(&l, "tx", d->tx_impair);
	return l.len;
}
