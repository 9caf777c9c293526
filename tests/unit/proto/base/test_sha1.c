/* tests/unit/proto/base/test_sha1.c - the examples of FIPS 180-4, and every length round a block's end. */
#include "proto/base/sha1.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/runner.h"

static const char *
hex(struct span bytes)
{
	static char text[2 * SHA1_SIZE + 1];
	uint8_t sum[SHA1_SIZE];
	sha1(bytes, sum);
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", sum[i]);
	return text;
}

START_TEST(the_examples_of_the_standard_come_out)
{
	ck_assert_str_eq(hex(SPAN("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	ck_assert_str_eq(hex(SPAN("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
	ck_assert_str_eq(hex(SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
			 "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	uint8_t *million = malloc(1000000);
	ck_assert_ptr_nonnull(million);
	memset(million, 'a', 1000000);
	ck_assert_str_eq(hex((struct span){million, 1000000}),
			 "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	free(million);
}
END_TEST

/* The sum of the sums of 0 to 130 times 'a', from another implementation. */
START_TEST(every_length_round_a_block_is_padded_right)
{
	uint8_t a[131], sums[131 * SHA1_SIZE];
	memset(a, 'a', sizeof(a));
	for (size_t len = 0; len < 131; len++)
		sha1((struct span){a, len}, sums + len * SHA1_SIZE);
	ck_assert_str_eq(hex((struct span){sums, sizeof(sums)}),
			 "60afa284c7b19b978fd27334fd33aa6e654cf3ff");
}
END_TEST

int
main(void)
{
	return RUN_CASES("sha1", the_examples_of_the_standard_come_out,
			 every_length_round_a_block_is_padded_right);
}
