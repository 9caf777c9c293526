/* proto/bus/codec.h - cluster bus frames: bytes of a TCP stream <-> struct bus_msg.
 *
 *     bytes --> bus_frame_len()  how long is the frame that begins here, or why the link must close
 *           --> bus_decode()     a whole frame, checked; or why it is dropped while the link lives on
 *     value --> bus_encode()     the frame, byte for byte what a stock node would send
 *
 * B1  A frame that bus_decode() takes encodes back to the same bytes, except extensions of types we do not know.
 * B2  Nothing is read outside the frame, whatever lengths it claims.
 * Facts: spec/cluster.md B. Pure; any lcore.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "proto/bus/msg.h"

#define BUS_FRAME_PREFIX 8u /* bytes that tell the length */
#define BUS_HEAD_SIZE    2256u
#define BUS_GOSSIP_SIZE  104u
#define BUS_FRAME_MAX                                                                              \
	(BUS_HEAD_SIZE + BUS_GOSSIP_SIZE * 65535u + (1u << 20)) /* spec B3: ours, stock has none */

enum bus_status { /* each a counter, a log word and a test's expectation */
		  BUS_OK,
		  BUS_MORE,          /* bus_frame_len(): fewer than BUS_FRAME_PREFIX bytes */
		  BUS_BAD_SIGNATURE, /* close */
		  BUS_BAD_LENGTH,    /* close: shorter than a header */
		  BUS_TOO_LONG,      /* close: beyond BUS_FRAME_MAX */
		  BUS_DROP_VERSION,  /* drop the frame, as all below */
		  BUS_DROP_LENGTH,   /* length and type, count or extensions disagree */
		  BUS_DROP_COUNT,    /* more gossip than BUS_GOSSIP_MAX */
		  BUS_DROP_EXTENSION, /* an extension shorter than its header, not a multiple of 8, or malformed */
		  BUS_DROP_LIGHT, /* light header on a type that has none */
		  BUS_STATUS_COUNT,
};

const char *bus_status_name(enum bus_status status);
const char *
bus_type_name(unsigned type); /* as in CLUSTER INFO's cluster_stats_messages_<name>_sent */

/* at: the next bytes of the stream. On BUS_OK *len is the whole frame's. */
enum bus_status bus_frame_len(struct span at, uint32_t *len);
/* frame: exactly one. gossip: room for BUS_GOSSIP_MAX entries; out->ping.gossip and spans point there and into frame. An unknown
 * type is BUS_OK with only head set. */
enum bus_status bus_decode(struct span frame, struct bus_gossip *gossip, struct bus_msg *out);
/* Bytes that bus_encode() will write. */
size_t bus_encoded_len(const struct bus_msg *msg);
/* at: room for bus_encoded_len() bytes. head.light: PUBLISH, PUBLISH_SHARD and MODULE only. */
void bus_encode(const struct bus_msg *msg, uint8_t *at);
