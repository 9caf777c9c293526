/* app/cmd/cmd_command.c - COMMAND: the table, as clients want to read it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/cmd/command.h"
#include "app/cmd/command_facts.h"
#include "proto/base/glob.h"

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
reply_key_flags(unsigned flags, struct resp_writer *w)
{
	static const char *const names[] = {
		"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "variable_flags"};
	resp_set(w, (size_t)__builtin_popcount(flags));
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & 1u << i)
			resp_simple(w, names[i]);
}

static void
reply_tips(const struct command_facts *facts, struct resp_writer *w)
{
	const char *tip = facts != NULL ? facts->tips : "";
	size_t count = tip[0] != '\0';
	for (const char *p = tip; *p != '\0'; p++)
		count += *p == ' ';
	resp_set(w, count);
	while (*tip != '\0') {
		size_t len = strcspn(tip, " ");
		resp_bulk(w, (struct span){(const uint8_t *)tip, len});
		tip += len + (tip[len] == ' ');
	}
}

static size_t
spec_count(const struct command_facts *facts)
{
	size_t count = 0;
	while (facts != NULL && count < KEY_SPECS_MAX && facts->specs[count].flags != 0)
		count++;
	return count;
}

static void
reply_search(const char *what, const char *type, size_t fields, struct resp_writer *w)
{
	resp_bulk_text(w, what);
	resp_map(w, 2);
	resp_bulk_text(w, "type");
	resp_bulk_text(w, type);
	resp_bulk_text(w, "spec");
	resp_map(w, fields);
}

static void
reply_field(const char *name, int64_t value, struct resp_writer *w)
{
	resp_bulk_text(w, name);
	resp_integer(w, value);
}

static void
reply_specs(const struct command_facts *facts, struct resp_writer *w)
{
	size_t count = spec_count(facts);
	resp_set(w, count);
	for (size_t i = 0; i < count; i++) {
		const struct key_spec *s = &facts->specs[i];
		resp_map(w, 3);
		resp_bulk_text(w, "flags");
		reply_key_flags(s->flags, w);
		reply_search("begin_search", "index", 1, w);
		reply_field("index", s->first, w);
		reply_search("find_keys", "range", 3, w);
		reply_field("lastkey", s->last, w);
		reply_field("keystep", s->step, w);
		reply_field("limit", 0, w);
	}
}

static void
reply_command_row(const struct command *c, struct resp_writer *w)
{
	const struct command_facts *facts = command_facts_of(c->name);
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
	reply_tips(facts, w);
	reply_specs(facts, w);
	resp_set(w, 0); /* subcommands are not told yet */
}

/* The command whose keys are asked for. NULL: the error has been written. */
static const struct command *
take_keyed_command(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct command *c = command_lookup(server, call->argv[2]);
	uint32_t argc = call->argc - 2;
	if (c == NULL)
		resp_error(w, "ERR Invalid command specified");
	else if (c->first_key == 0)
		resp_error(w, "ERR The command has no key arguments");
	else if ((c->arity > 0 && argc != (uint32_t)c->arity) || (int64_t)argc < -(int64_t)c->arity)
		resp_error(w, "ERR Invalid number of arguments specified for command");
	else
		return c;
	return NULL;
}

static void
command_getkeys(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct command *c = take_keyed_command(server, call, w);
	uint32_t argc = call->argc - 2;
	if (c == NULL)
		return;
	uint32_t last = c->last_key < 0 ? argc - 1 : (uint32_t)c->last_key;
	uint32_t step = (uint32_t)c->key_step, first = (uint32_t)c->first_key;
	resp_array(w, (last - first) / step + 1);
	for (uint32_t i = first; i <= last; i += step)
		resp_bulk(w, call->argv[2 + i]);
}

/* SET with GET reads, too. */
static unsigned
set_flags(const struct span *argv, uint32_t argc)
{
	for (uint32_t i = 3; i < argc; i++)
		if (span_is(argv[i], "get"))
			return KEY_RW | KEY_ACCESS | KEY_UPDATE;
	return KEY_OW | KEY_UPDATE;
}

/* BITFIELD that only gets writes nothing. What is no form of it counts as writing, as in Redis. */
static unsigned
bitfield_flags(const struct span *argv, uint32_t argc)
{
	for (uint32_t i = 2; i < argc;) {
		uint32_t more = argc - i - 1;
		if (span_is(argv[i], "get") && more >= 2)
			i += 3;
		else if (span_is(argv[i], "overflow") && more >= 1)
			i += 2;
		else
			return KEY_RW | KEY_ACCESS | KEY_UPDATE;
	}
	return KEY_RO | KEY_ACCESS;
}

