/* proto/inet/checksum.c - eight bytes at a time. 2^16 is 1 modulo 2^16 - 1, so words of 64 bits may be added as they are and
 * folded at the end; their carries gather in the upper half of a 128-bit sum and are added once (end-around).
 */
#include "proto/inet/checksum.h"

#include "proto/base/bytes.h"

typedef unsigned __int128 wide;

static uint64_t
load64(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return word;
}

/* 128 bits to at most 33: a running sum has room for 2^31 more of them. */
static uint64_t
narrow(wide sum)
{
	uint64_t low = (uint64_t)sum, high = (uint64_t)(sum >> 64);
	return (low & 0xffffffff) + (low >> 32) + high;
}

/* The last 1 to 7 bytes as a word, zeros behind them (an odd byte is padded on the right, RFC 1071 4.1). */
static uint64_t
load_tail(const uint8_t *at, size_t len)
{
	uint64_t word = 0;
	uint8_t bytes[8] = {0};
	for (size_t i = 0; i < len; i++)
		bytes[i] = at[i];
	memcpy(&word, bytes, sizeof(word));
	return word;
}

uint64_t
checksum_add(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	wide a = 0, b = 0; /* two chains, so that one addition need not wait for the other */
	for (; len >= 32; len -= 32, at += 32) {
		a += load64(at);
		b += load64(at + 8);
		a += load64(at + 16);
		b += load64(at + 24);
	}
	for (; len >= 8; len -= 8, at += 8)
		a += load64(at);
	if (len >= 4) {
		uint32_t word;
		memcpy(&word, at, sizeof(word));
		b += word;
		at += 4;
		len -= 4;
	}
	if (len > 0)
		b += load_tail(at, len);
	return sum + narrow(a + b);
}

uint64_t
checksum_pseudo(uint32_t source, uint32_t destination, uint8_t protocol, uint16_t len)
{
	uint8_t words[4];
	uint64_t sum = (uint64_t)source + destination + protocol + len; /* big-endian words */
	/* Swapping the bytes of a folded sum turns it into the sum of swapped words (RFC 1071 2 (B)). */
	uint16_t raw;
	store_be16(words, checksum_fold(sum));
	memcpy(&raw, words, sizeof(raw));
	return raw;
}

void
checksum_adjust(uint8_t *field, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint16_t)~load_be16(field);
	sum += (uint16_t)~old_word;
	sum += new_word;
	store_be16(field, (uint16_t)~checksum_fold(sum));
}
