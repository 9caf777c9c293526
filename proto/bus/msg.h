/* proto/bus/msg.h - cluster bus messages as values: what a frame says, once it has been checked.
 *
 *     +--------- head, in every message ---------+---- body, by type -----------------------------+
 *     | who, role, epochs, offset, slots, state  | PING PONG MEET: gossip entries, extensions     |
 *     +------------------------------------------+ FAIL: an id   UPDATE: id, epoch, slots         |
 *                                                | PUBLISH: channel, text   MODULE: opaque        |
 *                                                | AUTH_REQUEST AUTH_ACK MFSTART: nothing         |
 *                                                +------------------------------------------------+
 *
 * Integers are host order, texts are NUL-padded as on the wire. The layouts are in codec.c, offsets
 * asserted. A value owns nothing: gossip and payload point into memory of whoever made it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"

#define NODE_ID_LEN       40   /* lowercase hexadecimal, no zero */
#define BUS_IP_LEN        46   /* INET6_ADDRSTRLEN, NUL-padded */
#define BUS_NAME_MAX      256  /* hostname and node name, with their zero */
#define BUS_GOSSIP_MAX    4096 /* entries of one message that we read or write */
#define BUS_FORGOTTEN_MAX 16   /* FORGOTTEN_NODE extensions of one message that we read or write */
#define SLOT_BITMAP_SIZE  (SLOT_COUNT / 8)

struct node_id { /* compared as bytes; all zero: nobody */
	uint8_t bytes[NODE_ID_LEN];
};

static inline int
node_id_compare(const struct node_id *a, const struct node_id *b)
{
	return memcmp(a->bytes, b->bytes, NODE_ID_LEN);
}

static inline bool
node_id_equal(const struct node_id *a, const struct node_id *b)
{
	return node_id_compare(a, b) == 0;
}

static inline bool
node_id_is_nobody(const struct node_id *id)
{
	return id->bytes[0] == 0;
}

/* Forty characters of [0-9a-z]: what a peer may call itself (spec A1). */
bool node_id_is_valid(const struct node_id *id);

struct slot_bitmap { /* slot s is bit s & 7 of byte s >> 3 */
	uint8_t bytes[SLOT_BITMAP_SIZE];
};

static inline bool
slot_bitmap_has(const struct slot_bitmap *map, unsigned slot)
{
	return (map->bytes[slot >> 3] >> (slot & 7) & 1) != 0;
}

static inline void
slot_bitmap_set(struct slot_bitmap *map, unsigned slot, bool on)
{
	uint8_t bit = (uint8_t)(1u << (slot & 7));
	map->bytes[slot >> 3] =
		(uint8_t)(on ? map->bytes[slot >> 3] | bit : map->bytes[slot >> 3] & ~bit);
}

enum bus_type {
	BUS_PING,
	BUS_PONG,
	BUS_MEET,
	BUS_FAIL,
	BUS_PUBLISH,
	BUS_AUTH_REQUEST,
	BUS_AUTH_ACK,
	BUS_UPDATE,
	BUS_MFSTART,
	BUS_MODULE,
	BUS_PUBLISH_SHARD,
	BUS_TYPE_COUNT,
};

enum bus_node_flag { /* spec B2 */
		     NODE_PRIMARY = 1,
		     NODE_REPLICA = 2,
		     NODE_PFAIL = 4,
		     NODE_FAIL = 8,
		     NODE_MYSELF = 16,
		     NODE_HANDSHAKE = 32,
		     NODE_NOADDR = 64,
		     NODE_MEET = 128,
		     NODE_MIGRATE_TO = 256,
		     NODE_NOFAILOVER = 512,
		     NODE_EXTENSIONS =
			     1024, /* understands extensions: we saw its bit, or were told */
		     NODE_LIGHT_PUBLISH = 2048,
		     NODE_LIGHT_MODULE = 4096,
		     NODE_PRIMARY_FAIL = 8192, /* a replica says: my primary is FAIL (Valkey 9.1) */
};

enum bus_message_flag {
	BUS_PAUSED = 1,
	BUS_FORCE_ACK = 2,
	BUS_EXT_DATA = 4
}; /* first mflags byte */

struct bus_head {
	uint16_t
		type; /* enum bus_type, or a value we do not know: generic processing, then ignored */
	bool light;   /* light header: only the type was sent, all below is 0 */
	uint16_t port;  /* client port; the TLS one where the cluster talks TLS */
	uint16_t pport; /* the other one; 0: none */
	uint16_t cport; /* bus port */
	uint16_t flags; /* enum bus_node_flag */
	uint64_t current_epoch;
	uint64_t config_epoch; /* a replica's: its primary's */
	uint64_t offset;       /* replication offset, bytes */
	struct node_id sender;
	struct node_id replica_of; /* nobody: the sender is a primary */
	char my_ip[BUS_IP_LEN];    /* empty: take the peer address of the connection */
	struct slot_bitmap slots;  /* a replica's: its primary's */
	bool state_ok;
	uint8_t message_flags; /* enum bus_message_flag */
};

struct bus_gossip {
	struct node_id id;
	uint32_t ping_sent_s, pong_received_s; /* unix seconds; 0: no ping waits */
	char ip[BUS_IP_LEN];
	uint16_t port, cport, pport;
	uint16_t flags;
};

struct bus_forgotten {
	struct node_id id;
	uint64_t ttl_s;
};

enum bus_extension { /* which were there */
		     BUS_EXT_HOSTNAME = 1,
		     BUS_EXT_NODENAME = 2,
		     BUS_EXT_FORGOTTEN = 4, /* to write them forgotten_count is enough */
		     BUS_EXT_SHARD_ID = 8,
};

struct bus_ping { /* PING, PONG and MEET */
	uint16_t gossip_count;
	uint8_t extensions; /* set of enum bus_extension; an absent name means: clear it */
	uint8_t forgotten_count;
	uint16_t
		skipped_extensions; /* read, not written: unknown types; FORGOTTEN beyond the limit */
	struct bus_gossip *gossip;
	char hostname[BUS_NAME_MAX], nodename[BUS_NAME_MAX];
	struct node_id shard_id;
	struct bus_forgotten forgotten[BUS_FORGOTTEN_MAX];
};

struct bus_update {
	struct node_id id;
	uint64_t config_epoch;
	struct slot_bitmap slots;
};

struct bus_publish {
	struct span channel, text;
};

struct bus_module {
	uint64_t module_id; /* opaque: eight bytes as they came */
	uint8_t type;
	struct span payload;
};

struct bus_msg {
	struct bus_head head;
	union {
		struct bus_ping ping;
		struct node_id failed; /* FAIL */
		struct bus_update update;
		struct bus_publish publish; /* PUBLISH and PUBLISH_SHARD */
		struct bus_module module;
	};
};
