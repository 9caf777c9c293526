/* tests/unit/app/net/test_flood.c - a stack under SYNs from everywhere (spec 6, 1 and 2): bounded memory, one answer each, and who means it
 * gets in.
 */
#include "tests/unit/app/net/eal.h"
#include "tests/unit/runner.h"

#include <string.h>

#include "app/net/stack_internal.h"

#define MBUFS     1023u
#define SYNS      1000u
#define HALF_OPEN 4u
#define OURS      0x0a4d0002u
#define PEERS     0x0a4d0100u
#define PORT      6379
#define NOW       70000000ull /* some ticks after the clock began */

static struct rte_mempool *pool;

static struct stack *
stack_new(void)
{
	struct stack_config config = {
		.host = {.mac = {{2, 0, 0, 0, 0, 2}}, .address = OURS, .netmask = 0xffff0000u},
		.mtu = 1500,
		.pool = pool,
		.control = pool,
		.conn_max = 16,
		.half_open_max = HALF_OPEN,
		.time_wait_max = 4,
		.secret = {1,                           2					 },
		.socket_id = SOCKET_ID_ANY,
	};
	tcp_config_defaults(&config.tcp, config.mtu);
	struct stack *stack = stack_create("flood", &config);
	ck_assert_ptr_nonnull(stack);
	ck_assert(stack_listen(stack, PORT, NULL));
	return stack;
}

/* A segment from peer number index, with payload. */
static void
send_segment(struct stack *stack, unsigned index, struct tcp_segment s, const char *payload,
	     uint64_t now_us)
{
	struct packet_flow flow = {.source_mac = {{2, 0, 0, 0, 1, 1}},
				   .destination_mac = {{2, 0, 0, 0, 0, 2}},
				   .source = PEERS + index,
				   .destination = OURS,
				   .source_port = 40000,
				   .destination_port = PORT,
				   .ttl = 64};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	ck_assert_ptr_nonnull(m);
	s.payload_len = (uint16_t)strlen(payload);
	uint16_t size = packet_tcp_headers_size(&s.options);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(size + s.payload_len));
	memcpy(at + size, payload, s.payload_len);
	packet_tcp_headers(at, &flow, &s, false);
	packet_tcp_checksum(at + 34, (uint16_t)(size + s.payload_len - 34), flow.source,
			    flow.destination);
	stack_input(stack, &m, 1, now_us);
}

/* Everything the stack sends; the TCP segment that went to peer number index, if any. */
static unsigned
collect(struct stack *stack, unsigned index, struct tcp_segment *found, uint64_t now_us)
{
	struct packet_host peer = {
		.mac = {{2, 0, 0, 0, 1, 1}}, .address = PEERS + index, .netmask = 0xffff0000u};
	struct rte_mbuf *out[32];
	unsigned segments = 0;
	uint16_t count;
	do {
		count = stack_output(stack, out, 32, now_us);
		for (uint16_t i = 0; i < count; i++) {
			struct packet packet;
			const uint8_t *frame = rte_pktmbuf_mtod(out[i], const uint8_t *);
			segments += frame[12] == 8 && frame[13] == 0;
			if (packet_parse(&peer, frame, out[i]->data_len, out[i]->pkt_len,
					 (struct packet_vouched){false, false},
					 &packet) == PACKET_TCP)
				*found = packet.segment;
			rte_pktmbuf_free(out[i]);
		}
	} while (count == 32);
	return segments;
}

static struct tcp_segment
syn(unsigned index)
{
	struct tcp_segment s = {.flags = TCP_SYN, .seq = index * 7919, .window = 60000};
	s.options = (struct tcp_options){.mss = 1460,
					 .wscale = 7,
					 .sack_permitted = true,
					 .has_timestamp = true,
					 .ts_value = 9};
	return s;
}

static struct tcp_segment
ack_of(const struct tcp_segment *answer)
{
	struct tcp_segment s = {
		.flags = TCP_ACK, .seq = answer->ack, .ack = answer->seq + 1, .window = 100};
	s.options = (struct tcp_options){.wscale = TCP_WSCALE_ABSENT,
					 .has_timestamp = true,
					 .ts_value = 10,
					 .ts_echo = answer->options.ts_value};
	return s;
}

