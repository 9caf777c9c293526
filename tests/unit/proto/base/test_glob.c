/* tests/unit/proto/base/test_glob.c - what matches was asked of redis-server 7.0.15 (KEYS). */
#include "tests/unit/runner.h"

#include <string.h>

#include "proto/base/glob.h"
#include "proto/base/prng.h"

static struct span
span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

struct match {
	const char *pattern, *text;
	bool matches;
};

static void
check_matches(const struct match *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(glob_match(span_of(cases[i].pattern), span_of(cases[i].text),
					 false) == cases[i].matches,
			      "%s against %s", cases[i].pattern, cases[i].text);
}

START_TEST(stars_and_question_marks_match_what_redis_matches)
{
	static const struct match cases[] = {
		{"abc",    "abc",   true },
                {"abc",    "abd",   false},
                {"abc",    "ab",    false},
		{"ab",     "abc",   false},
                {"*",      "abc",   true },
                {"**",     "abc",   true },
		{"a*",     "abc",   true },
                {"*c",     "abc",   true },
                {"*b*",    "abc",   true },
		{"*d*",    "abc",   false},
                {"a*c",    "abc",   true },
                {"a*b",    "abc",   false},
		{"a*",     "a",     true },
                {"a**",    "a",     true },
                {"*a*b",   "xaxxb", true },
		{"*a*b",   "xbxxa", false},
                {"a*ab",   "aaab",  true },
                {"*ab*ab", "abab",  true },
		{"*ab*ab", "aab",   false},
                {"?",      "a",     true },
                {"??",     "a",     false},
		{"a?c",    "abc",   true },
                {"*?",     "a",     true },
                {"?*",     "a",     true },
	};
	check_matches(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(sets_and_escapes_match_what_redis_matches)
{
	static const struct match cases[] = {
		{"[abc]",    "b",     true },
		{"[abc]",    "d",     false},
		{"[^abc]",   "d",     true },
		{"[^abc]",   "a",     false},
		{"[a-c]",    "b",     true },
		{"[c-a]",    "b",     true },
		{"[a-c]",    "d",     false},
		{"[^a-c]",   "d",     true },
		{"h[ae]llo", "hallo", true },
		{"h[^e]llo", "hello", false},
		{"[a-]",     "-",     false},
		{"[a-]",     "^",     true },
		{"[a-]",     "a",     true },
		{"[-a]",     "-",     true },
		{"[]",       "a",     false},
		{"[^]",      "a",     true },
		{"[^]",      "^",     true },
		{"[]a]",     "a]",    false},
		{"[abc",     "a",     true },
		{"[abc",     "d",     false},
		{"[",        "[",     false},
		{"[^",       "a",     true },
		{"[a-",      "-",     true },
		{"[\\]]",    "]",     true },
		{"[\\-]",    "-",     true },
		{"[a\\",     "\\",    true },
		{"\\*",      "*",     true },
		{"\\*",      "a",     false},
		{"\\?",      "?",     true },
		{"\\[a]",    "[a]",   true },
		{"\\a",      "a",     true },
		{"\\",       "\\",    true },
		{"a\\",      "a\\",   true },
		{"*[0-9]",   "key:7", true },
		{"*[0-9]",   "key:x", false},
		{"",         "a",     false},
		{"",         "",      true },
		{"*",        "",      false},
		{"?",        "",      false},
		{"A",        "a",     false},
		{"]",        "]",     true },
	};
	check_matches(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(case_is_ignored_on_request)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"maxMEMORY*", "MaxMemory-Policy", true },
		{"[A-C]",      "b",                true },
		{"[a-c]",      "B",                true },
		{"[xyz]",      "Y",                true },
		{"[^xyz]",     "Y",                false},
		{"\\a",        "A",                true },
		{"[\\a]",      "A",                false}, /* Redis compares an escaped byte in a set as it is */
		{"@",          "`",                false}, /* letters only */
		{"[",          "{",                false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(glob_match(span_of(cases[i].pattern), span_of(cases[i].text), true) ==
				      cases[i].matches,
			      "%s against %s", cases[i].pattern, cases[i].text);
}
END_TEST

/* By recursion over every split, for patterns of letters, '?' and '*' only. */
static bool
naive(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '*')
		return naive(p + 1, t) || (*t != '\0' && naive(p, t + 1));
	return *t != '\0' && (*p == '?' || *p == *t) && naive(p + 1, t + 1);
}

START_TEST(stars_agree_with_trying_everything)
{
	struct prng prng;
	prng_seed(&prng, 5);
	unsigned matched = 0;
	for (int i = 0; i < 200000; i++) {
		char pattern[9] = {0}, text[9] = {0};
		size_t pattern_len = prng_below(&prng, 8), text_len = 1 + prng_below(&prng, 8);
		for (size_t j = 0; j < pattern_len; j++)
			pattern[j] = "ab?**"[prng_below(&prng, 5)];
		for (size_t j = 0; j < text_len; j++)
			text[j] = "ab"[prng_below(&prng, 2)];
		bool expected = naive(pattern, text);
		matched += expected;
		ck_assert_msg(glob_match(span_of(pattern), span_of(text), false) == expected,
			      "%s against %s", pattern, text);
	}
	ck_assert_uint_gt(matched, 10000);
}
END_TEST

/* Sixty stars against a megabyte: by recursion this would not end. The runner's time limit is the expectation. */
START_TEST(a_pattern_full_of_stars_ends)
{
	static uint8_t text[1u << 20];
	char pattern[122];
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < 120; i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = 'a';
	}
	pattern[120] = 'b';
	pattern[121] = '\0';
	ck_assert(!glob_match(span_of(pattern), (struct span){text, sizeof(text)}, false));
	text[sizeof(text) - 1] = 'b';
	ck_assert(glob_match(span_of(pattern), (struct span){text, sizeof(text)}, false));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_bytes)
{
	static const uint8_t text[4] = {0, 0xff, 0, 0x80};
	static const uint8_t pattern[5] = {0, '?', '*', '[', 0x80};
	ck_assert(glob_match((struct span){pattern, 5}, (struct span){text, 4}, false));
	ck_assert(glob_match((struct span){pattern, 5}, (struct span){text, 4}, true));
	ck_assert(!glob_match((struct span){pattern, 5}, (struct span){text, 3}, false));
}
END_TEST

int
main(void)
{
	return RUN_CASES("glob", stars_and_question_marks_match_what_redis_matches,
			 sets_and_escapes_match_what_redis_matches, case_is_ignored_on_request,
			 stars_agree_with_trying_everything, a_pattern_full_of_stars_ends,
			 bytes_that_are_no_text_are_bytes);
}
