/* tests/unit/app/store/test_evict.c - accesses as they are noted, and who goes when there is no room: seeded, so that a share is a figure.
 *
 * Half of the keys are in one slot, the rest are spread (E2 and equal chances must hold for both).
 */
#include "app/store/evict.h"

#include <string.h>

#include "tests/unit/app/store/keys.h"
#include "tests/unit/app/store/limited.h"
#include "tests/unit/runner.h"

#define KEYS      4000u
#define SAMPLES   5u
#define MINUTE_MS 60000u

struct fixture {
	struct limited memory;
	struct keyspace *keys;
	struct access access;
	struct prng prng;
};

static struct fixture fixture;

static struct fixture *
setup(bool frequency)
{
	static const uint8_t secret[16] = "sixteen bytes ok";
	struct fixture *f = &fixture;
	memset(f, 0, sizeof(*f));
	limited_init(&f->memory);
	prng_seed(&f->prng, 11);
	f->access = (struct access){.frequency = frequency,
				    .log_factor = 10,
				    .decay_min = 1,
				    .now_ms = UINT64_C(1700000000000),
				    .prng = &f->prng};
	f->keys = keyspace_create(&f->memory.table, secret);
	ck_assert_ptr_nonnull(f->keys);
	keyspace_set_access(f->keys, &f->access);
	return f;
}

static void
teardown(struct fixture *f)
{
	keyspace_check(f->keys);
	keyspace_destroy(f->keys);
	ck_assert_uint_eq(f->memory.table.used, 0);
}

static void
put(struct fixture *f, uint32_t n, uint64_t expire_ms)
{
	struct key key;
	char name[NAME_SIZE];
	key_for(f->keys, n, &key, name);
	ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN("value"), expire_ms), KEY_OK);
}

static struct entry *
find(struct fixture *f, uint32_t n)
{
	struct key key;
	char name[NAME_SIZE];
	key_for(f->keys, n, &key, name);
	return keyspace_find(f->keys, &key, 0);
}

/* Evicts so many; answers how many of them were of the first half. */
static uint32_t
evict(struct fixture *f, enum evict_policy policy, uint32_t count)
{
	uint32_t first_half = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct key key;
		const struct entry *e = evict_choose(f->keys, policy, SAMPLES, &f->access);
		ck_assert_ptr_nonnull(e);
		first_half += number_of(e) < KEYS / 2;
		keyspace_key(f->keys, entry_key(e), &key);
		ck_assert(keyspace_delete(f->keys, &key, 0));
	}
	return first_half;
}

/* The first half is older, or less used, or expires sooner. */
static void
fill(struct fixture *f, bool expires)
{
	for (uint32_t n = 0; n < KEYS; n++) {
		if (n == KEYS / 2)
			f->access.now_ms += MINUTE_MS;
		put(f, n, expires ? 1000000 + n : 0);
	}
}

START_TEST(names_are_those_of_redis_in_any_case)
{
	ck_assert_int_eq(evict_policy_of("AllKeys-LRU"), EVICT_ALL_LRU);
	ck_assert_int_eq(evict_policy_of("allkeys"), EVICT_POLICIES);
	ck_assert_int_eq(evict_policy_of(""), EVICT_POLICIES);
	for (unsigned p = 0; p < EVICT_POLICIES; p++)
		ck_assert_uint_eq(evict_policy_of(evict_policy_name((enum evict_policy)p)), p);
}
END_TEST

START_TEST(idle_time_is_told_to_a_tick)
{
	static const uint64_t idle_ms[] = {0, 64, 1000, 3600000, UINT64_C(86400000) * 365};
	struct access rule = {.now_ms = UINT64_C(1700000000000)};
	for (size_t i = 0; i < sizeof(idle_ms) / sizeof(idle_ms[0]); i++) {
		uint32_t word = access_first(&rule);
		struct access later = {.now_ms = rule.now_ms + idle_ms[i]};
		uint64_t told = access_idle_ms(&later, word);
		ck_assert_uint_le(told, idle_ms[i] + 64);
		ck_assert_uint_ge(told + 64, idle_ms[i]);
		ck_assert_uint_eq(access_idle_ms(&later, access_again(&later, word)), 0);
		told = access_idle_ms(&rule, access_with_idle(&rule, idle_ms[i]));
		ck_assert_uint_eq(told, idle_ms[i] / 64 * 64);
	}
}
END_TEST

/* redis.conf, "lfu-log-factor": what a counter is after so many hits. */
START_TEST(the_counter_is_a_logarithm)
{
	static const struct {
		uint32_t factor, hits, least, most;
	} rows[] = {
		{0,   100,    100, 106},
                {0,   1000,   255, 255},
                {10,  100,    6,   16 },
		{10,  1000,   14,  24 },
                {10,  100000, 120, 170},
                {100, 1000,   6,   14 },
		{100, 100000, 39,  65 }
        };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prng prng;
		prng_seed(&prng, 3);
		struct access rule = {
			.frequency = true, .log_factor = rows[i].factor, .prng = &prng};
		uint32_t word = access_first(&rule);
		ck_assert_uint_eq(access_frequency(&rule, word), ACCESS_COUNT_FIRST);
		for (uint32_t hit = 0; hit < rows[i].hits; hit++)
			word = access_again(&rule, word);
		ck_assert_uint_ge(access_frequency(&rule, word), rows[i].least);
		ck_assert_uint_le(access_frequency(&rule, word), rows[i].most);
	}
}
END_TEST

