/* app/bench/histogram.c - reading a histogram; adding is inline. */
#include "app/bench/histogram.h"

uint64_t
histogram_bucket_top(unsigned bucket)
{
	unsigned row = bucket >> HISTOGRAM_SUB_BITS;
	unsigned shift = row > 1 ? row - 1 : 0;
	uint64_t sub = bucket - ((uint64_t)shift << HISTOGRAM_SUB_BITS);
	return ((sub + 1) << shift) - 1;
}

uint64_t
histogram_quantile(const struct histogram *h, double share)
{
	double exact = share * (double)h->count;
	uint64_t wanted = (uint64_t)exact, seen = 0;
	if ((double)wanted < exact || wanted == 0)
		wanted++;
	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted) {
			uint64_t top = histogram_bucket_top(i);
			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}