START_TEST(a_flood_holds_no_memory_and_each_syn_draws_one_answer)
{
	unsigned idle = rte_mempool_avail_count(pool);
	struct stack *stack = stack_new();
	struct tcp_segment answer;
	unsigned answers = 0;
	for (unsigned i = 0; i < SYNS; i++) {
		send_segment(stack, i, syn(i), "", NOW);
		answers += collect(stack, i, &answer, NOW);
		stack_check(stack);
	}
	ck_assert_uint_eq(stack_conn_count(stack), HALF_OPEN);
	ck_assert_uint_eq(stack_counters(stack)->cookies_sent, SYNS - HALF_OPEN);
	ck_assert_uint_le(answers, SYNS);
	ck_assert_uint_ge(rte_mempool_avail_count(pool), idle - 4 * HALF_OPEN);
	stack_destroy(stack);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), idle);
}
END_TEST

START_TEST(who_answers_a_cookie_is_connected_with_all_options)
{
	struct stack *stack = stack_new();
	struct tcp_segment answer = {0}, reply = {0};
	for (unsigned i = 0; i <= HALF_OPEN; i++) {
		send_segment(stack, i, syn(i), "", NOW);
		collect(stack, i, &answer, NOW);
	}
	ck_assert_uint_eq(answer.flags, TCP_SYN | TCP_ACK);
	ck_assert(answer.options.sack_permitted && answer.options.wscale != TCP_WSCALE_ABSENT);
	send_segment(stack, HALF_OPEN, ack_of(&answer), "PING", NOW + 1000);
	ck_assert_uint_eq(stack_counters(stack)->cookies_good, 1);
	ck_assert_uint_eq(stack_counters(stack)->accepted, 1);
	struct conn *conn = stack_next_ready(stack);
	ck_assert_ptr_nonnull(conn);
	ck_assert_uint_eq(conn_head(conn)->events, CONN_ACCEPTED | CONN_READABLE);
	ck_assert_uint_eq(conn_unread(conn), 4);
	ck_assert_uint_eq(conn->tcp.snd_wscale, 7);
	ck_assert_uint_eq(conn->tcp.marks & (TCP_MARK_SACK | TCP_MARK_TIMESTAMPS),
			  TCP_MARK_SACK | TCP_MARK_TIMESTAMPS);
	ck_assert_uint_eq(conn->tcp.snd_mss, 1448);
	collect(stack, HALF_OPEN, &reply, NOW + 1000);
	stack_check(stack);
	stack_destroy(stack);
}
END_TEST

START_TEST(a_guess_draws_a_reset_and_costs_nothing)
{
	struct stack *stack = stack_new();
	struct tcp_segment answer = {0}, reply = {0};
	for (unsigned i = 0; i <= HALF_OPEN; i++) {
		send_segment(stack, i, syn(i), "", NOW);
		collect(stack, i, &answer, NOW);
	}
	struct tcp_segment guess = ack_of(&answer);
	guess.ack += 12345;
	send_segment(stack, HALF_OPEN, guess, "PING", NOW);
	ck_assert_uint_eq(stack_counters(stack)->cookies_bad, 1);
	ck_assert_uint_eq(stack_conn_count(stack), HALF_OPEN);
	collect(stack, HALF_OPEN, &reply, NOW);
	ck_assert_uint_eq(reply.flags, TCP_RST);
	/* Long after the flood nobody looks for cookies, not even for a good one. */
	send_segment(stack, HALF_OPEN, ack_of(&answer), "", NOW + 200000000);
	ck_assert_uint_eq(stack_counters(stack)->cookies_good, 0);
	ck_assert_uint_eq(stack_counters(stack)->cookies_bad, 1);
	collect(stack, HALF_OPEN, &reply, NOW + 200000000);
	stack_destroy(stack);
}
END_TEST

START_TEST(those_that_complete_the_handshake_make_room)
{
	struct stack *stack = stack_new();
	struct tcp_segment answer = {0};
	for (unsigned i = 0; i < 12; i++) {
		send_segment(stack, i, syn(i), "", NOW);
		struct conn *conn = &stack->conns[i];
		answer = (struct tcp_segment){.seq = conn->tcp.iss, .ack = i * 7919 + 1};
		answer.options.ts_value = 0;
		send_segment(stack, i, ack_of(&answer), "", NOW);
		stack_check(stack);
	}
	ck_assert_uint_eq(stack_counters(stack)->accepted, 12);
	ck_assert_uint_eq(stack_counters(stack)->cookies_sent, 0);
	stack_destroy(stack);
}
END_TEST

int
main(void)
{
	pool = eal_pool(MBUFS);
	if (pool == NULL)
		return 1;
	return RUN_CASES("flood", a_flood_holds_no_memory_and_each_syn_draws_one_answer,
			 who_answers_a_cookie_is_connected_with_all_options,
			 a_guess_draws_a_reset_and_costs_nothing,
			 those_that_complete_the_handshake_make_room);
}
