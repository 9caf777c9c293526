/* app/cmd/cmd_key.c - a key as a whole: COPY, RENAME, OBJECT, and its payload: DUMP, RESTORE. */
#include <limits.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"
#include "proto/rdb/dump.h"
#include "proto/rdb/reader.h"

#define EMBEDDED_MAX       44u   /* longest string that Redis keeps within its object */
#define SHARED_INTEGER_MAX 10000 /* below it Redis has one object for all */
#define DUMP_SCRATCH_SIZE  ((size_t)64 * 1024)

/* ---- COPY, RENAME ---- */

/* e's value and time under another name. Another entry than e's. */
static bool
put_copy(struct server *server, struct span name, const struct entry *e, struct resp_writer *w)
{
	struct key key;
	keyspace_key(server->keys, name, &key);
	if (keyspace_put(keys_of(server, &key), &key, entry_value(e), entry_expire_ms(e)) == KEY_OK)
		return true;
	reply_out_of_memory(w);
	return false;
}

static bool
take_copy_options(struct call *call, bool *replace, struct resp_writer *w)
{
	int64_t db;
	for (uint32_t i = 3; i < call->argc; i++) {
		if (span_is(call->argv[i], "replace")) {
			*replace = true;
		} else if (span_is(call->argv[i], "db") && i + 1 < call->argc) {
			if (!take_integer(call->argv[++i], &db, w))
				return false;
			if (db == 0)
				continue;
			if (db < INT_MIN || db > INT_MAX)
				resp_errorf(w,
					    "ERR value is out of range, value must between %d and "
					    "%d",
					    INT_MIN, INT_MAX);
			else
				resp_error(w, "ERR DB index is out of range");
			return false;
		} else {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
	}
	return true;
}

void
cmd_copy(struct server *server, struct call *call, struct resp_writer *w)
{
	bool replace = false;
	if (!take_copy_options(call, &replace, w))
		return;
	if (span_equal(call->argv[1], call->argv[2])) {
		resp_error(w, "ERR source and destination objects are the same");
		return;
	}
	const struct entry *from = find_first_key(server, call);
	if (from == NULL || (find_key(server, call->argv[2]) != NULL && !replace))
		resp_integer(w, 0);
	else if (put_copy(server, call->argv[2], from, w))
		resp_integer(w, 1);
}

/* What RENAME and RENAMENX share. False: the error has been written. */
static bool
rename_key(struct server *server, struct call *call, const struct entry *from,
	   struct resp_writer *w)
{
	if (!put_copy(server, call->argv[2], from, w))
		return false;
	keyspace_delete(keys_of(server, &call->key), &call->key, server->unix_ms);
	return true;
}

void
cmd_rename(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct entry *from = find_key(server, call->argv[1]);
	if (from == NULL)
		resp_error(w, "ERR no such key");
	else if (span_equal(call->argv[1], call->argv[2]) || rename_key(server, call, from, w))
		resp_simple(w, "OK");
}

void
cmd_renamenx(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct entry *from = find_key(server, call->argv[1]);
	if (from == NULL)
		resp_error(w, "ERR no such key");
	else if (find_key(server, call->argv[2]) != NULL) /* itself, too */
		resp_integer(w, 0);
	else if (rename_key(server, call, from, w))
		resp_integer(w, 1);
}

/* ---- OBJECT ---- */

static bool
is_integer(struct span value)
{
	int64_t number;
	return number_parse(value.at, value.len, &number);
}

/* Redis tells how it stores a value; here that follows from the value alone. */
static void
object_encoding(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct entry *e = find_key(server, call->argv[2]);
	if (e == NULL)
		resp_null(w);
	else if (is_integer(entry_value(e)))
		resp_bulk_text(w, "int");
	else
		resp_bulk_text(w, entry_value(e).len <= EMBEDDED_MAX ? "embstr" : "raw");
}

static void
object_refcount(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t number;
	const struct entry *e = find_key(server, call->argv[2]);
	if (e == NULL) {
		resp_null(w);
		return;
	}
	struct span value = entry_value(e);
	bool shared = number_parse(value.at, value.len, &number) && number >= 0 &&
		      number < SHARED_INTEGER_MAX;
	resp_integer(w, shared ? INT_MAX : 1);
}

/* The access that each policy keeps, read without making one. */
static void
object_idletime(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct entry *e = find_key(server, call->argv[2]);
	if (e == NULL)
		resp_null(w);
	else if (server->access.frequency)
		resp_error(w, "ERR An LFU maxmemory policy is selected, idle time not tracked. "
			      "Please note that when switching between policies at runtime LRU and "
			      "LFU data will take some time to adjust.");
	else
		resp_integer(w, (int64_t)(access_idle_ms(&server->access, e->access) / 1000));
}

static void
object_freq(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct entry *e = find_key(server, call->argv[2]);
	if (e == NULL)
		resp_null(w);
	else if (!server->access.frequency)
		resp_error(w, "ERR An LFU maxmemory policy is not selected, access frequency not "
			      "tracked. Please note that when switching between policies at "
			      "runtime LRU and LFU data will take some time to adjust.");
	else
		resp_integer(w, access_frequency(&server->access, e->access));
}

void
cmd_object(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"encoding", object_encoding, 3},
		{"freq",     object_freq,     3},
		{"idletime", object_idletime, 3},
		{"refcount", object_refcount, 3},
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}

/* ---- DUMP, RESTORE ---- */

