/* proto/inet/tcp_output.c - what a connection has to say now, one segment per call.
 *
 * In this order: what timers and input owe (RST, SYN, fast retransmit, probes), bytes and FIN as far as both windows
 * allow, an ACK if no segment has carried it. Retransmission after a timeout is ordinary sending from a send_at that has moved
 * back; so segments may be cut anew (RFC 9293 3.8), and what the peer has kept meanwhile is passed over by its ACK.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

#define OWED_RARELY                                                                                \
	(TCP_OWE_SYN | TCP_OWE_RST | TCP_OWE_RETRANSMIT | TCP_OWE_PROBE | TCP_OWE_KEEPALIVE |      \
	 TCP_OWE_TAIL_PROBE)
#define MAY_SEND                                                                                   \
	(1u << TCP_ESTABLISHED | 1u << TCP_FIN_WAIT_1 | 1u << TCP_CLOSE_WAIT | 1u << TCP_CLOSING | \
	 1u << TCP_LAST_ACK)

static inline uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The window field. Rounding to the scale must not take back what was promised (T3): it rounds up by less than one unit of
 * scale, as long as the buffer is overfull by no more than that; else down, and bytes up to rcv_edge are still taken (RFC 7323 2.4). */
static uint16_t
advertise(struct tcp *t)
{
	uint32_t promised = t->rcv_edge - t->rcv_nxt;
	uint32_t window = tcp_edge_wanted(t) - t->rcv_nxt;
	uint32_t field = window >> t->rcv_wscale;
	if (field << t->rcv_wscale < promised &&
	    t->unread + (field << t->rcv_wscale) <= t->config->rcv_buffer)
		field++;
	field = least(field, TCP_WINDOW_UNSCALED);
	tcp_seq edge = t->rcv_nxt + (field << t->rcv_wscale);
	if (seq_lt(t->rcv_edge, edge))
		t->rcv_edge = edge;
	return (uint16_t)field;
}

static inline void
fill(struct tcp_emit *out, tcp_seq seq, tcp_seq ack, uint8_t flags)
{
	out->head.seq = seq;
	out->head.ack = ack;
	out->head.window = 0;
	out->head.payload_len = 0;
	out->head.flags = flags;
	out->head.options.mss = 0;
	out->head.options.wscale = TCP_WSCALE_ABSENT;
	out->head.options.sack_count = 0;
	out->head.options.sack_permitted = false;
	out->head.options.has_timestamp = false;
	out->from = 0;
	out->retransmit = false;
}

static inline void
fill_timestamp(const struct tcp *t, uint64_t now_us, struct tcp_options *options)
{
	options->has_timestamp = true;
	options->ts_value = tcp_ts_now(t, now_us);
	options->ts_echo = t->ts_recent;
}

/* What is held ahead of its turn, and what came twice; the latter is told once. */
static void
fill_sack(struct tcp *t, struct tcp_options *options)
{
	if ((t->marks & TCP_MARK_SACK) == 0)
		return;
	tcp_sack_fill(t, options);
	t->side->again = (struct range){0, 0};
}

/* A segment that carries an ACK, and so pays what is owed. */
static inline void
fill_with_ack(struct tcp *t, struct tcp_emit *out, tcp_seq seq, uint8_t flags, uint64_t now_us)
{
	fill(out, seq, t->rcv_nxt, flags | TCP_ACK);
	if (t->marks & TCP_MARK_TIMESTAMPS)
		fill_timestamp(t, now_us, &out->head.options);
	if (__builtin_expect(t->side != NULL, 0))
		fill_sack(t, &out->head.options);
	out->head.window = advertise(t);
	t->acked_to = t->rcv_nxt;
	t->owed &= (uint8_t) ~(TCP_OWE_ACK | TCP_OWE_ACK_LATER);
	t->ack_at_us = TCP_NEVER;
}

/* RFC 9293 wants SND.NXT; after a probe or a shrunk window that may lie where the peer must not look. */
static tcp_seq
seq_of_ack(const struct tcp *t)
{
	tcp_seq edge = t->snd_una + t->snd_wnd;
	return seq_lt(edge, t->snd_nxt) ? edge : t->snd_nxt;
}

