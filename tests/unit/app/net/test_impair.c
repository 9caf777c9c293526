/* tests/unit/app/net/test_impair.c - the wire that misbehaves: its faults are as asked, counted, and the same from the same seed. */
#include "app/net/impair.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/app/net/eal.h"
#include "tests/unit/runner.h"

#define POOL_MBUFS 8191
#define FRAME_SIZE 60
#define MANY       20000

static struct rte_mempool *pool;

static struct rte_mbuf *
frame_of(uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	ck_assert_ptr_nonnull(m);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, FRAME_SIZE);
	ck_assert_ptr_nonnull(at);
	memset(at, 0, FRAME_SIZE);
	memcpy(at, &number, sizeof(number));
	return m;
}

static uint32_t
number_of(const struct rte_mbuf *m)
{
	uint32_t number;
	memcpy(&number, rte_pktmbuf_mtod(m, const uint8_t *), sizeof(number));
	return number;
}

static struct impair *
wire(const char *text)
{
	struct impair_config config;
	char error[160];
	ck_assert_msg(impair_parse(text, &config, error), "%s: %s", text, error);
	struct impair *impair = impair_create(&config, pool);
	ck_assert_ptr_nonnull(impair);
	return impair;
}

static void
push(struct impair *impair, uint32_t number, uint64_t now_us)
{
	struct rte_mbuf *m = frame_of(number);
	impair_push(impair, &m, 1, now_us);
}

/* Pops and frees what has arrived; numbers to out if it is not NULL. */
static uint32_t
drain(struct impair *impair, uint64_t now_us, uint32_t *out)
{
	struct rte_mbuf *frames[32];
	uint32_t total = 0;
	uint16_t n;
	while ((n = impair_pop(impair, frames, 32, now_us)) > 0)
		for (uint16_t i = 0; i < n; i++, total++) {
			if (out != NULL)
				out[total] = number_of(frames[i]);
			rte_pktmbuf_free(frames[i]);
		}
	return total;
}

START_TEST(every_field_is_read_in_its_unit)
{
	struct impair_config c;
	char error[160];
	ck_assert(impair_parse("loss=5,duplicate=1,reorder=10,corrupt=0.5,delay=100,jitter=50,"
			       "reorder-delay=7,seed=9",
			       &c, error));
	ck_assert_uint_eq(c.loss, 500);
	ck_assert_uint_eq(c.duplicate, 100);
	ck_assert_uint_eq(c.reorder, 1000);
	ck_assert_uint_eq(c.corrupt, 50);
	ck_assert_uint_eq(c.delay_us, 100);
	ck_assert_uint_eq(c.jitter_us, 50);
	ck_assert_uint_eq(c.reorder_delay_us, 7);
	ck_assert_uint_eq(c.seed, 9);
	ck_assert(impair_parse("", &c, error));
	ck_assert_uint_eq(c.loss, 0);
	ck_assert(impair_parse("loss=100", &c, error));
	ck_assert_uint_eq(c.loss, 10000);
}
END_TEST

START_TEST(what_is_no_field_is_refused_in_one_line)
{
	static const char *const bad[] = {"loss",    "loss=",      "loss=x",         "loss=101",
					  "loss=-1", "lose=5",     "loss=5;seed=1",  "=5",
					  ",loss=5", "delay=1e8",  "loss=5,,seed=1", "loss=nan",
					  "seed=-1", "seed=1e300", "seed=inf"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct impair_config c;
		char error[160];
		memset(error, 0, sizeof(error));
		ck_assert_msg(!impair_parse(bad[i], &c, error), "%s was taken", bad[i]);
		ck_assert_uint_gt(strlen(error), 0);
		ck_assert_ptr_null(strchr(error, '\n'));
	}
}
END_TEST

START_TEST(without_faults_frames_arrive_whole_and_in_order_when_they_are_due)
{
	struct impair *impair = wire("delay=100");
	uint32_t got[100];
	for (uint32_t i = 0; i < 100; i++)
		push(impair, i, 1000 + i);
	ck_assert_uint_eq(impair_next_at(impair), 1100);
	ck_assert_uint_eq(drain(impair, 1099, got), 0);
	ck_assert_uint_eq(drain(impair, 1100, got), 1);
	ck_assert_uint_eq(drain(impair, 10000, got), 99);
	for (uint32_t i = 0; i < 99; i++)
		ck_assert_uint_eq(got[i], i + 1);
	ck_assert_uint_eq(impair_next_at(impair), UINT64_MAX);
	impair_destroy(impair);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_faults)
{
	static uint32_t got[3][MANY];
	uint32_t count[3];
	static const char *const texts[] = {"loss=20,duplicate=10,reorder=30,jitter=9,seed=3",
					    "loss=20,duplicate=10,reorder=30,jitter=9,seed=3",
					    "loss=20,duplicate=10,reorder=30,jitter=9,seed=4"};
	for (unsigned k = 0; k < 3; k++) {
		struct impair *impair = wire(texts[k]);
		for (uint32_t i = 0; i < 1000; i++)
			push(impair, i, i);
		count[k] = drain(impair, 100000000, got[k]);
		impair_destroy(impair);
	}
	ck_assert_uint_eq(count[0], count[1]);
	ck_assert_mem_eq(got[0], got[1], count[0] * sizeof(got[0][0]));
	ck_assert(count[0] != count[2] ||
		  memcmp(got[0], got[2], count[0] * sizeof(got[0][0])) != 0);
}
END_TEST

