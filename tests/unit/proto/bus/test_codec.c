/* tests/unit/proto/bus/test_codec.c - every type both ways, every field in its place, every length that lies. */
#include "tests/unit/proto/bus/frames.h"

#define LEN_AT        4 /* offsets of a stock frame, written out again so that a slip in codec.c shows */
#define VERSION_AT    8
#define TYPE_AT       12
#define COUNT_AT      14
#define EXTENSIONS_AT 2214
#define FLAGS_AT      2253
#define DATA_AT       2256
#define GOSSIP_LEN    104
#define EXT_AT        (DATA_AT + 2 * GOSSIP_LEN) /* in the frames of frames.h: after two entries */
#define HOSTNAME_LEN  24
#define NODENAME_LEN  16
#define FORGOTTEN_LEN 56
#define SHARD_LEN     48
#define LIGHT_TYPE    0x8000u

static struct bus_gossip room[BUS_GOSSIP_MAX];

static void
check_same_head(const struct bus_head *a, const struct bus_head *b)
{
	ck_assert_uint_eq(a->type, b->type);
	ck_assert_uint_eq(a->light, b->light);
	ck_assert_uint_eq(a->port, b->port);
	ck_assert_uint_eq(a->pport, b->pport);
	ck_assert_uint_eq(a->cport, b->cport);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_uint_eq(a->current_epoch, b->current_epoch);
	ck_assert_uint_eq(a->config_epoch, b->config_epoch);
	ck_assert_uint_eq(a->offset, b->offset);
	ck_assert(node_id_equal(&a->sender, &b->sender));
	ck_assert(node_id_equal(&a->replica_of, &b->replica_of));
	ck_assert_mem_eq(a->my_ip, b->my_ip, BUS_IP_LEN);
	ck_assert_mem_eq(a->slots.bytes, b->slots.bytes, SLOT_BITMAP_SIZE);
	ck_assert_uint_eq(a->state_ok, b->state_ok);
	ck_assert_uint_eq(a->message_flags, b->message_flags);
}

static void
check_same_gossip(const struct bus_gossip *a, const struct bus_gossip *b)
{
	ck_assert(node_id_equal(&a->id, &b->id));
	ck_assert_uint_eq(a->ping_sent_s, b->ping_sent_s);
	ck_assert_uint_eq(a->pong_received_s, b->pong_received_s);
	ck_assert_mem_eq(a->ip, b->ip, BUS_IP_LEN);
	ck_assert_uint_eq(a->port, b->port);
	ck_assert_uint_eq(a->cport, b->cport);
	ck_assert_uint_eq(a->pport, b->pport);
	ck_assert_uint_eq(a->flags, b->flags);
}

static void
check_same_ping(const struct bus_ping *a, const struct bus_ping *b)
{
	ck_assert_uint_eq(a->gossip_count, b->gossip_count);
	for (unsigned i = 0; i < a->gossip_count; i++)
		check_same_gossip(&a->gossip[i], &b->gossip[i]);
	ck_assert_uint_eq(a->extensions, b->extensions);
	ck_assert_uint_eq(a->skipped_extensions, b->skipped_extensions);
	ck_assert_mem_eq(a->hostname, b->hostname, BUS_NAME_MAX);
	ck_assert_mem_eq(a->nodename, b->nodename, BUS_NAME_MAX);
	ck_assert(node_id_equal(&a->shard_id, &b->shard_id));
	ck_assert_uint_eq(a->forgotten_count, b->forgotten_count);
	for (unsigned i = 0; i < a->forgotten_count; i++) {
		ck_assert(node_id_equal(&a->forgotten[i].id, &b->forgotten[i].id));
		ck_assert_uint_eq(a->forgotten[i].ttl_s, b->forgotten[i].ttl_s);
	}
}

static void
check_same(const struct bus_msg *a, const struct bus_msg *b)
{
	check_same_head(&a->head, &b->head);
	switch (a->head.type) {
	case BUS_PING:
	case BUS_PONG:
	case BUS_MEET:
		check_same_ping(&a->ping, &b->ping);
		break;
	case BUS_FAIL:
		ck_assert(node_id_equal(&a->failed, &b->failed));
		break;
	case BUS_PUBLISH:
	case BUS_PUBLISH_SHARD:
		ck_assert(span_equal(a->publish.channel, b->publish.channel));
		ck_assert(span_equal(a->publish.text, b->publish.text));
		break;
	case BUS_UPDATE:
		ck_assert_mem_eq(&a->update, &b->update, sizeof(a->update));
		break;
	case BUS_MODULE:
		ck_assert_uint_eq(a->module.module_id, b->module.module_id);
		ck_assert_uint_eq(a->module.type, b->module.type);
		ck_assert(span_equal(a->module.payload, b->module.payload));
		break;
	default:
		break;
	}
}

