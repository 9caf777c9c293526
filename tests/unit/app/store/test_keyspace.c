/* tests/unit/app/store/test_keyspace.c - the keyspace beside a naive model: an array of names with value and expiry.
 *
 * Half of the names share one slot by a hash tag, so that its table grows into segments and its buckets into chains; the others are spread.
 */
#include "app/store/keyspace.h"

#include <string.h>

#include "app/store/blob.h"
#include "tests/unit/app/store/keys.h"
#include "tests/unit/app/store/limited.h"
#include "tests/unit/runner.h"

#define NAMES_MAX    12000 /* half in one slot: more than its first array of buckets holds */
#define STEPS        150000
#define CHECK_EVERY  5000
#define CALLS_MAX    4 /* of the allocator, for one write: entry, blob, chain or segment, its list */
#define VALUE_MAX    (ENTRY_INLINE_MAX + 64)
#define SCAN_MAX     (2 * SLOT_COUNT + 100 * NAMES_MAX)
#define EXPIRE_TURNS (SLOT_COUNT + NAMES_MAX)

struct fact { /* what must be so for one name */
	bool there;
	uint32_t len;
	uint8_t fill; /* every byte of the value, but for the zeros behind kept */
	uint32_t kept;
	uint64_t expire_ms;
};

struct fixture {
	struct limited memory;
	struct keyspace *keys;
	struct prng prng;
	uint64_t now_ms;
	struct fact facts[NAMES_MAX];
	uint32_t seen[NAMES_MAX];
	uint8_t value[VALUE_MAX];
};

static struct fixture fixture;

static struct fixture *
setup(void)
{
	static const uint8_t secret[16] = "sixteen bytes ok";
	struct fixture *f = &fixture;
	memset(f, 0, sizeof(*f));
	limited_init(&f->memory);
	f->keys = keyspace_create(&f->memory.table, secret);
	ck_assert_ptr_nonnull(f->keys);
	prng_seed(&f->prng, 7);
	f->now_ms = 1000000;
	return f;
}

static void
teardown(struct fixture *f)
{
	keyspace_check(f->keys);
	keyspace_destroy(f->keys);
	ck_assert_uint_eq(f->memory.table.used, 0);
}

/* The model's own expiry: what is due is not there. */
static struct fact *
fact_at(struct fixture *f, uint32_t n)
{
	struct fact *fact = &f->facts[n];
	if (fact->there && fact->expire_ms != 0 && fact->expire_ms <= f->now_ms)
		fact->there = false;
	return fact;
}

static void
check_entry(const struct fact *fact, const struct entry *e)
{
	ck_assert_int_eq(e != NULL, fact->there);
	if (e == NULL)
		return;
	struct span value = entry_value(e);
	ck_assert_uint_eq(value.len, fact->len);
	ck_assert_uint_eq(entry_expire_ms(e), fact->expire_ms);
	for (uint32_t i = 0; i < fact->len; i++)
		if (value.at[i] != (i < fact->kept ? fact->fill : 0))
			ck_abort_msg("byte %u of %u is %u", i, fact->len, value.at[i]);
}

static void
check_name(struct fixture *f, uint32_t n)
{
	char name[NAME_SIZE];
	struct key key;
	key_for(f->keys, n, &key, name);
	check_entry(fact_at(f, n), keyspace_find(f->keys, &key, f->now_ms));
}

/* What has expired may still be counted, until somebody comes by. */
static void
check_counts(struct fixture *f)
{
	uint64_t least = 0;
	for (uint32_t n = 0; n < NAMES_MAX; n++)
		least += fact_at(f, n)->there;
	keyspace_check(f->keys);
	ck_assert_uint_ge(keyspace_count(f->keys), least);
}

static uint32_t
draw_len(struct fixture *f)
{
	static const uint32_t lens[] = {
		0, 1, 7, 64, 64, 64, ENTRY_INLINE_MAX, ENTRY_INLINE_MAX + 1};
	return lens[prng_below(&f->prng, sizeof(lens) / sizeof(lens[0]))];
}

static uint64_t
draw_expiry(struct fixture *f)
{
	return prng_below(&f->prng, 3) == 0 ? f->now_ms + 1 + prng_below(&f->prng, 3000) : 0;
}

/* ---- operations, on both ---- */

