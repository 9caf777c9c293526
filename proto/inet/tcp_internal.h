/* proto/inet/tcp_internal.h - what tcp_*.c share. Nobody else includes this. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
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
/* An ACK has come that measures nothing, for what was sent at armed_at_us and after a backoff: how much of it was needed? */
void tcp_relax_backoff(struct tcp *t, uint64_t now_us, uint64_t armed_at_us);
/* The edge the receive window may advance to now; rcv_edge if silly window avoidance holds it. */
tcp_seq tcp_edge_wanted(const struct tcp *t);

/* tcp_side.c: what a connection in trouble holds, and what it reports of the peer's bytes. */
/* NULL: the pool is empty. */
struct tcp_side *tcp_side_need(struct tcp *t);
/* Gives the side back if nothing is in it. */
void tcp_side_settle(struct tcp *t);
void tcp_side_drop(struct tcp *t);
/* [left, right) came once more (RFC 2883). */
void tcp_note_again(struct tcp *t, tcp_seq left, tcp_seq right);
/* The run that holds seq grew. */
void tcp_note_recent(struct tcp *t, tcp_seq seq);
/* SACK blocks for the next ACK; the bytes that they take in a header. */
void tcp_sack_fill(const struct tcp *t, struct tcp_options *options);
uint16_t tcp_sack_size(const struct tcp *t);

/* tcp_recover.c: losses of ours, found by what the peer reports. */
/* An acceptable ACK came. True: it has been dealt with, but for the window and the state. False: no board is in use. */
bool tcp_recover_on_ack(struct tcp *t, const struct tcp_segment *s, uint64_t now_us,
			struct tcp_accept *out);
/* Bytes [seq, seq + len) leave while a board is in use. */
void tcp_recover_on_sent(struct tcp *t, tcp_seq seq, uint32_t len, uint64_t now_us);
/* RACK's timer, and the retransmit timer; the latter answers false: no board, send_at is to go back. */
void tcp_recover_on_reorder_timer(struct tcp *t, uint64_t now_us);
bool tcp_recover_on_timeout(struct tcp *t, uint64_t now_us);
/* An ACK of the tail probe (RFC 8985 7.4). */
void tcp_recover_on_probe_ack(struct tcp *t, const struct tcp_segment *s);
/* SND.UNA advanced, and what was sent again may have been sent in vain: takes the loss back. True: it was. */
bool tcp_recover_undo(struct tcp *t, const struct tcp_segment *s);
/* When nothing is heard, the next thing to do is due then. */
void tcp_recover_arm(struct tcp *t, uint64_t now_us, bool restart);
static inline bool
tcp_has_board(const struct tcp *t)
{
	return t->side != NULL && t->side->board.count > 0;
}

/* RFC 7323 4.2: a tick a millisecond. */
static inline uint32_t
tcp_ts_now(const struct tcp *t, uint64_t now_us)
{
	return (uint32_t)(now_us / 1000) + t->ts_offset;
}

/* a was said before b. */
static inline bool
ts_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

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

/* Is a tail probe the next thing to do when nothing is heard (RFC 8985 7.2)? Nobody waits for a lone FIN. */
static inline bool
tcp_may_probe(const struct tcp *t)
{
	return (t->marks & (TCP_MARK_SACK | TCP_MARK_PROBED)) == TCP_MARK_SACK &&
	       t->cc.phase == CC_OPEN && t->backoff == 0 && t->rtt.pto_us != 0 &&
	       ((t->marks & TCP_MARK_FIN_SENT) == 0 || t->snd_nxt - t->snd_una > 1);
}

/* How long to wait for an ACK of flight bytes. */
static inline uint64_t
tcp_patience(const struct tcp *t, uint32_t flight)
{
	if (!tcp_may_probe(t))
		return tcp_rto(t);
	uint64_t rto = t->rtt.rto_us, wait = t->rtt.pto_us; /* there is no backoff */
	if (flight <= t->snd_mss) /* a lone segment's ACK may be delayed */
		wait += t->marks & TCP_MARK_PEER_SLOW ? rto : t->config->peer_delay_us;
	return wait < rto ? wait : rto;
}

/* SND.UNA moves to ack; what the user may release. */
static inline void
tcp_advance(struct tcp *t, tcp_seq ack, struct tcp_accept *out)
{
	bool fin = (t->marks & TCP_MARK_FIN_SENT) != 0 && ack == t->snd_nxt;
	out->acked = ack - t->snd_una - fin;
	if (out->acked > 0)
		out->events |= TCP_EVENT_ACKED;
	t->snd_una = ack;
	if (seq_lt(t->send_at, ack))
		t->send_at = ack;
	t->retries = 0;
}

static inline void
tcp_sample(struct tcp *t, uint64_t took_us)
{
	rtt_sample(&t->rtt, took_us, (uint32_t)t->config->rto_min_us,
		   (uint32_t)t->config->rto_max_us);
}

static inline void
tcp_owe_rst(struct tcp *t, tcp_seq seq, bool with_ack)
{
	t->owed |= TCP_OWE_RST;
	t->rst_seq = seq;
	t->marks = (uint16_t)((t->marks & ~TCP_MARK_RST_ACK) | (with_ack ? TCP_MARK_RST_ACK : 0));
}
