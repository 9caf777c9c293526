/* proto/inet/tcp_recover.c - losses of ours: found by reports and by time, repaired, and taken back when there were none.
 *
 *     report of bytes beyond a hole --> board begins --> RACK: sent before what has arrived, and late --> lost, sent again
 *     silence                       --> tail probe   --> its ACK or report tells what is missing
 *     longer silence                --> timeout: all is lost
 *
 * RFC 2018, 2883, 6675 (pipe), 6937 (how much to send meanwhile), 8985 (RACK-TLP), 3522 (Eifel). A hole that stands open for a quarter of
 * the least round trip after something behind it has arrived is lost; at once, if three segments have and nothing ever came
 * out of order. Retransmissions that are lost are found the same way, so that few losses wait for the timeout.
 */
#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

#define REORDER_MULT_MAX                                                                           \
	16 /* of a quarter of a round trip; the smoothed round trip ends it sooner */
#define DUPLICATES 3u

static uint32_t
srtt_us(const struct tcp *t)
{
	return t->rtt.srtt_8 / 8;
}

/* ---- duplicates that the peer tells of ---- */

/* RFC 2883 4: the first block tells of bytes below the ACK, or inside the second block. */
static bool
has_again(const struct tcp_segment *s)
{
	const struct tcp_options *o = &s->options;
	if (o->sack_count == 0)
		return false;
	if (seq_le(o->sack[0].right, s->ack))
		return seq_lt(o->sack[0].left, o->sack[0].right);
	return o->sack_count > 1 && seq_le(o->sack[1].left, o->sack[0].left) &&
	       seq_le(o->sack[0].right, o->sack[1].right);
}

static bool
take_back(struct tcp *t)
{
	bool reordered = t->cc.phase == CC_RECOVERY;
	t->marks &= (uint16_t)~TCP_MARK_DOUBT;
	if (!cc_undo(&t->cc))
		return false;
	if (reordered && t->reorder_mult < REORDER_MULT_MAX)
		t->reorder_mult++;
	t->backoff = 0;
	t->owed &= (uint8_t)~TCP_OWE_RETRANSMIT;
	if (tcp_has_board(t))
		board_lose_none(&t->side->board);
	else
		t->send_at = t->snd_nxt;
	return true;
}

bool
tcp_recover_undo(struct tcp *t, const struct tcp_segment *s)
{
	if ((t->marks & TCP_MARK_DOUBT) == 0)
		return false;
	bool early = (t->marks & TCP_MARK_TIMESTAMPS) && s->options.has_timestamp &&
		     ts_lt(s->options.ts_echo, t->doubt_ts);
	if (!early) { /* what was sent again has arrived first: it was needed */
		t->marks &= (uint16_t)~TCP_MARK_DOUBT;
		return false;
	}
	if (t->cc.phase == CC_LOSS)
		t->marks |= TCP_MARK_PEER_SLOW;
	return take_back(t);
}

/* Something that we sent again had arrived. If all of it had, nothing was lost: true. */
static bool
on_again(struct tcp *t, const struct tcp_segment *s)
{
	if (t->marks & TCP_MARK_SACK && t->reorder_mult < REORDER_MULT_MAX)
		t->reorder_mult++; /* RFC 8985 6.2 step 4 */
	if (!tcp_has_board(t))
		return false;
	uint32_t len = s->options.sack[0].right - s->options.sack[0].left;
	struct tcp_side *side = t->side;
	if (side->resent == 0)
		return false;
	side->resent = len < side->resent ? side->resent - len : 0;
	return side->resent == 0 && take_back(t);
}

void
tcp_recover_on_probe_ack(struct tcp *t, const struct tcp_segment *s)
{
	if ((t->marks & TCP_MARK_PROBED) == 0 || seq_lt(s->ack, t->probe_end))
		return;
	bool old = (t->marks & TCP_MARK_PROBE_OLD) != 0;
	bool early = (t->marks & TCP_MARK_TIMESTAMPS) && s->options.has_timestamp &&
		     ts_lt(s->options.ts_echo, t->doubt_ts);
	if (old && (has_again(s) || early)) {
		t->marks |= TCP_MARK_PEER_SLOW; /* the first one had arrived */
	} else if (old && s->ack == t->probe_end && seq_lt(t->snd_una, s->ack)) {
		return; /* RFC 8985 7.4.2: a report of a duplicate may follow */
	} else if (old && seq_lt(t->probe_end, s->ack)) {
		cc_on_probe_loss(&t->cc, t->snd_nxt - t->snd_una);
	}
	t->marks &= (uint16_t) ~(TCP_MARK_PROBED | TCP_MARK_PROBE_OLD);
}

/* ---- the board ---- */

/* Any block above the ACK, and inside what was sent? */
static bool
has_report(const struct tcp *t, const struct tcp_segment *s)
{
	for (unsigned i = 0; i < s->options.sack_count; i++)
		if (seq_lt(s->ack, s->options.sack[i].right) &&
		    seq_le(s->options.sack[i].right, t->snd_nxt))
			return true;
	return false;
}

