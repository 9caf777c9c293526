/* app/store/keyspace.c - one hash table per slot, grown by linear hashing.
 *
 *     table of a slot          bucket: one cache line
 *     +-------+------+         +--------+---+------+------+     +------+
 *     | level | split|         | 7 tags | n | ptr0 | ptr1 | ... | ptr6 |   n = 8: ptr6 leads to an overflow bucket
 *     | count | used |         +--------+---+------+------+     +------+
 *     | buckets -----|-->  bucket 0, 1, ... used - 1
 *     +-------+------+
 *
 * A table has used = 2^level + split buckets. A key's bucket is hash mod 2^level, or hash mod 2^(level + 1) if that bucket has been split
 * already. Each insertion above the load of LOAD entries per bucket splits one bucket, so growth never stops the
 * world (K2). Buckets lie in one array up to ARRAY_MAX and in segments of that size beyond.
 *
 * A tag is a byte of the hash that bucket choice does not use; it decides which entry is worth a cache miss. Rejected: rte_hash, whose keys
 * have one length and whose tables cannot grow.
 *
 * A scan cursor is slot and reversed bucket number (as Redis's dictScan): counting from the high bit down visits both halves of a bucket
 * that was split meanwhile.
 */
#include "app/store/keyspace.h"

#include <string.h>
#include <xxhash.h>

#include "app/store/blob.h"
#include "proto/base/assert.h"
#include "proto/base/crc16.h"

#define BUCKET_ENTRIES 7u
#define LOAD           5u    /* entries per bucket before one is split */
#define ARRAY_STEP     4u    /* the first array grows by so many buckets */
#define ARRAY_MAX      1024u /* buckets per segment, the first array included */
#define RANDOM_TRIES   64u

enum { BUCKET_CHAINED = BUCKET_ENTRIES + 1 };

