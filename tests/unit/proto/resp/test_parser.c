/* tests/unit/proto/resp/test_parser.c - requests.
 *
 * Every input is parsed from a heap block of exactly its size (a sanitizer sees one byte too far) and rendered as one line
 * of text, e.g. "ok 22 [GET][key]". The expected lines were taken from redis-server 7.0.15 with the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp/parser.h"
#include "tests/unit/runner.h"

#define ARGV_MAX   64
#define RENDER_MAX 4096
#define BULK_MAX   (512ul * 1024 * 1024)
#define LENGTH_MAX (RESP_INLINE_MAX + 64)

static const struct resp_limits usual = {.bulk_max = BULK_MAX};
static const struct resp_limits stranger = {.bulk_max = BULK_MAX, .unauthenticated = true};

/* ---- one attempt on a private copy ---- */

struct attempt {
	struct resp_parser parser;
	const struct resp_limits *limits;
	uint32_t argv_max;
	enum resp_status status;
	struct resp_command command;
	char text[RENDER_MAX];
};

static size_t
render_word(char *to, size_t at, struct span word)
{
	at += (size_t)snprintf(to + at, RENDER_MAX - at, "[");
	for (size_t i = 0; i < word.len && at < RENDER_MAX - 16; i++) {
		const char *form = word.at[i] >= ' ' && word.at[i] < 127 ? "%c" : "<%02x>";
		at += (size_t)snprintf(to + at, RENDER_MAX - at, form, word.at[i]);
	}
	return at + (size_t)snprintf(to + at, RENDER_MAX - at, "]");
}

static void
render(struct attempt *a, const struct span *argv)
{
	char reason[RESP_TEXT_MAX];
	size_t at = 0;
	switch (a->status) {
	case RESP_MORE:
		snprintf(a->text, RENDER_MAX, "more");
		return;
	case RESP_WIDE:
		snprintf(a->text, RENDER_MAX, "wide %u", a->command.argc);
		return;
	case RESP_OK:
		at = (size_t)snprintf(a->text, RENDER_MAX, "ok %zu ", a->command.size);
		for (uint32_t i = 0; i < a->command.argc; i++)
			at = render_word(a->text, at, argv[i]);
		return;
	case RESP_BAD_INLINE_TOO_BIG:
	case RESP_BAD_MBULK_TOO_BIG:
	case RESP_BAD_MBULK_LEN:
	case RESP_BAD_MBULK_UNAUTH:
	case RESP_BAD_BULK_TOO_BIG:
	case RESP_BAD_DOLLAR:
	case RESP_BAD_BULK_LEN:
	case RESP_BAD_BULK_UNAUTH:
	case RESP_BAD_QUOTES:
	case RESP_STATUS_COUNT:
		resp_status_text(&a->parser, a->status, reason);
		snprintf(a->text, RENDER_MAX, "%s", reason);
	}
}

/* The first len bytes, at an address of their own. */
static void
feed(struct attempt *a, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct span *argv = malloc(sizeof(*argv) * a->argv_max + (a->argv_max == 0));
	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(argv);
	memcpy(copy, bytes, len);
	a->status = resp_parse(&a->parser, a->limits, copy, len, argv, a->argv_max, &a->command);
	render(a, argv);
	free(argv);
	free(copy);
}

static struct attempt
attempt_of(const struct resp_limits *limits)
{
	return (struct attempt){.limits = limits, .argv_max = ARGV_MAX};
}

static struct attempt
feed_whole(const struct resp_limits *limits, struct span bytes)
{
	struct attempt a = attempt_of(limits);
	feed(&a, bytes.at, bytes.len);
	return a;
}

static bool
parser_is_at_start(const struct resp_parser *p)
{
	return p->position == 0 && p->scanned == 0 && p->argc == 0 && p->walked == 0 &&
	       !p->interrupted;
}

/* ---- tables ---- */

struct line {
	struct span input;
	const char *expected;
};

#define P(literal) SPAN(literal)

