/* tests/unit/proto/resp/test_reply.c - replies.
 *
 * Every input is read from heap blocks of exactly its size and rendered as one line: "simple OK." The dot stands where a whole reply is
 * complete, the pieces of a text are joined. Each input is then cut at every byte, and fed byte by byte: the line must be the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp/reply.h"
#include "proto/resp/writer.h"
#include "tests/unit/runner.h"

#define RENDER_MAX 8192
#define BIG        300000

static const struct reply_limits usual = {
	.bulk_max = 512u << 20, .line_max = 65536, .count_max = 1u << 20};
static const struct reply_limits tight = {.bulk_max = 5, .line_max = 5, .count_max = 2};

struct reading {
	struct reply_reader reader;
	const struct reply_limits *limits;
	enum reply_status status;
	size_t unread; /* behind the first complete reply, if stop is set */
	bool stop, stopped;
	bool in_text;
	char text[RENDER_MAX];
	size_t len;
	size_t text_at; /* where the text that is not complete began */
};

static const char *const kinds[REPLY_KIND_COUNT] = {
	[REPLY_SIMPLE] = "simple",       [REPLY_ERROR] = "error",
	[REPLY_BIG_NUMBER] = "bignum",   [REPLY_BULK] = "bulk",
	[REPLY_BULK_ERROR] = "bulkerr",  [REPLY_VERBATIM] = "verbatim",
	[REPLY_INTEGER] = "int",         [REPLY_NULL] = "null",
	[REPLY_BOOLEAN] = "bool",        [REPLY_DOUBLE] = "double",
	[REPLY_ARRAY] = "array",         [REPLY_SET] = "set",
	[REPLY_PUSH] = "push",           [REPLY_MAP] = "map",
	[REPLY_ATTRIBUTE] = "attribute",
};

static void
add(struct reading *a, const char *text, size_t len)
{
	ck_assert_uint_lt(a->len + len, RENDER_MAX);
	if (len > 0)
		memcpy(a->text + a->len, text, len);
	a->len += len;
	a->text[a->len] = '\0';
}

static void
render(struct reading *a, const struct reply_token *t)
{
	char head[64];
	ck_assert(t->first != a->in_text);
	if (t->first) {
		a->text_at = a->len;
		snprintf(head, sizeof(head), "%s%s%u:", a->len > 0 ? " " : "", kinds[t->kind],
			 t->depth);
		add(a, head, strlen(head));
	}
	if (t->kind > REPLY_VERBATIM && t->kind != REPLY_DOUBLE) {
		snprintf(head, sizeof(head), "%ld", (long)t->value);
		add(a, head, strlen(head));
	}
	add(a, (const char *)t->text.at, t->text.len);
	a->in_text = !t->last;
	if (t->done)
		add(a, ".", 1);
	ck_assert(!t->done || t->last);
	ck_assert(!t->done || reply_at_start(&a->reader));
}

/* bytes at an address of their own. */
static void
feed(struct reading *a, const char *bytes, size_t len)
{
	struct reply_token token;
	uint8_t *copy = malloc(len + (len == 0));
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	struct span in = {copy, len};
	while (!a->stopped) {
		a->status = reply_next(&a->reader, a->limits, &in, &token);
		ck_assert(in.at >= copy);
		ck_assert_ptr_eq(in.at + in.len, copy + len);
		if (a->status != REPLY_TOKEN)
			break;
		render(a, &token);
		a->stopped = a->stop && token.done;
	}
	a->unread = in.len;
	free(copy);
}

static void
finish(struct reading *a)
{
	if (a->in_text) { /* what was given out of an incomplete text depends on the cut */
		a->len = a->text_at;
		a->text[a->len] = '\0';
	}
}

static void
expect(const struct reply_limits *limits, const char *bytes, const char *expected,
       enum reply_status end)
{
	size_t len = strlen(bytes);
	for (size_t cut = 0; cut <= len; cut++) {
		struct reading a = {.limits = limits};
		feed(&a, bytes, cut);
		if (a.status == REPLY_MORE)
			feed(&a, bytes + cut, len - cut);
		finish(&a);
		ck_assert_int_eq(a.status, end != 0 ? end : REPLY_MORE);
		ck_assert_msg(strcmp(a.text, expected) == 0, "'%s' cut at %zu: '%s', not '%s'",
			      bytes, cut, a.text, expected);
	}
	struct reading one = {.limits = limits};
	for (size_t i = 0; i < len && (i == 0 || one.status == REPLY_MORE); i++)
		feed(&one, bytes + i, 1);
	finish(&one);
	ck_assert_int_eq(one.status, end != 0 ? end : REPLY_MORE);
	ck_assert_str_eq(one.text, expected);
}

