/* tests/unit/proto/base/test_number.c - decimal text, both ways. */
#include "tests/unit/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/number.h"
#include "proto/base/prng.h"

static void
check_both_ways(int64_t value)
{
	char expected[32], at[NUMBER_SIZE_MAX + 1];
	int size = snprintf(expected, sizeof(expected), "%" PRId64, value);
	memset(at, '#', sizeof(at));
	size_t len = number_format(value, at);
	ck_assert_uint_eq(len, (size_t)size);
	ck_assert_mem_eq(at, expected, len);
	ck_assert_int_eq(at[len], '#');
	int64_t back = ~value;
	ck_assert(number_parse((const uint8_t *)at, len, &back));
	ck_assert_int_eq(back, value);
}

START_TEST(every_length_and_both_ends_of_it)
{
	check_both_ways(0);
	check_both_ways(INT64_MAX);
	check_both_ways(INT64_MIN);
	check_both_ways(INT64_MIN + 1);
	for (int64_t power = 1;; power *= 10) {
		for (int64_t near = -2; near <= 2; near++) {
			check_both_ways(power + near);
			check_both_ways(-power + near);
		}
		if (power == INT64_C(1000000000000000000))
			break;
	}
}
END_TEST

START_TEST(random_numbers_of_every_size)
{
	struct prng prng;
	prng_seed(&prng, 3);
	for (int i = 0; i < 32000; i++)
		check_both_ways((int64_t)(prng_next(&prng) >> i % 64));
}
END_TEST

START_TEST(unsigned_numbers_reach_beyond_the_signed_ones)
{
	static const uint64_t values[] = {0,
					  9,
					  10,
					  99,
					  100,
					  INT64_MAX,
					  UINT64_MAX,
					  UINT64_MAX / 2 + 1,
					  UINT64_C(10000000000000000000)};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char expected[32], at[NUMBER_SIZE_MAX];
		int size = snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);
		ck_assert_uint_eq(number_format_unsigned(values[i], at), (size_t)size);
		ck_assert_mem_eq(at, expected, (size_t)size);
	}
}
END_TEST

START_TEST(what_is_no_number_to_redis_is_refused)
{
	static const char *const refused[] = {
		"",
		"-",
		"+",
		"+1",
		" 1",
		"1 ",
		"01",
		"-0",
		"-01",
		"00",
		"--1",
		"1-",
		"0x1",
		"1.0",
		"1e3",
		"a",
		"1a",
		"a1",
		"1\n",
		"/",
		":",
		"-:",
		"9223372036854775808",
		"-9223372036854775809",
		"10000000000000000000",
		"18446744073709551615",
		"18446744073709551616",
		"99999999999999999999",
		"-99999999999999999999",
		"123456789012345678901",
		"184467440737095516160",
		"00000000000000000001",
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int64_t value = 77;
		ck_assert_msg(
			!number_parse((const uint8_t *)refused[i], strlen(refused[i]), &value),
			"%s", refused[i]);
		ck_assert_int_eq(value, 77);
	}
	int64_t value = 77;
	ck_assert(!number_parse((const uint8_t *)"1\0", 2, &value));
}
END_TEST

START_TEST(every_single_byte_but_the_digits_is_refused)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t text = (uint8_t)byte;
		int64_t value = -1;
		bool digit = byte >= '0' && byte <= '9';
		ck_assert_int_eq(number_parse(&text, 1, &value), digit);
		ck_assert_int_eq(value, digit ? (int64_t)byte - '0' : -1);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("number", every_length_and_both_ends_of_it, random_numbers_of_every_size,
			 unsigned_numbers_reach_beyond_the_signed_ones,
			 what_is_no_number_to_redis_is_refused,
			 every_single_byte_but_the_digits_is_refused);
}
