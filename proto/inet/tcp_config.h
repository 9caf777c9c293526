/* proto/inet/tcp_config.h - what may be chosen about connections, and what is chosen if nobody does. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define IP_TCP_HEADERS 40 /* without options */

struct tcp_side_pool; /* tcp_side.h */

/* What the peers of one stack have in common. Times in microseconds. */
struct tcp_config {
	uint16_t mss;        /* what we can receive: MTU - 40 */
	uint8_t wscale;      /* what we offer, 0..14 */
	uint32_t rcv_buffer; /* bytes a connection may hold unread, out-of-order ones included */
	uint16_t ooo_ranges_max; /* separate out-of-order runs kept per connection */
	uint64_t rto_min_us, rto_initial_us, rto_max_us;
	uint64_t delayed_ack_us; /* 0: acknowledge at the end of every burst */
	uint64_t time_wait_us;
	uint64_t fin_wait_2_us; /* how long an orphan may wait for the peer's FIN */
	uint64_t keepalive_us;  /* idle time before the first probe; 0: off */
	uint64_t keepalive_interval_us;
	uint8_t keepalive_probes;
	uint8_t syn_retries; /* R2 for SYN and SYN-ACK */
	uint8_t retries;     /* R2 for data and FIN */
	bool timestamps;     /* RFC 7323: offered, and used if the peer offers them too */
	bool sack;           /* RFC 2018: the same */
	uint64_t
		peer_delay_us; /* how long a peer may sit on an ACK; a peer that shows to be slower is waited for */
	struct tcp_side_pool
		*sides; /* what connections in trouble share; NULL: none, see tcp_side.h */
	bool nagle;     /* off for RESP and the bus: they cork until the end of a burst */
};

/* Defaults of spec 7.4 for a link of this MTU. */
void tcp_config_defaults(struct tcp_config *config, uint16_t mtu);
