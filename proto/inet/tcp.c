/* proto/inet/tcp.c - a connection's life: its states, how it opens, what its user may ask for, what must always hold.
 *
 * Segments in are tcp_input.c, segments out tcp_output.c, time tcp_timer.c. The state changes at the call that asks for it
 * (CLOSE enters FIN-WAIT-1 at once, RFC 9293 3.10.4), the FIN follows when the queue has been sent.
 */
#include "proto/inet/tcp.h"

#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

#define MOVE(state) (1u << (state))

/* RFC 9293 figure 5. Every state may fall to CLOSED. */
static const uint16_t moves[TCP_STATE_COUNT] = {
	[TCP_CLOSED] = MOVE(TCP_SYN_SENT) | MOVE(TCP_SYN_RECEIVED),
	[TCP_SYN_SENT] = MOVE(TCP_SYN_RECEIVED) | MOVE(TCP_ESTABLISHED),
	[TCP_SYN_RECEIVED] = MOVE(TCP_ESTABLISHED),
	[TCP_ESTABLISHED] = MOVE(TCP_FIN_WAIT_1) | MOVE(TCP_CLOSE_WAIT),
	[TCP_FIN_WAIT_1] = MOVE(TCP_FIN_WAIT_2) | MOVE(TCP_CLOSING) | MOVE(TCP_TIME_WAIT),
	[TCP_FIN_WAIT_2] = MOVE(TCP_TIME_WAIT),
	[TCP_CLOSE_WAIT] = MOVE(TCP_LAST_ACK),
	[TCP_CLOSING] = MOVE(TCP_TIME_WAIT),
	[TCP_LAST_ACK] = 0,
	[TCP_TIME_WAIT] = 0,
};

void
tcp_set_state(struct tcp *t, enum tcp_state state)
{
	ASSERT(state == TCP_CLOSED || (moves[t->state] & MOVE(state)) != 0);
	t->state = (uint8_t)state;
}

void
tcp_finish(struct tcp *t)
{
	tcp_set_state(t, TCP_CLOSED);
	t->retransmit_at_us = t->ack_at_us = t->life_at_us = TCP_NEVER;
	t->owed = 0;
	t->dup_acks = 0;
	tcp_side_drop(t);
	t->snd_una = t->send_at = t->snd_nxt;
}

void
tcp_enter_time_wait(struct tcp *t, uint64_t now_us)
{
	tcp_side_drop(t);
	tcp_set_state(t, TCP_TIME_WAIT);
	t->life_at_us = now_us + t->config->time_wait_us;
}

void
tcp_enter_fin_wait_2(struct tcp *t, uint64_t now_us)
{
	tcp_set_state(t, TCP_FIN_WAIT_2);
	if (t->marks & TCP_MARK_ORPHAN)
		t->life_at_us = now_us + t->config->fin_wait_2_us;
}

void
tcp_enter_established(struct tcp *t, uint64_t now_us)
{
	bool repeated = t->retries > 0;
	cc_init(&t->cc, t->snd_mss, t->iss, t->retries > 1);
	/* RFC 6298 5.7: the SYN was lost, so a second may be too short a wait. */
	if (repeated && t->rtt.srtt_8 == 0)
		rtt_init(&t->rtt, 3 * t->rtt.rto_us);
	t->retries = t->backoff = 0;
	t->retransmit_at_us = TCP_NEVER;
	if (t->config->keepalive_us != 0)
		t->life_at_us = now_us + t->config->keepalive_us;
	tcp_set_state(t, TCP_ESTABLISHED);
	if (t->marks & TCP_MARK_CLOSING)
		tcp_set_state(t, TCP_FIN_WAIT_1);
}

/* ---- opening ---- */

static void
set_up(struct tcp *t, const struct tcp_config *config, tcp_seq iss, uint64_t now_us)
{
	*t = (struct tcp){
		.state = TCP_CLOSED,
		.config = config,
		.iss = iss,
		.snd_una = iss,
		.snd_nxt = iss + 1,
		.send_at = iss + 1,
		.owed = TCP_OWE_SYN,
		.retransmit_at_us = TCP_NEVER,
		.ack_at_us = TCP_NEVER,
		.life_at_us = TCP_NEVER,
		.heard_at_us = now_us,
		.snd_mss = config->mss < TCP_MSS_DEFAULT ? config->mss : TCP_MSS_DEFAULT,
	};
	if (t->snd_mss < TCP_MSS_FLOOR)
		t->snd_mss = TCP_MSS_FLOOR;
	cc_init(&t->cc, t->snd_mss, iss, false);
	rtt_init(&t->rtt, (uint32_t)config->rto_initial_us);
}