static bool
begin(struct tcp *t, uint64_t now_us)
{
	if (t->snd_una == t->send_at)
		return false;
	struct tcp_side *side = tcp_side_need(t);
	if (side == NULL)
		return false;
	uint32_t sent_us = (uint32_t)now_us - srtt_us(t);
	board_begin(&side->board, t->snd_una, t->send_at, sent_us);
	side->rack = (struct board_rack){.sent_us = sent_us - 1, .end = t->snd_una};
	side->reorder_at_us = TCP_NEVER;
	side->rto_at_us = now_us + tcp_rto(t);
	side->resent = 0;
	side->recover_flight =
		t->send_at - t->snd_una; /* the loss may have been noticed without a board */
	side->delivered = side->sent = 0;
	t->marks &= (uint16_t)~TCP_MARK_TIMING;
	return true;
}

/* Nothing is missing any more: an ordinary connection again. */
static void
end_if_whole(struct tcp *t)
{
	struct board *b = &t->side->board;
	if (t->cc.phase == CC_OPEN && b->sacked == 0 && b->lost == 0)
		b->count = 0;
}

static void
learn(struct tcp *t, const struct board_news *news)
{
	struct board_rack *rack = &t->side->rack;
	if (!news->dated)
		return;
	if (news->measured) {
		tcp_sample(t, news->now_us - news->sent_us);
		t->backoff = 0;
	}
	int32_t later = (int32_t)(news->sent_us - rack->sent_us);
	if (later < 0 || (later == 0 && seq_lt(news->end, rack->end)))
		return;
	rack->sent_us = news->sent_us;
	rack->end = news->end;
	rack->rtt_us = news->now_us - news->sent_us;
}

static void
enter_recovery(struct tcp *t, uint32_t flight, uint64_t now_us)
{
	struct tcp_side *side = t->side;
	cc_on_loss(&t->cc, flight, t->snd_nxt);
	side->recover_flight = flight;
	side->delivered = side->sent = 0;
	t->cc.cwnd = board_pipe(&side->board) + t->snd_mss;
	t->marks |= TCP_MARK_DOUBT;
	t->doubt_ts = tcp_ts_now(t, now_us);
	t->owed |= TCP_OWE_RETRANSMIT; /* the first goes out whatever the window says */
}

/* RFC 8985 6.2 steps 4 and 5. */
static void
detect(struct tcp *t, uint64_t now_us)
{
	struct tcp_side *side = t->side;
	struct board *b = &side->board;
	bool at_once = t->cc.phase != CC_OPEN || b->sacked >= DUPLICATES * t->snd_mss;
	uint32_t mult = t->reorder_mult > 0 ? t->reorder_mult : 1;
	uint32_t window_us = mult * (t->rtt.min_us / 4), wait_us;
	side->rack.window_us = t->reorder_mult == 0 && at_once ? 0
			       : window_us < srtt_us(t)        ? window_us
							       : srtt_us(t);
	uint32_t flight = t->send_at - t->snd_una;
	uint32_t lost = board_detect(b, &side->rack, (uint32_t)now_us, &wait_us);
	side->reorder_at_us = wait_us > 0 ? now_us + wait_us : TCP_NEVER;
	if (lost > 0 && t->cc.phase == CC_OPEN)
		enter_recovery(t, flight, now_us);
}

/* RFC 6937 3.1: as many bytes leave as ssthresh has of what was in flight, for each that arrives; once there, no burst. */
static void
reduce(struct tcp *t, uint32_t delivered)
{
	struct tcp_side *side = t->side;
	uint32_t pipe = board_pipe(&side->board), limit, more = 0;
	side->delivered += delivered;
	if (pipe > t->cc.ssthresh) {
		uint64_t due =
			((uint64_t)side->delivered * t->cc.ssthresh + side->recover_flight - 1) /
			side->recover_flight;
		more = due > side->sent ? (uint32_t)due - side->sent : 0;
	} else {
		limit = side->delivered > side->sent ? side->delivered - side->sent : 0;
		limit = (limit > delivered ? limit : delivered) + t->snd_mss;
		more = t->cc.ssthresh - pipe < limit ? t->cc.ssthresh - pipe : limit;
	}
	t->cc.cwnd = pipe + more > t->snd_mss ? pipe + more : t->snd_mss;
}

/* What the congestion window makes of it. */
static void
respond(struct tcp *t, const struct board_news *news, uint32_t flight, bool advanced)
{
	if (t->cc.phase == CC_RECOVERY) {
		if (seq_le(t->cc.recover, t->snd_una))
			cc_on_recovered(&t->cc);
		else
			reduce(t, news->delivered);
		return;
	}
	/* RFC 3042: reports alone let new bytes out, but the window does not grow by them; after a timeout it does (RFC 6675 5.1). */
	if (news->delivered > 0 && (advanced || t->cc.phase == CC_LOSS))
		cc_on_ack(&t->cc, t->snd_una, news->delivered, flight, t->snd_nxt);
}

/* With a timestamp the answer tells what it answers (RFC 7323 4.1); without, as much of the backoff goes as was not needed. */
static void
end_backoff(struct tcp *t, const struct tcp_segment *s, uint64_t now_us)
{
	if ((t->marks & TCP_MARK_TIMESTAMPS) && s->options.has_timestamp)
		t->backoff = 0;
	else
		tcp_relax_backoff(t, now_us, t->side->rto_at_us - tcp_rto(t));
}

