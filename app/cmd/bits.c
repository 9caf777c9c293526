/* app/cmd/bits.c - whole words in the middle, single bits at both ends. */
#include "app/cmd/bits.h"

#include <string.h>

#include "proto/base/assert.h"

static unsigned
bit_at(const uint8_t *bytes, uint64_t bit)
{
	return bytes[bit / 8] >> (7 - bit % 8) & 1u;
}

uint64_t
bits_count(struct span bytes, uint64_t first, uint64_t last)
{
	uint64_t count = 0, word;
	ASSERT(last < bytes.len * 8);
	while (first <= last && first % 8 != 0)
		count += bit_at(bytes.at, first++);
	for (; first + 63 <= last; first += 64) {
		memcpy(&word, bytes.at + first / 8, sizeof(word));
		count += (uint64_t)__builtin_popcountll(word);
	}
	while (first <= last)
		count += bit_at(bytes.at, first++);
	return count;
}

int64_t
bits_find(struct span bytes, unsigned value, uint64_t first, uint64_t last)
{
	uint64_t without = value ? 0 : UINT64_MAX, word; /* a word that has no such bit */
	ASSERT(last < bytes.len * 8);
	for (; first <= last && first % 8 != 0; first++)
		if (bit_at(bytes.at, first) == value)
			return (int64_t)first;
	for (; first + 63 <= last; first += 64) {
		memcpy(&word, bytes.at + first / 8, sizeof(word));
		if (word != without)
			break;
	}
	for (; first <= last; first++)
		if (bit_at(bytes.at, first) == value)
			return (int64_t)first;
	return -1;
}

/* ---- fields ---- */

static int64_t
widen(const struct bit_field *field, uint64_t low)
{
	unsigned unused = 64u - field->width;
	if (field->is_signed)
		return (int64_t)(low << unused) >> unused;
	return (int64_t)(low << unused >> unused);
}

int64_t
bits_read(struct span bytes, const struct bit_field *field)
{
	uint64_t value = 0;
	for (uint64_t bit = field->offset; bit < field->offset + field->width; bit++)
		value = value << 1 | (bit / 8 < bytes.len ? bit_at(bytes.at, bit) : 0);
	return widen(field, value);
}

void
bits_write(uint8_t *bytes, const struct bit_field *field, int64_t value)
{
	for (unsigned i = 0; i < field->width; i++) {
		uint64_t bit = field->offset + i;
		uint8_t mask = (uint8_t)(0x80u >> bit % 8);
		if ((uint64_t)value >> (field->width - 1 - i) & 1)
			bytes[bit / 8] |= mask;
		else
			bytes[bit / 8] &= (uint8_t)~mask;
	}
}

bool
bits_add(const struct bit_field *field, enum bit_overflow overflow, int64_t start, int64_t by,
	 int64_t *out)
{
	/* 128 bits hold every sum. */
	__int128 one = 1, sum = field->is_signed ? (__int128)start : (__int128)(uint64_t)start;
	__int128 most = (one << (field->width - (field->is_signed ? 1 : 0))) - 1;
	__int128 least = field->is_signed ? -most - 1 : 0;
	sum += by;
	if (sum >= least && sum <= most)
		*out = (int64_t)sum;
	else if (overflow == BIT_WRAP)
		*out = widen(field, (uint64_t)sum);
	else if (overflow == BIT_SATURATE)
		*out = (int64_t)(sum > most ? most : least);
	return (sum >= least && sum <= most) || overflow != BIT_FAIL;
}
