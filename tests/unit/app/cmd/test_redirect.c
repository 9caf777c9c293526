/* tests/unit/app/cmd/test_redirect.c - who is served, and where the others are sent; the order of questions is Redis 7.0's. */
#include "app/cmd/redirect.h"

#include <stdlib.h>

#include "app/store/slot_table.h"
#include "proto/base/crc16.h"
#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define US    7
#define OTHER 9
#define OK    SLOT_MODE_OK

static struct talk talk;
static struct server_group group;
static struct slot_table *table;

/* Keys h, h1 ... of hash tag {h} are here; those of {g} are not. Tag {x} is another slot. */
static void
setup(void)
{
	size_t size = (slot_table_size() + 63) / 64 * 64;
	table = slot_table_format(aligned_alloc(64, size), size);
	ck_assert_ptr_nonnull(table);
	group = (struct server_group){.count = 1, .slots = NULL};
	talk_open(&talk, &group, 0);
	talk_line(&talk, "SET {h} here");
	talk_line(&talk, "SET {h}1 here");
	ck_assert(slot_table_set_endpoint(table, OTHER, "10.0.0.9:6379"));
	group.slots = table;
}

static void
teardown(void)
{
	talk_close(&talk);
	free(table);
}

static uint16_t
slot_of(const char *name)
{
	return key_slot((const uint8_t *)name, strlen(name));
}

/* All slots have that state, but {x}'s, which is ours. */
static void
arrange(enum slot_state state, uint32_t mode, uint32_t flags)
{
	uint32_t node = state == SLOT_LOCAL ? US : state == SLOT_UNOWNED ? SLOT_NODE_NONE : OTHER;
	slot_table_set(table, slot_of("{h}"), slot_word(state, node));
	slot_table_set(table, slot_of("{x}"), slot_word(SLOT_LOCAL, US));
	slot_table_set_mode(table, mode, OTHER);
	talk.session.flags = SESSION_AUTHENTICATED | flags;
}

static enum redirect
check(const char *words)
{
	talk_identify(&talk, words);
	talk_writer(&talk);
	return redirect_check(talk.server, &talk.call, &talk.writer);
}

struct row {
	enum slot_state state;
	uint32_t mode, flags;
	const char *words;
	enum redirect expected;
};

static const char *
text_of(enum redirect redirect)
{
	static const char *const texts[REDIRECT_COUNT] = {
		[REDIRECT_NONE] = "",
		[REDIRECT_UNOWNED] = "-CLUSTERDOWN Hash slot not served\r\n",
		[REDIRECT_CROSS_SLOT] =
			"-CROSSSLOT Keys in request don't hash to the same slot\r\n",
		[REDIRECT_DOWN] = "-CLUSTERDOWN The cluster is down\r\n",
		[REDIRECT_DOWN_READS_ONLY] =
			"-CLUSTERDOWN The cluster is down and only accepts read commands\r\n",
		[REDIRECT_ASK] = "-ASK 11694 10.0.0.9:6379\r\n",
		[REDIRECT_TRY_AGAIN] =
			"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
		[REDIRECT_MOVED] = "-MOVED 11694 10.0.0.9:6379\r\n",
	};
	return texts[redirect];
}

static void
check_rows(const struct row *rows, size_t count)
{
	setup();
	ck_assert_uint_eq(slot_of("{h}"), 11694);
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		arrange(r->state, r->mode, r->flags);
		enum redirect found = check(r->words);
		ck_assert_msg(found == r->expected, "row %zu '%s': %d", i, r->words, (int)found);
		ck_assert_str_eq(talk_reply(&talk), text_of(found));
	}
	teardown();
}

#define ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

START_TEST(a_slot_that_is_ours_is_served)
{
	static const struct row rows[] = {
		{SLOT_LOCAL, OK, 0,              "GET {h}",               REDIRECT_NONE},
		{SLOT_LOCAL, OK, 0,              "SET {h}gone v",         REDIRECT_NONE},
		{SLOT_LOCAL, OK, 0,              "MGET {h} {h}gone",      REDIRECT_NONE},
		{SLOT_LOCAL, OK, SESSION_ASKING, "GET {h}",               REDIRECT_NONE},
		{SLOT_LOCAL, OK, 0,              "MSET {h} {x} {h}1 {x}",
		 REDIRECT_NONE							 }, /* values are no keys */
	};
	ROWS(rows);
}
END_TEST

