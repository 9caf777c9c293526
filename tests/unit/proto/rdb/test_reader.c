/* tests/unit/proto/rdb/test_reader.c - files of stock nodes in every cut, and files that nobody should believe. */
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "tests/unit/proto/rdb/golden.h"
#include "tests/unit/proto/rdb/transcript.h"

static enum rdb_event
last_event(struct span bytes)
{
	struct transcript t = {0};
	struct reading reading = READING(bytes);
	transcript_read(&t, &reading);
	enum rdb_event last = t.last;
	transcript_free(&t);
	return last;
}

static void
assert_same(const struct transcript *a, const struct transcript *b, size_t cut)
{
	ck_assert_int_eq(a->last, b->last);
	ck_assert_msg(a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0),
		      "cut at %zu", cut);
}

/* ---- stock nodes ---- */

START_TEST(files_of_stock_nodes_are_read_to_their_checksum)
{
	struct transcript t = {0};
	struct span bytes = read_golden(golden[_i], "rdb");
	struct reading reading = READING(bytes);
	reading.limits.size = bytes.len;
	transcript_read(&t, &reading);
	ck_assert_str_eq(rdb_event_name(t.last), "file_end");
	ck_assert_uint_eq(t.used, bytes.len);
	ck_assert(transcript_has(&t, "file_end checked=1\n"));
	ck_assert(transcript_has(&t, "resize number=26 second=1\n"));
	ck_assert(transcript_has(&t, "select number=0\n"));
	ck_assert(transcript_has(&t, "function bytes=78:#!lua name=mylib"));
	transcript_free(&t);
	free((void *)bytes.at);
}
END_TEST

static void
assert_value(struct transcript *t, const struct reading *reading, const char *key,
	     struct span value)
{
	t->wanted = key;
	t->value_found = false;
	transcript_read(t, reading);
	ck_assert_msg(t->value_found, "%s", key);
	ck_assert_msg(span_equal((struct span){t->value, t->value_len}, value), "%s", key);
}

START_TEST(strings_of_stock_nodes_have_the_values_they_were_given)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{"str:emb",   "short"        },
                {"str:empty", ""             },
		{"str:int",   "123456"       },
                {"str:neg",   "-7"           },
		{"str:big",   "1099511627776"},
                {"ttl:far",   "x"            },
	};
	struct transcript t = {0};
	struct span bytes = read_golden(golden[_i], "rdb");
	struct reading reading = READING(bytes);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_value(
			&t, &reading, cases[i].key,
			(struct span){(const uint8_t *)cases[i].value, strlen(cases[i].value)});
	uint8_t repeated[1200];
	for (size_t i = 0; i < sizeof(repeated); i++)
		repeated[i] = (uint8_t) "abc"[i % 3];
	assert_value(&t, &reading, "str:lzf", (struct span){repeated, sizeof(repeated)});
	transcript_free(&t);
	free((void *)bytes.at);
}
END_TEST

START_TEST(every_cut_gives_the_same_events)
{
	struct span bytes = read_golden(golden[_i], "rdb");
	struct transcript whole = {0}, cut = {0};
	struct reading reading = READING(bytes);
	transcript_read(&whole, &reading);
	static const size_t pieces[] = {1, 2, 3, 7, 16, 64, 1400, 65536};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		reading.first = reading.rest = pieces[i];
		reading.scratch = i % 2 == 0 ? 32 : SCRATCH_MAX;
		transcript_read(&cut, &reading);
		assert_same(&whole, &cut, pieces[i]);
	}
	reading.rest = 0;
	/* Every place in the head of the file, and some in the rest. */
	for (size_t at = 1; at < bytes.len; at += at < 100 ? 1 : 3999) {
		reading.first = at;
		transcript_read(&cut, &reading);
		assert_same(&whole, &cut, at);
	}
	transcript_free(&whole);
	transcript_free(&cut);
	free((void *)bytes.at);
}
END_TEST

