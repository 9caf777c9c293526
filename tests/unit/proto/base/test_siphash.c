/* tests/unit/proto/base/test_siphash.c - the vectors of the SipHash paper's authors: key 00..0f, message 00, 01, 02 ... of each
 * length.
 */
#include "tests/unit/runner.h"

#include <stdint.h>
#include <string.h>

#include "proto/base/siphash.h"

static const uint8_t key[SIPHASH_KEY_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

START_TEST(published_vectors_hold)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{0,  0x726fdb47dd0e0e31},
                {1,  0x74f839c593dc67fd},
                {2,  0x0d6c8009d9a94f5a},
		{7,  0xab0200f58b01d137},
                {8,  0x93f5f5799a932462},
                {15, 0xa129ca6149be45e5},
		{16, 0x3f2acc7f57c29bdb},
                {63, 0x958a324ceb064572},
	};
	uint8_t message[64];
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_msg(siphash24(key, message, vectors[i].len) == vectors[i].hash,
			      "length %zu", vectors[i].len);
}
END_TEST

START_TEST(every_bit_of_key_and_message_counts)
{
	uint8_t message[20] = {0}, other_key[SIPHASH_KEY_SIZE];
	uint64_t plain = siphash24(key, message, sizeof(message));
	for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(siphash24(key, message, sizeof(message)) != plain);
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
		memcpy(other_key, key, sizeof(key));
		other_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(siphash24(other_key, message, sizeof(message)) != plain);
	}
}
END_TEST

START_TEST(alignment_does_not_matter)
{
	uint8_t room[40];
	uint64_t expected = siphash24(key, key, 13);
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(room + shift, key, 13);
		ck_assert_uint_eq(siphash24(key, room + shift, 13), expected);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("siphash", published_vectors_hold, every_bit_of_key_and_message_counts,
			 alignment_does_not_matter);
}
