/* tests/unit/proto/bus/frames.h - one message of every type and form, as a value with nothing left at zero that the wire carries. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/bus/codec.h"
#include "tests/unit/runner.h"

#define FORM_COUNT (BUS_TYPE_COUNT + 3u) /* every type, then the three light ones */

struct frame { /* on the heap, exactly as long as it is */
	uint8_t *bytes;
	size_t len;
};

static inline struct node_id
id_of(char c)
{
	struct node_id id;
	memset(id.bytes, c, sizeof(id.bytes));
	return id;
}

static inline struct bus_head
head_of(unsigned type)
{
	struct bus_head head = {
		.type = (uint16_t)type,
		.port = 6379,
		.pport = 6380,
		.cport = 16379,
		.flags = NODE_MYSELF | NODE_REPLICA | NODE_EXTENSIONS,
		.current_epoch = 0x0102030405060708,
		.config_epoch = 0x1112131415161718,
		.offset = 0x2122232425262728,
		.sender = id_of('a'),
		.replica_of = id_of('b'),
		.my_ip = "192.0.2.1",
		.state_ok = true,
	};
	slot_bitmap_set(&head.slots, 0, true);
	slot_bitmap_set(&head.slots, 9, true);
	slot_bitmap_set(&head.slots, SLOT_COUNT - 1, true);
	return head;
}

static inline void
fill_ping(struct bus_msg *msg, struct bus_gossip *gossip)
{
	msg->head.message_flags = BUS_EXT_DATA | BUS_PAUSED;
	gossip[0] = (struct bus_gossip){
		.id = id_of('c'),
		.ping_sent_s = 0x31323334,
		.pong_received_s = 0x41424344,
		.ip = "2001:db8::1",
		.port = 7001,
		.cport = 17001,
		.pport = 7002,
		.flags = NODE_PRIMARY | NODE_PFAIL,
	};
	gossip[1] = gossip[0];
	gossip[1].id = id_of('d');
	gossip[1].flags = 0xffff; /* bits that nobody has defined yet are kept */
	msg->ping = (struct bus_ping){
		.gossip_count = 2,
		.gossip = gossip,
		.extensions =
			BUS_EXT_HOSTNAME | BUS_EXT_NODENAME | BUS_EXT_FORGOTTEN | BUS_EXT_SHARD_ID,
		.hostname = "node-1.example",
		.nodename = "first",
		.forgotten_count = 2,
		.forgotten = {{id_of('e'), 60}, {id_of('f'), 0x5152535455565758}},
		.shard_id = id_of('g'),
	};
}

/* form < FORM_COUNT; gossip: room for two entries. */
static inline void
fill_form(unsigned form, struct bus_msg *msg, struct bus_gossip *gossip)
{
	static const unsigned light[] = {BUS_PUBLISH, BUS_PUBLISH_SHARD, BUS_MODULE};
	unsigned type = form < BUS_TYPE_COUNT ? form : light[form - BUS_TYPE_COUNT];
	memset(msg, 0, sizeof(*msg));
	if (form < BUS_TYPE_COUNT)
		msg->head = head_of(type);
	msg->head.type = (uint16_t)type;
	msg->head.light = form >= BUS_TYPE_COUNT;
	if (type == BUS_PING || type == BUS_PONG || type == BUS_MEET) {
		fill_ping(msg, gossip);
	} else if (type == BUS_FAIL) {
		msg->failed = id_of('h');
	} else if (type == BUS_PUBLISH || type == BUS_PUBLISH_SHARD) {
		msg->publish = (struct bus_publish){SPAN("news"), SPAN("it rained")};
	} else if (type == BUS_UPDATE) {
		msg->update = (struct bus_update){.id = id_of('i'), .config_epoch = 77};
		slot_bitmap_set(&msg->update.slots, 1234, true);
	} else if (type == BUS_MODULE) {
		msg->module = (struct bus_module){0x6162636465666768, 9, SPAN("opaque")};
	}
}

static inline struct frame
encode(const struct bus_msg *msg)
{
	struct frame frame = {.len = bus_encoded_len(msg)};
	frame.bytes = malloc(frame.len);
	memset(frame.bytes, 0xee, frame.len); /* what is not written shows */
	bus_encode(msg, frame.bytes);
	return frame;
}

static inline struct frame
encode_form(unsigned form)
{
	struct bus_gossip gossip[2];
	struct bus_msg msg;
	fill_form(form, &msg, gossip);
	return encode(&msg);
}

/* Decodes from memory of exactly len bytes; the answer's spans are not looked at. */
static inline enum bus_status
decode_exact(const uint8_t *bytes, size_t len)
{
	static struct bus_gossip gossip[BUS_GOSSIP_MAX];
	static struct bus_msg msg;
	uint8_t *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, bytes, len);
	enum bus_status status = bus_decode((struct span){exact, len}, gossip, &msg);
	free(exact);
	return status;
}
