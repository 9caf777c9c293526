/* app/cmd/feed.c - commands and their effects as RESP arrays.
 *
 * Effects are read off the key after the command ran, not told by each handler: a key that is gone is DEL, a key whose time
 * changed PEXPIREAT or PERSIST, a string SET with its time. So a handler cannot forget an option.
 */
#include "app/cmd/feed.h"

#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"

#define FEED_MIN 4096u

enum effect {
	EFFECT_SAME,  /* the command as it came */
	EFFECT_TIME,  /* what became of the key's expiry */
	EFFECT_STATE, /* what became of the string */
};

static enum effect
effect_of(const struct call *call)
{
	static void (*const by_time[])(struct server *, struct call *, struct resp_writer *) = {
		cmd_expire, cmd_pexpire, cmd_expireat, cmd_pexpireat, cmd_getex, cmd_persist};
	static void (*const by_state[])(struct server *, struct call *, struct resp_writer *) = {
		cmd_setex, cmd_psetex, cmd_getset, cmd_getdel, cmd_incrbyfloat, cmd_restore};
	if (call->command->run == cmd_set)
		return call->argc > 3 ? EFFECT_STATE : EFFECT_SAME;
	for (size_t i = 0; i < sizeof(by_time) / sizeof(by_time[0]); i++)
		if (call->command->run == by_time[i])
			return EFFECT_TIME;
	for (size_t i = 0; i < sizeof(by_state) / sizeof(by_state[0]); i++)
		if (call->command->run == by_state[i])
			return EFFECT_STATE;
	return EFFECT_SAME;
}

/* ---- bytes ---- */

static bool
reserve(struct server *server, size_t more)
{
	struct feed *f = &server->feed;
	struct allocator *a = server->allocator;
	if (f->len + more <= f->size)
		return true;
	size_t size = f->size * 2 > f->len + more ? f->size * 2 : f->len + more;
	uint8_t *larger = a->resize(a, f->at, f->size, size < FEED_MIN ? FEED_MIN : size);
	if (larger == NULL) {
		f->failed = true;
		return false;
	}
	f->at = larger;
	f->size = size < FEED_MIN ? FEED_MIN : size;
	return true;
}

static void
put(struct feed *f, const void *bytes, size_t len)
{
	memcpy(f->at + f->len, bytes, len);
	f->len += len;
}

static void
put_header(struct feed *f, char mark, size_t value)
{
	char text[NUMBER_SIZE_MAX];
	size_t len = number_format_unsigned(value, text);
	f->at[f->len++] = (uint8_t)mark;
	put(f, text, len);
	put(f, "\r\n", 2);
}

void
feed_command(struct server *server, const struct span *argv, uint32_t argc)
{
	struct feed *f = &server->feed;
	size_t need = NUMBER_SIZE_MAX + 3;
	for (uint32_t i = 0; i < argc; i++)
		need += argv[i].len + NUMBER_SIZE_MAX + 5;
	if (!f->on || !reserve(server, need))
		return;
	put_header(f, '*', argc);
	for (uint32_t i = 0; i < argc; i++) {
		put_header(f, '$', argv[i].len);
		if (argv[i].len > 0)
			put(f, argv[i].at, argv[i].len);
		put(f, "\r\n", 2);
	}
}

void
feed_delete(struct server *server, struct span key)
{
	struct span argv[2] = {SPAN("DEL"), key};
	feed_command(server, argv, 2);
}

/* ---- effects ---- */

static void
feed_time(struct server *server, struct span key, uint64_t expire_ms)
{
	char text[NUMBER_SIZE_MAX];
	struct span at = {(const uint8_t *)text, number_format_unsigned(expire_ms, text)};
	struct span argv[3] = {SPAN("PEXPIREAT"), key, at};
	if (expire_ms == 0)
		argv[0] = SPAN("PERSIST");
	feed_command(server, argv, expire_ms == 0 ? 2 : 3);
}

static void
feed_string(struct server *server, struct span key, const struct entry *e)
{
	char text[NUMBER_SIZE_MAX];
	uint64_t expire_ms = entry_expire_ms(e);
	struct span at = {(const uint8_t *)text, number_format_unsigned(expire_ms, text)};
	struct span argv[5] = {SPAN("SET"), key, entry_value(e), SPAN("PXAT"), at};
	feed_command(server, argv, expire_ms == 0 ? 3 : 5);
}

void
feed_call(struct server *server, const struct call *call)
{
	enum effect effect = effect_of(call);
	if (!server->feed.on)
		return;
	if (effect == EFFECT_SAME) {
		feed_command(server, call->argv,
			     server->feed.args != 0 ? server->feed.args : call->argc);
		return;
	}
	struct span key = call->argv[call->command->first_key];
	/* A key that was found expired has been fed as deleted by the keyspace, and a second DEL is harmless. */
	const struct entry *e = find_key(server, key);
	if (e == NULL)
		feed_delete(server, key);
	else if (effect == EFFECT_TIME)
		feed_time(server, key, entry_expire_ms(e));
	else
		feed_string(server, key, e);
}

struct span
feed_take(struct server *server)
{
	struct span bytes = {server->feed.at, server->feed.len};
	server->feed.len = 0;
	return bytes;
}

void
feed_free(struct server *server)
{
	server->allocator->release(server->allocator, server->feed.at, server->feed.size);
	server->feed = (struct feed){0};
}
