/* tests/unit/proto/resp/test_writer.c - replies, into windows of every awkward size. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp/writer.h"
#include "tests/unit/runner.h"

#define OUTPUT_MAX (256ul * 1024)

/* A sink that gives windows of exactly what is asked for plus spare bytes, each a heap block of its own, and refuses
 * after so many. */
struct output {
	struct resp_writer writer; /* first: the sink finds the rest from it */
	uint8_t *window;
	size_t spare;
	int windows_left;
	int refills_after_failure;
	uint8_t bytes[OUTPUT_MAX];
	size_t len;
	int references_left;
	int released;
};

static void
output_take(struct output *o)
{
	if (o->window == NULL)
		return;
	size_t len = (size_t)(o->writer.at - o->window);
	ck_assert_uint_le(o->len + len, OUTPUT_MAX);
	memcpy(o->bytes + o->len, o->window, len);
	o->len += len;
	free(o->window);
	o->window = o->writer.at = o->writer.end = NULL;
}

static bool
output_room(struct resp_writer *w, size_t need)
{
	struct output *o = (struct output *)w;
	ck_assert_uint_ge(need, 1);
	ck_assert_uint_le(need, RESP_ROOM_MAX);
	o->refills_after_failure += w->failed;
	output_take(o);
	if (o->windows_left-- == 0)
		return false;
	o->window = malloc(need + o->spare);
	ck_assert_ptr_nonnull(o->window);
	w->at = o->window;
	w->end = o->window + need + o->spare;
	return true;
}

static bool
output_reference(struct resp_writer *w, struct span bytes, void (*release)(void *, void *),
		 void *owner, void *object)
{
	struct output *o = (struct output *)w;
	output_take(o);
	if (o->references_left-- == 0)
		return false;
	ck_assert_uint_le(o->len + bytes.len, OUTPUT_MAX);
	memcpy(o->bytes + o->len, bytes.at, bytes.len);
	o->len += bytes.len;
	release(owner, object);
	return true;
}

static const struct resp_sink copying = {.room = output_room};
static const struct resp_sink referring = {output_room, output_reference};

static struct output *
output_new(uint8_t protocol, size_t spare)
{
	struct output *o = calloc(1, sizeof(*o));
	ck_assert_ptr_nonnull(o);
	o->writer.sink = &copying;
	o->writer.protocol = protocol;
	o->spare = spare;
	o->windows_left = o->references_left = -1;
	return o;
}

static void
output_expect(struct output *o, const char *expected, size_t len)
{
	output_take(o);
	ck_assert_msg(o->len == len && memcmp(o->bytes, expected, len) == 0,
		      "got %zu bytes '%.*s', expected %zu bytes '%.*s'", o->len, (int)o->len,
		      (char *)o->bytes, len, (int)len, expected);
}

static void
output_free(struct output *o)
{
	output_take(o);
	free(o);
}

/* ---- one line per reply ---- */

static void
simple_ok(struct resp_writer *w)
{
	resp_simple(w, "OK");
}
static void
simple_lines(struct resp_writer *w)
{
	resp_simple(w, "a\r\nb");
}
static void
error_plain(struct resp_writer *w)
{
	resp_error(w, "ERR syntax error");
}
static void
error_lines(struct resp_writer *w)
{
	resp_error(w, "\r\nERR a\r\nb\nc\n\n");
}
static void
error_empty(struct resp_writer *w)
{
	resp_error(w, "");
}
static void
errorf_all(struct resp_writer *w)
{
	resp_errorf(w, "ERR '%.*s' %d%% of %llu\n%s%c", 2, "abc", -7, 1ull << 40, "x\r\n", '\n');
}
static void
integer_zero(struct resp_writer *w)
{
	resp_integer(w, 0);
}
static void
integer_99(struct resp_writer *w)
{
	resp_integer(w, 99);
}
static void
integer_100(struct resp_writer *w)
{
	resp_integer(w, 100);
}
static void
integer_negative(struct resp_writer *w)
{
	resp_integer(w, -1);
}
static void
integer_min(struct resp_writer *w)
{
	resp_integer(w, INT64_MIN);
}
static void
integer_max(struct resp_writer *w)
{
	resp_integer(w, INT64_MAX);
}
static void
bulk_empty(struct resp_writer *w)
{
	resp_bulk(w, (struct span){NULL, 0});
}
static void
bulk_binary(struct resp_writer *w)
{
	resp_bulk(w, SPAN("a\0\r\nb"));
}
static void
bulk_text(struct resp_writer *w)
{
	resp_bulk_text(w, "0123456789");
}
static void
bulk_integer(struct resp_writer *w)
{
	resp_bulk_integer(w, INT64_MIN);
}
static void
verbatim(struct resp_writer *w)
{
	resp_verbatim(w, "txt", SPAN("a\nb"));
}
static void
aggregates(struct resp_writer *w)
{
	resp_array(w, 0);
	resp_array(w, 1234);
	resp_map(w, 7);
	resp_set(w, 3);
	resp_push(w, 2);
}
static void
numbers(struct resp_writer *w)
{
	resp_double(w, 3.14);
	resp_double(w, -INFINITY);
	resp_double(w, 5e-324);
	resp_double(w, -1.7976931348623157e308);
	resp_bool(w, true);
	resp_bool(w, false);
}
static void
nulls(struct resp_writer *w)
{
	resp_null(w);
	resp_null_array(w);
}
static void
raw(struct resp_writer *w)
{
	resp_raw(w, SPAN("+PONG\r\n"));
	resp_raw(w, SPAN(""));
}

