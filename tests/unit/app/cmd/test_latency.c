/* tests/unit/app/cmd/test_latency.c - histograms, samples of several members as one, and what LATENCY says of them. */
#include "app/cmd/latency.h"

#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define MEMBERS 2

static struct talk members[MEMBERS];
static struct server_group group;

static void
setup(void)
{
	talk_open_group(members, &group, MEMBERS);
}

static void
teardown(void)
{
	talk_close_group(members, &group);
}

static const char *
say(const char *words)
{
	return talk_line(&members[0], words);
}

static void
note(unsigned member, uint64_t unix_s, uint64_t ms)
{
	members[member].server->unix_ms = unix_s * 1000;
	latency_note(members[member].server, LATENCY_COMMAND, ms * 1000);
}

START_TEST(a_percentile_is_at_most_a_quarter_too_high)
{
	for (uint64_t ticks = 33; ticks < (uint64_t)1 << 36; ticks = ticks * 9 / 8) {
		struct latency_histogram h = {{0}};
		latency_count(&h, ticks);
		uint64_t told = latency_percentile(&h, 50);
		ck_assert_msg(told > ticks && told - ticks <= ticks / 4 + 1, "%lu: %lu", ticks,
			      told);
	}
}
END_TEST

START_TEST(percentiles_follow_the_counts)
{
	struct latency_histogram h = {{0}};
	ck_assert_uint_eq(latency_percentile(&h, 50), 0);
	for (unsigned i = 0; i < 990; i++)
		latency_count(&h, 1000);
	for (unsigned i = 0; i < 10; i++)
		latency_count(&h, 1000000);
	ck_assert_uint_lt(latency_percentile(&h, 50), 1300);
	ck_assert_uint_lt(latency_percentile(&h, 99), 1300);
	ck_assert_uint_gt(latency_percentile(&h, 99.9), 1000000);
	latency_count(&h, UINT64_MAX);
	latency_count(&h, 0);
	ck_assert_uint_gt(latency_percentile(&h, 100), (uint64_t)1 << 36);
}
END_TEST

START_TEST(of_a_second_the_longest_is_kept_and_members_are_merged)
{
	setup();
	ck_assert_str_eq(say("LATENCY LATEST"), "*0\r\n");
	note(0, 100, 5);
	note(0, 100, 9);
	note(0, 100, 7);
	note(1, 100, 8);
	note(1, 99, 3);
	note(0, 102, 4);
	ck_assert_str_eq(say("LATENCY HISTORY command"),
			 "*3\r\n*2\r\n:99\r\n:3\r\n*2\r\n:100\r\n:9\r\n*2\r\n:102\r\n:4\r\n");
	ck_assert_str_eq(say("LATENCY LATEST"),
			 "*1\r\n*4\r\n$7\r\ncommand\r\n:102\r\n:4\r\n:9\r\n");
	ck_assert_str_eq(say("LATENCY HISTORY nosuch"), "*0\r\n");
	ck_assert_str_eq(say("LATENCY RESET nosuch fast-command"), ":0\r\n");
	ck_assert_str_eq(say("LATENCY RESET command"), ":1\r\n");
	ck_assert_str_eq(say("LATENCY HISTORY command"), "*0\r\n");
	teardown();
}
END_TEST

START_TEST(the_oldest_seconds_fall_out)
{
	setup();
	for (unsigned s = 1; s <= LATENCY_SAMPLES + 1; s++) {
		note(0, 2 * (uint64_t)s, s);
		note(1, 2 * (uint64_t)s + 1, s);
	}
	const char *told = say("LATENCY HISTORY command");
	ck_assert_msg(strncmp(told, "*160\r\n*2\r\n:164\r\n", 16) == 0, "%.40s", told);
	teardown();
}
END_TEST

START_TEST(graph_and_doctor_name_what_was_seen)
{
	setup();
	ck_assert_str_eq(say("LATENCY GRAPH command"),
			 "-ERR No samples available for event 'command'\r\n");
	ck_assert_ptr_nonnull(strstr(say("LATENCY DOCTOR"), "latency-monitor-threshold is 0"));
	note(0, 100, 10);
	note(0, 101, 40);
	ck_assert_ptr_nonnull(strstr(say("LATENCY GRAPH command"),
				     "command - high 40 ms, low 10 ms (all time high 40 ms)\n---"));
	ck_assert_ptr_nonnull(strstr(say("LATENCY GRAPH command"), "\n #\n #\n #\n##\n\n10\nss\n"));
	ck_assert_ptr_nonnull(
		strstr(say("LATENCY DOCTOR"), "command: 2 latency spikes (average 25ms"));
	teardown();
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_leaves_out_what_is_empty)
{
	setup();
	ck_assert_str_eq(say("LATENCY HISTOGRAM get nosuch"), "*0\r\n");
	const struct command *get = command_lookup(members[0].server, SPAN("get"));
	latency_count(&members[0].server->histograms[get - command_table], 40);
	latency_count(&members[1].server->histograms[get - command_table], 100);
	ck_assert_str_eq(say("LATENCY HISTOGRAM get"),
			 "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n"
			 "*4\r\n:64\r\n:1\r\n:128\r\n:2\r\n");
	ck_assert_ptr_nonnull(
		strstr(say("INFO latencystats"),
		       "latency_percentiles_usec_get:p50=48.000,p99=112.000,p99.9=112.000\r\n"));
	teardown();
}
END_TEST

int
main(void)
{
	return RUN_CASES("latency", a_percentile_is_at_most_a_quarter_too_high,
			 percentiles_follow_the_counts,
			 of_a_second_the_longest_is_kept_and_members_are_merged,
			 the_oldest_seconds_fall_out, graph_and_doctor_name_what_was_seen,
			 a_histogram_is_cumulative_and_leaves_out_what_is_empty);
}
