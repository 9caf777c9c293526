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

/* The last 0 to 7 bytes; an odd one has a zero on its right (RFC 1071 4.1). Not byte by byte into a word: a load that gathers
 * several stores waits for all of them to retire. */
static uint64_t
sum_tail(const uint8_t *at, size_t len)
{
	uint64_t sum = 0;
	if ((len & 4) != 0) {
		uint32_t word;
		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 4;
	}
	if ((len & 2) != 0) {
		uint16_t word;
		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 2;
	}
	if ((len & 1) != 0)
		sum += __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? (unsigned)*at << 8 : *at;
	return sum;
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
	b += sum_tail(at, len);
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
