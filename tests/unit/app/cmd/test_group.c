/* tests/unit/app/cmd/test_group.c - several servers as one: which call goes where, and what those see that meet all members.
 *
 * Calls are routed by hand as app/lcore/serve.c does it: ROUTE_MEMBER on that member, all others at home.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app/store/slot_table.h"
#include "proto/base/crc16.h"
#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define MEMBERS   3
#define KEYS      400 /* a half in one slot */
#define SCANS_MAX 200000

static struct talk members[SERVER_GROUP_MAX];
static struct server_group group;

static void
setup(unsigned count)
{
	talk_open_group(members, &group, count);
}

static void
teardown(void)
{
	talk_close_group(members, &group);
}

/* A client of member home. */
static const char *
say(unsigned home, const char *words)
{
	struct talk *t = &members[home];
	talk_identify(t, words);
	talk_writer(t);
	struct server *server =
		t->call.route == ROUTE_MEMBER ? group.members[t->call.member] : t->server;
	call_execute(server, &t->call, &t->writer);
	return talk_reply(t);
}

static unsigned
member_of(const char *key)
{
	return key_slot((const uint8_t *)key, strlen(key)) % group.count;
}

struct row {
	const char *words;
	enum call_route route;
};

static void
check_routes(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		talk_identify(&members[0], rows[i].words);
		ck_assert_msg(members[0].call.route == rows[i].route, "%s: %d", rows[i].words,
			      (int)members[0].call.route);
		if (rows[i].route == ROUTE_MEMBER)
			ck_assert_uint_eq(members[0].call.member,
					  members[0].call.key.slot % group.count);
	}
}

#define ROUTES(rows) check_routes(rows, sizeof(rows) / sizeof((rows)[0]))

/* Of three members foo and hello are the third's, bar the first's (slots 12182, 866, 5061). */
START_TEST(each_scope_has_its_route)
{
	static const struct row rows[] = {
		{"GET foo",                ROUTE_MEMBER },
		{"SET bar v",              ROUTE_MEMBER },
		{"get foo",                ROUTE_MEMBER },
		{"MGET foo hello",         ROUTE_MEMBER }, /* other slots, the same member */
		{"MGET foo bar",           ROUTE_BARRIER},
		{"DEL foo hello bar",      ROUTE_BARRIER},
		{"MSET foo bar hello bar", ROUTE_MEMBER }, /* values are no keys */
		{"MSET foo 1 bar 2",       ROUTE_BARRIER},
		{"KEYS *",                 ROUTE_BARRIER},
		{"SCAN 0",                 ROUTE_BARRIER},
		{"DBSIZE",                 ROUTE_BARRIER},
		{"RANDOMKEY",              ROUTE_BARRIER},
		{"FLUSHALL",               ROUTE_BARRIER},
		{"CONFIG GET save",        ROUTE_BARRIER},
		{"INFO",                   ROUTE_BARRIER},
		{"CLIENT LIST",            ROUTE_BARRIER},
		{"CLIENT KILL ID 1",       ROUTE_BARRIER},
		{"CLIENT ID",              ROUTE_HERE   },
		{"CLIENT",                 ROUTE_HERE   },
		{"DEBUG SLEEP 0",          ROUTE_HERE   },
		{"PING",                   ROUTE_HERE   },
		{"ECHO foo",               ROUTE_HERE   },
		{"GET",                    ROUTE_HERE   }, /* refused wherever it runs */
		{"GET foo bar",            ROUTE_HERE   },
		{"NOSUCH foo",             ROUTE_HERE   },
	};
	setup(MEMBERS);
	ROUTES(rows);
	members[0].session.flags = 0;
	static const struct row strangers[] = {
		{"GET foo",  ROUTE_HERE},
                {"FLUSHALL", ROUTE_HERE}
        };
	ROUTES(strangers);
	teardown();
	setup(1);
	static const struct row alone[] = {
		{"GET foo",      ROUTE_HERE},
                {"MGET foo bar", ROUTE_HERE},
                {"KEYS *",       ROUTE_HERE}
        };
	ROUTES(alone);
	teardown();
}
END_TEST