void
tcp_learn_syn(struct tcp *t, const struct tcp_segment *syn)
{
	const struct tcp_config *config = t->config;
	uint32_t mss = syn->options.mss != 0 ? syn->options.mss : TCP_MSS_DEFAULT;
	if (mss > config->mss) /* MUST-16: nor more than our own link takes */
		mss = config->mss;
	if (config->timestamps && syn->options.has_timestamp) {
		t->marks |= TCP_MARK_TIMESTAMPS;
		t->ts_recent = syn->options.ts_value;
		mss -= mss > TCP_TS_SIZE ? TCP_TS_SIZE : 0; /* MUST-16: options come off it */
	}
	if (config->sack && syn->options.sack_permitted)
		t->marks |= TCP_MARK_SACK;
	t->snd_mss = (uint16_t)(mss < TCP_MSS_FLOOR ? TCP_MSS_FLOOR : mss);
	t->cc.mss = t->snd_mss;
	if (syn->options.wscale != TCP_WSCALE_ABSENT) {
		uint8_t shift = syn->options.wscale;
		t->marks |= TCP_MARK_SCALED;
		t->snd_wscale = shift < TCP_WSCALE_MAX ? shift : TCP_WSCALE_MAX; /* RFC 7323 2.3 */
		t->rcv_wscale = config->wscale;
	}
	uint32_t room = config->rcv_buffer;
	t->rcv_nxt = t->acked_to = syn->seq + 1;
	t->rcv_edge = t->rcv_nxt + (room < TCP_WINDOW_UNSCALED ? room : TCP_WINDOW_UNSCALED);
	t->snd_wnd = t->snd_wnd_max = syn->window;
	t->snd_wl1 = syn->seq;
	t->snd_wl2 = syn->flags & TCP_ACK ? syn->ack : t->iss;
}

