/* proto/base/prng.h - a reproducible random sequence (xoshiro256**), for tests, jitter and sampling.
 *
 * Not for secrets: initial sequence numbers and hash keys come from the operating system at start.
 */
#pragma once
#include <stdint.h>

struct prng {
	uint64_t s[4];
};

/* Any seed is good, 0 too (splitmix64 spreads it). */
void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, bound); bound > 0. No modulo bias. */
uint64_t prng_below(struct prng *prng, uint64_t bound);
