/* tests/unit/app/cmd/test_config.c - directives: set, shown, refused; redis.conf texts and argument lists.
 *
 * Expected texts of Redis's own directives were asked of redis-server 7.0.15 (CONFIG SET, CONFIG GET).
 */
#include "app/cmd/config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"

#define ERROR_SIZE      160
#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define DIRECTIVES_MIN  190 /* Redis 7.0 has about that many */
#define A_LONG_TEXT_MAX (CONFIG_TEXT_MAX + 1)

static struct config
fresh(void)
{
	struct config config;
	ck_assert(config_init(&config));
	return config;
}

static struct span
span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* What CONFIG GET shows for a name without wildcards. */
static const char *
shown(const struct config *config, const char *name, char value[CONFIG_VALUE_MAX])
{
	const char *found = NULL;
	ck_assert_msg(config_next(config, span_of(name), 0, &found, value) != 0, "%s", name);
	ck_assert_str_eq(found, name);
	return value;
}

/* A refusal is one clear line. */
static void
check_error(enum config_result result, const char *error, const char *expected)
{
	if (result == CONFIG_OK)
		return;
	ck_assert_msg(strlen(error) > 0 && strchr(error, '\n') == NULL, "'%s'", error);
	ck_assert_msg(strstr(error, expected) != NULL, "'%s' without '%s'", error, expected);
}

struct set_case {
	const char *name, *value;
	enum config_result result;
	const char *text; /* shown afterwards, or part of the error */
};

static void
check_sets(const struct set_case *cases, size_t count, bool starting)
{
	for (size_t i = 0; i < count; i++) {
		const struct set_case *c = &cases[i];
		struct config config = fresh();
		char error[ERROR_SIZE], before[CONFIG_VALUE_MAX], value[CONFIG_VALUE_MAX];
		if (c->result != CONFIG_UNKNOWN)
			shown(&config, c->name, before);
		enum config_result result = config_set(&config, c->name, c->value, starting, error);
		ck_assert_msg(result == c->result, "%s %s: %d: %s", c->name, c->value, result,
			      error);
		check_error(result, error, c->text);
		if (result == CONFIG_OK)
			ck_assert_str_eq(shown(&config, c->name, value), c->text);
		else if (result != CONFIG_UNKNOWN)
			ck_assert_str_eq(shown(&config, c->name, value), before);
		config_free(&config);
	}
}

START_TEST(numbers_and_words_are_taken_in_range_only)
{
	static const struct set_case cases[] = {
		{"port",                    "1",                    CONFIG_OK,        "1"                              },
		{"port",                    "65535",                CONFIG_OK,        "65535"                          },
		{"port",                    "0",                    CONFIG_BAD_VALUE, "between 1 and 65535"            },
		{"port",                    "65536",                CONFIG_BAD_VALUE, "between 1 and 65535"            },
		{"port",                    "x",                    CONFIG_BAD_VALUE, "parsed into an integer"         },
		{"port",                    "",                     CONFIG_BAD_VALUE, "parsed into an integer"         },
		{"port",                    "6379x",                CONFIG_BAD_VALUE, "parsed into an integer"         },
		{"port",                    "99999999999999999999", CONFIG_BAD_VALUE, "parsed into an integer"         },
		{"timeout",                 "2147483647",           CONFIG_OK,        "2147483647"                     },
		{"timeout",                 "2147483648",           CONFIG_BAD_VALUE, "between 0 and 2147483647"       },
		{"timeout",                 "-1",                   CONFIG_BAD_VALUE, "between 0"                      },
		{"slowlog-log-slower-than", "-1",                   CONFIG_OK,        "-1"                             },
		{"slowlog-log-slower-than", "-2",                   CONFIG_BAD_VALUE, "between -1"                     },
		{"protected-mode",          "no",                   CONFIG_OK,        "no"                             },
		{"protected-mode",          "YES",                  CONFIG_OK,        "yes"                            },
		{"protected-mode",          "1",                    CONFIG_BAD_VALUE, "argument must be 'yes' or 'no'" },
		{"loglevel",                "debug",                CONFIG_OK,        "debug"                          },
		{"loglevel",                "loud",                 CONFIG_BAD_VALUE, "debug, verbose, notice, warning"},
		{"idle-mode",               "busy",                 CONFIG_OK,        "busy"                           },
		{"idle-mode",               "lazy",                 CONFIG_BAD_VALUE, "'busy' or 'adaptive'"           },
	};
	check_sets(cases, COUNT(cases), true);
	/* Names are found without regard to case. */
	struct config config = fresh();
	char error[ERROR_SIZE];
	ck_assert_int_eq(config_set(&config, "PORT", "7000", true, error), CONFIG_OK);
	ck_assert_uint_eq(config.port, 7000);
	config_free(&config);
}
END_TEST