START_TEST(every_form_reads_back_as_it_was_written)
{
	for (unsigned form = 0; form < FORM_COUNT; form++) {
		struct bus_gossip gossip[2];
		struct bus_msg msg, back;
		fill_form(form, &msg, gossip);
		memset(&back, 0, sizeof(back));
		struct frame frame = encode(&msg);
		struct span bytes = {frame.bytes, frame.len};
		uint32_t len = 0;
		ck_assert_int_eq(bus_frame_len(bytes, &len), BUS_OK);
		ck_assert_uint_eq(len, frame.len);
		ck_assert_int_eq(bus_decode(bytes, room, &back), BUS_OK);
		check_same(&msg, &back);
		struct frame again = encode(&back);
		ck_assert_uint_eq(again.len, frame.len);
		ck_assert_mem_eq(again.bytes, frame.bytes, frame.len);
		free(again.bytes);
		free(frame.bytes);
	}
}
END_TEST

START_TEST(each_form_has_the_length_that_stock_expects)
{
	static const size_t ping =
		EXT_AT + HOSTNAME_LEN + NODENAME_LEN + 2 * FORGOTTEN_LEN + SHARD_LEN;
	static const size_t expected[FORM_COUNT] = {
		[BUS_PING] = ping,
		[BUS_PONG] = ping,
		[BUS_MEET] = ping,
		[BUS_FAIL] = 2296,
		[BUS_PUBLISH] = 2264 + 4 + 9,
		[BUS_AUTH_REQUEST] = 2256,
		[BUS_AUTH_ACK] = 2256,
		[BUS_UPDATE] = 4352,
		[BUS_MFSTART] = 2256,
		[BUS_MODULE] = 2269 + 6,
		[BUS_PUBLISH_SHARD] = 2264 + 4 + 9,
		[BUS_TYPE_COUNT] = 24 + 4 + 9,
		[BUS_TYPE_COUNT + 1] = 24 + 4 + 9,
		[BUS_TYPE_COUNT + 2] = 29 + 6,
	};
	for (unsigned form = 0; form < FORM_COUNT; form++) {
		struct frame frame = encode_form(form);
		ck_assert_uint_eq(frame.len, expected[form]);
		ck_assert_uint_eq(load_be32(frame.bytes + LEN_AT), expected[form]);
		free(frame.bytes);
	}
}
END_TEST

START_TEST(each_field_lies_where_stock_puts_it)
{
	struct frame frame = encode_form(BUS_PONG);
	const uint8_t *at = frame.bytes, *gossip = at + DATA_AT, *ext = at + EXT_AT;
	static const struct {
		unsigned at, width;
		uint64_t value;
	} cases[] = {
		{0,                2, 0x5243            }, /* "RC" */
		{2,                2, 0x6d62            }, /* "mb" */
		{8,                2, 1                 },
		{10,               2, 6379              },
		{12,               2, BUS_PONG          },
		{14,               2, 2                 },
		{16,               8, 0x0102030405060708},
		{24,               8, 0x1112131415161718},
		{32,               8, 0x2122232425262728},
		{80,               2, 0x0102            }, /* slots 0 and 9 */
		{80 + 2046,        2, 0x0080            }, /* slot 16383 */
		{2214,             2, 5                 },
		{2246,             2, 6380              },
		{2248,             2, 16379             },
		{2250,             2, 0x0412            },
		{2252,             2, 0x0005            }, /* state, first byte of the message's flags */
		{2254,             2, 0                 },
		{DATA_AT + 40,     4, 0x31323334        },
		{DATA_AT + 44,     4, 0x41424344        },
		{DATA_AT + 94,     2, 7001              },
		{DATA_AT + 96,     2, 17001             },
		{DATA_AT + 98,     2, 5                 },
		{DATA_AT + 100,    2, 7002              },
		{DATA_AT + 102,    2, 0                 },
		{DATA_AT + 202,    2, 0xffff            },
		{EXT_AT,           4, HOSTNAME_LEN      },
		{EXT_AT + 4,       4, 0                 },
		{EXT_AT + 24,      4, NODENAME_LEN      },
		{EXT_AT + 28,      4, 0x00010000        },
		{EXT_AT + 40,      4, FORGOTTEN_LEN     },
		{EXT_AT + 44,      4, 0x00020000        },
		{EXT_AT + 88,      8, 60                },
		{EXT_AT + 96 + 48, 8, 0x5152535455565758},
		{EXT_AT + 152,     4, SHARD_LEN         },
		{EXT_AT + 156,     4, 0x00030000        },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *field = at + cases[i].at;
		uint64_t value = cases[i].width == 8   ? load_be64(field)
				 : cases[i].width == 4 ? load_be32(field)
						       : load_be16(field);
		ck_assert_msg(value == cases[i].value, "offset %u: %lx", cases[i].at, value);
	}
	ck_assert_mem_eq(at + 40, id_of('a').bytes, NODE_ID_LEN);
	ck_assert_mem_eq(at + 2128, id_of('b').bytes, NODE_ID_LEN);
	ck_assert_mem_eq(at + 2168, "192.0.2.1\0\0\0", 12);
	ck_assert_mem_eq(gossip, id_of('c').bytes, NODE_ID_LEN);
	ck_assert_mem_eq(gossip + 48, "2001:db8::1\0\0\0", 14);
	ck_assert_mem_eq(ext + 8, "node-1.example\0\0", 16);
	ck_assert_mem_eq(ext + 32, "first\0\0\0", 8);
	ck_assert_mem_eq(ext + 48, id_of('e').bytes, NODE_ID_LEN);
	ck_assert_mem_eq(ext + 160, id_of('g').bytes, NODE_ID_LEN);
	for (unsigned i = 2216; i < 2246; i++)
		ck_assert_uint_eq(at[i], 0);
	free(frame.bytes);
}
END_TEST