static void
do_put(struct fixture *f, uint32_t n)
{
	char name[NAME_SIZE];
	struct key key;
	struct fact new = {true, draw_len(f), (uint8_t)prng_next(&f->prng), 0, draw_expiry(f)};
	new.kept = new.len;
	memset(f->value, new.fill, new.len);
	key_for(f->keys, n, &key, name);
	if (keyspace_put(f->keys, &key, (struct span){f->value, new.len}, new.expire_ms) == KEY_OK)
		f->facts[n] = new;
}

static void
do_resize(struct fixture *f, uint32_t n)
{
	char name[NAME_SIZE];
	struct key key;
	struct fact *fact = fact_at(f, n);
	uint32_t len = draw_len(f);
	key_for(f->keys, n, &key, name);
	if (keyspace_resize(f->keys, &key, len, f->now_ms) == NULL)
		return;
	if (!fact->there)
		*fact = (struct fact){.there = true};
	fact->len = len;
	fact->kept = fact->kept < len ? fact->kept : len;
}

static void
do_expire(struct fixture *f, uint32_t n)
{
	char name[NAME_SIZE];
	struct key key;
	struct fact *fact = fact_at(f, n);
	uint64_t at = draw_expiry(f);
	key_for(f->keys, n, &key, name);
	enum key_result result = keyspace_expire(f->keys, &key, at, f->now_ms);
	if (!fact->there)
		ck_assert_int_eq(result, KEY_ABSENT);
	else if (result == KEY_OK)
		fact->expire_ms = at;
	else
		ck_assert_int_eq(result, KEY_FULL);
}

static void
do_delete(struct fixture *f, uint32_t n)
{
	char name[NAME_SIZE];
	struct key key;
	struct fact *fact = fact_at(f, n);
	key_for(f->keys, n, &key, name);
	ck_assert_int_eq(keyspace_delete(f->keys, &key, f->now_ms), fact->there);
	fact->there = false;
}

static void
do_one(struct fixture *f)
{
	static void (*const operations[])(struct fixture *, uint32_t) = {
		do_put, do_put, do_put, do_resize, do_expire, do_delete, check_name, check_name};
	uint32_t n = (uint32_t)prng_below(&f->prng, NAMES_MAX);
	f->now_ms += prng_below(&f->prng, 8) == 0;
	operations[prng_below(&f->prng, sizeof(operations) / sizeof(operations[0]))](f, n);
	check_name(f, n);
}

START_TEST(random_operations_agree_with_the_model)
{
	struct fixture *f = setup();
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t calls = f->memory.calls;
		do_one(f);
		ck_assert_uint_le(f->memory.calls - calls, 2 * CALLS_MAX);
		if (step % CHECK_EVERY == 0)
			check_counts(f);
	}
	for (uint32_t n = 0; n < NAMES_MAX; n++)
		check_name(f, n);
	uint64_t there = 0, expiring = 0;
	for (uint32_t n = 0; n < NAMES_MAX; n++) {
		there += f->facts[n].there;
		expiring += f->facts[n].there && f->facts[n].expire_ms != 0;
	}
	ck_assert_uint_eq(keyspace_count(f->keys), there);
	ck_assert_uint_eq(keyspace_expires_count(f->keys), expiring);
	ck_assert_uint_gt(keyspace_counters(f->keys)->expired, 0);
	keyspace_clear(f->keys);
	ck_assert_uint_eq(keyspace_count(f->keys), 0);
	teardown(f);
}
END_TEST

START_TEST(when_memory_is_refused_nothing_has_changed)
{
	struct fixture *f = setup();
	uint64_t refused = 0;
	for (unsigned step = 0; step < STEPS / 2; step++) {
		f->memory.refuse_in = prng_below(&f->prng, 4);
		do_one(f);
		refused += f->memory.refuse_in == 0;
	}
	f->memory.refuse_in = 0;
	check_counts(f);
	for (uint32_t n = 0; n < NAMES_MAX; n++)
		check_name(f, n);
	ck_assert_uint_gt(refused, STEPS / 10);
	teardown(f);
}
END_TEST

