/* app/cmd/server.c - life of a server, finding a command, and running one. */
#include "app/cmd/server.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/cmd/command.h"
#include "app/cmd/memory.h"
#include "app/cmd/redirect.h"
#include "app/store/blob.h"
#include "app/store/slot_table.h"
#include "proto/base/assert.h"
#include "proto/base/crc16.h"
#include "proto/base/number.h"

#define INDEX_SIZE     512u    /* a power of two, several times command_count */
#define NAME_MAX_LEN   16u     /* longest command name; longer words are unknown */
#define EXPIRE_US      100000  /* active expiry, as Redis's hz 10 */
#define SAMPLE_US      1000000 /* rates are told over one to two of it */
#define EXPIRE_BUCKETS 256u    /* looked at in one round */
#define ARGS_SHOWN_MAX 128u    /* of an unknown command's arguments, as Redis */

/* ---- the table's index ---- */

static uint32_t
name_hash(const uint8_t *name, size_t len)
{
	uint32_t hash = (uint32_t)len;
	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + (name[i] | 0x20);
	return (hash ^ hash >> 9) % INDEX_SIZE;
}

/* name is lower case; word is len bytes in any. Not strncasecmp(): words are short, and a call costs more than they do. */
static bool
name_is(const char *name, const uint8_t *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = word[i];
		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)name[i])
			return false; /* also where name ends */
	}
	return name[len] == '\0';
}

const struct command *
command_lookup(const struct server *server, struct span name)
{
	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return NULL;
	for (uint32_t i = name_hash(name.at, name.len); server->index[i] != 0;
	     i = (i + 1) % INDEX_SIZE) {
		const struct command *row = &command_table[server->index[i] - 1];
		if (name_is(row->name, name.at, name.len))
			return row;
	}
	return NULL;
}

static void
index_build(struct server *server)
{
	for (unsigned row = 0; row < command_count; row++) {
		const char *name = command_table[row].name;
		uint32_t i = name_hash((const uint8_t *)name, strlen(name));
		while (server->index[i] != 0)
			i = (i + 1) % INDEX_SIZE;
		server->index[i] = (uint16_t)(row + 1);
	}
}

/* ---- life ---- */

static void
feed_expired(void *owner, const struct entry *e)
{
	feed_delete(owner, entry_key(e));
}

static void
make_run_id(struct server *server)
{
	for (unsigned i = 0; i < 40; i++)
		server->run_id[i] = "0123456789abcdef"[prng_below(&server->prng, 16)];
	server->run_id[40] = '\0';
}

struct server *
server_create(const struct server_options *options)
{
	struct allocator *a = options->allocator;
	struct server *server = a->alloc(a, sizeof(*server));
	if (server == NULL)
		return NULL;
	memset(server, 0, sizeof(*server));
	server->allocator = a;
	server->data = options->data != NULL ? options->data : a;
	server->member = options->member;
	server->stats = a->alloc(a, command_count * sizeof(server->stats[0]));
	server->index = a->alloc(a, INDEX_SIZE * sizeof(server->index[0]));
	server->histograms = a->alloc(a, command_count * sizeof(server->histograms[0]));
	server->keys = keyspace_create(server->data, options->hash_secret);
	TAILQ_INIT(&server->sessions);
	slowlog_init(&server->slowlog, options->member);
	if (server->stats == NULL || server->index == NULL || server->histograms == NULL ||
	    server->keys == NULL || !config_copy(&server->config, options->config)) {
		server_destroy(server);
		return NULL;
	}
	memset(server->stats, 0, command_count * sizeof(server->stats[0]));
	memset(server->histograms, 0, command_count * sizeof(server->histograms[0]));
	memset(server->index, 0, INDEX_SIZE * sizeof(server->index[0]));
	server->group = options->group != NULL ? options->group : &server->alone;
	server->alone = (struct server_group){.count = 1, .members = {server}};
	if (options->group != NULL)
		options->group->members[options->member] = server;
	server->hooks = options->hooks;
	server->version = options->version;
	server->active_expire = true;
	server->started_us = options->now_us;
	server->samples[0].at_us = server->samples[1].at_us = options->now_us;
	server->next_session_id = options->member + 1;
	prng_seed(&server->prng, options->seed);
	make_run_id(server);
	index_build(server);
	server->watch = (struct keyspace_watch){.owner = server, .expired = feed_expired};
	keyspace_set_watch(server->keys, &server->watch);
	server->access.prng = &server->prng;
	keyspace_set_access(server->keys, &server->access);
	memory_config_changed(server);
	server_set_time(server, options->unix_ms, options->now_us);
	return server;
}

