/* proto/rdb/token.c - every byte of input is used up in gather() or fill(), so that token.left is exact wherever the input is cut. */
#include "proto/rdb/token.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/rdb/format.h"
#include "proto/rdb/packed.h"

static void
advance(struct rdb_token *t, struct span *in, size_t len)
{
	in->at += len;
	in->len -= len;
	t->left -= len;
}

/* The first size bytes of an element, without ending it. */
static enum rdb_take
gather(struct rdb_token *t, struct span *in, size_t size)
{
	DASSERT(size <= TOKEN_SIZE_MAX);
	if (t->gathered >= size)
		return TAKE_OK;
	size_t want = size - t->gathered;
	if (want > t->left)
		return TAKE_BAD_SHORT;
	if (want > in->len)
		want = in->len;
	if (want > 0)
		memcpy(t->bytes + t->gathered, in->at, want);
	t->gathered += (uint8_t)want;
	advance(t, in, want);
	return t->gathered == size ? TAKE_OK : TAKE_MORE;
}

enum rdb_take
rdb_take_fixed(struct rdb_token *t, struct span *in, size_t size)
{
	enum rdb_take take = gather(t, in, size);
	if (take == TAKE_OK)
		t->gathered = 0;
	return take;
}

enum rdb_take
rdb_take_short(struct rdb_token *t, struct span *in, uint8_t literal, struct span *out)
{
	enum rdb_take take = gather(t, in, 1);
	if (take != TAKE_OK)
		return take;
	size_t len = t->bytes[0];
	if (len < literal) {
		if (len >= TOKEN_SIZE_MAX)
			return TAKE_BAD_ENCODING;
		take = gather(t, in, 1 + len);
		if (take != TAKE_OK)
			return take;
	}
	t->gathered = 0;
	*out = (struct span){t->bytes + 1, len};
	return TAKE_OK;
}

/* Bytes in all of a length that begins with this one; 0: there is none such. */
static size_t
length_size(uint8_t first)
{
	if ((first & 0xc0) == RDB_LEN_6)
		return 1;
	if ((first & 0xc0) == RDB_LEN_14)
		return 2;
	if (first == RDB_LEN_32)
		return 5;
	return first == RDB_LEN_64 ? RDB_LEN_SIZE_MAX : 0;
}

enum rdb_take
rdb_take_length(struct rdb_token *t, struct span *in, uint64_t *out)
{
	enum rdb_take take = gather(t, in, 1);
	if (take != TAKE_OK)
		return take;
	size_t size = length_size(t->bytes[0]);
	if (size == 0)
		return TAKE_BAD_ENCODING;
	take = gather(t, in, size);
	if (take != TAKE_OK)
		return take;
	t->gathered = 0;
	if (size == 1)
		*out = t->bytes[0];
	else if (size == 2)
		*out = load_be16(t->bytes) & 0x3fffu;
	else
		*out = size == RDB_LEN_SIZE_MAX ? load_be64(t->bytes + 1) : load_be32(t->bytes + 1);
	return TAKE_OK;
}

/* A string written as an integer: its decimal text. */
static enum rdb_take
take_integer(struct rdb_token *t, struct span *in, const struct rdb_take_memory *memory,
	     struct span *out)
{
	size_t size = (size_t)1 << (t->bytes[0] - RDB_STRING_I8);
	enum rdb_take take = gather(t, in, 1 + size);
	if (take != TAKE_OK)
		return take;
	t->gathered = 0;
	size_t len = number_format(packed_integer(t->bytes + 1, size), t->text);
	*out = (struct span){(const uint8_t *)t->text, len};
	if (memory->keep && len <= memory->size) {
		memcpy(memory->at, t->text, len);
		out->at = memory->at;
	}
	return TAKE_OK;
}

