/* tests/unit/proto/rdb/transcript.h - runs a reader over bytes cut in a certain way and writes down what it says.
 *
 * Every call to rdb_read() gets a heap block of exactly the bytes it may see, so that a sanitizer sees a step beyond it. Two
 * readings of the same bytes must give the same transcript, whatever the cut and the scratch memory.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/rdb/reader.h"

#define SCRATCH_MAX 65536u

struct transcript {
	char *text;
	size_t len, size;
	enum rdb_event last; /* RDB_MORE: the bytes ended first */
	uint64_t rooms;      /* how often room was asked for */
	uint64_t used;
	/* One key to look for; its string value. */
	const char *wanted;
	uint8_t *value;
	size_t value_len;
	bool value_found;
};

struct reading {
	struct span bytes;
	size_t first, rest; /* pieces: one of first, then of rest; 0: all that is left */
	size_t scratch;
	bool refuse_rooms;
	struct rdb_limits limits;
	/* of a single value */
	bool one_value;
	uint8_t type;
	enum rdb_dialect dialect;
};

#define READING(bytes_)                                                                            \
	{                                                                                          \
		.bytes = (bytes_), .scratch = 4096, .limits = {                                    \
			.string_max = RDB_STRING_MAX_DEFAULT,                                      \
			.count_max = UINT32_MAX,                                                   \
			.size = UINT64_MAX                                                         \
		}                                                                                  \
	}

void transcript_read(struct transcript *t, const struct reading *reading);
/* Strings in it may hold zeros. */
bool transcript_has(const struct transcript *t, const char *text);
void transcript_free(struct transcript *t);
