/* tests/unit/proto/resp/test_format.c - the few conversions that error texts use. */
#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/resp/format.h"

#define TEXT_MAX 256

/* All pieces in a row; a second run of the C library's own gives what is expected. */
__attribute__((format(printf, 1, 2))) static void
agrees_with_printf(const char *text, ...)
{
	char expected[TEXT_MAX], got[TEXT_MAX];
	size_t len = 0;
	struct format f;
	struct span piece;
	va_list args;
	va_start(args, text);
	vsnprintf(expected, sizeof(expected), text, args);
	va_end(args);
	va_start(args, text);
	format_begin(&f, text, &args);
	while (format_next(&f, &piece)) {
		ck_assert_uint_lt(len + piece.len, TEXT_MAX);
		memcpy(got + len, piece.at, piece.len);
		len += piece.len;
	}
	va_end(args);
	got[len] = '\0';
	ck_assert_str_eq(got, expected);
}

START_TEST(conversions_agree_with_printf)
{
	static const char unterminated[3] = {'a', 'b', 'c'};
	agrees_with_printf("plain");
	agrees_with_printf("%%");
	agrees_with_printf("100%% of %s", "it");
	agrees_with_printf("unknown command '%s', with args", "foo");
	agrees_with_printf("%s%s%s", "", "a", "");
	agrees_with_printf("%.128s|%.0s|%.2s", "short", "none", "cut");
	agrees_with_printf("%.*s", 3, unterminated);
	agrees_with_printf("%.*s|%.*s", 0, "x", -1, "all");
	agrees_with_printf("%c%c", 'a', 'z');
	agrees_with_printf("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	agrees_with_printf("%u %u", 0u, UINT_MAX);
	agrees_with_printf("%ld %ld", LONG_MIN, LONG_MAX);
	agrees_with_printf("%lu", ULONG_MAX);
	agrees_with_printf("%lld %lld", LLONG_MIN, LLONG_MAX);
	agrees_with_printf("%llu %llu", 0ull, ULLONG_MAX);
	agrees_with_printf("%zu", SIZE_MAX);
	agrees_with_printf("%s:%d is %llu bytes%%", "127.0.0.1", 6379, 1ull << 40);
}
END_TEST

/* The compiler knows these for what they are only if it sees the format. */
static void
format_all(const char *text, ...)
{
	struct format f;
	struct span piece;
	va_list args;
	va_start(args, text);
	format_begin(&f, text, &args);
	while (format_next(&f, &piece))
		continue;
	va_end(args);
}

static const char *const unknown[] = {"%x", "%5d", "%-s",  "%f",  "%p",
				      "%",  "%ls", "%.3d", "%hd", "%lc"};

START_TEST(an_unknown_conversion_aborts)
{
	format_all(unknown[_i], 1, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resp format");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, conversions_agree_with_printf);
	SRunner *runner = srunner_create(suite);
	if (srunner_fork_status(runner) == CK_FORK)
		tcase_add_loop_test_raise_signal(tests, an_unknown_conversion_aborts, SIGABRT, 0,
						 sizeof(unknown) / sizeof(unknown[0]));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
