/* tests/unit/app/cmd/test_config_rewrite.c - CONFIG REWRITE keeps what people wrote, and what it writes reads the same. */
#include <stdlib.h>
#include <string.h>

#include "app/cmd/config.h"
#include "tests/unit/runner.h"

#define ERROR_SIZE   160
#define TEXT_MAX     8192
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct config
parsed(const char *text)
{
	struct config config;
	char error[ERROR_SIZE];
	int line;
	ck_assert(config_init(&config));
	ck_assert_msg(config_parse(&config, text, strlen(text), &line, error) == CONFIG_OK,
		      "line %d: %s", line, error);
	return config;
}

static void
set(struct config *config, const char *name, const char *value)
{
	char error[ERROR_SIZE];
	ck_assert_msg(config_set(config, name, value, true, error) == CONFIG_OK, "%s: %s", name,
		      error);
}

static char *
rewritten(const struct config *config, const char *old, char text[TEXT_MAX])
{
	size_t len = config_rewrite(config, old, strlen(old), text, TEXT_MAX - 1);
	ck_assert_uint_lt(len, TEXT_MAX);
	text[len] = '\0';
	return text;
}

START_TEST(comments_and_order_stay_and_values_change_in_place)
{
	static const struct {
		const char *old, *name, *value, *expected;
	} cases[] = {
		{"",			  "port",       "6379",          ""                                }, /* the default needs no line */
		{"",			  "port",       "7000",          "port \"7000\"\n"                 },
		{"# mine\n\nport 1\n# end\n", "port",       "7000",          "# mine\n\nport \"7000\"\n# end\n"},
		{"  PORT 1\n",                "port",       "2",             "port \"2\"\n"                    },
		{"port 1\nport 2\n",          "port",       "3",             "port \"3\"\n"                    }, /* once is enough */
		{"hz 7",                      "port",       "6379",          "hz \"10\"\n"                     }, /* back at its default, the line stays */
		{"# no newline",              "port",       "6379",          "# no newline\n"                  },
		{"port 6379\n",               "masterauth", "a \"b\"\\\x01",
		 "port \"6379\"\nmasterauth \"a \\\"b\\\"\\\\\\x01\"\n"                                        },
		{"save \"\"\n",               "port",       "6379",          "save \"\"\n"                     },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config config = parsed("");
		char text[TEXT_MAX];
		set(&config, cases[i].name, cases[i].value);
		ck_assert_str_eq(rewritten(&config, cases[i].old, text), cases[i].expected);
		config_free(&config);
	}
}
END_TEST

/* Some value other than the default that the directive takes; false: there is none. */
static bool
change(struct config *config, const char *name, const char *initial)
{
	static const char *const tries[] = {"yes",      "no",           "7",     "1048577",
					    "busy",     "10.1.2.3/20",  "debug", "a b\"\\\n",
					    "10.1.2.3", "normal 9 0 0", "any"};
	char error[ERROR_SIZE];
	for (size_t i = 0; i < COUNT(tries); i++)
		if (strcmp(tries[i], initial) != 0 &&
		    config_set(config, name, tries[i], true, error) == CONFIG_OK)
			return true;
	return false;
}

START_TEST(every_changed_directive_survives_a_rewrite)
{
	struct config config = parsed("");
	const char *name, *same;
	char value[CONFIG_VALUE_MAX], again[CONFIG_VALUE_MAX];
	size_t changed = 0, count = 0;
	for (size_t at = 0; (at = config_next(&config, SPAN("*"), at, &name, value)) != 0; count++)
		changed += change(&config, name, value);
	ck_assert_uint_gt(changed + 15, count); /* but for those that are refused */
	size_t size = config_rewrite(&config, "", 0, NULL, 0);
	char *text = malloc(size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(config_rewrite(&config, "", 0, text, size), size);
	text[size] = '\0';
	struct config read = parsed(text);
	for (size_t at = 0, next; (next = config_next(&config, SPAN("*"), at, &name, value)) != 0;
	     at = next) {
		config_next(&read, SPAN("*"), at, &same, again);
		ck_assert_msg(strcmp(value, again) == 0, "%s: '%s', read again '%s'", name, value,
			      again);
	}
	free(text);
	config_free(&read);
	config_free(&config);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_not_exceeded)
{
	static const char old[] = "# mine\nport 1\nhz 5";
	struct config config = parsed(old);
	size_t need = config_rewrite(&config, old, strlen(old), NULL, 0);
	for (size_t size = 0; size <= need; size++) {
		char *text = malloc(size + (size == 0));
		ck_assert_ptr_nonnull(text);
		ck_assert_uint_eq(config_rewrite(&config, old, strlen(old), text, size), need);
		free(text);
	}
	config_free(&config);
}
END_TEST

int
main(void)
{
	return RUN_CASES("config_rewrite", comments_and_order_stay_and_values_change_in_place,
			 every_changed_directive_survives_a_rewrite,
			 a_buffer_that_is_too_small_is_not_exceeded);
}
