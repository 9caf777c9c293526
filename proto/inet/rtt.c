/* proto/inet/rtt.c - Jacobson's estimator in fixed point: the scaled values are kept, so that the
 * shifts lose nothing from one sample to the next. */
#include "proto/inet/rtt.h"

#include "proto/base/assert.h"

#define MIN_MEMORY    256       /* samples after which a longer path is believed */
#define SAMPLE_MAX_US 60000000u /* times 8 still fits in 32 bits */

void
rtt_init(struct rtt *rtt, uint32_t rto_us)
{
	*rtt = (struct rtt){.rto_us = rto_us};
}

void
rtt_sample(struct rtt *rtt, uint64_t sample_us, uint32_t rto_min_us, uint32_t rto_max_us)
{
	DASSERT(rto_min_us <= rto_max_us);
	uint32_t sample = sample_us < SAMPLE_MAX_US ? (uint32_t)sample_us : SAMPLE_MAX_US;
	if (rtt->srtt_8 == 0) {
		rtt->min_us = sample;
		rtt->srtt_8 = sample * 8;
		rtt->rttvar_4 = sample * 2;
		if (rtt->srtt_8 == 0)
			rtt->srtt_8 = 1; /* less than a microsecond is still a measurement */
	} else {
		uint32_t smoothed = rtt->srtt_8 / 8;
		uint32_t deviation = smoothed > sample ? smoothed - sample : sample - smoothed;
		rtt->rttvar_4 = rtt->rttvar_4 - rtt->rttvar_4 / 4 + deviation;
		rtt->srtt_8 = rtt->srtt_8 - smoothed + sample;
	}
	rtt->min_us =
		sample < rtt->min_us ? sample : rtt->min_us + (sample - rtt->min_us) / MIN_MEMORY;
	uint32_t margin = rtt->rttvar_4 > RTT_GRANULARITY_US ? rtt->rttvar_4 : RTT_GRANULARITY_US;
	/* Twice the round trip, and what it varies by: where round trips are shorter than a tick, twice is soon. */
	rtt->pto_us = rtt->srtt_8 / 4 + margin;
	uint32_t rto = rtt->srtt_8 / 8 + margin;
	rtt->rto_us = rto < rto_min_us ? rto_min_us : rto > rto_max_us ? rto_max_us : rto;
}
