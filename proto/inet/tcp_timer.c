/* proto/inet/tcp_timer.c - what becomes due: retransmission, window probes, delayed ACKs, keepalive, the waits of closing.
 *
 * Three deadlines per connection. Retransmission and window probing share one, because only one of them can be needed:
 * with bytes in flight it is the retransmit timer, without it is the persist timer (RFC 9293 3.8.6.1). Keepalive looks back at
 * heard_at_us when it fires, so that an arriving segment stores a time and moves no timer.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

/* An ACK after a timeout, and nothing measured. RFC 6298 5 keeps the backoff until there is a measurement; where losses are many none
 * comes for long, and one loss more means a minute of silence. So as much of the backoff goes as twice the time that this answer
 * took does not need. Only an ACK sooner than half a round trip may answer the first transmission: the timer was too short (Karn) and
 * the backoff stays, as long as it is small; a packet that turns up after many timeouts is not what we measure. */
void
tcp_relax_backoff(struct tcp *t, uint64_t now_us, uint64_t armed_at_us)
{
	uint64_t took_us = now_us - armed_at_us;
	if (took_us < t->rtt.srtt_8 / 16 && t->backoff <= TCP_BACKOFF_DOUBTED)
		return;
	while (t->backoff > 0 && (uint64_t)t->rtt.rto_us << (t->backoff - 1) >= 2 * took_us)
		t->backoff--;
}

static void
give_up(struct tcp *t, uint8_t *events)
{
	tcp_finish(t);
	*events |= TCP_EVENT_TIMEOUT;
}

/* What the retransmit timer means while nothing has timed out yet. True: not a timeout. */
static bool
on_shorter_timer(struct tcp *t, uint64_t now_us)
{
	if (tcp_has_board(t)) {
		if (now_us >= t->side->reorder_at_us)
			tcp_recover_on_reorder_timer(t, now_us);
		t->retransmit_at_us = t->side->rto_at_us < t->side->reorder_at_us
					      ? t->side->rto_at_us
					      : t->side->reorder_at_us;
		return now_us < t->side->rto_at_us;
	}
	bool in_flight = t->state >= TCP_ESTABLISHED && t->send_at != t->snd_una &&
			 t->send_at == t->snd_nxt && t->snd_wnd > 0;
	if (!in_flight || !tcp_may_probe(t))
		return false;
	t->owed |= TCP_OWE_TAIL_PROBE;
	t->marks |= TCP_MARK_PROBED;
	t->probe_end = t->snd_nxt;
	t->retransmit_at_us = now_us + tcp_rto(t);
	return true;
}

static void
on_retransmit(struct tcp *t, uint64_t now_us, uint8_t *events)
{
	if (on_shorter_timer(t, now_us))
		return;
	bool opening = t->state < TCP_ESTABLISHED;
	if (t->retries >= (opening ? t->config->syn_retries : t->config->retries)) { /* MUST-20 */
		give_up(t, events);
		return;
	}
	t->retries++;
	if (t->backoff < TCP_BACKOFF_MAX)
		t->backoff++;
	/* Karn, MUST-18 */
	t->marks &= (uint16_t) ~(TCP_MARK_TIMING | TCP_MARK_PROBED | TCP_MARK_PROBE_OLD);
	t->owed &= (uint8_t)~TCP_OWE_TAIL_PROBE;
	if (opening) {
		t->owed |= TCP_OWE_SYN;
	} else if (t->send_at == t->snd_una) {
		t->owed |= TCP_OWE_PROBE; /* MUST-36, SHLD-29, SHLD-30 */
	} else {
		bool again = t->cc.phase == CC_LOSS && t->retries > 1;
		cc_on_timeout(&t->cc, t->snd_una, t->snd_nxt, again);
		t->owed &= (uint8_t)~TCP_OWE_RETRANSMIT;
		if (!again) {
			t->marks |= TCP_MARK_DOUBT;
			t->doubt_ts = tcp_ts_now(t, now_us);
		}
		if (!tcp_recover_on_timeout(t, now_us))
			t->send_at = t->snd_una;
		if (t->snd_wnd == 0)
			t->owed |= TCP_OWE_PROBE; /* the peer took its window back: MUST-34 */
	}
	t->retransmit_at_us = now_us + tcp_rto(t);
	if (tcp_has_board(t))
		t->side->rto_at_us = t->retransmit_at_us;
}

static void
on_keepalive(struct tcp *t, uint64_t now_us, uint8_t *events)
{
	const struct tcp_config *config = t->config;
	/* The last probe left one interval before this deadline. */
	if (t->probes > 0 && t->heard_at_us + config->keepalive_interval_us >= t->life_at_us)
		t->probes = 0;
	uint64_t idle_at = t->heard_at_us + config->keepalive_us;
	if (t->probes == 0 && now_us < idle_at) {
		t->life_at_us = idle_at;
	} else if (t->retransmit_at_us != TCP_NEVER) {
		t->life_at_us = now_us + config->keepalive_us; /* MUST-26: not while data waits */
	} else if (t->probes >= config->keepalive_probes) {
		give_up(t, events);
	} else {
		t->probes++;
		t->owed |= TCP_OWE_KEEPALIVE;
		t->life_at_us = now_us + config->keepalive_interval_us;
	}
}

static void
on_life(struct tcp *t, uint64_t now_us, uint8_t *events)
{
	if (t->state == TCP_TIME_WAIT) {
		tcp_finish(t);
		*events |= TCP_EVENT_CLOSED;
	} else if (t->state == TCP_FIN_WAIT_2 && (t->marks & TCP_MARK_ORPHAN)) {
		give_up(t, events);
	} else {
		on_keepalive(t, now_us, events);
	}
}

void
tcp_on_timers(struct tcp *t, uint64_t now_us, uint8_t *events)
{
	if (now_us >= t->ack_at_us) {
		t->ack_at_us = TCP_NEVER;
		t->owed = (uint8_t)((t->owed & ~TCP_OWE_ACK_LATER) | TCP_OWE_ACK);
	}
	if (now_us >= t->retransmit_at_us)
		on_retransmit(t, now_us, events);
	if (now_us >= t->life_at_us)
		on_life(t, now_us, events);
}

uint64_t
tcp_next_at(const struct tcp *t)
{
	uint64_t at = t->retransmit_at_us < t->ack_at_us ? t->retransmit_at_us : t->ack_at_us;
	return at < t->life_at_us ? at : t->life_at_us;
}
