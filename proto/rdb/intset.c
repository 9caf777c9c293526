/* proto/rdb/intset.c - fixed widths: the size says all, only the order needs a walk. */
#include "proto/rdb/intset.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"

#define HEADER_SIZE 8u
#define COUNT_AT    4u

static int64_t
number(const uint8_t *at, uint32_t width)
{
	if (width == sizeof(int16_t))
		return (int16_t)load_le16(at);
	return width == sizeof(int32_t) ? (int32_t)load_le32(at) : (int64_t)load_le64(at);
}

enum packed_status
intset_check(struct span blob, uint32_t *count)
{
	if (blob.len < HEADER_SIZE)
		return PACKED_BAD_SIZE;
	uint32_t width = load_le32(blob.at);
	*count = load_le32(blob.at + COUNT_AT);
	if (width != sizeof(int16_t) && width != sizeof(int32_t) && width != sizeof(int64_t))
		return PACKED_BAD_ENTRY;
	if (*count == 0)
		return PACKED_BAD_COUNT;
	if (blob.len - HEADER_SIZE != (uint64_t)*count * width)
		return PACKED_BAD_SIZE;
	for (size_t at = HEADER_SIZE + width; at < blob.len; at += width)
		if (number(blob.at + at, width) <= number(blob.at + at - width, width))
			return PACKED_BAD_ORDER;
	return PACKED_OK;
}

bool
intset_next(struct span blob, size_t *at, struct packed_entry *out)
{
	uint32_t width = load_le32(blob.at);
	if (*at == 0)
		*at = HEADER_SIZE;
	if (*at == blob.len)
		return false;
	ASSERT(width <= blob.len - *at);
	*out = (struct packed_entry){.integer = number(blob.at + *at, width), .is_integer = true};
	*at += width;
	return true;
}
