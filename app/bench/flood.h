/* app/bench/flood.h - strangers who knock and never come in: SYNs from addresses and ports that are drawn anew for each.
 *
 *     198.18.x.y:port --SYN--> server --SYN-ACK--> gateway, which is us: dropped unread
 *
 * Built frame by frame beside the load, so that what the load measures is what a server's existing clients see meanwhile.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/bench/options.h"
#include "app/env/port.h"
#include "proto/base/prng.h"
#include "proto/inet/packet.h"

struct flood {
	double rate; /* per second; 0: none */
	struct rte_mempool *pool;
	struct packet_flow flow;
	struct prng prng;
	bool has_mac; /* the server's is known */
	uint64_t began_us, sent;
};

void flood_init(struct flood *flood, const struct port *port, const struct bench_options *options);
/* From a frame of the server's: where it can be reached. */
void flood_learn(struct flood *flood, const struct rte_mbuf *frame);
/* At most max frames of those that are due by now. */
uint16_t flood_output(struct flood *flood, struct rte_mbuf **frames, uint16_t max, uint64_t now_us);
