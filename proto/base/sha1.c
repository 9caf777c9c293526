/* proto/base/sha1.c - FIPS 180-4, 6.1.2, block by block; the last one or two blocks are padded in a copy. */
#include "proto/base/sha1.h"

#include "proto/base/bytes.h"

#define BLOCK_SIZE 64u
#define ROUNDS     80u

static uint32_t
rotate(uint32_t x, unsigned by)
{
	return x << by | x >> (32 - by);
}

/* 4.1.1: the function of a round; 4.2.1: its constant. */
static uint32_t
mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) | (~b & d)) + 0x5a827999u;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (round < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

static void
block(uint32_t h[5], const uint8_t *at)
{
	uint32_t w[ROUNDS], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	for (unsigned i = 0; i < 16; i++)
		w[i] = load_be32(at + 4 * (size_t)i);
	for (unsigned i = 16; i < ROUNDS; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void
sha1(struct span bytes, uint8_t out[SHA1_SIZE])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8_t last[2 * BLOCK_SIZE] = {0};
	size_t whole = bytes.len / BLOCK_SIZE * BLOCK_SIZE, rest = bytes.len - whole;
	for (size_t i = 0; i < whole; i += BLOCK_SIZE)
		block(h, bytes.at + i);
	if (rest > 0)
		memcpy(last, bytes.at + whole, rest);
	last[rest] = 0x80;
	size_t size = rest + 1 + sizeof(uint64_t) <= BLOCK_SIZE ? BLOCK_SIZE : 2 * BLOCK_SIZE;
	store_be64(last + size - sizeof(uint64_t), (uint64_t)bytes.len * 8);
	for (size_t i = 0; i < size; i += BLOCK_SIZE)
		block(h, last + i);
	for (size_t i = 0; i < 5; i++)
		store_be32(out + 4 * i, h[i]);
}
