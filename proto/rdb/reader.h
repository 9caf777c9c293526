/* proto/rdb/reader.h - an RDB file, or one value of it, read as it arrives.
 *
 *     bytes --> rdb_read() --> one event a call; what it says is in r->item until the next call
 *
 *     RDB_VERSION, RDB_AUX ..., RDB_SELECT, RDB_RESIZE, RDB_KEY, parts of its value ..., RDB_VALUE_END, RDB_KEY ..., RDB_FILE_END
 *                               ^ RDB_ROOM may come before any string     ^ RDB_MORE anywhere: all input was used, bring more
 *
 * R1  The events do not depend on how the bytes are cut. Only RDB_MORE does, RDB_ROOM, and where strings lie.
 * R2  A string is copied at most once here. It stays in the input if all of it is there as it is; else it is put together in the
 *     scratch memory if it fits behind the key; else RDB_ROOM asks the caller for item.number bytes, and fills them as they arrive.
 * R3  No length is believed beyond the limits: what is longer is refused before room is asked for.
 * R4  Nothing is passed over in silence: every byte belongs to an event, and what is not known is refused.
 * R5  After RDB_FILE_END and RDB_BAD_* nothing is used any more; the same event is given again.
 *
 * The caller brings all memory. No clock: what has expired is the caller's question. Blobs (listpack.h, intset.h, ziplist.h) come as
 * strings and are NOT yet validated.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/rdb/format.h"
#include "proto/rdb/token.h"

enum rdb_event {
	RDB_MORE, /* all input was used */
	RDB_ROOM, /* a string of number bytes comes: answer with rdb_reader_room(), then read on */
	RDB_VERSION,     /* number; dialect */
	RDB_AUX,         /* key: its name; bytes: its value */
	RDB_SELECT,      /* number: the database of what follows */
	RDB_RESIZE,      /* number: keys in it; numbers[1]: those that expire */
	RDB_SLOT_INFO,   /* number: slot; numbers[1]: keys; numbers[2]: those that expire */
	RDB_FUNCTION,    /* bytes: source text of a library */
	RDB_MODULE_AUX,  /* number: module id. Parts follow, then RDB_VALUE_END */
	RDB_SLOT_IMPORT, /* a slot migration under way. Parts follow, then RDB_VALUE_END */
	RDB_KEY, /* key, type, expire_ms, idle_s, freq. Its value follows in parts, then RDB_VALUE_END */
	/* Parts, in the order that enum rdb_type tells. */
	RDB_COUNT,      /* number: how often the group that follows repeats; 0: not at all */
	RDB_STRING,     /* bytes */
	RDB_SCORE,      /* score, not a number included */
	RDB_SCORE_TEXT, /* bytes: a score as Redis printed it, "nan", "inf", "-inf" */
	RDB_NUMBER,     /* number */
	RDB_TIME,       /* time_ms */
	RDB_ID,         /* bytes: 16, a stream entry's id, most significant first */
	RDB_VALUE_END,
	RDB_FILE_END,       /* checked: there was a checksum, and it is right */
	RDB_BAD_MAGIC,      /* not an RDB file */
	RDB_BAD_VERSION,    /* item.number: one that is not known */
	RDB_BAD_OPCODE,     /* item.type: one that is not known, or has been withdrawn (246) */
	RDB_BAD_TYPE,       /* item.type, of item.key */
	RDB_BAD_LENGTH,     /* a string longer than limits.string_max */
	RDB_BAD_COUNT,      /* more items than limits.count_max */
	RDB_BAD_SHORT,      /* more is announced than what is left of limits.size */
	RDB_BAD_ENCODING,   /* a length or a string in a form that does not exist */
	RDB_BAD_COMPRESSED, /* LZF data that does not give what was announced */
	RDB_BAD_MODULE,     /* a module's value that is not made of the known elements */
	RDB_BAD_CHECKSUM,
	RDB_EVENT_COUNT,
};

struct rdb_limits {
	uint64_t string_max; /* longest string; RDB_STRING_MAX_DEFAULT */
	uint64_t count_max;  /* most items in a collection */
	uint64_t size;       /* bytes there will be in all; UINT64_MAX: unknown */
};

struct rdb_item {
	/* RDB_KEY up to RDB_VALUE_END: the key, which stays where it is meanwhile. */
	struct span key;
	uint8_t type; /* enum rdb_type */
	int64_t expire_ms;
	uint64_t idle_s;
	int16_t freq;
	/* The event alone. */
	struct span bytes; /* at NULL, with its length: the caller gave no room */
	uint64_t number, numbers[3];
	int64_t time_ms;
	double score;
	bool checked;
};

#define RDB_LOOPS_MAX 3

struct rdb_reader {
	struct rdb_item item;
	struct rdb_limits limits;
	enum rdb_dialect dialect;
	uint32_t version;
	/* What follows is the reader's own. */
	const char *
		step; /* what is being read, and where in it: see reader.c. NULL: between two items */
	struct rdb_loop {
		const char *first;
		uint64_t left;
	} loops[RDB_LOOPS_MAX];
	uint8_t depth, numbers_count, element;
	bool one_value;        /* begun by rdb_reader_init_value() */
	bool ended;            /* the item before has ended: forget it */
	enum rdb_event final;  /* RDB_MORE: not ended */
	const uint8_t *summed; /* up to here crc knows the input; NULL: no checksum is kept */
	uint64_t crc;
	struct rdb_token token;
	uint8_t *scratch;
	size_t scratch_size;
};

/* scratch: where names and small strings are put together; not used before, and kept until the end. A few KB spare most RDB_ROOM. */
void rdb_reader_init(struct rdb_reader *r, const struct rdb_limits *limits, uint8_t *scratch,
		     size_t scratch_size);
/* For what follows a key, as in a DUMP payload (dump.h): parts, then RDB_VALUE_END, after which nothing is used. An unknown type
 * is RDB_BAD_TYPE at once. key is only repeated in r->item. */
void rdb_reader_init_value(struct rdb_reader *r, const struct rdb_limits *limits, uint8_t type,
			   enum rdb_dialect dialect, struct span key);
/* The next event. Takes from the front of in what it used. in may be empty. */
enum rdb_event rdb_read(struct rdb_reader *r, struct span *in) __attribute__((warn_unused_result));
/* The answer to RDB_ROOM: item.number bytes that are not touched until the string's event, or NULL to pass the string over. */
void rdb_reader_room(struct rdb_reader *r, uint8_t *at);

/* Bytes used so far. */
uint64_t rdb_reader_used(const struct rdb_reader *r);

/* One word per event, for logs and counters: "bad_length". */
const char *rdb_event_name(enum rdb_event event);
