/* proto/inet/tcp_output.c - what a connection has to say now, one segment per call.
 *
 * In this order: what timers and input owe (RST, SYN, fast retransmit, probes), bytes and FIN as far as both windows
 * allow, an ACK if no segment has carried it. Retransmission after a timeout is ordinary sending from a send_at that has moved
 * back; so segments may be cut anew (RFC 9293 3.8), and what the peer has kept meanwhile is passed over by its ACK.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

#define OWED_RARELY                                                                                \
	(TCP_OWE_SYN | TCP_OWE_RST | TCP_OWE_RETRANSMIT | TCP_OWE_PROBE | TCP_OWE_KEEPALIVE)
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

/* A segment that carries an ACK, and so pays what is owed. */
static inline void
fill_with_ack(struct tcp *t, struct tcp_emit *out, tcp_seq seq, uint8_t flags)
{
	fill(out, seq, t->rcv_nxt, flags | TCP_ACK);
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
	out->retransmit = !first;
	t->owed &= (uint8_t) ~(TCP_OWE_SYN | TCP_OWE_ACK);
	if (first) {
		t->retransmit_at_us = now_us + tcp_rto(t);
		t->timed_seq = t->snd_nxt;
		t->timed_at_us = now_us;
		t->marks |= TCP_MARK_TIMING;
	} else {
		t->marks &= (uint8_t)~TCP_MARK_TIMING;
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

/* The first unacknowledged segment again, as much as the peer's window takes (SHLD-16). */
static bool
output_retransmit(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
{
	t->owed &= (uint8_t)~TCP_OWE_RETRANSMIT;
	if (t->snd_una == t->snd_nxt) /* a later segment of the burst acknowledged everything */
		return false;
	bool fin_sent = (t->marks & TCP_MARK_FIN_SENT) != 0;
	uint32_t data = t->snd_nxt - t->snd_una - fin_sent;
	uint32_t len = least(least(data, t->snd_mss), t->snd_wnd);
	bool fin = fin_sent && len == data && t->snd_wnd > len;
	if (len == 0 && !fin)
		return false;
	fill_with_ack(t, out, t->snd_una, fin ? TCP_FIN | TCP_PSH : TCP_PSH);
	out->head.payload_len = (uint16_t)len;
	out->retransmit = true;
	t->marks &= (uint8_t)~TCP_MARK_TIMING;
	t->retransmit_at_us = now_us + tcp_rto(t);
	return true;
}

/* Sender's silly window avoidance (RFC 9293 3.8.6.2.1) and Nagle (3.7.4). */
static inline bool
is_worth_sending(const struct tcp *t, uint32_t len, uint32_t unsent, uint32_t flight)
{
	if (seq_lt(t->send_at, t->snd_nxt))
		return len > 0;
	if (len == t->snd_mss)
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
	uint32_t window = least(cc_window(&t->cc), t->snd_wnd);
	uint32_t len = least(least(unsent, t->snd_mss), window > flight ? window - flight : 0);
	bool probe = (t->owed & TCP_OWE_PROBE) != 0;
	bool shut = t->snd_wnd <= flight;
	if (probe && shut && unsent > 0)
		len = 1;
	bool fin = fin_due && len == unsent && (t->snd_wnd > flight + len || (probe && len == 0));
	if (!probe && !(fin && len == 0) &&
	    (len == 0 || !is_worth_sending(t, len, unsent, flight))) {
		if (t->retransmit_at_us == TCP_NEVER)
			t->retransmit_at_us = now_us + tcp_rto(t); /* T4: persist */
		return false;
	}
	t->owed &= (uint8_t)~TCP_OWE_PROBE;
	if (len == 0 && !fin)
		return false;

	uint8_t flags = (uint8_t)((len == unsent && len > 0 ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
	fill_with_ack(t, out, t->send_at, flags);
	out->head.payload_len = (uint16_t)len;
	out->from = flight;
	on_sent(t, t->send_at, len + fin, now_us, out);
	if (fin)
		t->marks |= TCP_MARK_FIN_SENT;
	if (flight == 0)
		t->retransmit_at_us = now_us + tcp_rto(t);
	if (!shut)
		t->send_at += len + fin; /* what is beyond the window is a probe, not in flight */
	return true;
}

static bool
output_rarely(struct tcp *t, uint64_t now_us, struct tcp_emit *out)
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
	if (t->owed & TCP_OWE_KEEPALIVE) {
		t->owed &= (uint8_t)~TCP_OWE_KEEPALIVE;
		fill_with_ack(t, out, t->snd_una - 1, 0); /* SHLD-12: no data */
		return true;
	}
	return false;
}

bool
tcp_output(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out, uint8_t *events)
{
	if (__builtin_expect(tcp_is_due(t, now_us), 0))
		tcp_on_timers(t, now_us, events);
	if (__builtin_expect((t->owed & OWED_RARELY) != 0, 0) && output_rarely(t, now_us, out))
		return true;
	if (((1u << t->state) & MAY_SEND) != 0 && output_data(t, queued, now_us, out))
		return true;
	if (__builtin_expect(t->dup_acks > 0, 0)) {
		t->dup_acks--;
		t->owed |= TCP_OWE_ACK;
	}
	if ((t->owed & TCP_OWE_ACK) == 0 || t->state < TCP_SYN_RECEIVED)
		return false;
	fill_with_ack(t, out, seq_of_ack(t), 0);
	return true;
}
