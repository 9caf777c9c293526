/* proto/inet/cc.c - NewReno in bytes. CUBIC will sit beside it with the same five functions; a table of
 * function pointers waits until there are two. */
#include "proto/inet/cc.h"

#include "proto/base/assert.h"

static uint32_t
half_flight(const struct cc *cc, uint32_t flight)
{
	uint32_t floor = 2u * cc->mss;
	return flight / 2 > floor ? flight / 2 : floor;
}

void
cc_init(struct cc *cc, uint16_t mss, tcp_seq iss, bool handshake_lost)
{
	*cc = (struct cc){.mss = mss, .recover = iss, .ssthresh = CC_CWND_MAX};
	cc->cwnd = (handshake_lost ? 1u : CC_INITIAL_SEGMENTS) * mss;
}

static void
remember(struct cc *cc)
{
	cc->undo_cwnd = cc->cwnd;
	cc->undo_ssthresh = cc->ssthresh;
}

static void
grow(struct cc *cc, uint32_t acked, uint32_t flight)
{
	/* A window that was not filled proves nothing about the path (RFC 5681 3.1, RFC 7661). */
	bool slow_start = cc->cwnd < cc->ssthresh;
	if (cc->cwnd >= CC_CWND_MAX || flight + cc->mss <= (slow_start ? cc->cwnd / 2 : cc->cwnd))
		return;
	if (slow_start) {
		/* RFC 3465 2.2 and 2.3: two segments per ACK at most, one after a timeout. */
		uint32_t most = (cc->phase == CC_LOSS ? 1u : 2u) * cc->mss;
		cc->cwnd += acked < most ? acked : most;
		return;
	}
	cc->credit += acked;
	if (cc->credit >= cc->cwnd) {
		cc->credit -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

static bool
on_ack_recovering(struct cc *cc, tcp_seq una, uint32_t acked, tcp_seq snd_nxt)
{
	if (seq_le(cc->recover, una)) {
		uint32_t flight = snd_nxt - una;
		uint32_t gentle = (flight > cc->mss ? flight : cc->mss) + cc->mss;
		cc->cwnd = gentle < cc->ssthresh ? gentle : cc->ssthresh; /* no burst at the end */
		cc->phase = CC_OPEN;
		cc->duplicates = 0;
		cc->credit = 0;
		return false;
	}
	/* Partial: deflate by what left the network, and let one segment out. */
	cc->cwnd = cc->cwnd > acked + cc->mss ? cc->cwnd - acked : cc->mss;
	if (acked >= cc->mss)
		cc->cwnd += cc->mss;
	return true;
}

bool
cc_on_ack(struct cc *cc, tcp_seq una, uint32_t acked, uint32_t flight, tcp_seq snd_nxt)
{
	if (cc->phase == CC_RECOVERY)
		return on_ack_recovering(cc, una, acked, snd_nxt);
	cc->duplicates = 0;
	grow(cc, acked, flight);
	if (cc->phase == CC_LOSS && seq_le(cc->recover, una))
		cc->phase = CC_OPEN;
	DASSERT(cc->cwnd >= cc->mss);
	return false;
}

bool
cc_on_duplicate(struct cc *cc, tcp_seq una, tcp_seq snd_nxt)
{
	if (cc->phase == CC_RECOVERY) {
		if (cc->cwnd < CC_CWND_MAX)
			cc->cwnd += cc->mss;
		return false;
	}
	/* RFC 6582 3.2 step 2: duplicates of what a timeout has sent again are no news. */
	if (cc->phase == CC_LOSS || !seq_lt(cc->recover, una) || cc->duplicates >= CC_DUPLICATES)
		return false;
	if (++cc->duplicates < CC_DUPLICATES)
		return false;
	remember(cc);
	cc->ssthresh = half_flight(cc, snd_nxt - una);
	cc->cwnd = cc->ssthresh + CC_DUPLICATES * cc->mss;
	cc->recover = snd_nxt;
	cc->phase = CC_RECOVERY;
	return true;
}

void
cc_on_timeout(struct cc *cc, tcp_seq una, tcp_seq snd_nxt, bool again)
{
	if (!again) {
		/* What recovery had halved was for good: only this timeout may be taken back. */
		remember(cc);
		cc->ssthresh = half_flight(cc, snd_nxt - una);
	}
	cc->cwnd = cc->mss;
	cc->recover = snd_nxt;
	cc->phase = CC_LOSS;
	cc->duplicates = 0;
	cc->credit = 0;
}

void
cc_on_loss(struct cc *cc, uint32_t flight, tcp_seq snd_nxt)
{
	remember(cc);
	cc->ssthresh = half_flight(cc, flight);
	cc->recover = snd_nxt;
	cc->phase = CC_RECOVERY;
	cc->duplicates = 0;
	cc->credit = 0;
}

void
cc_on_recovered(struct cc *cc)
{
	cc->cwnd = cc->ssthresh;
	cc->phase = CC_OPEN;
	cc->duplicates = 0;
	cc->credit = 0;
}

void
cc_on_probe_loss(struct cc *cc, uint32_t flight)
{
	cc->ssthresh = half_flight(cc, flight);
	if (cc->cwnd > cc->ssthresh)
		cc->cwnd = cc->ssthresh;
	cc->credit = 0;
}

bool
cc_undo(struct cc *cc)
{
	if (cc->undo_cwnd == 0)
		return false;
	if (cc->cwnd < cc->undo_cwnd)
		cc->cwnd = cc->undo_cwnd;
	cc->ssthresh = cc->undo_ssthresh;
	cc->phase = CC_OPEN;
	cc->duplicates = 0;
	cc->undo_cwnd = 0;
	return true;
}
