/* tests/unit/proto/rdb/test_writer.c - what is written is what the reader reads, through windows of any size. */
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/prng.h"
#include "proto/rdb/writer.h"
#include "tests/unit/proto/rdb/transcript.h"

#define OUT_SIZE     (1u << 20)
#define SCRATCH_SIZE 65536u

struct out { /* what the windows held, one after the other */
	struct rdb_writer writer;
	uint8_t *bytes;
	size_t len, window;
	bool counting;
};

static uint8_t scratch_memory[SCRATCH_SIZE];

static void
out_begin(struct out *out, size_t window, bool counting, bool packing)
{
	struct rdb_writer_options options = {
		.counting = counting,
		.scratch = packing ? scratch_memory : NULL,
		.scratch_size = packing ? SCRATCH_SIZE : 0,
	};
	*out = (struct out){.bytes = counting ? NULL : malloc(OUT_SIZE),
			    .window = window,
			    .counting = counting};
	rdb_writer_init(&out->writer, &options);
	if (!counting)
		ck_assert(rdb_writer_window(&out->writer, out->bytes, window));
}

static void
out_end(struct out *out)
{
	if (!out->counting)
		out->len += rdb_writer_take(&out->writer);
	ck_assert(out->counting || out->len == out->writer.total);
}

/* Goes on until the item is written. */
static void
all(struct out *out, bool done)
{
	while (!done) {
		ck_assert(!out->counting);
		size_t took = rdb_writer_take(&out->writer);
		ck_assert_uint_eq(took, out->window);
		out->len += took;
		ck_assert_uint_lt(out->len + out->window, OUT_SIZE);
		done = rdb_writer_window(&out->writer, out->bytes + out->len, out->window);
	}
}

static void
write_key(struct out *out, struct span name, uint8_t type, int64_t expire_ms)
{
	const struct rdb_write_key key = {.key = name,
					  .type = type,
					  .expire_ms = expire_ms,
					  .idle_s = RDB_NO_IDLE,
					  .freq = RDB_NO_FREQ};
	all(out, rdb_write_key(&out->writer, &key));
}

static void
write_string(struct out *out, struct span name, struct span value, int64_t expire_ms)
{
	write_key(out, name, RDB_TYPE_STRING, expire_ms);
	all(out, rdb_write_string(&out->writer, value));
}

static struct span
repeated(size_t len)
{
	static uint8_t bytes[20000];
	ck_assert_uint_le(len, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t) "pollis"[i % 6];
	return (struct span){bytes, len};
}

/* Something of everything. */
static void
write_all(struct out *out)
{
	struct rdb_writer *w = &out->writer;
	all(out, rdb_write_header(w));
	all(out, rdb_write_aux(w, SPAN("redis-ver"), SPAN("7.0.15")));
	all(out, rdb_write_aux_number(w, SPAN("redis-bits"), 64));
	all(out, rdb_write_aux_number(w, SPAN("repl-offset"), INT64_MAX));
	all(out, rdb_write_function(w, SPAN("#!lua name=lib")));
	all(out, rdb_write_select(w, 3));
	all(out, rdb_write_resize(w, 300, 1));
	write_string(out, SPAN("name"), SPAN("value"), RDB_NO_EXPIRE);
	write_string(out, SPAN("42"), SPAN("-70000"), 1700000000000);
	write_string(out, SPAN(""), repeated(20000), RDB_NO_EXPIRE);
	const struct rdb_write_key old = {
		.key = SPAN("old"), .expire_ms = RDB_NO_EXPIRE, .idle_s = 100, .freq = RDB_NO_FREQ};
	all(out, rdb_write_key(w, &old));
	all(out, rdb_write_string(w, repeated(100)));
	const struct rdb_write_key used = {
		.key = SPAN("used"), .expire_ms = 1, .idle_s = RDB_NO_IDLE, .freq = 255};
	all(out, rdb_write_key(w, &used));
	all(out, rdb_write_string(w, SPAN("12345678901")));
	write_key(out, SPAN("zset"), RDB_TYPE_ZSET, RDB_NO_EXPIRE);
	all(out, rdb_write_number(w, 1));
	all(out, rdb_write_string(w, SPAN("member")));
	all(out, rdb_write_score(w, 1.0));
	write_key(out, SPAN("stream"), RDB_TYPE_STREAM_3, RDB_NO_EXPIRE);
	for (int i = 0; i < 9; i++)
		all(out, rdb_write_number(w, i == 0 ? 0 : 20000));
	all(out, rdb_write_number(w, 1));
	all(out, rdb_write_string(w, SPAN("group")));
	for (uint64_t i = 0; i < 3; i++)
		all(out, rdb_write_number(w, 70000 + (i << 33)));
	all(out, rdb_write_number(w, 1));
	all(out, rdb_write_id(w, (const uint8_t *)"0123456789abcdef"));
	all(out, rdb_write_time(w, -5));
	all(out, rdb_write_number(w, 1));
	all(out, rdb_write_number(w, 0));
	all(out, rdb_write_end(w));
}