START_TEST(each_body_lies_where_stock_puts_it)
{
	struct frame fail = encode_form(BUS_FAIL), update = encode_form(BUS_UPDATE);
	struct frame publish = encode_form(BUS_PUBLISH), module = encode_form(BUS_MODULE);
	struct frame light = encode_form(BUS_TYPE_COUNT);
	uint64_t module_id = 0x6162636465666768;
	ck_assert_mem_eq(fail.bytes + DATA_AT, id_of('h').bytes, NODE_ID_LEN);
	ck_assert_uint_eq(load_be64(update.bytes + DATA_AT), 77);
	ck_assert_mem_eq(update.bytes + DATA_AT + 8, id_of('i').bytes, NODE_ID_LEN);
	ck_assert_uint_eq(update.bytes[DATA_AT + 48 + 1234 / 8], 1u << 1234 % 8);
	ck_assert_mem_eq(publish.bytes + DATA_AT, "\0\0\0\4\0\0\0\11newsit rained", 21);
	ck_assert_mem_eq(module.bytes + DATA_AT, &module_id, 8); /* as it lay in memory */
	ck_assert_mem_eq(module.bytes + DATA_AT + 8, "\0\0\0\6\11opaque", 11);
	ck_assert_mem_eq(light.bytes, "RCmb\0\0\0\45\0\1\0\0\200\4\0\0\0\0\0\4\0\0\0\11news", 28);
	free(fail.bytes);
	free(update.bytes);
	free(publish.bytes);
	free(module.bytes);
	free(light.bytes);
}
END_TEST

START_TEST(every_truncation_of_every_form_asks_for_more)
{
	for (unsigned form = 0; form < FORM_COUNT; form++) {
		struct frame frame = encode_form(form);
		for (size_t len = 0; len < frame.len; len++)
			ck_assert_int_eq(decode_exact(frame.bytes, len), BUS_MORE);
		free(frame.bytes);
	}
}
END_TEST

START_TEST(every_form_that_claims_to_be_shorter_is_refused)
{
	for (unsigned form = 0; form < FORM_COUNT; form++) {
		struct frame frame = encode_form(form);
		size_t shortest = form < BUS_TYPE_COUNT ? 2256 : 16;
		for (size_t len = BUS_FRAME_PREFIX; len < frame.len; len++) {
			store_be32(frame.bytes + LEN_AT, (uint32_t)len);
			enum bus_status status = decode_exact(frame.bytes, len);
			if (len >= shortest)
				ck_assert_int_eq(status, BUS_DROP_LENGTH);
			else
				ck_assert_int_eq(status, BUS_BAD_LENGTH);
		}
		free(frame.bytes);
	}
}
END_TEST