static void
check_near(uint64_t value, uint64_t of, double share)
{
	double got = (double)value / (double)of;
	ck_assert_msg(got > share * 0.85 && got < share * 1.15, "%f instead of %f", got, share);
}

START_TEST(faults_are_as_frequent_as_asked_and_counted)
{
	struct impair *impair = wire("loss=10,duplicate=5,reorder=10,corrupt=2,seed=1");
	uint32_t arrived = 0;
	for (uint32_t i = 0; i < MANY; i++) {
		push(impair, i, (uint64_t)i * 100);
		arrived += drain(impair, (uint64_t)i * 100, NULL);
	}
	arrived += drain(impair, UINT64_MAX - 1, NULL);
	const struct impair_counters *c = impair_counters(impair);
	ck_assert_uint_eq(c->frames, MANY);
	check_near(c->lost, MANY, 0.10);
	check_near(c->duplicated, MANY - c->lost, 0.05);
	check_near(c->reordered, MANY - c->lost, 0.10);
	check_near(c->corrupted, MANY - c->lost, 0.02);
	ck_assert_uint_eq(c->full, 0);
	ck_assert_uint_eq(arrived, MANY - c->lost + c->duplicated);
	impair_destroy(impair);
}
END_TEST

START_TEST(corruption_flips_one_bit_and_never_in_a_frame_that_somebody_else_holds)
{
	struct impair *impair = wire("corrupt=100");
	for (uint32_t i = 0; i < 200; i++) {
		struct rte_mbuf *m = frame_of(0), *out;
		rte_mbuf_refcnt_update(m, 1); /* the sender keeps it, to send it again */
		struct rte_mbuf *pushed = m;
		impair_push(impair, &pushed, 1, i);
		ck_assert_uint_eq(impair_pop(impair, &out, 1, i), 1);
		unsigned bits = 0;
		for (unsigned k = 0; k < FRAME_SIZE; k++) {
			bits += (unsigned)__builtin_popcount(
				rte_pktmbuf_mtod(out, const uint8_t *)[k]);
			ck_assert_uint_eq(rte_pktmbuf_mtod(m, const uint8_t *)[k], 0);
		}
		ck_assert_uint_eq(bits, 1);
		ck_assert_uint_eq(out->ol_flags, 0);
		rte_pktmbuf_free(out);
		rte_pktmbuf_free(m);
	}
	impair_destroy(impair);
}
END_TEST

START_TEST(at_the_limit_frames_are_held_and_one_past_it_is_counted)
{
	struct impair *impair = wire("delay=1000");
	for (uint32_t i = 0; i < IMPAIR_HELD_MAX; i++)
		push(impair, i, 0);
	ck_assert_uint_eq(impair_counters(impair)->full, 0);
	push(impair, 0, 0);
	ck_assert_uint_eq(impair_counters(impair)->full, 1);
	ck_assert_uint_eq(drain(impair, 1000, NULL), IMPAIR_HELD_MAX);
	impair_destroy(impair);
}
END_TEST

START_TEST(every_mbuf_goes_back_also_what_is_under_way)
{
	unsigned before = rte_mempool_avail_count(pool);
	struct impair *impair = wire("loss=10,duplicate=20,reorder=50,corrupt=10,delay=100");
	for (uint32_t i = 0; i < 1000; i++)
		push(impair, i, i);
	drain(impair, 600, NULL);
	impair_destroy(impair);
	impair_destroy(NULL);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), before);
}
END_TEST

int
main(void)
{
	pool = eal_pool(POOL_MBUFS);
	if (pool == NULL)
		return 1;
	return RUN_CASES(
		"impair", every_field_is_read_in_its_unit, what_is_no_field_is_refused_in_one_line,
		without_faults_frames_arrive_whole_and_in_order_when_they_are_due,
		the_same_seed_gives_the_same_faults, faults_are_as_frequent_as_asked_and_counted,
		corruption_flips_one_bit_and_never_in_a_frame_that_somebody_else_holds,
		at_the_limit_frames_are_held_and_one_past_it_is_counted,
		every_mbuf_goes_back_also_what_is_under_way);
}
