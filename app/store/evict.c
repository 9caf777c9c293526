/* app/store/evict.c - a score for each sample; the highest goes. */
#include "app/store/evict.h"

#include <strings.h>

static const char *const names[EVICT_POLICIES] = {
	[EVICT_NOTHING] = "noeviction",
	[EVICT_ALL_LRU] = "allkeys-lru",
	[EVICT_ALL_LFU] = "allkeys-lfu",
	[EVICT_ALL_RANDOM] = "allkeys-random",
	[EVICT_VOLATILE_LRU] = "volatile-lru",
	[EVICT_VOLATILE_LFU] = "volatile-lfu",
	[EVICT_VOLATILE_RANDOM] = "volatile-random",
	[EVICT_VOLATILE_TTL] = "volatile-ttl",
};

const char *
evict_policy_name(enum evict_policy policy)
{
	return names[policy];
}

enum evict_policy
evict_policy_of(const char *name)
{
	unsigned policy = 0;
	while (policy < EVICT_POLICIES && strcasecmp(names[policy], name) != 0)
		policy++;
	return (enum evict_policy)policy;
}

bool
evict_by_frequency(enum evict_policy policy)
{
	return policy == EVICT_ALL_LFU || policy == EVICT_VOLATILE_LFU;
}

struct choice {
	enum evict_policy policy;
	const struct access *rule;
	const struct entry *best;
	uint64_t score;
};

static uint64_t
score_of(const struct choice *c, const struct entry *e)
{
	if (c->policy == EVICT_ALL_LRU || c->policy == EVICT_VOLATILE_LRU)
		return access_idle_ms(c->rule, e->access);
	if (evict_by_frequency(c->policy))
		return ACCESS_COUNT_MAX - access_frequency(c->rule, e->access);
	if (c->policy == EVICT_VOLATILE_TTL)
		return UINT64_MAX - entry_expire_ms(e);
	return prng_next(c->rule->prng);
}

static void
judge(void *owner, const struct entry *e)
{
	struct choice *c = owner;
	uint64_t score = score_of(c, e);
	if (c->best != NULL && score <= c->score)
		return;
	c->best = e;
	c->score = score;
}

const struct entry *
evict_choose(struct keyspace *ks, enum evict_policy policy, unsigned samples,
	     const struct access *rule)
{
	struct choice choice = {.policy = policy, .rule = rule};
	if (policy != EVICT_NOTHING)
		keyspace_sample(ks, samples, policy >= EVICT_VOLATILE_LRU, judge, &choice);
	return choice.best;
}
