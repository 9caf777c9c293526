/* app/store/slot_table.h - who serves each hash slot, and where clients are sent. Writer: the control lcore. Readers: all.
 *
 *     words[slot]       state:4  node:16                 one relaxed load per request
 *     mode              cluster ok, we are a replica ... one more where it matters
 *     endpoints[node]   "10.0.0.7:6379", guarded by a version: only a redirection reads it
 *
 * A formatted region, not a process object: indexes, no pointers, so another process may map it elsewhere (scripts/slots). The
 * caller brings the memory: a memzone in the node, aligned_alloc() in a test. Giving a slot away is complete when
 * its lcore has answered the fence that control mails it (DESIGN section 4).
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"

#define SLOT_TABLE_ZONE    "pollis_slots" /* the named region: what another process attaches to */
#define SLOT_TABLE_NODES   4096u
#define SLOT_ENDPOINT_MAX  280u /* a hostname, a colon, a port and a zero; a multiple of eight */
#define SLOT_TABLE_VERSION 1u
#define SLOT_NODE_NONE     0xffffu

enum slot_state {
	SLOT_UNOWNED,
	SLOT_LOCAL,
	SLOT_REMOTE,    /* node serves it */
	SLOT_MIGRATING, /* ours; keys that are not here are asked for at node */
	SLOT_IMPORTING, /* node's; ASKING clients are served here */
};

enum slot_mode {                   /* bits of mode */
		 SLOT_MODE_OK = 1, /* cluster_state:ok */
		 SLOT_MODE_REPLICA = 2,
		 SLOT_MODE_READS_WHEN_DOWN = 4,
		 SLOT_MODE_LINK_UP = 8,        /* replica: the primary's data is here and current */
		 SLOT_MODE_STALE_REFUSED = 16, /* replica-serve-stale-data no */
		 SLOT_MODE_LOADING = 32,       /* a full sync is being received */
};

struct slot_endpoint {
	_Atomic uint64_t version; /* odd: being written */
	_Atomic uint64_t text[SLOT_ENDPOINT_MAX / 8];
};

struct slot_table {
	uint64_t magic;
	uint32_t layout_version;
	_Atomic uint32_t generation; /* bumped after each batch of changes */
	_Alignas(64) _Atomic uint32_t mode;
	_Atomic uint32_t primary; /* replica: node index of our primary */
	_Alignas(64) _Atomic uint32_t words[SLOT_COUNT];
	struct slot_endpoint endpoints[SLOT_TABLE_NODES];
};

size_t slot_table_size(void);
struct slot_table *slot_table_format(void *mem, size_t size); /* NULL: misaligned or too small */
struct slot_table *slot_table_attach(void *mem, size_t size); /* NULL: not one, or other layout */

static inline uint32_t
slot_word(enum slot_state state, uint32_t node)
{
	return (uint32_t)state << 16 | (node & 0xffff);
}
static inline enum slot_state
slot_word_state(uint32_t word)
{
	return (enum slot_state)(word >> 16);
}
static inline uint32_t
slot_word_node(uint32_t word)
{
	return word & 0xffff;
}

/* Any lcore. */
static inline uint32_t
slot_table_get(const struct slot_table *t, uint16_t slot)
{
	return atomic_load_explicit(&t->words[slot], memory_order_relaxed);
}
static inline uint32_t
slot_table_mode(const struct slot_table *t)
{
	return atomic_load_explicit(&t->mode, memory_order_relaxed);
}
/* False: the node has no endpoint. */
bool slot_table_endpoint(const struct slot_table *t, uint32_t node, char text[SLOT_ENDPOINT_MAX]);

/* Control lcore only. False: nothing changed. */
bool slot_table_set(struct slot_table *t, uint16_t slot, uint32_t word);
void slot_table_set_mode(struct slot_table *t, uint32_t mode, uint32_t primary);
/* Bits may be written by whoever knows them: link and loading are the replicating lcore's. */
void slot_table_change_mode(struct slot_table *t, uint32_t set, uint32_t clear);
bool slot_table_set_endpoint(struct slot_table *t, uint32_t node, const char *text);
void slot_table_publish(struct slot_table *t); /* after a batch */
