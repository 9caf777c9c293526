/* tests/unit/proto/inet/test_tcp.c - the machine as its caller sees it. Sequences of segments are tests/pkt; here stand what
 * needs every state, every value, or a look inside.
 */
#include "tests/unit/proto/inet/tcp_states.h"
#include "tests/unit/runner.h"

#include "proto/base/prng.h"

/* Every reason, each by one segment. */
START_TEST(every_drop_has_a_segment_that_earns_it)
{
	static const struct {
		enum tcp_drop drop;
		enum tcp_state state;
		uint32_t flags, seq, len, ack;
	} cases[] = {
		{TCP_KEPT,             TCP_ESTABLISHED,  TCP_ACK, 1,      10, 1         },
		{TCP_DROP_CLOSED,      TCP_CLOSED,       TCP_ACK, 1,      10, 1         },
		{TCP_DROP_SEQ,         TCP_ESTABLISHED,  TCP_ACK, 0,      0,  1         },
		{TCP_DROP_SEQ,         TCP_ESTABLISHED,  TCP_ACK, 600000, 10, 1         },
		{TCP_DROP_ACK_OLD,     TCP_ESTABLISHED,  TCP_ACK, 1,      10, 0u - 60000},
		{TCP_DROP_ACK_FUTURE,  TCP_ESTABLISHED,  TCP_ACK, 1,      10, 2         },
		{TCP_DROP_NO_ACK,      TCP_ESTABLISHED,  TCP_PSH, 1,      10, 1         },
		{TCP_DROP_RST_SEQ,     TCP_ESTABLISHED,  TCP_RST, 2,      0,  1         },
		{TCP_DROP_SYN_IN_SYNC, TCP_ESTABLISHED,  TCP_SYN, 1,      0,  1         },
		{TCP_DROP_HANDSHAKE,   TCP_SYN_SENT,     TCP_ACK, 1,      0,  1         },
		{TCP_DROP_DUPLICATE,   TCP_SYN_RECEIVED, TCP_SYN, 0,      0,  0         },
		{TCP_DROP_AFTER_FIN,   TCP_CLOSE_WAIT,   TCP_ACK, 2,      10, 1         },
	};
	bool named[TCP_DROP_COUNT] = {false};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct machine m;
		machine_in(&m, cases[i].state);
		enum tcp_drop drop = give(&m, (uint8_t)cases[i].flags, cases[i].seq,
					  (uint16_t)cases[i].len, cases[i].ack);
		ck_assert_msg(drop == cases[i].drop, "line %zu: %s", i, tcp_drop_name(drop));
		named[drop] = true;
	}
	struct machine m;
	machine_in(&m, TCP_ESTABLISHED);
	m.config.ooo_ranges_max = 0;
	ck_assert_int_eq(give(&m, TCP_ACK, 11, 10, 1), TCP_DROP_OOO_FULL);
	named[TCP_DROP_OOO_FULL] = true;
	machine_in(&m, TCP_ESTABLISHED);
	m.tcp.marks |= TCP_MARK_TIMESTAMPS;
	ck_assert_int_eq(give(&m, TCP_ACK, 1, 10, 1), TCP_DROP_NO_TIMESTAMP);
	named[TCP_DROP_NO_TIMESTAMP] = true;
	struct tcp_segment old = segment(TCP_ACK, 1, 10, 1);
	old.options.has_timestamp = true;
	old.options.ts_value = m.tcp.ts_recent - 1;
	ck_assert_int_eq(tcp_input(&m.tcp, &old, m.now_us, &m.accept), TCP_DROP_PAWS);
	named[TCP_DROP_PAWS] = true;
	for (unsigned i = 0; i < TCP_DROP_COUNT; i++)
		ck_assert_msg(named[i], "no segment earns %s", tcp_drop_name(i));
}
END_TEST

