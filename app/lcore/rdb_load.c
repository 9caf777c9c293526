/* app/lcore/rdb_load.c - an RDB file into the keyspaces, by one thread, before the lcores run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/lcore/rdb_file.h"
#include "proto/rdb/reader.h"

#define PIECE        ((size_t)1 << 20)
#define SCRATCH_SIZE 4096u

struct loading {
	struct server_group *group;
	struct rdb_reader reader;
	uint64_t now_ms, keys;
	struct allocator *allocator;
	size_t room_len;
	uint8_t *room; /* a string that the reader fills */
	bool done;
	uint8_t scratch[SCRATCH_SIZE];
};

static bool
put_string(struct loading *x)
{
	const struct rdb_item *item = &x->reader.item;
	uint64_t expire_ms = item->expire_ms == RDB_NO_EXPIRE ? 0 : (uint64_t)item->expire_ms;
	struct server *first = x->group->members[0];
	struct key key;
	if (expire_ms != 0 && expire_ms <= x->now_ms)
		return true;
	keyspace_key(first->keys, item->key, &key);
	x->keys++;
	return keyspace_put(keys_of(first, &key), &key, item->bytes, expire_ms) == KEY_OK;
}

static void
release_room(struct loading *x)
{
	x->allocator->release(x->allocator, x->room, x->room_len);
	x->room = NULL;
	x->room_len = 0;
}

/* NULL: go on; else why not. */
static const char *
on_event(struct loading *x, enum rdb_event event)
{
	const struct rdb_item *item = &x->reader.item;
	if (event == RDB_ROOM) {
		release_room(x);
		x->room_len = item->number;
		x->room = x->allocator->alloc(x->allocator, x->room_len);
		rdb_reader_room(&x->reader, x->room);
		return x->room == NULL ? "out of memory" : NULL;
	}
	if (event == RDB_KEY && item->type != RDB_TYPE_STRING)
		return "it holds a type that is not there yet";
	if (event == RDB_STRING && !put_string(x))
		return "out of memory: give EAL more (-m)";
	if (event == RDB_SELECT && item->number != 0)
		return "it holds keys outside of database 0";
	if (event == RDB_FUNCTION)
		return "it holds functions, which are not there yet";
	x->done = event == RDB_FILE_END;
	return event >= RDB_BAD_MAGIC ? rdb_event_name(event) : NULL;
}

static const char *
read_events(struct loading *x, struct span in)
{
	for (;;) {
		enum rdb_event event = rdb_read(&x->reader, &in);
		if (event == RDB_MORE)
			return NULL;
		const char *reason = on_event(x, event);
		if (reason != NULL || x->done)
			return reason;
	}
}

static const char *
read_file(struct loading *x, FILE *file, uint8_t *piece)
{
	size_t n;
	while (!x->done && (n = fread(piece, 1, PIECE, file)) > 0) {
		const char *reason = read_events(x, (struct span){piece, n});
		if (reason != NULL)
			return reason;
	}
	if (ferror(file))
		return "it cannot be read";
	return x->done ? NULL : "it ends too early: truncated";
}

enum rdb_file_load
rdb_file_load(struct server_group *group, const char *path, uint64_t now_ms, uint64_t *keys,
	      char error[RDB_FILE_ERROR_MAX])
{
	struct rdb_limits limits = {
		.string_max = RDB_STRING_MAX_DEFAULT, .count_max = UINT32_MAX, .size = UINT64_MAX};
	FILE *file = fopen(path, "rb");
	if (file == NULL && errno == ENOENT)
		return RDB_FILE_ABSENT;
	struct allocator *a = group->members[0]->allocator;
	struct loading *x = a->alloc(a, sizeof(*x));
	uint8_t *piece = a->alloc(a, PIECE);
	const char *reason = file == NULL                 ? "it cannot be opened"
			     : x == NULL || piece == NULL ? "out of memory"
							  : NULL;
	if (reason == NULL) {
		memset(x, 0, sizeof(*x));
		x->allocator = a;
		x->group = group;
		x->now_ms = now_ms;
		rdb_reader_init(&x->reader, &limits, x->scratch, sizeof(x->scratch));
		reason = read_file(x, file, piece);
		*keys = x->keys;
		release_room(x);
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