START_TEST(every_truncation_wants_more_or_is_known_to_be_short)
{
	struct span bytes = read_golden(golden[_i], "rdb");
	struct transcript t = {0};
	struct reading reading = READING(bytes);
	for (size_t len = 0; len < bytes.len; len += len < 100 || len + 20 > bytes.len ? 1 : 1999) {
		reading.bytes.len = len;
		reading.limits.size = UINT64_MAX;
		transcript_read(&t, &reading);
		ck_assert_int_eq(t.last, RDB_MORE);
		reading.limits.size = len;
		transcript_read(&t, &reading);
		ck_assert_msg(len == 0 || t.last == RDB_BAD_SHORT, "%zu: %s", len,
			      rdb_event_name(t.last));
	}
	transcript_free(&t);
	free((void *)bytes.at);
}
END_TEST

START_TEST(no_flipped_bit_passes_the_checksum)
{
	struct span bytes = read_golden(golden[_i], "rdb");
	uint8_t *copy = malloc(bytes.len);
	memcpy(copy, bytes.at, bytes.len);
	for (size_t i = 0; i < bytes.len; i += i < 60 ? 1 : 1999) {
		copy[i] ^= (uint8_t)(1u << i % 8);
		enum rdb_event last = last_event((struct span){copy, bytes.len});
		ck_assert_msg(last != RDB_FILE_END, "byte %zu", i);
		copy[i] ^= (uint8_t)(1u << i % 8);
	}
	copy[bytes.len - 1] ^= 1;
	ck_assert_int_eq(last_event((struct span){copy, bytes.len}), RDB_BAD_CHECKSUM);
	free(copy);
	free((void *)bytes.at);
}
END_TEST

START_TEST(strings_for_which_there_is_no_room_are_passed_over)
{
	struct span bytes = read_golden(golden[_i], "rdb");
	struct transcript t = {0};
	struct reading reading = READING(bytes);
	reading.refuse_rooms = true;
	reading.scratch = 32;
	reading.first = reading.rest = 100;
	transcript_read(&t, &reading);
	ck_assert_int_eq(t.last, RDB_FILE_END);
	ck_assert_uint_gt(t.rooms, 20);
	ck_assert(transcript_has(&t, ":?\n"));
	transcript_free(&t);
	free((void *)bytes.at);
}
END_TEST

/* ---- single items ---- */

struct file { /* bytes that follow a magic */
	uint8_t bytes[512];
	size_t len;
};

static struct span
file_of(struct file *f, const char *magic, struct span items)
{
	memcpy(f->bytes, magic, RDB_MAGIC_SIZE);
	memcpy(f->bytes + RDB_MAGIC_SIZE, items.at, items.len);
	f->len = RDB_MAGIC_SIZE + items.len;
	return (struct span){f->bytes, f->len};
}

/* Reads items behind a magic whole and byte by byte; the transcript behind the version's line must be expected. */
static enum rdb_event
assert_items(const char *magic, struct span items, const char *expected)
{
	struct file f;
	struct transcript whole = {0}, cut = {0};
	struct reading reading = READING(file_of(&f, magic, items));
	transcript_read(&whole, &reading);
	reading.first = reading.rest = 1;
	transcript_read(&cut, &reading);
	assert_same(&whole, &cut, 1);
	const char *after = strchr(whole.text, '\n');
	ck_assert_ptr_nonnull(after);
	ck_assert_msg(strcmp(after + 1, expected) == 0, "%.*s\n%s\n%s", (int)items.len,
		      (const char *)items.at, after + 1, expected);
	enum rdb_event last = whole.last;
	transcript_free(&whole);
	transcript_free(&cut);
	return last;
}

#define KEY_K "key key=1:k type="
#define PLAIN " expire=18446744073709551615 idle=18446744073709551615 freq=18446744073709551615\n"

