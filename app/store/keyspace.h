/* app/store/keyspace.h - the keys of one data lcore, a table per slot. Single-threaded by construction.
 *
 * K1  A request reaches the lcore that owns its slot before it reaches this file: no lock, no atomic.
 * K2  No call does more than a bounded piece of growth: a table grows by one bucket at a time.
 * K3  When memory is refused nothing has changed (KEY_FULL).
 * K4  An entry that was there during a whole scan is visited by it at least once.
 * K5  While a slot is guarded, its entries and their values stay as they are: the watch hears of the first change before it happens, and
 *     the guard ends there. A snapshot is: guard all, then take slot by slot, or when it is about to change.
 * Time is an argument; memory comes from the allocator given at init. Bucket layout and growth are drawn at the top of keyspace.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/store/access.h"
#include "app/store/allocator.h"
#include "app/store/entry.h"
#include "proto/base/limits.h"
#include "proto/base/prng.h"
#include "proto/base/span.h"

struct keyspace;

struct key {
	const uint8_t *at;
	uint32_t len;
	uint16_t slot; /* CRC16 of the hash tag */
	uint64_t hash;
};

enum key_result { KEY_OK, KEY_ABSENT, KEY_EXPIRED, KEY_FULL };

struct keyspace_counters {
	uint64_t expired;
	uint64_t
		changes; /* entries set, altered or deleted; what a command did not move here it did not change */
};

/* What its owner wants to hear of before it happens; either may be NULL. They may read the keyspace, not write it. */
struct keyspace_watch {
	void *owner;
	void (*expired)(void *owner,
			const struct entry *entry); /* is deleted because its time is over */
	void (*first_change)(void *owner,
			     uint16_t slot); /* of a guarded slot, see keyspace_guard() */
};

/* secret: keys the hash. NULL: no memory. */
struct keyspace *keyspace_create(struct allocator *allocator, const uint8_t secret[16]);
void keyspace_destroy(struct keyspace *ks);

/* watch stays the caller's, and must outlive the keyspace; NULL: nobody listens. */
void keyspace_set_watch(struct keyspace *ks, const struct keyspace_watch *watch);
/* How accesses are noted in entries: stays the caller's, must outlive the keyspace; NULL: not at all. */
void keyspace_set_access(struct keyspace *ks, const struct access *access);
/* Notes an access. A write that makes an entry anew, or alters it, notes one by itself. */
void keyspace_touch(const struct keyspace *ks, struct entry *entry);
/* Keys whose time is over are absent for readers but stay until they are deleted: a replica waits for its primary's DEL. */
void keyspace_keep_expired(struct keyspace *ks, bool keep);
/* Guards every slot that holds a key. */
void keyspace_guard(struct keyspace *ks);
/* Ends one slot's guard; false: it had none. */
bool keyspace_unguard(struct keyspace *ks, uint16_t slot);

/* Fills in slot and hash. */
void keyspace_key(const struct keyspace *ks, struct span name, struct key *out);
/* Bring a key's cache lines closer, in three steps, each for all keys of a group before the next: what a step reads is what the one
 * before has asked for. They change nothing and promise nothing. */
void keyspace_prefetch_table(const struct keyspace *ks, const struct key *key);
void keyspace_prefetch_bucket(const struct keyspace *ks, const struct key *key);
void keyspace_prefetch_entry(const struct keyspace *ks, const struct key *key);

/* NULL: absent, or expired at now_ms, and then deleted. Valid until the next call that can write. */
struct entry *keyspace_find(struct keyspace *ks, const struct key *key, uint64_t now_ms);
/* Sets the key to a string, whatever it was. expire_ms 0: never. KEY_OK or KEY_FULL. */
enum key_result keyspace_put(struct keyspace *ks, const struct key *key, struct span value,
			     uint64_t expire_ms);
/* A string of len bytes that the caller fills: old bytes kept as far as they go, the rest zero; expiry kept. NULL: no memory. */
uint8_t *keyspace_resize(struct keyspace *ks, const struct key *key, size_t len, uint64_t now_ms);
/* KEY_OK, KEY_ABSENT (also when it had expired) or KEY_FULL. expire_ms 0: persist. */
enum key_result keyspace_expire(struct keyspace *ks, const struct key *key, uint64_t expire_ms,
				uint64_t now_ms);
bool keyspace_delete(struct keyspace *ks, const struct key *key, uint64_t now_ms);
void keyspace_clear(struct keyspace *ks);

uint64_t keyspace_count(const struct keyspace *ks);
uint64_t keyspace_expires_count(const struct keyspace *ks);
const struct keyspace_counters *keyspace_counters(const struct keyspace *ks);

/* Visits the entries of one bucket and returns the next cursor, 0 at the end. Cursors are opaque; 0 begins. visit may not write. */
uint64_t keyspace_scan(const struct keyspace *ks, uint64_t cursor,
		       void (*visit)(void *owner, const struct entry *entry), void *owner);
/* The keys of one slot. visit may not write. */
uint32_t keyspace_slot_count(const struct keyspace *ks, uint16_t slot);
void keyspace_slot_visit(const struct keyspace *ks, uint16_t slot,
			 void (*visit)(void *owner, const struct entry *entry), void *owner);
/* Deletes them all; answers how many there were. */
uint32_t keyspace_slot_clear(struct keyspace *ks, uint16_t slot);
/* A random entry, NULL if there is none. */
const struct entry *keyspace_random(const struct keyspace *ks, struct prng *prng);
/* Visits entries, or only those that expire, bucket after bucket from where the last call ended: at least want of them, or all there are.
 * Answers how many. visit may not write. */
unsigned keyspace_sample(struct keyspace *ks, unsigned want, bool expiring,
			 void (*visit)(void *owner, const struct entry *entry), void *owner);
/* Deletes expired keys among the next buckets in turn; answers how many it looked at. */
unsigned keyspace_expire_some(struct keyspace *ks, unsigned buckets, uint64_t now_ms);
/* Asserts every invariant. */
void keyspace_check(const struct keyspace *ks);
