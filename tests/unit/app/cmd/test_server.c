/* tests/unit/app/cmd/test_server.c - what an operator asks: digests, SLOWLOG, statistics, FUNCTION for a node that joins. */
#include <stdio.h>

#include "tests/unit/app/cmd/desk.h"
#include "tests/unit/runner.h"

/* ---- digests: the numbers are redis-server 7.0.15's ---- */

START_TEST(the_digest_is_that_of_redis_however_many_lcores_there_are)
{
	static const unsigned members[] = {1, 3};
	for (size_t i = 0; i < 2; i++) {
		struct desk *d = desk_open(members[i]);
		ck_assert_str_eq(say(d, "DEBUG DIGEST"),
				 "+0000000000000000000000000000000000000000\r\n");
		say(d, "MSET a 1 b two {a}c three");
		ck_assert_str_eq(say(d, "DEBUG DIGEST"),
				 "+78275541bae14ec394717d9a1470a2b7c1aa1710\r\n");
		say(d, "PEXPIREAT b 4000000000000");
		ck_assert_str_eq(say(d, "DEBUG DIGEST"),
				 "+0420cddf39ee113d4034cc16f675b3f43e556430\r\n");
		ck_assert_str_eq(say(d, "DEBUG DIGEST-VALUE b nosuch"),
				 "*2\r\n+5beb45c1a8d062d945d847e97251639ede307cb6\r\n+"
				 "0000000000000000000000000000000000000000\r\n");
		desk_close(d);
	}
}
END_TEST

/* ---- SLOWLOG ---- */

static uint64_t ticks; /* a clock that goes on by 7 us at every look */

static uint64_t
look(void)
{
	return ticks += 7000;
}

static void
set_clock(struct desk *d)
{
	for (unsigned i = 0; i < d->group.count; i++) {
		d->group.members[i]->hooks.ticks = look;
		d->group.members[i]->hooks.ticks_per_us = 1000;
	}
}

START_TEST(slow_commands_of_all_lcores_are_told_newest_first)
{
	struct desk *d = desk_open(3);
	set_clock(d);
	char text[64];
	say(d, "CONFIG SET slowlog-log-slower-than 7");
	for (unsigned i = 0; i < 20; i++) {
		d->unix_ms += 1000;
		snprintf(text, sizeof(text), "SET key%u value", i);
		say(d, text);
	}
	ck_assert_str_eq(say(d, "SLOWLOG LEN"), ":20\r\n");
	/* That one is in it now, too. */
	const char *reply = say(d, "SLOWLOG GET 3");
	ck_assert_msg(strncmp(reply, "*3\r\n*6\r\n", 8) == 0, "%s", reply);
	const char *first = strstr(reply, "LEN"), *second = strstr(reply, "key19");
	ck_assert(first != NULL && second > first && strstr(second, "key18") != NULL);
	ck_assert_ptr_null(strstr(reply, "key17"));
	ck_assert_ptr_nonnull(strstr(reply, "\r\n:7\r\n")); /* us */
	ck_assert_str_eq(say(d, "SLOWLOG RESET"), "+OK\r\n");
	ck_assert_str_eq(say(d, "SLOWLOG LEN"), ":1\r\n"); /* RESET itself */
	say(d, "CONFIG SET slowlog-log-slower-than 8");
	say(d, "SLOWLOG RESET");
	say(d, "GET key1");
	ck_assert_str_eq(say(d, "SLOWLOG LEN"), ":0\r\n");
	desk_close(d);
}
END_TEST

START_TEST(a_slow_command_is_kept_in_part_and_a_password_not_at_all)
{
	struct desk *d = desk_open(1);
	set_clock(d);
	say(d, "CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 2");
	uint8_t word[SLOWLOG_WORD_MAX + 5];
	struct span argv[40] = {
		SPAN("DEL"), {word, sizeof(word)}
        };
	memset(word, 'w', sizeof(word));
	for (unsigned i = 2; i < 40; i++)
		argv[i] = SPAN("x");
	say_words(d, argv, 40);
	const char *reply = say(d, "SLOWLOG GET 1");
	ck_assert_ptr_nonnull(strstr(reply, "\r\n*32\r\n$3\r\nDEL\r\n"));
	ck_assert_ptr_nonnull(strstr(reply, "ww... (5 more bytes)\r\n"));
	ck_assert_ptr_nonnull(strstr(reply, "\r\n... (9 more arguments)\r\n"));
	say(d, "AUTH secret");
	say(d, "HELLO 2 AUTH default secret");
	say(d, "CONFIG SET masterauth secret");
	ck_assert_ptr_null(strstr(say(d, "SLOWLOG GET -1"), "secret"));
	for (unsigned i = 0; i < 5; i++)
		say(d, "PING");
	ck_assert_str_eq(say(d, "SLOWLOG LEN"), ":2\r\n");
	ck_assert_str_eq(say(d, "SLOWLOG GET -2"),
			 "-ERR count should be greater than or equal to -1\r\n");
	desk_close(d);
}
END_TEST

