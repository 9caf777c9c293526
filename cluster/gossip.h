/* cluster/gossip.h - what heartbeats say of third nodes: building and believing (spec A11, A16, A17, B7).
 *
 * G1  A section holds max(3, N/10) random nodes, at most N-2, then every node in PFAIL.
 * G2  A section with an invalid id is refused whole (Valkey 8.1; r#12921).
 * G3  Reports count from voting primaries only (Valkey 8.0); who is unknown is believed nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;

#define GOSSIP_WANTED_MIN        3
#define GOSSIP_WANTED_DIVISOR    10
#define GOSSIP_TRIES_FACTOR      3
#define GOSSIP_PONG_TOLERANCE_MS 500 /* how far a peer's clock may run ahead (spec A17) */

/* Fills at with at most room entries for receiver (NODE_NONE: several). brief: only GOSSIP_WANTED_MIN random ones. */
uint32_t gossip_build(struct cluster *c, uint32_t receiver, bool brief, struct bus_gossip *at,
		      uint32_t room);
uint32_t gossip_room(const struct cluster *c); /* entries that a section may take */
bool gossip_is_valid(const struct bus_ping *ping);
/* From a known node. */
void gossip_process(struct cluster *c, uint32_t sender, const struct bus_ping *ping,
		    struct effects *out);
/* Hostname, node name, shard id, forgotten nodes (spec B4). */
void gossip_process_extensions(struct cluster *c, uint32_t sender, const struct bus_ping *ping,
			       struct effects *out);