static const struct {
	void (*reply)(struct resp_writer *w);
	const char *resp2, *resp3; /* NULL: as in RESP2 */
	size_t len2;               /* 0: up to the zero */
} lines[] = {
	{simple_ok,					    "+OK\r\n"			     },
	{simple_lines,					 "+a  b\r\n"                           },
	{error_plain,					  "-ERR syntax error\r\n"               },
	{error_lines,					  "-ERR a  b c\r\n"                     },
	{error_empty,					  "-\r\n"			       },
	{errorf_all,					   "-ERR 'ab' -7% of 1099511627776 x\r\n"},
	{integer_zero,					 ":0\r\n"                              },
	{integer_99,					   ":99\r\n"                             },
	{integer_100,					  ":100\r\n"                            },
	{integer_negative,				     ":-1\r\n"                             },
	{integer_min,					  ":-9223372036854775808\r\n"           },
	{integer_max,					  ":9223372036854775807\r\n"            },
	{bulk_empty,					   "$0\r\n\r\n"                          },
	{bulk_binary,					  "$5\r\na\0\r\nb\r\n",                   NULL, 11},
	{bulk_text,						  "$10\r\n0123456789\r\n"										       },
	{bulk_integer,"$20\r\n-9223372036854775808\r\n"},
	{verbatim,					"$3\r\na\nb\r\n",																		    "=7\r\ntxt:a\nb\r\n"},
	{aggregates,"*0\r\n*1234\r\n*14\r\n*3\r\n*2\r\n","*0\r\n*1234\r\n%7\r\n~3\r\n>2\r\n"},
	{numbers,
	 "$18\r\n3.1400000000000001\r\n$4\r\n-inf\r\n$23\r\n4.9406564584124654e-324\r\n"
	 "$24\r\n-1.7976931348623157e+308\r\n:1\r\n:0\r\n",						 ",3.1400000000000001\r\n,-inf\r\n,4.9406564584124654e-324\r\n"
	 ",-1.7976931348623157e+308\r\n#t\r\n#f\r\n"},
	{nulls,						    "$-1\r\n*-1\r\n",										    "_\r\n_\r\n"},
	{raw, "+PONG\r\n"				      },
};

#define LINE_COUNT (sizeof(lines) / sizeof(lines[0]))

START_TEST(replies_read_as_redis_writes_them)
{
	static const size_t spares[] = {0, 1, 2, 3, 7, 20, 1000};
	for (size_t i = 0; i < LINE_COUNT; i++) {
		for (size_t s = 0; s < sizeof(spares) / sizeof(spares[0]); s++) {
			for (uint8_t protocol = 2; protocol <= 3; protocol++) {
				bool other = protocol == 3 && lines[i].resp3 != NULL;
				const char *text = other ? lines[i].resp3 : lines[i].resp2;
				size_t len =
					!other && lines[i].len2 > 0 ? lines[i].len2 : strlen(text);
				struct output *o = output_new(protocol, spares[s]);
				lines[i].reply(&o->writer);
				ck_assert(!o->writer.failed);
				output_expect(o, text, len);
				output_free(o);
			}
		}
	}
}
END_TEST

/* W1, at each window that can be refused. */
START_TEST(nothing_is_written_after_a_sink_has_refused)
{
	for (size_t i = 0; i < LINE_COUNT; i++) {
		for (int windows = 0; windows < 8; windows++) {
			struct output *o = output_new(3, 0);
			o->windows_left = windows;
			lines[i].reply(&o->writer);
			bool failed = o->writer.failed;
			output_take(o);
			size_t len = o->len;
			resp_simple(&o->writer, "OK");
			resp_bulk(&o->writer, SPAN("abc"));
			resp_raw(&o->writer, SPAN("abc"));
			output_take(o);
			if (failed) {
				ck_assert(o->writer.failed);
				ck_assert_uint_eq(o->len, len);
			}
			ck_assert_int_eq(o->refills_after_failure, 0);
			output_free(o);
		}
	}
}
END_TEST