static const char expected_head[] = "version number=10\n"
				    "aux key=9:redis-ver bytes=6:7.0.15\n"
				    "aux key=10:redis-bits bytes=2:64\n"
				    "aux key=11:repl-offset bytes=19:9223372036854775807\n"
				    "function bytes=14:#!lua name=lib\n"
				    "select number=3\n"
				    "resize number=300 second=1\n"
				    "key key=4:name type=0 expire=18446744073709551615 "
				    "idle=18446744073709551615 freq=18446744073709551615\n"
				    "string bytes=5:value\n"
				    "value_end\n"
				    "key key=2:42 type=0 expire=1700000000000 "
				    "idle=18446744073709551615 freq=18446744073709551615\n"
				    "string bytes=6:-70000\n"
				    "value_end\n"
				    "key key=0: type=0 expire=18446744073709551615 "
				    "idle=18446744073709551615 freq=18446744073709551615\n"
				    "string bytes=20000:pollispollis";
static const char expected_tail[] =
	"key key=4:used type=0 expire=1 idle=18446744073709551615 freq=255\n"
	"string bytes=11:12345678901\n"
	"value_end\n"
	"key key=4:zset type=5 expire=18446744073709551615 idle=18446744073709551615 "
	"freq=18446744073709551615\n"
	"count number=1\n"
	"string bytes=6:member\n"
	"score score=4607182418800017408\n"
	"value_end\n"
	"key key=6:stream type=21 expire=18446744073709551615 idle=18446744073709551615 "
	"freq=18446744073709551615\n"
	"count number=0\n"
	"number number=20000\nnumber number=20000\nnumber number=20000\nnumber number=20000\n"
	"number number=20000\nnumber number=20000\nnumber number=20000\nnumber number=20000\n"
	"count number=1\n"
	"string bytes=5:group\n"
	"number number=70000\nnumber number=8590004592\nnumber number=17179939184\n"
	"count number=1\n"
	"id bytes=16:0123456789abcdef\n"
	"time time=18446744073709551611\n"
	"number number=1\n"
	"count number=0\n"
	"value_end\n"
	"file_end checked=1\n";

START_TEST(what_is_written_is_read_again)
{
	for (int packing = 0; packing < 2; packing++) {
		struct out out;
		struct transcript t = {0};
		out_begin(&out, OUT_SIZE - 1, false, packing != 0);
		write_all(&out);
		out_end(&out);
		struct reading reading = READING(((struct span){out.bytes, out.len}));
		transcript_read(&t, &reading);
		ck_assert_uint_eq(t.used, out.len);
		ck_assert(memcmp(t.text, expected_head, sizeof(expected_head) - 1) == 0);
		size_t tail = sizeof(expected_tail) - 1;
		ck_assert_uint_gt(t.len, tail);
		ck_assert_str_eq(t.text + t.len - tail, expected_tail);
		ck_assert_int_eq(out.len < 2000, packing);
		transcript_free(&t);
		free(out.bytes);
	}
}
END_TEST

