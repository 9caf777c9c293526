/* proto/rdb/listpack.c - one decoder for checking and for reading: entry() trusts nothing, listpack_next() asserts that it agreed. */
#include "proto/rdb/listpack.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"

#define HEADER_SIZE    6u
#define COUNT_AT       4u
#define COUNT_UNKNOWN  UINT16_MAX
#define END            0xffu
#define BACK_SIZE_MAX  5u
#define BACK_BITS      7u
#define BACK_MORE      0x80u
#define FORM_STRING_32 0xf0u
#define FORM_I16       0xf1u
#define FORM_I24       0xf2u
#define FORM_I32       0xf3u
#define FORM_I64       0xf4u

/* Bytes before the string or integer. 0: no such form. */
static size_t
head_size(uint8_t form)
{
	if (form < 0xc0)
		return 1;
	if (form < 0xf0)
		return 2;
	if (form == FORM_STRING_32)
		return 5;
	return form <= FORM_I64 ? 1 : 0;
}

static void
set_integer(struct packed_entry *out, int64_t value)
{
	*out = (struct packed_entry){.integer = value, .is_integer = true};
}

static size_t
integer_size(uint8_t form)
{
	switch (form) {
	case FORM_I16:
		return 2;
	case FORM_I24:
		return 3;
	case FORM_I32:
		return 4;
	default:
		return 8;
	}
}

/* Form and data of the entry at at: their size; 0: they leave the left bytes, or are not there. */
static size_t
entry(const uint8_t *at, size_t left, struct packed_entry *out)
{
	size_t head = left > 0 ? head_size(at[0]) : 0;
	if (head == 0 || head > left)
		return 0;
	uint8_t form = at[0];
	uint64_t len;
	if (form < 0x80) {
		set_integer(out, form);
		return head;
	}
	if (form >= 0xc0 && form < 0xe0) {
		int64_t value = (form & 0x1f) << 8 | at[1];
		set_integer(out, value < 1 << 12 ? value : value - (1 << 13));
		return head;
	}
	if (form > FORM_STRING_32) {
		len = integer_size(form);
		if (len > left - head)
			return 0;
		set_integer(out, packed_integer(at + head, len));
		return head + len;
	}
	if (form < 0xc0)
		len = form & 0x3fu;
	else
		len = form == FORM_STRING_32 ? load_le32(at + 1) : (form & 0xfu) << 8 | at[1];
	if (len > left - head)
		return 0;
	*out = (struct packed_entry){
		.bytes = {at + head, len}
        };
	return head + len;
}

/* How the size of an entry is written behind it, for who comes from behind: most significant 7 bits first, all but the first byte marked. */
static size_t
format_back(size_t size, uint8_t at[BACK_SIZE_MAX])
{
	size_t len = 1;
	while (len < BACK_SIZE_MAX && size >> (BACK_BITS * len) > 0)
		len++;
	for (size_t i = 0; i < len; i++) {
		uint8_t bits = size >> (BACK_BITS * (len - 1 - i)) & (BACK_MORE - 1);
		at[i] = i == 0 ? bits : bits | BACK_MORE;
	}
	return len;
}

enum packed_status
listpack_check(struct span blob, uint32_t *count)
{
	if (blob.len < HEADER_SIZE + 1 || load_le32(blob.at) != blob.len)
		return PACKED_BAD_SIZE;
	uint16_t announced = load_le16(blob.at + COUNT_AT);
	size_t at = HEADER_SIZE, end = blob.len - 1;
	*count = 0;
	while (at < end && blob.at[at] != END) {
		struct packed_entry ignored;
		uint8_t back[BACK_SIZE_MAX];
		size_t size = entry(blob.at + at, end - at, &ignored);
		if (size == 0)
			return PACKED_BAD_ENTRY;
		size_t back_size = format_back(size, back);
		at += size;
		if (back_size > end - at || memcmp(blob.at + at, back, back_size) != 0)
			return PACKED_BAD_BACK;
		at += back_size;
		(*count)++;
	}
	if (at != end || blob.at[end] != END)
		return PACKED_BAD_END;
	return announced == COUNT_UNKNOWN || announced == *count ? PACKED_OK : PACKED_BAD_COUNT;
}

bool
listpack_next(struct span blob, size_t *at, struct packed_entry *out)
{
	uint8_t back[BACK_SIZE_MAX];
	if (*at == 0)
		*at = HEADER_SIZE;
	if (blob.at[*at] == END)
		return false;
	size_t size = entry(blob.at + *at, blob.len - *at, out);
	ASSERT(size > 0);
	*at += size + format_back(size, back);
	ASSERT(*at < blob.len);
	return true;
}
