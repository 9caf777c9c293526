/* app/lcore/stream.h - the replication stream: one sequence of bytes that all data lcores write and every sender reads.
 *
 *     offset:   first ........ sent ........ committed .... end
 *               |<- backlog, overwritten from the left -->|
 *
 * A write reserves its bytes with one atomic add and then copies them in. Before the add the lcore says from where on it may be writing,
 * afterwards that it is not; what lies below the lowest of these is committed.
 *
 * M1  Bytes are in the order of their offsets for every reader; a slot's order is its lcore's order, since a slot has one lcore.
 * M2  Nothing at or above stream_committed() is read.
 * M3  A reader that falls behind by more than the ring holds is told so, and never gets bytes of another time.
 * M4  Nobody writes where a slower writer, of a round before, still does: it is waited for. That takes a lcore that lost its core while
 *     the others filled the whole ring.
 * Offsets count from the start of the history (replid) and never fall but by stream_restart(), which runs while all lcores stand
 * still. Atomics on variables only; stressed under ThreadSanitizer by tests/stress. Segments with reference counts (DESIGN 4) were
 * rejected for now: the ring bounds what a slow replica can pin, which is what its output limit does.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"

#define STREAM_LCORES_MAX 16
#define STREAM_SIZE_MIN   (1u << 20)

struct stream {
	uint8_t *ring;
	uint64_t size; /* a power of two */
	_Alignas(64) _Atomic uint64_t end;
	_Alignas(64) _Atomic uint64_t first; /* nothing below was ever here */
	struct {
		_Alignas(64) _Atomic uint64_t from; /* UINT64_MAX: not writing */
		uint64_t clear_to;                  /* its own: up to here M4 was seen to hold */
	} writing[STREAM_LCORES_MAX];
};

/* mem: the caller's, aligned to 8, size bytes, a power of two. */
void stream_init(struct stream *stream, void *mem, uint64_t size);
/* A new history, or none: the next byte has this offset. All lcores stand still. */
void stream_restart(struct stream *stream, uint64_t offset);
/* Called by lcore self. bytes.len <= size / 2. Returns the offset behind them. */
uint64_t stream_append(struct stream *stream, unsigned self, struct span bytes);
uint64_t stream_end(const struct stream *stream);
/* May answer less than before, for a moment: a writer says where it may be writing before it knows. */
uint64_t stream_committed(const struct stream *stream);
/* Lowest offset that may still be read. */
uint64_t stream_oldest(const struct stream *stream);
/* Copies [from, from + len), which must be committed. False: overwritten, at least in part. */
bool stream_read(const struct stream *stream, uint64_t from, uint8_t *at, size_t len);