START_TEST(a_failed_writer_leaves_an_open_window_alone)
{
	struct output *o = output_new(2, 100);
	resp_simple(&o->writer, "OK");
	o->writer.failed = true;
	resp_integer(&o->writer, 7);
	resp_bulk(&o->writer, SPAN("abc"));
	resp_raw(&o->writer, SPAN("abc"));
	output_expect(o, "+OK\r\n", 5);
	output_free(o);
}
END_TEST

/* ---- bulk strings of every size ---- */

static uint8_t *
filler(size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	return bytes;
}

static void
expect_bulk(struct output *o, const uint8_t *bytes, size_t len)
{
	char header[32];
	size_t at = (size_t)snprintf(header, sizeof(header), "$%zu\r\n", len);
	output_take(o);
	ck_assert_uint_eq(o->len, at + len + 2);
	ck_assert_mem_eq(o->bytes, header, at);
	ck_assert(len == 0 || memcmp(o->bytes + at, bytes, len) == 0);
	ck_assert_mem_eq(o->bytes + at + len, "\r\n", 2);
}

START_TEST(bulk_strings_of_any_size_arrive_whole)
{
	static const size_t more[] = {1000, 1459, 4096, 16383, 16384, 65536, 200000};
	uint8_t *bytes = filler(200000);
	for (size_t i = 0; i < 1100 + sizeof(more) / sizeof(more[0]); i++) {
		size_t len = i < 1100 ? i : more[i - 1100];
		struct output *o = output_new(2, i % 13);
		resp_bulk(&o->writer, (struct span){bytes, len});
		expect_bulk(o, bytes, len);
		output_free(o);
	}
	free(bytes);
}
END_TEST

START_TEST(a_long_bulk_string_fills_the_window_it_meets)
{
	uint8_t *bytes = filler(600);
	struct output *o = output_new(2, 400);
	resp_bulk(&o->writer, (struct span){bytes, 600}); /* the header's window has 400 to spare */
	ck_assert_uint_gt(o->len, 400);
	expect_bulk(o, bytes, 600);
	output_free(o);
	free(bytes);
}
END_TEST

/* ---- by reference ---- */

static void
count_release(void *owner, void *object)
{
	struct output *o = owner;
	ck_assert_ptr_eq(object, &o->released);
	o->released++;
}

static void
reply_reference(struct output *o, const uint8_t *bytes, size_t len)
{
	resp_bulk_reference(&o->writer, (struct span){bytes, len}, count_release, o, &o->released);
}

START_TEST(large_bulk_strings_go_by_reference_and_are_released_once)
{
	static const struct {
		const struct resp_sink *sink;
		size_t len;
		bool by_reference;
	} cases[] = {
		{&referring, RESP_REF_MIN,     true },
                {&referring, RESP_REF_MIN - 1, false},
		{&referring, 0,                false},
                {&copying,   RESP_REF_MIN,     false},
		{&referring, 100000,           true },
	};
	uint8_t *bytes = filler(100000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct output *o = output_new(2, 0);
		o->writer.sink = cases[i].sink;
		reply_reference(o, bytes, cases[i].len);
		expect_bulk(o, bytes, cases[i].len);
		ck_assert_int_eq(o->references_left, cases[i].by_reference ? -2 : -1);
		ck_assert_int_eq(o->released, 1);
		output_free(o);
	}
	free(bytes);
}
END_TEST

START_TEST(a_refused_reference_is_released_and_fails_the_writer)
{
	uint8_t *bytes = filler(RESP_REF_MIN);
	struct output *o = output_new(2, 0);
	o->writer.sink = &referring;
	o->references_left = 0;
	reply_reference(o, bytes, RESP_REF_MIN);
	ck_assert(o->writer.failed);
	ck_assert_int_eq(o->released, 1);
	reply_reference(o, bytes, RESP_REF_MIN); /* on a failed writer */
	reply_reference(o, bytes, 10);
	ck_assert_int_eq(o->released, 3);
	output_expect(o, "$16384\r\n", 8);
	output_free(o);
	free(bytes);
}
END_TEST

int
main(void)
{
	return RUN_CASES("resp writer", replies_read_as_redis_writes_them,
			 nothing_is_written_after_a_sink_has_refused,
			 a_failed_writer_leaves_an_open_window_alone,
			 bulk_strings_of_any_size_arrive_whole,
			 a_long_bulk_string_fills_the_window_it_meets,
			 large_bulk_strings_go_by_reference_and_are_released_once,
			 a_refused_reference_is_released_and_fails_the_writer);
}
