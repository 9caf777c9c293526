/* app/cmd/cmd_server.c - the server as seen by its operator: CONFIG, TIME, SHUTDOWN, LOLWUT, SWAPDB, MOVE. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/memory.h"
#include "proto/base/number.h"

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
		memory_config_changed(group->members[i]);
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
		memset(member->stats, 0, command_count * sizeof(member->stats[0]));
		memset(member->histograms, 0, command_count * sizeof(member->histograms[0]));
		memset(member->errors, 0, sizeof(member->errors));
		memset(member->samples, 0, sizeof(member->samples));
		member->samples[0].at_us = member->samples[1].at_us = member->now_us;
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
			resp_error(w, span_is(word, "save") ? "ERR SHUTDOWN SAVE is not there yet: "
							      "BGSAVE, then SHUTDOWN NOSAVE"
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
cmd_bgsave(struct server *server, struct call *call, struct resp_writer *w)
{
	bool schedule = call->argc == 2 && span_is(call->argv[1], "schedule");
	const char *error = ERROR_SYNTAX;
	if (server->hooks.save == NULL)
		error = "ERR there is no disk here";
	else if (schedule || call->argc == 1)
		error = server->hooks.save(server->hooks.replication, &schedule);
	if (error != NULL)
		resp_error(w, error);
	else
		resp_simple(w,
			    schedule ? "Background saving scheduled" : "Background saving started");
}

void
cmd_save(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_error(w, "ERR SAVE is not there yet: use BGSAVE and LASTSAVE");
}

void
cmd_lastsave(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	uint64_t at_s =
		server->hooks.saved_at_s != NULL
			? server->hooks.saved_at_s(server->hooks.replication)
			: (server->unix_ms - (server->now_us - server->started_us) / 1000) / 1000;
	resp_integer(w, (int64_t)at_s);
}

void
cmd_lolwut(struct server *server, struct call *call, struct resp_writer *w)
{
	char text[64];
	(void)call;
	int len = snprintf(text, sizeof(text), "Pollis ver. %s\n", server->version);
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)text, (size_t)len});
}

/* There is one database: what would go to another is refused. */
void
cmd_move(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t db;
	if (server->group->slots != NULL)
		resp_error(w, "ERR MOVE is not allowed in cluster mode");
	else if (!take_integer(call->argv[2], &db, w))
		return;
	else if (db == 0)
		resp_error(w, "ERR source and destination objects are the same");
	else
		resp_error(w, "ERR DB index is out of range");
}

static bool
take_index(struct span word, int64_t *index)
{
	return number_parse(word.at, word.len, index) && *index >= INT_MIN && *index <= INT_MAX;
}

void
cmd_swapdb(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t first, second;
	if (server->group->slots != NULL)
		resp_error(w, "ERR SWAPDB is not allowed in cluster mode");
	else if (!take_index(call->argv[1], &first))
		resp_error(w, "ERR invalid first DB index");
	else if (!take_index(call->argv[2], &second))
		resp_error(w, "ERR invalid second DB index");
	else if (first != 0 || second != 0)
		resp_error(w, "ERR DB index is out of range");
	else
		resp_simple(w, "OK");
}
