/* app/cmd/cmd_generic.c - keys whatever they hold: existence, expiry, walking. */
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/glob.h"
#include "proto/base/number.h"

#define SCAN_BUCKETS_PER_COUNT 10u /* empty buckets do not make a scan endless */

void
cmd_del(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t deleted = 0;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct key key;
		keyspace_key(server->keys, call->argv[i], &key);
		deleted += keyspace_delete(keys_of(server, &key), &key, server->unix_ms);
	}
	resp_integer(w, deleted);
}

static void
count_keys(struct server *server, struct call *call, bool touch, struct resp_writer *w)
{
	int64_t found = 0;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct entry *e = find_key(server, call->argv[i]);
		uint64_t *counter = e != NULL ? &server->counters.keyspace_hits
					      : &server->counters.keyspace_misses;
		(*counter)++;
		found += e != NULL;
		if (e != NULL && touch)
			keyspace_touch(server->keys, e);
	}
	resp_integer(w, found);
}

void
cmd_exists(struct server *server, struct call *call, struct resp_writer *w)
{
	count_keys(server, call, false, w);
}

void
cmd_touch(struct server *server, struct call *call, struct resp_writer *w)
{
	count_keys(server, call, true, w);
}

/* ---- expiry ---- */

enum expire_condition { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

static bool
take_conditions(struct call *call, unsigned *conditions, struct resp_writer *w)
{
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = {
		{"nx", EXPIRE_NX},
                {"xx", EXPIRE_XX},
                {"gt", EXPIRE_GT},
                {"lt", EXPIRE_LT}
        };
	*conditions = 0;
	for (uint32_t i = 3; i < call->argc; i++) {
		unsigned before = *conditions;
		bool known = false;
		for (size_t k = 0; k < 4; k++)
			if (span_is(call->argv[i], words[k].word)) {
				*conditions = before | words[k].flag;
				known = true;
			}
		if (!known) {
			resp_errorf(w, "ERR Unsupported option %.*s", (int)call->argv[i].len,
				    (const char *)call->argv[i].at);
			return false;
		}
	}
	if ((*conditions & EXPIRE_NX) && (*conditions & ~(unsigned)EXPIRE_NX)) {
		resp_error(w,
			   "ERR NX and XX, GT or LT options at the same time are not compatible");
		return false;
	}
	if ((*conditions & EXPIRE_GT) && (*conditions & EXPIRE_LT)) {
		resp_error(w, "ERR GT and LT options at the same time are not compatible");
		return false;
	}
	return true;
}

/* old 0: never expires, which GT and LT take for infinity. */
static bool
conditions_hold(unsigned conditions, uint64_t old, int64_t wanted)
{
	if (((conditions & EXPIRE_NX) && old != 0) || ((conditions & EXPIRE_XX) && old == 0))
		return false;
	if ((conditions & EXPIRE_GT) && (old == 0 || wanted <= (int64_t)old))
		return false;
	return (conditions & EXPIRE_LT) == 0 || old == 0 || wanted < (int64_t)old;
}

static void
expire(struct server *server, struct call *call, unsigned form, struct resp_writer *w)
{
	uint64_t at;
	unsigned conditions;
	if (!take_conditions(call, &conditions, w) ||
	    !take_expiry(server, call, call->argv[2], form, &at, w))
		return;
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	if (e == NULL || !conditions_hold(conditions, entry_expire_ms(e), (int64_t)at)) {
		resp_integer(w, 0);
		return;
	}
	if ((int64_t)at <= (int64_t)server->unix_ms) {
		keyspace_delete(keys_of(server, &call->key), &call->key, server->unix_ms);
	} else if (keyspace_expire(keys_of(server, &call->key), &call->key, at, server->unix_ms) ==
		   KEY_FULL) {
		reply_out_of_memory(w);
		return;
	}
	resp_integer(w, 1);
}

void
cmd_expire(struct server *server, struct call *call, struct resp_writer *w)
{
	expire(server, call, EXPIRY_SECONDS, w);
}

void
cmd_pexpire(struct server *server, struct call *call, struct resp_writer *w)
{
	expire(server, call, 0, w);
}

void
cmd_expireat(struct server *server, struct call *call, struct resp_writer *w)
{
	expire(server, call, EXPIRY_SECONDS | EXPIRY_ABSOLUTE, w);
}

void
cmd_pexpireat(struct server *server, struct call *call, struct resp_writer *w)
{
	expire(server, call, EXPIRY_ABSOLUTE, w);
}

/* -2: no key, -1: no expiry. */
static void
reply_ttl(struct server *server, struct call *call, bool seconds, bool absolute,
	  struct resp_writer *w)
{
	struct entry *e = peek_first_key(server, call);
	uint64_t at = e != NULL ? entry_expire_ms(e) : 0;
	if (e == NULL || at == 0) {
		resp_integer(w, e == NULL ? -2 : -1);
		return;
	}
	uint64_t ms = absolute ? at : at - server->unix_ms;
	/* TTL rounds to the nearest second, EXPIRETIME down. */
	resp_integer(w, (int64_t)(!seconds ? ms : absolute ? ms / 1000 : (ms + 500) / 1000));
}

void
cmd_ttl(struct server *server, struct call *call, struct resp_writer *w)
{
	reply_ttl(server, call, true, false, w);
}

void
cmd_pttl(struct server *server, struct call *call, struct resp_writer *w)
{
	reply_ttl(server, call, false, false, w);
}

void
cmd_expiretime(struct server *server, struct call *call, struct resp_writer *w)
{
	reply_ttl(server, call, true, true, w);
}

void
cmd_pexpiretime(struct server *server, struct call *call, struct resp_writer *w)
{
	reply_ttl(server, call, false, true, w);
}

void
cmd_persist(struct server *server, struct call *call, struct resp_writer *w)
{
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	if (e == NULL || entry_expire_ms(e) == 0)
		resp_integer(w, 0);
	else if (keyspace_expire(keys_of(server, &call->key), &call->key, 0, server->unix_ms) ==
		 KEY_FULL)
		reply_out_of_memory(w);
	else
		resp_integer(w, 1);
}

void
cmd_type(struct server *server, struct call *call, struct resp_writer *w)
{
	resp_simple(w, peek_first_key(server, call) != NULL ? "string" : "none");
}

/* ---- walking ---- */

struct walk {
	struct server *server;
	struct span pattern;
	bool all, other_type;
	size_t found;
	struct span *names; /* of the entries; room for capacity */
	size_t capacity;
	struct resp_writer *w; /* not NULL: write instead of collecting */
};

static void
visit(void *owner, const struct entry *e)
{
	struct walk *walk = owner;
	uint64_t at = entry_expire_ms(e);
	if ((at != 0 && at <= walk->server->unix_ms) || walk->other_type)
		return;
	if (!walk->all && !glob_match(walk->pattern, entry_key(e), false))
		return;
	if (walk->w != NULL)
		resp_bulk(walk->w, entry_key(e));
	else if (walk->found < walk->capacity)
		walk->names[walk->found] = entry_key(e);
	walk->found++;
}

/* One bucket of one member: a cursor is the member's own, times their count, plus which one. */
static uint64_t
group_scan(struct server *server, uint64_t cursor,
	   void (*visit_entry)(void *owner, const struct entry *entry), void *owner)
{
	const struct server_group *group = server->group;
	unsigned member = (unsigned)(cursor % group->count);
	uint64_t next = keyspace_scan(group->members[member]->keys, cursor / group->count,
				      visit_entry, owner);
	if (next != 0)
		return next * group->count + member;
	return member + 1 < group->count ? member + 1 : 0;
}

void
cmd_keys(struct server *server, struct call *call, struct resp_writer *w)
{
	struct walk walk = {.server = server, .pattern = call->argv[1]};
	walk.all = walk.pattern.len == 1 && walk.pattern.at[0] == '*';
	/* Twice: the count comes before the names. */
	for (uint64_t c = 0; (c = group_scan(server, c, visit, &walk)) != 0;)
		;
	resp_array(w, walk.found);
	walk.w = w;
	for (uint64_t c = 0; (c = group_scan(server, c, visit, &walk)) != 0;)
		;
}

static bool
take_scan_options(struct call *call, struct walk *walk, int64_t *count, struct resp_writer *w)
{
	for (uint32_t i = 2; i < call->argc; i += 2) {
		bool last = i + 1 == call->argc;
		if (!last && span_is(call->argv[i], "count")) {
			if (!take_integer(call->argv[i + 1], count, w))
				return false;
			if (*count >= 1)
				continue;
		} else if (!last && span_is(call->argv[i], "match")) {
			walk->pattern = call->argv[i + 1];
			walk->all = walk->pattern.len == 1 && walk->pattern.at[0] == '*';
			continue;
		} else if (!last && span_is(call->argv[i], "type")) {
			walk->other_type = !span_is(call->argv[i + 1], "string");
			continue;
		}
		resp_error(w, ERROR_SYNTAX);
		return false;
	}
	return true;
}

/* As Redis reads one, with strtoul(): a sign is taken, an empty word is 0, what follows a zero byte is not seen. */
static bool
take_cursor(struct span word, uint64_t *cursor)
{
	size_t i = 0, end = 0;
	*cursor = 0;
	while (end < word.len && word.at[end] != '\0')
		end++;
	bool minus = end > 0 && word.at[0] == '-';
	if (end > 0 && (minus || word.at[0] == '+'))
		i = 1;
	if (i == end)
		return i == 0;
	for (; i < end; i++) {
		unsigned digit = word.at[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(*cursor, 10, cursor) ||
		    __builtin_add_overflow(*cursor, digit, cursor))
			return false;
	}
	*cursor = minus ? -*cursor : *cursor;
	return true;
}

void
cmd_scan(struct server *server, struct call *call, struct resp_writer *w)
{
	struct walk walk = {.server = server, .all = true};
	struct span names[256];
	int64_t count = 10;
	uint64_t at;
	if (!take_cursor(call->argv[1], &at)) {
		resp_error(w, "ERR invalid cursor");
		return;
	}
	if (!take_scan_options(call, &walk, &count, w))
		return;
	walk.names = names;
	walk.capacity = sizeof(names) / sizeof(names[0]);
	/* A reply is collected before it is written; what one more bucket could add must fit. */
	int64_t buckets = count * SCAN_BUCKETS_PER_COUNT;
	size_t stop = (size_t)count < walk.capacity / 2 ? (size_t)count : walk.capacity / 2;
	do
		at = group_scan(server, at, visit, &walk);
	while (at != 0 && walk.found < stop && --buckets > 0);
	char text[NUMBER_SIZE_MAX];
	resp_array(w, 2);
	resp_bulk(w, (struct span){(const uint8_t *)text, number_format_unsigned(at, text)});
	size_t n = walk.found < walk.capacity ? walk.found : walk.capacity;
	resp_array(w, n);
	for (size_t i = 0; i < n; i++)
		resp_bulk(w, names[i]);
}

void
cmd_randomkey(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	const struct server_group *group = server->group;
	uint64_t count = group_key_count(group);
	for (unsigned tries = 0; tries < 100 && count > 0; tries++) {
		/* A member is drawn by its share of the keys. */
		uint64_t nth = prng_below(&server->prng, count);
		unsigned member = 0;
		while (nth >= keyspace_count(group->members[member]->keys))
			nth -= keyspace_count(group->members[member++]->keys);
		const struct entry *e =
			keyspace_random(group->members[member]->keys, &server->prng);
		if (e == NULL)
			break;
		uint64_t at = entry_expire_ms(e);
		if (at != 0 && at <= server->unix_ms)
			continue;
		resp_bulk(w, entry_key(e));
		return;
	}
	resp_null(w);
}

void
cmd_dbsize(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	resp_integer(w, (int64_t)group_key_count(server->group));
}

void
cmd_flushall(struct server *server, struct call *call, struct resp_writer *w)
{
	if (call->argc > 2 || (call->argc == 2 && !span_is(call->argv[1], "sync") &&
			       !span_is(call->argv[1], "async"))) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	for (unsigned i = 0; i < server->group->count; i++)
		keyspace_clear(server->group->members[i]->keys);
	resp_simple(w, "OK");
}
