/* proto/inet/tcp_timer.c - what becomes due: retransmission, window probes, delayed ACKs, keepalive, the waits of closing.
 *
 * Three deadlines per connection. Retransmission and window probing share one, because only one of them can be needed:
 * with bytes in flight it is the retransmit timer, without it is the persist timer (RFC 9293 3.8.6.1). Keepalive looks back at
 * heard_at_us when it fires, so that an arriving segment stores a time and moves no timer.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

static void
give_up(struct tcp *t, uint8_t *events)
{
	tcp_finish(t);
	*events |= TCP_EVENT_TIMEOUT;
}

static void
on_retransmit(struct tcp *t, uint64_t now_us, uint8_t *events)
{
	bool opening = t->state < TCP_ESTABLISHED;
	if (t->retries >= (opening ? t->config->syn_retries : t->config->retries)) { /* MUST-20 */
		give_up(t, events);
		return;
	}
	t->retries++;
	if (t->backoff < TCP_BACKOFF_MAX)
		t->backoff++;
	t->marks &= (uint8_t)~TCP_MARK_TIMING; /* Karn, MUST-18 */
	if (opening) {
		t->owed |= TCP_OWE_SYN;
	} else if (t->send_at == t->snd_una) {
		t->owed |= TCP_OWE_PROBE; /* MUST-36, SHLD-29, SHLD-30 */
	} else {
		cc_on_timeout(&t->cc, t->snd_una, t->snd_nxt, t->retries > 1);
		t->send_at = t->snd_una;
		t->owed &= (uint8_t)~TCP_OWE_RETRANSMIT;
		if (t->snd_wnd == 0)
			t->owed |= TCP_OWE_PROBE; /* the peer took its window back: MUST-34 */
	}
	t->retransmit_at_us = now_us + tcp_rto(t);
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
