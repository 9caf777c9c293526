/* proto/inet/tcp_internal.h - what tcp_*.c share. Nobody else includes this. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/tcp_state.h"

/* The only writer of state; asserts the table of moves in tcp.c. */
void tcp_set_state(struct tcp *t, enum tcp_state state);
/* To CLOSED: timers stop, and nothing is owed. */
void tcp_finish(struct tcp *t);
/* To TIME-WAIT, with its timer. */
void tcp_enter_time_wait(struct tcp *t, uint64_t now_us);
/* To FIN-WAIT-2, with the timer of an orphan. */
void tcp_enter_fin_wait_2(struct tcp *t, uint64_t now_us);
/* Handshake complete: to ESTABLISHED, or on to FIN-WAIT-1 if the user has closed already. */
void tcp_enter_established(struct tcp *t, uint64_t now_us);
/* What a SYN says: rcv_nxt, MSS, window, scale. */
void tcp_learn_syn(struct tcp *t, const struct tcp_segment *syn);
/* Timers that are due: owes what they ask for, or gives up (events). */
void tcp_on_timers(struct tcp *t, uint64_t now_us, uint8_t *events);
/* The edge the receive window may advance to now; rcv_edge if silly window avoidance holds it. */
tcp_seq tcp_edge_wanted(const struct tcp *t);

static inline bool
tcp_is_due(const struct tcp *t, uint64_t now_us)
{
	return now_us >= t->retransmit_at_us || now_us >= t->ack_at_us || now_us >= t->life_at_us;
}

/* The retransmit timeout with its backoff. */
static inline uint64_t
tcp_rto(const struct tcp *t)
{
	uint64_t rto = (uint64_t)t->rtt.rto_us << t->backoff;
	return rto < t->config->rto_max_us ? rto : t->config->rto_max_us;
}

static inline void
tcp_owe_rst(struct tcp *t, tcp_seq seq, bool with_ack)
{
	t->owed |= TCP_OWE_RST;
	t->rst_seq = seq;
	t->marks = (uint8_t)((t->marks & ~TCP_MARK_RST_ACK) | (with_ack ? TCP_MARK_RST_ACK : 0));
}
