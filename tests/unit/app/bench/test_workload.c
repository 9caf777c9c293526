/* tests/unit/app/bench/test_workload.c - keys, values and requests. */
#include <stdlib.h>
#include <string.h>

#include "app/bench/workload.h"
#include "proto/resp/parser.h"
#include "tests/unit/runner.h"

#define KEYS 10000

static struct workload
workload_of(uint32_t key_size, uint32_t value_min, uint32_t value_max)
{
	struct bench_options o = {.keys = KEYS,
				  .key_size = key_size,
				  .value_min = value_min,
				  .value_max = value_max,
				  .get_share = 0.5};
	struct workload w;
	ck_assert(workload_init(&w, &o));
	return w;
}

/* The request as its arguments; the bytes are the caller's to free. */
static uint32_t
request(const struct workload *w, enum workload_op op, uint32_t key, struct span argv[4],
	uint8_t **bytes)
{
	static const struct resp_limits limits = {.bulk_max = 1u << 30};
	struct resp_parser parser = {0};
	struct resp_command command;
	*bytes = malloc(w->request_max); /* its end is where a sanitizer looks */
	ck_assert_ptr_nonnull(*bytes);
	size_t len = workload_request(w, op, key, *bytes);
	ck_assert_uint_le(len, w->request_max);
	ck_assert_int_eq(resp_parse(&parser, &limits, *bytes, len, argv, 4, &command), RESP_OK);
	ck_assert_uint_eq(command.size, len);
	return command.argc;
}

START_TEST(a_get_is_one_command_with_a_key)
{
	struct workload w = workload_of(16, 64, 64);
	struct span argv[4];
	uint8_t *bytes;
	ck_assert_uint_eq(request(&w, WORKLOAD_GET, 7, argv, &bytes), 2);
	ck_assert(span_equal(argv[0], SPAN("GET")));
	ck_assert_uint_eq(argv[1].len, 16);
	free(bytes);
	workload_free(&w);
}
END_TEST

START_TEST(a_set_carries_the_value_of_its_key)
{
	static const uint32_t sizes[][2] = {
		{1,   1   },
                {7,   7   },
                {8,   8   },
                {9,   9   },
                {64,  64  },
                {1,   2000},
                {600, 600 }
        };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct workload w = workload_of(20, sizes[i][0], sizes[i][1]);
		for (uint32_t key = 0; key < 50; key++) {
			struct span argv[4];
			uint8_t *bytes;
			ck_assert_uint_eq(request(&w, WORKLOAD_SET, key, argv, &bytes), 3);
			ck_assert_uint_eq(argv[1].len, 20);
			ck_assert_uint_eq(argv[2].len, workload_value_size(&w, key));
			ck_assert_uint_ge(argv[2].len, sizes[i][0]);
			ck_assert_uint_le(argv[2].len, sizes[i][1]);
			ck_assert(workload_value_is(&w, key, 0, argv[2]));
			free(bytes);
		}
		workload_free(&w);
	}
}
END_TEST

START_TEST(a_value_is_checked_in_any_two_pieces)
{
	struct workload w = workload_of(16, 64, 64);
	struct span argv[4];
	uint8_t *bytes;
	request(&w, WORKLOAD_SET, 3, argv, &bytes);
	for (uint32_t cut = 0; cut <= 64; cut++) {
		struct span head = {argv[2].at, cut}, tail = {argv[2].at + cut, 64 - cut};
		ck_assert(workload_value_is(&w, 3, 0, head));
		ck_assert(workload_value_is(&w, 3, cut, tail));
	}
	for (uint32_t i = 0; i < 64; i++) {
		uint8_t *byte = (uint8_t *)(uintptr_t)argv[2].at + i;
		*byte ^= 1;
		ck_assert(!workload_value_is(&w, 3, 0, argv[2]));
		*byte ^= 1;
	}
	ck_assert(!workload_value_is(&w, 4, 0, argv[2]));
	free(bytes);
	workload_free(&w);
}
END_TEST

static int
compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

START_TEST(no_two_keys_are_the_same)
{
	static uint8_t keys[KEYS][16];
	struct workload w = workload_of(16, 1, 1);
	for (uint32_t key = 0; key < KEYS; key++) {
		struct span argv[4];
		uint8_t *bytes;
		request(&w, WORKLOAD_GET, key, argv, &bytes);
		memcpy(keys[key], argv[1].at, 16);
		free(bytes);
	}
	qsort(keys, KEYS, 16, compare_keys);
	for (uint32_t i = 1; i < KEYS; i++)
		ck_assert_int_ne(memcmp(keys[i - 1], keys[i], 16), 0);
	workload_free(&w);
}
END_TEST

int
main(void)
{
	return RUN_CASES("workload", a_get_is_one_command_with_a_key,
			 a_set_carries_the_value_of_its_key, a_value_is_checked_in_any_two_pieces,
			 no_two_keys_are_the_same);
}
