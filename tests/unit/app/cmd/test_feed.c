/* tests/unit/app/cmd/test_feed.c - promise F1 as a property: what a server feeds, executed by another, makes the same keys of it.
 *
 * Random commands run on one server while its time goes on; what it feeds is parsed and run on a second one as app/lcore/sync.c does it:
 * as the primary's session, and at time 0, so that nothing expires there that was not fed. After every few commands both hold the same
 * keys, values and expiry times, those that are over but not yet deleted included.
 */
#include "app/cmd/feed.h"

#include <stdio.h>

#include "proto/base/crc16.h"
#include "proto/base/prng.h"
#include "proto/resp/parser.h"
#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define SEEDS       5
#define STEPS       3000
#define CHECK_EVERY 7
#define KEYS        12 /* in one slot */
#define REFUSE_ONE  6  /* with little memory: one command in so many has an allocation refused */

static struct talk primary, replica;

/* K key, V value, N small number, F float, S seconds, M milliseconds, A and B those as times, P a time that is over. */
static const char *const forms[] = {
	"SET K V",
	"SET K V EX S",
	"SET K V PX M",
	"SET K V EXAT A",
	"SET K V PXAT B",
	"SET K V PXAT P",
	"SET K V KEEPTTL",
	"SET K V NX",
	"SET K V XX",
	"SET K V XX GET",
	"SET K V GET",
	"SET K V NX PX M",
	"SET K N",
	"SET K V NX GET",
	"SETEX K S V",
	"PSETEX K M V",
	"SETNX K V",
	"GETSET K V",
	"GETDEL K",
	"GETEX K",
	"GETEX K EX S",
	"GETEX K PX M",
	"GETEX K PXAT P",
	"GETEX K PERSIST",
	"GETEX K EXAT A",
	"MSET K V K V",
	"MSET K V K V K N",
	"MSETNX K V K V",
	"APPEND K V",
	"SETRANGE K N V",
	"INCR K",
	"DECR K",
	"INCRBY K N",
	"DECRBY K N",
	"INCRBYFLOAT K F",
	"DEL K",
	"DEL K K K",
	"UNLINK K K",
	"EXPIRE K S",
	"EXPIRE K -1",
	"EXPIRE K S NX",
	"EXPIRE K S XX",
	"PEXPIRE K M GT",
	"PEXPIRE K M LT",
	"EXPIREAT K A",
	"EXPIREAT K 1",
	"PEXPIREAT K B",
	"PERSIST K",
	"GET K",
	"MGET K K",
	"EXISTS K",
	"TTL K",
	"TOUCH K",
	"STRLEN K",
	"INCR K V",
	"SET K V EX 0",
	"INCRBY K V",
	"INCRBYFLOAT K V",
	"SETRANGE K N ",
	"COPY K K",
	"COPY K K REPLACE",
	"RENAME K K",
	"RENAMENX K K",
	"SETBIT K N 1",
	"SETBIT K N 0",
	"BITOP OR K K K",
	"BITOP NOT K K",
	"BITFIELD K SET u8 N N",
	"BITFIELD K INCRBY i5 N 3 OVERFLOW FAIL INCRBY u4 N 9",
	"BITFIELD K GET u8 0",
	"FLUSHALL",
};

static size_t
put_word(char *at, size_t room, char form, struct prng *prng)
{
	uint64_t now_ms = primary.server->unix_ms, number = prng_below(prng, 3000);
	static const char *const values[] = {
		"v", "10", "-3", "9223372036854775800", "3.25", "abcdefghijklmnop"};
	switch (form) {
	case 'K':
		return (size_t)snprintf(at, room, "{t}k%u", (unsigned)(number % KEYS));
	case 'V':
		if (number % 40 == 0) /* longer than what lies in an entry */
			return (size_t)snprintf(at, room, "%0400u", (unsigned)number);
		return (size_t)snprintf(at, room, "%s", values[number % 6]);
	case 'N':
		return (size_t)snprintf(at, room, "%u", (unsigned)(number % 30));
	case 'F':
		return (size_t)snprintf(at, room, "%u.%02u", (unsigned)(number % 9),
					(unsigned)(number % 97));
	case 'S':
		return (size_t)snprintf(at, room, "%u", 1 + (unsigned)(number % 3));
	case 'M':
		return (size_t)snprintf(at, room, "%u", 1 + (unsigned)number);
	case 'A':
		return (size_t)snprintf(at, room, "%lu", now_ms / 1000 + number % 4);
	case 'B':
		return (size_t)snprintf(at, room, "%lu", now_ms + number);
	default:
		return (size_t)snprintf(at, room, "%lu", now_ms - number);
	}
}