struct row {
	const char *bytes;
	const char *expected;
	enum reply_status end; /* REPLY_TOKEN: what came is complete */
};

static void
expect_rows(const struct reply_limits *limits, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(limits, rows[i].bytes, rows[i].expected, rows[i].end);
}
#define EXPECT_ROWS(limits, rows) expect_rows(limits, rows, sizeof(rows) / sizeof((rows)[0]))

START_TEST(values_of_resp2_are_read)
{
	static const struct row rows[] = {
		{"+OK\r\n",                   "simple0:OK."               },
		{"+\r\n",                     "simple0:."                 },
		{"-ERR no\r\n",               "error0:ERR no."            },
		{":0\r\n",                    "int0:0."                   },
		{":-9223372036854775808\r\n", "int0:-9223372036854775808."},
		{":9223372036854775807\r\n",  "int0:9223372036854775807." },
		{"$5\r\nhello\r\n",           "bulk0:hello."              },
		{"$4\r\na\r\nb\r\n",          "bulk0:a\r\nb."             },
		{"$0\r\n\r\n",                "bulk0:."                   },
		{"$-1\r\n",                   "null0:0."                  },
		{"*-1\r\n",                   "null0:0."                  },
		{"*0\r\n",                    "array0:0."                 },
		{"*2\r\n$1\r\na\r\n:7\r\n",   "array0:2 bulk1:a int1:7."  },
		{"+a\r\n+b\r\n",              "simple0:a. simple0:b."     },
	};
	EXPECT_ROWS(&usual, rows);
}
END_TEST

START_TEST(values_of_resp3_are_read)
{
	static const struct row rows[] = {
		{"_\r\n",					     "null0:0."                         },
		{"#t\r\n",					    "bool0:1."                         },
		{"#f\r\n",					    "bool0:0."                         },
		{",3.14\r\n",					 "double0:3.14."                    },
		{",10\r\n",					   "double0:10."                      },
		{",-1.7976931348623157e+308\r\n",                     "double0:-1.7976931348623157e+308."},
		{",inf\r\n",					  "double0:inf."                     },
		{",-inf\r\n",					 "double0:-inf."                    },
		{",nan\r\n",					  "double0:nan."                     },
		{"(-3492890328409238509324850943850943825024385\r\n",
		 "bignum0:-3492890328409238509324850943850943825024385."                                 },
		{"!8\r\nERR a\r\nb\r\n",                              "bulkerr0:ERR a\r\nb."             },
		{"=8\r\ntxt:a\r\nb\r\n",                              "verbatim0:txt:a\r\nb."            },
		{"~1\r\n+a\r\n",				      "set0:1 simple1:a."                },
		{">1\r\n+a\r\n",				      "push0:1 simple1:a."               },
		{"%1\r\n+a\r\n:1\r\n",                                "map0:1 simple1:a int1:1."         },
		{"%0\r\n",					    "map0:0."                          },
	};
	EXPECT_ROWS(&usual, rows);
}
END_TEST

START_TEST(an_aggregate_ends_with_its_last_element)
{
	static const struct row rows[] = {
		{"*2\r\n*1\r\n+a\r\n*0\r\n:1\r\n",                    "array0:2 array1:1 simple2:a array1:0. int0:1."},
		{"*1\r\n*1\r\n*1\r\n_\r\n_\r\n",                      "array0:1 array1:1 array2:1 null3:0. null0:0." },
		{"%2\r\n+a\r\n%1\r\n:1\r\n:2\r\n+b\r\n*1\r\n$-1\r\n",
		 "map0:2 simple1:a map1:1 int2:1 int2:2 simple1:b array1:1 null2:0."                                 },
	};
	EXPECT_ROWS(&usual, rows);
}
END_TEST

START_TEST(an_attribute_is_no_element)
{
	static const struct row rows[] = {
		{"|1\r\n+ttl\r\n:9\r\n+a\r\n",                             "attribute0:1 simple1:ttl int1:9 simple0:a."},
		{"|0\r\n+a\r\n",					   "attribute0:0 simple0:a."                   },
		{"*2\r\n|1\r\n+k\r\n*1\r\n:1\r\n:5\r\n|0\r\n:6\r\n:7\r\n",
		 "array0:2 attribute1:1 simple2:k array2:1 int3:1 int1:5 attribute1:0 int1:6. "
		 "int0:7."											     },
	};
	EXPECT_ROWS(&usual, rows);
}
END_TEST