void
tcp_open_passive(struct tcp *t, const struct tcp_config *config, const struct tcp_segment *syn,
		 tcp_seq iss, uint64_t now_us)
{
	ASSERT((syn->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN);
	set_up(t, config, iss, now_us);
	t->marks |= TCP_MARK_PASSIVE;
	tcp_learn_syn(t, syn);
	tcp_set_state(t, TCP_SYN_RECEIVED);
}

void
tcp_open_active(struct tcp *t, const struct tcp_config *config, tcp_seq iss, uint64_t now_us)
{
	set_up(t, config, iss, now_us);
	tcp_set_state(t, TCP_SYN_SENT);
}

void
tcp_set_ts_offset(struct tcp *t, uint32_t offset)
{
	t->ts_offset = offset;
}

/* ---- closing ---- */

void
tcp_close(struct tcp *t, uint64_t now_us)
{
	(void)now_us;
	switch ((enum tcp_state)t->state) {
	case TCP_SYN_RECEIVED: /* moves on when the handshake is complete */
		t->marks |= TCP_MARK_CLOSING;
		break;
	case TCP_ESTABLISHED:
		t->marks |= TCP_MARK_CLOSING;
		tcp_set_state(t, TCP_FIN_WAIT_1);
		break;
	case TCP_CLOSE_WAIT:
		t->marks |= TCP_MARK_CLOSING;
		tcp_set_state(t, TCP_LAST_ACK);
		break;
	case TCP_CLOSED:
	case TCP_SYN_SENT:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
}

void
tcp_orphan(struct tcp *t, uint64_t now_us)
{
	if (t->state == TCP_CLOSED || t->state == TCP_TIME_WAIT)
		return;
	if (t->state == TCP_SYN_SENT) { /* RFC 9293 3.10.4: nothing to tell anybody */
		tcp_finish(t);
		return;
	}
	tcp_close(t, now_us);
	t->marks |= TCP_MARK_ORPHAN;
	if (t->state == TCP_FIN_WAIT_2)
		t->life_at_us = now_us + t->config->fin_wait_2_us;
}

void
tcp_abort(struct tcp *t)
{
	enum tcp_state state = t->state;
	if (state == TCP_CLOSED)
		return;
	tcp_finish(t);
	if (state == TCP_SYN_RECEIVED || state == TCP_ESTABLISHED || state == TCP_FIN_WAIT_1 ||
	    state == TCP_FIN_WAIT_2 || state == TCP_CLOSE_WAIT)
		tcp_owe_rst(t, t->snd_nxt, true);
}

/* ---- reading ---- */

/* The least an advertisement may grow by (RFC 9293 3.8.6.2.2). */
static uint32_t
edge_step(const struct tcp *t)
{
	uint32_t half = t->config->rcv_buffer / 2;
	return half < t->config->mss ? half : t->config->mss;
}

tcp_seq
tcp_edge_wanted(const struct tcp *t)
{
	uint32_t buffer = t->config->rcv_buffer;
	uint32_t room = t->unread < buffer ? buffer - t->unread : 0;
	uint32_t most = TCP_WINDOW_UNSCALED << t->rcv_wscale;
	tcp_seq edge = t->rcv_nxt + (room < most ? room : most);
	return seq_le(t->rcv_edge + edge_step(t), edge) ? edge : t->rcv_edge;
}

void
tcp_set_unread(struct tcp *t, uint32_t unread)
{
	bool was_read = unread < t->unread;
	t->unread = unread;
	/* Bytes read in the round they came in travel with their ACK. After the peer's FIN nothing comes. */
	if (!was_read || t->state < TCP_ESTABLISHED || t->state > TCP_FIN_WAIT_2)
		return;
	uint32_t gain = tcp_edge_wanted(t) - t->rcv_edge;
	if (gain == 0)
		return;
	/* Worth a segment of its own if the peer may be waiting for it. */
	uint32_t known = t->rcv_edge - t->rcv_nxt;
	if (gain >= t->config->rcv_buffer / 4 || known < 2u * t->config->mss)
		t->owed |= TCP_OWE_ACK;
}

/* ---- checking ---- */

static void
check_timers(const struct tcp *t)
{
	if (t->snd_una != t->snd_nxt)
		ASSERT(t->retransmit_at_us != TCP_NEVER || (t->owed & TCP_OWE_SYN)); /* S4 */
	ASSERT(((t->owed & TCP_OWE_ACK_LATER) != 0) == (t->ack_at_us != TCP_NEVER)); /* S5 */
	if (t->state == TCP_CLOSED) {                                                /* S7 */
		ASSERT(t->retransmit_at_us == TCP_NEVER);
		ASSERT(t->ack_at_us == TCP_NEVER);
		ASSERT(t->life_at_us == TCP_NEVER);
		ASSERT((t->owed & ~TCP_OWE_RST) == 0);
	}
}

static void
check_side(const struct tcp *t)
{
	const struct tcp_side *side = t->side;
	if (side == NULL)
		return;
	ASSERT(t->state != TCP_CLOSED && t->state != TCP_TIME_WAIT); /* S9 */
	ranges_check(&side->ooo, t->rcv_nxt, t->rcv_edge);           /* S3 */
	if (side->board.count == 0)
		return;
	board_check(&side->board);
	ASSERT(side->board.una == t->snd_una);
	ASSERT(board_end(&side->board) == t->send_at);
}

void
tcp_check(const struct tcp *t)
{
	ASSERT(t->state < TCP_STATE_COUNT);
	ASSERT(seq_le(t->snd_una, t->send_at)); /* S1 */
	ASSERT(seq_le(t->send_at, t->snd_nxt));
	ASSERT(seq_le(t->rcv_nxt, t->rcv_edge)); /* S2 */
	check_timers(t);
	check_side(t);
	if (t->marks & TCP_MARK_FIN_SENT) /* S6 */
		ASSERT(t->marks & TCP_MARK_CLOSING);
	if (t->marks & TCP_MARK_FIN_SEEN)
		ASSERT(seq_lt(t->rcv_nxt, t->rcv_fin) || t->state == TCP_CLOSED);
	ASSERT(t->snd_mss >= TCP_MSS_FLOOR); /* S8 */
	ASSERT(t->cc.cwnd >= t->cc.mss);
	ASSERT(t->cc.mss == t->snd_mss);
	ASSERT(t->backoff <= TCP_BACKOFF_MAX);
	ASSERT(t->dup_acks <= TCP_DUP_ACKS_MAX);
}
