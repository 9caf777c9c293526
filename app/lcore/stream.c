/* app/lcore/stream.c - the ring. Ring words are copied with memcpy: who reads proves afterwards that nobody wrote there. */
#include "app/lcore/stream.h"

#include <string.h>

#include "proto/base/assert.h"

#define IDLE UINT64_MAX

void
stream_init(struct stream *s, void *mem, uint64_t size)
{
	ASSERT(size >= STREAM_SIZE_MIN && (size & (size - 1)) == 0);
	s->ring = mem;
	s->size = size;
	for (unsigned i = 0; i < STREAM_LCORES_MAX; i++)
		atomic_init(&s->writing[i].from, IDLE);
	atomic_init(&s->end, 0);
	atomic_init(&s->first, 0);
}

void
stream_restart(struct stream *s, uint64_t offset)
{
	atomic_store_explicit(&s->first, offset, memory_order_release);
	atomic_store_explicit(&s->end, offset, memory_order_release);
}

static void
ring_put(struct stream *s, uint64_t offset, struct span bytes)
{
	size_t at = offset & (s->size - 1), whole = s->size - at;
	size_t head = bytes.len < whole ? bytes.len : whole;
	memcpy(s->ring + at, bytes.at, head);
	if (bytes.len > head)
		memcpy(s->ring, bytes.at + head, bytes.len - head);
}

uint64_t
stream_append(struct stream *s, unsigned self, struct span bytes)
{
	_Atomic uint64_t *from = &s->writing[self].from;
	ASSERT(bytes.len <= s->size / 2);
	/* Sequentially consistent, as the add: who sees our bytes counted also sees that we may be writing them. */
	atomic_store_explicit(from, atomic_load_explicit(&s->end, memory_order_seq_cst),
			      memory_order_seq_cst);
	uint64_t offset = atomic_fetch_add_explicit(&s->end, bytes.len, memory_order_seq_cst);
	ring_put(s, offset, bytes);
	atomic_store_explicit(from, IDLE, memory_order_release);
	return offset + bytes.len;
}

uint64_t
stream_end(const struct stream *s)
{
	return atomic_load_explicit(&s->end, memory_order_acquire);
}

uint64_t
stream_committed(const struct stream *s)
{
	uint64_t lowest = atomic_load_explicit(&s->end, memory_order_seq_cst);
	for (unsigned i = 0; i < STREAM_LCORES_MAX; i++) {
		uint64_t from = atomic_load_explicit(&s->writing[i].from, memory_order_seq_cst);
		if (from < lowest)
			lowest = from;
	}
	return lowest;
}

uint64_t
stream_oldest(const struct stream *s)
{
	uint64_t end = atomic_load_explicit(&s->end, memory_order_acquire);
	uint64_t first = atomic_load_explicit(&s->first, memory_order_acquire);
	uint64_t kept = end > s->size ? end - s->size : 0;
	return first > kept ? first : kept;
}

bool
stream_read(const struct stream *s, uint64_t from, uint8_t *at, size_t len)
{
	size_t start = from & (s->size - 1), whole = s->size - start;
	size_t head = len < whole ? len : whole;
	if (from < stream_oldest(s))
		return false;
	memcpy(at, s->ring + start, head);
	if (len > head)
		memcpy(at + head, s->ring, len - head);
	return from >= stream_oldest(s);
}
