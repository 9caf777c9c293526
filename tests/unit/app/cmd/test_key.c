/* tests/unit/app/cmd/test_key.c - whole keys between lcores, payloads, LCS, and what of it replicas are told. */
#include <stdio.h>

#include "proto/base/prng.h"
#include "tests/unit/app/cmd/desk.h"
#include "tests/unit/runner.h"

START_TEST(a_key_moves_with_its_time_to_any_lcore)
{
	struct desk *d = desk_open(3);
	char text[64];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "SET from%u value%u PX 5000", i, i);
		ck_assert_str_eq(say(d, text), "+OK\r\n");
		snprintf(text, sizeof(text), "RENAME from%u to%u", i, i);
		ck_assert_str_eq(say(d, text), "+OK\r\n");
		snprintf(text, sizeof(text), "COPY to%u copy%u", i, i);
		ck_assert_str_eq(say(d, text), ":1\r\n");
		snprintf(text, sizeof(text), "EXISTS from%u to%u copy%u", i, i, i);
		ck_assert_str_eq(say(d, text), ":2\r\n");
		snprintf(text, sizeof(text), "PTTL copy%u", i);
		ck_assert_str_eq(say(d, text), ":5000\r\n");
	}
	ck_assert_str_eq(say(d, "RENAME nosuch x"), "-ERR no such key\r\n");
	ck_assert_str_eq(say(d, "RENAMENX to1 to2"), ":0\r\n");
	ck_assert_str_eq(say(d, "COPY to1 to2"), ":0\r\n");
	ck_assert_str_eq(say(d, "COPY to1 to2 REPLACE"), ":1\r\n");
	ck_assert_str_eq(say(d, "GET to2"), "$6\r\nvalue1\r\n");
	desk_close(d);
}
END_TEST

/* The payload of a reply "$n\r\n...\r\n". */
static struct span
payload_of(const struct desk *d, uint8_t *at)
{
	const char *start = strchr(d->reply, '\n') + 1;
	size_t len = d->reply_len - (size_t)(start - d->reply) - 2;
	memcpy(at, start, len);
	return (struct span){at, len};
}

START_TEST(what_was_dumped_is_restored_and_nothing_cut_or_bent_is)
{
	static const char *const values[] = {"v", "-17", "1234567", "99999999999",
					     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	uint8_t bytes[128];
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct desk *d = desk_open(1);
		struct span set[3] = {
			SPAN("SET"), SPAN("a"), {(const uint8_t *)values[i], strlen(values[i])}
                };
		say_words(d, set, 3);
		say(d, "DUMP a");
		struct span restore[4] = {SPAN("RESTORE"), SPAN("b"), SPAN("0"),
					  payload_of(d, bytes)};
		size_t len = restore[3].len;
		for (restore[3].len = 0; restore[3].len < len; restore[3].len++)
			ck_assert_str_eq(say_words(d, restore, 4),
					 "-ERR DUMP payload version or checksum are wrong\r\n");
		for (size_t k = 0; k < len; k++) {
			bytes[k] ^= 1;
			ck_assert_str_eq(say_words(d, restore, 4),
					 "-ERR DUMP payload version or checksum are wrong\r\n");
			bytes[k] ^= 1;
		}
		ck_assert_str_eq(say_words(d, restore, 4), "+OK\r\n");
		ck_assert_str_eq(say_words(d, restore, 4),
				 "-BUSYKEY Target key name already exists.\r\n");
		char text[32];
		snprintf(text, sizeof(text), ":%zu\r\n", strlen(values[i]));
		ck_assert_str_eq(say(d, "LCS a b LEN"), text);
		desk_close(d);
	}
}
END_TEST

/* ---- LCS ---- */

static size_t
model_lcs(const char *a, const char *b)
{
	size_t best = 0, a_len = strlen(a), b_len = strlen(b);
	for (unsigned mask = 0; mask < 1u << a_len; mask++) { /* every subsequence of a */
		size_t len = 0, at = 0;
		for (size_t i = 0; i < a_len && at <= b_len; i++) {
			if ((mask >> i & 1) == 0)
				continue;
			while (at < b_len && b[at] != a[i])
				at++;
			len = at < b_len ? len + 1 : 0;
			if (at++ >= b_len)
				break;
		}
		if (at <= b_len && len > best)
			best = len;
	}
	return best;
}

