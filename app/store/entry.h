/* app/store/entry.h - a key and its value in one piece of memory.
 *
 *     +-------------+--------------+-----+---------------------------+
 *     | header 12 B | [expire 8 B] | key | value bytes (inline)      |   value up to ENTRY_INLINE_MAX
 *     | header 12 B | [expire 8 B] | key | pointer to struct blob    |   larger ones
 *     +-------------+--------------+-----+---------------------------+
 *
 * A blob is immutable while more than one holds it: replies refer to it without a copy.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/span.h"

#define ENTRY_INLINE_MAX 4096u

enum entry_flag { ENTRY_HAS_EXPIRE = 1, ENTRY_HAS_BLOB = 2 };

struct entry {
	uint32_t key_len;
	uint16_t value_len; /* inline */
	uint8_t flags;      /* enum entry_flag */
	uint8_t spare;      /* type, when there is more than one */
	uint32_t access;    /* access.h */
	uint8_t bytes[];
};
_Static_assert(sizeof(struct entry) == 12, "bytes per key are counted");

struct blob {
	uint32_t references;
	size_t len;
	uint8_t bytes[];
};

static inline uint64_t
entry_expire_ms(const struct entry *e) /* 0: never */
{
	uint64_t at = 0;
	if (e->flags & ENTRY_HAS_EXPIRE)
		memcpy(&at, e->bytes, sizeof(at));
	return at;
}

static inline const uint8_t *
entry_key_at(const struct entry *e)
{
	return e->bytes + ((e->flags & ENTRY_HAS_EXPIRE) ? 8 : 0);
}

static inline struct span
entry_key(const struct entry *e)
{
	return (struct span){entry_key_at(e), e->key_len};
}

static inline struct blob *
entry_blob(const struct entry *e) /* NULL: inline */
{
	struct blob *blob = NULL;
	if (e->flags & ENTRY_HAS_BLOB)
		memcpy(&blob, entry_key_at(e) + e->key_len, sizeof(blob));
	return blob;
}

static inline struct span
entry_value(const struct entry *e)
{
	const struct blob *blob = entry_blob(e);
	if (blob != NULL)
		return (struct span){blob->bytes, blob->len};
	return (struct span){entry_key_at(e) + e->key_len, e->value_len};
}
