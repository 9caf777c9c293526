/* tests/unit/proto/base/test_wheel.c - against an array in which every deadline is looked at every time. */
#include "tests/unit/runner.h"

#include <string.h>

#include "proto/base/prng.h"
#include "proto/base/wheel.h"

#define NODES   300
#define HOUR_US (UINT64_C(3600) * 1000000)

struct model {
	struct wheel wheel;
	struct wheel_node nodes[NODES];
	bool waits[NODES];
	uint64_t at_us[NODES];
	uint64_t now_us;
	struct prng prng;
};

static uint64_t
round_up(uint64_t at_us)
{
	return (at_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US * WHEEL_TICK_US;
}

/* Deadlines of every order of magnitude, from the past to a month from now. */
static uint64_t
some_deadline(struct model *m)
{
	static const uint64_t spans[] = {
		1, 500, 40000, 9000000, HOUR_US, 24 * HOUR_US, 30 * 24 * HOUR_US};
	uint64_t span = spans[prng_below(&m->prng, 7)];
	uint64_t at = m->now_us + prng_below(&m->prng, span);
	return prng_below(&m->prng, 10) == 0 && at > span ? at - span : at;
}

/* What is due by the model must come out, and nothing else; order within an advance is by tick. */
static void
advance(struct model *m, uint64_t now_us)
{
	unsigned expected = 0, got = 0;
	uint64_t last = 0;
	m->now_us = now_us;
	for (unsigned i = 0; i < NODES; i++)
		expected += m->waits[i] && round_up(m->at_us[i]) <= now_us;
	struct wheel_node *node;
	while ((node = wheel_advance(&m->wheel, now_us)) != NULL) {
		size_t i = (size_t)(node - m->nodes);
		ck_assert_uint_lt(i, NODES);
		ck_assert(m->waits[i]);
		ck_assert_uint_le(round_up(m->at_us[i]), now_us);
		ck_assert_ptr_null(node->link);
		uint64_t due = round_up(m->at_us[i]);
		ck_assert(due >= last || got == 0 || due <= m->wheel.tick * WHEEL_TICK_US);
		last = due;
		m->waits[i] = false;
		got++;
	}
	ck_assert_uint_eq(got, expected);
}

/* Never later than the first deadline; and asking again at that moment makes headway. */
static void
check_next_at(const struct model *m)
{
	uint64_t first = UINT64_MAX;
	for (unsigned i = 0; i < NODES; i++)
		if (m->waits[i] && round_up(m->at_us[i]) < first)
			first = round_up(m->at_us[i]);
	uint64_t next = wheel_next_at(&m->wheel);
	ck_assert_msg(next <= (first > m->now_us ? first : UINT64_MAX), "%lu after %lu", next,
		      first);
	if (first != UINT64_MAX)
		ck_assert_uint_ne(next, UINT64_MAX);
}

static void
step(struct model *m)
{
	unsigned i = (unsigned)prng_below(&m->prng, NODES);
	switch (prng_below(&m->prng, 8)) {
	case 0:
	case 1:
	case 2:
	case 3: /* add, or move */
		wheel_cancel(&m->wheel, &m->nodes[i]);
		m->at_us[i] = some_deadline(m);
		m->waits[i] = true;
		wheel_add(&m->wheel, &m->nodes[i], m->at_us[i]);
		break;
	case 4:
		wheel_cancel(&m->wheel, &m->nodes[i]);
		m->waits[i] = false;
		break;
	case 5:
		advance(m, m->now_us + prng_below(&m->prng, 1000));
		break;
	case 6:
		advance(m, m->now_us + prng_below(&m->prng, 100000));
		break;
	default: /* time jumps, now and then over everything */
		if (prng_below(&m->prng, 20) == 0)
			advance(m, m->now_us + prng_below(&m->prng, 40 * HOUR_US));
		break;
	}
	check_next_at(m);
}

START_TEST(random_operations_agree_with_a_list)
{
	static struct model m;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		memset(&m, 0, sizeof(m));
		prng_seed(&m.prng, seed);
		m.now_us = prng_below(&m.prng, 1000 * HOUR_US);
		wheel_init(&m.wheel, m.now_us);
		for (int i = 0; i < 30000; i++)
			step(&m);
		advance(&m, m.now_us + 100 * 24 * HOUR_US);
		ck_assert_uint_eq(wheel_next_at(&m.wheel), UINT64_MAX);
	}
}
END_TEST

static struct wheel wheel;

