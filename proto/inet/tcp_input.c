/* proto/inet/tcp_input.c - a segment arrives (RFC 9293 3.10.7.3 and 3.10.7.4): its steps, in its order, one function each.
 *
 * Before them stands the guess that nearly always holds: an established connection, the next bytes or the next ACK, nothing
 * missing. The steps would come to the same; the guess only comes to it sooner.
 *
 * Step 3 (security) and 6 (urgent: bytes are delivered in line, RFC 6093) have nothing to do.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

/* RFC 5961 7 and spec 6 (6, 7): answers that a stranger can draw, one per TCP_CHALLENGE_US and connection. */
static void
challenge(struct tcp *t, uint64_t now_us)
{
	if (now_us < t->challenge_at_us)
		return;
	t->challenge_at_us = now_us + TCP_CHALLENGE_US;
	t->owed |= TCP_OWE_ACK;
}

/* In-order bytes: an ACK at once, every second full segment, or soon (SHLD-18, SHLD-19). */
static inline void
owe_ack_for_data(struct tcp *t, uint64_t now_us)
{
	uint64_t delay = t->config->delayed_ack_us;
	if (delay == 0 || t->rcv_nxt - t->acked_to >= 2u * t->snd_mss) {
		t->owed |= TCP_OWE_ACK;
	} else if ((t->owed & TCP_OWE_ACK_LATER) == 0) {
		t->owed |= TCP_OWE_ACK_LATER;
		t->ack_at_us = now_us + delay;
	}
}

/* RFC 5681 4.2: each segment out of order is told about, for the peer's fast retransmit. */
static void
owe_duplicate_ack(struct tcp *t)
{
	if (t->dup_acks < TCP_DUP_ACKS_MAX)
		t->dup_acks++;
}

/* SND.UNA < SEG.ACK <= SND.NXT. */
static inline void
on_acked(struct tcp *t, tcp_seq ack, uint64_t now_us, struct tcp_accept *out)
{
	uint32_t acked = ack - t->snd_una, flight = t->snd_nxt - t->snd_una;
	tcp_advance(t, ack, out);
	if ((t->marks & TCP_MARK_TIMING) && seq_le(t->timed_seq, ack)) {
		tcp_sample(t, now_us - t->timed_at_us);
		t->marks &= (uint16_t)~TCP_MARK_TIMING;
		t->backoff = 0; /* RFC 6298 5: a measurement ends the backoff */
	} else if (__builtin_expect(t->backoff > 0, 0)) {
		tcp_relax_backoff(t, now_us, t->retransmit_at_us - tcp_rto(t));
	}
	if (cc_on_ack(&t->cc, ack, acked, flight, t->snd_nxt))
		t->owed |= TCP_OWE_RETRANSMIT;
	uint32_t left = t->snd_nxt - ack;
	t->retransmit_at_us = left == 0 ? TCP_NEVER : now_us + tcp_patience(t, left);
}

/* RFC 9293 3.10.7.4, fifth step: the window moves only on newer segments. The RFC judges by SND.WL1 alone; but bytes that are
 * sent again have an old number and may carry a new ACK, whose window must come with it, or SND.UNA would drag the old
 * window beyond the peer's edge. */
static inline void
update_window(struct tcp *t, const struct tcp_segment *s)
{
	bool is_old =
		seq_lt(s->seq, t->snd_wl1) || (s->seq == t->snd_wl1 && seq_lt(s->ack, t->snd_wl2));
	if (is_old && seq_le(s->ack, t->snd_una))
		return;
	uint32_t window = (uint32_t)s->window << t->snd_wscale;
	if (__builtin_expect(window == 0 || t->snd_wnd == 0, 0)) {
		t->retries = 0; /* MUST-37: a peer that answers may keep it shut for ever */
		if (window > 0)
			t->backoff = 0;
	}
	t->snd_wnd = window;
	if (t->snd_wnd_max < window)
		t->snd_wnd_max = window;
	t->snd_wl1 = s->seq;
	t->snd_wl2 = s->ack;
}

