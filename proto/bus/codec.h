/* proto/bus/codec.h - cluster bus frames: bytes of a TCP stream <-> struct bus_msg.
 *
 *     bytes --> bus_frame_len()  how long is the frame that begins here, or why the link must close
 *           --> bus_decode()     a whole frame, checked; or why it is dropped while the link lives on
 *     value --> bus_encode()     the frame, byte for byte what a stock node would send
 *
 * B1  A frame that bus_decode() takes encodes back to the same bytes if it was written as stock nodes write it: padding and
 *     reserved bytes 0, extensions in the order HOSTNAME, NODENAME, FORGOTTEN, SHARDID. Extensions that bus_ping counts as skipped
 *     are left out. Whatever encodes, decodes to the same value.
 * B2  Nothing is read outside the frame, whatever lengths it claims.
 * Pure; any lcore. Layouts, each offset asserted: codec.c.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "proto/bus/msg.h"

#define BUS_FRAME_PREFIX    8u /* bytes that tell the length */
#define BUS_HEAD_SIZE       2256u
#define BUS_LIGHT_HEAD_SIZE 16u
#define BUS_GOSSIP_SIZE     104u
#define BUS_FRAME_MAX                                                                              \
	(BUS_HEAD_SIZE + BUS_GOSSIP_SIZE * 65535u + (1u << 20)) /* ours: stock has none */

enum bus_status { /* each a counter, a log word and a test's expectation */
		  BUS_OK,
		  BUS_MORE,          /* bytes are missing */
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

/* at: the next bytes of the stream. On BUS_OK *len is the whole frame's. BUS_MORE: fewer than BUS_FRAME_PREFIX, or than
 * BUS_LIGHT_HEAD_SIZE of a frame too short for a full header. */
enum bus_status bus_frame_len(struct span at, uint32_t *len);
/* frame: exactly one; a part is BUS_MORE, excess BUS_DROP_LENGTH. gossip: room for BUS_GOSSIP_MAX entries; out->ping.gossip and
 * spans point there and into frame. An unknown type is BUS_OK with only head set. out is valid on BUS_OK only. */
enum bus_status bus_decode(struct span frame, struct bus_gossip *gossip, struct bus_msg *out);
/* Bytes that bus_encode() will write. Must not exceed BUS_FRAME_MAX when it does: who takes a text to publish from a client looks. */
size_t bus_encoded_len(const struct bus_msg *msg);
/* at: room for bus_encoded_len() bytes. A known type; head.light: PUBLISH, PUBLISH_SHARD and MODULE only; with extensions
 * message_flags must have BUS_EXT_DATA. */
void bus_encode(const struct bus_msg *msg, uint8_t *at);