static unsigned
flags_here(const struct command *c, const struct key_spec *s, const struct span *argv,
	   uint32_t argc)
{
	if ((s->flags & KEY_VARIABLE) == 0)
		return s->flags;
	return c->run == cmd_set ? set_flags(argv, argc) : bitfield_flags(argv, argc);
}

static uint32_t
last_of(const struct key_spec *s, uint32_t argc)
{
	return s->last < 0 ? argc - (uint32_t)-s->last : (uint32_t)(s->first + s->last);
}

static void
command_getkeysandflags(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct command *c = take_keyed_command(server, call, w);
	const struct span *argv = call->argv + 2;
	uint32_t argc = call->argc - 2;
	size_t count = 0;
	if (c == NULL)
		return;
	const struct command_facts *facts = command_facts_of(c->name);
	if (spec_count(facts) == 0) {
		resp_error(w, "ERR the key specifications of this command are not there yet");
		return;
	}
	for (size_t k = 0; k < spec_count(facts); k++)
		count += (last_of(&facts->specs[k], argc) - (uint32_t)facts->specs[k].first) /
				 (uint32_t)facts->specs[k].step +
			 1;
	resp_array(w, count);
	for (size_t k = 0; k < spec_count(facts); k++) {
		const struct key_spec *s = &facts->specs[k];
		for (uint32_t i = (uint32_t)s->first; i <= last_of(s, argc);
		     i += (uint32_t)s->step) {
			resp_array(w, 2);
			resp_bulk(w, argv[i]);
			reply_key_flags(flags_here(c, s, argv, argc), w);
		}
	}
}

static void
command_count_rows(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_integer(w, command_count);
}

static bool
has_category(const struct command *c, struct span category)
{
	for (const char *p = c->categories; *p != '\0';) {
		size_t len = strcspn(p, " ");
		if (len == category.len + 1 &&
		    strncasecmp(p + 1, (const char *)category.at, category.len) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

/* COMMAND LIST FILTERBY: by pattern of the name, or ACL category; there are no modules to have commands. */
static bool
is_listed(const struct command *c, struct call *call)
{
	if (call->argc == 2)
		return true;
	struct span name = {(const uint8_t *)c->name, strlen(c->name)};
	if (span_is(call->argv[3], "pattern"))
		return glob_match(call->argv[4], name, true);
	return span_is(call->argv[3], "aclcat") && has_category(c, call->argv[4]);
}

static void
command_list(struct server *server, struct call *call, struct resp_writer *w)
{
	size_t count = 0;
	(void)server;
	if (call->argc != 2 &&
	    (call->argc != 5 || !span_is(call->argv[2], "filterby") ||
	     !(span_is(call->argv[3], "pattern") || span_is(call->argv[3], "aclcat") ||
	       span_is(call->argv[3], "module")))) {
		resp_error(w, ERROR_SYNTAX);
		return;
	}
	for (unsigned i = 0; i < command_count; i++)
		count += is_listed(&command_table[i], call);
	resp_array(w, count);
	for (unsigned i = 0; i < command_count; i++)
		if (is_listed(&command_table[i], call))
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
reply_docs(const struct command *c, struct resp_writer *w)
{
	const struct command_facts *facts = command_facts_of(c->name);
	resp_bulk_text(w, c->name);
	resp_map(w, facts != NULL ? 3 : 0);
	if (facts == NULL)
		return;
	resp_bulk_text(w, "summary");
	resp_bulk_text(w, facts->summary);
	resp_bulk_text(w, "since");
	resp_bulk_text(w, facts->since);
	resp_bulk_text(w, "group");
	resp_bulk_text(w, facts->group);
}

/* Those that are not there are left out, as in Redis. */
static void
command_docs(struct server *server, struct call *call, struct resp_writer *w)
{
	size_t count = call->argc == 2 ? command_count : 0;
	for (uint32_t i = 2; i < call->argc; i++)
		count += command_lookup(server, call->argv[i]) != NULL;
	resp_map(w, count);
	for (unsigned i = 0; call->argc == 2 && i < command_count; i++)
		reply_docs(&command_table[i], w);
	for (uint32_t i = 2; i < call->argc; i++) {
		const struct command *c = command_lookup(server, call->argv[i]);
		if (c != NULL)
			reply_docs(c, w);
	}
}

void
cmd_command(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"count",           command_count_rows,      2 },
                {"docs",            command_docs,            -2},
		{"getkeys",         command_getkeys,         -4},
                {"getkeysandflags", command_getkeysandflags, -4},
		{"info",            command_info,            -2},
                {"list",            command_list,            -2},
	};
	if (call->argc == 1)
		command_rows(server, call, w);
	else
		run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server,
			       call, w);
}