START_TEST(every_form_with_bytes_to_spare_is_dropped)
{
	for (unsigned form = 0; form < FORM_COUNT; form++) {
		struct frame frame = encode_form(form);
		frame.bytes = realloc(frame.bytes, frame.len + GOSSIP_LEN);
		memset(frame.bytes + frame.len, 0, GOSSIP_LEN);
		for (size_t more = 1; more <= GOSSIP_LEN; more++) {
			ck_assert_int_eq(decode_exact(frame.bytes, frame.len + 1), BUS_DROP_LENGTH);
			store_be32(frame.bytes + LEN_AT, (uint32_t)(frame.len + more));
			ck_assert_int_eq(decode_exact(frame.bytes, frame.len + more),
					 BUS_DROP_LENGTH);
			store_be32(frame.bytes + LEN_AT, (uint32_t)frame.len);
		}
		free(frame.bytes);
	}
}
END_TEST

START_TEST(each_lie_has_one_answer)
{
	static const struct {
		const char *lie;
		unsigned form, at, width;
		uint32_t value;
		enum bus_status expected;
	} cases[] = {
		{"signature",             BUS_PING,           3,             1, 'x',                   BUS_BAD_SIGNATURE },
		{"no length",             BUS_PING,           LEN_AT,        4, 0,                     BUS_BAD_LENGTH    },
		{"half a light header",   BUS_TYPE_COUNT,     LEN_AT,        4, 15,                    BUS_BAD_LENGTH    },
		{"half a header",         BUS_PING,           LEN_AT,        4, 2255,                  BUS_BAD_LENGTH    },
		{"longest",               BUS_PING,           LEN_AT,        4, BUS_FRAME_MAX,         BUS_MORE          },
		{"too long",              BUS_PING,           LEN_AT,        4, BUS_FRAME_MAX + 1,     BUS_TOO_LONG      },
		{"longest number",        BUS_PING,           LEN_AT,        4, UINT32_MAX,            BUS_TOO_LONG      },
		{"version 0",             BUS_PING,           VERSION_AT,    2, 0,                     BUS_DROP_VERSION  },
		{"version 2, light",      BUS_TYPE_COUNT,     VERSION_AT,    2, 2,                     BUS_DROP_VERSION  },
		{"light ping",            BUS_PING,           TYPE_AT,       2, LIGHT_TYPE,            BUS_DROP_LIGHT    },
		{"light fail",            BUS_FAIL,           TYPE_AT,       2, LIGHT_TYPE | BUS_FAIL, BUS_DROP_LIGHT    },
		{"light stranger",        BUS_FAIL,           TYPE_AT,       2, LIGHT_TYPE | 11,       BUS_DROP_LIGHT    },
		{"stranger",              BUS_FAIL,           TYPE_AT,       2, BUS_TYPE_COUNT,        BUS_OK            },
		{"last stranger",         BUS_FAIL,           TYPE_AT,       2, 0x7fff,                BUS_OK            },
		{"ping is fail",          BUS_PING,           TYPE_AT,       2, BUS_FAIL,              BUS_DROP_LENGTH   },
		{"fail is ping",          BUS_FAIL,           TYPE_AT,       2, BUS_PING,              BUS_DROP_LENGTH   },
		{"update is mfstart",     BUS_UPDATE,         TYPE_AT,       2, BUS_MFSTART,           BUS_DROP_LENGTH   },
		{"mfstart is update",     BUS_MFSTART,        TYPE_AT,       2, BUS_UPDATE,            BUS_DROP_LENGTH   },
		{"vote is module",        BUS_AUTH_ACK,       TYPE_AT,       2, BUS_MODULE,            BUS_DROP_LENGTH   },
		{"vote is publish",       BUS_AUTH_REQUEST,   TYPE_AT,       2, BUS_PUBLISH,           BUS_DROP_LENGTH   },
		{"one entry more",        BUS_PING,           COUNT_AT,      2, 3,                     BUS_DROP_EXTENSION},
		{"one entry less",        BUS_PING,           COUNT_AT,      2, 1,                     BUS_DROP_EXTENSION},
		{"most entries",          BUS_PING,           COUNT_AT,      2, 65535,                 BUS_DROP_LENGTH   },
		{"no extension bit",      BUS_PING,           FLAGS_AT,      1, 0,                     BUS_DROP_LENGTH   },
		{"no extension",          BUS_PING,           EXTENSIONS_AT, 2, 0,                     BUS_DROP_LENGTH   },
		{"one extension less",    BUS_PING,           EXTENSIONS_AT, 2, 4,                     BUS_DROP_LENGTH   },
		{"one extension more",    BUS_PING,           EXTENSIONS_AT, 2, 6,                     BUS_DROP_LENGTH   },
		{"most extensions",       BUS_PING,           EXTENSIONS_AT, 2, 65535,                 BUS_DROP_LENGTH   },
		{"extension of nothing",  BUS_PING,           EXT_AT,        4, 0,                     BUS_DROP_EXTENSION},
		{"shorter than its head", BUS_PING,           EXT_AT,        4, 7,                     BUS_DROP_EXTENSION},
		{"name without bytes",    BUS_PING,           EXT_AT,        4, 8,                     BUS_DROP_EXTENSION},
		{"not padded",            BUS_PING,           EXT_AT,        4, 23,                    BUS_DROP_EXTENSION},
		{"name without a zero",   BUS_PING,           EXT_AT,        4, 16,                    BUS_DROP_EXTENSION},
		{"beyond the frame",      BUS_PING,           EXT_AT,        4, 208,                   BUS_DROP_LENGTH   },
		{"longest extension",     BUS_PING,           EXT_AT,        4, 0xfffffff8,            BUS_DROP_LENGTH   },
		{"short forgotten",       BUS_PING,           EXT_AT + 40,   4, 48,                    BUS_DROP_EXTENSION},
		{"long forgotten",        BUS_PING,           EXT_AT + 40,   4, 64,                    BUS_DROP_EXTENSION},
		{"short shard id",        BUS_PING,           EXT_AT + 152,  4, 40,                    BUS_DROP_EXTENSION},
		{"long shard id",         BUS_PING,           EXT_AT + 152,  4, 56,                    BUS_DROP_LENGTH   },
		{"channel one longer",    BUS_PUBLISH,        DATA_AT,       4, 5,                     BUS_DROP_LENGTH   },
		{"longest channel",       BUS_PUBLISH,        DATA_AT,       4, UINT32_MAX,            BUS_DROP_LENGTH   },
		{"sum that wraps to 13",  BUS_PUBLISH_SHARD,  DATA_AT + 4,   4, UINT32_MAX,
		 BUS_DROP_LENGTH											 },
		{"text one shorter",      BUS_PUBLISH_SHARD,  DATA_AT + 4,   4, 8,                     BUS_DROP_LENGTH   },
		{"light text one longer", BUS_TYPE_COUNT,     16 + 4,        4, 10,                    BUS_DROP_LENGTH   },
		{"payload one longer",    BUS_MODULE,         DATA_AT + 8,   4, 7,                     BUS_DROP_LENGTH   },
		{"longest payload",       BUS_TYPE_COUNT + 2, 16 + 8,        4, UINT32_MAX,            BUS_DROP_LENGTH   },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame frame = encode_form(cases[i].form);
		uint8_t *at = frame.bytes + cases[i].at;
		if (cases[i].width == 4)
			store_be32(at, cases[i].value);
		else if (cases[i].width == 2)
			store_be16(at, (uint16_t)cases[i].value);
		else
			*at = (uint8_t)cases[i].value;
		enum bus_status status = decode_exact(frame.bytes, frame.len);
		ck_assert_msg(status == cases[i].expected, "%s: %s", cases[i].lie,
			      bus_status_name(status));
		free(frame.bytes);
	}
}
END_TEST