/* ---- statistics ---- */

START_TEST(calls_failures_refusals_and_errors_are_counted_by_name)
{
	struct desk *d = desk_open(2);
	set_clock(d);
	say(d, "SET a x");
	say(d, "SET {a}b x");
	say(d, "INCR a");
	say(d, "GET");
	say(d, "RENAME nosuch x");
	say(d, "NOSUCH");
	say(d, "RESTORE a 0 x");
	const char *info = say(d, "INFO commandstats errorstats stats");
	ck_assert_ptr_nonnull(strstr(info, "cmdstat_set:calls=2,usec=14,usec_per_call=7.00,"
					   "rejected_calls=0,failed_calls=0\r\n"));
	ck_assert_ptr_nonnull(strstr(info, "cmdstat_incr:calls=1,usec=7,usec_per_call=7.00,"
					   "rejected_calls=0,failed_calls=1\r\n"));
	ck_assert_ptr_nonnull(strstr(info, "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,"
					   "rejected_calls=1,failed_calls=0\r\n"));
	ck_assert_ptr_nonnull(strstr(info, "errorstat_ERR:count=4\r\n"));
	ck_assert_ptr_nonnull(strstr(info, "errorstat_BUSYKEY:count=1\r\n"));
	ck_assert_ptr_nonnull(strstr(info, "total_error_replies:5\r\n"));
	say(d, "CONFIG RESETSTAT");
	ck_assert_ptr_null(strstr(say(d, "INFO errorstats"), "errorstat_"));
	desk_close(d);
}
END_TEST

START_TEST(the_rate_is_that_of_the_last_seconds)
{
	struct desk *d = desk_open(1);
	struct server *server = d->group.members[0];
	for (unsigned turn = 0; turn < 100; turn++) { /* 10 s of 50 commands a second */
		for (unsigned i = 0; i < 5; i++)
			say(d, "PING");
		d->now_us += 100000;
		server_set_time(server, d->unix_ms, d->now_us);
		server_tick(server, 100);
	}
	const char *info = say(d, "INFO stats");
	ck_assert_msg(strstr(info, "instantaneous_ops_per_sec:50\r\n") != NULL ||
			      strstr(info, "instantaneous_ops_per_sec:51\r\n") != NULL,
		      "%s", info);
	desk_close(d);
}
END_TEST

START_TEST(an_empty_set_of_functions_travels_and_no_other)
{
	struct desk *d = desk_open(1);
	ck_assert_str_eq(say(d, "FUNCTION LIST"), "*0\r\n");
	say(d, "FUNCTION DUMP");
	uint8_t payload[11];
	memcpy(payload, d->reply + 5, 10);
	struct span argv[3] = {
		SPAN("FUNCTION"), SPAN("RESTORE"), {payload, 10}
        };
	ck_assert_str_eq(say_words(d, argv, 3), "+OK\r\n");
	for (argv[2].len = 0; argv[2].len < 10; argv[2].len++)
		ck_assert_str_eq(say_words(d, argv, 3),
				 "-ERR DUMP payload version or checksum are wrong\r\n");
	desk_close(d);
}
END_TEST

int
main(void)
{
	return RUN_CASES("server", the_digest_is_that_of_redis_however_many_lcores_there_are,
			 slow_commands_of_all_lcores_are_told_newest_first,
			 a_slow_command_is_kept_in_part_and_a_password_not_at_all,
			 calls_failures_refusals_and_errors_are_counted_by_name,
			 the_rate_is_that_of_the_last_seconds,
			 an_empty_set_of_functions_travels_and_no_other);
}