void
server_destroy(struct server *server)
{
	struct allocator *a = server->allocator;
	if (server->keys != NULL)
		keyspace_destroy(server->keys);
	config_free(&server->config);
	feed_free(server);
	slowlog_clear(server);
	a->release(a, server->stats, command_count * sizeof(server->stats[0]));
	a->release(a, server->histograms, command_count * sizeof(server->histograms[0]));
	a->release(a, server->index, INDEX_SIZE * sizeof(server->index[0]));
	a->release(a, server, sizeof(*server));
}

void
server_set_time(struct server *server, uint64_t unix_ms, uint64_t now_us)
{
	server->unix_ms = unix_ms;
	server->now_us = now_us;
	server->access.now_ms = unix_ms;
	server->turn_victims = 0;
}

struct config *
server_config(struct server *server)
{
	return &server->config;
}

struct server_counters *
server_counters(struct server *server)
{
	server->counters.expired_keys = keyspace_counters(server->keys)->expired;
	return &server->counters;
}

uint32_t
server_slot_count(const struct server *server, uint16_t slot)
{
	return keyspace_slot_count(server->keys, slot);
}

struct session_list *
server_sessions(struct server *server)
{
	return &server->sessions;
}

uint32_t
server_take_wants(struct server *server)
{
	uint32_t wants = server->wants;
	server->wants = 0;
	return wants;
}

/* ---- sessions ---- */

void
session_open(struct server *server, struct session *session, const char *address,
	     const char *local_address, uint64_t now_ms)
{
	memset(session, 0, sizeof(*session));
	session->id = server->next_session_id;
	server->next_session_id += server->group->count;
	session->created_ms = session->active_ms = now_ms;
	session->protocol = 2;
	if (server->config.requirepass[0] == '\0')
		session->flags |= SESSION_AUTHENTICATED;
	snprintf(session->address, sizeof(session->address), "%s", address);
	snprintf(session->local_address, sizeof(session->local_address), "%s", local_address);
	TAILQ_INSERT_TAIL(&server->sessions, session, link);
	server->session_count++;
	server->counters.connections++;
}

bool
session_rename(struct server *server, char **name, struct span to)
{
	struct allocator *a = server->allocator;
	char *copy = NULL;
	if (to.len > 0) {
		copy = a->alloc(a, to.len + 1);
		if (copy == NULL)
			return false;
		memcpy(copy, to.at, to.len);
		copy[to.len] = '\0';
	}
	if (*name != NULL)
		a->release(a, *name, strlen(*name) + 1);
	*name = copy;
	return true;
}

void
session_close(struct server *server, struct session *session)
{
	session_rename(server, &session->name, SPAN(""));
	session_rename(server, &session->lib_name, SPAN(""));
	session_rename(server, &session->lib_version, SPAN(""));
	TAILQ_REMOVE(&server->sessions, session, link);
	server->session_count--;
}

/* ---- running commands ---- */

/* Where the keys of an argument list lie; false: the command has none there. */
static bool
key_range(const struct call *call, uint32_t *last)
{
	const struct command *c = call->command;
	if (c->first_key == 0 || (uint32_t)c->first_key >= call->argc)
		return false;
	*last = c->last_key < 0 ? call->argc - 1 : (uint32_t)c->last_key;
	return true;
}

