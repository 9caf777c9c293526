/* tests/fuzz/fuzz_stack.c - a whole stack under segments, raw frames, user calls and the passing of time.
 *
 * Input is a program: each step takes an opcode byte and its operands. Segments are built with right checksums and with sequence numbers near what
 * the connection expects, so that the fuzzer reaches states behind the handshake; raw frames go in as they are.
 * Checked after every step: stack_check(). At the end: every mbuf is back.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "app/net/chunk.h"
#include "app/net/stack.h"
#include "app/net/stack_internal.h"
#include "proto/base/assert.h"
#include "tests/fuzz/target.h"

#define OUR_ADDRESS  0x0a4d0002u
#define PEER_ADDRESS 0x0a4d0001u
#define PORT         6379
#define PEER_PORTS   4
#define STEPS_MAX    400

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct rte_mempool *pool;

struct input {
	const uint8_t *at;
	size_t len;
};

static uint32_t
take(struct input *in, unsigned bytes)
{
	uint32_t value = 0;
	while (bytes-- > 0 && in->len > 0) {
		value = value << 8 | *in->at++;
		in->len--;
	}
	return value;
}

int /* NOLINTNEXTLINE(readability-non-const-parameter): libFuzzer's signature */
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *eal[] = {
		"fuzz",           "--no-huge",   "-m",    "64", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level", "error", "-l", "0",        NULL};
	(void)argc;
	(void)argv;
	if (rte_eal_init(11, eal) < 0)
		abort();
	pool = rte_pktmbuf_pool_create("fuzz", 2047, 0, CHUNK_PRIVATE_SIZE,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

static struct stack *
open_stack(void)
{
	struct stack_config config = {
		.host = {.mac = {{2, 0, 0, 0, 0, 2}},
			 .address = OUR_ADDRESS,
			 .netmask = 0xffffff00u},
		.mtu = 1500,
		.pool = pool,
		.control = pool,
		.conn_max = 8,
		.time_wait_max = 4,
		.secret = {1,                           2                   },
		.socket_id = SOCKET_ID_ANY,
	};
	tcp_config_defaults(&config.tcp, config.mtu);
	struct stack *stack = stack_create("fuzz", &config);
	ASSERT(stack != NULL && stack_listen(stack, PORT, NULL));
	return stack;
}

static void
feed(struct stack *stack, const uint8_t *frame, uint16_t len, uint64_t now_us)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	if (m == NULL)
		return;
	memcpy(rte_pktmbuf_append(m, len), frame, len);
	stack_input(stack, &m, 1, now_us);
}

static struct conn *
conn_of(struct stack *stack, uint16_t peer_port)
{
	for (uint32_t i = 0; i < stack->config.conn_max; i++) {
		struct conn *conn = &stack->conns[i];
		if ((conn->flags & (CONN_IN_USE | CONN_ENDED)) == CONN_IN_USE &&
		    conn->head.remote_port == peer_port)
			return conn;
	}
	return NULL;
}

static void
segment(struct stack *stack, struct input *in, uint64_t now_us)
{
	uint8_t frame[256] = {0};
	uint16_t port = (uint16_t)(1000 + take(in, 1) % PEER_PORTS);
	struct conn *conn = conn_of(stack, port);
	struct packet_flow flow = {.source_mac = {{2, 0, 0, 0, 0, 1}},
				   .destination_mac = {{2, 0, 0, 0, 0, 2}},
				   .source = PEER_ADDRESS,
				   .destination = OUR_ADDRESS,
				   .source_port = port,
				   .destination_port = PORT,
				   .ttl = 64};
	struct tcp_segment s = {.flags = (uint8_t)take(in, 1), .window = (uint16_t)take(in, 2)};
	s.options.wscale = TCP_WSCALE_ABSENT;
	int16_t seq_delta = (int16_t)take(in, 2), ack_delta = (int16_t)take(in, 2);
	s.seq = (conn != NULL ? conn->tcp.rcv_nxt : 0xfffffff0u) + (uint32_t)(int32_t)seq_delta;
	s.ack = (conn != NULL ? conn->tcp.snd_nxt : 0) + (uint32_t)(int32_t)ack_delta;
	s.payload_len = (uint16_t)(take(in, 1) % 100);
	if (s.flags & TCP_SYN) {
		s.options.mss = (uint16_t)take(in, 2);
		s.options.wscale = (uint8_t)(take(in, 1) % 16);
	}
	uint16_t size = packet_tcp_headers_size(&s.options);
	packet_tcp_headers(frame, &flow, &s, false);
	packet_tcp_checksum(frame + 34, (uint16_t)(size - 34 + s.payload_len), flow.source,
			    flow.destination);
	feed(stack, frame, (uint16_t)(size + s.payload_len), now_us);
}

static void
raw(struct stack *stack, struct input *in, uint64_t now_us)
{
	uint8_t frame[300];
	uint16_t len = (uint16_t)(take(in, 1) + 14);
	memset(frame, 0, sizeof(frame));
	if (len > in->len)
		len = (uint16_t)in->len;
	memcpy(frame, in->at, len);
	take(in, 0);
	in->at += len;
	in->len -= len;
	if (len > 0)
		feed(stack, frame, len, now_us);
}

/* The user: reads everything, writes, closes or goes away, as the program says. */
static void
use(struct stack *stack, struct input *in, uint64_t now_us)
{
	uint32_t what = take(in, 1);
	struct conn *conn;
	uint8_t *at, *end;
	while ((conn = stack_next_ready(stack)) != NULL) {
		uint8_t events = conn_head(conn)->events;
		conn_head(conn)->events = 0;
		conn_consume(conn, conn_unread(conn));
		if (events & CONN_END) {
			conn_release(conn, now_us);
			continue;
		}
		if ((what & 1) && conn_room(conn, 100, &at, &end)) {
			memset(at, 'x', 100);
			conn_commit(conn, at + 100);
		}
		if (what & 2)
			conn_close(conn, now_us);
		if (what & 4)
			conn_abort(conn);
		if (what & 8)
			conn_release(conn, now_us);
	}
}

static void
drain(struct stack *stack, uint64_t now_us)
{
	struct rte_mbuf *out[32];
	uint16_t n;
	do {
		n = stack_output(stack, out, 32, now_us);
		for (uint16_t i = 0; i < n; i++)
			rte_pktmbuf_free(out[i]);
	} while (n == 32);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};
	struct input in = {data, size};
	uint64_t now_us = 1000000;
	unsigned baseline = rte_mempool_avail_count(pool);
	struct stack *stack = open_stack();
	arp_add_static(&stack->arp, PEER_ADDRESS, peer_mac);
	for (unsigned step = 0; in.len > 0 && step < STEPS_MAX; step++) {
		switch (take(&in, 1) % 8) {
		case 0:
			raw(stack, &in, now_us);
			break;
		case 1:
			now_us += (uint64_t)take(&in, 2) * 1000;
			stack_tick(stack, now_us);
			break;
		case 2:
			use(stack, &in, now_us);
			break;
		case 3:
			drain(stack, now_us);
			break;
		default:
			segment(stack, &in, now_us);
			drain(stack, now_us);
		}
		stack_check(stack);
	}
	stack_destroy(stack);
	ASSERT(rte_mempool_avail_count(pool) == baseline);
	return 0;
}
