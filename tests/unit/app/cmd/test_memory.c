/* tests/unit/app/cmd/test_memory.c - maxmemory in a server, and in a group of them: who is refused, who goes, what replicas hear. */
#include <stdio.h>
#include <string.h>

#include "app/cmd/memory.h"
#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define MEMBERS   2
#define KEYS      2000
#define SLACK     8192 /* below maxmemory: a credit does not matter to a server that is alone */
#define OOM       "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
#define TURNS_MAX 1000

static struct talk talks[MEMBERS];
static struct server_group group;

static struct talk *
open_alone(const char *policy)
{
	struct talk *t = &talks[0];
	char line[64];
	talk_open(t, NULL, 0);
	snprintf(line, sizeof(line), "CONFIG SET maxmemory-policy %s", policy);
	ck_assert_str_eq(talk_line(t, line), "+OK\r\n");
	return t;
}

static void
fill(struct talk *t, unsigned from, unsigned to, const char *more)
{
	char line[128];
	for (unsigned i = from; i < to; i++) {
		snprintf(line, sizeof(line),
			 "SET key:%u 0123456789012345678901234567890123456789%s", i, more);
		ck_assert_str_eq(talk_line(t, line), "+OK\r\n");
	}
}

static void
limit(struct talk *t, uint64_t bytes)
{
	char line[64];
	snprintf(line, sizeof(line), "CONFIG SET maxmemory %lu", bytes);
	ck_assert_str_eq(talk_line(t, line), "+OK\r\n");
}

static void
next_turn(struct talk *t)
{
	server_set_time(t->server, TALK_UNIX_MS, t->server->now_us + 1000);
}

START_TEST(noeviction_refuses_what_needs_room_and_nothing_else)
{
	static const char *const refused[] = {
		"SET a b",         "GETSET key:1 b",    "APPEND key:1 b", "SETRANGE key:1 0 b",
		"INCR n",          "MSET a 1 b 2",      "SETBIT b 1 1",   "COPY key:1 a",
		"SET key:1 b GET", "GETSET key:1 other"};
	struct talk *t = open_alone("noeviction");
	fill(t, 0, 10, "");
	limit(t, memory_used(t->server) - 1);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_str_eq(talk_line(t, refused[i]), OOM);
	ck_assert_str_eq(talk_line(t, "EXPIRE key:1 100"), ":1\r\n");
	ck_assert_str_eq(talk_line(t, "STRLEN key:1"), ":40\r\n");
	ck_assert_str_eq(talk_line(t, "DEL key:1 key:2"), ":2\r\n");
	ck_assert_str_eq(talk_line(t, "SET a b"), "+OK\r\n");
	ck_assert_uint_eq(server_counters(t->server)->evicted_keys, 0);
	talk_close(t);
}
END_TEST

/* Memory is refused below maxmemory: the handler answers, once, and nothing has changed. */
START_TEST(a_handler_whose_memory_is_refused_says_so_and_keeps_the_old_value)
{
	static const char *const lines[] = {"GETSET k 0123456789012345",
					    "SET k 0123456789012345 GET",
					    "SET k 0123456789012345",
					    "APPEND k 0123456789012345",
					    "GETEX k EX 100",
					    "EXPIRE k 100"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct talk *t = open_alone("noeviction");
		ck_assert_str_eq(talk_line(t, "SET k old"), "+OK\r\n");
		t->memory.refuse_all = true;
		ck_assert_str_eq(talk_line(t, lines[i]), OOM);
		ck_assert_str_eq(talk_line(t, "GET k"), "$3\r\nold\r\n");
		ck_assert_str_eq(talk_line(t, "TTL k"), ":-1\r\n");
		t->memory.refuse_all = false;
		talk_close(t);
	}
}
END_TEST

START_TEST(an_old_value_is_told_after_the_new_one_has_its_place)
{
	struct talk *t = open_alone("noeviction");
	ck_assert_str_eq(talk_line(t, "GETSET k one"), "$-1\r\n");
	ck_assert_str_eq(talk_line(t, "GETSET k second"), "$3\r\none\r\n");
	ck_assert_str_eq(talk_line(t, "SET k third GET"), "$6\r\nsecond\r\n");
	ck_assert_str_eq(talk_line(t, "SET k no NX GET"), "$5\r\nthird\r\n");
	ck_assert_str_eq(talk_line(t, "SETRANGE k 5000 x"), ":5001\r\n"); /* a blob */
	ck_assert_str_eq(talk_line(t, "STRLEN k"), ":5001\r\n");
	ck_assert_int_eq(strncmp(talk_line(t, "GETSET k fourth"), "$5001\r\nthird", 12), 0);
	ck_assert_str_eq(talk_line(t, "GET k"), "$6\r\nfourth\r\n");
	talk_close(t);
}
END_TEST

