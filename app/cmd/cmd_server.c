/* app/cmd/cmd_server.c - the server as seen by its operator: COMMAND, CONFIG, INFO, TIME, SHUTDOWN, DEBUG. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"

#define INFO_MAX ((size_t)32 * 1024)

/* ---- COMMAND ---- */

static void
reply_words(const char *words, struct resp_writer *w)
{
	size_t count = words[0] != '\0';
	for (const char *p = words; *p != '\0'; p++)
		count += *p == ' ';
	resp_set(w, count);
	while (*words != '\0') {
		size_t len = strcspn(words, " ");
		char word[32];
		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		resp_simple(w, word);
		words += len + (words[len] == ' ');
	}
}

static void
reply_command_row(const struct command *c, struct resp_writer *w)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{COMMAND_WRITE,            "write"           },
		{COMMAND_READONLY,         "readonly"        },
		{COMMAND_DENYOOM,          "denyoom"         },
		{COMMAND_ADMIN,            "admin"           },
		{COMMAND_NOSCRIPT,         "noscript"        },
		{COMMAND_LOADING,          "loading"         },
		{COMMAND_STALE,            "stale"           },
		{COMMAND_FAST,             "fast"            },
		{COMMAND_NO_MULTI,         "no_multi"        },
		{COMMAND_NO_AUTH,          "no_auth"         },
		{COMMAND_ALLOW_BUSY,       "allow_busy"      },
		{COMMAND_ASKING,           "asking"          },
		{COMMAND_NO_ASYNC_LOADING, "no_async_loading"}
        };
	/* A container has neither keys nor the flags that go with them: its subcommands have. */
	unsigned hidden = COMMAND_READONLY | COMMAND_LOADING | COMMAND_STALE;
	bool shows_keys = (c->flags & COMMAND_CONTAINER) == 0;
	unsigned flags = shows_keys ? c->flags : c->flags & ~(unsigned)hidden;
	size_t count = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		count += (flags & names[i].flag) != 0;
	resp_array(w, 10);
	resp_bulk_text(w, c->name);
	resp_integer(w, c->arity);
	resp_set(w, count);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			resp_simple(w, names[i].name);
	resp_integer(w, shows_keys ? c->first_key : 0);
	resp_integer(w, shows_keys ? c->last_key : 0);
	resp_integer(w, shows_keys ? c->key_step : 0);
	reply_words(c->categories, w);
	for (unsigned i = 0; i < 3; i++) /* tips, key specifications, subcommands */
		resp_set(w, 0);
}

static void
command_getkeys(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct command *c = command_lookup(server, call->argv[2]);
	uint32_t argc = call->argc - 2;
	if (c == NULL) {
		resp_error(w, "ERR Invalid command specified");
		return;
	}
	if (c->first_key == 0) {
		resp_error(w, "ERR The command has no key arguments");
		return;
	}
	if ((c->arity > 0 && argc != (uint32_t)c->arity) || (int64_t)argc < -(int64_t)c->arity) {
		resp_error(w, "ERR Invalid number of arguments specified for command");
		return;
	}
	uint32_t last = c->last_key < 0 ? argc - 1 : (uint32_t)c->last_key;
	uint32_t step = (uint32_t)c->key_step, first = (uint32_t)c->first_key;
	resp_array(w, (last - first) / step + 1);
	for (uint32_t i = first; i <= last; i += step)
		resp_bulk(w, call->argv[2 + i]);
}

static void
command_count_rows(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_integer(w, command_count);
}

static void
command_list(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (call->argc > 2) { /* FILTERBY is not there yet */
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	resp_array(w, command_count);
	for (unsigned i = 0; i < command_count; i++)
		resp_bulk_text(w, command_table[i].name);
}

static void
command_rows(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_array(w, command_count);
	for (unsigned i = 0; i < command_count; i++)
		reply_command_row(&command_table[i], w);
}

static void
command_info(struct server *server, struct call *call, struct resp_writer *w)
{
	if (call->argc == 2) {
		command_rows(server, call, w);
		return;
	}
	resp_array(w, call->argc - 2);
	for (uint32_t i = 2; i < call->argc; i++) {
		const struct command *c = command_lookup(server, call->argv[i]);
		if (c != NULL)
			reply_command_row(c, w);
		else
			resp_null(w);
	}
}

static void
command_docs(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_map(w, 0);
}

void
cmd_command(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"count",   command_count_rows, 2 },
                {"docs",    command_docs,       -2},
		{"getkeys", command_getkeys,    -4},
                {"info",    command_info,       -2},
		{"list",    command_list,       -2},
	};
	if (call->argc == 1)
		command_rows(server, call, w);
	else
		run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server,
			       call, w);
}