/* channel + text is 2^32 + 13: taken modulo 2^32 it would fit. */
START_TEST(lengths_of_a_publish_do_not_wrap)
{
	struct frame frame = encode_form(BUS_PUBLISH);
	store_be32(frame.bytes + DATA_AT, 0x80000000);
	store_be32(frame.bytes + DATA_AT + 4, 0x80000000 + 13);
	ck_assert_int_eq(decode_exact(frame.bytes, frame.len), BUS_DROP_LENGTH);
	free(frame.bytes);
}
END_TEST

START_TEST(the_length_of_a_frame_is_known_from_its_first_bytes)
{
	struct frame full = encode_form(BUS_FAIL), light = encode_form(BUS_TYPE_COUNT);
	uint32_t len;
	for (size_t known = 0; known < full.len; known++) {
		enum bus_status status = bus_frame_len((struct span){full.bytes, known}, &len);
		ck_assert_int_eq(status, known < BUS_FRAME_PREFIX ? BUS_MORE : BUS_OK);
	}
	ck_assert_uint_eq(len, full.len);
	for (size_t known = 0; known < light.len; known++) {
		enum bus_status status = bus_frame_len((struct span){light.bytes, known}, &len);
		ck_assert_int_eq(status, known < BUS_LIGHT_HEAD_SIZE ? BUS_MORE : BUS_OK);
	}
	ck_assert_uint_eq(len, light.len);
	free(full.bytes);
	free(light.bytes);
}
END_TEST

