/* proto/bus/codec.c - layouts of the bus, and both directions side by side.
 *
 * Bytes are never cast to a struct: every place is a named offset, and the asserts below chain each offset to the one before it, so
 * that the table of fields can be checked against a stock node's by eye. Lengths are checked once, by type, before any field is
 * read; only extensions are walked, because only they carry lengths of their own. Reading through a cursor instead would check each
 * of some thirty fields and allow no more.
 *
 * What has one meaning has one value: a text is copied up to its zero and padded with zeros, so values compare as bytes.
 */
#include "proto/bus/codec.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/bytes.h"

#define BUS_VERSION   1u
#define BUS_LIGHT_BIT 0x8000u
#define STATE_OK      0u
#define STATE_FAIL    1u

#define NEXT(field, before, size)                                                                  \
	_Static_assert((field) == (before) + (size), #field " follows " #before)

enum { /* header; data follows at BUS_HEAD_SIZE, in a light one at BUS_LIGHT_HEAD_SIZE */
       HEAD_SIGNATURE = 0,
       HEAD_LENGTH = 4,
       HEAD_VERSION = 8,
       HEAD_PORT = 10,
       HEAD_TYPE = 12,
       HEAD_COUNT = 14, /* gossip entries */
       HEAD_CURRENT_EPOCH = 16,
       HEAD_CONFIG_EPOCH = 24,
       HEAD_OFFSET = 32,
       HEAD_SENDER = 40,
       HEAD_SLOTS = 80,
       HEAD_REPLICA_OF = 2128,
       HEAD_MY_IP = 2168,
       HEAD_EXTENSIONS = 2214, /* how many */
       HEAD_ZEROS = 2216,
       HEAD_PPORT = 2246,
       HEAD_CPORT = 2248,
       HEAD_FLAGS = 2250,
       HEAD_STATE = 2252,
       HEAD_MESSAGE_FLAGS = 2253, /* three bytes, two of them always 0 */
};
NEXT(HEAD_LENGTH, HEAD_SIGNATURE, 4);
NEXT(BUS_FRAME_PREFIX, HEAD_LENGTH, 4u);
NEXT(HEAD_VERSION, HEAD_LENGTH, 4);
NEXT(HEAD_PORT, HEAD_VERSION, 2);
NEXT(HEAD_TYPE, HEAD_PORT, 2);
NEXT(HEAD_COUNT, HEAD_TYPE, 2);
NEXT(HEAD_CURRENT_EPOCH, HEAD_COUNT, 2);
NEXT(BUS_LIGHT_HEAD_SIZE, HEAD_COUNT, 2u);
NEXT(HEAD_CONFIG_EPOCH, HEAD_CURRENT_EPOCH, 8);
NEXT(HEAD_OFFSET, HEAD_CONFIG_EPOCH, 8);
NEXT(HEAD_SENDER, HEAD_OFFSET, 8);
NEXT(HEAD_SLOTS, HEAD_SENDER, NODE_ID_LEN);
NEXT(HEAD_REPLICA_OF, HEAD_SLOTS, SLOT_BITMAP_SIZE);
NEXT(HEAD_MY_IP, HEAD_REPLICA_OF, NODE_ID_LEN);
NEXT(HEAD_EXTENSIONS, HEAD_MY_IP, BUS_IP_LEN);
NEXT(HEAD_ZEROS, HEAD_EXTENSIONS, 2);
NEXT(HEAD_PPORT, HEAD_ZEROS, 30);
NEXT(HEAD_CPORT, HEAD_PPORT, 2);
NEXT(HEAD_FLAGS, HEAD_CPORT, 2);
NEXT(HEAD_STATE, HEAD_FLAGS, 2);
NEXT(HEAD_MESSAGE_FLAGS, HEAD_STATE, 1);
NEXT(BUS_HEAD_SIZE, HEAD_MESSAGE_FLAGS, 3u);

enum { /* gossip entry */
       GOSSIP_ID = 0,
       GOSSIP_PING_SENT = 40,
       GOSSIP_PONG_RECEIVED = 44,
       GOSSIP_IP = 48,
       GOSSIP_PORT = 94,
       GOSSIP_CPORT = 96,
       GOSSIP_FLAGS = 98,
       GOSSIP_PPORT = 100,
       GOSSIP_ZEROS = 102,
};
NEXT(GOSSIP_PING_SENT, GOSSIP_ID, NODE_ID_LEN);
NEXT(GOSSIP_PONG_RECEIVED, GOSSIP_PING_SENT, 4);
NEXT(GOSSIP_IP, GOSSIP_PONG_RECEIVED, 4);
NEXT(GOSSIP_PORT, GOSSIP_IP, BUS_IP_LEN);
NEXT(GOSSIP_CPORT, GOSSIP_PORT, 2);
NEXT(GOSSIP_FLAGS, GOSSIP_CPORT, 2);
NEXT(GOSSIP_PPORT, GOSSIP_FLAGS, 2);
NEXT(GOSSIP_ZEROS, GOSSIP_PPORT, 2);
NEXT(BUS_GOSSIP_SIZE, GOSSIP_ZEROS, 2u);

enum {                 /* extension: header, then data padded with zeros to EXT_UNIT */
       EXT_LENGTH = 0, /* of all of it */
       EXT_TYPE = 4,
       EXT_ZEROS = 6,
       EXT_DATA = 8,
       EXT_UNIT = 8,
       EXT_FORGOTTEN_TTL = EXT_DATA + NODE_ID_LEN,
       EXT_FORGOTTEN_SIZE = EXT_FORGOTTEN_TTL + 8,
       EXT_SHARD_ID_SIZE = EXT_DATA + NODE_ID_LEN,
};
NEXT(EXT_TYPE, EXT_LENGTH, 4);
NEXT(EXT_ZEROS, EXT_TYPE, 2);
NEXT(EXT_DATA, EXT_ZEROS, 2);
_Static_assert(EXT_FORGOTTEN_SIZE % EXT_UNIT == 0 && EXT_SHARD_ID_SIZE % EXT_UNIT == 0,
	       "need no padding");
_Static_assert(BUS_NAME_MAX % EXT_UNIT == 0, "a padded name fits");

enum extension_type { /* on the wire; from 4 on Redis 8 and Valkey disagree what they mean */
		      EXT_TYPE_HOSTNAME = 0,
		      EXT_TYPE_NODENAME = 1,
		      EXT_TYPE_FORGOTTEN = 2,
		      EXT_TYPE_SHARD_ID = 3,
};

enum { /* data of UPDATE, PUBLISH and MODULE */
       UPDATE_EPOCH = 0,
       UPDATE_ID = 8,
       UPDATE_SLOTS = 48,
       UPDATE_SIZE = 2096,
       PUBLISH_CHANNEL_LEN = 0,
       PUBLISH_TEXT_LEN = 4,
       PUBLISH_TEXTS = 8,
       MODULE_ID = 0,
       MODULE_LEN = 8,
       MODULE_TYPE = 12,
       MODULE_PAYLOAD = 13,
};
NEXT(UPDATE_ID, UPDATE_EPOCH, 8);
NEXT(UPDATE_SLOTS, UPDATE_ID, NODE_ID_LEN);
NEXT(UPDATE_SIZE, UPDATE_SLOTS, SLOT_BITMAP_SIZE);
NEXT(PUBLISH_TEXT_LEN, PUBLISH_CHANNEL_LEN, 4);
NEXT(PUBLISH_TEXTS, PUBLISH_TEXT_LEN, 4);
NEXT(MODULE_LEN, MODULE_ID, 8);
NEXT(MODULE_TYPE, MODULE_LEN, 4);
NEXT(MODULE_PAYLOAD, MODULE_TYPE, 1);

static const uint8_t signature[4] = {'R', 'C', 'm', 'b'};

/* ---- names ---- */

const char *
bus_status_name(enum bus_status status)
{
	static const char *const names[BUS_STATUS_COUNT] = {
		[BUS_OK] = "ok",
		[BUS_MORE] = "more",
		[BUS_BAD_SIGNATURE] = "bad_signature",
		[BUS_BAD_LENGTH] = "bad_length",
		[BUS_TOO_LONG] = "too_long",
		[BUS_DROP_VERSION] = "drop_version",
		[BUS_DROP_LENGTH] = "drop_length",
		[BUS_DROP_COUNT] = "drop_count",
		[BUS_DROP_EXTENSION] = "drop_extension",
		[BUS_DROP_LIGHT] = "drop_light",
	};
	ASSERT(status < BUS_STATUS_COUNT);
	return names[status];
}

const char *
bus_type_name(unsigned type)
{
	static const char *const names[BUS_TYPE_COUNT] = {
		[BUS_PING] = "ping",
		[BUS_PONG] = "pong",
		[BUS_MEET] = "meet",
		[BUS_FAIL] = "fail",
		[BUS_PUBLISH] = "publish",
		[BUS_AUTH_REQUEST] = "auth-req",
		[BUS_AUTH_ACK] = "auth-ack",
		[BUS_UPDATE] = "update",
		[BUS_MFSTART] = "mfstart",
		[BUS_MODULE] = "module",
		[BUS_PUBLISH_SHARD] = "publishshard",
	};
	return type < BUS_TYPE_COUNT ? names[type] : "unknown";
}

bool
node_id_is_valid(const struct node_id *id)
{
	for (unsigned i = 0; i < NODE_ID_LEN; i++) {
		uint8_t c = id->bytes[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

/* ---- pieces that both directions share ---- */

static bool
is_ping_family(unsigned type)
{
	return type == BUS_PING || type == BUS_PONG || type == BUS_MEET;
}

static bool
has_light_form(unsigned type)
{
	return type == BUS_PUBLISH || type == BUS_PUBLISH_SHARD || type == BUS_MODULE;
}

/* The text up to its zero, or all but the last byte; zeros after it. */
static void
copy_text(void *to, const void *from, size_t size)
{
	const uint8_t *end = memchr(from, 0, size - 1);
	size_t len = end == NULL ? size - 1 : (size_t)(end - (const uint8_t *)from);
	uint8_t *at = to;
	memcpy(at, from, len);
	memset(at + len, 0, size - len);
}

static uint64_t
load_opaque64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

/* ---- bytes to values ---- */

enum bus_status
bus_frame_len(struct span at, uint32_t *len)
{
	if (at.len < BUS_FRAME_PREFIX)
		return BUS_MORE;
	if (memcmp(at.at + HEAD_SIGNATURE, signature, sizeof(signature)) != 0)
		return BUS_BAD_SIGNATURE;
	uint32_t claimed = load_be32(at.at + HEAD_LENGTH);
	if (claimed > BUS_FRAME_MAX)
		return BUS_TOO_LONG;
	if (claimed < BUS_HEAD_SIZE) {
		if (claimed < BUS_LIGHT_HEAD_SIZE)
			return BUS_BAD_LENGTH;
		if (at.len < BUS_LIGHT_HEAD_SIZE)
			return BUS_MORE;
		if ((load_be16(at.at + HEAD_TYPE) & BUS_LIGHT_BIT) == 0)
			return BUS_BAD_LENGTH;
	}
	*len = claimed;
	return BUS_OK;
}

static void
decode_head(const uint8_t *frame, struct bus_head *head)
{
	head->port = load_be16(frame + HEAD_PORT);
	head->pport = load_be16(frame + HEAD_PPORT);
	head->cport = load_be16(frame + HEAD_CPORT);
	head->flags = load_be16(frame + HEAD_FLAGS);
	head->current_epoch = load_be64(frame + HEAD_CURRENT_EPOCH);
	head->config_epoch = load_be64(frame + HEAD_CONFIG_EPOCH);
	head->offset = load_be64(frame + HEAD_OFFSET);
	memcpy(head->sender.bytes, frame + HEAD_SENDER, NODE_ID_LEN);
	memcpy(head->replica_of.bytes, frame + HEAD_REPLICA_OF, NODE_ID_LEN);
	copy_text(head->my_ip, frame + HEAD_MY_IP, BUS_IP_LEN);
	memcpy(head->slots.bytes, frame + HEAD_SLOTS, SLOT_BITMAP_SIZE);
	head->state_ok = frame[HEAD_STATE] == STATE_OK;
	head->message_flags = frame[HEAD_MESSAGE_FLAGS];
}

static void
decode_gossip(const uint8_t *at, struct bus_gossip *entry)
{
	memcpy(entry->id.bytes, at + GOSSIP_ID, NODE_ID_LEN);
	entry->ping_sent_s = load_be32(at + GOSSIP_PING_SENT);
	entry->pong_received_s = load_be32(at + GOSSIP_PONG_RECEIVED);
	copy_text(entry->ip, at + GOSSIP_IP, BUS_IP_LEN);
	entry->port = load_be16(at + GOSSIP_PORT);
	entry->cport = load_be16(at + GOSSIP_CPORT);
	entry->pport = load_be16(at + GOSSIP_PPORT);
	entry->flags = load_be16(at + GOSSIP_FLAGS);
}

static enum bus_status
decode_name(struct span data, char name[BUS_NAME_MAX])
{
	const uint8_t *end = memchr(data.at, 0, data.len);
	if (end == NULL || end - data.at >= BUS_NAME_MAX)
		return BUS_DROP_EXTENSION;
	size_t len = (size_t)(end - data.at);
	memcpy(name, data.at, len);
	memset(name + len, 0, BUS_NAME_MAX - len);
	return BUS_OK;
}

static enum bus_status
decode_forgotten(struct span extension, struct bus_ping *ping)
{
	if (extension.len != EXT_FORGOTTEN_SIZE)
		return BUS_DROP_EXTENSION;
	ping->extensions |= BUS_EXT_FORGOTTEN;
	if (ping->forgotten_count == BUS_FORGOTTEN_MAX) {
		ping->skipped_extensions++;
		return BUS_OK;
	}
	struct bus_forgotten *forgotten = &ping->forgotten[ping->forgotten_count++];
	memcpy(forgotten->id.bytes, extension.at + EXT_DATA, NODE_ID_LEN);
	forgotten->ttl_s = load_be64(extension.at + EXT_FORGOTTEN_TTL);
	return BUS_OK;
}

/* extension: with its header, a length that has been checked. Of two names the last one counts. */
static enum bus_status
decode_extension(struct span extension, struct bus_ping *ping)
{
	struct span data = {extension.at + EXT_DATA, extension.len - EXT_DATA};
	switch (load_be16(extension.at + EXT_TYPE)) {
	case EXT_TYPE_HOSTNAME:
		ping->extensions |= BUS_EXT_HOSTNAME;
		return decode_name(data, ping->hostname);
	case EXT_TYPE_NODENAME:
		ping->extensions |= BUS_EXT_NODENAME;
		return decode_name(data, ping->nodename);
	case EXT_TYPE_FORGOTTEN:
		return decode_forgotten(extension, ping);
	case EXT_TYPE_SHARD_ID:
		if (extension.len != EXT_SHARD_ID_SIZE)
			return BUS_DROP_EXTENSION;
		ping->extensions |= BUS_EXT_SHARD_ID;
		memcpy(ping->shard_id.bytes, data.at, NODE_ID_LEN);
		return BUS_OK;
	default:
		ping->skipped_extensions++;
		return BUS_OK;
	}
}

/* rest: what follows the gossip; count extensions must fill it. */
static enum bus_status
decode_extensions(struct span rest, unsigned count, struct bus_ping *ping)
{
	for (unsigned i = 0; i < count; i++) {
		if (rest.len < EXT_DATA)
			return BUS_DROP_LENGTH;
		uint32_t len = load_be32(rest.at + EXT_LENGTH);
		if (len < EXT_DATA || len % EXT_UNIT != 0)
			return BUS_DROP_EXTENSION;
		if (len > rest.len)
			return BUS_DROP_LENGTH;
		enum bus_status status = decode_extension((struct span){rest.at, len}, ping);
		if (status != BUS_OK)
			return status;
		rest.at += len;
		rest.len -= len;
	}
	return rest.len == 0 ? BUS_OK : BUS_DROP_LENGTH;
}

static enum bus_status
decode_ping(struct span frame, struct bus_gossip *gossip, struct bus_msg *out)
{
	struct bus_ping *ping = &out->ping;
	uint16_t count = load_be16(frame.at + HEAD_COUNT);
	struct span data = {frame.at + BUS_HEAD_SIZE, frame.len - BUS_HEAD_SIZE};
	if (data.len < (size_t)count * BUS_GOSSIP_SIZE)
		return BUS_DROP_LENGTH;
	if (count > BUS_GOSSIP_MAX)
		return BUS_DROP_COUNT;
	for (unsigned i = 0; i < count; i++)
		decode_gossip(data.at + (size_t)i * BUS_GOSSIP_SIZE, &gossip[i]);
	ping->gossip = gossip;
	ping->gossip_count = count;
	ping->extensions = 0;
	ping->forgotten_count = 0;
	ping->skipped_extensions = 0;
	memset(ping->hostname, 0, BUS_NAME_MAX);
	memset(ping->nodename, 0, BUS_NAME_MAX);
	memset(ping->shard_id.bytes, 0, NODE_ID_LEN);
	data.at += (size_t)count * BUS_GOSSIP_SIZE;
	data.len -= (size_t)count * BUS_GOSSIP_SIZE;
	/* Without the bit stock does not look for extensions, so that any are excess bytes. */
	unsigned extensions = (out->head.message_flags & BUS_EXT_DATA) != 0
				      ? load_be16(frame.at + HEAD_EXTENSIONS)
				      : 0;
	return decode_extensions(data, extensions, ping);
}

static enum bus_status
decode_update(struct span data, struct bus_update *update)
{
	if (data.len != UPDATE_SIZE)
		return BUS_DROP_LENGTH;
	update->config_epoch = load_be64(data.at + UPDATE_EPOCH);
	memcpy(update->id.bytes, data.at + UPDATE_ID, NODE_ID_LEN);
	memcpy(update->slots.bytes, data.at + UPDATE_SLOTS, SLOT_BITMAP_SIZE);
	return BUS_OK;
}

static enum bus_status
decode_publish(struct span data, struct bus_publish *publish)
{
	if (data.len < PUBLISH_TEXTS)
		return BUS_DROP_LENGTH;
	uint64_t channel_len = load_be32(data.at + PUBLISH_CHANNEL_LEN);
	uint64_t text_len = load_be32(data.at + PUBLISH_TEXT_LEN);
	if (data.len - PUBLISH_TEXTS != channel_len + text_len)
		return BUS_DROP_LENGTH;
	publish->channel = (struct span){data.at + PUBLISH_TEXTS, channel_len};
	publish->text = (struct span){data.at + PUBLISH_TEXTS + channel_len, text_len};
	return BUS_OK;
}

static enum bus_status
decode_module(struct span data, struct bus_module *module)
{
	if (data.len < MODULE_PAYLOAD)
		return BUS_DROP_LENGTH;
	if (data.len - MODULE_PAYLOAD != load_be32(data.at + MODULE_LEN))
		return BUS_DROP_LENGTH;
	module->module_id = load_opaque64(data.at + MODULE_ID);
	module->type = data.at[MODULE_TYPE];
	module->payload = (struct span){data.at + MODULE_PAYLOAD, data.len - MODULE_PAYLOAD};
	return BUS_OK;
}

static enum bus_status
decode_failed(struct span data, struct node_id *failed)
{
	if (data.len != NODE_ID_LEN)
		return BUS_DROP_LENGTH;
	memcpy(failed->bytes, data.at, NODE_ID_LEN);
	return BUS_OK;
}

/* What follows the header of every type but the ping family. */
static enum bus_status
decode_data(struct span data, struct bus_msg *out)
{
	switch (out->head.type) {
	case BUS_FAIL:
		return decode_failed(data, &out->failed);
	case BUS_PUBLISH:
	case BUS_PUBLISH_SHARD:
		return decode_publish(data, &out->publish);
	case BUS_AUTH_REQUEST:
	case BUS_AUTH_ACK:
	case BUS_MFSTART:
		return data.len == 0 ? BUS_OK : BUS_DROP_LENGTH;
	case BUS_UPDATE:
		return decode_update(data, &out->update);
	case BUS_MODULE:
		return decode_module(data, &out->module);
	default:
		return BUS_OK;
	}
}

enum bus_status
bus_decode(struct span frame, struct bus_gossip *gossip, struct bus_msg *out)
{
	uint32_t len;
	enum bus_status status = bus_frame_len(frame, &len);
	if (status != BUS_OK)
		return status;
	if (frame.len != len)
		return frame.len < len ? BUS_MORE : BUS_DROP_LENGTH;
	if (load_be16(frame.at + HEAD_VERSION) != BUS_VERSION)
		return BUS_DROP_VERSION;
	unsigned type = load_be16(frame.at + HEAD_TYPE);
	if ((type & BUS_LIGHT_BIT) != 0) {
		type &= ~BUS_LIGHT_BIT;
		if (!has_light_form(type))
			return BUS_DROP_LIGHT;
		out->head = (struct bus_head){.type = (uint16_t)type, .light = true};
		return decode_data((struct span){frame.at + BUS_LIGHT_HEAD_SIZE,
						 frame.len - BUS_LIGHT_HEAD_SIZE},
				   out);
	}
	out->head.type = (uint16_t)type;
	out->head.light = false;
	decode_head(frame.at, &out->head);
	if (is_ping_family(type))
		return decode_ping(frame, gossip, out);
	return decode_data((struct span){frame.at + BUS_HEAD_SIZE, frame.len - BUS_HEAD_SIZE}, out);
}

/* ---- values to bytes ---- */

static size_t
name_extension_size(const char name[BUS_NAME_MAX])
{
	size_t with_zero = strnlen(name, BUS_NAME_MAX - 1) + 1;
	return EXT_DATA + (with_zero + EXT_UNIT - 1) / EXT_UNIT * EXT_UNIT;
}

static size_t
ping_size(const struct bus_ping *ping)
{
	size_t size = (size_t)ping->gossip_count * BUS_GOSSIP_SIZE +
		      (size_t)ping->forgotten_count * EXT_FORGOTTEN_SIZE;
	if ((ping->extensions & BUS_EXT_HOSTNAME) != 0)
		size += name_extension_size(ping->hostname);
	if ((ping->extensions & BUS_EXT_NODENAME) != 0)
		size += name_extension_size(ping->nodename);
	if ((ping->extensions & BUS_EXT_SHARD_ID) != 0)
		size += EXT_SHARD_ID_SIZE;
	return size;
}

size_t
bus_encoded_len(const struct bus_msg *msg)
{
	size_t head = msg->head.light ? BUS_LIGHT_HEAD_SIZE : BUS_HEAD_SIZE;
	switch (msg->head.type) {
	case BUS_PING:
	case BUS_PONG:
	case BUS_MEET:
		return head + ping_size(&msg->ping);
	case BUS_FAIL:
		return head + NODE_ID_LEN;
	case BUS_PUBLISH:
	case BUS_PUBLISH_SHARD:
		return head + PUBLISH_TEXTS + msg->publish.channel.len + msg->publish.text.len;
	case BUS_UPDATE:
		return head + UPDATE_SIZE;
	case BUS_MODULE:
		return head + MODULE_PAYLOAD + msg->module.payload.len;
	default:
		return head;
	}
}

static void
encode_light_head(const struct bus_head *head, uint32_t len, uint8_t *at)
{
	memcpy(at + HEAD_SIGNATURE, signature, sizeof(signature));
	store_be32(at + HEAD_LENGTH, len);
	store_be16(at + HEAD_VERSION, BUS_VERSION);
	store_be16(at + HEAD_PORT, 0);
	store_be16(at + HEAD_TYPE, (uint16_t)(head->type | (head->light ? BUS_LIGHT_BIT : 0)));
	store_be16(at + HEAD_COUNT, 0);
}

/* A full header begins like a light one; counts are the ping family's. */
static void
encode_head(const struct bus_head *head, uint32_t len, uint8_t *at)
{
	encode_light_head(head, len, at);
	store_be16(at + HEAD_PORT, head->port);
	store_be64(at + HEAD_CURRENT_EPOCH, head->current_epoch);
	store_be64(at + HEAD_CONFIG_EPOCH, head->config_epoch);
	store_be64(at + HEAD_OFFSET, head->offset);
	memcpy(at + HEAD_SENDER, head->sender.bytes, NODE_ID_LEN);
	memcpy(at + HEAD_SLOTS, head->slots.bytes, SLOT_BITMAP_SIZE);
	memcpy(at + HEAD_REPLICA_OF, head->replica_of.bytes, NODE_ID_LEN);
	copy_text(at + HEAD_MY_IP, head->my_ip, BUS_IP_LEN);
	memset(at + HEAD_EXTENSIONS, 0, HEAD_PPORT - HEAD_EXTENSIONS);
	store_be16(at + HEAD_PPORT, head->pport);
	store_be16(at + HEAD_CPORT, head->cport);
	store_be16(at + HEAD_FLAGS, head->flags);
	at[HEAD_STATE] = head->state_ok ? STATE_OK : STATE_FAIL;
	at[HEAD_MESSAGE_FLAGS] = head->message_flags;
	memset(at + HEAD_MESSAGE_FLAGS + 1, 0, 2);
}

static void
encode_gossip(const struct bus_gossip *entry, uint8_t *at)
{
	memcpy(at + GOSSIP_ID, entry->id.bytes, NODE_ID_LEN);
	store_be32(at + GOSSIP_PING_SENT, entry->ping_sent_s);
	store_be32(at + GOSSIP_PONG_RECEIVED, entry->pong_received_s);
	copy_text(at + GOSSIP_IP, entry->ip, BUS_IP_LEN);
	store_be16(at + GOSSIP_PORT, entry->port);
	store_be16(at + GOSSIP_CPORT, entry->cport);
	store_be16(at + GOSSIP_FLAGS, entry->flags);
	store_be16(at + GOSSIP_PPORT, entry->pport);
	store_be16(at + GOSSIP_ZEROS, 0);
}

/* Answers where the data goes. */
static uint8_t *
encode_extension_head(enum extension_type type, size_t size, uint8_t *at)
{
	store_be32(at + EXT_LENGTH, (uint32_t)size);
	store_be16(at + EXT_TYPE, (uint16_t)type);
	store_be16(at + EXT_ZEROS, 0);
	return at + EXT_DATA;
}

/* Answers the end. */
static uint8_t *
encode_name(enum extension_type type, const char name[BUS_NAME_MAX], uint8_t *at)
{
	size_t size = name_extension_size(name);
	copy_text(encode_extension_head(type, size, at), name, size - EXT_DATA);
	return at + size;
}

static void
encode_ping(const struct bus_msg *msg, uint8_t *frame)
{
	const struct bus_ping *ping = &msg->ping;
	uint8_t *at = frame + BUS_HEAD_SIZE;
	unsigned count = ping->forgotten_count;
	ASSERT(ping->gossip_count <= BUS_GOSSIP_MAX);
	ASSERT(ping->forgotten_count <= BUS_FORGOTTEN_MAX);
	for (unsigned i = 0; i < ping->gossip_count; i++, at += BUS_GOSSIP_SIZE)
		encode_gossip(&ping->gossip[i], at);
	if ((ping->extensions & BUS_EXT_HOSTNAME) != 0) {
		at = encode_name(EXT_TYPE_HOSTNAME, ping->hostname, at);
		count++;
	}
	if ((ping->extensions & BUS_EXT_NODENAME) != 0) {
		at = encode_name(EXT_TYPE_NODENAME, ping->nodename, at);
		count++;
	}
	for (unsigned i = 0; i < ping->forgotten_count; i++, at += EXT_FORGOTTEN_SIZE) {
		encode_extension_head(EXT_TYPE_FORGOTTEN, EXT_FORGOTTEN_SIZE, at);
		memcpy(at + EXT_DATA, ping->forgotten[i].id.bytes, NODE_ID_LEN);
		store_be64(at + EXT_FORGOTTEN_TTL, ping->forgotten[i].ttl_s);
	}
	if ((ping->extensions & BUS_EXT_SHARD_ID) != 0) {
		at = encode_extension_head(EXT_TYPE_SHARD_ID, EXT_SHARD_ID_SIZE, at);
		memcpy(at, ping->shard_id.bytes, NODE_ID_LEN);
		count++;
	}
	/* A receiver that does not find the bit takes extensions for excess bytes and drops the frame. */
	ASSERT(count == 0 || (msg->head.message_flags & BUS_EXT_DATA) != 0);
	store_be16(frame + HEAD_COUNT, ping->gossip_count);
	store_be16(frame + HEAD_EXTENSIONS, (uint16_t)count);
}

static void
encode_update(const struct bus_update *update, uint8_t *at)
{
	store_be64(at + UPDATE_EPOCH, update->config_epoch);
	memcpy(at + UPDATE_ID, update->id.bytes, NODE_ID_LEN);
	memcpy(at + UPDATE_SLOTS, update->slots.bytes, SLOT_BITMAP_SIZE);
}

static void
copy_span(uint8_t *at, struct span span)
{
	if (span.len > 0)
		memcpy(at, span.at, span.len);
}

static void
encode_publish(const struct bus_publish *publish, uint8_t *at)
{
	store_be32(at + PUBLISH_CHANNEL_LEN, (uint32_t)publish->channel.len);
	store_be32(at + PUBLISH_TEXT_LEN, (uint32_t)publish->text.len);
	copy_span(at + PUBLISH_TEXTS, publish->channel);
	copy_span(at + PUBLISH_TEXTS + publish->channel.len, publish->text);
}

static void
encode_module(const struct bus_module *module, uint8_t *at)
{
	memcpy(at + MODULE_ID, &module->module_id, sizeof(module->module_id));
	store_be32(at + MODULE_LEN, (uint32_t)module->payload.len);
	at[MODULE_TYPE] = module->type;
	copy_span(at + MODULE_PAYLOAD, module->payload);
}

void
bus_encode(const struct bus_msg *msg, uint8_t *at)
{
	size_t len = bus_encoded_len(msg);
	unsigned type = msg->head.type;
	ASSERT(type < BUS_TYPE_COUNT);
	ASSERT(len <= BUS_FRAME_MAX);
	ASSERT(!msg->head.light || has_light_form(type));
	uint8_t *data = at + (msg->head.light ? BUS_LIGHT_HEAD_SIZE : BUS_HEAD_SIZE);
	if (msg->head.light)
		encode_light_head(&msg->head, (uint32_t)len, at);
	else
		encode_head(&msg->head, (uint32_t)len, at);
	if (is_ping_family(type))
		encode_ping(msg, at);
	else if (type == BUS_FAIL)
		memcpy(data, msg->failed.bytes, NODE_ID_LEN);
	else if (type == BUS_UPDATE)
		encode_update(&msg->update, data);
	else if (type == BUS_PUBLISH || type == BUS_PUBLISH_SHARD)
		encode_publish(&msg->publish, data);
	else if (type == BUS_MODULE)
		encode_module(&msg->module, data);
}
