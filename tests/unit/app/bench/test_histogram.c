/* tests/unit/app/bench/test_histogram.c - latencies. */
#include "app/bench/histogram.h"
#include "tests/unit/runner.h"

static struct histogram h;

START_TEST(small_values_have_a_bucket_each)
{
	for (uint64_t v = 0; v < 128; v++) {
		ck_assert_uint_eq(histogram_bucket(v), v);
		ck_assert_uint_eq(histogram_bucket_top((unsigned)v), v);
	}
}
END_TEST

START_TEST(buckets_follow_each_other_without_a_gap)
{
	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t top = histogram_bucket_top(i);
		ck_assert_uint_eq(histogram_bucket(top), i);
		ck_assert_uint_eq(histogram_bucket(top + 1), i + 1);
	}
}
END_TEST

START_TEST(a_bucket_is_within_two_percent)
{
	for (uint64_t v = 128; v < 1ull << 43; v += v / 3) {
		uint64_t top = histogram_bucket_top(histogram_bucket(v));
		ck_assert_uint_ge(top, v);
		ck_assert_uint_le((top - v) * 64, v);
	}
}
END_TEST

START_TEST(a_value_too_large_counts_as_the_largest)
{
	ck_assert_uint_eq(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	ck_assert_uint_eq(histogram_bucket((1ull << HISTOGRAM_BITS_MAX) - 1),
			  HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(quantiles_of_nothing_are_zero)
{
	ck_assert_uint_eq(histogram_quantile(&h, 0.5), 0);
}
END_TEST

START_TEST(quantiles_count_from_the_least)
{
	for (uint64_t v = 1; v <= 100; v++)
		histogram_add(&h, v);
	ck_assert_uint_eq(h.count, 100);
	ck_assert_uint_eq(histogram_quantile(&h, 0), 1);
	ck_assert_uint_eq(histogram_quantile(&h, 0.01), 1);
	ck_assert_uint_eq(histogram_quantile(&h, 0.5), 50);
	ck_assert_uint_eq(histogram_quantile(&h, 0.99), 99);
	ck_assert_uint_eq(histogram_quantile(&h, 0.999), 100);
	ck_assert_uint_eq(histogram_quantile(&h, 1), 100);
}
END_TEST

START_TEST(no_quantile_is_above_the_maximum)
{
	h = (struct histogram){0};
	histogram_add(&h, 1000001);
	ck_assert_uint_eq(histogram_quantile(&h, 0.5), 1000001);
	ck_assert_uint_eq(h.max, 1000001);
}
END_TEST

int
main(void)
{
	return RUN_CASES("histogram", small_values_have_a_bucket_each,
			 buckets_follow_each_other_without_a_gap, a_bucket_is_within_two_percent,
			 a_value_too_large_counts_as_the_largest, quantiles_of_nothing_are_zero,
			 quantiles_count_from_the_least, no_quantile_is_above_the_maximum);
}
