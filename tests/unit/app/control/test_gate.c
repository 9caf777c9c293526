/* tests/unit/app/control/test_gate.c - what waits for the disk leaves in order, and only when it may (gate.h G1, G2). */
#include <string.h>

#include "app/control/gate.h"
#include "tests/unit/runner.h"

static struct allocator allocator;
static struct gate gate;

static void
fresh(void)
{
	allocator_init_libc(&allocator);
	gate_init(&gate, &allocator);
}

static bool
hold(uint64_t after, bus_link link, const char *text)
{
	struct effect effect = {.kind = EFFECT_SEND, .after = after, .link = link};
	struct span frame = {(const uint8_t *)text, strlen(text)};
	return gate_hold(&gate, &effect, frame);
}

/* The link of the next that may leave; 0: none. */
static bus_link
take(uint64_t durable)
{
	struct gate_item *item = gate_take(&gate, durable);
	if (item == NULL)
		return 0;
	bus_link link = item->effect.link;
	gate_free(&gate, item);
	return link;
}

START_TEST(a_frame_waits_for_its_number)
{
	fresh();
	ck_assert(hold(7, 1, "vote"));
	ck_assert_uint_eq(take(0), 0);
	ck_assert_uint_eq(take(6), 0);
	ck_assert_uint_eq(take(7), 1);
	ck_assert_uint_eq(take(7), 0);
	gate_close(&gate);
}
END_TEST

START_TEST(what_waits_for_one_number_leaves_in_the_order_it_came)
{
	fresh();
	for (bus_link link = 1; link <= 4; link++)
		ck_assert(hold(5, link, "win"));
	for (bus_link link = 1; link <= 4; link++)
		ck_assert_uint_eq(take(5), link);
	gate_close(&gate);
}
END_TEST

START_TEST(a_later_effect_that_waits_for_less_overtakes)
{
	fresh();
	ck_assert(hold(9, 1, "win"));
	ck_assert(hold(8, 2, "vote"));
	ck_assert_uint_eq(take(8), 2);
	ck_assert_uint_eq(take(8), 0);
	ck_assert_uint_eq(take(9), 1);
	gate_close(&gate);
}
END_TEST

START_TEST(a_frame_is_a_copy)
{
	char text[] = "vote";
	fresh();
	ck_assert(hold(1, 3, text));
	memset(text, 'x', sizeof(text) - 1);
	struct gate_item *item = gate_take(&gate, 1);
	ck_assert_ptr_nonnull(item);
	ck_assert_uint_eq(item->len, 4);
	ck_assert_mem_eq(item->frame, "vote", 4);
	gate_free(&gate, item);
	gate_close(&gate);
}
END_TEST

START_TEST(frames_beyond_the_limit_are_refused_and_effects_without_one_are_not)
{
	static uint8_t big[GATE_BYTES_MAX / 2];
	struct effect send = {.kind = EFFECT_SEND, .after = 1};
	struct effect role = {.kind = EFFECT_ROLE, .after = 1};
	fresh();
	ck_assert(gate_hold(&gate, &send, (struct span){big, sizeof(big)}));
	ck_assert(gate_hold(&gate, &send, (struct span){big, sizeof(big)}));
	ck_assert(!gate_hold(&gate, &send, (struct span){big, 1}));
	ck_assert(gate_hold(&gate, &role, (struct span){NULL, 0}));
	ck_assert_uint_eq(gate.count, 3);
	gate_free(&gate, gate_take(&gate, 1));
	ck_assert(gate_hold(&gate, &send, (struct span){big, 1}));
	gate_close(&gate);
}
END_TEST

START_TEST(closing_gives_all_memory_back)
{
	fresh();
	ck_assert(hold(1, 1, "a"));
	ck_assert(hold(2, 2, "bb"));
	ck_assert_uint_gt(allocator.used, 0);
	gate_close(&gate);
	ck_assert_uint_eq(allocator.used, 0);
	ck_assert_uint_eq(gate.bytes, 0);
}
END_TEST

int
main(void)
{
	return RUN_CASES("gate", a_frame_waits_for_its_number,
			 what_waits_for_one_number_leaves_in_the_order_it_came,
			 a_later_effect_that_waits_for_less_overtakes, a_frame_is_a_copy,
			 frames_beyond_the_limit_are_refused_and_effects_without_one_are_not,
			 closing_gives_all_memory_back);
}
