/* tests/unit/proto/rdb/test_dump.c - DUMP payloads of stock nodes, and ours. */
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "proto/rdb/dump.h"
#include "tests/unit/proto/rdb/golden.h"
#include "tests/unit/proto/rdb/transcript.h"

static int
digit(int c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The lines of types.txt: key, type, encoding, "digest", digest, "dump", payload in hex. */
struct line {
	char *key, *payload;
	size_t payload_len;
};

static bool
next_line(char **at, struct line *line)
{
	char *start = *at, *end = strchr(start, '\n');
	if (end == NULL)
		return false;
	*end = '\0';
	*at = end + 1;
	line->key = start;
	char *dump = strstr(start, " dump ");
	if (dump == NULL)
		return false;
	line->payload = dump + strlen(" dump ");
	line->payload_len = strlen(line->payload) / 2;
	start[strcspn(start, " ")] = '\0';
	for (size_t i = 0; i < line->payload_len; i++)
		line->payload[i] =
			(char)(digit(line->payload[2 * i]) << 4 | digit(line->payload[2 * i + 1]));
	return true;
}

static struct transcript
read_payload(const struct rdb_dump *dump)
{
	struct transcript t = {0};
	struct reading reading = READING(dump->body);
	reading.limits.size = dump->body.len;
	reading.one_value = true;
	reading.type = dump->type;
	reading.dialect = dump->dialect;
	transcript_read(&t, &reading);
	ck_assert_int_eq(t.last, RDB_VALUE_END);
	ck_assert_uint_eq(t.used, dump->body.len);
	return t;
}

/* What a file says of a key's value must be what the payload says. */
static void
assert_in_file(const struct transcript *file, const struct line *line,
	       const struct transcript *value)
{
	char head[256];
	int len =
		snprintf(head, sizeof(head), "key key=%zu:%s type=", strlen(line->key), line->key);
	const char *found = memmem(file->text, file->len, head, (size_t)len);
	ck_assert_msg(found != NULL, "%s", line->key);
	const char *parts = strchr(found, '\n') + 1;
	ck_assert_msg(memcmp(parts, value->text, value->len) == 0, "%s", line->key);
}

START_TEST(payloads_of_stock_nodes_hold_what_their_files_hold)
{
	struct transcript file = {0};
	struct span bytes = read_golden(golden[_i], "rdb");
	struct reading reading = READING(bytes);
	transcript_read(&file, &reading);
	struct span text = read_golden(golden[_i], "txt");
	char *at = (char *)text.at;
	struct line line;
	unsigned opened = 0, cut = 0;
	while (next_line(&at, &line)) {
		struct rdb_dump dump;
		struct span payload = {(const uint8_t *)line.payload, line.payload_len};
		enum rdb_dump_status status = rdb_dump_open(payload, &dump);
		if (line.payload_len == 4000) { /* only the start of it was kept */
			ck_assert(status == DUMP_BAD_VERSION || status == DUMP_BAD_CHECKSUM);
			cut++;
			continue;
		}
		ck_assert_msg(status == DUMP_OK, "%s", line.key);
		struct transcript value = read_payload(&dump);
		assert_in_file(&file, &line, &value);
		transcript_free(&value);
		opened++;
	}
	ck_assert_uint_eq(opened + cut, 26);
	ck_assert_uint_ge(opened, 20);
	transcript_free(&file);
	free((void *)bytes.at);
	free((void *)text.at);
}
END_TEST

static uint8_t scratch[1024];

START_TEST(our_payload_of_a_string_is_the_stock_one)
{
	static const struct {
		struct span value, payload;
	} cases[] = {
		{SPAN(""),       SPAN("\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda")},
		{SPAN("123456"),
		 SPAN("\x00\xc2\x40\xe2\x01\x00\x0a\x00\x43\x26\x47\xf4\x43\x19\x72\x83")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t out[64];
		size_t len = rdb_dump_string(cases[i].value, out, scratch, sizeof(scratch));
		ck_assert(span_equal((struct span){out, len}, cases[i].payload));
	}
}
END_TEST

START_TEST(strings_of_every_length_come_back)
{
	uint8_t value[600], out[700];
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i / 50 * 7 + (i % 3));
	for (size_t len = 0; len <= sizeof(value); len++) {
		struct rdb_dump dump;
		size_t size = rdb_dump_string((struct span){value, len}, out, scratch,
					      len % 2 * sizeof(scratch));
		ck_assert_uint_le(size, rdb_dump_string_size_max(len));
		ck_assert_int_eq(rdb_dump_open((struct span){out, size}, &dump), DUMP_OK);
		ck_assert_uint_eq(dump.type, RDB_TYPE_STRING);
		ck_assert_uint_eq(dump.version, RDB_VERSION_WRITTEN);
		struct transcript t = {.wanted = "key"};
		struct reading reading = READING(dump.body);
		reading.one_value = true;
		transcript_read(&t, &reading);
		ck_assert_int_eq(t.last, RDB_VALUE_END);
		ck_assert(
			span_equal((struct span){t.value, t.value_len}, (struct span){value, len}));
		transcript_free(&t);
	}
}
END_TEST

START_TEST(any_flipped_bit_and_any_lost_byte_is_refused)
{
	uint8_t out[64];
	struct rdb_dump dump;
	size_t size = rdb_dump_string(SPAN("some value"), out, scratch, 0);
	for (size_t bit = 0; bit < size * 8; bit++) {
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		enum rdb_dump_status status = rdb_dump_open((struct span){out, size}, &dump);
		ck_assert(status == DUMP_BAD_CHECKSUM || status == DUMP_BAD_VERSION);
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < size; len++) {
		enum rdb_dump_status status = rdb_dump_open((struct span){out, len}, &dump);
		ck_assert(status != DUMP_OK);
		ck_assert(len > RDB_DUMP_FOOTER_SIZE || status == DUMP_BAD_SIZE);
	}
}
END_TEST

START_TEST(versions_that_are_not_known_are_refused)
{
	static const struct {
		uint16_t version;
		enum rdb_dump_status expected;
	} cases[] = {
		{0,  DUMP_BAD_VERSION},
                {1,  DUMP_OK         },
                {10, DUMP_OK         },
		{11, DUMP_OK         },
                {12, DUMP_OK         },
                {13, DUMP_BAD_VERSION},
		{79, DUMP_BAD_VERSION},
                {80, DUMP_OK         },
                {81, DUMP_BAD_VERSION},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t out[64];
		struct rdb_dump dump;
		size_t size = rdb_dump_string(SPAN("v"), out, scratch, 0);
		store_le16(out + size - RDB_DUMP_FOOTER_SIZE, cases[i].version);
		store_le64(out + size - 8, crc64(0, out, size - 8));
		ck_assert_int_eq(rdb_dump_open((struct span){out, size}, &dump), cases[i].expected);
		if (cases[i].expected == DUMP_OK)
			ck_assert_int_eq(dump.dialect, cases[i].version == 80 ? RDB_DIALECT_VALKEY
									      : RDB_DIALECT_REDIS);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dump files");
	TCase *files = tcase_create("files");
	tcase_set_timeout(files, 60);
	tcase_add_loop_test(files, payloads_of_stock_nodes_hold_what_their_files_hold, 0,
			    GOLDEN_COUNT);
	suite_add_tcase(suite, files);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	int rest = RUN_CASES("dump", our_payload_of_a_string_is_the_stock_one,
			     strings_of_every_length_come_back,
			     any_flipped_bit_and_any_lost_byte_is_refused,
			     versions_that_are_not_known_are_refused);
	return failed == 0 && rest == 0 ? 0 : 1;
}
