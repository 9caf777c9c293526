/* app/cmd/cmd_string.c - strings. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/cmd/command.h"
#include "app/store/blob.h"
#include "proto/base/number.h"

/* Sets and answers +OK, or the OOM error. */
static bool
put(struct server *server, const struct key *key, struct span value, uint64_t expire_ms,
    struct resp_writer *w)
{
	if (keyspace_put(keys_of(server, key), key, value, expire_ms) == KEY_OK)
		return true;
	reply_out_of_memory(w);
	return false;
}

void
cmd_get(struct server *server, struct call *call, struct resp_writer *w)
{
	reply_value(server, find_first_key(server, call), w);
}

/* ---- an old value that outlives its key ---- */

/* The reply tells the old value, but only once the new one has found room. */
struct kept {
	bool there;
	struct server *holder;
	struct blob *blob; /* NULL: copied */
	size_t len;
	uint8_t bytes[ENTRY_INLINE_MAX];
};

static void
keep(struct server *server, const struct key *key, const struct entry *e, struct kept *kept)
{
	kept->there = e != NULL;
	kept->holder = holder_of(server, key);
	kept->blob = e != NULL ? entry_blob(e) : NULL;
	if (kept->blob != NULL) {
		blob_hold(kept->blob);
	} else if (e != NULL) {
		kept->len = entry_value(e).len;
		memcpy(kept->bytes, entry_value(e).at, kept->len);
	}
}

static void
forget(struct kept *kept)
{
	if (kept->blob != NULL)
		blob_release(kept->holder->data, kept->blob);
}

static void
reply_kept(struct server *server, struct kept *kept, struct resp_writer *w)
{
	if (!kept->there)
		resp_null(w);
	else if (kept->blob != NULL)
		reply_blob(server, kept->blob, w);
	else
		resp_bulk(w, (struct span){kept->bytes, kept->len});
	forget(kept);
}

/* ---- SET and its relatives ---- */

enum set_flag {
	SET_NX = 1,
	SET_XX = 2,
	SET_GET = 4,
	SET_KEEPTTL = 8,
	SET_EXPIRE = 16,
	SET_PERSIST = 32
};

struct set_options {
	unsigned flags;
	struct span unit,
		time; /* SET_EXPIRE: as given; judged only once the whole command has been read */
	uint64_t expire_ms;
};

/* EX, PX, EXAT, PXAT (the same one twice: the last counts): unix time in ms. False: an error has been written. */
static bool
set_take_expiry(struct server *server, const struct call *call, struct set_options *o,
		struct resp_writer *w)
{
	int64_t value;
	if ((o->flags & SET_EXPIRE) == 0)
		return true;
	if (!take_integer(o->time, &value, w))
		return false;
	unsigned form = (o->unit.at[0] | 0x20) == 'e' ? EXPIRY_SECONDS : 0;
	form |= o->unit.len == 4 ? EXPIRY_ABSOLUTE : 0;
	if (value <= 0) {
		resp_errorf(w, "ERR invalid expire time in '%s' command", call->command->name);
		return false;
	}
	return take_expiry(server, call, o->time, form, &o->expire_ms, w);
}

static bool
is_same_word(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0;
}

static bool
is_expiry_unit(struct span word)
{
	return span_is(word, "ex") || span_is(word, "px") || span_is(word, "exat") ||
	       span_is(word, "pxat");
}