START_TEST(questions_come_in_redis_order)
{
	static const struct row rows[] = {
  /* unowned before cross slot before down */
		{SLOT_UNOWNED,   OK, 0,              "GET {h}",          REDIRECT_UNOWNED   },
		{SLOT_UNOWNED,   0,  0,              "GET {h}",          REDIRECT_UNOWNED   },
		{SLOT_UNOWNED,   OK, 0,              "MGET {h} {x}",     REDIRECT_UNOWNED   },
		{SLOT_LOCAL,     0,  0,              "MGET {h} {x}",     REDIRECT_CROSS_SLOT},
		{SLOT_LOCAL,     OK, 0,              "MSET {h} 1 {x} 2", REDIRECT_CROSS_SLOT},
		{SLOT_REMOTE,    OK, 0,              "DEL {h} {h}1 {x}", REDIRECT_CROSS_SLOT},
		{SLOT_REMOTE,    0,  0,              "DEL {h} {x}",      REDIRECT_CROSS_SLOT},
 /* down before open slots before owner */
		{SLOT_LOCAL,     0,  0,              "GET {h}",          REDIRECT_DOWN      },
		{SLOT_MIGRATING, 0,  0,              "GET {h}gone",      REDIRECT_DOWN      },
		{SLOT_IMPORTING, 0,  SESSION_ASKING, "MGET {h} {h}gone", REDIRECT_DOWN      },
		{SLOT_REMOTE,    0,  0,              "GET {h}",          REDIRECT_DOWN      },
	};
	ROWS(rows);
}
END_TEST

START_TEST(reads_when_down_are_allowed_by_configuration)
{
	static const struct row rows[] = {
		{SLOT_LOCAL,  SLOT_MODE_READS_WHEN_DOWN,      0, "GET {h}",   REDIRECT_NONE           },
		{SLOT_LOCAL,  SLOT_MODE_READS_WHEN_DOWN,      0, "SET {h} v", REDIRECT_DOWN_READS_ONLY},
		{SLOT_REMOTE, SLOT_MODE_READS_WHEN_DOWN,      0, "GET {h}",   REDIRECT_MOVED          },
		{SLOT_REMOTE, SLOT_MODE_READS_WHEN_DOWN,      0, "DEL {h}",   REDIRECT_DOWN_READS_ONLY},
		{SLOT_LOCAL,  OK | SLOT_MODE_READS_WHEN_DOWN, 0, "SET {h} v", REDIRECT_NONE           },
	};
	ROWS(rows);
}
END_TEST

START_TEST(a_migrating_slot_serves_the_keys_that_are_here)
{
	static const struct row rows[] = {
		{SLOT_MIGRATING, OK, 0, "GET {h}",              REDIRECT_NONE     },
		{SLOT_MIGRATING, OK, 0, "GET {h}gone",          REDIRECT_ASK      },
		{SLOT_MIGRATING, OK, 0, "SET {h}gone v",        REDIRECT_ASK      },
		{SLOT_MIGRATING, OK, 0, "MGET {h} {h}1",        REDIRECT_NONE     },
		{SLOT_MIGRATING, OK, 0, "MGET {h} {h}gone",     REDIRECT_TRY_AGAIN},
		{SLOT_MIGRATING, OK, 0, "MSET {h}gone 1 {h} 2", REDIRECT_TRY_AGAIN},
		{SLOT_MIGRATING, OK, 0, "DEL {h}gone {h}away",  REDIRECT_ASK      },
	};
	ROWS(rows);
}
END_TEST

START_TEST(an_importing_slot_serves_who_was_asked_to_ask)
{
	static const struct row rows[] = {
		{SLOT_IMPORTING, OK, 0,              "GET {h}",          REDIRECT_MOVED     },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "GET {h}",          REDIRECT_NONE      },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "GET {h}gone",      REDIRECT_NONE      },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "SET {h}gone v",    REDIRECT_NONE      },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "MGET {h} {h}1",    REDIRECT_NONE      },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "MGET {h} {h}gone", REDIRECT_TRY_AGAIN },
		{SLOT_IMPORTING, OK, SESSION_ASKING, "MGET {h} {x}",     REDIRECT_CROSS_SLOT},
	};
	ROWS(rows);
}
END_TEST

