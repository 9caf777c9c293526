/* cluster/link.h - the two TCP connections to each peer, and the heartbeat on them (spec A5 to A9, A14).
 *
 *     ours (outbound):  we PING, they PONG     theirs (inbound):  they PING, we PONG on it
 *
 * K1  Whatever we say of our own accord goes on the outbound link; an answer goes where the question came from.
 * K2  ping_sent_ms outlives a reconnect: a new connection does not forgive the silence on the old one.
 * K3  A link that was closed by us is forgotten: CLUSTER_LINK_DOWN for it, or for a link nobody knows, changes nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;

#define LINK_RANDOM_PING_MS   1000 /* spec A7 */
#define LINK_RANDOM_PICKS     5
#define LINK_RETRY_MS_MIN     100 /* between attempts to connect: T/10, as Valkey 9.0 (spec A6) */
#define LINK_RETRY_MS_MAX     1500
#define LINK_HANDSHAKE_MS_MIN 1000 /* spec J: max(T, 1 s) */

uint64_t link_handshake_timeout_ms(const struct cluster *c);
uint64_t link_ping_interval_ms(const struct cluster *c); /* T/2, or what the directive says */
void link_on_up(struct cluster *c, bus_link link, const char *own_ip, struct effects *out);
void link_on_down(struct cluster *c, bus_link link);
/* First frame of a known node on an inbound link: it is that node's; an older one is closed (spec A5). */
void link_bind_in(struct cluster *c, uint32_t node, bus_link link, struct effects *out);
void link_close_out(struct cluster *c, uint32_t node, struct effects *out);
/* One node's share of a tick: connect, recycle, ping. false: no room, come again. */
bool link_tick_node(struct cluster *c, uint32_t node, struct effects *out);
void link_tick_random(struct cluster *c, struct effects *out);
/* A PONG on our outbound link. */
void link_on_pong(struct cluster *c, uint32_t node, struct effects *out);
/* When this node's next ping or suspicion is due. */
uint64_t link_next_at(const struct cluster *c, uint32_t node);