START_TEST(strings_in_all_their_forms)
{
	static const struct {
		struct span value;
		const char *expected;
	} cases[] = {
		{SPAN("\x00"),				  "0:"            },
		{SPAN("\x01x"),				 "1:x"           },
		{SPAN("\x40\x01x"),                             "1:x"           }, /* longer than needed */
		{SPAN("\x80\x00\x00\x00\x01x"),                 "1:x"           },
		{SPAN("\x81\x00\x00\x00\x00\x00\x00\x00\x01x"), "1:x"           },
		{SPAN("\xc0\x80"),                              "4:-128"        },
		{SPAN("\xc0\x7f"),                              "3:127"         },
		{SPAN("\xc1\x00\x80"),                          "6:-32768"      },
		{SPAN("\xc1\xff\x7f"),                          "5:32767"       },
		{SPAN("\xc2\x00\x00\x00\x80"),                  "11:-2147483648"},
		{SPAN("\xc2\xff\xff\xff\x7f"),                  "10:2147483647" },
		{SPAN("\xc3\x02\x01\x00x"),                     "1:x"           },
		{SPAN("\xc3\x04\x08\x00x\xa0\x00"),             "8:xxxxxxxx"    },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t items[64] = "\x00\x01k";
		char expected[256];
		memcpy(items + 3, cases[i].value.at, cases[i].value.len);
		snprintf(expected, sizeof(expected), KEY_K "0" PLAIN "string bytes=%s\nvalue_end\n",
			 cases[i].expected);
		assert_items("REDIS0010", (struct span){items, 3 + cases[i].value.len}, expected);
	}
}
END_TEST

