/* proto/inet/tcp_time_wait.c - segments that belong to nobody, or to a connection that is over. */
#include "proto/base/assert.h"
#include "proto/inet/tcp_state.h"

/* Sequence numbers a segment takes up. */
static uint32_t
length_of(const struct tcp_segment *s)
{
	return s->payload_len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

static struct tcp_segment
bare(tcp_seq seq, tcp_seq ack, uint8_t flags)
{
	struct tcp_segment s = {.seq = seq, .ack = ack, .flags = flags};
	s.options.wscale = TCP_WSCALE_ABSENT;
	return s;
}

bool
tcp_reset_for(const struct tcp_segment *s, struct tcp_segment *reset)
{
	if (s->flags & TCP_RST)
		return false;
	if (s->flags & TCP_ACK)
		*reset = bare(s->ack, 0, TCP_RST);
	else
		*reset = bare(0, s->seq + length_of(s), TCP_RST | TCP_ACK);
	return true;
}

void
tcp_time_wait_from(const struct tcp *t, uint64_t now_us, struct tcp_time_wait *out)
{
	ASSERT(t->state == TCP_TIME_WAIT);
	uint32_t window = (t->rcv_edge - t->rcv_nxt) >> t->rcv_wscale;
	*out = (struct tcp_time_wait){
		.snd_nxt = t->snd_nxt,
		.rcv_nxt = t->rcv_nxt,
		.ts_recent = t->ts_recent,
		.ts_offset = t->ts_offset,
		.timestamps = (t->marks & TCP_MARK_TIMESTAMPS) != 0,
		.window = (uint16_t)(window < TCP_WINDOW_UNSCALED ? window : TCP_WINDOW_UNSCALED),
		.until_us = now_us + t->config->time_wait_us,
	};
}

/* MAY-2, RFC 6191 2: a SYN that was sent after all that went before, by its timestamp where both have one, by its number otherwise. */
static bool
may_reopen(const struct tcp_time_wait *w, const struct tcp_segment *s)
{
	bool above = seq_le(w->rcv_nxt, s->seq);
	if (!w->timestamps || !s->options.has_timestamp)
		return above;
	int32_t later = (int32_t)(s->options.ts_value - w->ts_recent);
	return later > 0 || (later == 0 && above);
}

enum tcp_time_wait_answer
tcp_time_wait_input(struct tcp_time_wait *w, const struct tcp_config *config,
		    const struct tcp_segment *s, uint64_t now_us, struct tcp_segment *reply)
{
	if (now_us >= w->until_us)
		return TCP_TIME_WAIT_END;
	/* RFC 1337: an old duplicate may draw a RST from the peer that looks perfect. */
	if (s->flags & TCP_RST)
		return TCP_TIME_WAIT_DROP;
	if ((s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && may_reopen(w, s))
		return TCP_TIME_WAIT_REOPEN;
	uint32_t len = length_of(s);
	/* Without length it may be an ACK of an ACK: two such ends would talk for ever. */
	if (len == 0 || (s->flags & (TCP_SYN | TCP_ACK)) == 0)
		return TCP_TIME_WAIT_DROP;
	if ((s->flags & (TCP_FIN | TCP_SYN)) == TCP_FIN && s->seq + len == w->rcv_nxt)
		w->until_us = now_us + config->time_wait_us; /* the FIN again: 2 MSL from here */
	*reply = bare(w->snd_nxt, w->rcv_nxt, TCP_ACK);
	reply->window = w->window;
	reply->options.has_timestamp = w->timestamps;
	reply->options.ts_value = (uint32_t)(now_us / 1000) + w->ts_offset;
	reply->options.ts_echo = w->ts_recent;
	return TCP_TIME_WAIT_ACK;
}
