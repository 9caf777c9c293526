/* tests/unit/runner.h - what every unit test's main() does: run one list of cases, answer with an exit code.
 *
 *     int main(void) { return RUN_CASES("number", first_case, second_case); }
 */
#pragma once
#include <check.h>
#include <stddef.h>

static inline int
runner_run(const char *name, const TTest *const *cases, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 30);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, cases[i]);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#define RUN_CASES(name, ...)                                                                       \
	runner_run(name, (const TTest *const[]){__VA_ARGS__},                                      \
		   sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))