/* ---- CONFIG ---- */

/* Whether an earlier argument of CONFIG GET has shown this directive already. */
static bool
config_was_shown(struct server *server, struct call *call, uint32_t argument, const char *wanted)
{
	const char *name;
	char value[CONFIG_VALUE_MAX];
	for (uint32_t i = 2; i < argument; i++)
		for (size_t k = 0;
		     (k = config_next(&server->config, call->argv[i], k, &name, value)) != 0;)
			if (strcmp(name, wanted) == 0)
				return true;
	return false;
}

/* Shows what matches, once each, if w is not NULL; answers how many. A name without wildcards is shown as it was asked for. */
static size_t
config_get_pass(struct server *server, struct call *call, struct resp_writer *w)
{
	const char *name;
	char value[CONFIG_VALUE_MAX];
	size_t count = 0;
	for (uint32_t i = 2; i < call->argc; i++)
		for (size_t k = 0;
		     (k = config_next(&server->config, call->argv[i], k, &name, value)) != 0;) {
			if (config_was_shown(server, call, i, name))
				continue;
			count++;
			if (w == NULL)
				continue;
			if (span_is(call->argv[i], name))
				resp_bulk(w, call->argv[i]);
			else
				resp_bulk_text(w, name);
			resp_bulk_text(w, value);
		}
	return count;
}

static void
config_get(struct server *server, struct call *call, struct resp_writer *w)
{
	resp_map(w, config_get_pass(server, call, NULL)); /* the count comes first */
	config_get_pass(server, call, w);
}

static void
reply_config_set_failed(struct resp_writer *w, struct span name, const char *why)
{
	resp_errorf(w, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
		    (int)name.len, (const char *)name.at, why);
}

/* All names before any value. An unknown one counts more than what is wrong with those before it. */
static bool
config_set_names_hold(struct call *call, struct resp_writer *w)
{
	const char *own, *before, *why = NULL;
	struct span culprit = {NULL, 0};
	for (uint32_t i = 2; i < call->argc; i += 2) {
		struct span name = call->argv[i];
		enum config_result result = config_find(name, &own);
		if (result == CONFIG_UNKNOWN && why == NULL) {
			resp_errorf(w,
				    "ERR Unknown option or number of arguments for CONFIG SET - "
				    "'%.*s'",
				    (int)name.len, (const char *)name.at);
			return false;
		}
		if (why != NULL || result == CONFIG_UNKNOWN)
			continue;
		if (result == CONFIG_IMMUTABLE)
			why = "can't set immutable config";
		for (uint32_t k = 2; k < i && why == NULL; k += 2)
			if (config_find(call->argv[k], &before) == CONFIG_OK && before == own)
				why = "duplicate parameter";
		if (why != NULL)
			culprit = name;
	}
	if (why != NULL)
		reply_config_set_failed(w, culprit, why);
	return why == NULL;
}

/* Each member gets a copy of its own, the caller changed itself; all or nothing. */
static bool
config_take_everywhere(struct server *server, struct config *changed)
{
	struct config copies[SERVER_GROUP_MAX];
	const struct server_group *group = server->group;
	for (unsigned i = 0; i < group->count; i++)
		if (!config_copy(&copies[i], changed)) {
			while (i-- > 0)
				config_free(&copies[i]);
			config_free(changed);
			return false;
		}
	config_free(changed);
	for (unsigned i = 0; i < group->count; i++) {
		config_free(&group->members[i]->config);
		group->members[i]->config = copies[i];
	}
	server->wants |= SERVER_WANT_CONFIG_CHANGED;
	return true;
}

/* All or nothing: a copy is changed, then takes the place. */
static void
config_set_all(struct server *server, struct call *call, struct resp_writer *w)
{
	struct config changed;
	char value[CONFIG_VALUE_MAX], error[160];
	const char *name = NULL;
	if (call->argc % 2 != 0) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	if (!config_set_names_hold(call, w))
		return;
	if (!config_copy(&changed, &server->config)) {
		reply_out_of_memory(w);
		return;
	}
	for (uint32_t i = 2; i < call->argc; i += 2) {
		struct span v = call->argv[i + 1];
		enum config_result result = CONFIG_BAD_VALUE;
		config_find(call->argv[i], &name);
		snprintf(error, sizeof(error), "argument is too long");
		if (v.len < sizeof(value)) {
			snprintf(value, sizeof(value), "%.*s", (int)v.len, (const char *)v.at);
			result = config_set(&changed, name, value, false, error);
		}
		if (result == CONFIG_OK)
			continue;
		reply_config_set_failed(w, (struct span){(const uint8_t *)name, strlen(name)},
					error);
		config_free(&changed);
		return;
	}
	if (config_take_everywhere(server, &changed))
		resp_simple(w, "OK");
	else
		reply_out_of_memory(w);
}