START_TEST(gossip_is_taken_up_to_its_limit)
{
	struct bus_msg msg = {.head = head_of(BUS_PING)}, back;
	for (unsigned i = 0; i < BUS_GOSSIP_MAX; i++)
		room[i] = (struct bus_gossip){.id = id_of('a'), .port = (uint16_t)i};
	msg.ping.gossip = room;
	msg.ping.gossip_count = BUS_GOSSIP_MAX;
	struct frame frame = encode(&msg);
	memset(room, 0, sizeof(room));
	ck_assert_int_eq(bus_decode((struct span){frame.bytes, frame.len}, room, &back), BUS_OK);
	ck_assert_uint_eq(back.ping.gossip_count, BUS_GOSSIP_MAX);
	ck_assert_uint_eq(room[BUS_GOSSIP_MAX - 1].port, BUS_GOSSIP_MAX - 1);
	frame.len += GOSSIP_LEN;
	frame.bytes = realloc(frame.bytes, frame.len);
	memset(frame.bytes + frame.len - GOSSIP_LEN, 0, GOSSIP_LEN);
	store_be32(frame.bytes + LEN_AT, (uint32_t)frame.len);
	store_be16(frame.bytes + COUNT_AT, BUS_GOSSIP_MAX + 1);
	ck_assert_int_eq(decode_exact(frame.bytes, frame.len), BUS_DROP_COUNT);
	free(frame.bytes);
}
END_TEST

/* A PING without gossip and with count extensions, whose bytes are given. */
static enum bus_status
decode_with(const void *extensions, size_t len, unsigned count, struct bus_msg *out)
{
	struct bus_msg msg = {.head = head_of(BUS_PING)};
	msg.head.message_flags = BUS_EXT_DATA;
	struct frame frame = encode(&msg);
	frame.bytes = realloc(frame.bytes, frame.len + len);
	memcpy(frame.bytes + frame.len, extensions, len);
	frame.len += len;
	store_be32(frame.bytes + LEN_AT, (uint32_t)frame.len);
	store_be16(frame.bytes + EXTENSIONS_AT, (uint16_t)count);
	enum bus_status status = bus_decode((struct span){frame.bytes, frame.len}, room, out);
	free(frame.bytes);
	return status;
}

START_TEST(unknown_extensions_are_passed_over_and_counted)
{
	static const uint8_t extensions[] = "\0\0\0\20\0\4\0\0"
					    "10.0.0.1" /* Valkey: client IPv4; Redis 8: a secret */
					    "\0\0\0\20\0\0\0\0"
					    "host\0\0\0\0"
					    "\0\0\0\10\377\377\0\0"; /* none yet, and empty */
	struct bus_msg msg;
	ck_assert_int_eq(decode_with(extensions, sizeof(extensions) - 1, 3, &msg), BUS_OK);
	ck_assert_uint_eq(msg.ping.skipped_extensions, 2);
	ck_assert_uint_eq(msg.ping.extensions, BUS_EXT_HOSTNAME);
	ck_assert_str_eq(msg.ping.hostname, "host");
	ck_assert_uint_eq(bus_encoded_len(&msg), DATA_AT + 16);
}
END_TEST

START_TEST(a_name_is_taken_up_to_its_limit)
{
	uint8_t extension[8 + BUS_NAME_MAX + 8] = {0, 0, 1, 8, 0, 1};
	struct bus_msg msg;
	memset(extension + 8, 'n', BUS_NAME_MAX - 1);
	ck_assert_int_eq(decode_with(extension, 8 + BUS_NAME_MAX, 1, &msg), BUS_OK);
	ck_assert_uint_eq(strlen(msg.ping.nodename), BUS_NAME_MAX - 1);
	ck_assert_uint_eq(bus_encoded_len(&msg), DATA_AT + 8 + BUS_NAME_MAX);
	extension[8 + BUS_NAME_MAX - 1] = 'n'; /* no zero within the extension */
	ck_assert_int_eq(decode_with(extension, 8 + BUS_NAME_MAX, 1, &msg), BUS_DROP_EXTENSION);
	extension[3] = 16; /* a zero, but one character too many */
	ck_assert_int_eq(decode_with(extension, sizeof(extension), 1, &msg), BUS_DROP_EXTENSION);
}
END_TEST