struct bucket {
	uint8_t tags[BUCKET_ENTRIES]; /* tags and count are read as one word */
	uint8_t count;                /* 0..7, or BUCKET_CHAINED: six entries and a chain */
	void *at[BUCKET_ENTRIES];
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

struct table {
	uint32_t count;
	uint32_t split;
	struct bucket *first;     /* buckets [0, min(capacity, ARRAY_MAX)) */
	struct bucket **segments; /* beyond: segments[i] holds [(i + 1) * ARRAY_MAX, ...) */
	uint32_t capacity;
	uint8_t level;
};
_Static_assert(sizeof(struct table) == 32, "two to a cache line, none across");

struct keyspace {
	struct table tables[SLOT_COUNT]; /* first: as aligned as the allocation is */
	struct allocator *allocator;
	uint64_t seed;
	uint64_t count, expires;
	uint32_t expire_slot, expire_bucket;
	uint32_t sample_slot, sample_bucket;
	bool sample_whole; /* all buckets of sample_slot so far were looked at for entries that expire ... */
	bool sample_found; /* ... and there were some */
	const struct access *access;
	struct keyspace_counters counters;
	const struct keyspace_watch *watch;
	bool keep_expired;
	uint32_t guarded_count;
	uint64_t guarded[SLOT_COUNT / 64];
	uint64_t expiring
		[SLOT_COUNT /
		 64]; /* slots that may hold an entry that expires; all that do are among them */
};

/* ---- hash ---- */

void
keyspace_key(const struct keyspace *ks, struct span name, struct key *out)
{
	out->at = name.at;
	out->len = (uint32_t)name.len;
	out->slot = key_slot(name.at, name.len);
	out->hash = XXH3_64bits_withSeed(name.at, name.len, ks->seed);
}

static uint64_t
hash_of(const struct keyspace *ks, const struct entry *e)
{
	return XXH3_64bits_withSeed(entry_key_at(e), e->key_len, ks->seed);
}

static uint8_t
tag_of(uint64_t hash)
{
	return (uint8_t)(hash >> 56);
}

/* ---- buckets ---- */

static uint32_t
used_buckets(const struct table *t)
{
	return t->first == NULL ? 0 : (1u << t->level) + t->split;
}

static struct bucket *
bucket_at(const struct table *t, uint32_t index)
{
	if (index < ARRAY_MAX)
		return &t->first[index];
	return &t->segments[index / ARRAY_MAX - 1][index % ARRAY_MAX];
}

static uint32_t
bucket_index(const struct table *t, uint64_t hash)
{
	uint32_t index = (uint32_t)hash & ((1u << t->level) - 1);
	if (index < t->split)
		index = (uint32_t)hash & ((2u << t->level) - 1);
	return index;
}

static unsigned
entries_in(const struct bucket *b)
{
	return b->count == BUCKET_CHAINED ? BUCKET_ENTRIES - 1 : b->count;
}

/* The places whose tag is the wanted one, 0x80 in the byte of each: all eight bytes of the line's first word are compared at once, so that
 * how many entries there are decides no branch. A byte behind one that matches may be marked wrongly (a borrow); keys are compared anyway. */
static uint64_t
places_of_tag(const struct bucket *b, uint8_t tag)
{
	uint64_t word;
	memcpy(&word, b->tags, sizeof(word));
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		word = __builtin_bswap64(word);
	word ^= tag * UINT64_C(0x0101010101010101);
	uint64_t zero =
		(word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
	return zero & ((UINT64_C(1) << 8 * entries_in(b)) - 1);
}

static unsigned
first_place(uint64_t places)
{
	return (unsigned)__builtin_ctzll(places) / 8;
}

static struct bucket *
next_in_chain(const struct bucket *b)
{
	return b->count == BUCKET_CHAINED ? b->at[BUCKET_ENTRIES - 1] : NULL;
}

/* Room for one more bucket. K3: on failure nothing has changed. */
static bool
table_reserve(struct keyspace *ks, struct table *t)
{
	struct allocator *a = ks->allocator;
	uint32_t used = used_buckets(t);
	if (used < t->capacity)
		return true;
	if (t->capacity < ARRAY_MAX) {
		uint32_t more = t->capacity + (t->capacity < ARRAY_STEP ? 1 : ARRAY_STEP);
		struct bucket *first =
			a->resize(a, t->first, t->capacity * sizeof(*first), more * sizeof(*first));
		if (first == NULL)
			return false;
		t->first = first;
		t->capacity = more;
		return true;
	}
	uint32_t index = t->capacity / ARRAY_MAX - 1;
	struct bucket *segment = a->alloc(a, ARRAY_MAX * sizeof(*segment));
	if (segment == NULL)
		return false;
	struct bucket **segments = a->resize(a, t->segments, index * sizeof(*segments),
					     (index + 1) * sizeof(*segments));
	if (segments == NULL) {
		a->release(a, segment, ARRAY_MAX * sizeof(*segment));
		return false;
	}
	segments[index] = segment;
	t->segments = segments;
	t->capacity += ARRAY_MAX;
	return true;
}

/* spare: an unused bucket to chain with, before memory is asked for; may be NULL. */
static bool
bucket_add(struct keyspace *ks, struct bucket *b, struct entry *e, uint8_t tag,
	   struct bucket **spare)
{
	while (b->count == BUCKET_CHAINED)
		b = b->at[BUCKET_ENTRIES - 1];
	if (b->count == BUCKET_ENTRIES) {
		struct bucket *chain = *spare;
		if (chain != NULL)
			*spare = chain->at[0];
		else
			chain = ks->allocator->alloc(ks->allocator, sizeof(*chain));
		if (chain == NULL)
			return false;
		chain->count = 1;
		chain->tags[0] = b->tags[BUCKET_ENTRIES - 1];
		chain->at[0] = b->at[BUCKET_ENTRIES - 1];
		b->at[BUCKET_ENTRIES - 1] = chain;
		b->count = BUCKET_CHAINED;
		b = chain;
	}
	b->tags[b->count] = tag;
	b->at[b->count++] = e;
	return true;
}

/* Deals the entries of the bucket whose turn it is out between it and a new one. Its chained buckets are spares as soon as they have
 * been read, and two halves never need more of them than the whole had: nothing can fail half-way. */
static void
split_bucket(struct keyspace *ks, struct table *t)
{
	struct bucket *spare = NULL;
	if (!table_reserve(ks, t))
		return; /* growth can wait for memory */
	struct bucket *old = bucket_at(t, t->split), *young = bucket_at(t, used_buckets(t));
	uint64_t bit = UINT64_C(1) << t->level;
	struct bucket copy = *old, *chain;
	old->count = young->count = 0;
	for (;;) {
		chain = next_in_chain(&copy);
		for (unsigned i = 0; i < entries_in(&copy); i++) {
			uint64_t hash = hash_of(ks, copy.at[i]);
			bool added = bucket_add(ks, hash & bit ? young : old, copy.at[i],
						tag_of(hash), &spare);
			ASSERT(added);
		}
		if (chain == NULL)
			break;
		copy = *chain;
		chain->at[0] = spare;
		spare = chain;
	}
	while (spare != NULL) {
		chain = spare->at[0];
		ks->allocator->release(ks->allocator, spare, sizeof(*spare));
		spare = chain;
	}
	if (++t->split == 1u << t->level) {
		t->split = 0;
		t->level++;
	}
}

/* Where an entry is: a place in a bucket, and the bucket whose chain leads there. */
struct place {
	struct bucket *bucket, *parent;
	unsigned index;
};

static struct entry *
find(const struct keyspace *ks, const struct key *key, struct place *place)
{
	const struct table *t = &ks->tables[key->slot];
	uint8_t tag = tag_of(key->hash);
	struct bucket *parent = NULL;
	if (t->count == 0)
		return NULL;
	for (struct bucket *b = bucket_at(t, bucket_index(t, key->hash)); b != NULL;
	     parent = b, b = next_in_chain(b)) {
		for (uint64_t left = places_of_tag(b, tag); left != 0; left &= left - 1) {
			struct entry *e = b->at[first_place(left)];
			if (e->key_len != key->len ||
			    memcmp(entry_key_at(e), key->at, key->len) != 0)
				continue;
			*place = (struct place){b, parent, first_place(left)};
			return e;
		}
	}
	return NULL;
}

/* The last entry of the chain takes the place; an emptied chained bucket goes. */
static void
remove_at(struct keyspace *ks, const struct place *place)
{
	struct bucket *last = place->bucket, *parent = place->parent, *next;
	while ((next = next_in_chain(last)) != NULL) {
		parent = last;
		last = next;
	}
	unsigned end = entries_in(last) - 1;
	place->bucket->tags[place->index] = last->tags[end];
	place->bucket->at[place->index] = last->at[end];
	last->count--;
	if (last->count > 0 || parent == NULL)
		return;
	parent->count = BUCKET_ENTRIES - 1;
	ks->allocator->release(ks->allocator, last, sizeof(*last));
}

/* ---- entries ---- */

static size_t
entry_size(uint32_t key_len, size_t value_len, bool expires, bool blob)
{
	return sizeof(struct entry) + (expires ? 8 : 0) + key_len +
	       (blob ? sizeof(struct blob *) : value_len);
}

static size_t
size_of(const struct entry *e)
{
	return entry_size(e->key_len, e->value_len, (e->flags & ENTRY_HAS_EXPIRE) != 0,
			  (e->flags & ENTRY_HAS_BLOB) != 0);
}

/* Without its value, which the caller fills in behind the key. blob: taken over; NULL: inline. */
static struct entry *
entry_create(struct keyspace *ks, struct span key, size_t value_len, uint64_t expire_ms,
	     struct blob *blob)
{
	size_t size = entry_size((uint32_t)key.len, value_len, expire_ms != 0, blob != NULL);
	struct entry *e = ks->allocator->alloc(ks->allocator, size);
	if (e == NULL)
		return NULL;
	*e = (struct entry){.key_len = (uint32_t)key.len,
			    .value_len = blob != NULL ? 0 : (uint16_t)value_len,
			    .flags = (uint8_t)((expire_ms != 0 ? ENTRY_HAS_EXPIRE : 0) |
					       (blob != NULL ? ENTRY_HAS_BLOB : 0))};
	if (expire_ms != 0)
		memcpy(e->bytes, &expire_ms, sizeof(expire_ms));
	uint8_t *at = (uint8_t *)(uintptr_t)entry_key_at(e);
	memcpy(at, key.at, key.len);
	if (blob != NULL)
		memcpy(at + key.len, &blob, sizeof(blob));
	return e;
}

static void
entry_free(struct keyspace *ks, struct entry *e)
{
	struct blob *blob = entry_blob(e);
	if (blob != NULL)
		blob_release(ks->allocator, blob);
	ks->allocator->release(ks->allocator, e, size_of(e));
}

static uint8_t *
value_at(struct entry *e)
{
	return (uint8_t *)(uintptr_t)entry_value(e).at;
}

/* An entry for a value of len bytes, bytes not filled in. */
static struct entry *
entry_for(struct keyspace *ks, struct span key, size_t len, uint64_t expire_ms)
{
	struct blob *blob = NULL;
	if (len > ENTRY_INLINE_MAX) {
		blob = blob_create(ks->allocator, len);
		if (blob == NULL)
			return NULL;
	}
	struct entry *e = entry_create(ks, key, len, expire_ms, blob);
	if (e == NULL && blob != NULL)
		blob_release(ks->allocator, blob);
	return e;
}

/* Every place where an entry begins to expire comes here. */
static void
note_expiry(struct keyspace *ks, uint16_t slot)
{
	ks->expires++;
	ks->expiring[slot / 64] |= UINT64_C(1) << slot % 64;
	ks->sample_found |= ks->sample_slot == slot;
}

/* Its buckets, which hold nothing any more. */
static void
table_release(struct keyspace *ks, struct table *t)
{
	struct allocator *a = ks->allocator;
	uint32_t in_first = t->capacity < ARRAY_MAX ? t->capacity : ARRAY_MAX;
	uint32_t segments = t->capacity / ARRAY_MAX;
	segments -= segments > 0;
	for (uint32_t i = 0; i < segments; i++)
		a->release(a, t->segments[i], ARRAY_MAX * sizeof(struct bucket));
	a->release(a, t->segments, segments * sizeof(*t->segments));
	a->release(a, t->first, in_first * sizeof(*t->first));
	memset(t, 0, sizeof(*t));
}

/* A table that has become empty gives its buckets back: where keys come and go, every slot would soon hold some. */
static void
delete_at(struct keyspace *ks, uint16_t slot, struct entry *e, const struct place *place)
{
	remove_at(ks, place);
	ks->tables[slot].count--;
	ks->count--;
	ks->expires -= (e->flags & ENTRY_HAS_EXPIRE) != 0;
	entry_free(ks, e);
	if (ks->tables[slot].count == 0)
		table_release(ks, &ks->tables[slot]);
}

/* Puts e where the key's entry is, or in a new place. */
static bool
install(struct keyspace *ks, const struct key *key, struct entry *e)
{
	struct table *t = &ks->tables[key->slot];
	struct place place;
	struct bucket *none = NULL;
	struct entry *old = find(ks, key, &place);
	if (old != NULL) {
		place.bucket->at[place.index] = e;
		if (e->flags & ENTRY_HAS_EXPIRE)
			note_expiry(ks, key->slot);
		ks->expires -= (old->flags & ENTRY_HAS_EXPIRE) != 0;
		entry_free(ks, old);
		return true;
	}
	if (t->first == NULL) {
		if (!table_reserve(ks, t))
			return false;
		ASSERT(t->first != NULL);
		t->first[0].count = 0;
	}
	struct bucket *b = bucket_at(t, bucket_index(t, key->hash));
	if (!bucket_add(ks, b, e, tag_of(key->hash), &none))
		return false;
	t->count++;
	ks->count++;
	if (e->flags & ENTRY_HAS_EXPIRE)
		note_expiry(ks, key->slot);
	if (t->count > used_buckets(t) * LOAD)
		split_bucket(ks, t);
	return true;
}

/* ---- interface ---- */

struct keyspace *
keyspace_create(struct allocator *allocator, const uint8_t secret[16])
{
	struct keyspace *ks = allocator->alloc(allocator, sizeof(*ks));
	if (ks == NULL)
		return NULL;
	memset(ks, 0, sizeof(*ks));
	ks->allocator = allocator;
	memcpy(&ks->seed, secret, sizeof(ks->seed));
	ks->sample_slot = (uint32_t)(ks->seed % SLOT_COUNT);
	return ks;
}

static void
table_clear(struct keyspace *ks, struct table *t)
{
	struct allocator *a = ks->allocator;
	for (uint32_t i = 0; i < used_buckets(t); i++) {
		struct bucket *first = bucket_at(t, i), *next;
		for (struct bucket *b = first; b != NULL; b = next) {
			next = next_in_chain(b);
			for (unsigned k = 0; k < entries_in(b); k++)
				entry_free(ks, b->at[k]);
			if (b != first)
				a->release(a, b, sizeof(*b));
		}
	}
	table_release(ks, t);
}

void
keyspace_prefetch_table(const struct keyspace *ks, const struct key *key)
{
	__builtin_prefetch(&ks->tables[key->slot]);
}

void
keyspace_prefetch_bucket(const struct keyspace *ks, const struct key *key)
{
	const struct table *t = &ks->tables[key->slot];
	if (t->count > 0)
		__builtin_prefetch(bucket_at(t, bucket_index(t, key->hash)));
}

void
keyspace_prefetch_entry(const struct keyspace *ks, const struct key *key)
{
	const struct table *t = &ks->tables[key->slot];
	if (t->count == 0)
		return;
	const struct bucket *b = bucket_at(t, bucket_index(t, key->hash));
	uint64_t places = places_of_tag(b, tag_of(key->hash));
	if (places == 0)
		return;
	const uint8_t *e = b->at[first_place(places)];
	__builtin_prefetch(e);
	__builtin_prefetch(e + 64);
}

/* ---- watching ---- */

void
keyspace_set_watch(struct keyspace *ks, const struct keyspace_watch *watch)
{
	ks->watch = watch;
}

void
keyspace_set_access(struct keyspace *ks, const struct access *access)
{
	ks->access = access;
}

void
keyspace_touch(const struct keyspace *ks, struct entry *entry)
{
	if (ks->access == NULL)
		return;
	uint32_t word = access_again(ks->access, entry->access);
	if (word != entry->access) /* a line that is only read stays clean */
		entry->access = word;
}

/* An entry that takes old's place, or is new: NULL. */
static void
note_access(const struct keyspace *ks, struct entry *e, const struct entry *old)
{
	if (ks->access == NULL)
		e->access = 0;
	else
		e->access = old != NULL ? access_again(ks->access, old->access)
					: access_first(ks->access);
}

void
keyspace_keep_expired(struct keyspace *ks, bool keep)
{
	ks->keep_expired = keep;
}

void
keyspace_guard(struct keyspace *ks)
{
	ks->guarded_count = 0;
	memset(ks->guarded, 0, sizeof(ks->guarded));
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
		if (ks->tables[slot].count > 0) {
			ks->guarded[slot / 64] |= UINT64_C(1) << slot % 64;
			ks->guarded_count++;
		}
}

bool
keyspace_unguard(struct keyspace *ks, uint16_t slot)
{
	uint64_t bit = UINT64_C(1) << slot % 64;
	if ((ks->guarded[slot / 64] & bit) == 0)
		return false;
	ks->guarded[slot / 64] &= ~bit;
	ks->guarded_count--;
	return true;
}

/* Every function that alters an entry of the slot begins with this. */
static void
about_to_change(struct keyspace *ks, uint16_t slot)
{
	ks->counters.changes++;
	if (__builtin_expect(ks->guarded_count > 0, 0) && keyspace_unguard(ks, slot))
		ks->watch->first_change(ks->watch->owner, slot);
}

/* K3: what was about to change did not. */
static enum key_result
refused(struct keyspace *ks)
{
	ks->counters.changes--;
	return KEY_FULL;
}

static void
delete_expired(struct keyspace *ks, uint16_t slot, struct entry *e, const struct place *place)
{
	about_to_change(ks, slot);
	if (ks->watch != NULL && ks->watch->expired != NULL)
		ks->watch->expired(ks->watch->owner, e);
	delete_at(ks, slot, e, place);
	ks->counters.expired++;
}

static bool
is_expired(const struct entry *e, uint64_t now_ms)
{
	uint64_t at = entry_expire_ms(e);
	return at != 0 && at <= now_ms;
}

static struct entry *
find_live(struct keyspace *ks, const struct key *key, uint64_t now_ms, struct place *place)
{
	struct entry *e = find(ks, key, place);
	if (e == NULL || !is_expired(e, now_ms))
		return e;
	if (!ks->keep_expired)
		delete_expired(ks, key->slot, e, place);
	return NULL;
}

uint32_t
keyspace_slot_clear(struct keyspace *ks, uint16_t slot)
{
	struct table *t = &ks->tables[slot];
	uint32_t count = t->count, expires = 0;
	if (t->first == NULL)
		return 0;
	if (count > 0)
		about_to_change(ks, slot);
	for (uint32_t i = 0; i < used_buckets(t); i++)
		for (const struct bucket *b = bucket_at(t, i); b != NULL; b = next_in_chain(b))
			for (unsigned k = 0; k < entries_in(b); k++)
				expires += entry_expire_ms(b->at[k]) != 0;
	ks->count -= count;
	ks->expires -= expires;
	table_clear(ks, t);
	return count;
}

void
keyspace_clear(struct keyspace *ks)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		keyspace_slot_clear(ks, (uint16_t)slot);
}

void
keyspace_destroy(struct keyspace *ks)
{
	keyspace_clear(ks);
	ks->allocator->release(ks->allocator, ks, sizeof(*ks));
}

struct entry *
keyspace_find(struct keyspace *ks, const struct key *key, uint64_t now_ms)
{
	struct place place;
	return find_live(ks, key, now_ms, &place);
}

static bool
install_or_free(struct keyspace *ks, const struct key *key, struct entry *e)
{
	bool installed = install(ks, key, e);
	if (!installed)
		entry_free(ks, e);
	return installed;
}

enum key_result
keyspace_put(struct keyspace *ks, const struct key *key, struct span value, uint64_t expire_ms)
{
	struct place place;
	struct entry *e = find(ks, key, &place);
	about_to_change(ks, key->slot);
	/* The same shape: bytes are written over in place. */
	if (e != NULL && e->flags == (expire_ms != 0 ? ENTRY_HAS_EXPIRE : 0) &&
	    e->value_len == value.len) {
		if (expire_ms != 0)
			memcpy(e->bytes, &expire_ms, sizeof(expire_ms));
		memmove(value_at(e), value.at, value.len);
		keyspace_touch(ks, e);
		return KEY_OK;
	}
	const struct entry *old = e;
	e = entry_for(ks, (struct span){key->at, key->len}, value.len, expire_ms);
	if (e != NULL && value.len > 0)
		memcpy(value_at(e), value.at, value.len);
	if (e != NULL)
		note_access(ks, e, old);
	return e != NULL && install_or_free(ks, key, e) ? KEY_OK : refused(ks);
}

uint8_t *
keyspace_resize(struct keyspace *ks, const struct key *key, size_t len, uint64_t now_ms)
{
	struct place place;
	struct entry *old = find_live(ks, key, now_ms, &place);
	struct span value = old != NULL ? entry_value(old) : (struct span){NULL, 0};
	struct blob *blob = old != NULL ? entry_blob(old) : NULL;
	about_to_change(ks, key->slot);
	if (old != NULL && value.len == len && (blob == NULL || blob->references == 1)) {
		keyspace_touch(ks, old);
		return value_at(old);
	}
	struct entry *e = entry_for(ks, (struct span){key->at, key->len}, len,
				    old != NULL ? entry_expire_ms(old) : 0);
	if (e == NULL) {
		refused(ks);
		return NULL;
	}
	note_access(ks, e, old);
	size_t kept = value.len < len ? value.len : len;
	uint8_t *at = value_at(e);
	if (kept > 0)
		memcpy(at, value.at, kept);
	memset(at + kept, 0, len - kept);
	if (install_or_free(ks, key, e))
		return at;
	refused(ks);
	return NULL;
}

enum key_result
keyspace_expire(struct keyspace *ks, const struct key *key, uint64_t expire_ms, uint64_t now_ms)
{
	struct place place;
	struct entry *old = find_live(ks, key, now_ms, &place);
	if (old == NULL)
		return KEY_ABSENT;
	if ((old->flags & ENTRY_HAS_EXPIRE) == 0 && expire_ms == 0)
		return KEY_OK; /* nothing changes */
	about_to_change(ks, key->slot);
	if ((old->flags & ENTRY_HAS_EXPIRE) != 0 && expire_ms != 0) {
		memcpy(old->bytes, &expire_ms, sizeof(expire_ms));
		return KEY_OK;
	}
	struct blob *blob = entry_blob(old);
	struct entry *e = entry_create(ks, entry_key(old), old->value_len, expire_ms,
				       blob != NULL ? blob_hold(blob) : NULL);
	if (e == NULL) {
		if (blob != NULL)
			blob_release(ks->allocator, blob);
		return refused(ks);
	}
	note_access(ks, e, old);
	if (blob == NULL)
		memcpy(value_at(e), value_at(old), old->value_len);
	place.bucket->at[place.index] = e;
	if (expire_ms != 0)
		note_expiry(ks, key->slot);
	else
		ks->expires--;
	entry_free(ks, old);
	return KEY_OK;
}

bool
keyspace_delete(struct keyspace *ks, const struct key *key, uint64_t now_ms)
{
	struct place place;
	struct entry *e = find_live(ks, key, now_ms, &place);
	if (e == NULL)
		return false;
	about_to_change(ks, key->slot);
	delete_at(ks, key->slot, e, &place);
	return true;
}

uint64_t
keyspace_count(const struct keyspace *ks)
{
	return ks->count;
}

uint64_t
keyspace_expires_count(const struct keyspace *ks)
{
	return ks->expires;
}

const struct keyspace_counters *
keyspace_counters(const struct keyspace *ks)
{
	return &ks->counters;
}

/* ---- walking ---- */

static uint32_t
reverse(uint32_t v)
{
	v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
	v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
	v = (v >> 4 & 0x0f0f0f0fu) | (v & 0x0f0f0f0fu) << 4;
	return __builtin_bswap32(v);
}

/* The next pattern after v among those of the size that v's bucket has; 0: the table is through. */
static uint32_t
next_pattern(const struct table *t, uint32_t v)
{
	uint32_t mask = (1u << t->level) - 1;
	if ((v & mask) < t->split)
		mask = (2u << t->level) - 1;
	return reverse(reverse(v | ~mask) + 1);
}

/* Cursor: pattern << 14 | slot. */
uint64_t
keyspace_scan(const struct keyspace *ks, uint64_t cursor,
	      void (*visit)(void *owner, const struct entry *entry), void *owner)
{
	uint32_t slot = (uint32_t)(cursor % SLOT_COUNT), v = (uint32_t)(cursor / SLOT_COUNT);
	while (slot < SLOT_COUNT && ks->tables[slot].count == 0) {
		slot++;
		v = 0;
	}
	if (slot == SLOT_COUNT)
		return 0;
	const struct table *t = &ks->tables[slot];
	for (const struct bucket *b = bucket_at(t, bucket_index(t, v)); b != NULL;
	     b = next_in_chain(b))
		for (unsigned i = 0; i < entries_in(b); i++)
			visit(owner, b->at[i]);
	v = next_pattern(t, v);
	if (v == 0)
		slot++;
	while (v == 0 && slot < SLOT_COUNT && ks->tables[slot].count == 0)
		slot++;
	return slot == SLOT_COUNT ? 0 : (uint64_t)v * SLOT_COUNT + slot;
}

uint32_t
keyspace_slot_count(const struct keyspace *ks, uint16_t slot)
{
	return ks->tables[slot].count;
}

void
keyspace_slot_visit(const struct keyspace *ks, uint16_t slot,
		    void (*visit)(void *owner, const struct entry *entry), void *owner)
{
	const struct table *t = &ks->tables[slot];
	for (uint32_t i = 0; t->first != NULL && i < used_buckets(t); i++)
		for (const struct bucket *b = bucket_at(t, i); b != NULL; b = next_in_chain(b))
			for (unsigned k = 0; k < entries_in(b); k++)
				visit(owner, b->at[k]);
}

const struct entry *
keyspace_random(const struct keyspace *ks, struct prng *prng)
{
	if (ks->count == 0)
		return NULL;
	uint32_t slot = (uint32_t)prng_below(prng, SLOT_COUNT);
	while (ks->tables[slot].count == 0)
		slot = (slot + 1) % SLOT_COUNT;
	const struct table *t = &ks->tables[slot];
	for (;;) {
		const struct bucket *b = bucket_at(t, (uint32_t)prng_below(prng, used_buckets(t)));
		unsigned n = entries_in(b);
		if (n > 0)
			return b->at[prng_below(prng, n)];
	}
}

static bool
slot_may_expire(const struct keyspace *ks, uint32_t slot)
{
	return (ks->expiring[slot / 64] >> slot % 64 & 1) != 0;
}

static void
sample_next_slot(struct keyspace *ks)
{
	uint32_t slot = ks->sample_slot;
	if (ks->sample_whole && !ks->sample_found)
		ks->expiring[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	ks->sample_slot = (slot + 1) % SLOT_COUNT;
	ks->sample_bucket = 0;
	ks->sample_whole = true;
	ks->sample_found = false;
}

unsigned
keyspace_sample(struct keyspace *ks, unsigned want, bool expiring,
		void (*visit)(void *owner, const struct entry *entry), void *owner)
{
	unsigned seen = 0;
	if ((expiring ? ks->expires : ks->count) == 0)
		return 0;
	for (uint32_t slots = 0; seen < want && slots <= SLOT_COUNT;) {
		const struct table *t = &ks->tables[ks->sample_slot];
		if (t->count == 0 || ks->sample_bucket >= used_buckets(t) ||
		    (expiring && !slot_may_expire(ks, ks->sample_slot))) {
			sample_next_slot(ks);
			slots++;
			continue;
		}
		ks->sample_whole = ks->sample_whole && expiring;
		for (const struct bucket *b = bucket_at(t, ks->sample_bucket++); b != NULL;
		     b = next_in_chain(b))
			for (unsigned i = 0; i < entries_in(b); i++) {
				const struct entry *e = b->at[i];
				if (expiring && (e->flags & ENTRY_HAS_EXPIRE) == 0)
					continue;
				ks->sample_found = true;
				visit(owner, e);
				seen++;
			}
	}
	return seen;
}

/* The entry at place number n of a bucket and its chain, NULL beyond the last. */
static struct entry *
nth_entry(struct bucket *first, unsigned n, struct place *place)
{
	struct bucket *parent = NULL;
	for (struct bucket *b = first; b != NULL; parent = b, b = next_in_chain(b)) {
		if (n < entries_in(b)) {
			*place = (struct place){b, parent, n};
			return b->at[n];
		}
		n -= entries_in(b);
	}
	return NULL;
}

unsigned
keyspace_expire_some(struct keyspace *ks, unsigned buckets, uint64_t now_ms)
{
	unsigned looked = 0;
	while (buckets-- > 0 && ks->expires > 0 && !ks->keep_expired) {
		struct table *t = &ks->tables[ks->expire_slot];
		if (ks->expire_bucket >= used_buckets(t)) {
			ks->expire_bucket = 0;
			ks->expire_slot = (ks->expire_slot + 1) % SLOT_COUNT;
			continue;
		}
		struct bucket *b = bucket_at(t, ks->expire_bucket++);
		struct place place;
		struct entry *e;
		for (unsigned n = 0; t->count > 0 && (e = nth_entry(b, n, &place)) != NULL;
		     looked++) {
			if (!is_expired(e, now_ms)) {
				n++;
				continue;
			}
			/* The last of the chain moves here: the same place is looked at again. */
			delete_expired(ks, (uint16_t)ks->expire_slot, e, &place);
		}
	}
	return looked;
}

void
keyspace_check(const struct keyspace *ks)
{
	uint64_t count = 0, expires = 0;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
		const struct table *t = &ks->tables[slot];
		uint32_t here = 0;
		for (uint32_t i = 0; i < used_buckets(t); i++)
			for (const struct bucket *b = bucket_at(t, i); b != NULL;
			     b = next_in_chain(b))
				for (unsigned k = 0; k < entries_in(b); k++) {
					const struct entry *e = b->at[k];
					uint64_t hash = hash_of(ks, e);
					ASSERT(bucket_index(t, hash) == i);
					ASSERT(b->tags[k] == tag_of(hash));
					ASSERT(key_slot(entry_key_at(e), e->key_len) == slot);
					expires += (e->flags & ENTRY_HAS_EXPIRE) != 0;
					ASSERT((e->flags & ENTRY_HAS_EXPIRE) == 0 ||
					       slot_may_expire(ks, slot));
					here++;
				}
		ASSERT(here == t->count);
		count += here;
	}
	ASSERT(count == ks->count && expires == ks->expires);
}
