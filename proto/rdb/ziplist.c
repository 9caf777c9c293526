/* proto/rdb/ziplist.c - as listpack.c: one decoder that trusts nothing, for checking and for reading. */
#include "proto/rdb/ziplist.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"

#define HEADER_SIZE       10u
#define LAST_AT           4u
#define COUNT_AT          8u
#define COUNT_UNKNOWN     UINT16_MAX
#define END               0xffu
#define BEFORE_LARGE      0xfeu
#define BEFORE_SIZE_LARGE 5u
#define FORM_STRING_14    0x40u
#define FORM_STRING_32    0x80u
#define FORM_I16          0xc0u
#define FORM_I32          0xd0u
#define FORM_I64          0xe0u
#define FORM_I24          0xf0u
#define FORM_I8           0xfeu
#define FORM_SMALL_FIRST  0xf1u
#define FORM_SMALL_LAST   0xfdu

static size_t
integer_size(uint8_t form)
{
	switch (form) {
	case FORM_I8:
		return 1;
	case FORM_I16:
		return 2;
	case FORM_I24:
		return 3;
	case FORM_I32:
		return 4;
	case FORM_I64:
		return 8;
	default:
		return 0;
	}
}

static size_t
string(const uint8_t *at, size_t left, struct packed_entry *out)
{
	size_t head = 1, len = at[0] & 0x3fu;
	if (at[0] >= FORM_STRING_32)
		head = 5;
	else if (at[0] >= FORM_STRING_14)
		head = 2;
	if (head > left || (head == 5 && at[0] != FORM_STRING_32))
		return 0;
	if (head == 2)
		len = len << 8 | at[1];
	else if (head == 5)
		len = load_be32(at + 1);
	if (len > left - head)
		return 0;
	*out = (struct packed_entry){
		.bytes = {at + head, len}
        };
	return head + len;
}

/* Form and data at at: their size; 0: they leave the left bytes, or there is no such form. */
static size_t
data(const uint8_t *at, size_t left, struct packed_entry *out)
{
	if (left == 0)
		return 0;
	if (at[0] < FORM_I16)
		return string(at, left, out);
	*out = (struct packed_entry){.is_integer = true};
	if (at[0] >= FORM_SMALL_FIRST && at[0] <= FORM_SMALL_LAST) {
		out->integer = at[0] - FORM_SMALL_FIRST;
		return 1;
	}
	size_t size = integer_size(at[0]);
	if (size == 0 || size > left - 1)
		return 0;
	out->integer = packed_integer(at + 1, size);
	return 1 + size;
}

/* The whole entry. before: the size of the one before, as it says. */
static size_t
entry(const uint8_t *at, size_t left, uint32_t *before, struct packed_entry *out)
{
	size_t head = at[0] == BEFORE_LARGE ? BEFORE_SIZE_LARGE : 1;
	if (head > left)
		return 0;
	*before = head == 1 ? at[0] : load_le32(at + 1);
	size_t size = data(at + head, left - head, out);
	return size == 0 ? 0 : head + size;
}

enum packed_status
ziplist_check(struct span blob, uint32_t *count)
{
	if (blob.len < HEADER_SIZE + 1 || load_le32(blob.at) != blob.len)
		return PACKED_BAD_SIZE;
	size_t at = HEADER_SIZE, end = blob.len - 1, last = HEADER_SIZE, size = 0;
	uint16_t announced = load_le16(blob.at + COUNT_AT);
	*count = 0;
	while (at < end && blob.at[at] != END) {
		struct packed_entry ignored;
		uint32_t before = 0;
		size_t size_before = size;
		size = entry(blob.at + at, end - at, &before, &ignored);
		if (size == 0)
			return PACKED_BAD_ENTRY;
		if (before != size_before)
			return PACKED_BAD_BACK;
		last = at;
		at += size;
		(*count)++;
	}
	if (at != end || blob.at[end] != END)
		return PACKED_BAD_END;
	if (load_le32(blob.at + LAST_AT) != last)
		return PACKED_BAD_BACK;
	return announced == COUNT_UNKNOWN || announced == *count ? PACKED_OK : PACKED_BAD_COUNT;
}

bool
ziplist_next(struct span blob, size_t *at, struct packed_entry *out)
{
	uint32_t before;
	if (*at == 0)
		*at = HEADER_SIZE;
	if (blob.at[*at] == END)
		return false;
	size_t size = entry(blob.at + *at, blob.len - *at, &before, out);
	ASSERT(size > 0);
	*at += size;
	ASSERT(*at < blob.len);
	return true;
}
