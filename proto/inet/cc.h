/* proto/inet/cc.h - how much may be in flight: slow start, congestion avoidance, NewReno recovery.
 *
 *              third duplicate ACK                     ACK of recover
 *     OPEN ------------------------> RECOVERY ---------------------------> OPEN
 *       |                               |
 *       '------- retransmit timer ------+-----> LOSS --ACK of recover----> OPEN
 *
 * RFC 5681, 6582 (NewReno), 3042 (limited transmit), 6928 (ten segments to begin with), 3465 (growth by bytes
 * acknowledged, so that dividing ACKs gains nothing). No reset after idle: clients are bursty (spec 2.3).
 *
 * C1  cwnd is never below one segment. C2  ssthresh is never below two.
 * It decides; what is sent again is the caller's doing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/tcp.h"

#define CC_INITIAL_SEGMENTS 10
#define CC_DUPLICATES       3 /* duplicate ACKs that mean a loss */
#define CC_CWND_MAX         (1u << 30)

enum cc_phase { CC_OPEN, CC_RECOVERY, CC_LOSS };

struct cc {
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t credit; /* bytes acknowledged since cwnd last grew in congestion avoidance */
	tcp_seq recover; /* SND.NXT when the loss was noticed; what lies before it is one event */
	uint8_t phase;   /* enum cc_phase */
	uint8_t duplicates;
	uint16_t mss;
	uint32_t undo_cwnd, undo_ssthresh; /* before the loss was noticed; 0: no way back */
};

/* handshake_lost: the SYN or its answer had to be repeated more than once (RFC 6928 2). */
void cc_init(struct cc *cc, uint16_t mss, tcp_seq iss, bool handshake_lost);
/* SND.UNA has advanced to una by acked bytes; flight: outstanding before that, snd_nxt: SND.NXT. True: send the first
 * unacknowledged segment again (RFC 6582 3.2, partial acknowledgement). */
bool cc_on_ack(struct cc *cc, tcp_seq una, uint32_t acked, uint32_t flight, tcp_seq snd_nxt);
/* True: send the first unacknowledged segment again (fast retransmit). */
bool cc_on_duplicate(struct cc *cc, tcp_seq una, tcp_seq snd_nxt);
/* again: the timer has expired before for the same SND.UNA. */
void cc_on_timeout(struct cc *cc, tcp_seq una, tcp_seq snd_nxt, bool again);
/* Losses found by reports (RFC 6675, 8985): flight: bytes in the network when they were noticed. cwnd is the caller's until recover is
 * acknowledged; it begins at what is in flight. */
void cc_on_loss(struct cc *cc, uint32_t flight, tcp_seq snd_nxt);
/* recover is acknowledged: the window that was decided on. */
void cc_on_recovered(struct cc *cc);
/* A probe has repaired a loss (RFC 8985 7.4.2): the window shrinks as for any loss, at once. */
void cc_on_probe_loss(struct cc *cc, uint32_t flight);
/* It was no loss (RFC 3522, 2883): as if nothing had been noticed. False: nothing to take back. */
bool cc_undo(struct cc *cc);
/* What may be in flight now. */
static inline uint32_t
cc_window(const struct cc *cc)
{
	/* RFC 3042: the first two duplicates each let a new segment out. */
	uint32_t extra = cc->phase == CC_OPEN ? (uint32_t)cc->duplicates * cc->mss : 0;
	return cc->cwnd + extra;
}
