/* tests/unit/proto/base/test_assert.c - the machinery that all other checks lean on. */
#include "tests/unit/runner.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/assert.h"

/* Runs body in a child; its standard error goes to text. Answers the signal it died of, 0: none. */
static int
run(void (*body)(void), char *text, size_t size)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		body();
		_exit(0);
	}
	close(ends[1]);
	size_t used = 0;
	ssize_t got;
	while (used + 1 < size && (got = read(ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	close(ends[0]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
holds(void)
{
	int a = 1, b = 2;
	ASSERT(a == 1 || b == 3);
	ASSERT(a != b);
}

static void
breaks(void)
{
	int a = 1, b = 2;
	ASSERT(a == b);
}

/* What an unparenthesised macro argument would read as (!a) == b. */
static void
breaks_only_if_parenthesised(void)
{
	int a = 0, b = 1;
	ASSERT(a == b);
}

START_TEST(a_true_assertion_says_nothing)
{
	char text[256];
	ck_assert_int_eq(run(holds, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_false_assertion_names_file_function_and_expression_and_aborts)
{
	char text[512];
	ck_assert_int_eq(run(breaks, text, sizeof(text)), SIGABRT);
	ck_assert_ptr_nonnull(strstr(text, "test_assert.c:"));
	ck_assert_ptr_nonnull(strstr(text, "breaks"));
	ck_assert_ptr_nonnull(strstr(text, "a == b"));
	ck_assert_int_eq(run(breaks_only_if_parenthesised, text, sizeof(text)), SIGABRT);
}
END_TEST

START_TEST(a_debug_assertion_is_checked_in_debug_builds_only)
{
	int evaluated = 0;
	/* The effect is what is tested. NOLINTNEXTLINE(bugprone-assert-side-effect) */
	DASSERT(++evaluated > 0);
#ifdef POLLIS_DEBUG
	ck_assert_int_eq(evaluated, 1);
#else
	ck_assert_int_eq(evaluated, 0);
#endif
}
END_TEST

int
main(void)
{
	return RUN_CASES("assert", a_true_assertion_says_nothing,
			 a_false_assertion_names_file_function_and_expression_and_aborts,
			 a_debug_assertion_is_checked_in_debug_builds_only);
}