START_TEST(a_node_is_never_early_and_at_most_a_tick_late)
{
	static const uint64_t delays[] = {
		1,
		127,
		128,
		129,
		255,
		256,
		257,
		32767,
		32768,
		32769,
		65535,
		65536,
		8388607,
		8388608,
		8388609,
		UINT64_C(2147483647),
		UINT64_C(2147483648),
		UINT64_C(2147483649),
		UINT64_C(549755813887),
		UINT64_C(549755813888),
		UINT64_C(549755813889),
		UINT64_C(5497558138880),
	};
	static const uint64_t starts[] = {
		0, 1, 127, 128, 32640, 8388480, UINT64_C(2147483520), 99999999};
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
			struct wheel_node node = {0};
			uint64_t at = starts[s] + delays[i];
			wheel_init(&wheel, starts[s]);
			wheel_add(&wheel, &node, at);
			ck_assert_ptr_null(wheel_advance(&wheel, at - 1));
			ck_assert_ptr_eq(wheel_advance(&wheel, round_up(at)), &node);
		}
}
END_TEST

START_TEST(following_next_at_reaches_every_deadline_in_few_steps)
{
	struct wheel_node node = {0};
	wheel_init(&wheel, 77);
	wheel_add(&wheel, &node, 77 + 24 * HOUR_US);
	uint64_t now = 77;
	unsigned steps = 0;
	while (wheel_advance(&wheel, now) == NULL) {
		uint64_t next = wheel_next_at(&wheel);
		ck_assert_uint_gt(next, now);
		now = next;
		steps++;
	}
	ck_assert_uint_eq(now, round_up(77 + 24 * HOUR_US));
	ck_assert_uint_le(steps, 5);
}
END_TEST

START_TEST(a_deadline_in_the_past_is_due_at_once)
{
	struct wheel_node node = {0};
	wheel_init(&wheel, 1000000);
	wheel_add(&wheel, &node, 5);
	ck_assert_uint_le(wheel_next_at(&wheel), 1000000);
	ck_assert_ptr_eq(wheel_advance(&wheel, 1000000), &node);
	ck_assert_ptr_null(wheel_advance(&wheel, 1000000));
}
END_TEST

START_TEST(a_handler_may_put_its_node_in_again)
{
	struct wheel_node node = {0};
	unsigned fired = 0;
	wheel_init(&wheel, 0);
	wheel_add(&wheel, &node, 1000);
	for (uint64_t now = 0; now <= 1000000; now += 100) {
		struct wheel_node *due = wheel_advance(&wheel, now);
		if (due == NULL)
			continue;
		fired++;
		wheel_add(&wheel, due, due->at_us + 1000);
	}
	ck_assert_uint_ge(fired, 990);
	ck_assert_uint_le(fired, 1000);
}
END_TEST

START_TEST(a_cancelled_node_may_be_reused_and_cancelled_again)
{
	struct wheel_node a = {0}, b = {0};
	wheel_init(&wheel, 0);
	wheel_cancel(&wheel, &a);
	wheel_add(&wheel, &a, 300);
	wheel_add(&wheel, &b, 300);
	wheel_cancel(&wheel, &a);
	wheel_cancel(&wheel, &a);
	memset(&a, 0xee, sizeof(a)); /* its memory is the caller's again */
	ck_assert_ptr_eq(wheel_advance(&wheel, 1000), &b);
	ck_assert_ptr_null(wheel_advance(&wheel, 1000));
}
END_TEST

/* A connection re-arms its timer with every segment: that must not wake anybody. */
START_TEST(a_wheel_emptied_by_cancelling_has_no_next_time)
{
	struct wheel_node node = {0};
	static const uint64_t delays[] = {200, 50000, 10000000, 3 * HOUR_US, 1000 * HOUR_US};
	wheel_init(&wheel, 0);
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		wheel_add(&wheel, &node, delays[i]);
		ck_assert_uint_ne(wheel_next_at(&wheel), UINT64_MAX);
		wheel_cancel(&wheel, &node);
		ck_assert_uint_eq(wheel_next_at(&wheel), UINT64_MAX);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("wheel", random_operations_agree_with_a_list,
			 a_node_is_never_early_and_at_most_a_tick_late,
			 following_next_at_reaches_every_deadline_in_few_steps,
			 a_deadline_in_the_past_is_due_at_once, a_handler_may_put_its_node_in_again,
			 a_cancelled_node_may_be_reused_and_cancelled_again,
			 a_wheel_emptied_by_cancelling_has_no_next_time);
}