static bool
is_subsequence(const char *text, size_t len, const char *of)
{
	for (; *of != '\0' && len > 0; of++)
		if (*of == *text) {
			text++;
			len--;
		}
	return len == 0;
}

START_TEST(the_longest_common_subsequence_is_one_and_is_longest)
{
	struct prng prng;
	prng_seed(&prng, 3);
	struct desk *d = desk_open(2);
	for (unsigned round = 0; round < 500; round++) {
		char words[2][10], text[64];
		for (unsigned k = 0; k < 2; k++) {
			size_t len = 1 + prng_below(&prng, 9);
			for (size_t i = 0; i < len; i++)
				words[k][i] = (char)('a' + prng_below(&prng, 3));
			words[k][len] = '\0';
		}
		snprintf(text, sizeof(text), "MSET x %s y %s", words[0], words[1]);
		say(d, text);
		const char *reply = say(d, "LCS x y");
		size_t len = (size_t)(reply[1] - '0');
		ck_assert_uint_eq(len, model_lcs(words[0], words[1]));
		ck_assert(is_subsequence(reply + 4, len, words[0]));
		ck_assert(is_subsequence(reply + 4, len, words[1]));
	}
	say(d, "MSET x ohmytext y mynewtext");
	ck_assert_str_eq(say(d, "LCS x y IDX MINMATCHLEN 4 WITHMATCHLEN"),
			 "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
			 ":4\r\n$3\r\nlen\r\n:6\r\n");
	desk_close(d);
}
END_TEST

/* ---- feed.h F1 ---- */

static void
assert_fed(struct desk *d, const char *command, const char *expected)
{
	struct server *server = d->group.members[0];
	say(d, command);
	struct span fed = feed_take(server);
	ck_assert_msg(fed.len == strlen(expected) && memcmp(fed.at, expected, fed.len) == 0,
		      "%s: %.*s", command, (int)fed.len, (const char *)fed.at);
}

START_TEST(replicas_are_told_what_changed_and_nothing_else)
{
	struct desk *d = desk_open(1);
	d->group.members[0]->feed.on = true;
	assert_fed(d, "SETBIT b 1 1", "*4\r\n$6\r\nSETBIT\r\n$1\r\nb\r\n$1\r\n1\r\n$1\r\n1\r\n");
	assert_fed(d, "GETBIT b 1", "");
	assert_fed(d, "COPY nosuch c", "");
	assert_fed(d, "COPY b c", "*3\r\n$4\r\nCOPY\r\n$1\r\nb\r\n$1\r\nc\r\n");
	assert_fed(d, "RENAME c e", "*3\r\n$6\r\nRENAME\r\n$1\r\nc\r\n$1\r\ne\r\n");
	assert_fed(d, "RENAME c e", "");
	assert_fed(d, "BITFIELD b GET u8 0", "");
	say(d, "SET p 1");
	say(d, "DUMP p");
	uint8_t bytes[64];
	struct span restore[4] = {SPAN("RESTORE"), SPAN("r"), SPAN("500"), payload_of(d, bytes)};
	feed_take(d->group.members[0]);
	say_words(d, restore, 4);
	assert_fed(
		d, "PING",
		"*5\r\n$3\r\nSET\r\n$1\r\nr\r\n$1\r\n1\r\n$4\r\nPXAT\r\n$13\r\n1700000000500\r\n");
	desk_close(d);
}
END_TEST

int
main(void)
{
	return RUN_CASES("key", a_key_moves_with_its_time_to_any_lcore,
			 what_was_dumped_is_restored_and_nothing_cut_or_bent_is,
			 the_longest_common_subsequence_is_one_and_is_longest,
			 replicas_are_told_what_changed_and_nothing_else);
}
