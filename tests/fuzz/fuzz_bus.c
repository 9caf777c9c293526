/* tests/fuzz/fuzz_bus.c - cluster bus: any bytes are refused or taken; what is taken, written and read again is the same.
 *
 * The bytes are a stream: frames one after another until one is refused for good or cut off. Most of a frame is slots, which a change
 * does nothing to; so input that begins with COMPACT is one frame without them:
 *
 *     byte 0      COMPACT
 *     byte 1..2   type; with its highest bit the header is a light one
 *     byte 3..4   gossip entries
 *     byte 5      extensions
 *     byte 6      the message's flags
 *     the rest    what follows the header
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/bus/codec.h"
#include "tests/fuzz/target.h"

#define COMPACT          'C'
#define COMPACT_SIZE     7
#define LIGHT_BIT        0x80
#define LENGTH_AT        4
#define VERSION_AT       8
#define TYPE_AT          12
#define COUNT_AT         14
#define EXTENSIONS_AT    2215
#define MESSAGE_FLAGS_AT 2253

static const uint8_t signature[4] = {'R', 'C', 'm', 'b'};

static void
check_within(struct span part, struct span whole)
{
	ASSERT(part.at >= whole.at && part.len <= whole.len);
	ASSERT((size_t)(part.at - whole.at) <= whole.len - part.len);
}

static void
check_ping(const struct bus_ping *ping)
{
	ASSERT(ping->gossip_count <= BUS_GOSSIP_MAX);
	ASSERT(ping->forgotten_count <= BUS_FORGOTTEN_MAX);
	ASSERT(memchr(ping->hostname, 0, BUS_NAME_MAX) != NULL);
	ASSERT(memchr(ping->nodename, 0, BUS_NAME_MAX) != NULL);
	for (unsigned i = 0; i < ping->gossip_count; i++)
		ASSERT(memchr(ping->gossip[i].ip, 0, BUS_IP_LEN) != NULL);
}

static void
check_value(const struct bus_msg *msg, struct span frame)
{
	ASSERT(memchr(msg->head.my_ip, 0, BUS_IP_LEN) != NULL);
	switch (msg->head.type) {
	case BUS_PING:
	case BUS_PONG:
	case BUS_MEET:
		check_ping(&msg->ping);
		break;
	case BUS_PUBLISH:
	case BUS_PUBLISH_SHARD:
		check_within(msg->publish.channel, frame);
		check_within(msg->publish.text, frame);
		break;
	case BUS_MODULE:
		check_within(msg->module.payload, frame);
		break;
	default:
		break;
	}
}

static struct span
encode(const struct bus_msg *msg)
{
	size_t len = bus_encoded_len(msg);
	uint8_t *bytes = malloc(len);
	ASSERT(bytes != NULL);
	memset(bytes, 0xee, len);
	bus_encode(msg, bytes);
	return (struct span){bytes, len};
}

static void
check_written_again(const struct bus_msg *msg, struct span frame)
{
	static struct bus_gossip gossip[BUS_GOSSIP_MAX];
	static struct bus_msg back;
	if (msg->head.type >= BUS_TYPE_COUNT)
		return;
	struct span first = encode(msg);
	ASSERT(first.len <= frame.len);
	ASSERT(bus_decode(first, gossip, &back) == BUS_OK);
	check_value(&back, first);
	struct span second = encode(&back);
	ASSERT(span_equal(first, second));
	free((void *)(uintptr_t)first.at);
	free((void *)(uintptr_t)second.at);
}

/* One frame from the front of the stream; false: no more. */
static bool
take_frame(struct span *stream)
{
	static struct bus_gossip gossip[BUS_GOSSIP_MAX];
	static struct bus_msg msg;
	uint32_t len = 0;
	enum bus_status status = bus_frame_len(*stream, &len);
	ASSERT(status <= BUS_TOO_LONG);
	if (status != BUS_OK || len > stream->len) {
		ASSERT(bus_decode(*stream, gossip, &msg) == (status == BUS_OK ? BUS_MORE : status));
		return false;
	}
	uint8_t *exact = malloc(len);
	ASSERT(exact != NULL);
	memcpy(exact, stream->at, len);
	struct span frame = {exact, len};
	status = bus_decode(frame, gossip, &msg);
	ASSERT(status == BUS_OK || (status >= BUS_DROP_VERSION && status < BUS_STATUS_COUNT));
	ASSERT(bus_status_name(status)[0] != 0);
	if (status == BUS_OK) {
		check_value(&msg, frame);
		check_written_again(&msg, frame);
	}
	free(exact);
	stream->at += len;
	stream->len -= len;
	return true;
}

/* On the heap. */
static struct span
expand(const uint8_t *compact, size_t size)
{
	bool light = (compact[1] & LIGHT_BIT) != 0;
	size_t head = light ? BUS_LIGHT_HEAD_SIZE : BUS_HEAD_SIZE;
	size_t len = head + size - COMPACT_SIZE;
	uint8_t *frame = calloc(1, len);
	ASSERT(frame != NULL);
	memcpy(frame, signature, sizeof(signature));
	store_be32(frame + LENGTH_AT, (uint32_t)len);
	store_be16(frame + VERSION_AT, 1);
	memcpy(frame + TYPE_AT, compact + 1, 2);
	memcpy(frame + COUNT_AT, compact + 3, 2);
	if (!light) {
		frame[EXTENSIONS_AT] = compact[5];
		frame[MESSAGE_FLAGS_AT] = compact[6];
	}
	memcpy(frame + head, compact + COMPACT_SIZE, size - COMPACT_SIZE);
	return (struct span){frame, len};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span stream = {data, size};
	if (size < COMPACT_SIZE || data[0] != COMPACT) {
		while (take_frame(&stream))
			continue;
		return 0;
	}
	struct span frame = stream = expand(data, size);
	take_frame(&stream);
	free((void *)(uintptr_t)frame.at);
	return 0;
}