START_TEST(windows_of_every_size_give_the_same_bytes)
{
	struct out whole;
	out_begin(&whole, OUT_SIZE - 1, false, true);
	write_all(&whole);
	out_end(&whole);
	for (size_t window = 1; window <= whole.len + 1; window++) {
		struct out out;
		out_begin(&out, window, false, true);
		write_all(&out);
		out_end(&out);
		ck_assert(span_equal((struct span){out.bytes, out.len},
				     (struct span){whole.bytes, whole.len}));
		free(out.bytes);
	}
	free(whole.bytes);
}
END_TEST

START_TEST(a_counting_writer_knows_the_size_beforehand)
{
	for (int packing = 0; packing < 2; packing++) {
		struct out counted, written;
		out_begin(&counted, 0, true, packing != 0);
		write_all(&counted);
		out_end(&counted);
		out_begin(&written, 100, false, packing != 0);
		write_all(&written);
		out_end(&written);
		ck_assert_uint_eq(counted.writer.total, written.len);
		free(written.bytes);
	}
}
END_TEST

static void
assert_string_bytes(struct span value, struct span expected)
{
	struct out out;
	out_begin(&out, 4096, false, true);
	all(&out, rdb_write_string(&out.writer, value));
	out_end(&out);
	ck_assert_msg(span_equal((struct span){out.bytes, out.len}, expected), "%.*s",
		      (int)value.len, (const char *)value.at);
	free(out.bytes);
}

START_TEST(strings_take_the_form_stock_nodes_choose)
{
	static const struct {
		struct span value, expected;
	} cases[] = {
		{SPAN(""),                      SPAN("\x00")							     },
		{SPAN("0"),                     SPAN("\xc0\x00")							 },
		{SPAN("-128"),                  SPAN("\xc0\x80")							 },
		{SPAN("128"),                   SPAN("\xc1\x80\x00")						     },
		{SPAN("-129"),                  SPAN("\xc1\x7f\xff")						     },
		{SPAN("32767"),                 SPAN("\xc1\xff\x7f")						     },
		{SPAN("32768"),                 SPAN("\xc2\x00\x80\x00\x00")                                             },
		{SPAN("-2147483648"),           SPAN("\xc2\x00\x00\x00\x80")                                             },
		{SPAN("2147483647"),            SPAN("\xc2\xff\xff\xff\x7f")                                             },
		{SPAN("2147483648"),            SPAN("\x0a"
					  "2147483648")                              },
		{SPAN("007"),                   SPAN("\x03"
				   "007")						   },
		{SPAN("-0"),                    SPAN("\x02-0")							   },
		{SPAN("+1"),                    SPAN("\x02+1")							   },
 /* 20 bytes are not packed, 21 are, as DUMP of redis-server 7.0.15 shows. */
		{SPAN("aaaaaaaaaaaaaaaaaaaa"),  SPAN("\x14"
						    "aaaaaaaaaaaaaaaaaaaa")},
		{SPAN("aaaaaaaaaaaaaaaaaaaaa"), SPAN("\xc3\x06\x15\x01"
						     "aa\xe0\x0a\x00")    },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_bytes(cases[i].value, cases[i].expected);
}
END_TEST

START_TEST(lengths_take_the_shortest_form)
{
	static const struct {
		uint64_t number;
		struct span expected;
	} cases[] = {
		{0,          SPAN("\x00")				},
		{63,         SPAN("\x3f")                                },
		{64,         SPAN("\x40\x40")                            },
		{16383,      SPAN("\x7f\xff")                            },
		{16384,      SPAN("\x80\x00\x00\x40\x00")                },
		{UINT32_MAX, SPAN("\x80\xff\xff\xff\xff")                },
		{1ull << 32, SPAN("\x81\0\0\0\x01\0\0\0\0")              },
		{UINT64_MAX, SPAN("\x81\xff\xff\xff\xff\xff\xff\xff\xff")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct out out;
		out_begin(&out, 4096, false, false);
		all(&out, rdb_write_number(&out.writer, cases[i].number));
		out_end(&out);
		ck_assert(span_equal((struct span){out.bytes, out.len}, cases[i].expected));
		free(out.bytes);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("writer", what_is_written_is_read_again,
			 windows_of_every_size_give_the_same_bytes,
			 a_counting_writer_knows_the_size_beforehand,
			 strings_take_the_form_stock_nodes_choose, lengths_take_the_shortest_form);
}
