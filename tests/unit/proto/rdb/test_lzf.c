/* tests/unit/proto/rdb/test_lzf.c - against liblzf, in every cut, and what is broken. */
#include "tests/unit/runner.h"

#include <liblzf/lzf.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/prng.h"
#include "proto/base/span.h"
#include "proto/rdb/lzf.h"

#define SIZE_MAX_TRIED 3000u

static bool
unpack(const uint8_t *packed, size_t packed_len, size_t piece, uint8_t *to, size_t len)
{
	struct lzf z;
	lzf_begin(&z, to, len);
	for (size_t at = 0; at < packed_len; at += piece) {
		size_t take = packed_len - at < piece ? packed_len - at : piece;
		if (!lzf_feed(&z, packed + at, take))
			return false;
	}
	return lzf_ended(&z);
}

/* Few letters: much to refer to. */
static void
fill(struct prng *prng, uint8_t *at, size_t len)
{
	uint64_t letters = 1 + prng_below(prng, 20);
	for (size_t i = 0; i < len; i++)
		at[i] = i > 40 && prng_below(prng, 4) > 0 ? at[i - 40]
							  : (uint8_t)prng_below(prng, letters);
}

START_TEST(what_liblzf_packs_comes_out_again_in_every_cut)
{
	struct prng prng;
	uint8_t plain[SIZE_MAX_TRIED], packed[SIZE_MAX_TRIED];
	prng_seed(&prng, 7);
	unsigned tried = 0;
	for (int round = 0; round < 400; round++) {
		size_t len = 21 + (size_t)prng_below(&prng, SIZE_MAX_TRIED - 20);
		fill(&prng, plain, len);
		size_t packed_len = lzf_compress(plain, (unsigned)len, packed, (unsigned)len - 4);
		if (packed_len == 0)
			continue;
		tried++;
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_le(len, packed_len * LZF_RATIO_MAX);
		for (size_t piece = 1; piece < 9; piece++) {
			uint8_t *to = malloc(len);
			ck_assert(unpack(packed, packed_len, piece == 8 ? packed_len : piece, to,
					 len));
			ck_assert(memcmp(to, plain, len) == 0);
			free(to);
		}
	}
	ck_assert_uint_gt(tried, 100);
}
END_TEST

START_TEST(a_result_of_another_length_is_refused)
{
	static const uint8_t packed[] = {0, 'x', 0xa0, 0}; /* x, then 7 more */
	uint8_t to[16];
	for (size_t len = 0; len <= sizeof(to); len++)
		ck_assert_int_eq(unpack(packed, sizeof(packed), 1, to, len), len == 8);
}
END_TEST

START_TEST(data_that_stops_early_or_refers_too_far_is_refused)
{
	static const struct span cases[] = {
		SPAN("\x01x"),             /* one literal is missing */
		SPAN("\x00x\xa0"),         /* the offset is */
		SPAN("\x00x\xe0"),         /* length and offset are */
		SPAN("\x00x\xe0\x01"),     /* the offset is, behind a length */
		SPAN("\x00x\xa0\x01"),     /* one before the result's start */
		SPAN("\xa0\x00"),          /* nothing to refer to */
		SPAN("\x00x\xbf\xff"),     /* 8 KB back */
		SPAN("\x00x\xe0\xff\x00"), /* 264 more do not fit */
		SPAN("\x1fxxxxxxxx"),      /* 32 literals in room for 8 */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *to = malloc(8);
		ck_assert_msg(!unpack(cases[i].at, cases[i].len, 100, to, 8), "case %zu", i);
		ck_assert_msg(!unpack(cases[i].at, cases[i].len, 1, to, 8), "case %zu", i);
		free(to);
	}
}
END_TEST

START_TEST(noise_never_leaves_the_result)
{
	struct prng prng;
	prng_seed(&prng, 3);
	for (int round = 0; round < 20000; round++) {
		uint8_t noise[64];
		size_t len = (size_t)prng_below(&prng, sizeof(noise)),
		       size = (size_t)prng_below(&prng, 300);
		for (size_t i = 0; i < len; i++)
			noise[i] = (uint8_t)(prng_below(&prng, 3) == 0 ? prng_below(&prng, 4)
								       : prng_next(&prng));
		uint8_t *to = malloc(size + (size == 0));
		(void)unpack(noise, len, 3, to, size);
		free(to);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("lzf", what_liblzf_packs_comes_out_again_in_every_cut,
			 a_result_of_another_length_is_refused,
			 data_that_stops_early_or_refers_too_far_is_refused,
			 noise_never_leaves_the_result);
}