START_TEST(memory_has_the_units_of_redis)
{
	static const struct set_case cases[] = {
		{"maxmemory",          "0",                    CONFIG_OK,        "0"                              },
		{"maxmemory",          "100",                  CONFIG_OK,        "100"                            },
		{"maxmemory",          "100b",                 CONFIG_OK,        "100"                            },
		{"maxmemory",          "1k",                   CONFIG_OK,        "1000"                           },
		{"maxmemory",          "1kb",                  CONFIG_OK,        "1024"                           },
		{"maxmemory",          "1m",                   CONFIG_OK,        "1000000"                        },
		{"maxmemory",          "1mb",                  CONFIG_OK,        "1048576"                        },
		{"maxmemory",          "1g",                   CONFIG_OK,        "1000000000"                     },
		{"maxmemory",          "2GB",                  CONFIG_OK,        "2147483648"                     },
		{"maxmemory",          "1tb",                  CONFIG_BAD_VALUE, "argument must be a memory value"},
		{"maxmemory",          "-1",                   CONFIG_BAD_VALUE, "argument must be a memory value"},
		{"maxmemory",          "1 mb",                 CONFIG_BAD_VALUE, "argument must be a memory value"},
		{"maxmemory",          "9223372036854775807",  CONFIG_OK,        "9223372036854775807"            },
		{"maxmemory",          "9223372036854775807k", CONFIG_BAD_VALUE, "memory value"                   },
		{"proto-max-bulk-len", "1mb",                  CONFIG_OK,        "1048576"                        },
		{"proto-max-bulk-len", "1048575",              CONFIG_BAD_VALUE, "between 1048576"                },
	};
	check_sets(cases, COUNT(cases), true);
}
END_TEST

START_TEST(addresses_are_four_octets_and_a_prefix)
{
	static const struct set_case cases[] = {
		{"ip",      "10.77.0.2/24",     CONFIG_OK,        "10.77.0.2/24"    },
		{"ip",      "192.168.255.1/1",  CONFIG_OK,        "192.168.255.1/1" },
		{"ip",      "192.168.255.1/30", CONFIG_OK,        "192.168.255.1/30"},
		{"ip",      "192.168.255.1/31", CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "192.168.255.1/0",  CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0.2",        CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0/24",       CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0.256/24",   CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0.2.3/24",   CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77..2/24",      CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0.-2/24",    CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "10.77.0.2/x",      CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "/24",              CONFIG_BAD_VALUE, "prefix"          },
		{"ip",      "fe80::1/64",       CONFIG_BAD_VALUE, "prefix"          },
		{"gateway", "10.77.0.1",        CONFIG_OK,        "10.77.0.1"       },
		{"gateway", "",                 CONFIG_OK,        ""                },
		{"gateway", "10.77.0.1/24",     CONFIG_BAD_VALUE, "address"         },
		{"gateway", "router",           CONFIG_BAD_VALUE, "address"         },
	};
	check_sets(cases, COUNT(cases), true);
}
END_TEST

#define LIMITS(hard) "normal " hard " 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"

