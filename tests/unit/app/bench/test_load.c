/* tests/unit/app/bench/test_load.c - whole runs against a server of a few lines, in virtual time: one tick is a nanosecond. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/load.h"
#include "proto/resp/parser.h"
#include "tests/unit/runner.h"

#define HZ        1000000000ull
#define TURN      10000 /* ticks that a turn of the loop takes */
#define TURNS_MAX 200000
#define KEYS      300
#define CONNS     3

struct fake { /* answers everything one turn later */
	struct load *load;
	struct bench_options options;
	uint64_t now;
	uint8_t out[CONNS][65536];
	size_t len[CONNS];
	bool known[KEYS];
	const char *instead; /* answered to the request number instead_at */
	uint64_t served, instead_at;
	uint64_t pause;    /* ticks more than TURN that a turn takes */
	uint32_t most;     /* requests in one send */
	uint32_t together; /* connections that sent in one turn, at most */
	bool silent;
};

static struct fake fake;

static void
start(struct bench_options options)
{
	fake = (struct fake){.options = options, .now = 1};
	fake.options.keys = KEYS;
	fake.options.key_size = 16;
	fake.options.value_min = 5;
	fake.options.value_max = 40;
	fake.options.connections = CONNS;
	if (fake.options.pipeline == 0)
		fake.options.pipeline = 2;
	fake.load = load_create(&fake.options, HZ);
	ck_assert_ptr_nonnull(fake.load);
	for (unsigned i = 0; i < CONNS; i++)
		load_connected(fake.load, fake.now);
}

static void
reply(struct load *load, uint32_t c, const char *text, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		load_take(load, c, (struct span){(const uint8_t *)text + at, n}, fake.now);
	}
}

/* Which key of the workload a request names. */
static uint32_t
key_of(struct span name)
{
	static uint8_t bytes[256];
	for (uint32_t key = 0; key < KEYS; key++) {
		size_t len = workload_request(&fake.load->workload, WORKLOAD_GET, key, bytes);
		if (memcmp(bytes + len - 2 - name.len, name.at, name.len) == 0)
			return key;
	}
	ck_abort_msg("a key that is none");
	return 0;
}

static void
answer(uint32_t c, const struct span *argv)
{
	static uint8_t set[512];
	char text[600];
	const size_t piece = 1 + fake.served % 7;
	if (fake.instead != NULL && fake.served++ == fake.instead_at) {
		reply(fake.load, c, fake.instead, strlen(fake.instead), piece);
		return;
	}
	if (span_equal(argv[0], SPAN("INFO"))) {
		int n = snprintf(text, sizeof(text), "$16\r\nbusy_cycles:%04lu\r\n",
				 fake.served % 1000);
		reply(fake.load, c, text, (size_t)n, piece);
		return;
	}
	uint32_t key = key_of(argv[1]);
	if (span_equal(argv[0], SPAN("SET"))) {
		fake.known[key] = true;
		ck_assert(workload_value_is(&fake.load->workload, key, 0, argv[2]));
		reply(fake.load, c, "+OK\r\n", 5, piece);
		return;
	}
	if (!fake.known[key]) {
		reply(fake.load, c, "$-1\r\n", 5, piece);
		return;
	}
	/* The tail of a SET request is the bulk string. */
	size_t len = workload_request(&fake.load->workload, WORKLOAD_SET, key, set);
	size_t tail = 4 + (workload_value_size(&fake.load->workload, key) > 9) + 1 +
		      workload_value_size(&fake.load->workload, key) + 1;
	reply(fake.load, c, (char *)set + len - tail, tail, piece);
}

static void
serve(uint32_t c)
{
	static const struct resp_limits limits = {.bulk_max = 1u << 20};
	size_t at = 0;
	while (at < fake.len[c] && !fake.silent && !load_over(fake.load)) {
		struct resp_parser parser = {0};
		struct resp_command command;
		struct span argv[4];
		ck_assert_int_eq(resp_parse(&parser, &limits, fake.out[c] + at, fake.len[c] - at,
					    argv, 4, &command),
				 RESP_OK);
		answer(c, argv);
		at += command.size;
	}
	fake.len[c] = 0;
}

static void
turn(void)
{
	uint32_t c, count, senders = 0;
	fake.now += TURN + fake.pause;
	for (c = 0; c < CONNS; c++)
		serve(c);
	load_tick(fake.load, fake.now);
	while ((count = load_next(fake.load, fake.now, &c)) > 0) {
		fake.most = count > fake.most ? count : fake.most;
		fake.together = ++senders > fake.together ? senders : fake.together;
		for (; count > 0; count--)
			fake.len[c] +=
				load_render(fake.load, c, fake.now, fake.out[c] + fake.len[c]);
	}
}