static void
config_resetstat(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	for (unsigned i = 0; i < server->group->count; i++) {
		struct server *member = server->group->members[i];
		memset(&member->counters, 0, sizeof(member->counters));
		memset(member->calls, 0, command_count * sizeof(member->calls[0]));
	}
	resp_simple(w, "OK");
}

static void
config_rewrite_file(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_error(w, "ERR The server is running without a config file");
}

void
cmd_config(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"get",       config_get,          -3},
		{"resetstat", config_resetstat,    2 },
		{"rewrite",   config_rewrite_file, 2 },
		{"set",       config_set_all,      -4},
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}

/* ---- INFO ---- */

struct text {
	char *at;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	size_t room = t->size - t->len;
	int n = vsnprintf(t->at + t->len, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		t->len += (size_t)n;
}

static void
info_server(struct server *s, struct text *t)
{
	uint64_t uptime = (s->now_us - s->started_us) / 1000000;
	add(t, "redis_version:7.0.15\r\npollis_version:%s\r\nredis_mode:%s\r\n", s->version,
	    s->config.cluster_enabled ? "cluster" : "standalone");
	add(t, "arch_bits:64\r\nmultiplexing_api:dpdk\r\nrun_id:%s\r\ntcp_port:%u\r\n", s->run_id,
	    s->config.port);
	add(t, "server_time_usec:%lu\r\nuptime_in_seconds:%lu\r\nuptime_in_days:%lu\r\nhz:%u\r\n",
	    s->unix_ms * 1000, uptime, uptime / 86400, s->config.hz);
	add(t, "configured_hz:%u\r\nlru_clock:%lu\r\n", s->config.hz, s->unix_ms / 1000 & 0xffffff);
}

static void
info_clients(struct server *s, struct text *t)
{
	uint64_t clients = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		clients += s->group->members[i]->session_count;
	add(t, "connected_clients:%lu\r\ncluster_connections:0\r\nmaxclients:%u\r\n", clients,
	    s->config.maxclients);
	add(t, "blocked_clients:0\r\ntracking_clients:0\r\nclients_in_timeout_table:0\r\n");
}

static void
info_memory(struct server *s, struct text *t)
{
	size_t used = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		used += s->group->members[i]->allocator->used;
	add(t, "used_memory:%zu\r\nused_memory_human:%.2fM\r\nused_memory_dataset:%zu\r\n", used,
	    (double)used / (1 << 20), used);
	add(t, "maxmemory:%lu\r\nmaxmemory_human:%.2fM\r\nmaxmemory_policy:noeviction\r\n",
	    s->config.maxmemory, (double)s->config.maxmemory / (1 << 20));
	add(t, "mem_allocator:jemalloc\r\nlazyfree_pending_objects:0\r\n");
}

static void
info_persistence(struct server *s, struct text *t)
{
	(void)s;
	add(t, "loading:0\r\nasync_loading:0\r\nrdb_changes_since_last_save:0\r\n"
	       "rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:0\r\n"
	       "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n");
}

/* All fields are counts: the members' are added up word by word. */
static struct server_counters
group_counters(const struct server_group *group)
{
	struct server_counters sum = {0};
	uint64_t *to = (uint64_t *)&sum;
	for (unsigned i = 0; i < group->count; i++) {
		const uint64_t *from = (const uint64_t *)server_counters(group->members[i]);
		for (size_t k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += from[k];
	}
	return sum;
}

static void
info_stats(struct server *s, struct text *t)
{
	struct server_counters sum = group_counters(s->group), *c = &sum;
	add(t, "total_connections_received:%lu\r\ntotal_commands_processed:%lu\r\n", c->connections,
	    c->commands);
	add(t,
	    "instantaneous_ops_per_sec:0\r\ntotal_net_input_bytes:%lu\r\n"
	    "total_net_output_bytes:%lu\r\n",
	    c->net_in_bytes, c->net_out_bytes);
	add(t, "rejected_connections:%lu\r\nexpired_keys:%lu\r\nevicted_keys:%lu\r\n",
	    c->rejected_connections, c->expired_keys, c->evicted_keys);
	add(t, "keyspace_hits:%lu\r\nkeyspace_misses:%lu\r\ntotal_error_replies:%lu\r\n",
	    c->keyspace_hits, c->keyspace_misses, c->error_replies);
}

static void
info_replication(struct server *s, struct text *t)
{
	if (s->hooks.replicate != NULL)
		return; /* told by the node: hooks.info */
	add(t, "role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n");
}

static void
info_commandstats(struct server *s, struct text *t)
{
	for (unsigned i = 0; i < command_count; i++) {
		uint64_t calls = 0;
		for (unsigned m = 0; m < s->group->count; m++)
			calls += s->group->members[m]->calls[i];
		if (calls > 0)
			add(t,
			    "cmdstat_%s:calls=%lu,usec=0,usec_per_call=0.00,rejected_calls=0,"
			    "failed_calls=0\r\n",
			    command_table[i].name, calls);
	}
}

static void
info_cluster(struct server *s, struct text *t)
{
	add(t, "cluster_enabled:%d\r\n", s->config.cluster_enabled);
}

static void
info_keyspace(struct server *s, struct text *t)
{
	uint64_t keys = group_key_count(s->group), expires = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		expires += keyspace_expires_count(s->group->members[i]->keys);
	if (keys > 0)
		add(t, "db0:keys=%lu,expires=%lu,avg_ttl=0\r\n", keys, expires);
}

static void
info_nothing(struct server *s, struct text *t)
{
	(void)s, (void)t;
}

static const struct {
	const char *name, *title;
	void (*write)(struct server *s, struct text *t);
	bool on_request; /* not part of plain INFO */
} sections[] = {
	{"server",       "Server",       info_server,       false},
	{"clients",      "Clients",      info_clients,      false},
	{"memory",       "Memory",       info_memory,       false},
	{"persistence",  "Persistence",  info_persistence,  false},
	{"stats",        "Stats",        info_stats,        false},
	{"replication",  "Replication",  info_replication,  false},
	{"cpu",          "CPU",          info_nothing,      false},
	{"modules",      "Modules",      info_nothing,      false},
	{"commandstats", "Commandstats", info_commandstats, true },
	{"errorstats",   "Errorstats",   info_nothing,      false},
	{"cluster",      "Cluster",      info_cluster,      false},
	{"keyspace",     "Keyspace",     info_keyspace,     false},
	{"dpdk",         "Dpdk",         info_nothing,      false},
};

static bool
info_wanted(struct call *call, const char *name, bool on_request)
{
	if (call->argc == 1)
		return !on_request;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct span word = call->argv[i];
		if (span_is(word, name) || span_is(word, "all") || span_is(word, "everything") ||
		    (span_is(word, "default") && !on_request))
			return true;
	}
	return false;
}

void
cmd_info(struct server *server, struct call *call, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	struct text t = {.at = a->alloc(a, INFO_MAX), .size = INFO_MAX};
	if (t.at == NULL) {
		reply_out_of_memory(w);
		return;
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!info_wanted(call, sections[i].name, sections[i].on_request))
			continue;
		add(&t, "%s# %s\r\n", t.len > 0 ? "\r\n" : "", sections[i].title);
		sections[i].write(server, &t);
		if (server->hooks.info != NULL)
			t.len += server->hooks.info(server->hooks.owner, sections[i].name,
						    t.at + t.len, t.size - t.len);
	}
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)t.at, t.len});
	a->release(a, t.at, INFO_MAX);
}

