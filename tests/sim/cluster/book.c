/* tests/sim/cluster/book.c - open addressing, linear, doubled when half full. */
#include "tests/sim/cluster/book.h"

#include <stdlib.h>

#include "proto/base/assert.h"

#define BOOK_ROOM 256

static size_t
book_hash(const struct node_id *id, uint64_t epoch)
{
	uint64_t hash = epoch * 0x9e3779b97f4a7c15ull;
	for (unsigned i = 0; i < 16; i++)
		hash = (hash ^ id->bytes[i]) * 0x100000001b3ull;
	return (size_t)(hash ^ hash >> 29);
}

static struct book_entry *
book_find(struct book *book, const struct node_id *id, uint64_t epoch)
{
	size_t at = book_hash(id, epoch) & (book->room - 1);
	while (book->entries[at].used &&
	       (book->entries[at].epoch != epoch || !node_id_equal(&book->entries[at].id, id)))
		at = (at + 1) & (book->room - 1);
	return &book->entries[at];
}

static void
book_grow(struct book *book)
{
	struct book old = *book;
	book->room = old.room == 0 ? BOOK_ROOM : 2 * old.room;
	book->entries = calloc(book->room, sizeof(*book->entries));
	ASSERT(book->entries != NULL);
	for (size_t i = 0; i < old.room; i++)
		if (old.entries[i].used)
			*book_find(book, &old.entries[i].id, old.entries[i].epoch) = old.entries[i];
	free(old.entries);
}

struct book_entry *
book_at(struct book *book, const struct node_id *id, uint64_t epoch)
{
	if (2 * (book->count + 1) > book->room)
		book_grow(book);
	struct book_entry *entry = book_find(book, id, epoch);
	if (!entry->used) {
		*entry = (struct book_entry){.id = *id, .epoch = epoch, .used = true};
		book->count++;
	}
	return entry;
}

void
book_free(struct book *book)
{
	free(book->entries);
}