static bool
arity_holds(const struct call *call)
{
	const struct command *c = call->command;
	return c->arity >= 0 ? (int64_t)call->argc == c->arity
			     : (int64_t)call->argc >= -(int64_t)c->arity;
}

/* False: it is refused wherever it runs, so it runs here. */
static bool
is_admitted(const struct call *call)
{
	return arity_holds(call) && ((call->session->flags & SESSION_AUTHENTICATED) ||
				     (call->command->flags & COMMAND_NO_AUTH));
}

/* Whether the word, in any case, is one of those in words. */
static bool
is_one_of(struct span word, const char *words)
{
	for (const char *p = words; *p != '\0';) {
		size_t len = strcspn(p, " ");
		if (len == word.len && strncasecmp(p, (const char *)word.at, len) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

/* Most subcommands of a container speak of their own connection or lcore only. */
static bool
command_meets_all(const struct call *call)
{
	const struct command *c = call->command;
	if (c->run == cmd_memory) /* but USAGE, which has a key */
		return call->argc == 2 && !span_is(call->argv[1], "help");
	if (c->run == cmd_client)
		return call->argc > 1 &&
		       is_one_of(call->argv[1], "list kill pause unpause unblock");
	if (c->scope != SCOPE_FANOUT && c->scope != SCOPE_BARRIER)
		return false;
	return c->run != cmd_debug || call->argc < 2 || !span_is(call->argv[1], "sleep");
}

static bool
rewrites_file(const struct server *server, const struct call *call)
{
	return call->argc == 2 && span_is(call->argv[1], "rewrite") && is_admitted(call) &&
	       server->config.file[0] != '\0';
}

/* S3. Keys of several members, which only happens outside cluster mode, take the barrier. */
static void
choose_route(const struct server *server, struct call *call)
{
	const struct server_group *group = server->group;
	uint32_t last;
	call->route = ROUTE_HERE;
	if (call->command == NULL)
		return;
	if (call->command->run == cmd_config && rewrites_file(server, call)) {
		call->route = ROUTE_REWRITE;
		return;
	}
	if ((group->count == 1 && group->slots == NULL) || !is_admitted(call))
		return;
	if (span_is(call->argv[0], "wait") && server->hooks.replicate != NULL) {
		call->route = ROUTE_WAIT;
		return;
	}
	if (call->command->run == cmd_cluster) {
		cluster_choose_route(server, call);
		return;
	}
	if (group->count == 1)
		return;
	if (command_meets_all(call))
		call->route = ROUTE_BARRIER;
	if (call->key.at == NULL || !key_range(call, &last))
		return;
	call->route = ROUTE_MEMBER;
	call->member = (uint8_t)(call->key.slot % group->count);
	if (group->slots != NULL)
		return; /* keys of several slots are refused by whoever owns the first */
	for (uint32_t i = (uint32_t)(call->command->first_key + call->command->key_step);
	     i <= last && i < call->argc; i += (uint32_t)call->command->key_step)
		if (key_slot(call->argv[i].at, call->argv[i].len) % group->count != call->member)
			call->route = ROUTE_BARRIER;
}

enum pause_level
server_pause_level(const struct server *server)
{
	return server->now_us < server->pause_until_us ? server->pause : PAUSE_NONE;
}

bool
call_is_paused(const struct call *call, enum pause_level level)
{
	if (level == PAUSE_NONE || call->command == NULL ||
	    (call->session->flags & (SESSION_REPLICA | SESSION_PRIMARY)) || !is_admitted(call))
		return false;
	return level == PAUSE_ALL || (call->command->flags & COMMAND_WRITE) != 0;
}

void
call_identify(struct server *server, struct call *call)
{
	uint32_t last;
	call->command = command_lookup(server, call->argv[0]);
	call->key.at = NULL;
	if (call->command != NULL && key_range(call, &last)) {
		keyspace_key(server->keys, call->argv[call->command->first_key], &call->key);
		keyspace_prefetch_table(server->keys, &call->key);
	}
	choose_route(server, call);
}

void
call_prefetch(struct server *server, const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i].key.at != NULL)
			keyspace_prefetch_bucket(server->keys, &calls[i].key);
	for (size_t i = 0; i < count; i++)
		if (calls[i].key.at != NULL)
			keyspace_prefetch_entry(server->keys, &calls[i].key);
}

static void
reply_unknown(struct call *call, struct resp_writer *w)
{
	char args[ARGS_SHOWN_MAX + 160];
	size_t len = 0;
	for (uint32_t i = 1; i < call->argc && len < ARGS_SHOWN_MAX; i++) {
		size_t room = ARGS_SHOWN_MAX - len;
		int shown = (int)(call->argv[i].len < room ? call->argv[i].len : room);
		len += (size_t)snprintf(args + len, sizeof(args) - len, "'%.*s' ", shown,
					(const char *)call->argv[i].at);
	}
	args[len < sizeof(args) ? len : sizeof(args) - 1] = '\0';
	int shown = call->argv[0].len < 128 ? (int)call->argv[0].len : 128;
	resp_errorf(w, "ERR unknown command '%.*s', with args beginning with: %s", shown,
		    (const char *)call->argv[0].at, args);
}

/* What a node of a cluster does not do: serve other nodes' slots, or, as a replica, change anything. */
static bool
refuse_in_cluster(struct server *server, struct call *call, struct resp_writer *w)
{
	uint32_t mode = slot_table_mode(server->group->slots);
	unsigned flags = call->command->flags;
	if ((mode & SLOT_MODE_LOADING) && !(flags & COMMAND_LOADING)) {
		resp_error(w, "LOADING Redis is loading the dataset in memory");
		return true;
	}
	if (call->key.at != NULL && redirect_check(server, call, w) != REDIRECT_NONE)
		return true;
	if ((mode & SLOT_MODE_REPLICA) == 0)
		return false;
	if ((mode & SLOT_MODE_STALE_REFUSED) && !(mode & SLOT_MODE_LINK_UP) &&
	    !(flags & COMMAND_STALE)) {
		resp_error(w, "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is "
			      "set to 'no'.");
		return true;
	}
	if (flags & COMMAND_WRITE) {
		resp_error(w, "READONLY You can't write against a read only replica.");
		return true;
	}
	return false;
}

/* Why a call does not run; NULL: it runs. */
static bool
refuse(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct command *c = call->command;
	if (c == NULL) {
		/* A browser that was made to post to us hears nothing, as from Redis, and is not served further. */
		if (span_is(call->argv[0], "post") || span_is(call->argv[0], "host:"))
			call->session->flags |= SESSION_CLOSE_AFTER_REPLY;
		else
			reply_unknown(call, w);
		return true;
	}
	if (!arity_holds(call)) {
		reply_wrong_arity(w, c->name);
		return true;
	}
	if ((call->session->flags & SESSION_AUTHENTICATED) == 0 && !(c->flags & COMMAND_NO_AUTH)) {
		resp_error(w, "NOAUTH Authentication required.");
		return true;
	}
	if (server->group->slots != NULL && (call->session->flags & SESSION_PRIMARY) == 0 &&
	    refuse_in_cluster(server, call, w))
		return true;
	if ((c->flags & COMMAND_DENYOOM) && !memory_make_room(server, call)) {
		resp_error(w, ERROR_OOM);
		return true;
	}
	return false;
}

/* CLIENT REPLY OFF and SKIP: what the command writes goes nowhere. */
static bool
nowhere_room(struct resp_writer *w, size_t need)
{
	static _Thread_local uint8_t bin[RESP_ROOM_MAX];
	(void)need;
	w->at = bin;
	w->end = bin + sizeof(bin);
	return true;
}

const struct resp_sink call_nowhere = {nowhere_room, NULL};

/* By its first word, "ERR" or "MOVED". */
static void
count_error(struct server *server, const char *text)
{
	size_t len = strcspn(text, " ");
	server->counters.error_replies++;
	for (unsigned i = 0; i < ERROR_CODES_MAX && len < ERROR_CODE_MAX; i++) {
		struct error_stats *e = &server->errors[i];
		if (e->count == 0)
			memcpy(e->code, text, len); /* the rest is zero */
		if (strncmp(e->code, text, len) == 0 && e->code[len] == '\0') {
			e->count++;
			return;
		}
	}
}

static uint64_t
ticks_now(const struct server *server)
{
	return server->hooks.ticks != NULL ? server->hooks.ticks() : 0;
}

static bool
is_a_spike(const struct server *server, uint64_t ticks)
{
	uint64_t ms = (uint64_t)server->config.latency_monitor_threshold;
	return ms > 0 && (unsigned __int128)ms * 1000 * server->hooks.ticks_per_us <= ticks;
}

static void
note_duration(struct server *server, const struct call *call, struct command_stats *stats,
	      uint64_t ticks)
{
	int64_t limit_us = server->config.slowlog_log_slower_than;
	stats->ticks += ticks;
	if (server->hooks.ticks == NULL)
		return;
	if (server->config.latency_tracking)
		latency_count(&server->histograms[call->command - command_table], ticks);
	if (is_a_spike(server, ticks))
		latency_note(server,
			     call->command->flags & COMMAND_FAST ? LATENCY_FAST_COMMAND
								 : LATENCY_COMMAND,
			     ticks / server->hooks.ticks_per_us);
	if (limit_us >= 0 &&
	    (unsigned __int128)(uint64_t)limit_us * server->hooks.ticks_per_us <= ticks)
		slowlog_note(server, call, ticks / server->hooks.ticks_per_us);
}

/* What commands changed; a key whose time was over has been fed already. */
static uint64_t
changes_so_far(const struct server *server)
{
	const struct keyspace_counters *c = keyspace_counters(server->keys);
	return c->changes - c->expired;
}

/* It is admitted: runs, is counted and fed. */
static void
run(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *session = call->session;
	struct command_stats *stats = &server->stats[call->command - command_table];
	uint64_t before = changes_so_far(server);
	uint64_t start = call->follows ? server->ticked : ticks_now(server);
	uint32_t errors = w->errors;
	session->last_command = call->command;
	stats->calls++;
	server->feed.args = 0;
	call->command->run(server, call, w);
	if ((call->command->flags & COMMAND_WRITE) && server->feed.on &&
	    (before != changes_so_far(server) || server->acting))
		feed_call(server, call);
	server->ticked = ticks_now(server);
	note_duration(server, call, stats, server->ticked - start);
	stats->failed += w->errors != errors;
}

void
call_execute(struct server *server, struct call *call, struct resp_writer *w)
{
	struct session *session = call->session;
	server->counters.commands++;
	session->commands++;
	session->active_ms = server->now_us / 1000;
	w->protocol = session->protocol;
	if (session->flags & SESSION_REPLY_SKIP_NEXT) {
		session->flags &= ~(uint32_t)SESSION_REPLY_SKIP_NEXT;
		session->flags |= SESSION_REPLY_SKIP;
	}
	bool silent = (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
	struct resp_writer bin, *to = w;
	if (__builtin_expect(silent, false)) {
		bin = (struct resp_writer){.sink = &call_nowhere, .protocol = session->protocol};
		to = &bin;
	}
	uint32_t errors = to->errors;
	server->acting = call->route == ROUTE_BARRIER;
	if (refuse(server, call, to)) {
		if (call->command != NULL)
			server->stats[call->command - command_table].rejected++;
	} else {
		/* CLIENT REPLY ON answers. */
		to = call->command->run == cmd_client ? w : to;
		errors = to->errors;
		run(server, call, to);
	}
	if (to->errors != errors)
		count_error(server, to->error);
	session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
	if (call->command == NULL || call->command->run != cmd_asking)
		session->flags &= ~(uint32_t)SESSION_ASKING; /* of one command */
}

/* ---- time ---- */

static void
sweep_idle_sessions(struct server *server)
{
	uint64_t limit_ms = (uint64_t)server->config.timeout_s * 1000;
	struct session *session;
	if (limit_ms == 0)
		return;
	TAILQ_FOREACH (session, &server->sessions, link)
		if (server->now_us / 1000 - session->active_ms > limit_ms) {
			session->flags |= SESSION_CLOSE_NOW;
			server->wants |= SERVER_WANT_SWEEP;
		}
}

static void
take_sample(struct server *server)
{
	const struct server_counters *c = &server->counters;
	if (server->now_us - server->samples[1].at_us < SAMPLE_US)
		return;
	server->samples[0] = server->samples[1];
	server->samples[1] = (struct rate_sample){.at_us = server->now_us,
						  .commands = c->commands,
						  .in_bytes = c->net_in_bytes,
						  .out_bytes = c->net_out_bytes};
}

static void
expire_some(struct server *server)
{
	uint64_t start = ticks_now(server);
	keyspace_expire_some(server->keys, EXPIRE_BUCKETS, server->unix_ms);
	uint64_t ticks = ticks_now(server) - start;
	if (server->hooks.ticks != NULL && is_a_spike(server, ticks))
		latency_note(server, LATENCY_EXPIRE, ticks / server->hooks.ticks_per_us);
}

void
server_tick(struct server *server, uint64_t budget_us)
{
	(void)budget_us; /* EXPIRE_BUCKETS bounds the work: about 20 us; EVICT_TURN_MAX */
	memory_tick(server);
	if (server->now_us < server->active_expire_at_us)
		return;
	server->active_expire_at_us = server->now_us + EXPIRE_US;
	if (server->active_expire && server_pause_level(server) == PAUSE_NONE)
		expire_some(server);
	sweep_idle_sessions(server);
	take_sample(server);
}

uint64_t
server_next_at(const struct server *server)
{
	if (server->over)
		return server->now_us;
	bool waits = keyspace_expires_count(server->keys) > 0 || server->config.timeout_s > 0;
	return waits ? server->active_expire_at_us : UINT64_MAX;
}

/* ---- helpers of the handlers ---- */

bool
server_is_replica(const struct server *server)
{
	const struct slot_table *slots = server->group->slots;
	return slots != NULL && (slot_table_mode(slots) & SLOT_MODE_REPLICA) != 0;
}

uint64_t
group_key_count(const struct server_group *group)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < group->count; i++)
		count += keyspace_count(group->members[i]->keys);
	return count;
}