static const struct line commands[] = {
	{P("*1\r\n$4\r\nPING\r\n"),                                  "ok 14 [PING]"                 },
	{P("*2\r\n$3\r\nGET\r\n$16\r\n0123456789abcdef\r\n"),        "ok 36 [GET][0123456789abcdef]"},
	{P("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"),              "ok 26 [SET][k][]"             },
	{P("*1\r\n$0\r\n\r\n"),				      "ok 10 []"                     },
	{P("*0\r\nrest"),					    "ok 4 "                        },
	{P("*-1\r\nrest"),					   "ok 5 "                        },
	{P("*-5\r\n"),					       "ok 5 "                        },
	{P("*-9223372036854775808\r\n"),                             "ok 23 "                       },
	{P("*1\r\n$4\r\nPI\r\n\r\n"),                                "ok 14 [PI<0d><0a>]"           },
	{P("*2\r\n$4\r\nECHO\r\n$3\r\n\0\xff\n\r\n"),                "ok 23 [ECHO][<00><ff><0a>]"   },
 /* what follows a CR, or a bulk string, is passed over unseen */
	{P("*1\r\n$4\r\nPINGxx*1"),                                  "ok 14 [PING]"                 },
	{P("*1\rX$4\rXPINGYY"),				      "ok 14 [PING]"                 },
	{P("*1\r\n$4\r\nPINGxx$"),				   "ok 14 [PING]"                 },
	{P("*12\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$"
	   "1\r\n7\r\n"
	   "$1\r\n8\r\n$1\r\n9\r\n$1\r\na\r\n$1\r\nb\r\n"),
	 "ok 89 [0][1][2][3][4][5][6][7][8][9][a][b]"                                               },
};

static const struct line inlines[] = {
	{P("PING\r\n"),				      "ok 6 [PING]"               },
	{P("PING\nPING\n"),				  "ok 5 [PING]"               },
	{P("\r\n"),					  "ok 2 "                     },
	{P("\n"),					    "ok 1 "                     },
	{P("   \r\n"),				       "ok 5 "                     },
	{P("  set\tkey   value \r\n"),                       "ok 20 [set][key][value]"   },
	{P("ping\r\r\n"),				    "ok 7 [ping]"               },
	{P("echo a\rb\r\n"),				 "ok 10 [echo][a][b]"        },
	{P("echo a\vb\fc\r\n"),                              "ok 12 [echo][a<0b>b<0c>c]" },
	{P("echo \v\fa\r\n"),				"ok 10 [echo][a]"           },
	{P("echo \"\"\r\n"),				 "ok 9 [echo][]"             },
	{P("echo \"\" ''\r\n"),                              "ok 12 [echo][][]"          },
	{P("echo \"a b\" c\r\n"),                            "ok 14 [echo][a b][c]"      },
	{P("echo 'a b'\tc\r\n"),                             "ok 14 [echo][a b][c]"      },
	{P("echo a\"b c\"\r\n"),                             "ok 13 [echo][ab c]"        },
	{P("echo a'b c'\r\n"),			       "ok 13 [echo][ab c]"        },
	{P("echo \"a\"\v\r\n"),                              "ok 11 [echo][a]"           },
	{P("echo \"a\\x41\\n\\r\\t\\b\\a\\\"\\q\\\\\"\r\n"),
	 "ok 30 [echo][aA<0a><0d><09><08><07>\"q\\]"                                     },
	{P("echo \"\\xAf\\x0F\\xfa\"\r\n"),                  "ok 21 [echo][<af><0f><fa>]"},
	{P("echo \"\\x4\"\r\n"),                             "ok 12 [echo][x4]"          },
	{P("echo \"\\xzz\" \"\\x4g\"\r\n"),                  "ok 20 [echo][xzz][x4g]"    },
	{P("echo '\\x41\\n' '\\'\\''\r\n"),                  "ok 22 [echo][\\x41\\n]['']"},
	{P("echo 'a\"b' \"a'b\"\r\n"),                       "ok 18 [echo][a\"b][a'b]"   },
	{P("echo \\x41 a\\\r\n"),                            "ok 14 [echo][\\x41][a\\]"  },
	{P("$4\r\n"),					"ok 4 [$4]"                 },
	{P("echo \xa0 \x85\r\n"),                            "ok 10 [echo][<a0>][<85>]"  },
 /* Redis stops at the zero byte and waits for 64 KB */
	{P("a\0b c\r\n"),				    "ok 7 [a<00>b][c]"          },
};

