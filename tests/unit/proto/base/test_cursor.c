/* tests/unit/proto/base/test_cursor.c - no cursor leaves its bounds, at any length. */
#include "tests/unit/runner.h"

#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/cursor.h"

static const uint8_t wire[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

START_TEST(integers_are_read_most_significant_byte_first)
{
	struct cursor_in in = cursor_in(wire, sizeof(wire));
	ck_assert_uint_eq(cursor_get_u8(&in), 0x01);
	ck_assert_uint_eq(cursor_get_u16(&in), 0x0203);
	ck_assert_uint_eq(cursor_get_u32(&in), 0x04050607);
	ck_assert_uint_eq(cursor_get_u64(&in), 0x08090a0b0c0d0e0f);
	ck_assert(cursor_get_ok(&in));
	ck_assert_uint_eq(cursor_get_left(&in), 0);
}
END_TEST

START_TEST(a_read_beyond_the_end_fails_at_every_truncation)
{
	for (size_t len = 0; len < sizeof(wire); len++) {
		struct cursor_in in = cursor_in(wire, len);
		cursor_get_u8(&in);
		cursor_get_u16(&in);
		cursor_get_u32(&in);
		cursor_get_u64(&in);
		ck_assert_msg(!cursor_get_ok(&in), "length %zu", len);
		ck_assert_uint_eq(cursor_get_left(&in), 0);
	}
}
END_TEST

START_TEST(a_failed_reader_answers_zero_from_then_on)
{
	struct cursor_in in = cursor_in(wire, 3);
	ck_assert_uint_eq(cursor_get_u32(&in), 0);
	ck_assert_uint_eq(cursor_get_u8(&in), 0); /* though three bytes are there */
	ck_assert_uint_eq(cursor_get_u16(&in), 0);
	ck_assert_uint_eq(cursor_get_u64(&in), 0);
	ck_assert_ptr_null(cursor_get_bytes(&in, 0));
	ck_assert(!cursor_get_ok(&in));
}
END_TEST

START_TEST(bytes_are_handed_out_where_they_lie)
{
	struct cursor_in in = cursor_in(wire, sizeof(wire));
	ck_assert_ptr_eq(cursor_get_bytes(&in, 5), wire);
	ck_assert_ptr_eq(cursor_get_bytes(&in, 10), wire + 5);
	ck_assert_ptr_nonnull(cursor_get_bytes(&in, 0));
	ck_assert(cursor_get_ok(&in));
	ck_assert_ptr_null(cursor_get_bytes(&in, SIZE_MAX));
	ck_assert(!cursor_get_ok(&in));
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
	uint8_t room[15];
	struct cursor_out out = cursor_out(room, sizeof(room));
	cursor_put_u8(&out, 0x01);
	cursor_put_u16(&out, 0x0203);
	cursor_put_u32(&out, 0x04050607);
	cursor_put_u64(&out, 0x08090a0b0c0d0e0f);
	ck_assert(cursor_put_ok(&out));
	ck_assert_uint_eq(cursor_put_len(&out), sizeof(wire));
	ck_assert_mem_eq(room, wire, sizeof(wire));
}
END_TEST

START_TEST(a_write_beyond_the_end_fails_and_changes_nothing)
{
	for (size_t size = 0; size < 8; size++) {
		uint8_t room[16];
		memset(room, 0xee, sizeof(room));
		struct cursor_out out = cursor_out(room, size);
		cursor_put_u64(&out, 0);
		ck_assert(!cursor_put_ok(&out));
		cursor_put_u8(&out, 0);
		cursor_put_u16(&out, 0);
		cursor_put_u32(&out, 0);
		cursor_put_bytes(&out, wire, 1);
		cursor_put_padded(&out, wire, 1, 2);
		ck_assert_uint_eq(cursor_put_len(&out), 0);
		for (size_t i = 0; i < sizeof(room); i++)
			ck_assert_uint_eq(room[i], 0xee);
	}
}
END_TEST

START_TEST(a_padded_field_is_filled_with_zeros)
{
	static const uint8_t expected[8] = {1, 2, 3, 0, 0, 0, 1, 2};
	uint8_t room[8];
	struct cursor_out out = cursor_out(room, sizeof(room));
	cursor_put_padded(&out, wire, 3, 6);
	cursor_put_bytes(&out, wire, 2);
	cursor_put_bytes(&out, NULL, 0);
	ck_assert(cursor_put_ok(&out));
	ck_assert_mem_eq(room, expected, sizeof(room));
	struct cursor_out narrow = cursor_out(room, sizeof(room));
	cursor_put_padded(&narrow, wire, 3, 2);
	ck_assert(!cursor_put_ok(&narrow));
}
END_TEST

START_TEST(loads_and_stores_agree_at_any_alignment)
{
	uint8_t room[24];
	for (size_t shift = 0; shift < 8; shift++) {
		store_be16(room + shift, 0xfedc);
		ck_assert_uint_eq(load_be16(room + shift), 0xfedc);
		ck_assert_uint_eq(room[shift], 0xfe);
		store_be32(room + shift, 0xfedcba98);
		ck_assert_uint_eq(load_be32(room + shift), 0xfedcba98);
		ck_assert_uint_eq(room[shift + 3], 0x98);
		store_be64(room + shift, 0xfedcba9876543210);
		ck_assert_uint_eq(load_be64(room + shift), 0xfedcba9876543210);
		ck_assert_uint_eq(room[shift + 7], 0x10);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"cursor", integers_are_read_most_significant_byte_first,
		a_read_beyond_the_end_fails_at_every_truncation,
		a_failed_reader_answers_zero_from_then_on, bytes_are_handed_out_where_they_lie,
		what_is_written_can_be_read, a_write_beyond_the_end_fails_and_changes_nothing,
		a_padded_field_is_filled_with_zeros, loads_and_stores_agree_at_any_alignment);
}
