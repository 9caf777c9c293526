/* proto/base/sha256.c - FIPS 180-4, 6.2.2: one block after the other, the last one or two padded. */
#include "proto/base/sha256.h"

#include <string.h>

#include "proto/base/bytes.h"

#define BLOCK  64u
#define ROUNDS 64u

/* 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2};

static uint32_t
turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void
take_block(uint32_t h[8], const uint8_t *at)
{
	uint32_t w[ROUNDS], v[8];
	for (unsigned t = 0; t < 16; t++, at += 4)
		w[t] = load_be32(at);
	for (unsigned t = 16; t < ROUNDS; t++) {
		uint32_t x = w[t - 15], y = w[t - 2];
		w[t] = w[t - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >> 3) + w[t - 7] +
		       (turn(y, 17) ^ turn(y, 19) ^ y >> 10);
	}
	memcpy(v, h, sizeof(v));
	for (unsigned t = 0; t < ROUNDS; t++) {
		uint32_t a = v[0], e = v[4];
		uint32_t choose = (e & v[5]) ^ (~e & v[6]),
			 major = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
		uint32_t one = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choose +
			       constants[t] + w[t];
		uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + major;
		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += one;
		v[0] = one + two;
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] += v[i];
}

void
sha256(struct span bytes, uint8_t out[SHA256_SIZE])
{
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}; /* 5.3.3 */
	uint8_t last[2 * BLOCK] = {0};
	size_t whole = bytes.len / BLOCK * BLOCK, rest = bytes.len - whole;
	for (size_t at = 0; at < whole; at += BLOCK)
		take_block(h, bytes.at + at);
	if (rest > 0)
		memcpy(last, bytes.at + whole, rest);
	last[rest] = 0x80; /* 5.1.1 */
	size_t padded = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	store_be64(last + padded - 8, (uint64_t)bytes.len * 8);
	for (size_t at = 0; at < padded; at += BLOCK)
		take_block(h, last + at);
	for (size_t i = 0; i < 8; i++)
		store_be32(out + 4 * i, h[i]);
}