START_TEST(names_that_are_absent_come_out_empty_and_the_last_of_two_counts)
{
	static const uint8_t extensions[] = "\0\0\0\20\0\0\0\0"
					    "longest"
					    "\0"
					    "\0\0\0\20\0\0\0\0"
					    "b\0xxxxxx";
	struct bus_msg msg;
	memset(&msg, 'x', sizeof(msg));
	ck_assert_int_eq(decode_with(extensions, sizeof(extensions) - 1, 2, &msg), BUS_OK);
	ck_assert_mem_eq(msg.ping.hostname, "b\0\0\0\0\0\0\0", 8);
	ck_assert_uint_eq(msg.ping.nodename[0], 0);
	ck_assert(node_id_is_nobody(&msg.ping.shard_id));
	ck_assert_uint_eq(msg.ping.forgotten_count, 0);
	ck_assert_int_eq(decode_with(extensions, 0, 0, &msg), BUS_OK);
	ck_assert_uint_eq(msg.ping.extensions, 0);
	ck_assert_uint_eq(msg.ping.hostname[0], 0);
}
END_TEST

START_TEST(extensions_of_ids_have_one_length)
{
	static const struct {
		unsigned type, len;
	} cases[] = {
		{2, FORGOTTEN_LEN},
                {3, SHARD_LEN    }
        };
	uint8_t extension[FORGOTTEN_LEN + 8] = {0};
	struct bus_msg msg;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned len = 8; len <= sizeof(extension); len += 8) {
			store_be32(extension, len);
			store_be16(extension + 4, (uint16_t)cases[i].type);
			ck_assert_int_eq(decode_with(extension, len, 1, &msg),
					 len == cases[i].len ? BUS_OK : BUS_DROP_EXTENSION);
		}
	}
}
END_TEST

START_TEST(forgotten_nodes_are_taken_up_to_their_limit)
{
	uint8_t extensions[(BUS_FORGOTTEN_MAX + 1) * FORGOTTEN_LEN];
	struct bus_msg msg;
	for (unsigned i = 0; i <= BUS_FORGOTTEN_MAX; i++) {
		uint8_t *at = extensions + (size_t)i * FORGOTTEN_LEN;
		store_be64(at, (uint64_t)FORGOTTEN_LEN << 32 | 2u << 16);
		memset(at + 8, 'a' + (int)i, NODE_ID_LEN);
		store_be64(at + 48, i);
	}
	size_t len = BUS_FORGOTTEN_MAX * FORGOTTEN_LEN;
	ck_assert_int_eq(decode_with(extensions, len, BUS_FORGOTTEN_MAX, &msg), BUS_OK);
	ck_assert_uint_eq(msg.ping.forgotten_count, BUS_FORGOTTEN_MAX);
	ck_assert_uint_eq(msg.ping.skipped_extensions, 0);
	ck_assert_uint_eq(bus_encoded_len(&msg), DATA_AT + len);
	ck_assert_int_eq(decode_with(extensions, len + FORGOTTEN_LEN, BUS_FORGOTTEN_MAX + 1, &msg),
			 BUS_OK);
	ck_assert_uint_eq(msg.ping.forgotten_count, BUS_FORGOTTEN_MAX);
	ck_assert_uint_eq(msg.ping.forgotten[BUS_FORGOTTEN_MAX - 1].ttl_s, BUS_FORGOTTEN_MAX - 1);
	ck_assert_uint_eq(msg.ping.skipped_extensions, 1);
}
END_TEST

START_TEST(texts_end_in_zeros_whatever_was_sent)
{
	struct frame frame = encode_form(BUS_PING);
	struct bus_msg msg;
	memset(frame.bytes + 2168, '1', BUS_IP_LEN);
	memcpy(frame.bytes + DATA_AT + 48, "::1\0garbage", 11);
	ck_assert_int_eq(bus_decode((struct span){frame.bytes, frame.len}, room, &msg), BUS_OK);
	ck_assert_uint_eq(strlen(msg.head.my_ip), BUS_IP_LEN - 1);
	char expected[BUS_IP_LEN] = "::1";
	ck_assert_mem_eq(msg.ping.gossip[0].ip, expected, BUS_IP_LEN);
	free(frame.bytes);
}
END_TEST