START_TEST(items_of_every_kind)
{
	static const struct {
		const char *magic;
		struct span items;
		const char *expected;
	} cases[] = {
		{"REDIS0001", SPAN("\xff"),						       "file_end checked=0\n"              },
		{"REDIS0004", SPAN("\xff"),						       "file_end checked=0\n"              },
		{"REDIS0005", SPAN("\xff\0\0\0\0\0\0\0\0"),                                       "file_end checked=0\n"              },
		{"REDIS0009", SPAN("\xfa\x01n\xc0\x40"),                                          "aux key=1:n bytes=2:64\n"          },
		{"REDIS0009", SPAN("\xfe\x0f\xfb\x02\x40\x01"),
		 "select number=15\nresize number=2 second=1\n"								       },
		{"REDIS0012", SPAN("\xf4\x01\x02\x03"),                                           "slot_info number=1 second=2\n"     },
		{"REDIS0012", SPAN("\xf3"),						       "bad_opcode\n"                      },
		{"VALKEY080", SPAN("\xf4"),						       "bad_opcode\n"                      },
		{"REDIS0010", SPAN("\xf6"),
		 "bad_opcode\n"												       }, /* functions before they were released */
		{"REDIS0010", SPAN("\xf5\x03lib"),                                                "function bytes=3:lib\n"            },
		{"VALKEY080", SPAN("\xf3\x01j\x02\x00\x05\x07\x07"),
		 "slot_import\nstring bytes=1:j\ncount number=2\nnumber number=0\nnumber number=5\n"
		 "number number=7\nnumber number=7\nvalue_end\n"								      },
		{"REDIS0010",
		 SPAN("\xf7\x21\x02\x01\x05\x01s\x01\x02\x03\0\0\x80\x3f\x04\0\0\0\0\0\0\xf0\x3f"
		      "\x00"),
		 "module_aux number=33\nnumber number=1\nstring bytes=1:s\nnumber number=2\n"
		 "score score=4607182418800017408\nscore score=4607182418800017408\nvalue_end\n"                                      },
		{"REDIS0010", SPAN("\xf7\x21\x06"),                                               "module_aux number=33\nbad_module\n"},
		{"REDIS0010", SPAN("\xfc\x01\0\0\0\0\0\0\0\xf8\x09\x00\x01k\x01v\x00\x01k\x01v"),
		 "key key=1:k type=0 expire=1 idle=9 freq=18446744073709551615\nstring "
		 "bytes=1:v\nvalue_end\n" KEY_K "0" PLAIN "string bytes=1:v\nvalue_end\n"                                             },
		{"REDIS0002", SPAN("\xfd\x02\0\0\0\xf9\xff\x00\xc0\x07\x01v"),
		 "key key=1:7 type=0 expire=2000 idle=18446744073709551615 freq=255\nstring "
		 "bytes=1:v\nvalue_end\n"											     },
		{"REDIS0010", SPAN("\x06\x01k"),
		 "bad_type key=1:k\n"												 }, /* modules of the first kind */
		{"REDIS0012", SPAN("\x18\x01k"),
		 "bad_type key=1:k\n"												 }, /* hashes with expiring fields */
		{"REDIS0012", SPAN("\x16\x01k"),
		 "bad_type key=1:k\n"												 }, /* Valkey's are not Redis's */
		{"REDIS0010", SPAN("\xc8\x01k"),						  "bad_type key=1:k\n"                },
		{"REDIS0010", SPAN("\x00\xc4"),						   "bad_encoding\n"                    },
		{"REDIS0010", SPAN("\x00\x82"),						   "bad_encoding\n"                    },
		{"REDIS0010", SPAN("\xfe\xc0"),						   "bad_encoding\n"                    },
		{"REDIS0010", SPAN("\x00\xc3\x04\x09\x00x\xa0\x00"),                              "bad_compressed\n"                  },
		{"REDIS0010", SPAN("\x00\xc3\x03\x08\x00x\xa0"),
		 "bad_compressed\n"												   }, /* stops in a reference */
		{"REDIS0010", SPAN("\x00\xc3\x04\x08\x00x\xa0\x01"),
		 "bad_compressed\n"												   }, /* before its start */
		{"REDIS0010", SPAN("\x00\xc3\x01\x41\x00"),
		 "bad_compressed\n"												   }, /* 256 bytes out of one */
		{"REDIS0010", SPAN("\x00\xc3\x00\x01"),                                           "bad_compressed\n"                  },
		{"REDIS0010", SPAN("\x00\xc3\x01\x00"),                                           "bad_compressed\n"                  },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_items(cases[i].magic, cases[i].items, cases[i].expected);
}
END_TEST

START_TEST(what_is_wrong_in_an_item_has_a_name)
{
	static const struct {
		struct span items;
		enum rdb_event expected;
		const char *transcript;
	} cases[] = {
		{SPAN("\xf3"),             RDB_BAD_OPCODE,
		 "bad_opcode\n"								    }, /* RDB_SLOT_IMPORT is Valkey's alone */
		{SPAN("\xfe\xc0"),         RDB_BAD_ENCODING,   "bad_encoding\n"                    },
		{SPAN("\x00\xc3\x00\x01"), RDB_BAD_COMPRESSED, "bad_compressed\n"                  },
		{SPAN("\xf7\x21\x06"),     RDB_BAD_MODULE,     "module_aux number=33\nbad_module\n"},
		{SPAN("\x06\x01k"),        RDB_BAD_TYPE,       "bad_type key=1:k\n"                },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(assert_items("REDIS0010", cases[i].items, cases[i].transcript),
				 cases[i].expected);
}
END_TEST

static const struct {
	uint8_t type;
	struct span value;
	const char *expected;
} values[] = {
	{RDB_TYPE_LIST,
	 SPAN("\x02\x01"
	      "a\x01"
	      "b"),
	 "count number=2\nstring bytes=1:a\nstring bytes=1:b\n"                                                  },
	{RDB_TYPE_SET,              SPAN("\x00"),                          "count number=0\n"                    },
	{RDB_TYPE_ZSET_TEXT,
	 SPAN("\x04\x01"
	      "a\x03"
	      "1.5\x01"
	      "b\xfd\x01"
	      "c\xfe\x01"
	      "d\xff"),
	 "count number=4\nstring bytes=1:a\nscore_text bytes=3:1.5\nstring "
	 "bytes=1:b\nscore_text bytes=3:nan\n"
	 "string bytes=1:c\nscore_text bytes=3:inf\nstring bytes=1:d\nscore_text "
	 "bytes=4:-inf\n"											},
	{RDB_TYPE_HASH,
	 SPAN("\x01\x01"
	      "f\x01v"),
	 "count number=1\nstring bytes=1:f\nstring bytes=1:v\n"                                                  },
	{RDB_TYPE_ZSET,             SPAN("\x01\x01m\0\0\0\0\0\0\xf0\x3f"),
	 "count number=1\nstring bytes=1:m\nscore score=4607182418800017408\n"                                   },
	{RDB_TYPE_MODULE,           SPAN("\x21\x05\x01s\x00"),             "number number=33\nstring bytes=1:s\n"},
	{RDB_TYPE_HASH_ZIPMAP,      SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_LIST_ZIPLIST,     SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_SET_INTSET,       SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_ZSET_ZIPLIST,     SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_HASH_ZIPLIST,     SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_LIST_QUICKLIST,   SPAN("\x01\x01z"),                     "count number=1\nstring bytes=1:z\n"  },
	{RDB_TYPE_HASH_LISTPACK,    SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_ZSET_LISTPACK,    SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_LIST_QUICKLIST_2, SPAN("\x01\x02\x01z"),
	 "count number=1\nnumber number=2\nstring bytes=1:z\n"                                                   },
	{RDB_TYPE_SET_LISTPACK,     SPAN("\x01z"),                         "string bytes=1:z\n"                  },
	{RDB_TYPE_HASH_TTL,
	 SPAN("\x01\x01"
	      "f\x01v\x07\0\0\0\0\0\0\0"),
	 "count number=1\nstring bytes=1:f\nstring bytes=1:v\ntime time=7\n"                                     },
	{RDB_TYPE_STREAM_1,         SPAN("\x00\x00\x01\x02\x00"),
	 "count number=0\nnumber number=0\nnumber number=1\nnumber number=2\ncount "
	 "number=0\n"											    },
	{RDB_TYPE_STREAM_2,
	 SPAN("\x00\x00\x01\x02\x03\x04\x05\x06\x07\x01\x01g\x08\x09\x0a"
	      "\x01"
	      "0123456789abcdef\x01\0\0\0\0\0\0\0\x02"
	      "\x01\x01"
	      "c\x03\0\0\0\0\0\0\0\x01"
	      "0123456789abcdef"),
	 "count number=0\nnumber number=0\nnumber number=1\nnumber number=2\nnumber "
	 "number=3\nnumber number=4\n"
	 "number number=5\nnumber number=6\nnumber number=7\ncount number=1\nstring "
	 "bytes=1:g\nnumber number=8\n"
	 "number number=9\nnumber number=10\ncount number=1\nid "
	 "bytes=16:0123456789abcdef\ntime time=1\n"
	 "number number=2\ncount number=1\nstring bytes=1:c\ntime time=3\ncount number=1\n"
	 "id bytes=16:0123456789abcdef\n"									},
	{RDB_TYPE_STREAM_3,
	 SPAN("\x00\x00\x01\x02\x03\x04\x05\x06\x07\x01\x01g\x08\x09\x0a"
	      "\x00"
	      "\x01\x01"
	      "c\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x00"),
	 "count number=0\nnumber number=0\nnumber number=1\nnumber number=2\nnumber "
	 "number=3\nnumber number=4\n"
	 "number number=5\nnumber number=6\nnumber number=7\ncount number=1\nstring "
	 "bytes=1:g\nnumber number=8\n"
	 "number number=9\nnumber number=10\ncount number=0\ncount number=1\nstring "
	 "bytes=1:c\ntime time=3\n"
	 "time time=4\ncount number=0\n"									 },
};

START_TEST(values_of_every_type)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t items[256];
		char expected[1024];
		items[0] = values[i].type;
		items[1] = 1;
		items[2] = 'k';
		memcpy(items + 3, values[i].value.at, values[i].value.len);
		snprintf(expected, sizeof(expected), KEY_K "%u" PLAIN "%svalue_end\n",
			 values[i].type, values[i].expected);
		assert_items("VALKEY080", (struct span){items, 3 + values[i].value.len}, expected);
	}
}
END_TEST

