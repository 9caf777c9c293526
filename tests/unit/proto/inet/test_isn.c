/* tests/unit/proto/inet/test_isn.c - RFC 6528: a clock, and an offset that nobody can guess. */
#include "tests/unit/runner.h"

#include "proto/inet/isn.h"

static const uint64_t secret[2] = {0x0123456789abcdef, 0xfedcba9876543210};

START_TEST(numbers_of_one_flow_rise_every_four_microseconds)
{
	tcp_seq first = isn_generate(secret, 1, 2, 3, 4, 1000);
	ck_assert_uint_eq(isn_generate(secret, 1, 2, 3, 4, 1003), first);
	ck_assert_uint_eq(isn_generate(secret, 1, 2, 3, 4, 1004), first + 1);
	ck_assert_uint_eq(isn_generate(secret, 1, 2, 3, 4, 1000 + 4000000), first + 1000000);
}
END_TEST

START_TEST(every_part_of_flow_and_secret_counts)
{
	static const uint64_t other[][2] = {
		{1,                  0xfedcba9876543210},
                {0x0123456789abcdef, 1                 }
        };
	tcp_seq numbers[] = {
		isn_generate(secret, 1, 2, 3, 4, 0),   isn_generate(secret, 9, 2, 3, 4, 0),
		isn_generate(secret, 1, 9, 3, 4, 0),   isn_generate(secret, 1, 2, 9, 4, 0),
		isn_generate(secret, 1, 2, 3, 9, 0),   isn_generate(other[0], 1, 2, 3, 4, 0),
		isn_generate(other[1], 1, 2, 3, 4, 0), isn_generate(secret, 3, 4, 1, 2, 0),
	};
	size_t count = sizeof(numbers) / sizeof(numbers[0]);
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			ck_assert_uint_ne(numbers[i], numbers[j]);
}
END_TEST

START_TEST(neighbouring_ports_tell_nothing)
{
	/* Differences of successive ports' numbers spread over the whole space: all sixteen top nibbles occur. */
	unsigned seen = 0;
	for (uint16_t port = 1; port < 400; port++) {
		tcp_seq step = isn_generate(secret, 1, port, 3, 4, 0) -
			       isn_generate(secret, 1, (uint16_t)(port - 1), 3, 4, 0);
		seen |= 1u << (step >> 28);
	}
	ck_assert_uint_eq(seen, 0xffff);
}
END_TEST

int
main(void)
{
	return RUN_CASES("isn", numbers_of_one_flow_rise_every_four_microseconds,
			 every_part_of_flow_and_secret_counts, neighbouring_ports_tell_nothing);
}