START_TEST(output_limits_are_read_in_groups_of_four)
{
	static const struct set_case cases[] = {
		{"client-output-buffer-limit", "normal 1mb 0 0",              CONFIG_OK,        LIMITS("1048576")},
		{"client-output-buffer-limit", "pubsub 1 1 1",                CONFIG_OK,        LIMITS("0")      },
		{"client-output-buffer-limit", "replica 1 1 1 normal 7 0 0 ", CONFIG_OK,
		 LIMITS("7")										     },
		{"client-output-buffer-limit", "normal 1mb 0",                CONFIG_BAD_VALUE,
		 "Wrong number of arguments"								     },
		{"client-output-buffer-limit", "normal 1mb 0 -1",             CONFIG_BAD_VALUE, "Wrong"          },
		{"client-output-buffer-limit", "normal x 0 0",                CONFIG_BAD_VALUE, "Wrong"          },
		{"client-output-buffer-limit", "master 1 1 1",                CONFIG_BAD_VALUE,
		 "Invalid client class"									  },
	};
	check_sets(cases, COUNT(cases), false);
}
END_TEST

START_TEST(what_is_not_there_is_refused_and_its_harmless_value_is_not)
{
	static const struct set_case cases[] = {
		{"appendonly",    "yes",    CONFIG_REFUSED, "appendonly is not there yet"      },
		{"appendonly",    "no",     CONFIG_OK,      "no"                               },
		{"tls-port",      "7000",   CONFIG_REFUSED, "TLS is not there yet"             },
		{"tls-port",      "0",      CONFIG_OK,      "0"                                },
		{"unixsocket",    "/tmp/s", CONFIG_REFUSED, "no kernel socket"                 },
		{"aclfile",       "users",  CONFIG_REFUSED, "ACL files"                        },
		{"daemonize",     "yes",    CONFIG_REFUSED, "foreground"                       },
		{"no-such-thing", "1",      CONFIG_UNKNOWN, "unknown directive 'no-such-thing'"},
		{"",              "1",      CONFIG_UNKNOWN, "unknown directive ''"             },
	};
	check_sets(cases, COUNT(cases), true);
}
END_TEST

START_TEST(what_is_fixed_at_start_cannot_be_set_later)
{
	static const struct set_case cases[] = {
		{"port",           "7000",        CONFIG_IMMUTABLE, "can't set immutable config"},
		{"ip",             "10.0.0.1/24", CONFIG_IMMUTABLE, "immutable"                 },
		{"idle-mode",      "busy",        CONFIG_IMMUTABLE, "immutable"                 },
		{"profile",        "ice",         CONFIG_IMMUTABLE, "immutable"                 },
		{"tcp-backlog",    "5",           CONFIG_IMMUTABLE, "immutable"                 }, /* one that is only stored */
		{"maxmemory",      "1mb",         CONFIG_OK,        "1048576"                   },
		{"lfu-log-factor", "7",           CONFIG_OK,        "7"                         }, /* one that is only stored */
	};
	check_sets(cases, COUNT(cases), false);
}
END_TEST

START_TEST(texts_are_taken_up_to_their_limit)
{
	static const char *const names[] = {"requirepass", "masterauth"}; /* live; only stored */
	char text[A_LONG_TEXT_MAX], error[ERROR_SIZE], value[CONFIG_VALUE_MAX];
	for (size_t i = 0; i < COUNT(names); i++) {
		struct config config = fresh();
		memset(text, 'x', sizeof(text));
		text[CONFIG_TEXT_MAX - 1] = '\0';
		ck_assert_int_eq(config_set(&config, names[i], text, false, error), CONFIG_OK);
		ck_assert_str_eq(shown(&config, names[i], value), text);
		text[CONFIG_TEXT_MAX - 1] = 'x';
		text[CONFIG_TEXT_MAX] = '\0';
		ck_assert_int_eq(config_set(&config, names[i], text, false, error),
				 CONFIG_BAD_VALUE);
		ck_assert_str_eq(error, "argument is too long");
		ck_assert_uint_eq(strlen(shown(&config, names[i], value)), CONFIG_TEXT_MAX - 1);
		config_free(&config);
	}
}
END_TEST

START_TEST(every_directive_takes_what_it_shows)
{
	struct config config = fresh();
	const char *name, *other;
	char value[CONFIG_VALUE_MAX], again[CONFIG_VALUE_MAX], error[ERROR_SIZE];
	size_t count = 0;
	for (size_t at = 0; (at = config_next(&config, SPAN("*"), at, &name, value)) != 0;
	     count++) {
		ck_assert_msg(config_set(&config, name, value, true, error) == CONFIG_OK,
			      "%s '%s': %s", name, value, error);
		ck_assert_str_eq(shown(&config, name, again), value);
		/* No name twice, whatever its case. */
		size_t first = config_next(&config, span_of(name), 0, &other, again);
		ck_assert_uint_eq(config_next(&config, span_of(name), first, &other, again), 0);
	}
	ck_assert_uint_gt(count, DIRECTIVES_MIN);
	config_free(&config);
}
END_TEST

