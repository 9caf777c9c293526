/* app/store/evict.h - which entry goes when there is no room: the best of a few, as Redis (maxmemory-policy, maxmemory-samples).
 *
 *     ..[bucket][bucket][bucket]..    samples are taken from the buckets in turn, a little further each time: every entry
 *            ^--- sampled ---^        is looked at equally often, however unevenly slots are filled, and neighbours share cache lines
 *
 * E1  A volatile policy never chooses an entry that does not expire.
 * E2  Nothing is chosen only if there is nothing to choose from.
 */
#pragma once
#include <stdbool.h>

#include "app/store/access.h"
#include "app/store/keyspace.h"

enum evict_policy {
	EVICT_NOTHING,
	EVICT_ALL_LRU,
	EVICT_ALL_LFU,
	EVICT_ALL_RANDOM,
	EVICT_VOLATILE_LRU,
	EVICT_VOLATILE_LFU,
	EVICT_VOLATILE_RANDOM,
	EVICT_VOLATILE_TTL,
	EVICT_POLICIES
};

/* "allkeys-lru". */
const char *evict_policy_name(enum evict_policy policy);
/* EVICT_POLICIES: no such name. Any case. */
enum evict_policy evict_policy_of(const char *name);
bool evict_by_frequency(enum evict_policy policy);
/* Of at least so many samples. NULL: E2, or the policy is EVICT_NOTHING. Valid until the next call that can write. */
const struct entry *evict_choose(struct keyspace *ks, enum evict_policy policy, unsigned samples,
				 const struct access *rule);