START_TEST(a_full_store_says_so_and_keeps_its_count_of_memory)
{
	struct fixture *f = setup();
	char name[NAME_SIZE];
	struct key key;
	for (uint32_t n = 0; n < 2000; n++)
		do_put(f, n);
	size_t used = f->memory.table.used;
	uint64_t count = keyspace_count(f->keys);
	f->memory.refuse_all = true;
	for (uint32_t n = 2000; n < 2100; n++) {
		key_for(f->keys, n, &key, name);
		ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN("value"), 0), KEY_FULL);
		ck_assert_ptr_null(keyspace_resize(f->keys, &key, 10, f->now_ms));
		ck_assert_ptr_null(keyspace_find(f->keys, &key, f->now_ms));
	}
	ck_assert_uint_eq(f->memory.table.used, used);
	ck_assert_uint_eq(keyspace_count(f->keys), count);
	f->memory.refuse_all = false;
	for (uint32_t n = 0; n < 2000; n++)
		check_name(f, n);
	teardown(f);
}
END_TEST

/* ---- expiry ---- */

START_TEST(a_key_is_gone_at_its_millisecond)
{
	struct fixture *f = setup();
	struct key key;
	keyspace_key(f->keys, SPAN("k"), &key);
	ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN("v"), 100), KEY_OK);
	ck_assert_ptr_nonnull(keyspace_find(f->keys, &key, 99));
	ck_assert_uint_eq(keyspace_counters(f->keys)->expired, 0);
	ck_assert_ptr_null(keyspace_find(f->keys, &key, 100));
	ck_assert_uint_eq(keyspace_counters(f->keys)->expired, 1);
	ck_assert_uint_eq(keyspace_count(f->keys), 0);
	ck_assert_int_eq(keyspace_expire(f->keys, &key, 200, 100), KEY_ABSENT);
	ck_assert(!keyspace_delete(f->keys, &key, 100));
	teardown(f);
}
END_TEST

START_TEST(expired_keys_go_without_being_asked_for_from_chains_too)
{
	struct fixture *f = setup();
	char name[NAME_SIZE];
	struct key key;
	/* Every third key stays. */
	for (uint32_t n = 0; n < NAMES_MAX; n++) {
		key_for(f->keys, n, &key, name);
		ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN("v"), n % 3 == 0 ? 0 : 500 + n),
				 KEY_OK);
	}
	unsigned looked = 0;
	for (unsigned turn = 0; turn < EXPIRE_TURNS; turn++)
		looked += keyspace_expire_some(f->keys, 1, 500 + NAMES_MAX);
	ck_assert_uint_ge(looked, NAMES_MAX / 3 * 2);
	ck_assert_uint_eq(keyspace_expires_count(f->keys), 0);
	ck_assert_uint_eq(keyspace_count(f->keys), NAMES_MAX / 3);
	ck_assert_uint_eq(keyspace_expire_some(f->keys, 1000, UINT64_MAX), 0);
	teardown(f);
}
END_TEST

/* ---- scan ---- */

static void
count_seen(void *owner, const struct entry *e)
{
	struct fixture *f = owner;
	f->seen[number_of(e)]++;
}

/* The first half of the names stays; of the others, some come and go while the scan is under way. */
static void
scan_under_change(struct fixture *f, uint32_t stable, unsigned changes)
{
	uint64_t cursor = 0;
	unsigned calls = 0;
	memset(f->seen, 0, sizeof(f->seen));
	do {
		cursor = keyspace_scan(f->keys, cursor, count_seen, f);
		for (unsigned i = 0; i < changes; i++) {
			uint32_t n = stable + (uint32_t)prng_below(&f->prng, NAMES_MAX - stable);
			if (prng_below(&f->prng, 3) == 0)
				do_delete(f, n);
			else
				do_put(f, n);
		}
		ck_assert_uint_lt(++calls, SCAN_MAX);
	} while (cursor != 0);
}

START_TEST(a_scan_visits_what_stays_at_least_once)
{
	static const uint32_t stables[] = {1, 10, 100, 3000, NAMES_MAX - 1};
	for (unsigned i = 0; i < sizeof(stables) / sizeof(stables[0]); i++) {
		struct fixture *f = setup();
		char name[NAME_SIZE];
		struct key key;
		for (uint32_t n = 0; n < stables[i]; n++) {
			key_for(f->keys, n, &key, name);
			ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN("v"), 0), KEY_OK);
		}
		scan_under_change(f, stables[i], 3);
		for (uint32_t n = 0; n < stables[i]; n++)
			ck_assert_msg(f->seen[n] >= 1, "%u of %u was not seen", n, stables[i]);
		teardown(f);
	}
}
END_TEST

