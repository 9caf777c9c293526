/* proto/rdb/format.h - the numbers of the RDB format that reader, writer and their callers share.
 *
 *     magic and version | aux ... | [select db | [resize] | { [expire] [idle or freq] type key value } ... ] ... | end | crc64
 *
 * Redis writes REDIS0010 (7.0) and REDIS0011 (7.2; Valkey to 8.1), Valkey 9 writes VALKEY080, in which some numbers mean other things
 * than in Redis's own successors: what is known of a type or opcode holds for a dialect.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum rdb_dialect { RDB_DIALECT_REDIS, RDB_DIALECT_VALKEY };

#define RDB_VERSION_WRITTEN    10u /* what every node since Redis 7.0 reads */
#define RDB_VERSION_REDIS_MAX  12u
#define RDB_VERSION_VALKEY     80u
#define RDB_VERSION_CHECKSUM   5u /* files of older versions end without a checksum */
#define RDB_MAGIC_SIZE         9u
#define RDB_STRING_MAX_DEFAULT (512ull << 20)

/* Where a type number would stand. */
enum rdb_opcode {
	RDB_OP_SLOT_IMPORT = 243, /* Valkey 9 */
	RDB_OP_SLOT_INFO = 244,   /* Redis 7.4 */
	RDB_OP_FUNCTION = 245,
	RDB_OP_MODULE_AUX = 247,
	RDB_OP_IDLE = 248,
	RDB_OP_FREQ = 249,
	RDB_OP_AUX = 250,
	RDB_OP_RESIZE = 251,
	RDB_OP_EXPIRE_MS = 252,
	RDB_OP_EXPIRE_S = 253,
	RDB_OP_SELECT = 254,
	RDB_OP_END = 255,
};
#define RDB_OP_MIN 243u

/* The comment is what follows the key. (...) repeats as often as the number before it says. */
enum rdb_type {
	RDB_TYPE_STRING = 0,            /* string */
	RDB_TYPE_LIST = 1,              /* (string) */
	RDB_TYPE_SET = 2,               /* (string) */
	RDB_TYPE_ZSET_TEXT = 3,         /* (string, score as text), before Redis 4 */
	RDB_TYPE_HASH = 4,              /* (string, string) */
	RDB_TYPE_ZSET = 5,              /* (string, score), high to low */
	RDB_TYPE_MODULE_1 = 6,          /* has no end that can be found: refused */
	RDB_TYPE_MODULE = 7,            /* module id, what modules write */
	RDB_TYPE_HASH_ZIPMAP = 9,       /* zipmap, before Redis 2.6 */
	RDB_TYPE_LIST_ZIPLIST = 10,     /* ziplist, before Redis 3.2 */
	RDB_TYPE_SET_INTSET = 11,       /* intset */
	RDB_TYPE_ZSET_ZIPLIST = 12,     /* ziplist, before Redis 7 */
	RDB_TYPE_HASH_ZIPLIST = 13,     /* ziplist, before Redis 7 */
	RDB_TYPE_LIST_QUICKLIST = 14,   /* (ziplist), before Redis 7 */
	RDB_TYPE_STREAM_1 = 15,         /* see reader.c, before Redis 7 */
	RDB_TYPE_HASH_LISTPACK = 16,    /* listpack: field, value ... */
	RDB_TYPE_ZSET_LISTPACK = 17,    /* listpack: member, score ... */
	RDB_TYPE_LIST_QUICKLIST_2 = 18, /* (RDB_NODE_PLAIN string | RDB_NODE_PACKED listpack) */
	RDB_TYPE_STREAM_2 = 19,         /* see reader.c, Redis 7.0 */
	RDB_TYPE_SET_LISTPACK = 20,     /* listpack, Redis 7.2 */
	RDB_TYPE_STREAM_3 = 21,         /* see reader.c, Redis 7.2 */
	RDB_TYPE_HASH_TTL = 22,         /* (string, string, expiry in ms or -1), Valkey 9 */
	RDB_TYPE_COUNT,
};

enum rdb_node { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };

#define RDB_NO_EXPIRE (-1)
#define RDB_NO_IDLE   UINT64_MAX
#define RDB_NO_FREQ   (-1)

/* Layout of lengths and of strings that are not as they look (spec "RDB", length encoding). */
#define RDB_LEN_6        0x00u /* 00xxxxxx */
#define RDB_LEN_14       0x40u /* 01xxxxxx xxxxxxxx */
#define RDB_LEN_32       0x80u /* then 4 bytes, most significant first */
#define RDB_LEN_64       0x81u /* then 8 */
#define RDB_STRING_I8    0xc0u
#define RDB_STRING_I16   0xc1u
#define RDB_STRING_I32   0xc2u
#define RDB_STRING_LZF   0xc3u /* compressed length, length, bytes */
#define RDB_LEN_SIZE_MAX 9u

/* Whether files and payloads of this version can be read here. */
static inline bool
rdb_version_known(enum rdb_dialect dialect, uint32_t version)
{
	if (dialect == RDB_DIALECT_VALKEY)
		return version == RDB_VERSION_VALKEY;
	return version >= 1 && version <= RDB_VERSION_REDIS_MAX;
}