START_TEST(what_is_no_reply_is_refused_by_name)
{
	static const struct row rows[] = {
		{"x",			"",                    REPLY_BAD_TYPE      },
		{"\r\n",                     "",                    REPLY_BAD_TYPE      },
		{":\r\n",                    "",                    REPLY_BAD_NUMBER    },
		{":+1\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{":9223372036854775808\r\n", "",                    REPLY_BAD_NUMBER    },
		{"$-2\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{"$01\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{"!-1\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{"*-2\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{"~-1\r\n",                  "",                    REPLY_BAD_NUMBER    },
		{"*a\r\n",                   "",                    REPLY_BAD_NUMBER    },
		{",\r\n",                    "",                    REPLY_BAD_DOUBLE    },
		{",1.\r\n",                  "",                    REPLY_BAD_DOUBLE    },
		{",.5\r\n",                  "",                    REPLY_BAD_DOUBLE    },
		{",1e\r\n",                  "",                    REPLY_BAD_DOUBLE    },
		{",1e+\r\n",                 "",                    REPLY_BAD_DOUBLE    },
		{",infinity\r\n",            "",                    REPLY_BAD_DOUBLE    },
		{"#\r\n",                    "",                    REPLY_BAD_BOOLEAN   },
		{"#x\r\n",                   "",                    REPLY_BAD_BOOLEAN   },
		{"#tt\r\n",                  "",                    REPLY_BAD_BOOLEAN   },
		{"_a\r\n",                   "",                    REPLY_BAD_NULL      },
		{"(1-\r\n",                  "",                    REPLY_BAD_BIG_NUMBER},
		{"(a\r\n",                   "",                    REPLY_BAD_BIG_NUMBER},
		{"+a\n",                     "",                    REPLY_BAD_LINE_END  },
		{"+a\rb",                    "",                    REPLY_BAD_LINE_END  },
		{":1\n",                     "",                    REPLY_BAD_LINE_END  },
		{":1\rx",                    "",                    REPLY_BAD_LINE_END  },
		{"$1\r\naXY",                "",                    REPLY_BAD_TEXT_END  },
		{"$1\r\na\rY",               "",                    REPLY_BAD_TEXT_END  },
		{"$0\r\nX\n",                "",                    REPLY_BAD_TEXT_END  },
		{"$?\r\n",                   "",                    REPLY_BAD_STREAMED  },
		{"*?\r\n",                   "",                    REPLY_BAD_STREAMED  },
		{"%?\r\n",                   "",                    REPLY_BAD_STREAMED  },
		{"*1\r\n+a\r\nx",            "array0:1 simple1:a.", REPLY_BAD_TYPE      },
		{"*4294967296\r\n",          "",                    REPLY_BAD_TOO_MANY  },
	};
	EXPECT_ROWS(&usual, rows);
}
END_TEST

START_TEST(limits_hold_at_and_one_past_them)
{
	static const struct row rows[] = {
		{"+12345\r\n",				    "simple0:12345.",          REPLY_TOKEN            },
		{"+123456\r\n",				   "",                        REPLY_BAD_LINE_TOO_LONG},
		{"+12345\n",				      "",                        REPLY_BAD_LINE_TOO_LONG},
		{"$5\r\n12345\r\n",                               "bulk0:12345.",            REPLY_TOKEN            },
		{"$6\r\n",					"",                        REPLY_BAD_TOO_BIG      },
		{"*2\r\n:1\r\n:2\r\n",                            "array0:2 int1:1 int1:2.", REPLY_TOKEN            },
		{"*3\r\n",					"",                        REPLY_BAD_TOO_MANY     },
		{"%3\r\n",					"",                        REPLY_BAD_TOO_MANY     },
		{":000000000000000000000000000000000000000\r\n",  "",                        REPLY_BAD_NUMBER       },
		{":0000000000000000000000000000000000000000\r\n", "",                        REPLY_BAD_LINE_TOO_LONG},
	};
	EXPECT_ROWS(&tight, rows);
}
END_TEST

START_TEST(sixteen_levels_are_read_and_seventeen_refused)
{
	struct reading a = {.limits = &usual};
	for (unsigned i = 0; i < REPLY_DEPTH_MAX; i++)
		feed(&a, "*1\r\n", 4);
	struct reading deeper = a;
	feed(&a, "*0\r\n", 4); /* empty: nothing is entered */
	ck_assert(reply_at_start(&a.reader));
	feed(&deeper, "*1\r\n", 4);
	ck_assert_int_eq(deeper.status, REPLY_BAD_TOO_DEEP);
}
END_TEST

START_TEST(nothing_behind_a_reply_is_touched)
{
	static const char bytes[] = "+FULLRESYNC x 1\r\n$EOF:abc";
	for (size_t cut = 0; cut < sizeof(bytes) - 1; cut++) {
		struct reading a = {.limits = &usual, .stop = true};
		feed(&a, bytes, cut);
		size_t left = a.unread;
		if (!a.stopped) {
			feed(&a, bytes + cut, sizeof(bytes) - 1 - cut);
			left = a.unread;
			ck_assert_uint_eq(left, 8);
		} else {
			ck_assert_uint_eq(left, cut - 17);
		}
		ck_assert_str_eq(a.text, "simple0:FULLRESYNC x 1.");
	}
}
END_TEST

START_TEST(a_large_payload_comes_in_spans_of_what_was_given)
{
	struct reply_reader reader = {0};
	struct reply_token token;
	static uint8_t piece[1000];
	uint64_t seen = 0;
	char head[16];
	int n = snprintf(head, sizeof(head), "$%d\r\n", BIG);
	struct span in = {(uint8_t *)head, (size_t)n};
	ck_assert_int_eq(reply_next(&reader, &usual, &in, &token), REPLY_MORE);
	while (seen < BIG) {
		in = (struct span){piece, sizeof(piece)};
		ck_assert_int_eq(reply_next(&reader, &usual, &in, &token), REPLY_TOKEN);
		ck_assert_ptr_eq(token.text.at, piece);
		ck_assert_int_eq(token.value, BIG);
		ck_assert(!token.last);
		ck_assert_int_eq(token.first, seen == 0);
		seen += token.text.len;
	}
	in = SPAN("\r\n+");
	ck_assert_int_eq(reply_next(&reader, &usual, &in, &token), REPLY_TOKEN);
	ck_assert(token.done && token.last && token.text.len == 0);
	ck_assert_uint_eq(in.len, 1);
}
END_TEST

/* ---- what the writer writes is read back ---- */

struct window {
	struct resp_writer writer;
	uint8_t bytes[4096];
};

static bool
no_more_room(struct resp_writer *w, size_t need)
{
	(void)w;
	(void)need;
	return false;
}

START_TEST(what_the_writer_writes_is_read_back)
{
	static const struct resp_sink sink = {.room = no_more_room};
	for (uint8_t protocol = 2; protocol <= 3; protocol++) {
		struct window w = {
			.writer = {.sink = &sink, .protocol = protocol}
                };
		w.writer.at = w.bytes;
		w.writer.end = w.bytes + sizeof(w.bytes);
		resp_map(&w.writer, 2);
		resp_bulk(&w.writer, SPAN("k"));
		resp_double(&w.writer, 0.5);
		resp_null(&w.writer);
		resp_bool(&w.writer, true);
		size_t map_len = (size_t)(w.writer.at - w.bytes);
		struct reading a = {.limits = &usual};
		feed(&a, (char *)w.bytes, map_len);
		ck_assert(reply_at_start(&a.reader));
		ck_assert_str_eq(a.text, protocol == 2
						 ? "array0:4 bulk1:k bulk1:0.5 null1:0 int1:1."
						 : "map0:2 bulk1:k double1:0.5 null1:0 bool1:1.");
	}
}
END_TEST

START_TEST(every_status_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < REPLY_STATUS_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(reply_status_name(i), reply_status_name(j));
	ck_assert_str_eq(reply_status_name(REPLY_BAD_TOO_DEEP), "bad_too_deep");
}
END_TEST

int
main(void)
{
	return RUN_CASES("reply", values_of_resp2_are_read, values_of_resp3_are_read,
			 an_aggregate_ends_with_its_last_element, an_attribute_is_no_element,
			 what_is_no_reply_is_refused_by_name, limits_hold_at_and_one_past_them,
			 sixteen_levels_are_read_and_seventeen_refused,
			 nothing_behind_a_reply_is_touched,
			 a_large_payload_comes_in_spans_of_what_was_given,
			 what_the_writer_writes_is_read_back, every_status_has_a_name_of_its_own);
}
