/* tests/unit/proto/inet/test_tcp_time_wait.c - what a parked connection answers, by one line each, from numbers that wrap. */
#include "tests/unit/proto/inet/tcp_states.h"
#include "tests/unit/runner.h"

#define DROP   TCP_TIME_WAIT_DROP
#define ACK    TCP_TIME_WAIT_ACK
#define REOPEN TCP_TIME_WAIT_REOPEN

/* The peer's FIN was at 0, so RCV.NXT is 1 and the numbers below count from its FIN. */
START_TEST(each_segment_has_its_answer)
{
	static const struct {
		uint32_t flags;
		int32_t seq;
		uint32_t len;
		enum tcp_time_wait_answer answer;
		int restarts; /* the 2 MSL */
	} cases[] = {
		{TCP_FIN | TCP_ACK, 0,         0,  ACK,    1},
		{TCP_FIN | TCP_ACK, -10,       10, ACK,    1},
		{TCP_FIN | TCP_ACK, -11,       10, ACK,    0}, /* another FIN */
		{TCP_FIN | TCP_ACK, 1,         0,  ACK,    0},
		{TCP_ACK,           -10,       10, ACK,    0},
		{TCP_ACK,           1,         10, ACK,    0},
		{TCP_ACK,           1,         0,  DROP,   0},
		{TCP_ACK,           -1,        0,  DROP,   0},
		{0,                 1,         10, DROP,   0},
		{TCP_FIN,           0,         0,  DROP,   0},
		{TCP_RST,           1,         0,  DROP,   0}, /* RFC 1337 */
		{TCP_RST | TCP_ACK, 1,         0,  DROP,   0},
		{TCP_RST | TCP_SYN, 1,         0,  DROP,   0},
		{TCP_SYN,           1,         0,  REOPEN, 0},
		{TCP_SYN,           0,         0,  ACK,    0},
		{TCP_SYN,           INT32_MAX, 0,  REOPEN, 0},
		{TCP_SYN,           -100000,   0,  ACK,    0},
		{TCP_SYN | TCP_ACK, 1,         0,  ACK,    0},
		{TCP_SYN | TCP_FIN, 1,         0,  REOPEN, 0},
	};
	static const tcp_seq fins[] = {1000, 0xffffffffu, 0xfffffffeu, 0x7fffffffu, 0};
	struct tcp_config config;
	tcp_config_defaults(&config, 1500);
	for (size_t f = 0; f < sizeof(fins) / sizeof(fins[0]); f++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct tcp_time_wait w = {.snd_nxt = 77,
						  .rcv_nxt = fins[f] + 1,
						  .window = 500,
						  .until_us = NOW + 5};
			struct tcp_segment s = {.flags = (uint8_t)cases[i].flags,
						.seq = fins[f] + (tcp_seq)cases[i].seq,
						.payload_len = (uint16_t)cases[i].len};
			struct tcp_segment reply = {0};
			enum tcp_time_wait_answer answer =
				tcp_time_wait_input(&w, &config, &s, NOW, &reply);
			ck_assert_msg(answer == cases[i].answer, "line %zu: %d", i, answer);
			ck_assert_uint_eq(w.until_us,
					  cases[i].restarts ? NOW + config.time_wait_us : NOW + 5);
			if (answer != ACK)
				continue;
			ck_assert_uint_eq(reply.flags, TCP_ACK);
			ck_assert_uint_eq(reply.seq, 77);
			ck_assert_uint_eq(reply.ack, fins[f] + 1);
			ck_assert_uint_eq(reply.window, 500);
			ck_assert_uint_eq(reply.payload_len, 0);
			ck_assert_uint_eq(reply.options.wscale, TCP_WSCALE_ABSENT);
		}
}
END_TEST

START_TEST(it_ends_at_its_time_and_not_before)
{
	struct machine m;
	struct tcp_time_wait w;
	struct tcp_segment reply, s = segment(TCP_FIN | TCP_ACK, 1, 0, 2);
	machine_in(&m, TCP_TIME_WAIT);
	tcp_time_wait_from(&m.tcp, NOW, &w);
	ck_assert_uint_eq(w.until_us, NOW + m.config.time_wait_us);
	ck_assert_uint_eq(w.rcv_nxt, IRS + 2);
	ck_assert_uint_eq(w.snd_nxt, ISS + 2);
	struct tcp_time_wait copy = w;
	ck_assert_int_eq(tcp_time_wait_input(&copy, &m.config, &s, w.until_us - 1, &reply), ACK);
	ck_assert_int_eq(tcp_time_wait_input(&w, &m.config, &s, w.until_us, &reply),
			 TCP_TIME_WAIT_END);
}
END_TEST

/* RFC 9293 3.10.7.1. */
START_TEST(a_stranger_is_answered_by_its_own_numbers)
{
	struct tcp_segment reset, s = segment(TCP_SYN | TCP_FIN, 5, 20, 9);
	ck_assert(tcp_reset_for(&s, &reset));
	ck_assert_uint_eq(reset.flags, TCP_RST | TCP_ACK);
	ck_assert_uint_eq(reset.seq, 0);
	ck_assert_uint_eq(reset.ack, IRS + 5 + 20 + 2);
	s.flags = TCP_ACK | TCP_SYN;
	ck_assert(tcp_reset_for(&s, &reset));
	ck_assert_uint_eq(reset.flags, TCP_RST);
	ck_assert_uint_eq(reset.seq, ISS + 9);
	for (unsigned flags = 0; flags < 64; flags++) {
		s.flags = (uint8_t)(flags | TCP_RST);
		ck_assert(!tcp_reset_for(&s, &reset));
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("tcp_time_wait", each_segment_has_its_answer,
			 it_ends_at_its_time_and_not_before,
			 a_stranger_is_answered_by_its_own_numbers);
}
