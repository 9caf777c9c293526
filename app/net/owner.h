/* app/net/owner.h - which lcore of a node serves a frame: one pure function of its addresses and ports.
 *
 *     local port == bus_port, or in [OWNER_CONTROL_PORT, ...]  -> 0, the control lcore (bus links, both directions)
 *     any other TCP segment                                   -> 1 + Toeplitz(4-tuple) % data_count
 *     ICMP error                                              -> the owner of the flow it quotes
 *     ARP                                                     -> OWNER_EVERYBODY: each lcore keeps its own cache
 *     anything else, malformed included                       -> 1, which counts and drops it
 *
 * Toeplitz, because that is what hardware spreads flows with: a device that can be given our key does the same work. Any
 * lcore; no state but the map.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define OWNER_EVERYBODY UINT32_MAX
#define OWNER_CONTROL_PORT                                                                         \
	57344u /* source ports from here on are the control lcore's, if there is a bus */

struct owner_map {
	unsigned data_count;
	uint16_t client_port;
	uint16_t bus_port; /* 0: no cluster, nothing is control's */
};

/* The address and ports in host order, local ones being this node's. */
struct owner_flow {
	uint32_t remote, local;
	uint16_t remote_port, local_port;
};

unsigned owner_of_flow(const struct owner_map *map, const struct owner_flow *flow);
/* frame: Ethernet header onwards, len contiguous bytes; nothing is checked that packet_parse() will check. */
unsigned owner_of_frame(const struct owner_map *map, const uint8_t *frame, uint16_t len);