START_TEST(a_scan_of_what_does_not_change_visits_everything_once)
{
	struct fixture *f = setup();
	for (uint32_t n = 0; n < NAMES_MAX / 2; n++)
		do_put(f, n);
	scan_under_change(f, NAMES_MAX / 2, 0);
	for (uint32_t n = 0; n < NAMES_MAX; n++)
		ck_assert_uint_eq(f->seen[n], n < NAMES_MAX / 2);
	keyspace_clear(f->keys);
	ck_assert_uint_eq(keyspace_scan(f->keys, 0, count_seen, f), 0);
	/* A cursor from before the clearing ends, whatever it was. */
	for (uint64_t cursor = 1; cursor < 1ull << 40; cursor *= 3)
		ck_assert_uint_eq(keyspace_scan(f->keys, cursor, count_seen, f), 0);
	teardown(f);
}
END_TEST

START_TEST(any_cursor_is_taken)
{
	struct fixture *f = setup();
	for (uint32_t n = 0; n < NAMES_MAX; n += 5)
		do_put(f, n);
	for (unsigned i = 0; i < 10000; i++)
		(void)keyspace_scan(f->keys, prng_next(&f->prng), count_seen, f);
	(void)keyspace_scan(f->keys, UINT64_MAX, count_seen, f);
	teardown(f);
}
END_TEST

START_TEST(a_random_entry_is_any_of_them)
{
	struct fixture *f = setup();
	ck_assert_ptr_null(keyspace_random(f->keys, &f->prng));
	for (uint32_t n = 0; n < 40; n += 2) /* of one slot */
		do_put(f, n);
	for (unsigned i = 0; i < 5000; i++)
		count_seen(f, keyspace_random(f->keys, &f->prng));
	for (uint32_t n = 0; n < 40; n++)
		ck_assert_int_eq(f->seen[n] > 0, n % 2 == 0);
	teardown(f);
}
END_TEST

/* ---- values ---- */

START_TEST(a_value_that_a_reply_holds_is_not_written_over)
{
	struct fixture *f = setup();
	struct key key;
	keyspace_key(f->keys, SPAN("k"), &key);
	memset(f->value, 'a', VALUE_MAX);
	ck_assert_int_eq(keyspace_put(f->keys, &key, (struct span){f->value, VALUE_MAX}, 0),
			 KEY_OK);
	struct blob *held = blob_hold(entry_blob(keyspace_find(f->keys, &key, 1)));
	uint8_t *at = keyspace_resize(f->keys, &key, VALUE_MAX, 1);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_ne(at, held->bytes);
	at[0] = 'b';
	ck_assert_uint_eq(held->bytes[0], 'a');
	/* Alone again, it is written in place. */
	ck_assert_ptr_eq(keyspace_resize(f->keys, &key, VALUE_MAX, 1), at);
	/* Expiry moves the entry, not the bytes. */
	ck_assert_int_eq(keyspace_expire(f->keys, &key, 99, 1), KEY_OK);
	ck_assert_ptr_eq(entry_value(keyspace_find(f->keys, &key, 1)).at, at);
	ck_assert(keyspace_delete(f->keys, &key, 1));
	ck_assert_uint_eq(held->bytes[VALUE_MAX - 1], 'a');
	blob_release(&f->memory.table, held);
	teardown(f);
}
END_TEST

START_TEST(empty_keys_and_empty_values_are_keys_and_values)
{
	struct fixture *f = setup();
	struct key key;
	keyspace_key(f->keys, SPAN(""), &key);
	ck_assert_int_eq(keyspace_put(f->keys, &key, SPAN(""), 0), KEY_OK);
	const struct entry *e = keyspace_find(f->keys, &key, 1);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(entry_key(e).len + entry_value(e).len, 0);
	ck_assert(keyspace_delete(f->keys, &key, 1));
	teardown(f);
}
END_TEST

int
main(void)
{
	return RUN_CASES("keyspace", random_operations_agree_with_the_model,
			 when_memory_is_refused_nothing_has_changed,
			 a_full_store_says_so_and_keeps_its_count_of_memory,
			 a_key_is_gone_at_its_millisecond,
			 expired_keys_go_without_being_asked_for_from_chains_too,
			 a_scan_visits_what_stays_at_least_once,
			 a_scan_of_what_does_not_change_visits_everything_once, any_cursor_is_taken,
			 a_random_entry_is_any_of_them,
			 a_value_that_a_reply_holds_is_not_written_over,
			 empty_keys_and_empty_values_are_keys_and_values);
}
