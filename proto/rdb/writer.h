/* proto/rdb/writer.h - an RDB file, or one value of it, written into windows of the caller's memory.
 *
 *     rdb_write_*() --> window full? --> rdb_writer_take(): so many bytes are yours
 *           ^                                    |
 *           +------ done <-- rdb_writer_window() <+   goes on with what did not fit; false: full again
 *
 * W1  A rdb_write_ function answers true when all of it is in the window. After false nothing else may be written until
 *     rdb_writer_window() has answered true; until then the strings that were given must stay as they are.
 * W2  A counting writer has no window, never is full, and its total is exactly what a writer with the same options would give: a
 *     replica must be told the length of what it gets.
 * W3  What is written is version 10 with the encodings stock nodes choose: integers where the text is one, LZF if it saves 4 bytes.
 *
 * The order of calls is the caller's: header, aux ..., { select, resize, { key, parts of the value as enum rdb_type tells } ... }, end.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/rdb/format.h"

#define RDB_PACK_MIN       21u /* shorter strings are not compressed, as stock nodes do not */
#define RDB_PENDING_MAX    4
#define RDB_SMALL_SIZE     64u
#define RDB_STREAM_ID_SIZE 16u

struct rdb_writer_options {
	bool counting;
	/* Where strings up to this size are compressed (rdbcompression yes); size 0: never. 64 KB serve most. */
	uint8_t *scratch;
	size_t scratch_size;
};

struct rdb_writer {
	uint64_t total; /* bytes written and pending */
	/* What follows is the writer's own. */
	struct rdb_writer_options options;
	uint8_t *start, *at, *end; /* the window */
	uint64_t crc;              /* of what was taken */
	struct span pending[RDB_PENDING_MAX];
	uint8_t pending_count;
	uint8_t small_len;
	uint8_t small[RDB_SMALL_SIZE]; /* what pending refers to, but strings */
};

struct rdb_write_key {
	struct span key;
	uint8_t type;      /* enum rdb_type */
	int64_t expire_ms; /* RDB_NO_EXPIRE */
	uint64_t idle_s;   /* RDB_NO_IDLE; written under maxmemory-policy *lru */
	int16_t freq;      /* RDB_NO_FREQ; *lfu */
};

void rdb_writer_init(struct rdb_writer *w, const struct rdb_writer_options *options);
/* Room to write to; what is pending goes first. True: nothing is pending any more. */
bool rdb_writer_window(struct rdb_writer *w, uint8_t *at, size_t size);
/* Ends the use of the window: this many bytes of it are written. */
size_t rdb_writer_take(struct rdb_writer *w);

#define RDB_UNUSED_RESULT __attribute__((warn_unused_result))
bool rdb_write_header(struct rdb_writer *w) RDB_UNUSED_RESULT;
bool rdb_write_aux(struct rdb_writer *w, struct span name, struct span value) RDB_UNUSED_RESULT;
bool rdb_write_aux_number(struct rdb_writer *w, struct span name, int64_t value) RDB_UNUSED_RESULT;
bool rdb_write_function(struct rdb_writer *w, struct span code) RDB_UNUSED_RESULT;
bool rdb_write_select(struct rdb_writer *w, uint64_t db) RDB_UNUSED_RESULT;
bool rdb_write_resize(struct rdb_writer *w, uint64_t keys, uint64_t expires) RDB_UNUSED_RESULT;
bool rdb_write_key(struct rdb_writer *w, const struct rdb_write_key *key) RDB_UNUSED_RESULT;
/* Parts of a value. */
bool rdb_write_string(struct rdb_writer *w, struct span bytes) RDB_UNUSED_RESULT;
bool rdb_write_number(struct rdb_writer *w, uint64_t number) RDB_UNUSED_RESULT; /* also a count */
bool rdb_write_score(struct rdb_writer *w, double score) RDB_UNUSED_RESULT;
bool rdb_write_time(struct rdb_writer *w, int64_t ms) RDB_UNUSED_RESULT;
bool rdb_write_id(struct rdb_writer *w, const uint8_t id[RDB_STREAM_ID_SIZE]) RDB_UNUSED_RESULT;
/* The end of a file, with its checksum. */
bool rdb_write_end(struct rdb_writer *w) RDB_UNUSED_RESULT;
/* For dump.c: a type on its own; a few last bytes, and the checksum of all there was. */
bool rdb_write_type(struct rdb_writer *w, uint8_t type) RDB_UNUSED_RESULT;
bool rdb_write_checksum(struct rdb_writer *w, const uint8_t *tail, size_t len) RDB_UNUSED_RESULT;
