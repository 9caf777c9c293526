/* proto/inet/rtt.h - how long a round trip takes, and how long to wait for one (RFC 6298), in microseconds.
 *
 * Karn's rule is the caller's: no sample from a segment that was sent twice. The clock's granularity is a
 * tick of the timer wheel.
 */
#pragma once
#include <stdint.h>

#define RTT_GRANULARITY_US 128u

struct rtt {
	uint32_t srtt_8;   /* smoothed round trip, times 8; 0: nothing measured yet */
	uint32_t rttvar_4; /* its mean deviation, times 4 */
	uint32_t min_us;   /* the least of late; grows slowly where the path does */
	uint32_t
		pto_us; /* when a silence is worth a probe, unless the peer delays ACKs (RFC 8985 7.2) */
	uint32_t rto_us; /* what follows from them, between the limits given; not backed off */
};

void rtt_init(struct rtt *rtt, uint32_t rto_us);
/* RFC 6298 2.2 and 2.3, with alpha 1/8 and beta 1/4. */
void rtt_sample(struct rtt *rtt, uint64_t sample_us, uint32_t rto_min_us, uint32_t rto_max_us);