/* allowed: which of the flags this command knows. */
static bool
set_take_options(struct call *call, uint32_t from, unsigned allowed, struct set_options *o,
		 struct resp_writer *w)
{
	static const struct {
		const char *word;
		unsigned flag, excludes;
	} words[] = {
		{"nx",      SET_NX,      SET_XX                  },
		{"xx",      SET_XX,      SET_NX                  },
		{"get",     SET_GET,     0                       },
		{"keepttl", SET_KEEPTTL, SET_EXPIRE | SET_PERSIST},
		{"persist", SET_PERSIST, SET_EXPIRE | SET_KEEPTTL}
        };
	for (uint32_t i = from; i < call->argc; i++) {
		struct span word = call->argv[i];
		bool known = false;
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if ((allowed & words[k].flag) && span_is(word, words[k].word) &&
			    (o->flags & words[k].excludes) == 0) {
				o->flags |= words[k].flag;
				known = true;
			}
		if (known)
			continue;
		if (!is_expiry_unit(word) || i + 1 == call->argc ||
		    (o->flags & (SET_KEEPTTL | SET_PERSIST)) ||
		    ((o->flags & SET_EXPIRE) && !is_same_word(word, o->unit))) {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
		o->flags |= SET_EXPIRE;
		o->unit = word;
		o->time = call->argv[++i];
	}
	return true;
}

void
cmd_set(struct server *server, struct call *call, struct resp_writer *w)
{
	struct set_options o = {.flags = 0};
	if (call->argc > 3 &&
	    (!set_take_options(call, 3, SET_NX | SET_XX | SET_GET | SET_KEEPTTL, &o, w) ||
	     !set_take_expiry(server, call, &o, w)))
		return;
	uint64_t expire_ms = o.expire_ms;
	struct kept kept; /* too large to clear for nothing */
	kept.there = false;
	kept.blob = NULL;
	if (o.flags & (SET_NX | SET_XX | SET_GET | SET_KEEPTTL)) {
		struct entry *old =
			keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
		if (((o.flags & SET_NX) && old != NULL) || ((o.flags & SET_XX) && old == NULL)) {
			reply_value(server, (o.flags & SET_GET) ? old : NULL, w);
			return;
		}
		if (o.flags & SET_GET)
			keep(server, &call->key, old, &kept);
		if ((o.flags & SET_KEEPTTL) && old != NULL)
			expire_ms = entry_expire_ms(old);
	}
	if ((o.flags & SET_EXPIRE) && expire_ms <= server->unix_ms) {
		keyspace_delete(keys_of(server, &call->key), &call->key, server->unix_ms);
	} else if (keyspace_put(keys_of(server, &call->key), &call->key, call->argv[2],
				expire_ms) != KEY_OK) {
		forget(&kept);
		reply_out_of_memory(w);
		return;
	}
	if (o.flags & SET_GET)
		reply_kept(server, &kept, w);
	else
		resp_simple(w, "OK");
}

void
cmd_setnx(struct server *server, struct call *call, struct resp_writer *w)
{
	if (keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms) != NULL)
		resp_integer(w, 0);
	else if (put(server, &call->key, call->argv[2], 0, w))
		resp_integer(w, 1);
}

static void
set_with_expiry(struct server *server, struct call *call, const char *unit, struct resp_writer *w)
{
	struct span word = {(const uint8_t *)unit, 2};
	struct set_options o = {.flags = SET_EXPIRE, .unit = word, .time = call->argv[2]};
	if (!set_take_expiry(server, call, &o, w))
		return;
	if (put(server, &call->key, call->argv[3], o.expire_ms, w))
		resp_simple(w, "OK");
}

void
cmd_setex(struct server *server, struct call *call, struct resp_writer *w)
{
	set_with_expiry(server, call, "ex", w);
}

void
cmd_psetex(struct server *server, struct call *call, struct resp_writer *w)
{
	set_with_expiry(server, call, "px", w);
}

void
cmd_getset(struct server *server, struct call *call, struct resp_writer *w)
{
	struct kept kept;
	keep(server, &call->key, find_first_key(server, call), &kept);
	if (put(server, &call->key, call->argv[2], 0, w))
		reply_kept(server, &kept, w);
	else
		forget(&kept);
}

void
cmd_getdel(struct server *server, struct call *call, struct resp_writer *w)
{
	struct entry *e = find_first_key(server, call);
	reply_value(server, e, w);
	if (e != NULL)
		keyspace_delete(keys_of(server, &call->key), &call->key, server->unix_ms);
}

