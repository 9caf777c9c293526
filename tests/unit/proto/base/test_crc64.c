/* tests/unit/proto/base/test_crc64.c - against the definition, and in pieces. */
#include "tests/unit/runner.h"

#include <stdint.h>

#include "proto/base/crc64.h"
#include "proto/base/prng.h"

/* Bit by bit: the division with the polynomial's bits in reverse. */
static uint64_t
naive(uint64_t crc, const uint8_t *at, size_t len)
{
	uint64_t reversed = 0;
	for (int bit = 0; bit < 64; bit++)
		if (0xad93d23594c935a9u >> bit & 1)
			reversed |= UINT64_C(1) << (63 - bit);
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ reversed : crc >> 1;
	}
	return crc;
}

START_TEST(check_value_of_the_rdb_format)
{
	ck_assert_uint_eq(crc64(0, "123456789", 9), 0xe9c6d914c4b8d9cau);
	ck_assert_uint_eq(crc64(0, "", 0), 0);
}
END_TEST

START_TEST(tables_agree_with_the_division_at_every_length_and_alignment)
{
	uint8_t bytes[80];
	struct prng prng;
	prng_seed(&prng, 1);
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)prng_next(&prng);
		uint64_t start = prng_next(&prng);
		for (size_t len = 0; len <= 64; len++) {
			const uint8_t *at = bytes + round % 9;
			ck_assert_uint_eq(crc64(start, at, len), naive(start, at, len));
		}
	}
}
END_TEST

START_TEST(every_single_byte_at_every_position_of_a_step)
{
	for (size_t position = 0; position < 16; position++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t bytes[16] = {0};
			bytes[position] = (uint8_t)value;
			ck_assert_uint_eq(crc64(0, bytes, 16), naive(0, bytes, 16));
		}
}
END_TEST

START_TEST(any_cut_gives_the_checksum_of_the_whole)
{
	uint8_t bytes[48];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	uint64_t whole = crc64(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++)
		ck_assert_uint_eq(crc64(crc64(0, bytes, cut), bytes + cut, sizeof(bytes) - cut),
				  whole);
}
END_TEST

int
main(void)
{
	return RUN_CASES("crc64", check_value_of_the_rdb_format,
			 tables_agree_with_the_division_at_every_length_and_alignment,
			 every_single_byte_at_every_position_of_a_step,
			 any_cut_gives_the_checksum_of_the_whole);
}
