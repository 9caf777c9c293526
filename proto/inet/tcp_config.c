/* proto/inet/tcp_config.c - the defaults, and where each comes from. */
#include "proto/inet/tcp_config.h"

#include "proto/base/assert.h"
#include "proto/inet/tcp_state.h"

#define MS 1000ull
#define S  1000000ull

void
tcp_config_defaults(struct tcp_config *config, uint16_t mtu)
{
	ASSERT(mtu >= IP_TCP_HEADERS + TCP_MSS_FLOOR);
	*config = (struct tcp_config){
		.mss = (uint16_t)(mtu - IP_TCP_HEADERS),
		.wscale = 7,
		.rcv_buffer = 512 * 1024,
		.ooo_ranges_max = RANGES_MAX,
		.rto_min_us = 50 * MS, /* above a Linux peer's 40 ms delayed ACK */
		.rto_initial_us = 1 * S,
		.rto_max_us = 60 * S,
		.delayed_ack_us = 500, /* MUST-40 allows 500 ms; 0 towards the bus and replicas */
		.time_wait_us = 60 * S,
		.fin_wait_2_us = 60 * S,
		.keepalive_us = 0,                /* MUST-25 */
		.keepalive_interval_us = 100 * S, /* as Redis: 300 s idle, then a third of that */
		.keepalive_probes = 3,
		.syn_retries = 7, /* 1+2+4+...+60+60 s: MUST-23, three minutes */
		.retries = 15,    /* SHLD-11 */
		.timestamps = true,
		.sack = true,
		.peer_delay_us =
			1 * MS, /* twice our own; 40 ms peers are told apart by what they do */
		.nagle = false,
	};
}