bool
span_is(struct span word, const char *text)
{
	return strlen(text) == word.len && strncasecmp(text, (const char *)word.at, word.len) == 0;
}

bool
take_integer(struct span word, int64_t *value, struct resp_writer *w)
{
	if (number_parse(word.at, word.len, value))
		return true;
	resp_error(w, ERROR_NOT_INTEGER);
	return false;
}

struct entry *
find_key(struct server *server, struct span name)
{
	struct key key;
	keyspace_key(server->keys, name, &key);
	return keyspace_find(keys_of(server, &key), &key, server->unix_ms);
}

struct entry *
peek_first_key(struct server *server, struct call *call)
{
	struct entry *e = keyspace_find(keys_of(server, &call->key), &call->key, server->unix_ms);
	if (e != NULL)
		server->counters.keyspace_hits++;
	else
		server->counters.keyspace_misses++;
	return e;
}

struct entry *
find_first_key(struct server *server, struct call *call)
{
	struct entry *e = peek_first_key(server, call);
	if (e != NULL)
		keyspace_touch(server->keys, e); /* the rule is every member's */
	return e;
}

void
reply_blob(struct server *server, struct blob *blob, struct resp_writer *w)
{
	struct span value = {blob->bytes, blob->len};
	/* References are counted by the blob's own lcore, which inside a barrier need not be this one. */
	if (blob->len >= RESP_REF_MIN && w->sink->by_reference != NULL && !server->acting)
		resp_bulk_reference(w, value, blob_release, server->data, blob_hold(blob));
	else
		resp_bulk(w, value);
}

