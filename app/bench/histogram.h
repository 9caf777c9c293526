/* app/bench/histogram.h - how often each latency was seen, to within 1.6 %.
 *
 *     value   0 1 2 .. 63 | 64 65 .. 127 | 128 130 .. 254 | 256 260 ..
 *     width    1          |  1           |  2             |  4            64 buckets per power of two
 *
 * The unit is the caller's (cycles, here). Adding costs a few instructions and never fails: what is too large counts as the largest.
 */
#pragma once
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BITS_MAX 44 /* 2 hours of cycles at 2 GHz */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_BITS_MAX - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram { /* all zero: empty */
	uint64_t count, max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned
histogram_bucket(uint64_t value)
{
	const uint64_t largest = (1ull << HISTOGRAM_BITS_MAX) - 1;
	value = value < largest ? value : largest;
	unsigned log = 63 - (unsigned)__builtin_clzll(value | 1);
	unsigned shift = log > HISTOGRAM_SUB_BITS ? log - HISTOGRAM_SUB_BITS : 0;
	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

static inline void
histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->max = value > h->max ? value : h->max;
	h->buckets[histogram_bucket(value)]++;
}

/* The largest value of a bucket. */
uint64_t histogram_bucket_top(unsigned bucket);
/* The least value that at least share (0 to 1) of what was added does not exceed, rounded up to its bucket's top but never above max.
 * 0: empty. */
uint64_t histogram_quantile(const struct histogram *h, double share);