/* The length of a string as it is, or what stands in its place. TAKE_OK: out is the whole string if phase is still STRING_HEADER. */
static enum rdb_take
take_header(struct rdb_token *t, struct span *in, const struct rdb_take_memory *memory,
	    struct span *out)
{
	enum rdb_take take = gather(t, in, 1);
	if (take != TAKE_OK)
		return take;
	if (t->bytes[0] >= RDB_STRING_I8 && t->bytes[0] <= RDB_STRING_I32)
		return take_integer(t, in, memory, out);
	if (t->bytes[0] == RDB_STRING_LZF) {
		t->gathered = 0;
		t->phase = STRING_PACKED_LEN;
		return TAKE_OK;
	}
	take = rdb_take_length(t, in, &t->string_len);
	if (take != TAKE_OK)
		return take;
	if (t->string_len > memory->string_max)
		return TAKE_BAD_LENGTH;
	if (t->string_len > t->left)
		return TAKE_BAD_SHORT;
	t->packed_len = 0;
	if (t->string_len <= in->len && !memory->keep) {
		*out = (struct span){in->at, t->string_len};
		advance(t, in, t->string_len);
		return TAKE_OK;
	}
	t->phase = STRING_ROOM;
	return TAKE_OK;
}

static enum rdb_take
take_packed_len(struct rdb_token *t, struct span *in)
{
	enum rdb_take take = rdb_take_length(t, in, &t->packed_len);
	if (take != TAKE_OK)
		return take;
	if (t->packed_len > t->left)
		return TAKE_BAD_SHORT;
	t->phase = STRING_PLAIN_LEN;
	return TAKE_OK;
}

static enum rdb_take
take_plain_len(struct rdb_token *t, struct span *in, uint64_t string_max)
{
	enum rdb_take take = rdb_take_length(t, in, &t->string_len);
	if (take != TAKE_OK)
		return take;
	if (t->string_len > string_max)
		return TAKE_BAD_LENGTH;
	if (t->packed_len > t->left)
		return TAKE_BAD_SHORT;
	if (t->string_len == 0 || t->packed_len == 0 ||
	    t->string_len / LZF_RATIO_MAX > t->packed_len)
		return TAKE_BAD_COMPRESSED;
	t->phase = STRING_ROOM;
	return TAKE_OK;
}

void
rdb_token_room(struct rdb_token *t, uint8_t *at)
{
	DASSERT(t->phase == STRING_ROOM);
	t->at = at;
	t->taken = 0;
	t->phase = t->packed_len > 0 ? STRING_UNPACK : STRING_FILL;
	if (t->phase == STRING_UNPACK)
		lzf_begin(&t->lzf, at, t->string_len);
}

/* The string's bytes, as many as are here. */
static enum rdb_take
fill(struct rdb_token *t, struct span *in)
{
	uint64_t size = t->packed_len > 0 ? t->packed_len : t->string_len;
	size_t take = in->len;
	if (take > size - t->taken)
		take = size - t->taken;
	if (take > 0 && t->at != NULL) {
		if (t->phase == STRING_FILL)
			memcpy(t->at + t->taken, in->at, take);
		else if (!lzf_feed(&t->lzf, in->at, take))
			return TAKE_BAD_COMPRESSED;
	}
	t->taken += take;
	advance(t, in, take);
	if (t->taken < size)
		return TAKE_MORE;
	if (t->phase == STRING_UNPACK && t->at != NULL && !lzf_ended(&t->lzf))
		return TAKE_BAD_COMPRESSED;
	return TAKE_OK;
}

static enum rdb_take
take_step(struct rdb_token *t, struct span *in, const struct rdb_take_memory *memory,
	  struct span *out)
{
	switch (t->phase) {
	case STRING_HEADER:
		return take_header(t, in, memory, out);
	case STRING_PACKED_LEN:
		return take_packed_len(t, in);
	case STRING_PLAIN_LEN:
		return take_plain_len(t, in, memory->string_max);
	case STRING_ROOM:
		if (t->string_len > memory->size)
			return TAKE_ROOM;
		rdb_token_room(t, memory->at);
		return TAKE_OK;
	case STRING_FILL:
	case STRING_UNPACK:
		*out = (struct span){t->at, t->string_len};
		enum rdb_take take = fill(t, in);
		if (take == TAKE_OK)
			t->phase = STRING_HEADER;
		return take;
	}
	return TAKE_BAD_ENCODING;
}

enum rdb_take
rdb_take_string(struct rdb_token *t, struct span *in, const struct rdb_take_memory *memory,
		struct span *out)
{
	for (;;) {
		enum rdb_take take = take_step(t, in, memory, out);
		if (take != TAKE_OK || t->phase == STRING_HEADER)
			return take;
	}
}