/* ---- the guess ---- */

#define UNUSUAL (TCP_MARK_FIN_SEEN | TCP_MARK_PROBED | TCP_MARK_DOUBT)

/* RFC 7323 5.3 R1, and 3.2: every segment has a timestamp once that was agreed on. */
static inline bool
is_in_time(const struct tcp *t, const struct tcp_segment *s)
{
	return (t->marks & TCP_MARK_TIMESTAMPS) == 0 ||
	       (s->options.has_timestamp && !ts_lt(s->options.ts_value, t->ts_recent));
}

/* RFC 7323 4.3: only what stands at the last ACK, so that nobody poisons it from beyond, and what is echoed is what we waited for. */
static inline void
keep_timestamp(struct tcp *t, const struct tcp_segment *s)
{
	if ((t->marks & TCP_MARK_TIMESTAMPS) && s->options.has_timestamp &&
	    seq_le(s->seq, t->acked_to))
		t->ts_recent = s->options.ts_value;
}

static inline bool
is_predicted(const struct tcp *t, const struct tcp_segment *s)
{
	return t->state == TCP_ESTABLISHED && /* and hence no FIN of ours, no orphan */
	       (s->flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK &&
	       s->seq == t->rcv_nxt &&                           /* nothing missing */
	       s->payload_len <= t->rcv_edge - t->rcv_nxt &&     /* all of it fits */
	       s->ack - t->snd_una <= t->snd_nxt - t->snd_una && /* no old or future ACK */
	       (s->payload_len > 0 || s->ack != t->snd_una) &&   /* no duplicate ACK */
	       t->side == NULL && (t->marks & UNUSUAL) == 0 &&   /* nothing waits, either way */
	       is_in_time(t, s);
}

static inline void
input_predicted(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	t->heard_at_us = now_us;
	keep_timestamp(t, s);
	update_window(t, s);
	if (s->ack != t->snd_una)
		on_acked(t, s->ack, now_us, out);
	if (s->payload_len > 0) {
		t->rcv_nxt += s->payload_len;
		out->take = s->payload_len;
		out->ready = s->payload_len;
		owe_ack_for_data(t, now_us);
	}
}

/* ---- SYN-SENT, 3.10.7.3 ---- */

static enum tcp_drop
input_syn_sent(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	bool has_ack = (s->flags & TCP_ACK) != 0;
	if (has_ack && s->ack != t->snd_nxt) { /* first: the only thing we sent is the SYN */
		if ((s->flags & TCP_RST) == 0)
			tcp_owe_rst(t, s->ack, false);
		return TCP_DROP_HANDSHAKE;
	}
	if (s->flags & TCP_RST) { /* second */
		if (!has_ack)
			return TCP_DROP_HANDSHAKE;
		tcp_finish(t);
		out->events |= TCP_EVENT_REFUSED;
		return TCP_KEPT;
	}
	if ((s->flags & TCP_SYN) == 0) /* fifth */
		return TCP_DROP_HANDSHAKE;
	tcp_learn_syn(t, s); /* fourth; bytes and FIN with it are left for the peer to repeat */
	t->heard_at_us = now_us;
	if (!has_ack) { /* simultaneous open, MUST-10 */
		tcp_set_state(t, TCP_SYN_RECEIVED);
		t->owed |= TCP_OWE_SYN;
		return TCP_KEPT;
	}
	t->snd_una = s->ack;
	if (t->marks & TCP_MARK_TIMING)
		tcp_sample(t, now_us - t->timed_at_us);
	t->marks &= (uint16_t)~TCP_MARK_TIMING;
	t->owed = (uint8_t)((t->owed & ~TCP_OWE_SYN) | TCP_OWE_ACK);
	tcp_enter_established(t, now_us);
	out->events |= TCP_EVENT_ESTABLISHED;
	return TCP_KEPT;
}

/* ---- 3.10.7.4 ---- */

static uint32_t
length_of(const struct tcp_segment *s)
{
	return s->payload_len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

/* First: is any of it in the window? Wider than the RFC's table at two points. What stands at RCV.NXT is looked at even when
 * the window is shut: a probe's ACK and window matter (3.10.7.4, "special allowance"). And an empty segment may stand at the
 * right edge, where a peer that has filled the window stands. */
static bool
is_acceptable(const struct tcp *t, const struct tcp_segment *s)
{
	uint32_t len = length_of(s);
	if (len == 0)
		return seq_le(t->rcv_nxt, s->seq) && seq_le(s->seq, t->rcv_edge);
	return s->seq == t->rcv_nxt ||
	       (seq_lt(s->seq, t->rcv_edge) && seq_lt(t->rcv_nxt, s->seq + len));
}

static enum tcp_drop
input_unacceptable(struct tcp *t, const struct tcp_segment *s, uint64_t now_us)
{
	if (s->flags & TCP_RST)
		return TCP_DROP_SEQ;
	if (t->state == TCP_TIME_WAIT && (s->flags & TCP_FIN))
		t->life_at_us = now_us + t->config->time_wait_us; /* eighth step: 2 MSL again */
	if (s->payload_len > 0 && seq_lt(s->seq, t->rcv_nxt))
		tcp_note_again(t, s->seq, s->seq + s->payload_len);
	/* Bytes or a FIN seen again mean that our ACK was lost; anything else may be an echo of our own ACK. */
	if ((s->payload_len > 0 || (s->flags & TCP_FIN)) && (s->flags & TCP_SYN) == 0)
		t->owed |= TCP_OWE_ACK;
	else
		challenge(t, now_us);
	return TCP_DROP_SEQ;
}

/* RFC 7323 5.3 R1: an old duplicate from before the numbers wrapped, or a forgery. An ACK, as for any other unacceptable segment.
 * After 24 days of silence the timestamp proves nothing (5.5). */
static enum tcp_drop
check_timestamp(struct tcp *t, const struct tcp_segment *s, uint64_t now_us)
{
	if (is_in_time(t, s) || (s->flags & TCP_RST))
		return TCP_KEPT;
	if (!s->options.has_timestamp)
		return TCP_DROP_NO_TIMESTAMP;
	if (now_us - t->heard_at_us > TCP_TS_AGE_US) {
		t->ts_recent = s->options.ts_value;
		return TCP_KEPT;
	}
	if (s->payload_len > 0)
		t->owed |= TCP_OWE_ACK;
	else
		challenge(t, now_us);
	return TCP_DROP_PAWS;
}

/* Second, with RFC 5961 3.2: only a RST at RCV.NXT is believed. */
static enum tcp_drop
input_rst(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	if (s->seq != t->rcv_nxt) {
		challenge(t, now_us);
		return TCP_DROP_RST_SEQ;
	}
	bool refused = t->state == TCP_SYN_RECEIVED && (t->marks & TCP_MARK_PASSIVE) == 0;
	tcp_finish(t);
	out->events |= refused ? TCP_EVENT_REFUSED : TCP_EVENT_RESET;
	return TCP_KEPT;
}

/* Fifth, SYN-RECEIVED. */
static enum tcp_drop
input_ack_syn_received(struct tcp *t, const struct tcp_segment *s, uint64_t now_us,
		       struct tcp_accept *out)
{
	if (s->ack != t->snd_nxt) {
		tcp_owe_rst(t, s->ack, false);
		return TCP_DROP_HANDSHAKE;
	}
	t->snd_una = s->ack;
	if (t->marks & TCP_MARK_TIMING)
		tcp_sample(t, now_us - t->timed_at_us);
	t->marks &= (uint16_t)~TCP_MARK_TIMING;
	t->owed &= (uint8_t)~TCP_OWE_SYN;
	update_window(t, s);
	tcp_enter_established(t, now_us);
	out->events |= TCP_EVENT_ESTABLISHED;
	return TCP_KEPT;
}

/* RFC 5681 2: what makes an ACK a duplicate. */
static bool
is_duplicate_ack(const struct tcp *t, const struct tcp_segment *s)
{
	return s->ack == t->snd_una && t->snd_una != t->snd_nxt && length_of(s) == 0 &&
	       (uint32_t)s->window << t->snd_wscale == t->snd_wnd;
}

/* Our FIN may have been acknowledged. */
static void
on_fin_acked(struct tcp *t, uint64_t now_us, struct tcp_accept *out)
{
	if (t->state == TCP_FIN_WAIT_1) {
		tcp_enter_fin_wait_2(t, now_us);
	} else if (t->state == TCP_CLOSING) {
		tcp_enter_time_wait(t, now_us);
		out->events |= TCP_EVENT_CLOSED;
	} else if (t->state == TCP_LAST_ACK) {
		tcp_finish(t);
		out->events |= TCP_EVENT_CLOSED;
	}
}

/* RFC 6582 3.2: a peer without SACK, or no board to spare. */
static void
on_third_duplicate(struct tcp *t, uint64_t now_us)
{
	t->owed |= TCP_OWE_RETRANSMIT;
	t->marks |= TCP_MARK_DOUBT;
	t->doubt_ts = tcp_ts_now(t, now_us);
}

/* Fifth, with RFC 5961 5.2. */
static enum tcp_drop
input_ack(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	if (seq_lt(t->snd_nxt, s->ack)) {
		challenge(t, now_us);
		return TCP_DROP_ACK_FUTURE;
	}
	if (seq_lt(s->ack, t->snd_una - t->snd_wnd_max)) {
		challenge(t, now_us);
		return TCP_DROP_ACK_OLD;
	}
	if (seq_lt(s->ack, t->snd_una))
		return TCP_KEPT; /* an old one; its bytes may be new */
	bool duplicate = is_duplicate_ack(t, s);
	update_window(t, s);
	tcp_recover_on_probe_ack(t, s);
	if (!tcp_recover_on_ack(t, s, now_us, out)) {
		if (duplicate && cc_on_duplicate(&t->cc, t->snd_una, t->snd_nxt))
			on_third_duplicate(t, now_us);
		if (s->ack == t->snd_una)
			return TCP_KEPT;
		on_acked(t, s->ack, now_us, out);
		tcp_recover_undo(t, s);
	}
	if ((t->marks & TCP_MARK_FIN_SENT) && t->snd_una == t->snd_nxt)
		on_fin_acked(t, now_us, out);
	return TCP_KEPT;
}

/* The peer's FIN is remembered where it stands, until all before it is here. A FIN below bytes that we hold is a lie. */
static void
note_fin(struct tcp *t, const struct tcp_segment *s)
{
	tcp_seq at = s->seq + s->payload_len;
	const struct tcp_side *side = t->side;
	if ((t->marks & TCP_MARK_FIN_SEEN) || seq_lt(at, t->rcv_nxt) || seq_lt(t->rcv_edge, at))
		return;
	if (side != NULL && side->ooo.count > 0 &&
	    seq_lt(at, side->ooo.at[side->ooo.count - 1].right))
		return;
	t->marks |= TCP_MARK_FIN_SEEN;
	t->rcv_fin = at;
}

/* Bytes [left, right) that are not the next ones. */
static enum tcp_drop
input_text_ahead(struct tcp *t, const struct tcp_segment *s, struct range run,
		 struct tcp_accept *out)
{
	struct tcp_side *side = tcp_side_need(t);
	if (t->marks & TCP_MARK_SACK)
		t->owed |= TCP_OWE_ACK; /* one tells what three duplicates tell */
	else
		owe_duplicate_ack(t);
	if (side == NULL)
		return TCP_DROP_OOO_FULL;
	struct range whole = run;
	switch (ranges_add(&side->ooo, &run, t->config->ooo_ranges_max)) {
	case RANGES_COVERED:
		tcp_note_again(t, whole.left, whole.right);
		tcp_note_recent(t, whole.left);
		return TCP_DROP_DUPLICATE;
	case RANGES_FULL:
		return TCP_DROP_OOO_FULL;
	case RANGES_ADDED:
		tcp_note_recent(t, run.left);
		break;
	}
	out->skip = (uint16_t)(run.left - s->seq);
	out->take = (uint16_t)(run.right - run.left);
	out->at = run.left - t->rcv_nxt;
	return TCP_KEPT;
}

/* Seventh: the segment text. */
static enum tcp_drop
input_text(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	tcp_seq left = seq_lt(s->seq, t->rcv_nxt) ? t->rcv_nxt : s->seq;
	tcp_seq right = s->seq + s->payload_len;
	enum tcp_drop cut = TCP_DROP_DUPLICATE;
	if (seq_lt(s->seq, t->rcv_nxt))
		tcp_note_again(t, s->seq, seq_lt(right, t->rcv_nxt) ? right : t->rcv_nxt);
	if (seq_lt(t->rcv_edge, right)) {
		right = t->rcv_edge;
		cut = TCP_DROP_SEQ;
	}
	if ((t->marks & TCP_MARK_FIN_SEEN) && seq_lt(t->rcv_fin, right)) {
		right = t->rcv_fin;
		cut = TCP_DROP_AFTER_FIN;
	}
	if (!seq_lt(left, right)) {
		t->owed |= TCP_OWE_ACK;
		return cut;
	}
	if (left != t->rcv_nxt)
		return input_text_ahead(t, s, (struct range){left, right}, out);
	struct ranges *ooo = t->side != NULL ? &t->side->ooo : NULL;
	bool gap = ooo != NULL && ooo->count > 0;
	if (gap && seq_lt(ooo->at[0].left, right))
		right = ooo->at[0].left; /* T2 */
	out->skip = (uint16_t)(left - s->seq);
	out->take = (uint16_t)(right - left);
	out->ready = out->take + (gap ? ranges_take(ooo, right) : 0);
	t->rcv_nxt += out->ready;
	if (gap || cut != TCP_DROP_DUPLICATE)
		t->owed |= TCP_OWE_ACK; /* RFC 5681 4.2: at once when a gap is filled */
	else
		owe_ack_for_data(t, now_us);
	return TCP_KEPT;
}

/* Eighth: the peer's FIN is the next thing. */
static void
input_fin(struct tcp *t, uint64_t now_us, struct tcp_accept *out)
{
	t->marks &= (uint16_t)~TCP_MARK_FIN_SEEN;
	t->rcv_nxt++;
	if (seq_lt(t->rcv_edge, t->rcv_nxt))
		t->rcv_edge = t->rcv_nxt; /* a FIN takes no room */
	t->owed |= TCP_OWE_ACK;
	out->events |= TCP_EVENT_FIN;
	if (t->state == TCP_ESTABLISHED) {
		tcp_set_state(t, TCP_CLOSE_WAIT);
	} else if (t->state == TCP_FIN_WAIT_1) {
		tcp_set_state(t,
			      TCP_CLOSING); /* had our FIN been acknowledged, it were FIN-WAIT-2 */
	} else {
		DASSERT(t->state == TCP_FIN_WAIT_2);
		tcp_enter_time_wait(t, now_us);
		out->events |= TCP_EVENT_CLOSED;
	}
}

/* Seventh and eighth. */
static enum tcp_drop
input_text_and_fin(struct tcp *t, const struct tcp_segment *s, uint64_t now_us,
		   struct tcp_accept *out)
{
	bool fin = (s->flags & TCP_FIN) != 0;
	if (s->payload_len == 0 && !fin)
		return TCP_KEPT;
	if (t->state < TCP_ESTABLISHED || t->state > TCP_FIN_WAIT_2)
		return TCP_DROP_AFTER_FIN; /* after the peer's FIN, or closed just now */
	if ((t->marks & TCP_MARK_ORPHAN) && seq_lt(t->rcv_nxt, s->seq + s->payload_len)) {
		tcp_seq seq = t->snd_nxt; /* SHLD-3: bytes that nobody will read */
		tcp_finish(t);
		tcp_owe_rst(t, seq, true);
		out->events |= TCP_EVENT_CLOSED;
		return TCP_DROP_CLOSED;
	}
	if (fin)
		note_fin(t, s);
	enum tcp_drop drop = TCP_KEPT;
	if (s->payload_len > 0)
		drop = input_text(t, s, now_us, out);
	else
		t->owed |= TCP_OWE_ACK; /* a FIN ahead of its turn */
	if ((t->marks & TCP_MARK_FIN_SEEN) && t->rcv_fin == t->rcv_nxt) {
		input_fin(t, now_us, out);
		drop = TCP_KEPT;
	}
	return drop;
}

/* SYN-RECEIVED and the peer's SYN once more. With an ACK it completes a simultaneous open (RFC 9293 figure 8): the SYN is
 * taken off and the rest goes through the steps. Without, our SYN-ACK was lost. */
static enum tcp_drop
input_syn_again(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	if ((s->flags & TCP_ACK) == 0) {
		t->owed |= TCP_OWE_SYN;
		return TCP_DROP_DUPLICATE;
	}
	struct tcp_segment plain = *s;
	plain.seq++;
	plain.flags = TCP_ACK;
	plain.payload_len = 0;
	plain.window = (uint16_t)(t->snd_wnd >> t->snd_wscale); /* a SYN's window is not scaled */
	t->owed |= TCP_OWE_ACK;
	return input_ack_syn_received(t, &plain, now_us, out);
}

static enum tcp_drop
input_steps(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	if (t->state == TCP_SYN_RECEIVED && (s->flags & (TCP_SYN | TCP_RST)) == TCP_SYN &&
	    s->seq + 1 == t->rcv_nxt)
		return input_syn_again(t, s, now_us, out);
	enum tcp_drop drop = check_timestamp(t, s, now_us);
	if (drop != TCP_KEPT)
		return drop;
	if (!is_acceptable(t, s))
		return input_unacceptable(t, s, now_us);
	if (s->flags & TCP_RST)
		return input_rst(t, s, now_us, out);
	if (s->flags &
	    TCP_SYN) { /* fourth, RFC 5961 4.2; in SYN-RECEIVED too: nobody can close it blindly */
		challenge(t, now_us);
		return TCP_DROP_SYN_IN_SYNC;
	}
	if ((s->flags & TCP_ACK) == 0)
		return TCP_DROP_NO_ACK;
	t->heard_at_us = now_us;
	keep_timestamp(t, s);
	drop = t->state == TCP_SYN_RECEIVED ? input_ack_syn_received(t, s, now_us, out)
					    : input_ack(t, s, now_us, out);
	if (drop != TCP_KEPT)
		return drop;
	return input_text_and_fin(t, s, now_us, out);
}

enum tcp_drop
tcp_input(struct tcp *t, const struct tcp_segment *s, uint64_t now_us, struct tcp_accept *out)
{
	*out = (struct tcp_accept){0};
	if (__builtin_expect(is_predicted(t, s), 1)) {
		input_predicted(t, s, now_us, out);
		return TCP_KEPT;
	}
	switch ((enum tcp_state)t->state) {
	case TCP_CLOSED:
		return TCP_DROP_CLOSED;
	case TCP_SYN_SENT:
		return input_syn_sent(t, s, now_us, out);
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
	enum tcp_drop drop = input_steps(t, s, now_us, out);
	tcp_side_settle(t);
	return drop;
}