/* ---- the rest ---- */

void
cmd_time(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	resp_array(w, 2);
	resp_bulk_integer(w, (int64_t)(server->unix_ms / 1000));
	resp_bulk_integer(w, (int64_t)(server->unix_ms % 1000 * 1000));
}

void
cmd_shutdown(struct server *server, struct call *call, struct resp_writer *w)
{
	bool abort = false, other = false;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct span word = call->argv[i];
		if (span_is(word, "abort")) {
			abort = true;
		} else if (span_is(word, "nosave") || span_is(word, "now") ||
			   span_is(word, "force")) {
			other = true;
		} else {
			resp_error(w, span_is(word, "save") ? "ERR snapshots are not there yet: "
							      "use SHUTDOWN NOSAVE"
							    : ERROR_SYNTAX);
			return;
		}
	}
	if (abort)
		resp_error(w, other ? ERROR_SYNTAX : "ERR No shutdown in progress.");
	else
		server->wants |= SERVER_WANT_SHUTDOWN; /* no reply: the connection closes */
}

void
cmd_debug(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t on;
	if (!server->config.enable_debug_command) {
		resp_error(
			w,
			"ERR DEBUG command not allowed. If the enable-debug-command option is set "
			"to \"local\", you can run it from a local connection, otherwise you "
			"need to set this option in the configuration file, and then restart "
			"the server.");
	} else if (span_is(call->argv[1], "set-active-expire") && call->argc == 3 &&
		   number_parse(call->argv[2].at, call->argv[2].len, &on)) {
		for (unsigned i = 0; i < server->group->count; i++)
			server->group->members[i]->active_expire = on != 0;
		resp_simple(w, "OK");
	} else {
		reply_unknown_subcommand(w, call);
	}
}