START_TEST(what_is_reserved_is_ignored_and_written_as_zero)
{
	static const unsigned reserved[] = {2216, 2245, 2254, 2255, DATA_AT + 102, EXT_AT + 6};
	struct frame frame = encode_form(BUS_PING);
	struct bus_msg msg;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		frame.bytes[reserved[i]] = 0xff;
	ck_assert_int_eq(bus_decode((struct span){frame.bytes, frame.len}, room, &msg), BUS_OK);
	struct frame again = encode(&msg);
	ck_assert_uint_eq(again.len, frame.len);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		ck_assert_uint_eq(again.bytes[reserved[i]], 0);
		frame.bytes[reserved[i]] = 0;
	}
	ck_assert_mem_eq(again.bytes, frame.bytes, frame.len);
	free(again.bytes);
	free(frame.bytes);
}
END_TEST

START_TEST(state_is_good_only_when_it_is_zero)
{
	struct frame frame = encode_form(BUS_AUTH_ACK);
	struct bus_msg msg;
	for (unsigned state = 0; state < 256; state++) {
		frame.bytes[2252] = (uint8_t)state;
		ck_assert_int_eq(bus_decode((struct span){frame.bytes, frame.len}, room, &msg),
				 BUS_OK);
		ck_assert(msg.head.state_ok == (state == 0));
	}
	msg.head.state_ok = false;
	struct frame again = encode(&msg);
	ck_assert_uint_eq(again.bytes[2252], 1);
	free(again.bytes);
	free(frame.bytes);
}
END_TEST

START_TEST(a_light_frame_says_nothing_about_its_sender)
{
	struct frame frame = encode_form(BUS_TYPE_COUNT);
	struct bus_msg msg;
	memset(&msg, 'x', sizeof(msg));
	ck_assert_int_eq(bus_decode((struct span){frame.bytes, frame.len}, room, &msg), BUS_OK);
	ck_assert(msg.head.light);
	ck_assert_uint_eq(msg.head.type, BUS_PUBLISH);
	ck_assert(node_id_is_nobody(&msg.head.sender));
	ck_assert_uint_eq(msg.head.current_epoch, 0);
	ck_assert(!slot_bitmap_has(&msg.head.slots, 0));
	free(frame.bytes);
}
END_TEST

START_TEST(every_status_and_type_has_a_name_of_its_own)
{
	for (unsigned a = 0; a < BUS_STATUS_COUNT; a++) {
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(bus_status_name(a), bus_status_name(b));
	}
	for (unsigned a = 0; a <= BUS_TYPE_COUNT; a++) {
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(bus_type_name(a), bus_type_name(b));
	}
	ck_assert_str_eq(bus_type_name(BUS_AUTH_REQUEST), "auth-req");
	ck_assert_str_eq(bus_type_name(0x7fff), "unknown");
}
END_TEST

START_TEST(a_node_may_call_itself_by_forty_small_letters_and_digits)
{
	static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyz0000";
	static const char bad[] = {0, ' ', '/', ':', '@', 'A', 'Z', '`', '{', '\x7f', '\xff'};
	struct node_id id;
	memcpy(id.bytes, good, NODE_ID_LEN);
	ck_assert(node_id_is_valid(&id));
	for (unsigned i = 0; i < NODE_ID_LEN; i++) {
		for (size_t j = 0; j < sizeof(bad); j++) {
			memcpy(id.bytes, good, NODE_ID_LEN);
			id.bytes[i] = (uint8_t)bad[j];
			ck_assert(!node_id_is_valid(&id));
		}
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"bus_codec", every_form_reads_back_as_it_was_written,
		each_form_has_the_length_that_stock_expects, each_field_lies_where_stock_puts_it,
		each_body_lies_where_stock_puts_it, every_truncation_of_every_form_asks_for_more,
		every_form_that_claims_to_be_shorter_is_refused,
		every_form_with_bytes_to_spare_is_dropped, each_lie_has_one_answer,
		lengths_of_a_publish_do_not_wrap,
		the_length_of_a_frame_is_known_from_its_first_bytes,
		gossip_is_taken_up_to_its_limit, unknown_extensions_are_passed_over_and_counted,
		a_name_is_taken_up_to_its_limit,
		names_that_are_absent_come_out_empty_and_the_last_of_two_counts,
		extensions_of_ids_have_one_length, forgotten_nodes_are_taken_up_to_their_limit,
		texts_end_in_zeros_whatever_was_sent,
		what_is_reserved_is_ignored_and_written_as_zero, state_is_good_only_when_it_is_zero,
		a_light_frame_says_nothing_about_its_sender,
		every_status_and_type_has_a_name_of_its_own,
		a_node_may_call_itself_by_forty_small_letters_and_digits);
}