/* A form's single capital letters stand for words. */
static void
random_line(char line[TALK_LINE_MAX], struct prng *prng)
{
	size_t kinds = sizeof(forms) / sizeof(forms[0]) - 1, len = 0;
	bool flush = prng_below(prng, 400) == 0; /* the last one */
	const char *form = forms[flush ? kinds : prng_below(prng, kinds)];
	for (const char *p = form; *p != '\0'; p++) {
		bool alone = (p == form || p[-1] == ' ') && (p[1] == ' ' || p[1] == '\0');
		if (alone && *p >= 'A' && *p <= 'Z')
			len += put_word(line + len, TALK_LINE_MAX - len, *p, prng);
		else
			line[len++] = *p;
		ck_assert_uint_lt(len, TALK_LINE_MAX - 1);
	}
	line[len] = '\0';
}

/* As app/lcore/sync.c applies a command of the stream. */
static void
apply(const struct span *argv, uint32_t argc)
{
	struct server *server = replica.server;
	struct call call = {.session = &replica.session, .argv = argv, .argc = argc};
	uint64_t errors = server_counters(server)->error_replies;
	talk_writer(&replica);
	call_identify(server, &call);
	ck_assert_ptr_nonnull(call.command);
	call.route = ROUTE_BARRIER;
	call_execute(server, &call, &replica.writer);
	ck_assert_uint_eq(server_counters(server)->error_replies, errors);
}

static void
apply_feed(void)
{
	struct resp_parser parser = {0};
	struct resp_limits limits = {.bulk_max = 1u << 20};
	struct span bytes = feed_take(primary.server);
	while (bytes.len > 0) {
		struct span argv[TALK_ARGS_MAX];
		struct resp_command command;
		ck_assert_int_eq(resp_parse(&parser, &limits, (uint8_t *)(uintptr_t)bytes.at,
					    bytes.len, argv, TALK_ARGS_MAX, &command),
				 RESP_OK);
		apply(argv, command.argc);
		bytes.at += command.size;
		bytes.len -= command.size;
	}
}

static void
check_entry(void *owner, const struct entry *e)
{
	struct key key;
	const char *line = owner;
	keyspace_key(replica.server->keys, entry_key(e), &key);
	const struct entry *other = keyspace_find(replica.server->keys, &key, 0);
	ck_assert_msg(other != NULL, "not there after '%s'", line);
	struct span a = entry_value(e), b = entry_value(other);
	ck_assert_msg(a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0),
		      "'%s': %zu %.*s, %zu %.*s", line, a.len, (int)a.len, (const char *)a.at,
		      b.len, (int)b.len, (const char *)b.at);
	ck_assert_msg(entry_expire_ms(e) == entry_expire_ms(other), "'%s': %lu, %lu", line,
		      entry_expire_ms(e), entry_expire_ms(other));
}

static void
check_same(char *line)
{
	ck_assert_msg(keyspace_count(primary.server->keys) == keyspace_count(replica.server->keys),
		      "%s", line);
	keyspace_slot_visit(primary.server->keys, key_slot((const uint8_t *)"{t}", 3), check_entry,
			    line);
}

static void
setup(void)
{
	talk_open(&primary, NULL, 0);
	talk_open(&replica, NULL, 0);
	primary.server->feed.on = true;
	replica.session.flags |= SESSION_PRIMARY;
	keyspace_keep_expired(replica.server->keys, true);
	server_set_time(replica.server, 0, 0);
}