void
cmd_getex(struct server *server, struct call *call, struct resp_writer *w)
{
	struct set_options o = {.flags = 0};
	if (!set_take_options(call, 2, SET_PERSIST, &o, w))
		return;
	struct entry *e = find_first_key(server, call);
	if (e == NULL) {
		resp_null(w); /* whatever the time is */
		return;
	}
	if (!set_take_expiry(server, call, &o, w))
		return;
	struct keyspace *ks = keys_of(server, &call->key);
	if ((o.flags & SET_EXPIRE) && o.expire_ms <= server->unix_ms) {
		reply_value(server, e, w);
		keyspace_delete(ks, &call->key, server->unix_ms);
	} else if ((o.flags & (SET_EXPIRE | SET_PERSIST)) &&
		   keyspace_expire(ks, &call->key, o.expire_ms, server->unix_ms) == KEY_FULL) {
		reply_out_of_memory(w);
	} else {
		reply_value(server, keyspace_find(ks, &call->key, server->unix_ms), w);
	}
}

/* ---- many keys ---- */

void
cmd_mget(struct server *server, struct call *call, struct resp_writer *w)
{
	resp_array(w, call->argc - 1);
	for (uint32_t i = 1; i < call->argc; i++) {
		struct entry *e = find_key(server, call->argv[i]);
		if (e != NULL)
			keyspace_touch(server->keys, e);
		if (e != NULL)
			server->counters.keyspace_hits++;
		else
			server->counters.keyspace_misses++;
		reply_value(server, e, w);
	}
}

static bool
set_pairs(struct server *server, struct call *call, struct resp_writer *w)
{
	for (uint32_t i = 1; i < call->argc; i += 2) {
		struct key key;
		keyspace_key(server->keys, call->argv[i], &key);
		if (!put(server, &key, call->argv[i + 1], 0, w)) {
			server->feed.args = i; /* the pairs before it stay */
			return false;
		}
	}
	return true;
}

void
cmd_mset(struct server *server, struct call *call, struct resp_writer *w)
{
	if (call->argc % 2 == 0)
		reply_wrong_arity(w, "mset");
	else if (set_pairs(server, call, w))
		resp_simple(w, "OK");
}

void
cmd_msetnx(struct server *server, struct call *call, struct resp_writer *w)
{
	if (call->argc % 2 == 0) {
		reply_wrong_arity(w, "msetnx");
		return;
	}
	for (uint32_t i = 1; i < call->argc; i += 2)
		if (find_key(server, call->argv[i]) != NULL) {
			resp_integer(w, 0);
			return;
		}
	if (set_pairs(server, call, w))
		resp_integer(w, 1);
}

/* ---- parts ---- */

static bool
length_allowed(struct server *server, uint64_t len, struct resp_writer *w)
{
	if (len <= server->config.proto_max_bulk_len)
		return true;
	resp_error(w, ERROR_TOO_LONG);
	return false;
}

void
cmd_append(struct server *server, struct call *call, struct resp_writer *w)
{
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	size_t old = e != NULL ? entry_value(e).len : 0;
	size_t len = old + call->argv[2].len;
	if (!length_allowed(server, len, w))
		return;
	uint8_t *at =
		keyspace_resize(keys_of(server, &call->key), &call->key, len, server->unix_ms);
	if (at == NULL) {
		reply_out_of_memory(w);
		return;
	}
	memcpy(at + old, call->argv[2].at, call->argv[2].len);
	resp_integer(w, (int64_t)len);
}

void
cmd_strlen(struct server *server, struct call *call, struct resp_writer *w)
{
	struct entry *e = find_first_key(server, call);
	resp_integer(w, e != NULL ? (int64_t)entry_value(e).len : 0);
}

void
cmd_getrange(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t start, end;
	if (!take_integer(call->argv[2], &start, w) || !take_integer(call->argv[3], &end, w))
		return;
	struct entry *e = find_first_key(server, call);
	struct span value = e != NULL ? entry_value(e) : (struct span){NULL, 0};
	int64_t len = (int64_t)value.len;
	if (start < 0 && end < 0 && start > end) {
		resp_bulk(w, (struct span){value.at, 0});
		return;
	}
	start = start < 0 ? start + len : start;
	end = end < 0 ? end + len : end;
	start = start < 0 ? 0 : start;
	end = end < 0 ? 0 : end;
	end = end >= len ? len - 1 : end;
	if (start > end || len == 0)
		resp_bulk(w, (struct span){value.at, 0});
	else
		resp_bulk(w, (struct span){value.at + start, (size_t)(end - start + 1)});
}