START_TEST(every_state_and_every_drop_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < TCP_STATE_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(tcp_state_name(i), tcp_state_name(j));
	for (unsigned i = 0; i < TCP_DROP_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(tcp_drop_name(i), tcp_drop_name(j));
}
END_TEST

/* No state may stall, crash or break an invariant by any flags at any place. */
START_TEST(every_state_survives_every_flag_at_every_place)
{
	static const uint32_t places[] = {0, 1, 2, 3, 1000, 65536, 65537, 70000, 0u - 1, 1u << 31};
	for (unsigned state = 0; state < TCP_STATE_COUNT; state++)
		for (unsigned flags = 0; flags < 64; flags++)
			for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
				for (unsigned ack = 0; ack < 4; ack++) {
					struct machine m;
					machine_in(&m, state);
					give(&m, (uint8_t)flags, places[p], (uint16_t)(ack * 7),
					     ack);
					ck_assert_uint_le(drain(&m), 2);
					m.now_us += 600000;
					ck_assert_uint_le(drain(&m), 2);
					ck_assert_uint_gt(tcp_next_at(&m.tcp), m.now_us);
				}
}
END_TEST

/* RFC 5961 3, for every state that is synchronized. */
START_TEST(only_a_reset_at_the_next_number_resets)
{
	for (unsigned state = TCP_SYN_RECEIVED; state < TCP_STATE_COUNT; state++) {
		for (int off = -3; off <= 3; off++) {
			struct machine m;
			machine_in(&m, state);
			struct tcp_segment s = segment(TCP_RST, 0, 0, 0);
			s.seq = m.tcp.rcv_nxt + (tcp_seq)off;
			tcp_input(&m.tcp, &s, m.now_us, &m.accept);
			ck_assert_int_eq(m.tcp.state == TCP_CLOSED, off == 0);
			ck_assert_int_eq((m.accept.events & TCP_EVENT_RESET) != 0, off == 0);
			ck_assert_uint_eq(drain(&m),
					  off > 0); /* a challenge inside, silence before */
		}
	}
}
END_TEST

/* Both were set up by whole assignments from zeroed memory, so that padding is equal too. */
static bool
same_bytes(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

static bool
same_but_marks(struct tcp a, struct tcp b)
{
	a.marks &= (uint8_t)~TCP_MARK_FIN_SEEN;
	b.marks &= (uint8_t)~TCP_MARK_FIN_SEEN;
	a.rcv_fin = b.rcv_fin = 0;
	return same_bytes(&a, &b, sizeof(a));
}

/* The guess at the top of tcp_input() against the steps. A FIN seen far away turns the guess off and changes nothing else. */
START_TEST(the_guess_and_the_steps_come_to_the_same)
{
	struct prng prng;
	prng_seed(&prng, 3);
	unsigned kept = 0;
	for (int round = 0; round < 20000; round++) {
		struct machine m;
		machine_in(&m, TCP_ESTABLISHED);
		m.config.delayed_ack_us = prng_below(&prng, 2) * 500;
		m.queued = (uint32_t)prng_below(&prng, 5000);
		drain(&m);
		for (int step = 0; step < 6; step++) {
			m.now_us += prng_below(&prng, 3000);
			uint32_t outstanding = m.tcp.snd_nxt - m.tcp.snd_una;
			struct tcp_segment s = segment(TCP_ACK, 0, 0, 0);
			s.seq = m.tcp.rcv_nxt;
			s.ack = m.tcp.snd_una + (tcp_seq)prng_below(&prng, outstanding + 1);
			s.payload_len = (uint16_t)(prng_below(&prng, 3) * 500);
			s.window = (uint16_t)(prng_below(&prng, 3) * 30000);
			struct tcp other = m.tcp;
			struct tcp_accept accept;
			other.marks |= TCP_MARK_FIN_SEEN;
			other.rcv_fin = other.rcv_nxt + 100000;
			enum tcp_drop slow = tcp_input(&other, &s, m.now_us, &accept);
			enum tcp_drop fast = tcp_input(&m.tcp, &s, m.now_us, &m.accept);
			ck_assert_int_eq(fast, slow);
			ck_assert(same_bytes(&accept, &m.accept, sizeof(accept)));
			ck_assert(same_but_marks(m.tcp, other));
			kept += fast == TCP_KEPT;
			m.queued -= m.accept.acked;
			drain(&m);
		}
	}
	ck_assert_uint_gt(kept, 100000);
}
END_TEST

START_TEST(accept_tells_where_the_bytes_belong)
{
	struct machine m;
	machine_in(&m, TCP_ESTABLISHED);
	ck_assert_int_eq(give(&m, TCP_ACK, 11, 10, 1), TCP_KEPT); /* 10 to 20 */
	ck_assert_uint_eq(m.accept.at, 10);
	ck_assert_uint_eq(m.accept.take, 10);
	ck_assert_uint_eq(m.accept.ready, 0);
	ck_assert_int_eq(give(&m, TCP_ACK, 6, 10, 1), TCP_KEPT); /* 5 to 15: front only */
	ck_assert_uint_eq(m.accept.at, 5);
	ck_assert_uint_eq(m.accept.skip, 0);
	ck_assert_uint_eq(m.accept.take, 5);
	ck_assert_int_eq(give(&m, TCP_ACK, 1, 8, 1), TCP_KEPT); /* 0 to 8 joins all */
	ck_assert_uint_eq(m.accept.at, 0);
	ck_assert_uint_eq(m.accept.take, 5);
	ck_assert_uint_eq(m.accept.ready, 20);
	ck_assert_int_eq(give(&m, TCP_ACK, 11, 20, 1), TCP_KEPT); /* 10 to 30: back only */
	ck_assert_uint_eq(m.accept.skip, 10);
	ck_assert_uint_eq(m.accept.take, 10);
	ck_assert_uint_eq(m.accept.ready, 10);
}
END_TEST

START_TEST(silence_costs_nothing)
{
	for (unsigned state = TCP_ESTABLISHED; state < TCP_STATE_COUNT; state++) {
		struct machine m;
		machine_in(&m, state);
		for (int i = 0; i < 10; i++)
			ck_assert(!out(&m));
	}
}
END_TEST

/* T4 for every state: something outstanding has a deadline. */
START_TEST(what_is_outstanding_has_a_deadline)
{
	static const enum tcp_state waiting[] = {TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_FIN_WAIT_1,
						 TCP_CLOSING,  TCP_LAST_ACK,     TCP_TIME_WAIT};
	for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
		struct machine m;
		machine_in(&m, waiting[i]);
		ck_assert_uint_ne(tcp_next_at(&m.tcp), TCP_NEVER);
	}
	for (unsigned window = 0; window < 3; window++) {
		struct machine m;
		machine_in(&m, TCP_ESTABLISHED);
		struct tcp_segment s = segment(TCP_ACK, 1, 0, 1);
		s.window = (uint16_t)window;
		tcp_input(&m.tcp, &s, m.now_us, &m.accept);
		m.queued = 100;
		ck_assert_uint_eq(drain(&m), 0);
		ck_assert_uint_ne(tcp_next_at(&m.tcp), TCP_NEVER);
	}
}
END_TEST

START_TEST(defaults_follow_the_mtu_and_the_smallest_one_is_allowed)
{
	struct tcp_config c;
	tcp_config_defaults(&c, 1500);
	ck_assert_uint_eq(c.mss, 1460);
	ck_assert_uint_eq(c.rto_min_us, 50000);
	ck_assert_uint_eq(c.rto_initial_us, 1000000);
	ck_assert_uint_eq(c.rto_max_us, 60000000);
	ck_assert_uint_eq(c.keepalive_us, 0);
	ck_assert_uint_le(c.delayed_ack_us, 500000);
	ck_assert_uint_le(c.wscale, TCP_WSCALE_MAX);
	ck_assert_uint_le(c.rcv_buffer, 65535u << c.wscale);
	tcp_config_defaults(&c, 40 + TCP_MSS_FLOOR);
	ck_assert_uint_eq(c.mss, TCP_MSS_FLOOR);
	tcp_config_defaults(&c, 9000);
	ck_assert_uint_eq(c.mss, 8960);
	/* MUST-23: three minutes for a SYN. SHLD-11: a hundred seconds for data. */
	uint64_t syn_us = 0, data_us = 0;
	for (unsigned i = 0; i <= c.syn_retries; i++)
		syn_us +=
			c.rto_initial_us << i < c.rto_max_us ? c.rto_initial_us << i : c.rto_max_us;
	for (unsigned i = 0; i <= c.retries; i++)
		data_us += c.rto_min_us << i < c.rto_max_us ? c.rto_min_us << i : c.rto_max_us;
	ck_assert_uint_ge(syn_us, 180000000);
	ck_assert_uint_ge(data_us, 100000000);
}
END_TEST

int
main(void)
{
	return RUN_CASES("tcp", every_drop_has_a_segment_that_earns_it,
			 every_state_and_every_drop_has_a_name_of_its_own,
			 every_state_survives_every_flag_at_every_place,
			 only_a_reset_at_the_next_number_resets,
			 the_guess_and_the_steps_come_to_the_same,
			 accept_tells_where_the_bytes_belong, silence_costs_nothing,
			 what_is_outstanding_has_a_deadline,
			 defaults_follow_the_mtu_and_the_smallest_one_is_allowed);
}
