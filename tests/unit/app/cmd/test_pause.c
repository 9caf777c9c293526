/* tests/unit/app/cmd/test_pause.c - CLIENT PAUSE over several members: what waits, for how long, and what does not. ACL of one user. */
#include "tests/unit/app/cmd/talk.h"
#include "tests/unit/runner.h"

#define MEMBERS 3
#define NOW_US  1000000u
#define TICKS   400 /* enough to have seen every slot */

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

static void
at(uint64_t now_us)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		server_set_time(members[i].server, TALK_UNIX_MS, now_us);
}

static bool
waits(unsigned member, const char *words)
{
	struct talk *t = &members[member];
	talk_identify(t, words);
	return call_is_paused(&t->call, server_pause_level(t->server));
}

START_TEST(a_pause_holds_on_every_member_until_its_time)
{
	setup();
	at(NOW_US);
	ck_assert(!waits(1, "SET k v"));
	ck_assert_str_eq(talk_line(&members[0], "CLIENT PAUSE 100 WRITE"), "+OK\r\n");
	for (unsigned i = 0; i < MEMBERS; i++) {
		ck_assert(waits(i, "SET k v"));
		ck_assert(waits(i, "FLUSHALL"));
		ck_assert(!waits(i, "GET k"));
		ck_assert(!waits(i, "SET k")); /* refused anyway */
		ck_assert(!waits(i, "NOSUCH"));
	}
	at(NOW_US + 99999);
	ck_assert(waits(2, "SET k v"));
	at(NOW_US + 100000);
	ck_assert(!waits(2, "SET k v"));
	teardown();
}
END_TEST

START_TEST(a_second_pause_makes_it_longer_and_stricter_never_shorter)
{
	setup();
	at(NOW_US);
	talk_line(&members[0], "CLIENT PAUSE 100");
	ck_assert(waits(1, "GET k"));
	ck_assert(waits(1, "PING"));
	talk_line(&members[1], "CLIENT PAUSE 10 WRITE");
	at(NOW_US + 50000);
	ck_assert(waits(1, "GET k"));
	talk_line(&members[2], "CLIENT PAUSE 100 WRITE");
	at(NOW_US + 149999);
	ck_assert(waits(0, "GET k"));
	at(NOW_US + 150000);
	ck_assert(!waits(0, "SET k v"));
	talk_line(&members[2], "CLIENT PAUSE 100 WRITE"); /* the old one does not count any more */
	ck_assert(!waits(0, "GET k"));
	talk_line(&members[0], "CLIENT UNPAUSE");
	ck_assert(!waits(2, "SET k v"));
	teardown();
}
END_TEST

START_TEST(replicas_and_strangers_are_not_paused)
{
	setup();
	at(NOW_US);
	talk_line(&members[0], "CLIENT PAUSE 9223372036854775");
	ck_assert(waits(0, "REPLCONF ack 1"));
	members[0].session.flags |= SESSION_REPLICA;
	ck_assert(!waits(0, "REPLCONF ack 1"));
	members[1].session.flags &= ~(uint32_t)SESSION_AUTHENTICATED;
	ck_assert(!waits(1, "GET k"));
	ck_assert(waits(1, "AUTH x"));
	teardown();
}
END_TEST

/* Every tick looks at some of the table. */
static void
ticks(struct server *server, uint64_t from_us, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		server_set_time(server, TALK_UNIX_MS + 100, from_us + (uint64_t)i * 100000);
		server_tick(server, 1000);
	}
}

START_TEST(keys_do_not_expire_by_themselves_while_paused)
{
	setup();
	at(NOW_US);
	struct talk *t = &members[0];
	talk_identify(t, "SET k v PX 5"); /* its own member's or not: it runs here */
	talk_line(t, "SET k v PX 5");
	talk_line(t, "CLIENT PAUSE 1000 WRITE");
	ticks(t->server, NOW_US + 100000, 8);
	ck_assert_uint_eq(server_counters(t->server)->expired_keys, 0);
	ticks(t->server, NOW_US + 1000000, TICKS);
	ck_assert_uint_eq(server_counters(t->server)->expired_keys, 1);
	teardown();
}
END_TEST

START_TEST(only_who_waits_is_unblocked)
{
	setup();
	struct session *s = &members[1].session;
	char words[64];
	snprintf(words, sizeof(words), "CLIENT UNBLOCK %lu", s->id);
	ck_assert_str_eq(talk_line(&members[0], words), ":0\r\n");
	s->flags |= SESSION_WAITING;
	ck_assert_str_eq(talk_line(&members[0], words), ":1\r\n");
	ck_assert_uint_ne(s->flags & SESSION_UNBLOCKED, 0);
	ck_assert_uint_eq(s->flags & SESSION_UNBLOCK_ERROR, 0);
	ck_assert_str_eq(talk_line(&members[0], words), ":0\r\n"); /* once */
	teardown();
}
END_TEST

START_TEST(acl_knows_the_default_user_alone)
{
	setup();
	struct talk *t = &members[0];
	ck_assert_str_eq(talk_line(t, "ACL WHOAMI"), "$7\r\ndefault\r\n");
	ck_assert_str_eq(talk_line(t, "ACL USERS"), "*1\r\n$7\r\ndefault\r\n");
	ck_assert_str_eq(talk_line(t, "ACL LIST"),
			 "*1\r\n$34\r\nuser default on nopass ~* &* +@all\r\n");
	ck_assert_str_eq(talk_line(t, "ACL GETUSER foo"), "$-1\r\n");
	ck_assert_str_eq(talk_line(t, "ACL DELUSER a b"), ":0\r\n");
	ck_assert_str_eq(talk_line(t, "ACL CAT nosuch"), "-ERR Unknown category 'nosuch'\r\n");
	talk_line(t, "CONFIG SET requirepass abc");
	ck_assert_ptr_nonnull(
		strstr(talk_line(t, "ACL LIST"),
		       " on #ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ~*"));
	ck_assert_int_eq(talk_line(t, "ACL SETUSER bob on")[0], '-');
	teardown();
}
END_TEST

int
main(void)
{
	return RUN_CASES("pause", a_pause_holds_on_every_member_until_its_time,
			 a_second_pause_makes_it_longer_and_stricter_never_shorter,
			 replicas_and_strangers_are_not_paused,
			 keys_do_not_expire_by_themselves_while_paused, only_who_waits_is_unblocked,
			 acl_knows_the_default_user_alone);
}
