/* app/lcore/rdb_load.c - an RDB file into the keyspaces, by one thread, before the lcores run. */
#include <errno.h>
#include <stdio.h>

#include "app/cmd/command.h"
#include "app/lcore/rdb_file.h"
#include "app/lcore/rdb_keys.h"

#define PIECE ((size_t)1 << 20)

/* NULL: go on; else why not. */
static const char *
reason_of(const struct rdb_keys *keys, enum rdb_keys_refusal refusal)
{
	switch (refusal) {
	case RDB_KEYS_TAKEN:
		return NULL;
	case RDB_KEYS_NO_ROOM:
		return "out of memory";
	case RDB_KEYS_NO_MEMORY:
		return "out of memory: give EAL more (-m)";
	case RDB_KEYS_OTHER_TYPE:
		return "it holds a type that is not there yet";
	case RDB_KEYS_OTHER_DATABASE:
		return "it holds keys outside of database 0";
	case RDB_KEYS_FUNCTIONS:
		return "it holds functions, which are not there yet";
	case RDB_KEYS_BAD:
		break;
	}
	return rdb_event_name(keys->bad);
}

static const char *
read_file(struct rdb_keys *keys, FILE *file, uint8_t *piece)
{
	size_t n;
	while (!keys->done && (n = fread(piece, 1, PIECE, file)) > 0) {
		struct span in = {piece, n};
		const char *reason = reason_of(keys, rdb_keys_read(keys, &in));
		if (reason != NULL)
			return reason;
	}
	if (ferror(file))
		return "it cannot be read";
	return keys->done ? NULL : "it ends too early: truncated";
}

enum rdb_file_load
rdb_file_load(struct server_group *group, const char *path, uint64_t now_ms, uint64_t *keys,
	      char error[RDB_FILE_ERROR_MAX])
{
	FILE *file = fopen(path, "rb");
	if (file == NULL && errno == ENOENT)
		return RDB_FILE_ABSENT;
	struct allocator *a = group->members[0]->allocator;
	struct rdb_keys *x = a->alloc(a, sizeof(*x));
	uint8_t *piece = a->alloc(a, PIECE);
	const char *reason = file == NULL                 ? "it cannot be opened"
			     : x == NULL || piece == NULL ? "out of memory"
							  : NULL;
	if (reason == NULL) {
		rdb_keys_init(x, group->members[0], a, UINT64_MAX);
		x->dead_ms = now_ms;
		reason = read_file(x, file, piece);
		*keys = x->count;
		rdb_keys_free(x);
	}
	if (reason != NULL)
		snprintf(error, RDB_FILE_ERROR_MAX,
			 "%.160s is not loaded: %s: move it away, or mend it", path, reason);
	a->release(a, piece, PIECE);
	a->release(a, x, sizeof(*x));
	if (file != NULL)
		fclose(file);
	return reason == NULL ? RDB_FILE_LOADED : RDB_FILE_BAD;
}