static void
run(void)
{
	for (unsigned i = 0; i < TURNS_MAX && !load_over(fake.load); i++)
		turn();
	ck_assert(load_over(fake.load));
}

START_TEST(a_run_loads_warms_up_and_measures)
{
	start((struct bench_options){
		.load = true, .warm_up_seconds = 0.001, .seconds = 0.01, .get_share = 0.5});
	run();
	const struct load *l = fake.load;
	ck_assert_msg(l->phase == LOAD_DONE, "%s", l->failure);
	for (unsigned i = 0; i < KEYS; i++)
		ck_assert(fake.known[i]);
	ck_assert_uint_eq(l->measured.misses, 0);
	ck_assert_uint_gt(l->measured.hits, 0);
	ck_assert_uint_lt(l->measured.hits, l->measured.replies);
	ck_assert_uint_eq(l->measured.replies, l->measured.requests);
	ck_assert_uint_eq(l->latency.count, l->measured.replies);
	ck_assert_uint_eq(l->pending, 0);
	ck_assert_uint_ge(l->measured_ticks, HZ / 100);
	ck_assert_ptr_nonnull(strstr(l->info[0], "busy_cycles:"));
	ck_assert_ptr_nonnull(strstr(l->info[1], "busy_cycles:"));
	load_destroy(fake.load);
}
END_TEST

START_TEST(only_those_who_were_drawn_send)
{
	for (uint32_t active = 1; active <= CONNS; active++) {
		start((struct bench_options){.active = active, .seconds = 1.5, .get_share = 1});
		fake.pause = HZ / 1000;
		run();
		ck_assert_msg(fake.load->phase == LOAD_DONE, "%s", fake.load->failure);
		ck_assert_uint_eq(fake.together, active);
		ck_assert_uint_eq(fake.load->round, 2);
		ck_assert_uint_gt(fake.load->measured.replies, 1000);
		load_destroy(fake.load);
	}
}
END_TEST

START_TEST(a_number_of_requests_is_kept_exactly)
{
	start((struct bench_options){.requests = 1001, .seconds = 5, .pipeline = 7});
	run();
	ck_assert_int_eq(fake.load->phase, LOAD_DONE);
	ck_assert_uint_eq(fake.load->measured.replies, 1001);
	ck_assert_uint_eq(fake.most, 7);
	load_destroy(fake.load);
}
END_TEST

START_TEST(keys_that_are_not_there_are_misses)
{
	start((struct bench_options){.requests = 100, .get_share = 1});
	run();
	ck_assert_int_eq(fake.load->phase, LOAD_DONE);
	ck_assert_uint_eq(fake.load->measured.misses, 100);
	load_destroy(fake.load);
}
END_TEST

START_TEST(closed_loop_latency_is_the_turns_it_took)
{
	start((struct bench_options){.requests = 100, .get_share = 1});
	run();
	ck_assert_uint_eq(fake.load->latency.max, TURN);
	load_destroy(fake.load);
}
END_TEST

START_TEST(open_loop_sends_what_is_due_and_counts_from_then)
{
	start((struct bench_options){.seconds = 0.1, .rate = 20000, .get_share = 1});
	run();
	const struct load *l = fake.load;
	ck_assert_int_eq(l->phase, LOAD_DONE);
	ck_assert_uint_ge(l->measured.replies, 1990);
	ck_assert_uint_le(l->measured.replies, 2000);
	ck_assert_uint_le(l->latency.max, 2 * TURN);
	load_destroy(fake.load);
}
END_TEST

START_TEST(open_loop_latency_grows_when_the_server_is_too_slow)
{
	/* Three connections, one request each a turn: 300 000 a second can be served. */
	start((struct bench_options){
		.seconds = 0.1, .rate = 600000, .get_share = 1, .pipeline = 1});
	run();
	const struct load *l = fake.load;
	ck_assert_int_eq(l->phase, LOAD_DONE);
	ck_assert_uint_lt(l->measured.replies, 31000);
	ck_assert_uint_gt(l->latency.max, HZ / 25);
	load_destroy(fake.load);
}
END_TEST

static void
expect_failure(const char *instead, double get_share, const char *says)
{
	start((struct bench_options){.load = true, .requests = 100, .get_share = get_share});
	fake.instead = instead;
	fake.instead_at = KEYS + 50;
	run();
	ck_assert_msg(fake.load->phase == LOAD_FAILED, "'%s' was taken", instead);
	ck_assert_msg(strstr(fake.load->failure, says) != NULL, "'%s': %s", instead,
		      fake.load->failure);
	load_destroy(fake.load);
}