START_TEST(a_copy_changes_alone)
{
	struct config one = fresh(), two;
	char error[ERROR_SIZE], value[CONFIG_VALUE_MAX];
	ck_assert(config_copy(&two, &one));
	ck_assert_int_eq(config_set(&two, "maxmemory", "7mb", false, error), CONFIG_OK);
	ck_assert_int_eq(config_set(&two, "masteruser", "me", false, error), CONFIG_OK);
	ck_assert_str_eq(shown(&one, "maxmemory", value), "0");
	ck_assert_str_eq(shown(&one, "masteruser", value), "");
	config_free(&one);
	ck_assert_str_eq(shown(&two, "masteruser", value), "me");
	config_free(&two);
}
END_TEST

/* ---- redis.conf ---- */

struct text_case {
	const char *text;
	enum config_result result;
	int line; /* where it failed */
	const char *name, *expected;
};

/* Parsed from a heap block of exactly its size. */
static void
check_text(const struct text_case *c)
{
	struct config config = fresh();
	char error[ERROR_SIZE] = "", value[CONFIG_VALUE_MAX];
	size_t len = strlen(c->text);
	char *copy = malloc(len + (len == 0));
	int line = 0;
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, c->text, len);
	enum config_result result = config_parse(&config, copy, len, &line, error);
	free(copy);
	ck_assert_msg(result == c->result, "%s: %d: %s", c->text, result, error);
	check_error(result, error, c->expected);
	if (result == CONFIG_OK)
		ck_assert_str_eq(shown(&config, c->name, value), c->expected);
	else
		ck_assert_int_eq(line, c->line);
	config_free(&config);
}

