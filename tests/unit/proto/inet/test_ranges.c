/* tests/unit/proto/inet/test_ranges.c - runs ahead of their turn, against a bitmap, from every origin that wraps. */
#include "tests/unit/runner.h"

#include <string.h>

#include "proto/base/prng.h"
#include "proto/inet/ranges.h"

#define SPACE 64

static const tcp_seq origins[] = {0, 1000, 0xfffffff0u, 0xffffffc0u, 0x7fffffe0u};

/* Adds [left, right), from which [got_left, got_right) must be what was missing. */
struct step {
	int left, right;
	enum ranges_answer answer;
	int got_left, got_right;
	int count; /* of runs afterwards */
};

static void
check_add(struct ranges *r, tcp_seq origin, struct step step)
{
	struct range run = {origin + (tcp_seq)step.left, origin + (tcp_seq)step.right};
	ck_assert_int_eq(ranges_add(r, &run, RANGES_MAX), step.answer);
	if (step.answer == RANGES_ADDED) {
		ck_assert_uint_eq(run.left, origin + (tcp_seq)step.got_left);
		ck_assert_uint_eq(run.right, origin + (tcp_seq)step.got_right);
	}
	ck_assert_int_eq(r->count, step.count);
	ranges_check(r, origin, origin + 100000);
}

#define ADDED   RANGES_ADDED
#define COVERED RANGES_COVERED

/* Runs are {10, 20} and {30, 40} before each line. */
START_TEST(one_segment_gives_its_first_missing_piece)
{
	static const struct step cases[] = {
		{1,  5,  ADDED,   1,  5,  3}, /* apart, in front */
		{1,  10, ADDED,   1,  10, 2}, /* touches from the front */
		{5,  15, ADDED,   5,  10, 2}, /* overlaps from the front */
		{5,  50, ADDED,   5,  10, 2}, /* covers both: only the front */
		{10, 20, COVERED, 0,  0,  2}, /* the same */
		{12, 18, COVERED, 0,  0,  2}, /* inside */
		{10, 12, COVERED, 0,  0,  2}, /* front part */
		{18, 20, COVERED, 0,  0,  2}, /* back part */
		{15, 25, ADDED,   20, 25, 2}, /* overlaps from the back */
		{20, 25, ADDED,   20, 25, 2}, /* touches from the back */
		{20, 30, ADDED,   20, 30, 1}, /* fills the hole */
		{15, 35, ADDED,   20, 30, 1}, /* fills it and more */
		{15, 99, ADDED,   20, 30, 1}, /* fills it; what is behind both is left */
		{22, 28, ADDED,   22, 28, 3}, /* in the hole */
		{22, 30, ADDED,   22, 30, 2}, /* in the hole, up to the second */
		{35, 45, ADDED,   40, 45, 2}, /* overlaps the second from the back */
		{40, 41, ADDED,   40, 41, 2}, /* touches it */
		{50, 60, ADDED,   50, 60, 3}, /* apart, behind */
	};
	for (size_t o = 0; o < sizeof(origins) / sizeof(origins[0]); o++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct ranges r = {.count = 0};
			check_add(&r, origins[o], (struct step){30, 40, ADDED, 30, 40, 1});
			check_add(&r, origins[o], (struct step){10, 20, ADDED, 10, 20, 2});
			check_add(&r, origins[o], cases[i]);
		}
}
END_TEST

START_TEST(one_run_past_the_limit_is_refused)
{
	for (unsigned limit = 1; limit <= RANGES_MAX; limit++) {
		struct ranges r = {.count = 0};
		for (unsigned i = 0; i < limit; i++) {
			struct range run = {100 + 10 * i, 105 + 10 * i};
			ck_assert_int_eq(ranges_add(&r, &run, limit), RANGES_ADDED);
		}
		struct range more = {5000, 5001}, first = {50, 51}, grows = {105, 107};
		ck_assert_int_eq(ranges_add(&r, &more, limit), RANGES_FULL);
		ck_assert_int_eq(ranges_add(&r, &first, limit), RANGES_FULL);
		ck_assert_int_eq(ranges_add(&r, &grows, limit), RANGES_ADDED);
		ck_assert_uint_eq(r.count, limit);
	}
}
END_TEST

START_TEST(a_greater_limit_than_the_list_is_no_overflow)
{
	struct ranges r = {.count = 0};
	for (unsigned i = 0; i < RANGES_MAX + 5; i++) {
		struct range run = {100 + 10 * i, 105 + 10 * i};
		ck_assert_int_eq(ranges_add(&r, &run, 1000),
				 i < RANGES_MAX ? RANGES_ADDED : RANGES_FULL);
	}
}
END_TEST

START_TEST(only_the_run_that_begins_there_is_taken)
{
	for (size_t o = 0; o < sizeof(origins) / sizeof(origins[0]); o++) {
		tcp_seq origin = origins[o];
		struct ranges r = {.count = 0};
		check_add(&r, origin, (struct step){10, 20, ADDED, 10, 20, 1});
		check_add(&r, origin, (struct step){30, 45, ADDED, 30, 45, 2});
		ck_assert_uint_eq(ranges_take(&r, origin + 9), 0);
		ck_assert_uint_eq(ranges_take(&r, origin + 11), 0);
		ck_assert_uint_eq(ranges_take(&r, origin + 30), 0);
		ck_assert_uint_eq(ranges_take(&r, origin + 10), 10);
		ck_assert_uint_eq(ranges_take(&r, origin + 30), 15);
		ck_assert_uint_eq(ranges_take(&r, origin + 45), 0);
		ck_assert_uint_eq(r.count, 0);
	}
}
END_TEST

START_TEST(random_segments_agree_with_a_bitmap)
{
	struct prng prng;
	prng_seed(&prng, 7);
	for (int round = 0; round < 3000; round++) {
		tcp_seq origin = origins[prng_below(&prng, 5)];
		struct ranges r = {.count = 0};
		uint8_t here[SPACE + 1] = {0};
		for (int step = 0; step < 40; step++) {
			int left = 1 + (int)prng_below(&prng, SPACE - 1);
			int right = left + 1 + (int)prng_below(&prng, (uint64_t)(SPACE - left));
			struct range run = {origin + (tcp_seq)left, origin + (tcp_seq)right};
			int missing = left;
			while (missing < right && here[missing])
				missing++;
			enum ranges_answer answer = ranges_add(&r, &run, RANGES_MAX);
			ranges_check(&r, origin, origin + SPACE + 1);
			ck_assert_int_eq(answer == RANGES_COVERED, missing == right);
			if (answer != RANGES_ADDED)
				continue;
			ck_assert_uint_eq(run.left - origin, (tcp_seq)missing);
			for (tcp_seq s = run.left; s != run.right; s++)
				ck_assert_int_eq(here[s - origin]++, 0);
		}
		int bytes = 0, kept = 0;
		for (int i = 0; i <= SPACE; i++)
			bytes += here[i];
		for (unsigned i = 0; i < r.count; i++)
			kept += (int)(r.at[i].right - r.at[i].left);
		ck_assert_int_eq(bytes, kept);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"ranges", one_segment_gives_its_first_missing_piece,
		one_run_past_the_limit_is_refused, a_greater_limit_than_the_list_is_no_overflow,
		only_the_run_that_begins_there_is_taken, random_segments_agree_with_a_bitmap);
}
