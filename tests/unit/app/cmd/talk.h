/* tests/unit/app/cmd/talk.h - a server to talk to: a line of words goes in, the reply comes out as it would on the wire.
 *
 *     talk_open(&t, group, member)    its memory is counted and may be refused (limited.h)
 *     talk_line(&t, "SET k v")          -> "+OK\r\n"
 */
#pragma once
#include <check.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/server.h"
#include "tests/unit/app/store/limited.h"

#define TALK_REPLY_MAX 65536
#define TALK_ARGS_MAX  16
#define TALK_LINE_MAX  1024
#define TALK_UNIX_MS   1700000000000ull

struct talk {
	struct resp_writer writer; /* first: the sink finds the rest from it */
	struct limited memory;
	struct server *server;
	struct session session;
	struct call call; /* the last one */
	struct span argv[TALK_ARGS_MAX];
	char line[TALK_LINE_MAX];
	uint8_t reply[TALK_REPLY_MAX];
};

static inline bool
talk_room(struct resp_writer *w, size_t need)
{
	struct talk *t = (struct talk *)w;
	(void)need;
	if (w->at != NULL)
		return false;
	w->at = t->reply;
	w->end = t->reply + TALK_REPLY_MAX - 1;
	return true;
}

static inline void
talk_open(struct talk *t, struct server_group *group, unsigned member)
{
	static struct config config;
	struct server_options options = {
		.config = &config,
		.allocator = &t->memory.table,
		.unix_ms = TALK_UNIX_MS,
		.seed = member + 1,
		.hash_secret = "sixteen bytes ok",
		.version = "test",
		.group = group,
		.member = member,
	};
	memset(t, 0, sizeof(*t));
	limited_init(&t->memory);
	ck_assert(config_init(&config));
	t->server = server_create(&options);
	ck_assert_ptr_nonnull(t->server);
	config_free(&config);
	session_open(t->server, &t->session, "127.0.0.1:1", "127.0.0.1:2", 0);
}

static inline void
talk_close(struct talk *t)
{
	session_close(t->server, &t->session);
	server_destroy(t->server);
	ck_assert_uint_eq(t->memory.table.used, 0);
}

/* So many servers that are the members of one group. */
static inline void
talk_open_group(struct talk *members, struct server_group *group, unsigned count)
{
	*group = (struct server_group){.count = count};
	for (unsigned i = 0; i < count; i++)
		talk_open(&members[i], group, i);
}

static inline void
talk_close_group(struct talk *members, const struct server_group *group)
{
	for (unsigned i = 0; i < group->count; i++)
		talk_close(&members[i]);
}

/* Splits words into t->call, and identifies it. */
static inline void
talk_identify(struct talk *t, const char *words)
{
	uint32_t argc = 0;
	size_t len = strlen(words);
	ck_assert_uint_lt(len, TALK_LINE_MAX);
	memcpy(t->line, words, len + 1);
	for (char *word = t->line; *word != '\0';) {
		size_t n = strcspn(word, " ");
		ck_assert_uint_lt(argc, TALK_ARGS_MAX);
		t->argv[argc++] = (struct span){(const uint8_t *)word, n};
		word += n + strspn(word + n, " ");
	}
	t->call = (struct call){.session = &t->session, .argv = t->argv, .argc = argc};
	call_identify(t->server, &t->call);
}

static inline void
talk_writer(struct talk *t)
{
	static const struct resp_sink sink = {talk_room, NULL};
	t->writer = (struct resp_writer){.sink = &sink, .protocol = t->session.protocol};
}

static inline const char *
talk_reply(struct talk *t)
{
	ck_assert(!t->writer.failed);
	if (t->writer.at == NULL)
		return "";
	*t->writer.at = '\0';
	return (const char *)t->reply;
}

static inline const char *
talk_line(struct talk *t, const char *words)
{
	talk_identify(t, words);
	talk_writer(t);
	call_execute(t->server, &t->call, &t->writer);
	return talk_reply(t);
}