static const struct line errors[] = {
	{P("*\r\n"),				   "Protocol error: invalid multibulk length"    },
	{P("*x\r\n"),				  "Protocol error: invalid multibulk length"    },
	{P("*+1\r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("*01\r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("*00\r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("*-\r\n"),				  "Protocol error: invalid multibulk length"    },
	{P("*-0\r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("*1 \r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("* 1\r\n"),				 "Protocol error: invalid multibulk length"    },
	{P("*2\n\r\n"),				"Protocol error: invalid multibulk length"    },
	{P("*2147483648\r\n"),                         "Protocol error: invalid multibulk length"    },
	{P("*4294967297\r\n"),                         "Protocol error: invalid multibulk length"    },
	{P("*9223372036854775807\r\n"),                "Protocol error: invalid multibulk length"    },
	{P("*9223372036854775808\r\n"),                "Protocol error: invalid multibulk length"    },
	{P("*-9223372036854775809\r\n"),               "Protocol error: invalid multibulk length"    },
	{P("*18446744073709551617\r\n"),               "Protocol error: invalid multibulk length"    },
	{P("*1\r\n$\r\n"),			     "Protocol error: invalid bulk length"         },
	{P("*1\r\n$-1\r\n"),                           "Protocol error: invalid bulk length"         },
	{P("*1\r\n$a\r\n"),			    "Protocol error: invalid bulk length"         },
	{P("*1\r\n$+4\r\nPING\r\n"),                   "Protocol error: invalid bulk length"         },
	{P("*1\r\n$04\r\nPING\r\n"),                   "Protocol error: invalid bulk length"         },
	{P("*1\r\n$04\r\nPING and more"),              "Protocol error: invalid bulk length"         },
	{P("*1\r\n$4 \r\nPING\r\n"),                   "Protocol error: invalid bulk length"         },
	{P("*1\r\n$1:\r\n0123456789\r\n"),             "Protocol error: invalid bulk length"         },
	{P("*1\r\n$536870913\r\n"),                    "Protocol error: invalid bulk length"         },
	{P("*1\r\n$4294967300\r\nPING\r\n"),           "Protocol error: invalid bulk length"         },
	{P("*1\r\n$18446744073709551620\r\nPING\r\n"), "Protocol error: invalid bulk length"         },
	{P("*2\r\n$1\r\na\r\n$-1\r\n"),                "Protocol error: invalid bulk length"         },
	{P("*1\r\nx4\r\n"),			    "Protocol error: expected '$', got 'x'"       },
	{P("*1\r\n\"\r\n"),			    "Protocol error: expected '$', got '\"'"      },
	{P("*1\r\n\x80\r\n"),                          "Protocol error: expected '$', got '\x80'"    },
	{P("*1\r\n\r\n"),			      "Protocol error: expected '$', got '\r'"      },
	{P("*1\r\n\0\r\n"),			    "Protocol error: expected '$', got ' '"       },
	{P("*2\r\n$1\r\na\r\n:1\r\n"),                 "Protocol error: expected '$', got ':'"       },
	{P("*2\r\n$1\r\nabcd$1\r\nb\r\n"),             "Protocol error: expected '$', got 'd'"       },
	{P("echo \"a\r\n"),			    "Protocol error: unbalanced quotes in request"},
	{P("echo 'a\r\n"),			     "Protocol error: unbalanced quotes in request"},
	{P("echo \"a\"b\r\n"),                         "Protocol error: unbalanced quotes in request"},
	{P("echo 'a'b\r\n"),                           "Protocol error: unbalanced quotes in request"},
	{P("echo \"a\"\"b\"\r\n"),                     "Protocol error: unbalanced quotes in request"},
	{P("echo \"a\\\r\n"),                          "Protocol error: unbalanced quotes in request"},
	{P("echo 'a\\'\r\n"),                          "Protocol error: unbalanced quotes in request"},
	{P("echo \"\r\n"),			     "Protocol error: unbalanced quotes in request"},
	{P("\"\n"),				    "Protocol error: unbalanced quotes in request"},
};

static const struct {
	const struct line *lines;
	size_t count;
} tables[] = {
	{commands, sizeof(commands) / sizeof(commands[0])},
	{inlines,  sizeof(inlines) / sizeof(inlines[0])  },
	{errors,   sizeof(errors) / sizeof(errors[0])    },
};

typedef void (*check_line)(const struct line *line);

static void
for_each_line(check_line check)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (size_t i = 0; i < tables[t].count; i++)
			check(&tables[t].lines[i]);
}

/* ---- whole, cut, byte by byte ---- */

static void
line_is_answered_whole(const struct line *line)
{
	struct attempt a = feed_whole(&usual, line->input);
	ck_assert_str_eq(a.text, line->expected);
	if (a.status == RESP_OK)
		ck_assert(parser_is_at_start(&a.parser));
}

/* Bytes before the last one that matters: no answer. Cut anywhere: the same answer as whole. */
static void
line_is_answered_cut(const struct line *line)
{
	for (size_t cut = 0; cut < line->input.len; cut++) {
		struct attempt a = attempt_of(&usual);
		feed(&a, line->input.at, cut);
		if (a.status == RESP_MORE) {
			ck_assert_uint_le(a.command.want, line->input.len);
			feed(&a, line->input.at, line->input.len);
		}
		ck_assert_msg(strcmp(a.text, line->expected) == 0, "cut at %zu: '%s', not '%s'",
			      cut, a.text, line->expected);
	}
}

static void
line_is_answered_in_bytes(const struct line *line)
{
	struct attempt a = attempt_of(&usual);
	size_t len = 0;
	do
		feed(&a, line->input.at, len);
	while (a.status == RESP_MORE && ++len <= line->input.len);
	ck_assert_str_eq(a.text, line->expected);
	if (a.status == RESP_OK) {
		ck_assert_uint_eq(a.command.size, len);
		ck_assert(parser_is_at_start(&a.parser));
	}
}

START_TEST(requests_are_answered_as_redis_does)
{
	for_each_line(line_is_answered_whole);
}
END_TEST

START_TEST(a_request_cut_anywhere_gives_the_same_answer)
{
	for_each_line(line_is_answered_cut);
}
END_TEST

START_TEST(a_request_in_single_bytes_ends_at_its_last_byte)
{
	for_each_line(line_is_answered_in_bytes);
}
END_TEST

START_TEST(no_bytes_are_no_request)
{
	ck_assert_str_eq(feed_whole(&usual, P("")).text, "more");
}
END_TEST

/* ---- want ---- */

START_TEST(want_tells_where_a_bulk_string_ends)
{
	static const struct {
		struct span input;
		size_t want;
	} lines[] = {
		{P("*2\r\n$3\r\n"),                   13                    },
		{P("*2\r\n$3\r\nGET"),                13                    },
		{P("*2\r\n$3\r\nGET\r"),              13                    },
		{P("*2\r\n$3\r\nGET\r\n"),            0                     },
		{P("*2\r\n$3\r\nGET\r\n$1"),          0                     },
		{P("*2\r\n$3\r\nGET\r\n$100\r\nabc"), 13 + 6 + 100 + 2      },
		{P("*1\r\n$536870912\r\n"),           4 + 12 + 536870912 + 2},
		{P("*2147483647\r\n"),                0                     },
		{P("PIN"),			    0                     },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct attempt a = feed_whole(&usual, lines[i].input);
		ck_assert_int_eq(a.status, RESP_MORE);
		ck_assert_uint_eq(a.command.want, lines[i].want);
	}
}
END_TEST

/* ---- limits ---- */

START_TEST(bulk_limit_is_kept_to_the_byte)
{
	static const struct resp_limits small = {.bulk_max = 5};
	ck_assert_str_eq(feed_whole(&small, P("*1\r\n$5\r\n12345\r\n")).text, "ok 15 [12345]");
	ck_assert_str_eq(feed_whole(&small, P("*1\r\n$6\r\n123456\r\n")).text,
			 "Protocol error: invalid bulk length");
	ck_assert_str_eq(feed_whole(&usual, P("*1\r\n$536870912\r\n")).text, "more");
	ck_assert_str_eq(feed_whole(&usual, P("*1\r\n$536870913\r\n")).text,
			 "Protocol error: invalid bulk length");
	static const struct resp_limits most = {.bulk_max = INT64_MAX};
	struct attempt a = feed_whole(&most, P("*1\r\n$9223372036854775807\r\nabc"));
	ck_assert_str_eq(a.text, "more");
	ck_assert_uint_eq(a.command.want, 4 + 22 + (uint64_t)INT64_MAX + 2);
}
END_TEST

START_TEST(argument_count_limit_is_kept_to_the_number)
{
	ck_assert_str_eq(feed_whole(&usual, P("*2147483647\r\n$1\r\na\r\n")).text, "more");
	ck_assert_str_eq(feed_whole(&usual, P("*2147483648\r\n")).text,
			 "Protocol error: invalid multibulk length");
}
END_TEST

START_TEST(strangers_get_ten_arguments_of_16_kb)
{
	static const struct line lines[] = {
		{P("*10\r\n"),                          "more"					    },
		{P("*11\r\n"),                          "Protocol error: unauthenticated multibulk length"},
		{P("*11\r\n$3\r\nabcdefgh"),            "Protocol error: unauthenticated multibulk length"},
		{P("*2147483648\r\n"),                  "Protocol error: invalid multibulk length"        },
		{P("*1\r\n$16384\r\n"),                 "more"                                            },
		{P("*1\r\n$16385\r\n"),                 "Protocol error: unauthenticated bulk length"     },
		{P("*1\r\n$16385\r\n0123456789"),       "Protocol error: unauthenticated bulk length"     },
		{P("*1\r\n$536870913\r\n"),             "Protocol error: invalid bulk length"             },
		{P("ping 1 2 3 4 5 6 7 8 9 10 11\r\n"),
		 "ok 30 [ping][1][2][3][4][5][6][7][8][9][10][11]"                                        },
		{P("*-1\r\n"),                          "ok 5 "					   },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_str_eq(feed_whole(&stranger, lines[i].input).text, lines[i].expected);
}
END_TEST

/* Without the zero. */
static void
put(uint8_t *to, const char *text)
{
	while (*text != '\0')
		*to++ = (uint8_t)*text++;
}

/* head, then filler up to len bytes, then tail, both whole and in pieces of step bytes. */
static void
long_line_is_answered(const char *head, size_t len, const char *tail, const char *expected)
{
	static const size_t steps[] = {LENGTH_MAX, 1, 7, 16384};
	size_t size = len + strlen(tail);
	uint8_t *bytes = malloc(size);
	ck_assert_ptr_nonnull(bytes);
	memset(bytes, '1', size);
	put(bytes, head);
	put(bytes + len, tail);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct attempt a = attempt_of(&usual);
		struct span argv[ARGV_MAX];
		for (size_t at = 0; at < size;) {
			at = size - at < steps[s] ? size : at + steps[s];
			a.status = resp_parse(&a.parser, &usual, bytes, at, argv, ARGV_MAX,
					      &a.command);
			if (a.status != RESP_MORE)
				break;
		}
		a.command.argc = 0; /* 64 KB are too long to print */
		render(&a, argv);
		ck_assert_msg(strcmp(a.text, expected) == 0, "%s... of %zu by %zu: %s", head, size,
			      steps[s], a.text);
	}
	free(bytes);
}

START_TEST(lines_of_64_kb_are_taken_and_longer_ones_refused)
{
	static const struct {
		const char *head;
		size_t len;
		const char *tail, *expected;
	} lines[] = {
		{"a",       RESP_INLINE_MAX,     "",     "more"                                      },
		{"a",       RESP_INLINE_MAX + 1, "",     "Protocol error: too big inline request"    },
		{"a",       RESP_INLINE_MAX,     "\n",   "ok 65537 "                                 },
		{"a",       RESP_INLINE_MAX - 1, "\r\n", "ok 65537 "                                 },
		{"a",       RESP_INLINE_MAX + 1, "\n",   "Protocol error: too big inline request"    },
		{"*",       RESP_INLINE_MAX,     "",     "more"                                      },
		{"*",       RESP_INLINE_MAX + 1, "",     "Protocol error: too big mbulk count string"},
		{"*",       RESP_INLINE_MAX,     "\r",   "more"                                      },
		{"*",       RESP_INLINE_MAX,     "\r\n", "Protocol error: invalid multibulk length"  },
		{"*",       RESP_INLINE_MAX + 1, "\r\n", "Protocol error: too big mbulk count string"},
		{"*1\r\n$", 4 + RESP_INLINE_MAX, "",     "more"                                      },
		{"*1\r\n$", 5 + RESP_INLINE_MAX, "",     "Protocol error: too big bulk count string" },
		{"*1\r\n$", 4 + RESP_INLINE_MAX, "\r",   "more"                                      },
		{"*1\r\n$", 4 + RESP_INLINE_MAX, "\r\n", "Protocol error: invalid bulk length"       },
		{"*1\r\n$", 5 + RESP_INLINE_MAX, "\r\n",
		 "Protocol error: too big bulk count string"                                         },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		long_line_is_answered(lines[i].head, lines[i].len, lines[i].tail,
				      lines[i].expected);
}
END_TEST

/* ---- wide ---- */

static void
wide_then_ok(struct span input, size_t cut, uint32_t argc, const char *expected)
{
	struct attempt a = attempt_of(&usual);
	char text[32];
	a.argv_max = argc - 1;
	snprintf(text, sizeof(text), "wide %u", argc);
	if (cut > 0) {
		feed(&a, input.at, cut);
		ck_assert_str_eq(a.text, "more");
	}
	feed(&a, input.at, input.len);
	ck_assert_str_eq(a.text, text);
	ck_assert(parser_is_at_start(&a.parser));
	a.argv_max = argc;
	feed(&a, input.at, input.len);
	ck_assert_str_eq(a.text, expected);
}

START_TEST(a_wide_command_is_taken_at_the_second_call)
{
	struct span array = P("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
	struct span words = P("a \"b\\x20\" 'c'\r\n");
	for (size_t cut = 0; cut < array.len; cut++)
		wide_then_ok(array, cut, 3, "ok 25 [a][b][c]");
	for (size_t cut = 0; cut < words.len; cut++)
		wide_then_ok(words, cut, 3, "ok 15 [a][b ][c]");
	wide_then_ok(P("*1\r\n$1\r\na\r\n"), 0, 1, "ok 11 [a]");
}
END_TEST

START_TEST(a_wide_command_leaves_an_inline_command_untouched)
{
	uint8_t bytes[] = "a 'b' \"c\"\r\n";
	struct resp_parser parser = {0};
	struct resp_command command;
	struct span argv[3];
	ck_assert_int_eq(resp_parse(&parser, &usual, bytes, sizeof(bytes) - 1, argv, 2, &command),
			 RESP_WIDE);
	ck_assert_str_eq((char *)bytes, "a 'b' \"c\"\r\n");
}
END_TEST

/* ---- progress ---- */

START_TEST(a_bulk_string_is_never_looked_at)
{
	/* announced and wanted, but of no consequence until the last byte: position stays at its header */
	struct attempt a = attempt_of(&usual);
	struct span input = P("*2\r\n$3\r\nGET\r\n$5\r\n*\r\n\n$\r\n");
	for (size_t len = 17; len < input.len; len++) {
		feed(&a, input.at, len);
		ck_assert_int_eq(a.status, RESP_MORE);
		ck_assert_uint_eq(a.parser.position, 13);
		ck_assert_uint_eq(a.parser.walked, 1);
		ck_assert_uint_eq(a.command.want, input.len);
	}
	feed(&a, input.at, input.len);
	ck_assert_str_eq(a.text, "ok 24 [GET][*<0d><0a><0a>$]");
}
END_TEST

START_TEST(a_search_for_a_line_end_goes_on_where_it_stopped)
{
	struct attempt a = attempt_of(&usual);
	struct span input = P("*1\r\n$123456");
	for (size_t len = 5; len <= input.len; len++) {
		feed(&a, input.at, len);
		ck_assert_uint_eq(a.parser.position, 4);
		ck_assert_uint_eq(a.parser.scanned, len - 4);
	}
	a = attempt_of(&usual);
	feed(&a, P("echo").at, 4);
	ck_assert_uint_eq(a.parser.scanned, 4);
}
END_TEST

START_TEST(pipelined_commands_are_taken_one_by_one)
{
	static const char *const expected[] = {"ok 14 [PING]", "ok 6 [ping]", "ok 2 ", "ok 4 ",
					       "ok 23 [ECHO][abc]"};
	struct span rest =
		P("*1\r\n$4\r\nPING\r\nping\r\n\r\n*0\r\n*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n");
	struct attempt a = attempt_of(&usual);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		feed(&a, rest.at, rest.len);
		ck_assert_str_eq(a.text, expected[i]);
		rest.at += a.command.size;
		rest.len -= a.command.size;
	}
	ck_assert_uint_eq(rest.len, 0);
}
END_TEST

START_TEST(limits_that_shrink_in_the_middle_of_a_command_refuse_it)
{
	static const struct resp_limits small = {.bulk_max = 2};
	struct span input = P("*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
	struct attempt a = attempt_of(&usual);
	feed(&a, input.at, 14);
	a.limits = &small;
	feed(&a, input.at, input.len);
	ck_assert_str_eq(a.text, "Protocol error: invalid bulk length");
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"resp parser", requests_are_answered_as_redis_does,
		a_request_cut_anywhere_gives_the_same_answer,
		a_request_in_single_bytes_ends_at_its_last_byte, no_bytes_are_no_request,
		want_tells_where_a_bulk_string_ends, bulk_limit_is_kept_to_the_byte,
		argument_count_limit_is_kept_to_the_number, strangers_get_ten_arguments_of_16_kb,
		lines_of_64_kb_are_taken_and_longer_ones_refused,
		a_wide_command_is_taken_at_the_second_call,
		a_wide_command_leaves_an_inline_command_untouched, a_bulk_string_is_never_looked_at,
		a_search_for_a_line_end_goes_on_where_it_stopped,
		pipelined_commands_are_taken_one_by_one,
		limits_that_shrink_in_the_middle_of_a_command_refuse_it);
}