START_TEST(a_wrong_reply_fails_the_run)
{
	static const char *const to_get[] = {
		"+OK\r\n", ":1\r\n",        "$3\r\nabc\r\n",
		"*0\r\n",  "*1\r\n$-1\r\n", "$40\r\nabcdefghijklmnopqrstuvwxyzabcdefghijklmn\r\n"};
	static const char *const to_set[] = {"+OKAY\r\n", "+O\r\n",       "+NO\r\n",
					     "$-1\r\n",   "$2\r\nOK\r\n", "+QUEUED\r\n"};
	for (size_t i = 0; i < sizeof(to_get) / sizeof(to_get[0]); i++)
		expect_failure(to_get[i], 1, "not the one");
	for (size_t i = 0; i < sizeof(to_set) / sizeof(to_set[0]); i++)
		expect_failure(to_set[i], 0, "not the one");
}
END_TEST

START_TEST(what_is_no_reply_fails_the_run)
{
	expect_failure("hello\r\n", 1, "bad_type");
	expect_failure("$-1\r\n$-1\r\n$-1\r\n$-1\r\n", 1, "");
}
END_TEST

START_TEST(a_missing_reply_fails_the_run)
{
	start((struct bench_options){.requests = 100, .get_share = 1});
	for (unsigned i = 0; i < 10; i++)
		turn();
	fake.silent = true;
	for (unsigned i = 0; i < 3; i++)
		turn();
	ck_assert(!load_over(fake.load));
	fake.now += LOAD_STALL_SECONDS * HZ;
	run();
	ck_assert_int_eq(fake.load->phase, LOAD_FAILED);
	ck_assert_uint_gt(fake.load->pending, 0);
	ck_assert_ptr_nonnull(strstr(fake.load->failure, "no reply"));
	load_destroy(fake.load);
}
END_TEST

START_TEST(a_connection_that_ends_fails_the_run)
{
	start((struct bench_options){.requests = 100});
	turn();
	load_lost(fake.load, "the server closed a connection");
	load_lost(fake.load, "second");
	ck_assert_int_eq(fake.load->phase, LOAD_FAILED);
	ck_assert_str_eq(fake.load->failure, "the server closed a connection");
	load_destroy(fake.load);
}
END_TEST

START_TEST(who_is_not_connected_in_time_fails_the_run)
{
	struct bench_options o = {.connections = 2,
				  .pipeline = 1,
				  .keys = 1,
				  .key_size = 16,
				  .value_min = 1,
				  .value_max = 1,
				  .seconds = 1};
	struct load *load = load_create(&o, HZ);
	load_tick(load, 1);
	load_connected(load, 2);
	load_tick(load, LOAD_STALL_SECONDS * HZ + 1);
	ck_assert_int_eq(load->phase, LOAD_CONNECT);
	load_tick(load, LOAD_STALL_SECONDS * HZ + 2);
	ck_assert_int_eq(load->phase, LOAD_FAILED);
	load_destroy(load);
}
END_TEST

START_TEST(error_replies_are_counted_and_moved_apart)
{
	static const char *const errors[] = {"-MOVED 1 10.0.0.1:6379\r\n", "-OOM no\r\n"};
	for (unsigned i = 0; i < 2; i++) {
		start((struct bench_options){.requests = 100, .get_share = 1});
		fake.instead = errors[i];
		fake.instead_at = 50;
		run();
		ck_assert_int_eq(fake.load->phase, LOAD_DONE);
		ck_assert_uint_eq(fake.load->measured.errors, 1);
		ck_assert_uint_eq(fake.load->measured.moved, i == 0);
		ck_assert_uint_eq(fake.load->first_error_len, strlen(errors[i]) - 3);
		ck_assert_int_eq(
			memcmp(fake.load->first_error, errors[i] + 1, strlen(errors[i]) - 3), 0);
		load_destroy(fake.load);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("load", a_run_loads_warms_up_and_measures, only_those_who_were_drawn_send,
			 a_number_of_requests_is_kept_exactly, keys_that_are_not_there_are_misses,
			 closed_loop_latency_is_the_turns_it_took,
			 open_loop_sends_what_is_due_and_counts_from_then,
			 open_loop_latency_grows_when_the_server_is_too_slow,
			 a_wrong_reply_fails_the_run, what_is_no_reply_fails_the_run,
			 a_missing_reply_fails_the_run, a_connection_that_ends_fails_the_run,
			 who_is_not_connected_in_time_fails_the_run,
			 error_replies_are_counted_and_moved_apart);
}
