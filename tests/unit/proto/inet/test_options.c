/* tests/unit/proto/inet/test_options.c - forty bytes from a stranger, read without a loop that stands still. */
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/prng.h"
#include "proto/inet/options.h"

static bool
decode(const uint8_t *bytes, uint16_t len, struct tcp_options *out)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, bytes, len);
	memset(out, 0xee, sizeof(*out));
	bool good = tcp_options_decode(exact, len, out);
	free(exact);
	return good;
}

static bool
is_empty(const struct tcp_options *o)
{
	return o->mss == 0 && o->wscale == TCP_WSCALE_ABSENT && !o->sack_permitted &&
	       !o->has_timestamp && o->sack_count == 0;
}

START_TEST(each_option_is_read)
{
	struct tcp_options o;
	ck_assert(decode((const uint8_t[]){2, 4, 0x05, 0xb4}, 4, &o));
	ck_assert_uint_eq(o.mss, 1460);
	ck_assert(decode((const uint8_t[]){3, 3, 9, 0}, 4, &o));
	ck_assert_uint_eq(o.wscale, 9);
	ck_assert_uint_eq(o.mss, 0);
	ck_assert(decode((const uint8_t[]){1, 1, 4, 2}, 4, &o));
	ck_assert(o.sack_permitted);
	ck_assert_uint_eq(o.wscale, TCP_WSCALE_ABSENT);
	ck_assert(decode((const uint8_t[]){8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, 12, &o));
	ck_assert(o.has_timestamp);
	ck_assert_uint_eq(o.ts_value, 0x01020304);
	ck_assert_uint_eq(o.ts_echo, 0x05060708);
	ck_assert(decode((const uint8_t[]){1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}, 12, &o));
	ck_assert_uint_eq(o.ts_value, 0x01020304);
	ck_assert(decode((const uint8_t[]){1, 1, 5,   18,  0,   0,   0, 1, 0, 0,
					   0, 2, 255, 255, 255, 254, 0, 0, 0, 3},
			 20, &o));
	ck_assert_uint_eq(o.sack_count, 2);
	ck_assert_uint_eq(o.sack[0].left, 1);
	ck_assert_uint_eq(o.sack[0].right, 2);
	ck_assert_uint_eq(o.sack[1].left, 0xfffffffe);
	ck_assert_uint_eq(o.sack[1].right, 3);
	ck_assert(decode((const uint8_t[]){0}, 0, &o));
	ck_assert(is_empty(&o));
}
END_TEST

START_TEST(odd_lists_are_passed_over_or_refused)
{
	static const struct {
		const char *what;
		uint8_t len;
		uint8_t bytes[40];
		bool good, empty;
	} cases[] = {
		{"end of list hides the rest",         8,  {0, 2, 4, 5, 0xb4, 1, 1, 1},            true,  true },
		{"end of list hides nonsense",         4,  {0, 2, 0, 9},                           true,  true },
		{"only no-operations",                 8,  {1, 1, 1, 1, 1, 1, 1, 1},               true,  true },
		{"unknown kind",                       4,  {253, 4, 1, 2},                         true,  true },
		{"unknown kind, then MSS",             8,  {253, 4, 1, 2, 2, 4, 5, 0xb4},          true,  false},
		{"fast open cookie",                   12, {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}, true,  true },
		{"MSS of length 3",                    4,  {2, 3, 5, 1},                           true,  true },
		{"MSS of length 5",                    8,  {2, 5, 5, 1, 1, 1, 1, 1},               true,  true },
		{"MSS 0 is none",                      4,  {2, 4, 0, 0},                           true,  true },
		{"window scale of length 2",           4,  {3, 2, 1, 1},                           true,  true },
		{"window scale of length 4",           4,  {3, 4, 7, 7},                           true,  true },
		{"SACK permitted of length 3",         4,  {4, 3, 0, 1},                           true,  true },
		{"timestamp of length 9",              12, {8, 9, 1, 2, 3, 4, 5, 6, 7, 1, 1, 1},   true,  true },
		{"aligned, but timestamp of length 9",
		 12,				       {1, 1, 8, 9, 1, 2, 3, 4, 5, 6, 7, 1},
		 true,										    true },
		{"SACK without blocks",                4,  {5, 2, 1, 1},                           true,  true },
		{"SACK of half a block",               8,  {5, 6, 1, 2, 3, 4, 1, 1},               true,  true },
		{"SACK of a block and a byte",
		 12,				       {5, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1},
		 true,										    true },
		{"length 0",                           4,  {2, 0, 5, 0xb4},                        false, true },
		{"length 1",                           4,  {2, 1, 5, 0xb4},                        false, true },
		{"unknown of length 0",                4,  {99, 0, 0, 0},                          false, true },
		{"unknown of length 1",                4,  {99, 1, 0, 0},                          false, true },
		{"one past the end",                   4,  {2, 5, 5, 0xb4},                        false, true },
		{"far past the end",                   4,  {2, 255, 5, 0xb4},                      false, true },
		{"kind in the last byte",              4,  {1, 1, 1, 2},                           false, true },
		{"good one before a bad one",          8,  {2, 4, 5, 0xb4, 3, 0, 0, 0},            false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_options o;
		ck_assert_msg(decode(cases[i].bytes, cases[i].len, &o) == cases[i].good, "%s",
			      cases[i].what);
		ck_assert_msg(is_empty(&o) == cases[i].empty, "%s", cases[i].what);
	}
}
END_TEST

START_TEST(window_scale_above_14_counts_as_14)
{
	for (unsigned scale = 0; scale < 256; scale++) {
		struct tcp_options o;
		ck_assert(decode((const uint8_t[]){3, 3, (uint8_t)scale, 0}, 4, &o));
		ck_assert_uint_eq(o.wscale, scale < 14 ? scale : 14);
	}
}
END_TEST

/* Four blocks fill the room; a fifth has none (the length byte could not say so inside 40 bytes). */
START_TEST(sack_blocks_reach_their_limit)
{
	uint8_t bytes[40] = {1, 1};
	for (unsigned blocks = 1; blocks <= TCP_SACK_BLOCKS_MAX; blocks++) {
		struct tcp_options o;
		bytes[2] = 5;
		bytes[3] = (uint8_t)(2 + 8 * blocks);
		ck_assert(decode(bytes, (uint16_t)(4 + 8 * blocks), &o));
		ck_assert_uint_eq(o.sack_count, blocks);
	}
	uint8_t longer[48] = {5, 2 + 8 * (TCP_SACK_BLOCKS_MAX + 1)};
	struct tcp_options o;
	ck_assert(decode(longer, sizeof(longer), &o));
	ck_assert_uint_eq(o.sack_count, 0);
}
END_TEST

START_TEST(every_truncation_of_a_full_list_is_refused_or_ends_between_options)
{
	static const uint8_t full[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2,
					 3, 4, 5, 6,    7, 8, 1, 3,  3, 7};
	for (unsigned len = 0; len <= sizeof(full); len++) {
		struct tcp_options o;
		bool between =
			len == 0 || len == 4 || len == 6 || len == 16 || len == 17 || len == 20;
		ck_assert_msg(decode(full, (uint16_t)len, &o) == between, "%u bytes", len);
	}
}
END_TEST

START_TEST(what_is_encoded_is_decoded_and_fits_forty_bytes)
{
	struct prng prng;
	prng_seed(&prng, 21);
	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[OPTIONS_SIZE_MAX + 8];
		struct tcp_options in = {.wscale = TCP_WSCALE_ABSENT}, out;
		in.mss = prng_below(&prng, 2) ? (uint16_t)(1 + prng_below(&prng, 65535)) : 0;
		if (prng_below(&prng, 2))
			in.wscale = (uint8_t)prng_below(&prng, 15);
		in.sack_permitted = prng_below(&prng, 2);
		in.has_timestamp = prng_below(&prng, 2);
		in.ts_value = (uint32_t)prng_next(&prng);
		in.ts_echo = (uint32_t)prng_next(&prng);
		in.sack_count = (uint8_t)prng_below(&prng, TCP_SACK_BLOCKS_MAX + 1);
		for (unsigned b = 0; b < in.sack_count; b++) {
			in.sack[b].left = (uint32_t)prng_next(&prng);
			in.sack[b].right = (uint32_t)prng_next(&prng);
		}
		memset(bytes, 0xee, sizeof(bytes));
		uint16_t size = tcp_options_size(&in);
		ck_assert_uint_le(size, OPTIONS_SIZE_MAX);
		ck_assert_uint_eq(size % 4, 0);
		ck_assert_uint_eq(tcp_options_encode(bytes, &in), size);
		ck_assert_uint_eq(bytes[size], 0xee);
		ck_assert(decode(bytes, size, &out));
		ck_assert_uint_eq(out.mss, in.mss);
		ck_assert_uint_eq(out.wscale, in.wscale);
		ck_assert_int_eq(out.sack_permitted, in.sack_permitted);
		ck_assert_int_eq(out.has_timestamp, in.has_timestamp);
		if (in.has_timestamp) {
			ck_assert_uint_eq(out.ts_value, in.ts_value);
			ck_assert_uint_eq(out.ts_echo, in.ts_echo);
		}
		ck_assert_uint_le(out.sack_count, in.sack_count);
		if (out.sack_count < in.sack_count) /* only for want of room for one more */
			ck_assert_uint_gt(size + (out.sack_count > 0 ? 8 : 12), OPTIONS_SIZE_MAX);
		for (unsigned b = 0; b < out.sack_count; b++)
			ck_assert(out.sack[b].left == in.sack[b].left &&
				  out.sack[b].right == in.sack[b].right);
	}
}
END_TEST

START_TEST(random_bytes_end_and_stay_inside)
{
	struct prng prng;
	prng_seed(&prng, 22);
	unsigned good = 0;
	for (int i = 0; i < 50000; i++) {
		uint8_t bytes[40];
		struct tcp_options o;
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)prng_below(&prng, 12);
		good += decode(bytes, (uint16_t)(4 * prng_below(&prng, 11)), &o);
		ck_assert_uint_le(o.sack_count, TCP_SACK_BLOCKS_MAX);
		ck_assert(o.wscale <= 14 || o.wscale == TCP_WSCALE_ABSENT);
	}
	ck_assert(good > 1000 && good < 49000);
}
END_TEST

int
main(void)
{
	return RUN_CASES("options", each_option_is_read, odd_lists_are_passed_over_or_refused,
			 window_scale_above_14_counts_as_14, sack_blocks_reach_their_limit,
			 every_truncation_of_a_full_list_is_refused_or_ends_between_options,
			 what_is_encoded_is_decoded_and_fits_forty_bytes,
			 random_bytes_end_and_stay_inside);
}
