/* tests/unit/proto/base/test_sha256.c - the examples of FIPS 180-4, and every length round a block's end. */
#include "proto/base/sha256.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/runner.h"

static const char *
hex(struct span bytes)
{
	static char text[2 * SHA256_SIZE + 1];
	uint8_t sum[SHA256_SIZE];
	sha256(bytes, sum);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", sum[i]);
	return text;
}

START_TEST(the_examples_of_the_standard_come_out)
{
	ck_assert_str_eq(hex(SPAN("")),
			 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ck_assert_str_eq(hex(SPAN("abc")),
			 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_str_eq(hex(SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
			 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	uint8_t *million = malloc(1000000);
	ck_assert_ptr_nonnull(million);
	memset(million, 'a', 1000000);
	ck_assert_str_eq(hex((struct span){million, 1000000}),
			 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}
END_TEST

/* The sum of the sums of 0 to 130 times 'a', from another implementation. */
START_TEST(every_length_round_a_block_is_padded_right)
{
	uint8_t a[131], sums[131 * SHA256_SIZE];
	memset(a, 'a', sizeof(a));
	for (size_t len = 0; len < 131; len++)
		sha256((struct span){a, len}, sums + len * SHA256_SIZE);
	ck_assert_str_eq(hex((struct span){sums, sizeof(sums)}),
			 "f908a43fc8456c583aacde0fb2627959f8513dc76d0c03979b7f945a7dd78f22");
}
END_TEST

int
main(void)
{
	return RUN_CASES("sha256", the_examples_of_the_standard_come_out,
			 every_length_round_a_block_is_padded_right);
}
