/* app/bench/lcore.c - the loop. Connections are opened a few per turn, so that the server's accept path is not flooded. */
#include "app/bench/lcore.h"

#include <string.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "proto/base/bytes.h"

#define BURST             32
#define BURSTS_PER_TURN   16 /* twice the ring of scripts/bench */
#define CONNECTS_PER_TURN 8
#define CONNECTS_AHEAD    256 /* asked for and not answered */
#define CLOSE_US          500000

/* Offsets in a frame, from its first byte. */
#define ETHER_TYPE       12
#define ETHER_TYPE_ARP   0x0806
#define IPV4_DESTINATION 30
#define ARP_TARGET       38

/* The stack whose address a frame is for; what is for nobody is the first one's to drop. */
static uint32_t
addressee(const struct bench_lcore *b, const struct rte_mbuf *m)
{
	const struct bench_options *o = b->load->options;
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	if (m->data_len < IPV4_DESTINATION + 8)
		return 0;
	uint16_t ether_type = load_be16(frame + ETHER_TYPE);
	uint32_t address =
		load_be32(frame + (ether_type == ETHER_TYPE_ARP ? ARP_TARGET : IPV4_DESTINATION));
	return address - o->ip < o->addresses ? address - o->ip : 0;
}

/* A whole ring in one turn: while we send, the server answers, and what its ring has no room for is lost. */
static void
receive(struct bench_lcore *b, uint64_t now_us)
{
	struct rte_mbuf *frames[BURST];
	uint32_t stacks = b->load->options->addresses;
	uint16_t n = BURST;
	for (unsigned burst = 0; burst < BURSTS_PER_TURN && n == BURST; burst++) {
		n = port_rx(b->port, 0, frames, BURST);
		if (n > 0 && !b->flood.has_mac)
			flood_learn(&b->flood, frames[0]);
		if (stacks == 1 && n > 0)
			stack_input(b->stacks[0], frames, n, now_us);
		for (uint16_t i = 0; i < n && stacks > 1; i++)
			stack_input(b->stacks[addressee(b, frames[i])], &frames[i], 1, now_us);
	}
	for (uint32_t i = 0; i < stacks; i++)
		stack_tick(b->stacks[i], now_us);
}

static void
transmit(struct bench_lcore *b, uint64_t now_us)
{
	struct rte_mbuf *frames[BURST];
	uint16_t n;
	if (port_has_backlog(
		    b->port,
		    0)) { /* the server's ring is full: what we lost now would cost it a timeout */
		port_tx(b->port, 0, NULL, 0);
		return;
	}
	for (uint32_t i = 0; i < b->load->options->addresses; i++)
		do {
			n = stack_output(b->stacks[i], frames, BURST, now_us);
			port_tx(b->port, 0, frames, n);
		} while (n == BURST && !port_has_backlog(b->port, 0));
	if (b->load->phase == LOAD_WARM || b->load->phase == LOAD_MEASURE) {
		n = flood_output(&b->flood, frames, BURST, now_us);
		if (n > 0)
			port_tx(b->port, 0, frames, n);
		b->load->flooded += b->load->phase == LOAD_MEASURE ? n : 0;
	}
}

static struct conn *
next_ready(struct bench_lcore *b)
{
	struct conn *conn = NULL;
	for (uint32_t i = 0; i < b->load->options->addresses && conn == NULL; i++)
		conn = stack_next_ready(b->stacks[i]);
	return conn;
}

static void
open_some(struct bench_lcore *b, uint64_t now_us)
{
	const struct bench_options *o = b->load->options;
	for (unsigned i = 0; i < CONNECTS_PER_TURN && b->opened < o->connections; i++) {
		if (b->opened >= b->load->connected + CONNECTS_AHEAD)
			return;
		void *number = (void *)(uintptr_t)b->opened;
		struct stack *stack = b->stacks[b->opened % o->addresses];
		b->conns[b->opened] = stack_connect(stack, o->server, o->port, number, now_us);
		if (b->conns[b->opened] == NULL) {
			load_lost(b->load, "no memory or no port for another connection");
			return;
		}
		b->opened++;
	}
}

/* ---- requests ---- */

