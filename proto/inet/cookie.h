/* proto/inet/cookie.h - answering a SYN without remembering it (RFC 4987 3.6), for when half-open connections are too many.
 *
 *     SYN --> cookie_answer()  SYN-ACK whose sequence number is the cookie; options are kept in its timestamp
 *     ACK --> cookie_check()   the SYN as it was, as far as it matters; or why it is no answer to one of ours
 *
 *      31  30 29    27 26                               0         5    4    3          0
 *     | count | mss   |   keyed hash of everything else  |      ... | 0 | SACK | wscale  |   our timestamp, low bits
 *
 * count is time in units of COOKIE_TICK_US: a cookie holds for one to two of them. Without timestamps a connection from a cookie has
 * neither window scale nor SACK, as there is nowhere to keep them. A function of its arguments: any lcore with the same secret may check
 * what another has answered.
 */
#pragma once
#include <stdint.h>

#include "proto/inet/tcp.h"

#define COOKIE_TICK_US 64000000ull

struct cookie_flow { /* host order */
	uint32_t local, remote;
	uint16_t local_port, remote_port;
};

struct cookie_secret {
	uint64_t key[2];    /* drawn at start */
	uint32_t ts_offset; /* of this flow's timestamps: isn_ts_offset() */
};

enum cookie_verdict {
	COOKIE_GOOD,
	COOKIE_STALE,  /* one of ours, too old */
	COOKIE_FORGED, /* not one of ours */
	COOKIE_VERDICT_COUNT,
};

void cookie_answer(const struct cookie_secret *secret, const struct cookie_flow *flow,
		   const struct tcp_config *config, const struct tcp_segment *syn, uint64_t now_us,
		   struct tcp_segment *answer);
/* COOKIE_GOOD: *syn and the initial sequence number ack->ack - 1 open the connection (tcp_open_passive()); then ack is its first segment. */
enum cookie_verdict cookie_check(const struct cookie_secret *secret, const struct cookie_flow *flow,
				 const struct tcp_segment *ack, uint64_t now_us,
				 struct tcp_segment *syn);
