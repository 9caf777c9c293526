/* tests/unit/app/store/test_keyspace_guard.c - promise K5: what a guarded walk takes while everything changes is the state at the cut.
 *
 * A model remembers every key's value and expiry at the cut. Then random writes run, and between them the walk takes a few slots; a slot
 * that is about to change is taken by the watch. At the end each key of the cut was taken once, as it was, and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "app/store/keyspace.h"
#include "tests/unit/app/store/limited.h"
#include "tests/unit/runner.h"

#define NAMES  900 /* a third in one slot */
#define SEEDS  15
#define STEPS  4000
#define NOW_MS 1000000

struct fact {
	bool there;
	uint32_t number, len;
	uint64_t expire_ms;
};

struct fixture {
	struct limited memory;
	struct keyspace *keys;
	struct keyspace_watch watch;
	struct prng prng;
	uint64_t now_ms;
	uint32_t writes;
	bool cut;
	struct fact at_cut[NAMES], taken[NAMES];
	unsigned times_taken[NAMES];
	unsigned first_changes, expired;
};

static struct fixture f;

static void
key_for(uint32_t n, struct key *key, char name[24])
{
	int len = snprintf(name, 24, n % 3 == 0 ? "{one}:%u" : "k:%u", n);
	keyspace_key(f.keys, (struct span){(const uint8_t *)name, (size_t)len}, key);
}

static uint32_t
number_in(const uint8_t *at, size_t len)
{
	uint32_t n = 0;
	for (size_t i = 0; i < len; i++)
		if (at[i] >= '0' && at[i] <= '9')
			n = n * 10 + at[i] - '0';
	return n;
}

static struct fact
fact_of(const struct entry *e)
{
	struct span value = entry_value(e);
	return (struct fact){.there = true,
			     .number = number_in(value.at, value.len),
			     .len = (uint32_t)value.len,
			     .expire_ms = entry_expire_ms(e)};
}

static void
remember(void *owner, const struct entry *e)
{
	struct span key = entry_key(e);
	(void)owner;
	f.at_cut[number_in(key.at, key.len)] = fact_of(e);
}

static void
take(void *owner, const struct entry *e)
{
	struct span key = entry_key(e);
	uint32_t n = number_in(key.at, key.len);
	(void)owner;
	f.taken[n] = fact_of(e);
	f.times_taken[n]++;
}

static void
first_change(void *owner, uint16_t slot)
{
	(void)owner;
	ck_assert(f.cut);
	f.first_changes++;
	ck_assert(!keyspace_unguard(f.keys, slot)); /* it has ended already */
	keyspace_slot_visit(f.keys, slot, take, NULL);
}

static void
expired(void *owner, const struct entry *e)
{
	struct key key;
	(void)owner;
	ck_assert(entry_expire_ms(e) != 0 && entry_expire_ms(e) <= f.now_ms);
	/* It is there still, and what watches may read. */
	keyspace_key(f.keys, entry_key(e), &key);
	ck_assert_uint_gt(keyspace_slot_count(f.keys, key.slot), 0);
	f.expired++;
}

static void
write_something(void)
{
	struct key key;
	char name[24], value[400];
	uint32_t n = (uint32_t)prng_below(&f.prng, NAMES);
	uint64_t at = prng_below(&f.prng, 2) ? 0 : f.now_ms + prng_below(&f.prng, 400);
	int len = snprintf(value, sizeof(value), "%0*u", 1 + (int)prng_below(&f.prng, 350),
			   ++f.writes);
	key_for(n, &key, name);
	if (prng_below(&f.prng, 12) == 0)
		f.memory.refuse_in = 1 + prng_below(&f.prng, 2);
	switch (prng_below(&f.prng, 8)) {
	case 0:
	case 1:
	case 2:
		keyspace_put(f.keys, &key, (struct span){(const uint8_t *)value, (size_t)len}, at);
		break;
	case 3: {
		uint8_t *bytes = keyspace_resize(f.keys, &key, (size_t)len, f.now_ms);
		if (bytes != NULL)
			memcpy(bytes, value, (size_t)len);
		break;
	}
	case 4:
		keyspace_delete(f.keys, &key, f.now_ms);
		break;
	case 5:
		keyspace_expire(f.keys, &key, at, f.now_ms);
		break;
	case 6:
		keyspace_find(f.keys, &key, f.now_ms);
		break;
	default:
		keyspace_expire_some(f.keys, 50, f.now_ms);
		break;
	}
	f.memory.refuse_in = 0;
	if (prng_below(&f.prng, 4) == 0)
		f.now_ms += prng_below(&f.prng, 20);
	if (prng_below(&f.prng, 700) == 0)
		keyspace_slot_clear(f.keys, key.slot);
	if (prng_below(&f.prng, 3000) == 0)
		keyspace_clear(f.keys);
}

static void
setup(uint64_t seed)
{
	static const uint8_t secret[16] = "sixteen bytes ok";
	memset(&f, 0, sizeof(f));
	limited_init(&f.memory);
	f.keys = keyspace_create(&f.memory.table, secret);
	ck_assert_ptr_nonnull(f.keys);
	f.watch = (struct keyspace_watch){
		.owner = &f, .expired = expired, .first_change = first_change};
	keyspace_set_watch(f.keys, &f.watch);
	prng_seed(&f.prng, seed);
	f.now_ms = NOW_MS;
}