/* Bytes to the end of the send queue, across chunks: they leave without a copy only if every chunk is full. */
static bool
append(struct conn *conn, const uint8_t *from, size_t len)
{
	uint8_t *at, *end;
	while (len > 0) {
		if (!conn_room(conn, 1, &at, &end))
			return false;
		size_t n = (size_t)(end - at) < len ? (size_t)(end - at) : len;
		memcpy(at, from, n);
		conn_commit(conn, at + n);
		from += n;
		len -= n;
	}
	return true;
}

static bool
send_requests(struct bench_lcore *b, uint32_t c, uint32_t count, uint64_t now)
{
	struct conn *conn = b->conns[c];
	uint32_t request_max = b->load->workload.request_max;
	uint8_t *at, *end;
	while (count > 0) {
		if (!conn_room(conn, 1, &at, &end))
			return false;
		for (; count > 0 && (size_t)(end - at) >= request_max; count--)
			at += load_render(b->load, c, now, at);
		conn_commit(conn, at);
		if (count == 0)
			return true;
		count--;
		if (!append(conn, b->scratch, load_render(b->load, c, now, b->scratch)))
			return false;
	}
	return true;
}

static void
send_due(struct bench_lcore *b, uint64_t now)
{
	uint32_t c, count;
	while ((count = load_next(b->load, now, &c)) > 0)
		if (!send_requests(b, c, count, now)) {
			load_lost(b->load,
				  "out of mbufs: give EAL more memory, or ask for less at once");
			return;
		}
}

/* ---- replies ---- */

static void
on_news(struct bench_lcore *b, struct conn *conn, uint64_t now)
{
	struct conn_head *head = conn_head(conn);
	uint8_t events = head->events;
	uint32_t c = (uint32_t)(uintptr_t)head->user;
	head->events = 0;
	if (events & CONN_CONNECTED)
		load_connected(b->load, now);
	if (events & CONN_READABLE) {
		struct span bytes;
		while ((bytes = conn_peek(conn)).len > 0) {
			load_take(b->load, c, bytes, now);
			conn_consume(conn, (uint32_t)bytes.len);
		}
	}
	if (events & CONN_PEER_DONE)
		load_lost(b->load, "the server closed a connection");
	if (events & CONN_END) {
		load_lost(b->load, head->end & (TCP_EVENT_RESET | TCP_EVENT_REFUSED)
					   ? "the server reset or refused a connection: does it "
					     "listen on this port?"
					   : "a connection ended");
		b->conns[c] = NULL;
		conn_release(conn, (uint64_t)clock_now_us(&b->clock));
	}
}

static void
turn(struct bench_lcore *b)
{
	struct conn *conn;
	uint64_t now_us = clock_now_us(&b->clock);
	receive(b, now_us);
	uint64_t now = rte_rdtsc();
	while ((conn = next_ready(b)) != NULL)
		on_news(b, conn, now);
	load_tick(b->load, now);
	if (b->load->phase == LOAD_CONNECT)
		open_some(b, now_us);
	else
		send_due(b, now);
	transmit(b, now_us);
}

static uint32_t
left(const struct bench_lcore *b)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->load->options->addresses; i++)
		count += stack_conn_count(b->stacks[i]);
	return count;
}

/* FIN to all, and a while for their answers. */
static void
close_all(struct bench_lcore *b)
{
	uint64_t now_us = clock_now_us(&b->clock), until_us = now_us + CLOSE_US;
	for (uint32_t i = 0; i < b->opened; i++) {
		if (b->conns[i] == NULL)
			continue;
		conn_close(b->conns[i], now_us);
		conn_release(b->conns[i], now_us);
	}
	while (left(b) > 0 && now_us < until_us) {
		now_us = clock_now_us(&b->clock);
		receive(b, now_us);
		transmit(b, now_us);
	}
	for (uint32_t i = 0; i < b->load->options->addresses; i++)
		stack_abort_all(b->stacks[i]);
	transmit(b, now_us);
	port_flush(b->port, 0);
}

int
bench_lcore_main(void *bench_lcore)
{
	struct bench_lcore *b = bench_lcore;
	for (uint32_t i = 0; i < b->load->options->addresses; i++)
		stack_announce(b->stacks[i]);
	while (!load_over(b->load))
		turn(b);
	load_tick(b->load, rte_rdtsc()); /* shows the end */
	close_all(b);
	return 0;
}
