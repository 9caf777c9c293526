/* proto/rdb/writer.c - everything goes through put(): into the window, or, from the first byte that does not fit, onto a short list.
 *
 * The checksum is taken window by window, when the caller takes the bytes, so it runs over long pieces. Rejected: asking a sink for
 * more room in the middle of an item, as resp/writer.h does: a snapshot must be able to stop when a replica's window is closed.
 */
#include "proto/rdb/writer.h"

#include <liblzf/lzf.h>

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "proto/base/number.h"

#define PACK_SAVES_MIN  4u
#define INTEGER_LEN_MAX 11u /* "-2147483648" */
#define STRING_HEAD_MAX (1 + 2 * RDB_LEN_SIZE_MAX)
#define LEN_14_MAX      0x3fffu
#define LEN_6_MAX       0x3fu

void
rdb_writer_init(struct rdb_writer *w, const struct rdb_writer_options *options)
{
	*w = (struct rdb_writer){.options = *options};
}

/* How much of bytes went into the window. */
static size_t
copy(struct rdb_writer *w, struct span bytes)
{
	size_t take = (size_t)(w->end - w->at);
	if (take > bytes.len)
		take = bytes.len;
	if (take > 0)
		memcpy(w->at, bytes.at, take);
	w->at += take;
	return take;
}

/* bytes stay where they are while they are pending: the caller's, or in small. */
static void
put(struct rdb_writer *w, struct span bytes)
{
	w->total += bytes.len;
	if (w->options.counting || bytes.len == 0)
		return;
	if (w->pending_count == 0) {
		size_t took = copy(w, bytes);
		bytes.at += took;
		bytes.len -= took;
	}
	if (bytes.len == 0)
		return;
	struct span *last = w->pending_count > 0 ? &w->pending[w->pending_count - 1] : NULL;
	if (last != NULL && last->at + last->len == bytes.at) {
		last->len += bytes.len;
		return;
	}
	ASSERT(w->pending_count < RDB_PENDING_MAX);
	w->pending[w->pending_count++] = bytes;
}

/* A few bytes that the caller does not keep. */
static void
put_small(struct rdb_writer *w, const uint8_t *bytes, size_t len)
{
	ASSERT(w->small_len + len <= RDB_SMALL_SIZE);
	uint8_t *at = w->small + w->small_len;
	memcpy(at, bytes, len);
	w->small_len += (uint8_t)len;
	put(w, (struct span){at, len});
}

bool
rdb_writer_window(struct rdb_writer *w, uint8_t *at, size_t size)
{
	ASSERT(w->at == w->start && !w->options.counting);
	w->start = w->at = at;
	w->end = at + size;
	uint8_t done = 0;
	for (; done < w->pending_count; done++) {
		struct span *next = &w->pending[done];
		size_t took = copy(w, *next);
		next->at += took;
		next->len -= took;
		if (next->len > 0)
			break;
	}
	w->pending_count -= done;
	memmove(w->pending, w->pending + done, w->pending_count * sizeof(w->pending[0]));
	return w->pending_count == 0;
}

size_t
rdb_writer_take(struct rdb_writer *w)
{
	size_t len = (size_t)(w->at - w->start);
	w->crc = crc64(w->crc, w->start, len);
	w->start = w->at = w->end = NULL;
	return len;
}

static void
begin(struct rdb_writer *w)
{
	ASSERT(w->pending_count == 0);
	w->small_len = 0;
}

static bool
end(const struct rdb_writer *w)
{
	return w->pending_count == 0;
}

/* Bytes at at. */
static size_t
format_length(uint64_t len, uint8_t at[RDB_LEN_SIZE_MAX])
{
	if (len <= LEN_6_MAX) {
		at[0] = (uint8_t)(RDB_LEN_6 | len);
		return 1;
	}
	if (len <= LEN_14_MAX) {
		store_be16(at, (uint16_t)(RDB_LEN_14 << 8 | len));
		return 2;
	}
	if (len <= UINT32_MAX) {
		at[0] = RDB_LEN_32;
		store_be32(at + 1, (uint32_t)len);
		return 5;
	}
	at[0] = RDB_LEN_64;
	store_be64(at + 1, len);
	return RDB_LEN_SIZE_MAX;
}

static void
put_length(struct rdb_writer *w, uint64_t len)
{
	uint8_t at[RDB_LEN_SIZE_MAX];
	put_small(w, at, format_length(len, at));
}

static void
put_opcode(struct rdb_writer *w, enum rdb_opcode opcode)
{
	uint8_t byte = (uint8_t)opcode;
	put_small(w, &byte, 1);
}

static bool
put_integer(struct rdb_writer *w, struct span bytes)
{
	int64_t value;
	uint8_t at[5];
	if (bytes.len > INTEGER_LEN_MAX || !number_parse(bytes.at, bytes.len, &value))
		return false;
	if (value >= INT8_MIN && value <= INT8_MAX) {
		at[0] = RDB_STRING_I8;
		at[1] = (uint8_t)value;
		put_small(w, at, 2);
	} else if (value >= INT16_MIN && value <= INT16_MAX) {
		at[0] = RDB_STRING_I16;
		store_le16(at + 1, (uint16_t)value);
		put_small(w, at, 3);
	} else if (value >= INT32_MIN && value <= INT32_MAX) {
		at[0] = RDB_STRING_I32;
		store_le32(at + 1, (uint32_t)value);
		put_small(w, at, 5);
	} else {
		return false;
	}
	return true;
}