START_TEST(in_a_cluster_the_first_key_decides)
{
	static const struct row rows[] = {
		{"GET foo",      ROUTE_MEMBER },
		{"MGET foo bar", ROUTE_MEMBER }, /* whose owner refuses it */
		{"CLUSTER MYID", ROUTE_CONTROL},
		{"DBSIZE",       ROUTE_BARRIER},
	};
	size_t size = (slot_table_size() + 63) / 64 * 64;
	struct slot_table *table = slot_table_format(aligned_alloc(64, size), size);
	setup(MEMBERS);
	slot_table_set_mode(table, SLOT_MODE_OK, SLOT_NODE_NONE);
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		slot_table_set(table, (uint16_t)slot, slot_word(SLOT_LOCAL, 1));
	group.slots = table;
	ROUTES(rows);
	ck_assert_str_eq(say(0, "MGET foo bar"),
			 "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
	teardown();
	free(table);
}
END_TEST

static void
fill(void)
{
	char line[64];
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(line, sizeof(line), "SET %s%u value", i % 2 != 0 ? "{one}:" : "key:", i);
		ck_assert_str_eq(say(i % group.count, line), "+OK\r\n");
	}
	for (unsigned i = 0; i < group.count; i++)
		ck_assert_uint_gt(keyspace_count(members[i].server->keys), 0);
}

START_TEST(a_key_lies_with_its_member_alone)
{
	char line[64];
	setup(MEMBERS);
	fill();
	for (unsigned i = 0; i < KEYS; i++) {
		struct key key;
		snprintf(line, sizeof(line), "%s%u", i % 2 != 0 ? "{one}:" : "key:", i);
		keyspace_key(members[0].server->keys,
			     (struct span){(const uint8_t *)line, strlen(line)}, &key);
		for (unsigned m = 0; m < group.count; m++)
			ck_assert((keyspace_find(members[m].server->keys, &key, 0) != NULL) ==
				  (m == member_of(line)));
	}
	ck_assert_str_eq(say(1, "MSET foo 1 bar 2 hello 3"), "+OK\r\n");
	ck_assert_str_eq(say(2, "MGET hello bar foo none"),
			 "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n1\r\n$-1\r\n");
	ck_assert_str_eq(say(0, "EXISTS foo bar hello none"), ":3\r\n");
	ck_assert_str_eq(say(0, "MSETNX foo 1 none 2"), ":0\r\n");
	ck_assert_str_eq(say(1, "DEL foo bar none"), ":2\r\n");
	ck_assert_str_eq(say(1, "GET hello"), "$1\r\n3\r\n");
	teardown();
}
END_TEST

START_TEST(all_members_count_list_and_empty_as_one)
{
	unsigned drawn[MEMBERS] = {0};
	setup(MEMBERS);
	ck_assert_str_eq(say(0, "RANDOMKEY"), "$-1\r\n");
	fill();
	for (unsigned home = 0; home < MEMBERS; home++) {
		ck_assert_str_eq(say(home, "DBSIZE"), ":400\r\n");
		ck_assert_int_eq(strncmp(say(home, "KEYS *"), "*400\r\n", 6), 0);
		ck_assert_int_eq(strncmp(say(home, "KEYS {one}*"), "*200\r\n", 6), 0);
	}
	for (unsigned i = 0; i < 300; i++) {
		char name[64];
		ck_assert_int_eq(sscanf(say(i % MEMBERS, "RANDOMKEY"), "$%*u\r\n%63s\r\n", name),
				 1);
		drawn[member_of(name)]++;
	}
	for (unsigned m = 0; m < MEMBERS; m++)
		ck_assert_uint_gt(drawn[m], 0);
	ck_assert_str_eq(say(2, "FLUSHALL"), "+OK\r\n");
	for (unsigned m = 0; m < MEMBERS; m++)
		ck_assert_uint_eq(keyspace_count(members[m].server->keys), 0);
	ck_assert_str_eq(say(1, "DBSIZE"), ":0\r\n");
	teardown();
}
END_TEST