START_TEST(a_text_is_read_line_by_line)
{
	static const struct text_case cases[] = {
		{"",					  CONFIG_OK,        0, "port",        "6379"             },
		{"port 7000",				 CONFIG_OK,        0, "port",        "7000"             },
		{"port 7000\n",                               CONFIG_OK,        0, "port",        "7000"             },
		{"port 7000\r\n",                             CONFIG_OK,        0, "port",        "7000"             },
		{"# port 1\n\n   \n\tport\t7000  \n",         CONFIG_OK,        0, "port",        "7000"             },
		{"port 1\nport 2\n",                          CONFIG_OK,        0, "port",        "2"                },
		{"requirepass \"a b\"\n",                     CONFIG_OK,        0, "requirepass", "a b"              },
		{"requirepass 'a b'\n",                       CONFIG_OK,        0, "requirepass", "a b"              },
		{"requirepass \"\"\n",                        CONFIG_OK,        0, "requirepass", ""                 },
		{"requirepass \"\\x41\\n\\t\\\"\\\\\\q\"",    CONFIG_OK,        0, "requirepass",
		 "A\n\t\"\\q"											},
		{"requirepass a#b",                           CONFIG_OK,        0, "requirepass", "a#b"              },
		{"latency-tracking-info-percentiles 1  2\t3", CONFIG_OK,        0,
		 "latency-tracking-info-percentiles",                                             "1 2 3"            },
		{"\n\nport x\n",                              CONFIG_BAD_VALUE, 3, NULL,          "integer"          },
		{"port 1\nnothing 2\nport x\n",               CONFIG_UNKNOWN,   2, NULL,          "'nothing'"        },
		{"appendonly yes",                            CONFIG_REFUSED,   1, NULL,          "appendonly"       },
		{"requirepass \"a",                           CONFIG_BAD_VALUE, 1, NULL,          "unbalanced quotes"},
		{"requirepass 'a",                            CONFIG_BAD_VALUE, 1, NULL,          "unbalanced quotes"},
		{"requirepass \"a\\",                         CONFIG_BAD_VALUE, 1, NULL,          "unbalanced quotes"},
		{"requirepass \"\\x00\"",                     CONFIG_BAD_VALUE, 1, NULL,          "unbalanced quotes"},
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		check_text(&cases[i]);
}
END_TEST

START_TEST(a_line_may_be_as_long_as_a_value)
{
	char text[CONFIG_VALUE_MAX + 32] = "requirepass ";
	size_t head = strlen(text);
	memset(text + head, 'x', CONFIG_TEXT_MAX - 1);
	check_text(&(struct text_case){text, CONFIG_OK, 0, "requirepass", text + head});
	memset(text + head, 'x', CONFIG_VALUE_MAX);
	check_text(&(struct text_case){text, CONFIG_BAD_VALUE, 1, NULL, "too long"});
}
END_TEST

/* ---- arguments ---- */

START_TEST(arguments_are_names_and_the_words_behind_them)
{
	static const struct {
		char *argv[6];
		int argc;
		enum config_result result;
		const char *name, *expected;
	} cases[] = {
		{{"--port", "7000"},                                2, CONFIG_OK,        "port", "7000"                            },
		{{"--port", "1", "--port", "2"},                    4, CONFIG_OK,        "port", "2"                               },
		{{"--save", "", "--port", "7000"},                  4, CONFIG_OK,        "port", "7000"                            },
		{{"--slowlog-log-slower-than", "-1"},
		 2,						    CONFIG_OK,
		 "slowlog-log-slower-than",						      "-1"			      },
		{{"--latency-tracking-info-percentiles", "1", "2"},
		 3,						    CONFIG_OK,
		 "latency-tracking-info-percentiles",					    "1 2"			     },
		{{"port", "7000"},                                  2, CONFIG_UNKNOWN,   NULL,   "'port': options are --name value"},
		{{"--port"},					1, CONFIG_BAD_VALUE, NULL,   "--port: "                        },
		{{"--nothing", "1"},                                2, CONFIG_UNKNOWN,   NULL,   "unknown directive 'nothing'"     },
		{{"--tls-port", "1"},                               2, CONFIG_REFUSED,   NULL,   "--tls-port: TLS"                 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config config = fresh();
		char error[ERROR_SIZE], value[CONFIG_VALUE_MAX];
		enum config_result result =
			config_parse_args(&config, cases[i].argc, cases[i].argv, error);
		ck_assert_msg(result == cases[i].result, "case %zu: %d", i, result);
		check_error(result, error, cases[i].expected);
		if (result == CONFIG_OK)
			ck_assert_str_eq(shown(&config, cases[i].name, value), cases[i].expected);
		config_free(&config);
	}
}
END_TEST

START_TEST(a_start_needs_an_address_and_a_gateway_in_its_network)
{
	static const struct {
		const char *text;
		enum config_result result;
		const char *expected;
	} cases[] = {
		{"port 1",			   CONFIG_BAD_VALUE, "ip is missing"    },
		{"ip 10.0.0.2/24",                   CONFIG_OK,        ""                 },
		{"ip 10.0.0.2/24\ngateway 10.0.0.1", CONFIG_OK,        ""                 },
		{"ip 10.0.0.2/24\ngateway 10.0.1.1", CONFIG_BAD_VALUE, "gateway is not in"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct config config = fresh();
		char error[ERROR_SIZE] = "";
		int line;
		ck_assert_int_eq(
			config_parse(&config, cases[i].text, strlen(cases[i].text), &line, error),
			CONFIG_OK);
		enum config_result result = config_check_start(&config, error);
		ck_assert_int_eq(result, cases[i].result);
		check_error(result, error, cases[i].expected);
		config_free(&config);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"config", numbers_and_words_are_taken_in_range_only, memory_has_the_units_of_redis,
		addresses_are_four_octets_and_a_prefix, output_limits_are_read_in_groups_of_four,
		what_is_not_there_is_refused_and_its_harmless_value_is_not,
		what_is_fixed_at_start_cannot_be_set_later, texts_are_taken_up_to_their_limit,
		every_directive_takes_what_it_shows, a_copy_changes_alone,
		a_text_is_read_line_by_line, a_line_may_be_as_long_as_a_value,
		arguments_are_names_and_the_words_behind_them,
		a_start_needs_an_address_and_a_gateway_in_its_network);
}