static bool
put_packed(struct rdb_writer *w, struct span bytes)
{
	uint8_t *scratch = w->options.scratch;
	uint8_t at[STRING_HEAD_MAX];
	if (bytes.len < RDB_PACK_MIN || bytes.len > w->options.scratch_size)
		return false;
	size_t packed = lzf_compress(bytes.at, (unsigned)bytes.len, scratch,
				     (unsigned)(bytes.len - PACK_SAVES_MIN));
	if (packed == 0)
		return false;
	at[0] = RDB_STRING_LZF;
	size_t head = 1;
	head += format_length(packed, at + head);
	head += format_length(bytes.len, at + head);
	put_small(w, at, head);
	put(w, (struct span){scratch, packed});
	return true;
}

static void
put_string(struct rdb_writer *w, struct span bytes)
{
	if (put_integer(w, bytes) || put_packed(w, bytes))
		return;
	put_length(w, bytes.len);
	put(w, bytes);
}

/* ---- items ---- */

bool
rdb_write_header(struct rdb_writer *w)
{
	_Static_assert(RDB_VERSION_WRITTEN == 10, "the magic names the version");
	static const uint8_t magic[RDB_MAGIC_SIZE] = "REDIS0010";
	begin(w);
	put_small(w, magic, sizeof(magic));
	return end(w);
}

bool
rdb_write_aux(struct rdb_writer *w, struct span name, struct span value)
{
	begin(w);
	put_opcode(w, RDB_OP_AUX);
	put_length(w, name.len);
	put(w, name);
	put_string(w, value);
	return end(w);
}

bool
rdb_write_aux_number(struct rdb_writer *w, struct span name, int64_t value)
{
	char text[NUMBER_SIZE_MAX];
	size_t len = number_format(value, text);
	const uint8_t *at = (const uint8_t *)text;
	begin(w);
	put_opcode(w, RDB_OP_AUX);
	put_length(w, name.len);
	put(w, name);
	if (!put_integer(w, (struct span){at, len})) {
		put_length(w, len);
		put_small(w, at, len);
	}
	return end(w);
}

bool
rdb_write_function(struct rdb_writer *w, struct span code)
{
	begin(w);
	put_opcode(w, RDB_OP_FUNCTION);
	put_string(w, code);
	return end(w);
}

bool
rdb_write_select(struct rdb_writer *w, uint64_t db)
{
	begin(w);
	put_opcode(w, RDB_OP_SELECT);
	put_length(w, db);
	return end(w);
}

bool
rdb_write_resize(struct rdb_writer *w, uint64_t keys, uint64_t expires)
{
	begin(w);
	put_opcode(w, RDB_OP_RESIZE);
	put_length(w, keys);
	put_length(w, expires);
	return end(w);
}

bool
rdb_write_key(struct rdb_writer *w, const struct rdb_write_key *key)
{
	uint8_t time[sizeof(uint64_t)];
	DASSERT(key->type < RDB_OP_MIN);
	begin(w);
	if (key->expire_ms != RDB_NO_EXPIRE) {
		put_opcode(w, RDB_OP_EXPIRE_MS);
		store_le64(time, (uint64_t)key->expire_ms);
		put_small(w, time, sizeof(time));
	}
	if (key->idle_s != RDB_NO_IDLE) {
		put_opcode(w, RDB_OP_IDLE);
		put_length(w, key->idle_s);
	} else if (key->freq != RDB_NO_FREQ) {
		uint8_t freq = (uint8_t)key->freq;
		put_opcode(w, RDB_OP_FREQ);
		put_small(w, &freq, 1);
	}
	put_small(w, &key->type, 1);
	put_string(w, key->key);
	return end(w);
}

bool
rdb_write_string(struct rdb_writer *w, struct span bytes)
{
	begin(w);
	put_string(w, bytes);
	return end(w);
}

bool
rdb_write_number(struct rdb_writer *w, uint64_t number)
{
	begin(w);
	put_length(w, number);
	return end(w);
}

bool
rdb_write_score(struct rdb_writer *w, double score)
{
	uint64_t bits;
	uint8_t at[sizeof(bits)];
	memcpy(&bits, &score, sizeof(bits));
	store_le64(at, bits);
	begin(w);
	put_small(w, at, sizeof(at));
	return end(w);
}

bool
rdb_write_time(struct rdb_writer *w, int64_t ms)
{
	uint8_t at[sizeof(ms)];
	store_le64(at, (uint64_t)ms);
	begin(w);
	put_small(w, at, sizeof(at));
	return end(w);
}

bool
rdb_write_id(struct rdb_writer *w, const uint8_t id[RDB_STREAM_ID_SIZE])
{
	begin(w);
	put_small(w, id, RDB_STREAM_ID_SIZE);
	return end(w);
}

bool
rdb_write_type(struct rdb_writer *w, uint8_t type)
{
	begin(w);
	put_small(w, &type, 1);
	return end(w);
}

bool
rdb_write_checksum(struct rdb_writer *w, const uint8_t *tail, size_t len)
{
	uint8_t at[sizeof(w->crc)] = {0};
	begin(w);
	if (!w->options.counting) {
		uint64_t crc = crc64(w->crc, w->start, (size_t)(w->at - w->start));
		store_le64(at, crc64(crc, tail, len));
	}
	put_small(w, tail, len);
	put_small(w, at, sizeof(at));
	return end(w);
}

bool
rdb_write_end(struct rdb_writer *w)
{
	static const uint8_t tail = RDB_OP_END;
	return rdb_write_checksum(w, &tail, 1);
}
