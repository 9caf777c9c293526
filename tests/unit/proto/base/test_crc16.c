/* tests/unit/proto/base/test_crc16.c - against the definition, and against slots that stock nodes report. */
#include "tests/unit/runner.h"

#include <stdint.h>
#include <string.h>

#include "proto/base/crc16.h"
#include "proto/base/limits.h"
#include "proto/base/prng.h"

/* Bit by bit, as the polynomial division is defined. */
static uint16_t
naive(const uint8_t *at, size_t len)
{
	uint32_t crc = 0;
	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)at[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x11021 : crc << 1;
	}
	return (uint16_t)crc;
}

START_TEST(check_value_of_the_cluster_specification)
{
	ck_assert_uint_eq(crc16("123456789", 9), 0x31c3);
	ck_assert_uint_eq(crc16("", 0), 0);
}
END_TEST

START_TEST(tables_agree_with_the_division_at_every_length_and_alignment)
{
	uint8_t bytes[80];
	struct prng prng;
	prng_seed(&prng, 1);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)prng_next(&prng);
		for (size_t len = 0; len <= 64; len++) {
			const uint8_t *at = bytes + round % 9;
			ck_assert_uint_eq(crc16(at, len), naive(at, len));
		}
	}
}
END_TEST

/* One bit set, in each of 16 positions: all entries of all tables that a basis can spoil. */
START_TEST(every_single_byte_at_every_position_of_a_step)
{
	for (size_t position = 0; position < 16; position++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t bytes[16] = {0};
			bytes[position] = (uint8_t)value;
			ck_assert_uint_eq(crc16(bytes, 16), naive(bytes, 16));
		}
}
END_TEST

START_TEST(only_a_tag_with_something_in_it_counts)
{
	static const struct {
		const char *key;
		const char *hashed; /* what the slot is computed from */
	} cases[] = {
		{"foo",                  "foo"       },
		{"{user1000}.following", "user1000"  },
		{"{user1000}.followers", "user1000"  },
		{"foo{}{bar}",           "foo{}{bar}"}, /* empty tag: the whole key */
		{"foo{{bar}}zap",        "{bar"      }, /* up to the first closing bracket */
		{"foo{bar}{zap}",        "bar"       }, /* the first tag */
		{"foo{bar",              "foo{bar"   }, /* never closed */
		{"foo}bar{",             "foo}bar{"  },
		{"}{a}",                 "a"         },
		{"{",                    "{"         },
		{"{}",                   "{}"        },
		{"{x}",                  "x"         },
		{"",		     ""          },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *key = cases[i].key, *hashed = cases[i].hashed;
		ck_assert_msg(key_slot((const uint8_t *)key, strlen(key)) ==
				      naive((const uint8_t *)hashed, strlen(hashed)) % SLOT_COUNT,
			      "%s", key);
	}
}
END_TEST

/* CLUSTER KEYSLOT of redis-server 7.0.15. */
START_TEST(slots_are_those_of_a_stock_node)
{
	static const struct {
		const char *key;
		uint16_t slot;
	} cases[] = {
		{"foo",       12182},
                {"bar",       5061 },
                {"hello",     866  },
                {"somekey",   11058},
		{"",          0    },
                {"{}x",       10595},
                {"key:{42}",  8000 },
                {"123456789", 12739},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(key_slot((const uint8_t *)cases[i].key, strlen(cases[i].key)) ==
				      cases[i].slot,
			      "%s", cases[i].key);
}
END_TEST

int
main(void)
{
	return RUN_CASES("crc16", check_value_of_the_cluster_specification,
			 tables_agree_with_the_division_at_every_length_and_alignment,
			 every_single_byte_at_every_position_of_a_step,
			 only_a_tag_with_something_in_it_counts, slots_are_those_of_a_stock_node);
}