START_TEST(every_policy_makes_room_before_the_command)
{
	for (unsigned p = EVICT_ALL_LRU; p < EVICT_POLICIES; p++) {
		struct talk *t = open_alone(evict_policy_name((enum evict_policy)p));
		fill(t, 0, KEYS, " EX 1000");
		limit(t, memory_used(t->server) + SLACK);
		uint64_t max = t->server->config.maxmemory;
		for (unsigned i = KEYS; i < 3 * KEYS; i++) {
			fill(t, i, i + 1, " EX 1000");
			ck_assert_uint_le(memory_used(t->server), max + 4096);
		}
		ck_assert_uint_ge(memory_used(t->server), max - max / 100);
		ck_assert_uint_ge(server_counters(t->server)->evicted_keys, KEYS);
		ck_assert_uint_eq(server_counters(t->server)->evicted_keys,
				  3 * KEYS - keyspace_count(t->server->keys));
		keyspace_check(t->server->keys);
		talk_close(t);
	}
}
END_TEST

START_TEST(a_volatile_policy_refuses_when_nothing_expires)
{
	struct talk *t = open_alone("volatile-ttl");
	fill(t, 0, 10, "");
	limit(t, memory_used(t->server) - 1);
	ck_assert_str_eq(talk_line(t, "SET a b"), OOM);
	ck_assert_str_eq(talk_line(t, "EXPIRE key:3 100"), ":1\r\n");
	ck_assert_str_eq(talk_line(t, "SET a b"), "+OK\r\n");
	ck_assert_str_eq(talk_line(t, "EXISTS key:3"), ":0\r\n");
	ck_assert_uint_eq(server_counters(t->server)->evicted_keys, 1);
	talk_close(t);
}
END_TEST

START_TEST(replicas_hear_of_an_eviction_before_its_cause)
{
	struct talk *t = open_alone("allkeys-random");
	ck_assert_str_eq(talk_line(t, "SET only 1"), "+OK\r\n");
	t->server->feed.on = true;
	ck_assert_str_eq(talk_line(t, "SET only 2"), "+OK\r\n"); /* what is fed takes memory, too */
	feed_take(t->server);
	limit(t, memory_used(t->server) - 1);
	ck_assert_str_eq(talk_line(t, "SET next 2"), "+OK\r\n");
	struct span fed = feed_take(t->server);
	ck_assert_msg(span_equal(fed, SPAN("*2\r\n$3\r\nDEL\r\n$4\r\nonly\r\n"
					   "*3\r\n$3\r\nSET\r\n$4\r\nnext\r\n$1\r\n2\r\n")),
		      "%.*s", (int)fed.len, (const char *)fed.at);
	talk_close(t);
}
END_TEST

/* V3. Nobody writes: turns do it. */
START_TEST(lowering_maxmemory_evicts_in_steps)
{
	struct talk *t = open_alone("allkeys-lru");
	fill(t, 0, KEYS, "");
	uint64_t used = memory_used(t->server), before = KEYS;
	unsigned turns = 0;
	limit(t, used - (uint64_t)KEYS / 2 * 50);
	while (server_next_at(t->server) <= t->server->now_us && turns++ < TURNS_MAX) {
		next_turn(t);
		server_tick(t->server, 1000);
		uint64_t count = keyspace_count(t->server->keys);
		ck_assert_uint_le(before - count, EVICT_TURN_MAX);
		before = count;
	}
	ck_assert_uint_gt(turns, 1);
	ck_assert_uint_lt(turns, TURNS_MAX);
	ck_assert_uint_le(memory_used(t->server), t->server->config.maxmemory);
	talk_close(t);
}
END_TEST

/* V5. */
START_TEST(nothing_is_evicted_while_the_offset_must_stand_still)
{
	struct talk *t = open_alone("allkeys-lru");
	fill(t, 0, 1000, "");
	limit(t, memory_used(t->server) / 2);
	t->server->stands_still = true;
	next_turn(t);
	server_tick(t->server, 1000);
	ck_assert_uint_eq(keyspace_count(t->server->keys), 1000);
	t->server->stands_still = false;
	next_turn(t);
	server_tick(t->server, 1000);
	ck_assert_uint_eq(keyspace_count(t->server->keys), 1000 - EVICT_TURN_MAX);
	talk_close(t);
}
END_TEST

