/* tests/unit/app/cmd/desk.h - servers and one client without a network: words go in, the reply comes out as it would be sent.
 *
 *     struct desk *d = desk_open(2);                     two data lcores' servers, run by hand
 *     ck_assert_str_eq(say(d, "SET key value"), "+OK\r\n");
 *     desk_close(d);
 */
#pragma once
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/feed.h"

#define DESK_REPLY_MAX ((size_t)256 * 1024)
#define DESK_WORDS_MAX 32

struct desk {
	struct allocator allocator;
	struct server_group group;
	struct session session;
	uint64_t unix_ms, now_us;
	size_t reply_len;
	char reply[DESK_REPLY_MAX];
	uint8_t window[RESP_ROOM_MAX];
	struct config config;
};

struct desk_writer {
	struct resp_writer w; /* first */
	struct desk *desk;
};

static inline bool
desk_room(struct resp_writer *w, size_t need)
{
	struct desk *d = ((struct desk_writer *)w)->desk;
	(void)need;
	if (w->at != NULL) {
		size_t len = (size_t)(w->at - d->window);
		ck_assert_uint_lt(d->reply_len + len, DESK_REPLY_MAX);
		memcpy(d->reply + d->reply_len, d->window, len);
		d->reply_len += len;
	}
	w->at = d->window;
	w->end = d->window + sizeof(d->window);
	return true;
}

static inline struct desk *
desk_open(unsigned members)
{
	struct desk *d = calloc(1, sizeof(*d));
	ck_assert_ptr_nonnull(d);
	allocator_init_libc(&d->allocator);
	ck_assert(config_init(&d->config));
	d->config.enable_debug_command = 1;
	d->group.count = members;
	d->unix_ms = 1700000000000;
	d->now_us = 1000000;
	for (unsigned i = 0; i < members; i++) {
		struct server_options o = {.config = &d->config,
					   .allocator = &d->allocator,
					   .seed = i,
					   .unix_ms = d->unix_ms,
					   .now_us = d->now_us,
					   .version = "test",
					   .group = &d->group,
					   .member = i};
		ck_assert_ptr_nonnull(server_create(&o));
	}
	session_open(d->group.members[0], &d->session, "127.0.0.1:1", "127.0.0.1:2", 1000);
	return d;
}

static inline void
desk_close(struct desk *d)
{
	session_close(d->group.members[0], &d->session);
	for (unsigned i = 0; i < d->group.count; i++) {
		keyspace_check(d->group.members[i]->keys);
		server_destroy(d->group.members[i]);
	}
	config_free(&d->config);
	ck_assert_uint_eq(d->allocator.used, 0);
	free(d);
}

/* The reply, ended by a zero; its length is d->reply_len. Runs where the call's route says. */
static inline const char *
say_words(struct desk *d, const struct span *argv, uint32_t argc)
{
	static const struct resp_sink sink = {desk_room, NULL};
	struct desk_writer out = {
		.w = {.sink = &sink, .protocol = d->session.protocol},
                  .desk = d
        };
	struct call call = {.session = &d->session, .argv = argv, .argc = argc};
	d->reply_len = 0;
	d->now_us++;
	for (unsigned i = 0; i < d->group.count; i++)
		server_set_time(d->group.members[i], d->unix_ms, d->now_us);
	call_identify(d->group.members[0], &call);
	call_execute(d->group.members[call.route == ROUTE_MEMBER ? call.member : 0], &call, &out.w);
	desk_room(&out.w, 0);
	d->reply[d->reply_len] = '\0';
	return d->reply;
}

/* Words between single spaces; two spaces: an empty word. */
static inline const char *
say(struct desk *d, const char *text)
{
	struct span argv[DESK_WORDS_MAX];
	uint32_t argc = 0;
	for (;; text++) {
		size_t len = strcspn(text, " ");
		ck_assert_uint_lt(argc, DESK_WORDS_MAX);
		argv[argc++] = (struct span){(const uint8_t *)text, len};
		text += len;
		if (*text == '\0')
			return say_words(d, argv, argc);
	}
}
