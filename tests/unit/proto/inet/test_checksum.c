/* tests/unit/proto/inet/test_checksum.c - against the sum word by word. */
#include "tests/unit/runner.h"

#include <stdlib.h>

#include "proto/base/bytes.h"
#include "proto/base/prng.h"
#include "proto/inet/checksum.h"
#include "tests/unit/proto/inet/frames.h"

static uint16_t
fast(const uint8_t *at, size_t len)
{
	uint8_t field[2];
	checksum_store(field, checksum_add(0, at, len));
	return load_be16(field);
}

/* RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 adds up to ddf2. */
START_TEST(the_example_of_rfc_1071)
{
	static const uint8_t bytes[8] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	ck_assert_uint_eq(fast(bytes, 8), 0xffff ^ 0xddf2);
}
END_TEST

START_TEST(every_length_and_alignment_agrees_with_the_naive_sum)
{
	struct prng prng;
	prng_seed(&prng, 11);
	for (size_t len = 0; len <= 200; len++)
		for (size_t shift = 0; shift < 8; shift++) {
			/* Exactly as large, so that a sanitizer sees reads beyond. */
			uint8_t *exact = malloc(len + shift > 0 ? len + shift : 1);
			for (size_t i = 0; i < len + shift; i++)
				exact[i] = (uint8_t)prng_next(&prng);
			ck_assert_uint_eq(fast(exact + shift, len),
					  frames_checksum(exact + shift, len, 0));
			free(exact);
		}
}
END_TEST

START_TEST(carries_are_kept_over_the_largest_packet)
{
	static uint8_t bytes[65535];
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t len = sizeof(bytes); len > sizeof(bytes) - 40; len--)
		ck_assert_uint_eq(fast(bytes, len), frames_checksum(bytes, len, 0));
	/* Many pieces, each with the largest sum there is. */
	uint64_t sum = 0;
	for (int i = 0; i < 1000; i++)
		sum = checksum_add(sum, bytes, 65534);
	ck_assert_uint_eq(checksum_fold(sum), 0xffff);
}
END_TEST

START_TEST(pieces_of_even_length_add_up_to_the_whole)
{
	uint8_t bytes[101];
	struct prng prng;
	prng_seed(&prng, 12);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)prng_next(&prng);
	for (size_t cut = 0; cut <= 100; cut += 2) {
		uint64_t sum = checksum_add(0, bytes, cut);
		sum = checksum_add(sum, bytes + cut, sizeof(bytes) - cut);
		ck_assert_uint_eq(checksum_fold(sum),
				  checksum_fold(checksum_add(0, bytes, sizeof(bytes))));
	}
}
END_TEST

START_TEST(the_pseudo_header_is_five_words_and_a_length)
{
	struct prng prng;
	prng_seed(&prng, 13);
	for (int i = 0; i < 10000; i++) {
		uint8_t bytes[12];
		uint32_t source = (uint32_t)prng_next(&prng), target = (uint32_t)prng_next(&prng);
		uint16_t len = (uint16_t)prng_next(&prng);
		store_be32(bytes, source);
		store_be32(bytes + 4, target);
		store_be32(bytes + 8, 6u << 16 | len);
		ck_assert_uint_eq(checksum_fold(checksum_pseudo(source, target, 6, len)),
				  checksum_fold(checksum_add(0, bytes, sizeof(bytes))));
	}
}
END_TEST

START_TEST(a_sum_holds_only_with_its_checksum_in_place)
{
	struct prng prng;
	prng_seed(&prng, 14);
	for (int i = 0; i < 1000; i++) {
		uint8_t bytes[40];
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)prng_next(&prng);
		store_be16(bytes + 10, 0);
		checksum_store(bytes + 10, checksum_add(0, bytes, sizeof(bytes)));
		ck_assert(checksum_holds(checksum_add(0, bytes, sizeof(bytes))));
		bytes[prng_below(&prng, sizeof(bytes))] ^= (uint8_t)(1 + prng_below(&prng, 255));
		ck_assert(!checksum_holds(checksum_add(0, bytes, sizeof(bytes))));
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("checksum", the_example_of_rfc_1071,
			 every_length_and_alignment_agrees_with_the_naive_sum,
			 carries_are_kept_over_the_largest_packet,
			 pieces_of_even_length_add_up_to_the_whole,
			 the_pseudo_header_is_five_words_and_a_length,
			 a_sum_holds_only_with_its_checksum_in_place);
}
