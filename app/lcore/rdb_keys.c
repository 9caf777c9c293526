/* app/lcore/rdb_keys.c - strings with their expiry; everything else is refused. */
#include "app/lcore/rdb_keys.h"

#include <string.h>

#include "app/cmd/command.h"

void
rdb_keys_init(struct rdb_keys *keys, struct server *server, struct allocator *allocator,
	      uint64_t size)
{
	struct rdb_limits limits = {
		.string_max = RDB_STRING_MAX_DEFAULT, .count_max = UINT32_MAX, .size = size};
	memset(keys, 0, sizeof(*keys));
	keys->server = server;
	keys->allocator = allocator;
	rdb_reader_init(&keys->reader, &limits, keys->scratch, sizeof(keys->scratch));
}

void
rdb_keys_free(struct rdb_keys *keys)
{
	if (keys->room != NULL)
		keys->allocator->release(keys->allocator, keys->room, keys->room_len);
	keys->room = NULL;
	keys->room_len = 0;
}

static bool
give_room(struct rdb_keys *keys)
{
	rdb_keys_free(keys);
	keys->room_len = keys->reader.item.number;
	keys->room = keys->allocator->alloc(keys->allocator, keys->room_len);
	rdb_reader_room(&keys->reader, keys->room);
	return keys->room != NULL;
}

static bool
put_string(struct rdb_keys *keys)
{
	const struct rdb_item *item = &keys->reader.item;
	uint64_t expire_ms = item->expire_ms == RDB_NO_EXPIRE ? 0 : (uint64_t)item->expire_ms;
	struct key key;
	if (expire_ms != 0 && expire_ms <= keys->dead_ms)
		return true;
	keyspace_key(keys->server->keys, item->key, &key);
	keys->count++;
	return keyspace_put(keys_of(keys->server, &key), &key, item->bytes, expire_ms) == KEY_OK;
}

static enum rdb_keys_refusal
take(struct rdb_keys *keys, enum rdb_event event)
{
	const struct rdb_item *item = &keys->reader.item;
	if (event == RDB_ROOM)
		return give_room(keys) ? RDB_KEYS_TAKEN : RDB_KEYS_NO_ROOM;
	if (event == RDB_KEY && item->type != RDB_TYPE_STRING)
		return RDB_KEYS_OTHER_TYPE;
	if (event == RDB_STRING && !put_string(keys))
		return RDB_KEYS_NO_MEMORY;
	if (event == RDB_SELECT && item->number != 0)
		return RDB_KEYS_OTHER_DATABASE;
	if (event == RDB_FUNCTION)
		return RDB_KEYS_FUNCTIONS;
	keys->done = event == RDB_FILE_END;
	keys->bad = event;
	return event >= RDB_BAD_MAGIC ? RDB_KEYS_BAD : RDB_KEYS_TAKEN;
}

enum rdb_keys_refusal
rdb_keys_read(struct rdb_keys *keys, struct span *in)
{
	enum rdb_keys_refusal refusal = RDB_KEYS_TAKEN;
	while (refusal == RDB_KEYS_TAKEN && !keys->done) {
		enum rdb_event event = rdb_read(&keys->reader, in);
		if (event == RDB_MORE)
			break;
		refusal = take(keys, event);
	}
	return refusal;
}