void
reply_value(struct server *server, const struct entry *e, struct resp_writer *w)
{
	struct blob *blob = e != NULL ? entry_blob(e) : NULL;
	if (e == NULL)
		resp_null(w);
	else if (blob != NULL)
		reply_blob(server, blob, w);
	else
		resp_bulk(w, entry_value(e));
}

void
reply_out_of_memory(struct resp_writer *w)
{
	resp_error(w, ERROR_OOM);
}

void
reply_wrong_arity(struct resp_writer *w, const char *name)
{
	resp_errorf(w, "ERR wrong number of arguments for '%s' command", name);
}

/* "unknown subcommand 'x'. Try COMMAND HELP." with other words in front. */
static void
reply_try_help(struct resp_writer *w, struct call *call, const char *what)
{
	char upper[32];
	size_t n = 0;
	for (const char *p = call->command->name; *p != '\0' && n + 1 < sizeof(upper); p++)
		upper[n++] = (char)(*p & ~0x20);
	upper[n] = '\0';
	int shown = call->argv[1].len < 128 ? (int)call->argv[1].len : 128;
	resp_errorf(w, "ERR %s '%.*s'. Try %s HELP.", what, shown, (const char *)call->argv[1].at,
		    upper);
}

void
reply_unknown_subcommand(struct resp_writer *w, struct call *call)
{
	reply_try_help(w, call, "unknown subcommand");
}

