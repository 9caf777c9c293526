/* proto/base/prng.c - xoshiro256** by Blackman and Vigna, seeded by splitmix64. */
#include "proto/base/prng.h"

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t
rotate_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

void
prng_seed(struct prng *prng, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		prng->s[i] = splitmix64(&seed);
}

uint64_t
prng_next(struct prng *prng)
{
	uint64_t *s = prng->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t
prng_below(struct prng *prng, uint64_t bound)
{
	/* Values below 2^64 mod bound would make small results more likely: draw again. */
	uint64_t threshold = (0 - bound) % bound;
	for (;;) {
		uint64_t value = prng_next(prng);
		if (value >= threshold)
			return value % bound;
	}
}
