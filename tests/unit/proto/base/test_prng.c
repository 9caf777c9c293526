/* tests/unit/proto/base/test_prng.c - the sequence that every seeded test is replayed from. */
#include "tests/unit/runner.h"

#include <stdint.h>

#include "proto/base/prng.h"

/* xoshiro256** is published with no vectors; from the state 1, 2, 3, 4 its first values follow by hand from its definition. */
START_TEST(first_values_follow_the_definition)
{
	struct prng prng = {
		.s = {1, 2, 3, 4}
        };
	ck_assert_uint_eq(prng_next(&prng), 11520);
	ck_assert_uint_eq(prng_next(&prng), 0);
	ck_assert_uint_eq(prng_next(&prng), 1509978240);
	ck_assert_uint_eq(prng_next(&prng), 1215971899390074240u);
}
END_TEST

START_TEST(one_seed_gives_one_sequence)
{
	struct prng a, b, c;
	prng_seed(&a, 7);
	prng_seed(&b, 7);
	prng_seed(&c, 8);
	unsigned differ = 0;
	for (int i = 0; i < 100; i++) {
		uint64_t value = prng_next(&a);
		ck_assert_uint_eq(value, prng_next(&b));
		differ += value != prng_next(&c);
	}
	ck_assert_uint_eq(differ, 100);
}
END_TEST

START_TEST(seed_zero_does_not_leave_the_state_zero)
{
	struct prng prng;
	prng_seed(&prng, 0);
	ck_assert(prng.s[0] != 0 && prng.s[1] != 0 && prng.s[2] != 0 && prng.s[3] != 0);
}
END_TEST

START_TEST(below_stays_below_and_reaches_every_value)
{
	struct prng prng;
	prng_seed(&prng, 1);
	unsigned hits[7] = {0};
	for (int i = 0; i < 70000; i++) {
		uint64_t value = prng_below(&prng, 7);
		ck_assert_uint_lt(value, 7);
		hits[value]++;
	}
	for (int i = 0; i < 7; i++) {
		ck_assert_uint_gt(hits[i], 9500);
		ck_assert_uint_lt(hits[i], 10500);
	}
	ck_assert_uint_eq(prng_below(&prng, 1), 0);
}
END_TEST

/* With bound 3 * 2^62, a plain remainder would make the lowest third twice as likely as the others. */
START_TEST(below_has_no_bias_for_large_bounds)
{
	struct prng prng;
	prng_seed(&prng, 2);
	unsigned low = 0;
	for (int i = 0; i < 30000; i++)
		low += prng_below(&prng, UINT64_C(3) << 62) < UINT64_C(1) << 62;
	ck_assert_uint_gt(low, 9500);
	ck_assert_uint_lt(low, 10500);
}
END_TEST

int
main(void)
{
	return RUN_CASES("prng", first_values_follow_the_definition, one_seed_gives_one_sequence,
			 seed_zero_does_not_leave_the_state_zero,
			 below_stays_below_and_reaches_every_value,
			 below_has_no_bias_for_large_bounds);
}