static void
output_syn(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
{
	const struct tcp_config *config = t->config;
	bool answer = t->state == TCP_SYN_RECEIVED;
	bool first = t->retransmit_at_us == TCP_NEVER;
	fill(out, t->iss, answer ? t->rcv_nxt : 0, answer ? TCP_SYN | TCP_ACK : TCP_SYN);
	uint32_t window = answer ? t->rcv_edge - t->rcv_nxt : config->rcv_buffer;
	out->head.window =
		(uint16_t)least(window, TCP_WINDOW_UNSCALED); /* RFC 7323 2.2: unscaled */
	out->head.options.mss = config->mss;                  /* MUST-14 */
	if (!answer || (t->marks & TCP_MARK_SCALED))
		out->head.options.wscale = config->wscale;
	if (answer ? t->marks & TCP_MARK_TIMESTAMPS : config->timestamps)
		fill_timestamp(t, now_us, &out->head.options);
	out->head.options.sack_permitted = answer ? (t->marks & TCP_MARK_SACK) != 0 : config->sack;
	out->retransmit = !first;
	t->owed &= (uint8_t) ~(TCP_OWE_SYN | TCP_OWE_ACK);
	if (first) {
		t->retransmit_at_us = now_us + tcp_rto(t);
		t->timed_seq = t->snd_nxt;
		t->timed_at_us = now_us;
		t->marks |= TCP_MARK_TIMING;
	} else {
		t->marks &= (uint16_t)~TCP_MARK_TIMING;
	}
}

/* Bytes or a FIN have left: account for them. seq + len (+ fin) is where the next segment begins. */
static inline void
on_sent(struct tcp *t, tcp_seq seq, uint32_t len, uint64_t now_us, struct tcp_emit *out)
{
	tcp_seq end = seq + len;
	out->retransmit = seq_lt(seq, t->snd_nxt);
	if (seq_lt(t->snd_nxt, end)) {
		if ((t->marks & TCP_MARK_TIMING) == 0 && !out->retransmit &&
		    t->cc.phase == CC_OPEN) {
			t->marks |= TCP_MARK_TIMING;
			t->timed_seq = end;
			t->timed_at_us = now_us;
		}
		t->snd_nxt = end;
	}
}

/* Payload bytes that fit into a segment that leaves now. */
static inline uint32_t
mss_now(const struct tcp *t)
{
	return __builtin_expect(t->side == NULL, 1) ? t->snd_mss
						    : (uint32_t)t->snd_mss - tcp_sack_size(t);
}

/* Bytes of run again, as many as fit into a segment and a window of window bytes (SHLD-16), and the FIN if it stands behind
 * them. False: none. */
static bool
output_again(struct tcp *t, struct range run, uint32_t window, uint64_t now_us,
	     struct tcp_emit *out)
{
	bool fin_sent = (t->marks & TCP_MARK_FIN_SENT) != 0;
	tcp_seq from = run.left, data_end = t->snd_nxt - fin_sent, edge = t->snd_una + window;
	uint32_t most = run.right - from, room = seq_lt(from, edge) ? edge - from : 0;
	uint32_t len = least(least(data_end - from, most), least(mss_now(t), room));
	bool fin = fin_sent && from + len == data_end && len < most && room > len;
	if (len == 0 && !fin)
		return false;
	uint8_t flags = (uint8_t)((len > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
	fill_with_ack(t, out, from, flags, now_us);
	out->head.payload_len = (uint16_t)len;
	out->from = from - t->snd_una;
	out->retransmit = true;
	t->marks &= (uint16_t)~TCP_MARK_TIMING;
	if (tcp_has_board(t))
		tcp_recover_on_sent(t, from, len + fin, now_us);
	return true;
}

/* The first segment that is lost; without a board, that is the first one unacknowledged. */
static bool
output_retransmit(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
{
	struct range lost = {t->snd_una, t->snd_nxt};
	t->owed &= (uint8_t)~TCP_OWE_RETRANSMIT;
	if (t->snd_una == t->snd_nxt) /* a later segment of the burst acknowledged everything */
		return false;
	bool board = tcp_has_board(t);
	if (board && !board_first_lost(&t->side->board, &lost))
		return false;
	if (!output_again(t, lost, t->snd_wnd, now_us, out))
		return false;
	if (!board)
		t->retransmit_at_us = now_us + tcp_rto(t);
	else
		tcp_recover_arm(t, now_us, true);
	return true;
}

/* What is lost, as the congestion window lets it out (RFC 6675 5, step C). */
static bool
output_lost(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
{
	const struct board *b = &t->side->board;
	struct range lost;
	uint32_t pipe = board_pipe(b);
	if (!board_first_lost(b, &lost))
		return false;
	uint32_t len = least(lost.right - lost.left, mss_now(t));
	if (pipe > 0 && pipe + len > t->cc.cwnd)
		return false;
	return output_again(t, lost, t->snd_wnd, now_us, out);
}

/* What may be sent from send_at on, which is offset bytes behind SND.UNA. A probe asks nobody but the peer. */
static inline uint32_t
window_left(const struct tcp *t, uint32_t offset, bool probe)
{
	uint32_t room = t->snd_wnd > offset ? t->snd_wnd - offset : 0;
	if (__builtin_expect(probe, 0))
		return room;
	uint32_t window = cc_window(&t->cc);
	uint32_t used = offset;
	if (__builtin_expect(t->side != NULL, 0) && t->side->board.count > 0) {
		window = t->cc.cwnd;
		used = board_pipe(&t->side->board);
	}
	return least(room, window > used ? window - used : 0);
}

/* Sender's silly window avoidance (RFC 9293 3.8.6.2.1) and Nagle (3.7.4). */
static inline bool
is_worth_sending(const struct tcp *t, uint32_t len, uint32_t unsent, uint32_t flight, uint32_t mss)
{
	if (seq_lt(t->send_at, t->snd_nxt))
		return len > 0;
	if (len == mss)
		return true;
	if (t->config->nagle && t->snd_una != t->snd_nxt && (t->marks & TCP_MARK_CLOSING) == 0)
		return false;
	if (len == unsent)
		return true;
	bool peer_limits = t->snd_wnd <= cc_window(&t->cc);
	return peer_limits && len >= t->snd_wnd_max / 2 && flight + len == t->snd_wnd;
}

/* Bytes of the queue from send_at on, and the FIN behind them. */
static bool
output_data(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out)
{
	uint32_t flight = t->send_at - t->snd_una;
	uint32_t unsent = queued > flight ? queued - flight : 0;
	bool fin_due = (t->marks & TCP_MARK_CLOSING) != 0 &&
		       ((t->marks & TCP_MARK_FIN_SENT) == 0 || t->send_at != t->snd_nxt);
	if (unsent == 0 && !fin_due)
		return false;
	uint32_t mss = mss_now(t);
	bool probe = (t->owed & TCP_OWE_PROBE) != 0;
	uint32_t len = least(least(unsent, mss), window_left(t, flight, probe));
	bool shut = t->snd_wnd <= flight;
	if (probe && shut && unsent > 0)
		len = 1;
	bool fin = fin_due && len == unsent && (t->snd_wnd > flight + len || (probe && len == 0));
	if (!probe && !(fin && len == 0) &&
	    (len == 0 || !is_worth_sending(t, len, unsent, flight, mss))) {
		if (t->retransmit_at_us == TCP_NEVER)
			t->retransmit_at_us = now_us + tcp_rto(t); /* T4: persist */
		return false;
	}
	t->owed &= (uint8_t)~TCP_OWE_PROBE;
	if (len == 0 && !fin)
		return false;

	uint8_t flags = (uint8_t)((len == unsent && len > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
	fill_with_ack(t, out, t->send_at, flags, now_us);
	out->head.payload_len = (uint16_t)len;
	out->from = flight;
	on_sent(t, t->send_at, len + fin, now_us, out);
	if (fin)
		t->marks |= TCP_MARK_FIN_SENT;
	bool no_more_lone = flight <= t->snd_mss && flight + len > t->snd_mss && tcp_may_probe(t);
	if (flight == 0 || no_more_lone)
		t->retransmit_at_us = now_us + tcp_patience(t, flight + len + fin);
	if (!shut) { /* what is beyond the window is a probe, not in flight */
		if (__builtin_expect(tcp_has_board(t), 0))
			tcp_recover_on_sent(t, t->send_at, len + fin, now_us);
		t->send_at += len + fin;
	}
	return true;
}

/* The peer shut its window on bytes that are lost: one of them asks whether it is open again (MUST-34, MUST-36). */
static bool
output_first_byte(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
{
	if (!tcp_has_board(t) || t->snd_wnd > 0)
		return false;
	t->owed &= (uint8_t)~TCP_OWE_PROBE;
	bool sent = output_again(t, (struct range){t->snd_una, t->snd_una + 1}, 1, now_us, out);
	board_lose_all(&t->side->board); /* a question, not bytes in flight */
	return sent;
}

/* RFC 8985 7.3: a new segment, whatever Nagle and the congestion window say, or the last one again. False: not the latter. */
static bool
output_tail_probe(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out)
{
	t->owed &= (uint8_t)~TCP_OWE_TAIL_PROBE;
	uint32_t flight = t->send_at - t->snd_una;
	if (flight == 0 || tcp_has_board(t)) /* an ACK of this very turn */
		return false;
	if (queued > flight && t->snd_wnd >= flight + least(queued - flight, t->snd_mss)) {
		t->owed |= TCP_OWE_PROBE; /* output_data() comes next */
		return false;
	}
	uint32_t len = least(flight, mss_now(t));
	struct range tail = {t->snd_nxt - len, t->snd_nxt};
	if (!output_again(t, tail, t->snd_wnd, now_us, out))
		return false;
	t->marks |= TCP_MARK_PROBE_OLD;
	t->doubt_ts = tcp_ts_now(t, now_us);
	return true;
}

static bool
output_rarely(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out)
{
	if (t->owed & TCP_OWE_RST) {
		bool with_ack = (t->marks & TCP_MARK_RST_ACK) != 0;
		fill(out, t->rst_seq, with_ack ? t->rcv_nxt : 0,
		     with_ack ? TCP_RST | TCP_ACK : TCP_RST);
		t->owed &= (uint8_t)~TCP_OWE_RST;
		return true;
	}
	if (t->owed & TCP_OWE_SYN) {
		output_syn(t, now_us, out);
		return true;
	}
	if ((t->owed & TCP_OWE_RETRANSMIT) && output_retransmit(t, now_us, out))
		return true;
	if ((t->owed & TCP_OWE_PROBE) && output_first_byte(t, now_us, out))
		return true;
	if ((t->owed & TCP_OWE_TAIL_PROBE) && output_tail_probe(t, queued, now_us, out))
		return true;
	if (t->owed & TCP_OWE_KEEPALIVE) {
		t->owed &= (uint8_t)~TCP_OWE_KEEPALIVE;
		fill_with_ack(t, out, t->snd_una - 1, 0, now_us); /* SHLD-12: no data */
		return true;
	}
	return false;
}

bool
tcp_output(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out, uint8_t *events)
{
	if (__builtin_expect(tcp_is_due(t, now_us), 0))
		tcp_on_timers(t, now_us, events);
	if (__builtin_expect((t->owed & OWED_RARELY) != 0, 0) &&
	    output_rarely(t, queued, now_us, out))
		return true;
	if (__builtin_expect(tcp_has_board(t), 0) && output_lost(t, now_us, out))
		return true;
	if (((1u << t->state) & MAY_SEND) != 0 && output_data(t, queued, now_us, out))
		return true;
	if (__builtin_expect(t->dup_acks > 0, 0)) {
		t->dup_acks--;
		t->owed |= TCP_OWE_ACK;
	}
	if ((t->owed & TCP_OWE_ACK) == 0 || t->state < TCP_SYN_RECEIVED) {
		if (__builtin_expect(t->side != NULL, 0))
			tcp_side_settle(t);
		return false;
	}
	fill_with_ack(t, out, seq_of_ack(t), 0, now_us);
	return true;
}