static void
run(uint64_t seed, bool little_memory)
{
	struct prng prng;
	char line[TALK_LINE_MAX];
	uint64_t now_ms = TALK_UNIX_MS;
	prng_seed(&prng, seed);
	setup();
	for (unsigned step = 0; step < STEPS; step++) {
		now_ms += prng_below(&prng, 3) == 0 ? prng_below(&prng, 500) : 0;
		server_set_time(primary.server, now_ms, now_ms * 1000);
		if (prng_below(&prng, 20) == 0)
			server_tick(primary.server, 1000);
		random_line(line, &prng);
		if (little_memory && prng_below(&prng, REFUSE_ONE) == 0)
			primary.memory.refuse_in = 1 + prng_below(&prng, 4);
		talk_line(&primary, line);
		primary.memory.refuse_in = 0;
		ck_assert(little_memory || !primary.server->feed.failed);
		if (primary.server->feed.failed) { /* it says so: a replica begins anew */
			talk_close(&primary);
			talk_close(&replica);
			setup();
			continue;
		}
		if (step % CHECK_EVERY != 0 && !little_memory)
			continue;
		apply_feed();
		check_same(line);
	}
	talk_close(&primary);
	talk_close(&replica);
}

START_TEST(what_is_fed_makes_the_same_keys_elsewhere)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed, false);
}
END_TEST

START_TEST(what_is_fed_is_true_when_memory_runs_out)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed, true);
}
END_TEST

static void
check_fed(const char *line, const char *expected)
{
	talk_line(&primary, line);
	struct span fed = feed_take(primary.server);
	ck_assert_msg(fed.len == strlen(expected) &&
			      (fed.len == 0 || memcmp(fed.at, expected, fed.len) == 0),
		      "'%s': %.*s", line, (int)fed.len, (const char *)fed.at);
}

START_TEST(times_are_fed_as_points_in_time)
{
	setup();
	check_fed("SET k v", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
	check_fed("EXPIRE k 10", "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$13\r\n1700000010000\r\n");
	check_fed(
		"SETEX k 20 w",
		"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n$4\r\nPXAT\r\n$13\r\n1700000020000\r\n");
	check_fed("GETEX k PERSIST", "*2\r\n$7\r\nPERSIST\r\n$1\r\nk\r\n");
	check_fed("PEXPIRE k -1", "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
	check_fed("INCRBYFLOAT k 0.5", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n0.5\r\n");
	talk_close(&primary);
	talk_close(&replica);
}
END_TEST

START_TEST(what_changes_nothing_is_not_fed)
{
	setup();
	check_fed("GET k", "");
	check_fed("DEL k", "");
	check_fed("EXPIRE k 10", "");
	check_fed("SET k v XX", "");
	check_fed("PERSIST k", "");
	check_fed("MSETNX k", "");
	primary.server->feed.on = false;
	check_fed("SET k v", "");
	talk_close(&primary);
	talk_close(&replica);
}
END_TEST

START_TEST(a_key_found_expired_is_fed_as_deleted)
{
	setup();
	talk_line(&primary, "SET k v PX 5");
	feed_take(primary.server);
	server_set_time(primary.server, TALK_UNIX_MS + 6, 0);
	check_fed("GET k", "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
	talk_line(&primary, "SET k v PX 5");
	feed_take(primary.server);
	server_set_time(primary.server, TALK_UNIX_MS + 12, 0);
	check_fed("APPEND k w",
		  "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*3\r\n$6\r\nAPPEND\r\n$1\r\nk\r\n$1\r\nw\r\n");
	talk_close(&primary);
	talk_close(&replica);
}
END_TEST

int
main(void)
{
	return RUN_CASES("feed", times_are_fed_as_points_in_time, what_changes_nothing_is_not_fed,
			 a_key_found_expired_is_fed_as_deleted,
			 what_is_fed_makes_the_same_keys_elsewhere,
			 what_is_fed_is_true_when_memory_runs_out);
}
