/* app/cmd/slowlog.c - notes of slow commands, and SLOWLOG, which merges those of all lcores by time. */
#include "app/cmd/slowlog.h"

#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/assert.h"
#include "proto/base/number.h"

#define GET_DEFAULT   10
#define MORE_TEXT_MAX 64u /* "... (N more arguments)" */

void
slowlog_init(struct slowlog *log, unsigned member)
{
	*log = (struct slowlog){.next_id = member};
	TAILQ_INIT(&log->entries);
}

static void
drop_oldest(struct server *server)
{
	struct slowlog *log = &server->slowlog;
	struct slow_entry *oldest = TAILQ_LAST(&log->entries, slow_entries);
	TAILQ_REMOVE(&log->entries, oldest, link);
	log->count--;
	server->allocator->release(server->allocator, oldest, oldest->size);
}

/* ---- taking notes ---- */

struct words { /* what is kept of a call */
	struct span kept[SLOWLOG_ARGS_MAX];
	char more[SLOWLOG_ARGS_MAX][MORE_TEXT_MAX]; /* what is said of the rest of it */
	uint32_t count;
	size_t size;
};

static void
cut_words(const struct call *call, struct words *out)
{
	out->count = call->argc < SLOWLOG_ARGS_MAX ? call->argc : SLOWLOG_ARGS_MAX;
	out->size = 0;
	for (uint32_t i = 0; i < out->count; i++) {
		struct span word = call->argv[i];
		out->more[i][0] = '\0';
		if (i == SLOWLOG_ARGS_MAX - 1 && call->argc > SLOWLOG_ARGS_MAX) {
			word.len = 0;
			snprintf(out->more[i], MORE_TEXT_MAX, "... (%u more arguments)",
				 call->argc - SLOWLOG_ARGS_MAX + 1);
		} else if (word.len > SLOWLOG_WORD_MAX) {
			snprintf(out->more[i], MORE_TEXT_MAX, "... (%zu more bytes)",
				 word.len - SLOWLOG_WORD_MAX);
			word.len = SLOWLOG_WORD_MAX;
		}
		out->kept[i] = word;
		out->size += word.len + strlen(out->more[i]);
	}
}

static struct span
append(struct slow_entry *e, size_t *used, struct span bytes)
{
	uint8_t *at = e->bytes + *used;
	if (bytes.len > 0)
		memcpy(at, bytes.at, bytes.len);
	*used += bytes.len;
	return (struct span){at, bytes.len};
}

static struct span
text_span(const char *text)
{
	return (struct span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

void
slowlog_note(struct server *server, const struct call *call, uint64_t duration_us)
{
	struct slowlog *log = &server->slowlog;
	struct allocator *a = server->allocator;
	struct words words;
	size_t used = 0;
	/* Passwords are not kept. */
	if (call->command->run == cmd_auth || call->command->run == cmd_hello ||
	    call->command->run == cmd_config || server->config.slowlog_max_len == 0)
		return;
	cut_words(call, &words);
	struct span address = text_span(call->session->address);
	struct span name = text_span(call->session->name);
	size_t size = sizeof(struct slow_entry) + words.size + address.len + name.len;
	struct slow_entry *e = a->alloc(a, size);
	if (e == NULL)
		return;
	*e = (struct slow_entry){.id = log->next_id,
				 .at_us = server->now_us,
				 .unix_s = server->unix_ms / 1000,
				 .duration_us = duration_us,
				 .size = size,
				 .argc = words.count};
	for (uint32_t i = 0; i < words.count; i++) {
		e->argv[i] = append(e, &used, words.kept[i]);
		e->argv[i].len += append(e, &used, text_span(words.more[i])).len;
	}
	e->address = append(e, &used, address);
	e->name = append(e, &used, name);
	log->next_id += server->group->count;
	TAILQ_INSERT_HEAD(&log->entries, e, link);
	log->count++;
	while (log->count > (uint64_t)server->config.slowlog_max_len)
		drop_oldest(server);
}

void
slowlog_clear(struct server *server)
{
	while (server->slowlog.count > 0)
		drop_oldest(server);
}

/* ---- SLOWLOG ---- */

static void
reply_entry(const struct slow_entry *e, struct resp_writer *w)
{
	resp_array(w, 6);
	resp_integer(w, (int64_t)e->id);
	resp_integer(w, (int64_t)e->unix_s);
	resp_integer(w, (int64_t)e->duration_us);
	resp_array(w, e->argc);
	for (uint32_t i = 0; i < e->argc; i++)
		resp_bulk(w, e->argv[i]);
	resp_bulk(w, e->address);
	resp_bulk(w, e->name);
}

static uint64_t
entries_of_all(const struct server_group *group)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < group->count; i++)
		count += group->members[i]->slowlog.count;
	return count;
}

/* The newest that has not been taken yet; every member's list is in order. */
static const struct slow_entry *
take_newest(const struct slow_entry **heads, unsigned count)
{
	unsigned best = count;
	for (unsigned i = 0; i < count; i++)
		if (heads[i] != NULL &&
		    (best == count || heads[i]->at_us > heads[best]->at_us ||
		     (heads[i]->at_us == heads[best]->at_us && heads[i]->id > heads[best]->id)))
			best = i;
	ASSERT(best < count); /* the caller counted them */
	const struct slow_entry *e = heads[best];
	heads[best] = TAILQ_NEXT(e, link);
	return e;
}

static void
slowlog_get(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct server_group *group = server->group;
	const struct slow_entry *heads[SERVER_GROUP_MAX];
	uint64_t have = entries_of_all(group);
	int64_t wanted = GET_DEFAULT;
	if (call->argc > 3) {
		reply_subcommand_syntax(w, call);
		return;
	}
	if (call->argc == 3 &&
	    (!number_parse(call->argv[2].at, call->argv[2].len, &wanted) || wanted < -1)) {
		resp_error(w, "ERR count should be greater than or equal to -1");
		return;
	}
	if (wanted == -1 || (uint64_t)wanted > have)
		wanted = (int64_t)have;
	for (unsigned i = 0; i < group->count; i++)
		heads[i] = TAILQ_FIRST(&group->members[i]->slowlog.entries);
	resp_array(w, (size_t)wanted);
	while (wanted-- > 0)
		reply_entry(take_newest(heads, group->count), w);
}

static void
slowlog_len(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	resp_integer(w, (int64_t)entries_of_all(server->group));
}

static void
slowlog_reset(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	for (unsigned i = 0; i < server->group->count; i++)
		slowlog_clear(server->group->members[i]);
	resp_simple(w, "OK");
}

void
cmd_slowlog(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"get",   slowlog_get,   -2},
		{"len",   slowlog_len,   2 },
		{"reset", slowlog_reset, 2 },
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