START_TEST(the_counter_decays_by_one_in_lfu_decay_time_minutes)
{
	static const struct {
		uint32_t decay_min, minutes, count;
	} rows[] = {
		{0, 1000, 100},
                {1, 0,    100},
                {1, 7,    93 },
                {2, 7,    97 },
                {1, 99,   1  },
                {1, 5000, 0  }
        };
	struct access rule = {.frequency = true, .now_ms = UINT64_C(1700000000000)};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct access later = rule;
		later.decay_min = rows[i].decay_min;
		later.now_ms += (uint64_t)rows[i].minutes * MINUTE_MS;
		uint32_t word = access_with_frequency(&rule, 100);
		ck_assert_uint_eq(access_frequency(&later, word), rows[i].count);
	}
}
END_TEST

/* Five samples of which half are old: all five young is 1 in 32. As the old ones go that grows; a quarter of all is evicted. */
START_TEST(the_idle_the_rare_and_the_short_lived_go_first)
{
	static const enum evict_policy policies[] = {EVICT_ALL_LRU, EVICT_VOLATILE_LRU,
						     EVICT_ALL_LFU, EVICT_VOLATILE_LFU,
						     EVICT_VOLATILE_TTL};
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct fixture *f = setup(evict_by_frequency(policies[i]));
		fill(f, policies[i] >= EVICT_VOLATILE_LRU);
		for (uint32_t n = KEYS / 2; n < KEYS; n++)
			for (unsigned hit = 0; hit < 20; hit++)
				keyspace_touch(f->keys, find(f, n));
		uint32_t right = evict(f, policies[i], KEYS / 4);
		ck_assert_msg(right >= KEYS / 4 * 95 / 100, "%s: %u of %u",
			      evict_policy_name(policies[i]), right, KEYS / 4);
		teardown(f);
	}
}
END_TEST

START_TEST(random_policies_prefer_nobody)
{
	static const enum evict_policy policies[] = {EVICT_ALL_RANDOM, EVICT_VOLATILE_RANDOM};
	for (size_t i = 0; i < 2; i++) {
		struct fixture *f = setup(false);
		fill(f, i == 1);
		uint32_t first = evict(f, policies[i], KEYS / 4);
		ck_assert_uint_ge(first, KEYS / 8 * 85 / 100);
		ck_assert_uint_le(first, KEYS / 8 * 115 / 100);
		teardown(f);
	}
}
END_TEST

START_TEST(volatile_policies_never_touch_what_does_not_expire)
{
	for (unsigned p = EVICT_VOLATILE_LRU; p < EVICT_POLICIES; p++) {
		struct fixture *f = setup(evict_by_frequency((enum evict_policy)p));
		uint32_t expiring = 0;
		for (uint32_t n = 0; n < KEYS; n++) {
			put(f, n, n % 97 == 0 ? 1000000 + n : 0);
			expiring += n % 97 == 0;
		}
		/* One is made to expire, and another to last, behind the sampler's back. */
		evict(f, (enum evict_policy)p, expiring / 2);
		for (uint32_t n = 0; n < KEYS; n++) {
			struct key key;
			char name[NAME_SIZE];
			key_for(f->keys, n, &key, name);
			if (n % 97 == 50)
				keyspace_expire(f->keys, &key, 2000000, 0);
		}
		expiring = (uint32_t)keyspace_expires_count(f->keys);
		evict(f, (enum evict_policy)p, expiring); /* E2: all of them are found */
		ck_assert_uint_eq(keyspace_expires_count(f->keys), 0);
		ck_assert_ptr_null(
			evict_choose(f->keys, (enum evict_policy)p, SAMPLES, &f->access));
		for (uint32_t n = 0; n < KEYS; n++)
			ck_assert_int_eq(find(f, n) != NULL, n % 97 != 0 && n % 97 != 50);
		teardown(f);
	}
}
END_TEST

START_TEST(an_empty_keyspace_and_noeviction_choose_nothing)
{
	struct fixture *f = setup(false);
	for (unsigned p = 0; p < EVICT_POLICIES; p++)
		ck_assert_ptr_null(
			evict_choose(f->keys, (enum evict_policy)p, SAMPLES, &f->access));
	put(f, 1, 0);
	ck_assert_ptr_null(evict_choose(f->keys, EVICT_NOTHING, SAMPLES, &f->access));
	ck_assert_ptr_nonnull(evict_choose(f->keys, EVICT_ALL_LRU, SAMPLES, &f->access));
	teardown(f);
}
END_TEST

START_TEST(all_keys_can_be_evicted_one_by_one)
{
	for (unsigned p = EVICT_ALL_LRU; p < EVICT_POLICIES; p++) {
		struct fixture *f = setup(evict_by_frequency((enum evict_policy)p));
		fill(f, true);
		evict(f, (enum evict_policy)p, KEYS);
		ck_assert_uint_eq(keyspace_count(f->keys), 0);
		teardown(f);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"evict", names_are_those_of_redis_in_any_case, idle_time_is_told_to_a_tick,
		the_counter_is_a_logarithm, the_counter_decays_by_one_in_lfu_decay_time_minutes,
		the_idle_the_rare_and_the_short_lived_go_first, random_policies_prefer_nobody,
		volatile_policies_never_touch_what_does_not_expire,
		an_empty_keyspace_and_noeviction_choose_nothing,
		all_keys_can_be_evicted_one_by_one);
}