/* V2. All is with one member; the other is not refused, and the first one's turns make up for it. */
START_TEST(a_lcore_without_keys_goes_on_while_another_has_some)
{
	char line[128];
	talk_open_group(talks, &group, MEMBERS);
	struct talk *rich = NULL, *poor = NULL;
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(line, sizeof(line),
			 "SET {a}%u 01234567890123456789012345678901234567890123", i);
		talk_identify(&talks[0], line);
		rich = &talks[talks[0].call.member];
		ck_assert_str_eq(talk_line(rich, line), "+OK\r\n");
	}
	poor = rich == &talks[0] ? &talks[1] : &talks[0];
	ck_assert_str_eq(
		talk_line(poor, "CONFIG SET maxmemory-policy allkeys-lru maxmemory 1000000"),
		"+OK\r\n");
	ck_assert_uint_gt(memory_used_by_all(&group), 1000000);
	for (unsigned m = 0; m < MEMBERS; m++)
		ck_assert_uint_eq(group.members[m]->config.maxmemory, 1000000);
	for (unsigned i = 0; i < TURNS_MAX && keyspace_count(rich->server->keys) > 0; i++) {
		next_turn(rich);
		server_tick(rich->server, 1000);
	}
	next_turn(rich);
	server_tick(rich->server, 1000);
	/* The servers themselves take more than that: now both are poor. */
	server_tick(poor->server, 1000);
	ck_assert_str_eq(talk_line(poor, "SET b c"), OOM);
	talk_close_group(talks, &group);
}
END_TEST

START_TEST(the_budget_is_never_below_what_is_used)
{
	struct budget b = {0};
	struct prng prng;
	uint64_t used[3] = {0}, credit[3] = {0}, highest = 0;
	prng_seed(&prng, 5);
	for (unsigned step = 0; step < 100000; step++) {
		unsigned who = (unsigned)prng_below(&prng, 3);
		uint64_t change = prng_below(&prng, 200000), sum = 0;
		used[who] = prng_below(&prng, 2) || used[who] < change ? used[who] + change
								       : used[who] - change;
		uint64_t taken = budget_settle(&b, &credit[who], used[who]);
		for (unsigned i = 0; i < 3; i++)
			sum += used[i];
		ck_assert_uint_ge(taken, sum);
		ck_assert_uint_le(taken - sum, UINT64_C(3) * 2 * BUDGET_CREDIT);
		highest = taken > highest ? taken : highest;
	}
	ck_assert_uint_eq(atomic_load(&b.peak), highest);
}
END_TEST

START_TEST(object_and_restore_speak_of_what_the_policy_keeps)
{
	struct talk *t = open_alone("allkeys-lfu");
	ck_assert_str_eq(talk_line(t, "SET k v"), "+OK\r\n");
	ck_assert_str_eq(talk_line(t, "OBJECT FREQ k"), ":5\r\n");
	ck_assert_str_eq(talk_line(t, "GET k"), "$1\r\nv\r\n"); /* the first rise is certain */
	ck_assert_str_eq(talk_line(t, "OBJECT FREQ k"), ":6\r\n");
	ck_assert_str_eq(talk_line(t, "TTL k"), ":-1\r\n");
	ck_assert_str_eq(talk_line(t, "EXISTS k"), ":1\r\n");
	ck_assert_str_eq(talk_line(t, "OBJECT FREQ k"), ":6\r\n");
	ck_assert_int_eq(talk_line(t, "OBJECT IDLETIME k")[0], '-');
	ck_assert_str_eq(talk_line(t, "CONFIG SET maxmemory-policy volatile-ttl"), "+OK\r\n");
	ck_assert_str_eq(talk_line(t, "SET k v"), "+OK\r\n");
	server_set_time(t->server, TALK_UNIX_MS + 10100, 10100000);
	ck_assert_str_eq(talk_line(t, "OBJECT IDLETIME k"), ":10\r\n");
	ck_assert_int_eq(talk_line(t, "OBJECT FREQ k")[0], '-');
	ck_assert_str_eq(talk_line(t, "TOUCH k"), ":1\r\n");
	ck_assert_str_eq(talk_line(t, "OBJECT IDLETIME k"), ":0\r\n");
	talk_close(t);
}
END_TEST

int
main(void)
{
	return RUN_CASES("memory", noeviction_refuses_what_needs_room_and_nothing_else,
			 a_handler_whose_memory_is_refused_says_so_and_keeps_the_old_value,
			 an_old_value_is_told_after_the_new_one_has_its_place,
			 every_policy_makes_room_before_the_command,
			 a_volatile_policy_refuses_when_nothing_expires,
			 replicas_hear_of_an_eviction_before_its_cause,
			 lowering_maxmemory_evicts_in_steps,
			 nothing_is_evicted_while_the_offset_must_stand_still,
			 a_lcore_without_keys_goes_on_while_another_has_some,
			 the_budget_is_never_below_what_is_used,
			 object_and_restore_speak_of_what_the_policy_keeps);
}
