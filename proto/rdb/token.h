/* proto/rdb/token.h - the elements RDB files are made of, each of which may be cut anywhere: for reader.c alone.
 *
 * A call that answers TAKE_MORE has used all the input and goes on where it stopped when it is called again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/number.h"
#include "proto/base/span.h"
#include "proto/rdb/lzf.h"

#define TOKEN_SIZE_MAX 40u

enum rdb_take {
	TAKE_OK,
	TAKE_MORE,
	TAKE_ROOM, /* rdb_token_room() is wanted: for token.string_len bytes */
	TAKE_BAD_LENGTH,
	TAKE_BAD_SHORT, /* the input as a whole is shorter than this element says */
	TAKE_BAD_ENCODING,
	TAKE_BAD_COMPRESSED,
};

enum rdb_string_phase {
	STRING_HEADER,
	STRING_PACKED_LEN, /* LZF: the two lengths */
	STRING_PLAIN_LEN,
	STRING_ROOM,
	STRING_FILL,
	STRING_UNPACK,
};

struct rdb_token {
	uint64_t left; /* bytes that can still come, in all */
	uint8_t bytes[TOKEN_SIZE_MAX];
	uint8_t gathered; /* of them */
	/* the string being read */
	enum rdb_string_phase phase;
	uint64_t string_len, packed_len; /* packed_len 0: as it is */
	uint64_t taken;                  /* of the input's bytes */
	uint8_t *at;                     /* NULL: passed over */
	struct lzf lzf;
	char text[NUMBER_SIZE_MAX]; /* of a string that was written as an integer */
};

struct rdb_take_memory {
	uint8_t *at;
	size_t size;
	uint64_t string_max;
	bool keep; /* the string must not stay in the input */
};

/* size <= TOKEN_SIZE_MAX bytes in one piece, in token.bytes. */
enum rdb_take rdb_take_fixed(struct rdb_token *t, struct span *in, size_t size);
/* Bytes behind a byte that is their number. From literal on that is no number: out->len is it, and there are no bytes. */
enum rdb_take rdb_take_short(struct rdb_token *t, struct span *in, uint8_t literal,
			     struct span *out);
enum rdb_take rdb_take_length(struct rdb_token *t, struct span *in, uint64_t *out);
enum rdb_take rdb_take_string(struct rdb_token *t, struct span *in,
			      const struct rdb_take_memory *memory, struct span *out);
void rdb_token_room(struct rdb_token *t, uint8_t *at);
