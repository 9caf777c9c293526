/* app/lcore/rdb_keys.h - what a reader finds in an RDB file, into the keyspaces: for a whole sync and for the file at start.
 *
 *     bytes, in any pieces --> rdb_keys_read() --> keyspace of the lcore that owns the slot
 *
 * A1  What the node has not yet is never passed over: it is a refusal, and whoever reads says so in its own words.
 * By whoever may touch all keyspaces: inside a barrier, or before the lcores run.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/store/allocator.h"
#include "proto/rdb/reader.h"

struct server;

#define RDB_KEYS_SCRATCH 4096u

enum rdb_keys_refusal {
	RDB_KEYS_TAKEN,     /* none */
	RDB_KEYS_NO_ROOM,   /* for a string while it is read */
	RDB_KEYS_NO_MEMORY, /* for a key */
	RDB_KEYS_OTHER_TYPE,
	RDB_KEYS_OTHER_DATABASE,
	RDB_KEYS_FUNCTIONS,
	RDB_KEYS_BAD, /* keys.bad says how */
};

struct rdb_keys {
	struct rdb_reader reader;
	struct server *server; /* any of the group */
	struct allocator *allocator;
	uint64_t dead_ms; /* keys whose time is over by then are left out; 0: none are */
	uint64_t count;   /* of keys put */
	size_t room_len;
	uint8_t *room; /* a string that the reader fills */
	bool done;     /* the file's end was read */
	enum rdb_event bad;
	uint8_t scratch[RDB_KEYS_SCRATCH];
};

/* size: of the file; UINT64_MAX: not known. */
void rdb_keys_init(struct rdb_keys *keys, struct server *server, struct allocator *allocator,
		   uint64_t size);
/* Reads until in is used up, or the file has ended (done), or something is refused. */
enum rdb_keys_refusal rdb_keys_read(struct rdb_keys *keys, struct span *in);
/* At any time, also twice. */
void rdb_keys_free(struct rdb_keys *keys);
