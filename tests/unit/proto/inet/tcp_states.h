/* tests/unit/proto/inet/tcp_states.h - a TCP machine in each of its states, by the shortest way there.
 *
 * Numbers count from ISS and IRS, which wrap: the peer's next byte is IRS + 1, ours ISS + 1. Windows are not scaled, the MSS is 1000.
 */
#pragma once
#include <check.h>
#include <string.h>

#include "proto/inet/tcp_state.h"

#define ISS 0xfffffff0u
#define IRS 0xfffffffeu
#define NOW 1000000ull

struct machine {
	struct tcp tcp;
	struct tcp_config config;
	struct tcp_side sides[2];
	struct tcp_side_pool pool;
	struct tcp_emit emit;
	struct tcp_accept accept;
	uint32_t queued;
	uint8_t events;
	uint64_t now_us;
};

static inline struct tcp_segment
segment(uint8_t flags, uint32_t seq, uint16_t len, uint32_t ack)
{
	struct tcp_segment s = {.flags = flags,
				.seq = IRS + seq,
				.payload_len = len,
				.ack = ISS + ack,
				.window = 60000};
	s.options.wscale = TCP_WSCALE_ABSENT;
	if (flags & TCP_SYN)
		s.options.mss = 1000;
	return s;
}

static inline enum tcp_drop
give(struct machine *m, uint8_t flags, uint32_t seq, uint16_t len, uint32_t ack)
{
	struct tcp_segment s = segment(flags, seq, len, ack);
	enum tcp_drop drop = tcp_input(&m->tcp, &s, m->now_us, &m->accept);
	m->events |= m->accept.events;
	m->queued -= m->accept.acked;
	tcp_check(&m->tcp);
	return drop;
}

static inline bool
out(struct machine *m)
{
	bool more = tcp_output(&m->tcp, m->queued, m->now_us, &m->emit, &m->events);
	tcp_check(&m->tcp);
	return more;
}

/* Everything it has to say; how many segments that was. */
static inline unsigned
drain(struct machine *m)
{
	unsigned count = 0;
	while (out(m)) {
		count++;
		ck_assert_uint_lt(count, 1000);
	}
	return count;
}

static inline void
machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->now_us = NOW;
	tcp_config_defaults(&m->config, 1500);
	m->config.delayed_ack_us = 0;
	m->config.sides = &m->pool;
	tcp_side_pool_init(&m->pool, m->sides, 2);
}

static inline void
machine_in(struct machine *m, enum tcp_state state)
{
	struct tcp_segment syn = segment(TCP_SYN, 0, 0, 0);
	machine_init(m);
	if (state == TCP_CLOSED || state == TCP_SYN_SENT) {
		tcp_open_active(&m->tcp, &m->config, ISS, m->now_us);
		drain(m);
		if (state == TCP_CLOSED)
			tcp_abort(&m->tcp);
		ck_assert_int_eq(m->tcp.state, state);
		return;
	}
	tcp_open_passive(&m->tcp, &m->config, &syn, ISS, m->now_us);
	drain(m);
	if (state >= TCP_ESTABLISHED)
		give(m, TCP_ACK, 1, 0, 1);
	bool peer_first = state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK;
	if (peer_first)
		give(m, TCP_FIN | TCP_ACK, 1, 0, 1);
	if (state >= TCP_FIN_WAIT_1 && state != TCP_CLOSE_WAIT)
		tcp_close(&m->tcp, m->now_us);
	drain(m);
	if (state == TCP_FIN_WAIT_2 || state == TCP_TIME_WAIT)
		give(m, TCP_ACK, 1, 0, 2);
	if (state == TCP_CLOSING || state == TCP_TIME_WAIT)
		give(m, TCP_FIN | TCP_ACK, 1, 0, state == TCP_CLOSING ? 1 : 2);
	drain(m);
	m->events = 0;
	ck_assert_int_eq(m->tcp.state, state);
}
