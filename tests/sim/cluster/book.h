/* tests/sim/cluster/book.h - what a checker remembers of (node, epoch): a hash that only grows.
 *
 *     book_at(book, id, epoch) --> the entry, made now if it is new
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bus/msg.h"

struct book_entry {
	struct node_id id;
	uint64_t epoch;
	bool used;
	/* The checker's own; zero when made. */
	struct node_id other;
	uint64_t value;
};

struct book {
	struct book_entry *entries;
	size_t count, room; /* room: a power of two */
};

/* Valid until the next call. */
struct book_entry *book_at(struct book *book, const struct node_id *id, uint64_t epoch);
void book_free(struct book *book);