START_TEST(a_readonly_client_reads_from_a_replica_of_the_owner)
{
	const uint32_t replica = OK | SLOT_MODE_REPLICA;
	const struct row rows[] = {
		{SLOT_REMOTE, OK,      0,                "GET {h}",          REDIRECT_MOVED},
		{SLOT_REMOTE, OK,      SESSION_READONLY, "GET {h}",          REDIRECT_MOVED},
		{SLOT_REMOTE, replica, 0,                "GET {h}",          REDIRECT_MOVED},
		{SLOT_REMOTE, replica, SESSION_READONLY, "GET {h}",          REDIRECT_NONE },
		{SLOT_REMOTE, replica, SESSION_READONLY, "MGET {h} {h}gone", REDIRECT_NONE },
		{SLOT_REMOTE, replica, SESSION_READONLY, "SET {h} v",        REDIRECT_MOVED},
		{SLOT_REMOTE, replica, SESSION_ASKING,   "GET {h}",          REDIRECT_MOVED},
	};
	ROWS(rows);
	setup();
	arrange(SLOT_REMOTE, replica, SESSION_READONLY);
	slot_table_set_mode(table, replica, OTHER + 1); /* our primary is not the slot's owner */
	ck_assert_int_eq(check("GET {h}"), REDIRECT_MOVED);
	teardown();
}
END_TEST

START_TEST(asking_holds_for_one_command)
{
	setup();
	arrange(SLOT_IMPORTING, OK, 0);
	ck_assert_str_eq(talk_line(&talk, "ASKING"), "+OK\r\n");
	ck_assert_str_eq(talk_line(&talk, "GET {h}"), "$4\r\nhere\r\n");
	ck_assert_str_eq(talk_line(&talk, "GET {h}"), text_of(REDIRECT_MOVED));
	/* also when that command was refused, or has no key */
	talk_line(&talk, "ASKING");
	ck_assert_str_eq(talk_line(&talk, "MGET {h} {h}gone"), text_of(REDIRECT_TRY_AGAIN));
	ck_assert_str_eq(talk_line(&talk, "GET {h}"), text_of(REDIRECT_MOVED));
	talk_line(&talk, "ASKING");
	talk_line(&talk, "PING");
	ck_assert_str_eq(talk_line(&talk, "GET {h}"), text_of(REDIRECT_MOVED));
	teardown();
}
END_TEST

START_TEST(a_replica_takes_writes_from_its_primary_alone)
{
	setup();
	arrange(SLOT_REMOTE, OK | SLOT_MODE_REPLICA, SESSION_PRIMARY);
	ck_assert_str_eq(talk_line(&talk, "SET {h} v"), "+OK\r\n");
	talk.session.flags = SESSION_AUTHENTICATED | SESSION_READONLY;
	ck_assert_str_eq(talk_line(&talk, "GET {h}"), "$1\r\nv\r\n");
	ck_assert_str_eq(talk_line(&talk, "FLUSHALL"),
			 "-READONLY You can't write against a read only replica.\r\n");
	teardown();
}
END_TEST

START_TEST(a_node_without_an_address_is_named_by_slot_only)
{
	setup();
	arrange(SLOT_REMOTE, OK, 0);
	slot_table_set(table, slot_of("{h}"), slot_word(SLOT_REMOTE, OTHER + 1));
	ck_assert_int_eq(check("GET {h}"), REDIRECT_MOVED);
	ck_assert_str_eq(talk_reply(&talk), "-MOVED 11694 \r\n");
	teardown();
}
END_TEST

int
main(void)
{
	return RUN_CASES("redirect", a_slot_that_is_ours_is_served, questions_come_in_redis_order,
			 reads_when_down_are_allowed_by_configuration,
			 a_migrating_slot_serves_the_keys_that_are_here,
			 an_importing_slot_serves_who_was_asked_to_ask,
			 a_readonly_client_reads_from_a_replica_of_the_owner,
			 asking_holds_for_one_command,
			 a_replica_takes_writes_from_its_primary_alone,
			 a_node_without_an_address_is_named_by_slot_only);
}
