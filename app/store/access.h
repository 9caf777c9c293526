/* app/store/access.h - when, or how often, an entry was asked for: a word in each, read by eviction and OBJECT.
 *
 *     recency     32 bits: time in units of 64 ms                  how long ago, up to eight years
 *     frequency   24 bits: minute of the last access   8: counter  a logarithm: see access_again()
 *
 * Which of the two a word is follows from the maxmemory-policy; after a change of policy words are wrong until they are touched, as
 * in Redis. Redis spec: "The new LFU mode" (lfu-log-factor, lfu-decay-time), whose figures these are.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/prng.h"

#define ACCESS_COUNT_FIRST 5u /* of a new entry, so that it is not the first to go */
#define ACCESS_COUNT_MAX   255u

struct access { /* the rule: its owner keeps it current */
	bool frequency;
	uint32_t log_factor;
	uint32_t decay_min; /* minutes until the counter loses one; 0: never */
	uint64_t now_ms;
	struct prng *prng;
};

uint32_t access_first(const struct access *rule);
/* The counter rises with a chance of 1 in (counter - ACCESS_COUNT_FIRST) * log_factor + 1. */
uint32_t access_again(const struct access *rule, uint32_t word);
uint64_t access_idle_ms(const struct access *rule, uint32_t word);
/* After what it lost since. */
unsigned access_frequency(const struct access *rule, uint32_t word);
/* The word of an entry that was idle so long, or had that counter: RESTORE. */
uint32_t access_with_idle(const struct access *rule, uint64_t idle_ms);
uint32_t access_with_frequency(const struct access *rule, unsigned count);
