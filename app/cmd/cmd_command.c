/* app/cmd/cmd_command.c - COMMAND: the table, as clients want to read it. */
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"

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
