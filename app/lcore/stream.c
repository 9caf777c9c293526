/* app/lcore/stream.c - the ring. Who reads copies bytes that may be overwritten meanwhile, and proves afterwards that they were not.
 *
 * That proof needs every copy to be of atomic words: a reader that got one byte of a later round also sees the add that reserved it
 * (release and acquire on each word; on x86 they are plain moves). The edges of a record are bytes, since its neighbour in the same
 * word may be another lcore's. Bytes under words is more than C11 speaks of; machines order accesses whatever their size.
 */
#include "app/lcore/stream.h"

#include <sched.h>
#include <string.h>

#include "proto/base/assert.h"

#define IDLE   UINT64_MAX
#define WORD   sizeof(uint64_t)
#define POLITE 200 /* spins, then the core is offered to whoever shares it */

void
stream_init(struct stream *s, void *mem, uint64_t size)
{
	ASSERT(size >= STREAM_SIZE_MIN && (size & (size - 1)) == 0);
	ASSERT((uintptr_t)mem % WORD == 0);
	s->ring = mem;
	s->size = size;
	for (unsigned i = 0; i < STREAM_LCORES_MAX; i++) {
		atomic_init(&s->writing[i].from, IDLE);
		s->writing[i].clear_to = size;
	}
	atomic_init(&s->end, 0);
	atomic_init(&s->first, 0);
}

void
stream_restart(struct stream *s, uint64_t offset)
{
	atomic_store_explicit(&s->first, offset, memory_order_release);
	atomic_store_explicit(&s->end, offset, memory_order_release);
	for (unsigned i = 0; i < STREAM_LCORES_MAX; i++)
		s->writing[i].clear_to = offset + s->size;
}

/* Bytes before the first whole word of ring memory. */
static size_t
edge(const uint8_t *ring, size_t len)
{
	size_t n = -(uintptr_t)ring % WORD;
	return n < len ? n : len;
}

static void /* NOLINTNEXTLINE(readability-non-const-parameter): stored to as atomics */
store_bytes(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		atomic_store_explicit((_Atomic uint8_t *)&to[i], from[i], memory_order_release);
}

static void
store(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t at = edge(to, len);
	store_bytes(to, from, at);
	for (; len - at >= WORD; at += WORD) {
		uint64_t word;
		memcpy(&word, from + at, WORD);
		atomic_store_explicit((_Atomic uint64_t *)(void *)(to + at), word,
				      memory_order_release);
	}
	store_bytes(to + at, from + at, len - at);
}

static void
load_bytes(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = atomic_load_explicit((const _Atomic uint8_t *)&from[i],
					     memory_order_acquire);
}

static void
load(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t at = edge(from, len);
	load_bytes(to, from, at);
	for (; len - at >= WORD; at += WORD) {
		uint64_t word = atomic_load_explicit(
			(const _Atomic uint64_t *)(const void *)(from + at), memory_order_acquire);
		memcpy(to + at, &word, WORD);
	}
	load_bytes(to + at, from + at, len - at);
}

static void
ring_put(struct stream *s, uint64_t offset, struct span bytes)
{
	size_t at = offset & (s->size - 1), whole = s->size - at;
	size_t head = bytes.len < whole ? bytes.len : whole;
	store(s->ring + at, bytes.at, head);
	store(s->ring, bytes.at + head, bytes.len - head);
}

/* All below this is in the ring, as far as others than self have to do with it. */
static uint64_t
written(const struct stream *s, unsigned self)
{
	uint64_t lowest = atomic_load_explicit(&s->end, memory_order_seq_cst);
	for (unsigned i = 0; i < STREAM_LCORES_MAX; i++) {
		uint64_t from = atomic_load_explicit(&s->writing[i].from, memory_order_seq_cst);
		if (i != self && from < lowest)
			lowest = from;
	}
	return lowest;
}

/* M4. The lowest of those that write waits for nobody, since it would have to be overtaken by half a ring by one of its own length. */
static void
wait_until_clear(struct stream *s, unsigned self, uint64_t end)
{
	for (unsigned spins = 1; end > s->writing[self].clear_to; spins++) {
		s->writing[self].clear_to = written(s, self) + s->size;
		if (spins % POLITE == 0)
			sched_yield();
	}
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
	atomic_store_explicit(from, offset, memory_order_release); /* no lower than need be */
	wait_until_clear(s, self, offset + bytes.len);
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
	return written(s, STREAM_LCORES_MAX);
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
	load(at, s->ring + start, head);
	load(at + head, s->ring, len - head);
	return from >= stream_oldest(s);
}
