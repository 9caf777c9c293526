/* app/cmd/config_rewrite.c - CONFIG REWRITE: the old file's comments and order stay, its directives get their present values, and what
 * differs from the defaults and was not there is appended.
 */
#include <string.h>
#include <strings.h>

#include "app/cmd/config.h"

#define SEEN_MAX 512 /* more than there are directives */

struct output {
	char *at;
	size_t size, len;
};

static void
put(struct output *o, const char *bytes, size_t len)
{
	if (len > 0 && o->len + len <= o->size)
		memcpy(o->at + o->len, bytes, len);
	o->len += len;
}

/* Quoted, so that one word is one word whatever is in it. */
static void
put_value(struct output *o, const char *value)
{
	put(o, "\"", 1);
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char hex[4] = {'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
		if (c == '"' || c == '\\')
			put(o, (char[]){'\\', (char)c}, 2);
		else if (c < ' ' || c == 127)
			put(o, hex, sizeof(hex));
		else
			put(o, value, 1);
	}
	put(o, "\"\n", 2);
}

static void
put_directive(struct output *o, const char *name, const char *value)
{
	put(o, name, strlen(name));
	put(o, " ", 1);
	put_value(o, value);
}

/* The directive a line sets: its place in config_next()'s order, 0: none. */
static size_t
directive_of(const struct config *config, const char *line, size_t len, const char **name,
	     char value[CONFIG_VALUE_MAX])
{
	size_t from = 0, word;
	while (from < len && strchr(" \t\r\"'", line[from]) != NULL)
		from++;
	word = from;
	while (word < len && strchr(" \t\r\"'", line[word]) == NULL)
		word++;
	if (word == from || line[from] == '#')
		return 0;
	for (size_t at = 0; (at = config_next(config, SPAN("*"), at, name, value)) != 0;)
		if (strlen(*name) == word - from &&
		    strncasecmp(*name, line + from, word - from) == 0)
			return at;
	return 0;
}

static void
put_changed(const struct config *config, const bool *seen, struct output *o)
{
	struct config defaults;
	const char *name, *same;
	char value[CONFIG_VALUE_MAX], initial[CONFIG_VALUE_MAX];
	if (!config_init(&defaults))
		return;
	for (size_t at = 0, next; (next = config_next(config, SPAN("*"), at, &name, value)) != 0;
	     at = next) {
		config_next(&defaults, SPAN("*"), at, &same, initial);
		if (!seen[next] && strcmp(value, initial) != 0)
			put_directive(o, name, value);
	}
	config_free(&defaults);
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
config_rewrite(const struct config *config, const char *old, size_t old_len, char *at, size_t size)
{
	struct output o = {at, size, 0};
	bool seen[SEEN_MAX] = {false};
	const char *end = old + old_len, *name;
	char value[CONFIG_VALUE_MAX];
	while (old < end) {
		const char *stop = memchr(old, '\n', (size_t)(end - old));
		size_t len = (size_t)((stop != NULL ? stop : end) - old);
		size_t directive = directive_of(config, old, len, &name, value);
		if (directive == 0) {
			put(&o, old, len);
			put(&o, "\n", 1);
		} else if (!seen[directive]) {
			put_directive(&o, name, value);
			seen[directive] = true;
		}
		old += len + 1;
	}
	put_changed(config, seen, &o);
	return o.len;
}
