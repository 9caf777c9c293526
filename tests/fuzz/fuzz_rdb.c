/* tests/fuzz/fuzz_rdb.c - snapshots and values: what the reader says must not depend on how the bytes were cut, and no blob may lead astray.
 *
 *     byte 0      flags, see below
 *     byte 1      type of the value, where it is one alone
 *     byte 2      bytes a piece
 *     the rest    a file, or what follows a key
 *
 * The bytes are read whole and in pieces, each call on a heap block of exactly the bytes it may see, and both write a transcript; the
 * transcripts must be equal. Every string is tried as a listpack, an intset and a ziplist, and walked where the check has passed.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/rdb/dump.h"
#include "proto/rdb/intset.h"
#include "proto/rdb/listpack.h"
#include "proto/rdb/reader.h"
#include "proto/rdb/ziplist.h"
#include "tests/fuzz/target.h"

#define HEAD_SIZE    3
#define ONE_VALUE    1u /* flags */
#define VALKEY       2u
#define KNOWN_SIZE   4u
#define NO_ROOM      8u
#define SMALL        16u
#define STRING_MAX   (64u << 10)
#define SCRATCH_SIZE 64u
#define ROOMS_MAX    8192u

struct text { /* grows */
	uint8_t *bytes;
	size_t len, size;
};

struct run {
	struct text text;
	void *rooms[ROOMS_MAX];
	size_t rooms_count;
	bool no_room;
};

static void
text_add(struct text *text, const void *bytes, size_t len)
{
	if (text->size - text->len < len) {
		text->size = (text->len + len) * 2;
		text->bytes = realloc(text->bytes, text->size);
		ASSERT(text->bytes != NULL);
	}
	if (len > 0)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void
walk(struct span blob, enum packed_status (*check)(struct span blob, uint32_t *count),
     bool (*next)(struct span blob, size_t *at, struct packed_entry *out))
{
	uint32_t count, seen = 0;
	size_t at = 0;
	struct packed_entry entry;
	char digits[NUMBER_SIZE_MAX];
	if (check(blob, &count) != PACKED_OK)
		return;
	while (next(blob, &at, &entry)) {
		struct span s = packed_text(&entry, digits);
		ASSERT(entry.is_integer || (s.at > blob.at && s.at + s.len < blob.at + blob.len));
		seen++;
	}
	ASSERT(seen == count);
}

static void
record(struct run *run, const struct rdb_reader *r, enum rdb_event event)
{
	const struct rdb_item *item = &r->item;
	text_add(&run->text, &event, sizeof(event));
	if (event == RDB_KEY || event == RDB_AUX) {
		text_add(&run->text, &item->key.len, sizeof(item->key.len));
		if (item->key.at != NULL)
			text_add(&run->text, item->key.at, item->key.len);
		text_add(&run->text, &item->expire_ms, sizeof(item->expire_ms));
	}
	if (event == RDB_STRING || event == RDB_AUX || event == RDB_FUNCTION) {
		text_add(&run->text, &item->bytes.len, sizeof(item->bytes.len));
		if (item->bytes.at != NULL) {
			text_add(&run->text, item->bytes.at, item->bytes.len);
			walk(item->bytes, listpack_check, listpack_next);
			walk(item->bytes, intset_check, intset_next);
			walk(item->bytes, ziplist_check, ziplist_next);
		}
	}
	if (event == RDB_COUNT || event == RDB_NUMBER)
		text_add(&run->text, &item->number, sizeof(item->number));
}

static void
give_room(struct run *run, struct rdb_reader *r)
{
	ASSERT(r->item.number <= r->limits.string_max);
	void *block = NULL;
	ASSERT(run->rooms_count < ROOMS_MAX);
	if (!run->no_room) {
		block = malloc(r->item.number);
		ASSERT(block != NULL);
		run->rooms[run->rooms_count++] = block;
	}
	rdb_reader_room(r, block);
}

/* False: the reading has ended. */
static bool
read_piece(struct run *run, struct rdb_reader *r, struct span in)
{
	for (;;) {
		enum rdb_event event = rdb_read(r, &in);
		if (event == RDB_MORE) {
			ASSERT(in.len == 0);
			return true;
		}
		if (event == RDB_ROOM) {
			give_room(run, r);
			continue;
		}
		record(run, r, event);
		if (r->final != RDB_MORE)
			return false;
	}
}

static struct text
read_all(struct rdb_reader *r, struct span bytes, size_t piece, bool no_room)
{
	struct run run = {.no_room = no_room};
	bool more = true;
	while (more && bytes.len > 0) {
		size_t take = piece < bytes.len ? piece : bytes.len;
		uint8_t *copy = malloc(take);
		ASSERT(copy != NULL);
		memcpy(copy, bytes.at, take);
		more = read_piece(&run, r, (struct span){copy, take});
		free(copy);
		bytes.at += take;
		bytes.len -= take;
	}
	while (run.rooms_count > 0)
		free(run.rooms[--run.rooms_count]);
	return run.text;
}

static struct text
read_cut(const uint8_t *data, struct span bytes, size_t piece)
{
	uint8_t scratch[SCRATCH_SIZE];
	struct rdb_reader r;
	const struct rdb_limits limits = {
		.string_max = data[0] & SMALL ? SCRATCH_SIZE / 4 : STRING_MAX,
		.count_max = UINT32_MAX,
		.size = data[0] & KNOWN_SIZE ? bytes.len : UINT64_MAX,
	};
	if (data[0] & ONE_VALUE)
		rdb_reader_init_value(&r, &limits, data[1],
				      data[0] & VALKEY ? RDB_DIALECT_VALKEY : RDB_DIALECT_REDIS,
				      SPAN("key"));
	else
		rdb_reader_init(&r, &limits, scratch, sizeof(scratch));
	return read_all(&r, bytes, piece, data[0] & NO_ROOM);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rdb_dump dump;
	if (size < HEAD_SIZE)
		return 0;
	struct span bytes = {data + HEAD_SIZE, size - HEAD_SIZE};
	(void)!rdb_dump_open(bytes, &dump);
	/* Where no room is given, whether a string stays in the input is seen: only what is cut alike is then alike. */
	size_t piece = data[2] + 1u;
	struct text whole = read_cut(data, bytes, data[0] & NO_ROOM ? piece : size);
	struct text pieces = read_cut(data, bytes, piece);
	ASSERT(whole.len == pieces.len);
	ASSERT(whole.len == 0 || memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
	free(whole.bytes);
	free(pieces.bytes);
	return 0;
}
