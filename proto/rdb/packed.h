/* proto/rdb/packed.h - what small collections are kept in as one string: listpack.h, intset.h, ziplist.h.
 *
 *     x_check(blob) --> PACKED_OK and how many entries --> x_next(blob, &at, &entry) until false
 *
 * P1  After x_check() has answered PACKED_OK, x_next() gives exactly that many entries and never leaves the blob. On a blob that was not
 *     checked it must not be called: a RESTORE payload or a file may hold anything.
 * P2  at 0 begins. Entries lie in the blob; nothing is copied.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/number.h"
#include "proto/base/span.h"

enum packed_status {
	PACKED_OK,
	PACKED_BAD_SIZE,  /* the size it names is not its size, or it is too short to name one */
	PACKED_BAD_ENTRY, /* an entry in a form that does not exist, or longer than the blob */
	PACKED_BAD_BACK,  /* the way back from an entry to the one before is wrong */
	PACKED_BAD_COUNT, /* other than the entries there are; or none, where stock nodes keep no empty ones */
	PACKED_BAD_END,   /* does not stop where it should */
	PACKED_BAD_ORDER, /* an intset's numbers do not rise, or need not be so wide */
	PACKED_STATUS_COUNT,
};

struct packed_entry {
	struct span bytes; /* unless is_integer */
	int64_t integer;
	bool is_integer;
};

/* The entry as the string a client gave: in the blob, or as digits in text. */
static inline struct span
packed_text(const struct packed_entry *entry, char text[NUMBER_SIZE_MAX])
{
	if (!entry->is_integer)
		return entry->bytes;
	return (struct span){(const uint8_t *)text, number_format(entry->integer, text)};
}

/* For listpack.c, ziplist.c and token.c: size bytes, 1 to 8, least significant first, as a signed number. */
static inline int64_t
packed_integer(const uint8_t *at, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	unsigned unused = (unsigned)(64 - 8 * size) & 63;
	return (int64_t)(value << unused) >> unused;
}
