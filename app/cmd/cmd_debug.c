/* app/cmd/cmd_debug.c - DEBUG: what tests ask a node to do, and the digest by which two nodes are compared.
 *
 *     of a key      d = 0; d = mix(d, name); d = mix(d, type); d = mix(d, value); if it expires, d ^= sha1("!!expire!!")
 *     of a database mix(0, its number) ^ sha1(d) of every key, in any order
 *     mix(d, x)     sha1(d ^ sha1(x))
 *
 * Those of redis-server, so that one can be compared with the other.
 */
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"
#include "proto/base/sha1.h"

#define SLEEP_TEXT_MAX 32u

/* ---- digests ---- */

static void
add_hash(uint8_t digest[SHA1_SIZE], struct span bytes)
{
	uint8_t hash[SHA1_SIZE];
	sha1(bytes, hash);
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		digest[i] ^= hash[i];
}

static void
mix(uint8_t digest[SHA1_SIZE], struct span bytes)
{
	uint8_t before[SHA1_SIZE];
	add_hash(digest, bytes);
	memcpy(before, digest, SHA1_SIZE);
	sha1((struct span){before, SHA1_SIZE}, digest);
}

static void
mix_value(uint8_t digest[SHA1_SIZE], const struct entry *e)
{
	static const uint8_t string_type[4] = {0};
	mix(digest, (struct span){string_type, sizeof(string_type)});
	mix(digest, entry_value(e));
	if (entry_expire_ms(e) != 0)
		add_hash(digest, SPAN("!!expire!!"));
}

static void
add_key(void *owner, const struct entry *e)
{
	uint8_t digest[SHA1_SIZE] = {0};
	mix(digest, entry_key(e));
	mix_value(digest, e);
	add_hash(owner, (struct span){digest, SHA1_SIZE});
}

static void
reply_digest(const uint8_t digest[SHA1_SIZE], struct resp_writer *w)
{
	char text[2 * SHA1_SIZE + 1];
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", digest[i]);
	resp_simple(w, text);
}

static void
debug_digest(struct server *server, struct resp_writer *w)
{
	static const uint8_t database[4] = {0};
	const struct server_group *group = server->group;
	uint8_t digest[SHA1_SIZE] = {0};
	if (group_key_count(group) > 0)
		mix(digest, (struct span){database, sizeof(database)});
	for (unsigned i = 0; i < group->count; i++)
		for (uint64_t at = 0;
		     (at = keyspace_scan(group->members[i]->keys, at, add_key, digest)) != 0;)
			;
	reply_digest(digest, w);
}

static void
debug_digest_value(struct server *server, struct call *call, struct resp_writer *w)
{
	resp_array(w, call->argc - 2);
	for (uint32_t i = 2; i < call->argc; i++) {
		uint8_t digest[SHA1_SIZE] = {0};
		const struct entry *e = find_key(server, call->argv[i]);
		if (e != NULL)
			mix_value(digest, e);
		reply_digest(digest, w);
	}
}

/* ---- the others ---- */

/* "1.5" in microseconds, as far as it is a number. */
static uint64_t
sleep_time_us(struct span word)
{
	uint64_t us = 0, scale = 1000000;
	bool fraction = false;
	for (size_t i = 0; i < word.len && i < SLEEP_TEXT_MAX; i++) {
		unsigned digit = word.at[i] - '0';
		if (word.at[i] == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (digit > 9 || us > UINT32_MAX * 1000000ul)
			break;
		scale /= fraction ? 10 : 1;
		us = fraction ? us + digit * scale : us * 10 + digit * scale;
	}
	return us;
}

/* Only the lcore that serves this connection stands still. */
static void
debug_sleep(struct server *server, struct call *call, struct resp_writer *w)
{
	if (server->hooks.sleep_us == NULL) {
		resp_error(w, "ERR there is nobody to sleep");
		return;
	}
	server->hooks.sleep_us(sleep_time_us(call->argv[2]));
	resp_simple(w, "OK");
}

static void
debug_set_active_expire(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t on = 0;
	number_parse(call->argv[2].at, call->argv[2].len, &on);
	for (unsigned i = 0; i < server->group->count; i++)
		server->group->members[i]->active_expire = on != 0;
	resp_simple(w, "OK");
}

void
cmd_debug(struct server *server, struct call *call, struct resp_writer *w)
{
	if (!server->config.enable_debug_command) {
		resp_error(
			w,
			"ERR DEBUG command not allowed. If the enable-debug-command option is set "
			"to \"local\", you can run it from a local connection, otherwise you "
			"need to set this option in the configuration file, and then restart "
			"the server.");
	} else if (span_is(call->argv[1], "set-active-expire") && call->argc == 3) {
		debug_set_active_expire(server, call, w);
	} else if (span_is(call->argv[1], "sleep") && call->argc == 3) {
		debug_sleep(server, call, w);
	} else if (span_is(call->argv[1], "digest") && call->argc == 2) {
		debug_digest(server, w);
	} else if (span_is(call->argv[1], "digest-value")) {
		debug_digest_value(server, call, w);
	} else {
		reply_subcommand_syntax(w, call);
	}
}