void
cmd_dump(struct server *server, struct call *call, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	const struct entry *e = find_first_key(server, call);
	if (e == NULL) {
		resp_null(w);
		return;
	}
	struct span value = entry_value(e);
	size_t size = rdb_dump_string_size_max(value.len);
	size_t scratch_size = value.len > DUMP_SCRATCH_SIZE ? value.len : DUMP_SCRATCH_SIZE;
	uint8_t *at = a->alloc(a, size), *scratch = a->alloc(a, scratch_size);
	if (at != NULL && scratch != NULL) {
		size_t len = rdb_dump_string(value, at, scratch, scratch_size);
		resp_bulk(w, (struct span){at, len});
	} else {
		reply_out_of_memory(w);
	}
	a->release(a, at, size);
	a->release(a, scratch, scratch_size);
}

struct restore {
	bool replace, absolute, idle_given, frequency_given;
	int64_t ttl;
	int64_t idle_s, frequency;
	uint64_t expire_ms;
};

static bool
take_restore_number(struct span word, int64_t max, const char *error, int64_t *value,
		    struct resp_writer *w)
{
	if (!take_integer(word, value, w))
		return false;
	if (*value >= 0 && *value <= max)
		return true;
	resp_error(w, error);
	return false;
}

/* IDLETIME and FREQ are judged always, and kept by the policies that use them. */
static bool
take_restore_options(struct call *call, struct restore *r, struct resp_writer *w)
{
	for (uint32_t i = 4; i < call->argc; i++) {
		struct span word = call->argv[i];
		bool more = i + 1 < call->argc;
		if (span_is(word, "replace")) {
			r->replace = true;
		} else if (span_is(word, "absttl")) {
			r->absolute = true;
		} else if (span_is(word, "idletime") && more && !r->frequency_given) {
			if (!take_restore_number(call->argv[++i], INT64_MAX,
						 "ERR Invalid IDLETIME value, must be >= 0",
						 &r->idle_s, w))
				return false;
			r->idle_given = true;
		} else if (span_is(word, "freq") && more && !r->idle_given) {
			if (!take_restore_number(call->argv[++i], UINT8_MAX,
						 "ERR Invalid FREQ value, must be >= 0 and <= 255",
						 &r->frequency, w))
				return false;
			r->frequency_given = true;
		} else {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
	}
	return true;
}

static bool
take_restore_ttl(struct server *server, struct call *call, struct restore *r, struct resp_writer *w)
{
	if (!take_integer(call->argv[2], &r->ttl, w))
		return false;
	if (r->ttl < 0) {
		resp_error(w, "ERR Invalid TTL value, must be >= 0");
		return false;
	}
	r->expire_ms = (uint64_t)r->ttl;
	if (r->ttl > 0 && !r->absolute)
		r->expire_ms += server->unix_ms;
	return true;
}

/* The string of a payload: in it, in the reader, or at *room. False: it is none. */
static bool
decode(struct server *server, const struct rdb_dump *dump, struct rdb_reader *reader,
       struct span *out, struct span *room)
{
	struct allocator *a = server->allocator;
	struct rdb_limits limits = {.string_max = server->config.proto_max_bulk_len,
				    .count_max = 1,
				    .size = dump->body.len};
	struct span in = dump->body;
	enum rdb_event event;
	rdb_reader_init_value(reader, &limits, dump->type, dump->dialect, SPAN(""));
	while ((event = rdb_read(reader, &in)) == RDB_ROOM) {
		uint8_t *at = a->alloc(a, reader->item.number);
		*room = (struct span){at, reader->item.number};
		if (at == NULL)
			return false;
		rdb_reader_room(reader, at);
	}
	*out = reader->item.bytes;
	return event == RDB_STRING;
}

static void
restore_access(struct server *server, const struct call *call, const struct restore *r)
{
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	uint64_t idle_s = (uint64_t)r->idle_s;
	if (e != NULL && r->idle_given && !server->access.frequency)
		e->access = access_with_idle(&server->access,
					     idle_s < UINT32_MAX ? idle_s * 1000 : UINT64_MAX);
	if (e != NULL && r->frequency_given && server->access.frequency)
		e->access = access_with_frequency(&server->access, (unsigned)r->frequency);
}

static void
restore_value(struct server *server, struct call *call, const struct restore *r, struct span value,
	      struct resp_writer *w)
{
	struct keyspace *ks = keys_of(server, &call->key);
	/* A time that overflowed is past, as in Redis. */
	if (r->ttl > 0 && (int64_t)r->expire_ms <= (int64_t)server->unix_ms) {
		keyspace_delete(ks, &call->key, server->unix_ms);
		resp_simple(w, "OK");
	} else if (keyspace_put(ks, &call->key, value, r->expire_ms) == KEY_OK) {
		restore_access(server, call, r);
		resp_simple(w, "OK");
	} else {
		reply_out_of_memory(w);
	}
}

void
cmd_restore(struct server *server, struct call *call, struct resp_writer *w)
{
	struct restore r = {.replace = false};
	struct rdb_dump dump;
	struct rdb_reader reader; /* a number's text lies in it */
	struct span value, room = {NULL, 0};
	if (!take_restore_options(call, &r, w))
		return;
	if (!r.replace && find_key(server, call->argv[1]) != NULL) {
		resp_error(w, "BUSYKEY Target key name already exists.");
		return;
	}
	if (!take_restore_ttl(server, call, &r, w))
		return;
	if (rdb_dump_open(call->argv[3], &dump) != DUMP_OK)
		resp_error(w, "ERR DUMP payload version or checksum are wrong");
	else if (dump.type != RDB_TYPE_STRING)
		resp_error(w, "ERR only strings can be restored: this node knows no other type");
	else if (!decode(server, &dump, &reader, &value, &room))
		resp_error(w, "ERR Bad data format");
	else
		restore_value(server, call, &r, value, w);
	server->allocator->release(server->allocator, (void *)(uintptr_t)room.at, room.len);
}
