/* tests/unit/app/cmd/test_bits.c - bit operations against a model that looks at one bit at a time. */
#include "app/cmd/bits.h"

#include <string.h>

#include "proto/base/prng.h"
#include "tests/unit/runner.h"

#define BYTES_MAX 40
#define ROUNDS    20000

static unsigned
model_bit(const uint8_t *bytes, uint64_t bit)
{
	return (bytes[bit >> 3] & (0x80u >> (bit & 7))) != 0;
}

/* Long runs of equal bits are as frequent as noise: the word loops must be met. */
static void
scribble(struct prng *prng, uint8_t *bytes, size_t len)
{
	static const uint8_t plain[] = {0x00, 0xff};
	for (size_t i = 0; i < len; i++)
		bytes[i] = plain[len & 1];
	for (uint64_t n = prng_below(prng, 4); n > 0; n--)
		bytes[prng_below(prng, len)] = (uint8_t)prng_next(prng);
}

START_TEST(counts_and_positions_are_those_of_the_model)
{
	struct prng prng;
	prng_seed(&prng, 1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t bytes[BYTES_MAX];
		size_t len = 1 + prng_below(&prng, BYTES_MAX);
		scribble(&prng, bytes, len);
		uint64_t first = prng_below(&prng, len * 8);
		uint64_t last = first + prng_below(&prng, len * 8 - first), count = 0;
		int64_t found[2] = {-1, -1};
		for (uint64_t bit = last + 1; bit-- > first;) {
			count += model_bit(bytes, bit);
			found[model_bit(bytes, bit)] = (int64_t)bit;
		}
		struct span value = {bytes, len};
		ck_assert_uint_eq(bits_count(value, first, last), count);
		ck_assert_int_eq(bits_find(value, 0, first, last), found[0]);
		ck_assert_int_eq(bits_find(value, 1, first, last), found[1]);
	}
}
END_TEST

START_TEST(a_field_holds_what_was_written_and_its_neighbours_stay)
{
	struct prng prng;
	prng_seed(&prng, 2);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t bytes[BYTES_MAX], before[BYTES_MAX];
		struct bit_field f = {.is_signed = prng_below(&prng, 2)};
		f.width = (uint8_t)(1 + prng_below(&prng, f.is_signed ? 64 : 63));
		f.offset = prng_below(&prng, BYTES_MAX * 8 - f.width);
		scribble(&prng, bytes, BYTES_MAX);
		memcpy(before, bytes, BYTES_MAX);
		int64_t wanted;
		unsigned changed = 0;
		ck_assert(bits_add(&f, BIT_WRAP, (int64_t)prng_next(&prng), 0, &wanted));
		bits_write(bytes, &f, wanted);
		ck_assert_int_eq(bits_read((struct span){bytes, BYTES_MAX}, &f), wanted);
		for (uint64_t bit = 0; bit < BYTES_MAX * 8; bit++)
			changed += (bit < f.offset || bit >= f.offset + f.width) &&
				   model_bit(bytes, bit) != model_bit(before, bit);
		ck_assert_uint_eq(changed, 0);
	}
}
END_TEST

START_TEST(behind_the_end_there_are_zeros)
{
	static const uint8_t byte[] = {0xff};
	struct bit_field f = {.width = 8, .offset = 4};
	ck_assert_int_eq(bits_read((struct span){byte, 1}, &f), 0xf0);
	f.offset = 1000;
	ck_assert_int_eq(bits_read((struct span){byte, 1}, &f), 0);
	ck_assert_int_eq(bits_read((struct span){NULL, 0}, &f), 0);
}
END_TEST

START_TEST(overflow_wraps_saturates_or_fails)
{
	static const struct {
		bool is_signed;
		uint8_t width;
		int64_t start, by, wrapped, saturated;
		bool fits;
	} cases[] = {
		{true,  8,  127,       1,         -128,      127,       false},
		{true,  8,  -128,      -1,        127,       -128,      false},
		{true,  8,  100,       27,        127,       127,       true },
		{true,  8,  300,       0,         44,        127,       false},
		{true,  1,  0,         1,         -1,        0,         false},
		{true,  64, INT64_MAX, 1,         INT64_MIN, INT64_MAX, false},
		{true,  64, INT64_MIN, -1,        INT64_MAX, INT64_MIN, false},
		{true,  64, INT64_MIN, INT64_MAX, -1,        -1,        true },
		{false, 8,  255,       1,         0,         255,       false},
		{false, 8,  0,         -1,        255,       0,         false},
		{false, 8,  -1,        0,         255,       255,       false}, /* taken modulo 2^64: very large */
		{false, 63, INT64_MAX, 1,         0,         INT64_MAX, false},
		{false, 63, 0,         INT64_MIN, 0,         0,         false},
		{false, 1,  1,         0,         1,         1,         true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bit_field f = {.is_signed = cases[i].is_signed, .width = cases[i].width};
		int64_t got = 0;
		ck_assert(bits_add(&f, BIT_WRAP, cases[i].start, cases[i].by, &got));
		ck_assert_msg(got == cases[i].wrapped, "case %zu: %ld", i, got);
		ck_assert(bits_add(&f, BIT_SATURATE, cases[i].start, cases[i].by, &got));
		ck_assert_msg(got == cases[i].saturated, "case %zu: %ld", i, got);
		ck_assert_int_eq(bits_add(&f, BIT_FAIL, cases[i].start, cases[i].by, &got),
				 cases[i].fits);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("bits", counts_and_positions_are_those_of_the_model,
			 a_field_holds_what_was_written_and_its_neighbours_stay,
			 behind_the_end_there_are_zeros, overflow_wraps_saturates_or_fails);
}