bool
tcp_recover_on_ack(struct tcp *t, const struct tcp_segment *s, uint64_t now_us,
		   struct tcp_accept *out)
{
	if ((t->marks & TCP_MARK_SACK) == 0)
		return false;
	bool undone = has_again(s) && on_again(t, s);
	if (!tcp_has_board(t) && (!has_report(t, s) || !begin(t, now_us)))
		return false;
	struct board *b = &t->side->board;
	struct board_news news = {.now_us = (uint32_t)now_us, .min_rtt_us = t->rtt.min_us};
	uint32_t flight = board_pipe(b);
	bool advanced = seq_lt(t->snd_una, s->ack);
	if (advanced) {
		tcp_advance(t, s->ack, out);
		if (t->backoff > 0)
			end_backoff(t, s, now_us);
		undone |= tcp_recover_undo(t, s);
		if (undone) /* what was sent again says nothing about when it arrived */
			news.min_rtt_us = UINT32_MAX;
		board_ack(b, s->ack, &news);
	}
	for (unsigned i = 0; i < s->options.sack_count && b->count > 0; i++)
		if (seq_lt(s->ack, s->options.sack[i].right) &&
		    seq_le(s->options.sack[i].right, t->snd_nxt) &&
		    seq_lt(s->options.sack[i].left, s->options.sack[i].right))
			board_sack(b, s->options.sack[i].left, s->options.sack[i].right, &news);
	learn(t, &news);
	if (news.reordered && t->reorder_mult == 0)
		t->reorder_mult = 1;
	detect(t, now_us);
	respond(t, &news, flight, advanced);
	end_if_whole(t);
	tcp_recover_arm(t, now_us, advanced);
	return true;
}

/* ---- sending and time ---- */

void
tcp_recover_on_sent(struct tcp *t, tcp_seq seq, uint32_t len, uint64_t now_us)
{
	struct tcp_side *side = t->side;
	if (seq_lt(seq, board_end(&side->board)))
		side->resent += len;
	side->sent += len;
	board_sent(&side->board, (struct range){seq, seq + len}, (uint32_t)now_us, srtt_us(t) / 8);
}

void
tcp_recover_arm(struct tcp *t, uint64_t now_us, bool restart)
{
	if (t->snd_una == t->snd_nxt) {
		t->retransmit_at_us = TCP_NEVER;
		return;
	}
	if (!tcp_has_board(t)) {
		t->retransmit_at_us = now_us + tcp_patience(t, t->snd_nxt - t->snd_una);
		return;
	}
	struct tcp_side *side = t->side;
	if (restart)
		side->rto_at_us = now_us + tcp_rto(t);
	t->retransmit_at_us =
		side->reorder_at_us < side->rto_at_us ? side->reorder_at_us : side->rto_at_us;
}

void
tcp_recover_on_reorder_timer(struct tcp *t, uint64_t now_us)
{
	detect(t, now_us);
	tcp_recover_arm(t, now_us, false);
}

bool
tcp_recover_on_timeout(struct tcp *t, uint64_t now_us)
{
	if ((t->marks & TCP_MARK_SACK) == 0 || (!tcp_has_board(t) && !begin(t, now_us)))
		return false;
	struct tcp_side *side = t->side;
	board_lose_all(&side->board);
	side->resent = 0;
	side->reorder_at_us = TCP_NEVER;
	return true;
}

/* ---- the path ---- */

/* RFC 1191 7.1: links as they are, for routers that do not say how long a segment may be. */
static uint32_t
plateau_below(uint32_t size)
{
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
	for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < size)
			return plateaus[i];
	return TCP_MTU_FLOOR;
}

bool
tcp_path_mtu(struct tcp *t, uint16_t mtu, tcp_seq seq, uint64_t now_us)
{
	uint32_t headers = IP_TCP_HEADERS + (t->marks & TCP_MARK_TIMESTAMPS ? TCP_TS_SIZE : 0);
	if (t->state < TCP_ESTABLISHED || seq_lt(seq, t->snd_una) || !seq_lt(seq, t->snd_nxt))
		return false;
	uint32_t size = mtu != 0 ? mtu : plateau_below(t->snd_mss + headers);
	size = (size > TCP_MTU_FLOOR ? size : TCP_MTU_FLOOR) - headers;
	if (size >= t->snd_mss)
		return false;
	t->snd_mss = t->cc.mss = (uint16_t)size;
	t->marks &= (uint16_t) ~(TCP_MARK_TIMING | TCP_MARK_PROBED | TCP_MARK_PROBE_OLD);
	if ((t->marks & TCP_MARK_SACK) && (tcp_has_board(t) || begin(t, now_us))) {
		board_lose_all(&t->side->board);
		t->side->resent = 0;
		t->side->reorder_at_us = TCP_NEVER;
	} else {
		t->send_at = t->snd_una;
	}
	tcp_recover_arm(t, now_us, true);
	return true;
}