void
reply_subcommand_syntax(struct resp_writer *w, struct call *call)
{
	reply_try_help(w, call, "unknown subcommand or wrong number of arguments for");
}

static void
reply_help(const struct subcommand *table, size_t count, struct call *call, struct resp_writer *w)
{
	char line[64];
	resp_array(w, count + 1);
	snprintf(line, sizeof(line),
		 "%s <subcommand> [<argument> ...]. Subcommands are:", call->command->name);
	resp_simple(w, line);
	for (size_t i = 0; i < count; i++)
		resp_simple(w, table[i].name);
}

void
run_subcommand(const struct subcommand *table, size_t count, struct server *server,
	       struct call *call, struct resp_writer *w)
{
	for (size_t i = 0; i < count; i++) {
		const struct subcommand *sub = &table[i];
		if (!span_is(call->argv[1], sub->name))
			continue;
		if (sub->arity > 0 ? (int64_t)call->argc != sub->arity
				   : (int64_t)call->argc < -(int64_t)sub->arity)
			resp_errorf(w, "ERR wrong number of arguments for '%s|%s' command",
				    call->command->name, sub->name);
		else
			sub->run(server, call, w);
		return;
	}
	if (span_is(call->argv[1], "help") && call->argc == 2)
		reply_help(table, count, call, w);
	else if (span_is(call->argv[1], "help"))
		resp_errorf(w, "ERR wrong number of arguments for '%s|help' command",
			    call->command->name);
	else
		reply_unknown_subcommand(w, call);
}

bool
take_expiry(struct server *server, const struct call *call, struct span word, unsigned form,
	    uint64_t *expire_ms, struct resp_writer *w)
{
	int64_t value;
	if (!take_integer(word, &value, w))
		return false;
	bool overflow = (form & EXPIRY_SECONDS) && __builtin_mul_overflow(value, 1000, &value);
	if ((form & EXPIRY_ABSOLUTE) == 0 && !overflow)
		overflow = __builtin_add_overflow(value, (int64_t)server->unix_ms, &value);
	if (overflow) {
		resp_errorf(w, "ERR invalid expire time in '%s' command", call->command->name);
		return false;
	}
	*expire_ms = (uint64_t)value;
	return true;
}