/* Notes the keys of a SCAN's reply; answers its cursor. */
static uint64_t
note_scan(const char *reply, unsigned seen[KEYS])
{
	char cursor[32];
	ck_assert_int_eq(sscanf(reply, "*2\r\n$%*u\r\n%31[0-9]", cursor), 1);
	for (const char *p = strstr(reply, ":"); p != NULL; p = strstr(p + 1, ":")) {
		char *end;
		unsigned long number = strtoul(p + 1, &end, 10);
		if (end != p + 1 && number < KEYS)
			seen[number]++;
	}
	return strtoull(cursor, NULL, 10);
}

static void
scan_all(unsigned count)
{
	unsigned seen[KEYS] = {0}, scans = 0, churn = 0;
	uint64_t cursor = 0;
	char line[96];
	do {
		snprintf(line, sizeof(line), "SCAN %lu COUNT %u", cursor, count);
		cursor = note_scan(say(scans % group.count, line), seen);
		/* Others come and go meanwhile; tables grow. */
		snprintf(line, sizeof(line), "SET {one}x%u v", churn);
		say(0, line);
		snprintf(line, sizeof(line), "DEL {one}x%u", churn / 2);
		say(0, line);
		churn++;
		ck_assert_uint_lt(++scans, SCANS_MAX);
	} while (cursor != 0);
	for (unsigned i = 0; i < KEYS; i++)
		ck_assert_msg(seen[i] > 0, "%u members, count %u: key %u was not seen", group.count,
			      count, i);
}

START_TEST(a_scan_sees_every_key_that_stays)
{
	static const unsigned sizes[] = {1, 2, 3, 7, SERVER_GROUP_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		setup(sizes[i]);
		fill();
		scan_all(10);
		scan_all(1000);
		teardown();
	}
}
END_TEST

START_TEST(settings_reach_all_members)
{
	setup(MEMBERS);
	ck_assert_str_eq(say(1, "CONFIG SET maxmemory 123456789 timeout 77"), "+OK\r\n");
	for (unsigned m = 0; m < MEMBERS; m++) {
		ck_assert_uint_eq(members[m].server->config.maxmemory, 123456789);
		ck_assert_uint_eq(members[m].server->config.timeout_s, 77);
	}
	/* all or nothing, everywhere */
	ck_assert_int_eq(say(2, "CONFIG SET timeout 5 maxmemory many")[0], '-');
	for (unsigned m = 0; m < MEMBERS; m++)
		ck_assert_uint_eq(members[m].server->config.timeout_s, 77);
	say(0, "GET foo");
	ck_assert_str_eq(say(0, "CONFIG RESETSTAT"), "+OK\r\n");
	for (unsigned m = 1; m < MEMBERS; m++)
		ck_assert_uint_eq(members[m].server->counters.commands, 0);
	teardown();
}
END_TEST

START_TEST(clients_of_all_members_are_listed_and_killed)
{
	char line[64];
	setup(MEMBERS);
	const char *list = say(1, "CLIENT LIST");
	for (unsigned m = 0; m < MEMBERS; m++) {
		snprintf(line, sizeof(line), "id=%lu ", members[m].session.id);
		ck_assert_msg(strstr(list, line) != NULL, "%s in %s", line, list);
		for (unsigned other = 0; other < m; other++)
			ck_assert_uint_ne(members[m].session.id, members[other].session.id);
	}
	snprintf(line, sizeof(line), "CLIENT KILL ID %lu", members[2].session.id);
	ck_assert_str_eq(say(0, line), ":1\r\n");
	ck_assert(members[2].session.flags & SESSION_CLOSE_NOW);
	ck_assert(!(members[1].session.flags & SESSION_CLOSE_NOW));
	teardown();
}
END_TEST

int
main(void)
{
	return RUN_CASES("group", each_scope_has_its_route, in_a_cluster_the_first_key_decides,
			 a_key_lies_with_its_member_alone, all_members_count_list_and_empty_as_one,
			 a_scan_sees_every_key_that_stays, settings_reach_all_members,
			 clients_of_all_members_are_listed_and_killed);
}