START_TEST(what_is_no_rdb_file_or_of_an_unknown_version_is_refused)
{
	static const struct {
		const char *magic;
		enum rdb_event expected;
	} cases[] = {
		{"REDIS0000", RDB_BAD_VERSION},
                {"REDIS0001", RDB_MORE       },
		{"REDIS0012", RDB_MORE       },
                {"REDIS0013", RDB_BAD_VERSION},
		{"REDIS0080", RDB_BAD_VERSION},
                {"VALKEY080", RDB_MORE       },
		{"VALKEY011", RDB_BAD_VERSION},
                {"VALKEY081", RDB_BAD_VERSION},
		{"REDIS00x1", RDB_BAD_MAGIC  },
                {"redis0010", RDB_BAD_MAGIC  },
		{"REDIS-010", RDB_BAD_MAGIC  },
                {"SQLite 3 ", RDB_BAD_MAGIC  },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(last_event((struct span){(const uint8_t *)cases[i].magic,
						       RDB_MAGIC_SIZE}) == cases[i].expected,
			      "%s", cases[i].magic);
}
END_TEST

/* ---- limits ---- */

static enum rdb_event
last_with_limits(struct span items, struct rdb_limits limits, uint64_t *rooms)
{
	struct file f;
	struct transcript t = {0};
	struct reading reading = READING(file_of(&f, "REDIS0010", items));
	reading.limits = limits;
	transcript_read(&t, &reading);
	enum rdb_event last = t.last;
	*rooms = t.rooms;
	transcript_free(&t);
	return last;
}

START_TEST(hostile_lengths_are_refused_before_room_is_asked_for)
{
	static const struct rdb_limits limits = {
		.string_max = 100, .count_max = 5, .size = UINT64_MAX};
	static const struct {
		struct span items;
		enum rdb_event expected;
		uint64_t rooms;
	} cases[] = {
		{SPAN("\x00\x01k\x81\x10\0\0\0\0\0\0\0x"),          RDB_BAD_LENGTH, 0}, /* 2^60 bytes */
		{SPAN("\x00\x81\xff\xff\xff\xff\xff\xff\xff\xffx"), RDB_BAD_LENGTH, 0},
		{SPAN("\x00\x01k\x40\x65"),                         RDB_BAD_LENGTH, 0},
		{SPAN("\x00\x01k\x40\x64"),                         RDB_MORE,
		 0								   }, /* the limit itself fits the scratch memory */
		{SPAN("\x00\x01k\xc3\x20\x40\x65"),                 RDB_BAD_LENGTH, 0},
		{SPAN("\x00\x01k\xc3\x20\x81\x10\0\0\0\0\0\0\0"),   RDB_BAD_LENGTH, 0},
		{SPAN("\x02\x01k\x06"),                             RDB_BAD_COUNT,  0},
		{SPAN("\x02\x01k\x05"),                             RDB_MORE,       0},
		{SPAN("\x02\x01k\x81\x10\0\0\0\0\0\0\0"),           RDB_BAD_COUNT,  0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t rooms;
		ck_assert_msg(last_with_limits(cases[i].items, limits, &rooms) == cases[i].expected,
			      "case %zu", i);
		ck_assert_uint_eq(rooms, cases[i].rooms);
	}
}
END_TEST

START_TEST(nothing_longer_than_the_rest_of_the_file_is_believed)
{
	static const struct span cases[] = {
		SPAN("\x00\x01k\x80\x10\0\0\0x"), /* 256 MB in a file of 18 bytes */
		SPAN("\x00\x01k\x02x"),           SPAN("\x00\x01k\xc3\x05\x08\x00x\xa0\x00"),
		SPAN("\x02\x01k\x05xxxx"), /* five items in four bytes */
		SPAN("\xfc\0\0\0\0\0\0\0"),       SPAN("\xff\0\0\0\0\0\0\0"),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rdb_limits limits = {.string_max = RDB_STRING_MAX_DEFAULT,
					    .count_max = UINT32_MAX,
					    .size = RDB_MAGIC_SIZE + cases[i].len};
		uint64_t rooms;
		ck_assert_msg(last_with_limits(cases[i], limits, &rooms) == RDB_BAD_SHORT,
			      "case %zu", i);
		ck_assert_uint_eq(rooms, 0);
	}
}
END_TEST

#define LARGE   (64u << 20)
#define SEGMENT 1400u

START_TEST(a_large_value_over_segments_is_asked_for_once_and_copied_once)
{
	static const uint8_t head[] = "REDIS0010\x00\x01k\x80\x04\x00\x00\x00";
	struct rdb_limits limits = {.string_max = LARGE, .count_max = 1, .size = UINT64_MAX};
	struct rdb_reader r;
	uint8_t scratch[64], segment[SEGMENT];
	struct span in = {head, sizeof(head) - 1};
	rdb_reader_init(&r, &limits, scratch, sizeof(scratch));
	ck_assert_int_eq(rdb_read(&r, &in), RDB_VERSION);
	ck_assert_int_eq(rdb_read(&r, &in), RDB_KEY);
	ck_assert_int_eq(rdb_read(&r, &in), RDB_ROOM);
	ck_assert_uint_eq(r.item.number, LARGE);
	uint8_t *value = malloc(LARGE);
	rdb_reader_room(&r, value);
	ck_assert_int_eq(rdb_read(&r, &in), RDB_MORE);
	for (size_t sent = 0; sent < LARGE; sent += SEGMENT) {
		size_t len = LARGE - sent < SEGMENT ? LARGE - sent : SEGMENT;
		for (size_t i = 0; i < len; i++)
			segment[i] = (uint8_t)((sent + i) >> 10);
		in = (struct span){segment, len};
		ck_assert_int_eq(rdb_read(&r, &in), sent + len == LARGE ? RDB_STRING : RDB_MORE);
	}
	ck_assert_ptr_eq(r.item.bytes.at, value);
	ck_assert_uint_eq(r.item.bytes.len, LARGE);
	ck_assert(r.item.key.len == 1 && r.item.key.at[0] == 'k');
	for (size_t i = 0; i < LARGE; i++)
		if (value[i] != (uint8_t)(i >> 10))
			ck_abort_msg("byte %zu", i);
	in.len = 0;
	ck_assert_int_eq(rdb_read(&r, &in), RDB_VALUE_END);
	free(value);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reader");
	TCase *files = tcase_create("files");
	tcase_set_timeout(files, 60);
	tcase_add_loop_test(files, files_of_stock_nodes_are_read_to_their_checksum, 0,
			    GOLDEN_COUNT);
	tcase_add_loop_test(files, strings_of_stock_nodes_have_the_values_they_were_given, 0,
			    GOLDEN_COUNT);
	tcase_add_loop_test(files, every_cut_gives_the_same_events, 0, GOLDEN_COUNT);
	tcase_add_loop_test(files, every_truncation_wants_more_or_is_known_to_be_short, 0,
			    GOLDEN_COUNT);
	tcase_add_loop_test(files, no_flipped_bit_passes_the_checksum, 0, GOLDEN_COUNT);
	tcase_add_loop_test(files, strings_for_which_there_is_no_room_are_passed_over, 0,
			    GOLDEN_COUNT);
	suite_add_tcase(suite, files);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	int rest = RUN_CASES("reader", strings_in_all_their_forms, items_of_every_kind,
			     what_is_wrong_in_an_item_has_a_name, values_of_every_type,
			     what_is_no_rdb_file_or_of_an_unknown_version_is_refused,
			     hostile_lengths_are_refused_before_room_is_asked_for,
			     nothing_longer_than_the_rest_of_the_file_is_believed,
			     a_large_value_over_segments_is_asked_for_once_and_copied_once);
	return failed == 0 && rest == 0 ? 0 : 1;
}
