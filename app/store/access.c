/* app/store/access.c - two ways to fill 32 bits. */
#include "app/store/access.h"

#define TICK_MS     64u
#define MINUTE_MS   60000u
#define MINUTE_MASK 0xffffffu

static uint32_t
minute(const struct access *rule)
{
	return (uint32_t)(rule->now_ms / MINUTE_MS) & MINUTE_MASK;
}

static uint32_t
tick(const struct access *rule)
{
	return (uint32_t)(rule->now_ms / TICK_MS);
}

uint32_t
access_with_frequency(const struct access *rule, unsigned count)
{
	return minute(rule) << 8 | (count < ACCESS_COUNT_MAX ? count : ACCESS_COUNT_MAX);
}

uint32_t
access_with_idle(const struct access *rule, uint64_t idle_ms)
{
	uint64_t ticks = idle_ms / TICK_MS;
	return tick(rule) - (uint32_t)(ticks < UINT32_MAX ? ticks : UINT32_MAX);
}

uint32_t
access_first(const struct access *rule)
{
	return rule->frequency ? access_with_frequency(rule, ACCESS_COUNT_FIRST) : tick(rule);
}

unsigned
access_frequency(const struct access *rule, uint32_t word)
{
	unsigned count = word & 0xff;
	uint32_t minutes = (minute(rule) - (word >> 8)) & MINUTE_MASK;
	uint32_t lost = rule->decay_min > 0 ? minutes / rule->decay_min : 0;
	return lost < count ? count - lost : 0;
}

uint32_t
access_again(const struct access *rule, uint32_t word)
{
	if (!rule->frequency)
		return tick(rule);
	unsigned count = access_frequency(rule, word);
	uint64_t above = count > ACCESS_COUNT_FIRST ? count - ACCESS_COUNT_FIRST : 0;
	if (count < ACCESS_COUNT_MAX && prng_below(rule->prng, above * rule->log_factor + 1) == 0)
		count++;
	return access_with_frequency(rule, count);
}

uint64_t
access_idle_ms(const struct access *rule, uint32_t word)
{
	return (uint64_t)(uint32_t)(tick(rule) - word) * TICK_MS;
}