static void
teardown(void)
{
	keyspace_check(f.keys);
	keyspace_destroy(f.keys);
	ck_assert_uint_eq(f.memory.table.used, 0);
}

static void
cut(void)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		keyspace_slot_visit(f.keys, (uint16_t)slot, remember, NULL);
	keyspace_guard(f.keys);
	f.cut = true;
}

static void
check_taken(void)
{
	for (uint32_t n = 0; n < NAMES; n++) {
		const struct fact *a = &f.at_cut[n], *b = &f.taken[n];
		ck_assert_msg(f.times_taken[n] == (a->there ? 1 : 0), "key %u: %u times", n,
			      f.times_taken[n]);
		ck_assert_msg(a->number == b->number && a->len == b->len &&
				      a->expire_ms == b->expire_ms,
			      "key %u: %u, taken as %u", n, a->number, b->number);
	}
}

static void
run(uint64_t seed)
{
	uint32_t next = 0;
	setup(seed);
	for (unsigned i = 0; i < STEPS; i++)
		write_something();
	cut();
	while (next < SLOT_COUNT) {
		write_something();
		for (unsigned i = prng_below(&f.prng, 40); i > 0 && next < SLOT_COUNT; i--, next++)
			if (keyspace_unguard(f.keys, (uint16_t)next))
				keyspace_slot_visit(f.keys, (uint16_t)next, take, NULL);
	}
	ck_assert_uint_gt(f.first_changes, 0);
	check_taken();
	unsigned before = f.first_changes;
	for (unsigned i = 0; i < 200; i++)
		write_something();
	ck_assert_uint_eq(f.first_changes, before); /* nothing is guarded any more */
	ck_assert_uint_gt(f.expired, 0);
	teardown();
}

START_TEST(what_is_taken_is_the_state_at_the_cut)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed);
}
END_TEST

START_TEST(a_guard_ends_with_the_first_change_of_its_slot)
{
	struct key one, other;
	setup(1);
	keyspace_key(f.keys, SPAN("k:1"), &one);
	keyspace_key(f.keys, SPAN("k:2"), &other);
	keyspace_put(f.keys, &one, SPAN("1"), 0);
	cut();
	ck_assert(!keyspace_unguard(f.keys, other.slot)); /* no key, no guard */
	keyspace_put(f.keys, &other, SPAN("2"), 0);
	keyspace_find(f.keys, &one, f.now_ms);
	ck_assert_uint_eq(f.first_changes, 0);
	keyspace_put(f.keys, &one, SPAN("3"), 0);
	keyspace_put(f.keys, &one, SPAN("4"), 0);
	ck_assert_uint_eq(f.first_changes, 1);
	ck_assert_uint_eq(f.taken[1].number, 1);
	teardown();
}
END_TEST

START_TEST(a_change_that_is_refused_is_none)
{
	struct key key;
	setup(1);
	keyspace_key(f.keys, SPAN("k:1"), &key);
	ck_assert_int_eq(keyspace_put(f.keys, &key, SPAN("1"), 0), KEY_OK);
	uint64_t before = keyspace_counters(f.keys)->changes;
	f.memory.refuse_all = true;
	ck_assert_int_eq(keyspace_put(f.keys, &key, SPAN("longer"), 0), KEY_FULL);
	ck_assert_ptr_null(keyspace_resize(f.keys, &key, 50, f.now_ms));
	ck_assert_int_eq(keyspace_expire(f.keys, &key, f.now_ms + 1, f.now_ms), KEY_FULL);
	ck_assert_int_eq(keyspace_expire(f.keys, &key, 0, f.now_ms), KEY_OK);
	ck_assert_uint_eq(keyspace_counters(f.keys)->changes, before);
	f.memory.refuse_all = false;
	ck_assert(keyspace_delete(f.keys, &key, f.now_ms));
	ck_assert_uint_eq(keyspace_counters(f.keys)->changes, before + 1);
	teardown();
}
END_TEST

START_TEST(a_replica_keeps_what_has_expired)
{
	struct key key;
	setup(1);
	keyspace_keep_expired(f.keys, true);
	keyspace_key(f.keys, SPAN("k:1"), &key);
	keyspace_put(f.keys, &key, SPAN("1"), f.now_ms + 1);
	f.now_ms += 2;
	ck_assert_ptr_null(keyspace_find(f.keys, &key, f.now_ms));
	keyspace_expire_some(f.keys, 2 * SLOT_COUNT, f.now_ms);
	ck_assert_uint_eq(keyspace_count(f.keys), 1);
	ck_assert_uint_eq(f.expired, 0);
	ck_assert_ptr_nonnull(keyspace_find(f.keys, &key, 0));
	ck_assert(keyspace_delete(f.keys, &key, 0)); /* the primary's DEL, applied at time 0 */
	ck_assert_uint_eq(keyspace_count(f.keys), 0);
	teardown();
}
END_TEST

int
main(void)
{
	return RUN_CASES("keyspace_guard", a_guard_ends_with_the_first_change_of_its_slot,
			 a_change_that_is_refused_is_none, a_replica_keeps_what_has_expired,
			 what_is_taken_is_the_state_at_the_cut);
}