void
cmd_setrange(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t offset;
	struct span patch = call->argv[3];
	if (!take_integer(call->argv[2], &offset, w))
		return;
	if (offset < 0) {
		resp_error(w, "ERR offset is out of range");
		return;
	}
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	size_t old = e != NULL ? entry_value(e).len : 0;
	if (patch.len == 0) {
		resp_integer(w, (int64_t)old);
		return;
	}
	size_t len = (size_t)offset + patch.len;
	if (!length_allowed(server, len, w))
		return;
	len = len < old ? old : len;
	uint8_t *at =
		keyspace_resize(keys_of(server, &call->key), &call->key, len, server->unix_ms);
	if (at == NULL) {
		reply_out_of_memory(w);
		return;
	}
	memcpy(at + offset, patch.at, patch.len);
	resp_integer(w, (int64_t)len);
}

/* ---- numbers ---- */

static void
add(struct server *server, struct call *call, int64_t by, struct resp_writer *w)
{
	int64_t value = 0;
	char text[NUMBER_SIZE_MAX];
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	struct span old = e != NULL ? entry_value(e) : SPAN("0");
	if (!number_parse(old.at, old.len, &value)) {
		resp_error(w, ERROR_NOT_INTEGER);
		return;
	}
	if (__builtin_add_overflow(value, by, &value)) {
		resp_error(w, "ERR increment or decrement would overflow");
		return;
	}
	struct span now = {(const uint8_t *)text, number_format(value, text)};
	if (put(server, &call->key, now, e != NULL ? entry_expire_ms(e) : 0, w))
		resp_integer(w, value);
}

void
cmd_incr(struct server *server, struct call *call, struct resp_writer *w)
{
	add(server, call, 1, w);
}

void
cmd_decr(struct server *server, struct call *call, struct resp_writer *w)
{
	add(server, call, -1, w);
}

void
cmd_incrby(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t by;
	if (take_integer(call->argv[2], &by, w))
		add(server, call, by, w);
}

void
cmd_decrby(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t by;
	if (!take_integer(call->argv[2], &by, w))
		return;
	if (by == INT64_MIN)
		resp_error(w, "ERR decrement would overflow");
	else
		add(server, call, -by, w);
}

#define FLOAT_TEXT_MAX (5 * 1024) /* the longest long double without exponent, and its zero */

/* A long double as Redis reads one: the whole word, no leading space, not NaN. */
static bool
parse_float(struct span word, long double *value)
{
	char text[FLOAT_TEXT_MAX], *end;
	if (word.len == 0 || word.len >= sizeof(text) || word.at[0] == ' ')
		return false;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	errno = 0;
	*value = strtold(text, &end);
	if (errno == ERANGE && (isinf(*value) || *value == 0))
		return false;
	return *end == '\0' && strlen(text) == word.len && !isnan(*value);
}

static size_t
format_float(long double value, char *at, size_t size)
{
	int n = snprintf(at, size, "%.17Lf", value);
	if (n < 0 || (size_t)n >= size)
		return 0;
	size_t len = (size_t)n;
	if (memchr(at, '.', len) != NULL) {
		while (at[len - 1] == '0')
			len--;
		len -= at[len - 1] == '.';
	}
	if (len == 2 && at[0] == '-' && at[1] == '0')
		at[0] = '0', len = 1;
	return len;
}

void
cmd_incrbyfloat(struct server *server, struct call *call, struct resp_writer *w)
{
	char text[FLOAT_TEXT_MAX];
	long double value, by;
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	struct span old = e != NULL ? entry_value(e) : SPAN("0");
	if (!parse_float(old, &value) || !parse_float(call->argv[2], &by)) {
		resp_error(w, "ERR value is not a valid float");
		return;
	}
	value += by;
	if (isnan(value) || isinf(value)) {
		resp_error(w, "ERR increment would produce NaN or Infinity");
		return;
	}
	struct span now = {(const uint8_t *)text, format_float(value, text, sizeof(text))};
	if (put(server, &call->key, now, e != NULL ? entry_expire_ms(e) : 0, w))
		resp_bulk(w, now);
}
