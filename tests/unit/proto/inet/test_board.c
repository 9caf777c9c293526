/* tests/unit/proto/inet/test_board.c - what became of bytes in flight: by hand, and against one record per byte. */
#include "tests/unit/runner.h"

#include <string.h>

#include "proto/base/prng.h"
#include "proto/inet/board.h"

#define SPACE  4000
#define ORIGIN 0xfffffc00u
#define RTT    1000u

static struct board_news
news_at(uint32_t now_us)
{
	return (struct board_news){.now_us = now_us, .min_rtt_us = RTT};
}

static void
check_counts(const struct board *b, uint32_t sacked, uint32_t lost, unsigned runs)
{
	board_check(b);
	ck_assert_uint_eq(b->sacked, sacked);
	ck_assert_uint_eq(b->lost, lost);
	ck_assert_uint_eq(b->count, runs);
}

START_TEST(a_report_splits_and_neighbours_join)
{
	struct board b;
	struct board_news news = news_at(5000);
	board_begin(&b, ORIGIN, ORIGIN + 1000, 4000);
	check_counts(&b, 0, 0, 1);
	board_sack(&b, ORIGIN + 100, ORIGIN + 200, &news);
	check_counts(&b, 100, 0, 3);
	ck_assert_uint_eq(news.delivered, 100);
	ck_assert(news.dated && !news.measured); /* its time is a guess */
	board_sack(&b, ORIGIN + 150, ORIGIN + 300, &news);
	check_counts(&b, 200, 0, 3);
	board_sack(&b, ORIGIN + 100, ORIGIN + 300, &news); /* nothing new */
	ck_assert_uint_eq(news.delivered, 200);
	board_sack(&b, ORIGIN + 400, ORIGIN + 500, &news);
	check_counts(&b, 300, 0, 5);
	board_sack(&b, ORIGIN + 300, ORIGIN + 400, &news);
	check_counts(&b, 400, 0, 3);
	ck_assert(news.reordered); /* 300 after 400: once sent, and late */
	board_ack(&b, ORIGIN + 500, &news);
	check_counts(&b, 0, 0, 1);
	ck_assert_uint_eq(news.delivered, 500);
	board_ack(&b, ORIGIN + 1000, &news);
	check_counts(&b, 0, 0, 0);
}
END_TEST

START_TEST(reports_outside_what_was_sent_are_cut_off)
{
	struct board b;
	struct board_news news = news_at(5000);
	board_begin(&b, ORIGIN, ORIGIN + 100, 4000);
	board_sack(&b, ORIGIN - 50, ORIGIN, &news);
	board_sack(&b, ORIGIN + 100, ORIGIN + 150, &news);
	board_sack(&b, ORIGIN + 60, ORIGIN + 50, &news);
	check_counts(&b, 0, 0, 1);
	board_sack(&b, ORIGIN + 90, ORIGIN + 5000, &news);
	check_counts(&b, 10, 0, 2);
}
END_TEST

/* Sent before what has arrived, and late: lost. RFC 8985 6.2. */
START_TEST(only_what_was_sent_before_and_is_late_is_lost)
{
	struct board b;
	struct board_news news = news_at(6000);
	uint32_t wait_us;
	board_begin(&b, ORIGIN, ORIGIN + 100, 4000);
	board_sent(&b, (struct range){ORIGIN + 100, ORIGIN + 200}, 5000, 10);
	board_sent(&b, (struct range){ORIGIN + 200, ORIGIN + 300}, 5500, 10);
	board_sack(&b, ORIGIN + 100, ORIGIN + 200, &news);
	ck_assert(news.measured && news.sent_us == 5000);
	struct board_rack rack = {
		.sent_us = 5000, .end = ORIGIN + 200, .rtt_us = 1000, .window_us = 250};
	ck_assert_uint_eq(board_detect(&b, &rack, 5200, &wait_us), 0);
	ck_assert_uint_eq(wait_us, 50); /* 4000 + 1000 + 250 */
	ck_assert_uint_eq(board_detect(&b, &rack, 5250, &wait_us), 100);
	ck_assert_uint_eq(wait_us, 0); /* [200, 300) left later */
	check_counts(&b, 100, 100, 3);
	struct range lost;
	ck_assert(board_first_lost(&b, &lost));
	ck_assert(lost.left == ORIGIN && lost.right == ORIGIN + 100);
	ck_assert_uint_eq(board_pipe(&b), 100);
	/* Sent again: in flight, and ambiguous. */
	board_sent(&b, lost, 7000, 10);
	check_counts(&b, 100, 0, 3);
	news = news_at(7500);
	board_ack(&b, ORIGIN + 200, &news);
	ck_assert(!news.dated); /* sooner than any round trip: it answers the first transmission */
	ck_assert_uint_eq(news.delivered, 100);
}
END_TEST

START_TEST(after_a_timeout_all_is_lost_and_may_be_taken_back)
{
	struct board b;
	struct board_news news = news_at(6000);
	board_begin(&b, ORIGIN, ORIGIN + 300, 4000);
	board_sack(&b, ORIGIN + 100, ORIGIN + 200, &news);
	board_lose_all(&b);
	check_counts(&b, 0, 300, 1);
	ck_assert_uint_eq(board_pipe(&b), 0);
	board_lose_none(&b);
	check_counts(&b, 0, 0, 1);
	ck_assert_uint_eq(board_pipe(&b), 300);
}
END_TEST

/* B3: a peer that reports every other byte gets no more room than there is, and sending goes on. */
START_TEST(reports_without_end_stay_within_the_board)
{
	struct board b;
	struct board_news news = news_at(6000);
	board_begin(&b, ORIGIN, ORIGIN + SPACE, 4000);
	for (unsigned i = 1; i < SPACE; i += 2)
		board_sack(&b, ORIGIN + i, ORIGIN + i + 1, &news);
	board_check(&b);
	ck_assert_uint_ge(b.count, BOARD_RUNS_MAX - BOARD_RESERVE);
	tcp_seq end = ORIGIN + SPACE;
	struct range lost;
	uint32_t wait_us;
	for (unsigned i = 0; i < 200; i++, end += 10) {
		board_sent(&b, (struct range){end, end + 10}, 10000 + 100 * i, 10);
		board_sack(&b, end + 5, end + 10, &news);
		struct board_rack rack = {.sent_us = 10000 + 100 * i, .end = end + 10, .rtt_us = 1};
		board_detect(&b, &rack, 20000 + 100 * i, &wait_us);
		if (board_first_lost(&b, &lost))
			board_sent(&b, (struct range){lost.left, lost.left + 1}, 20000 + 100 * i,
				   10);
		board_check(&b);
		ck_assert(board_end(&b) == end + 10);
	}
}
END_TEST

/* ---- against one record per byte ---- */

struct model {
	uint8_t marks[SPACE];
	uint32_t sent_us[SPACE];
	unsigned una, end;
};

static void
model_compare(const struct board *b, const struct model *m)
{
	board_check(b);
	if (m->una == m->end) {
		ck_assert_uint_eq(b->count, 0);
		return;
	}
	ck_assert(board_end(b) == ORIGIN + m->end && b->una == ORIGIN + m->una);
	unsigned at = m->una;
	for (unsigned i = 0; i < b->count; i++)
		for (; ORIGIN + at != b->runs[i].end; at++)
			ck_assert_msg((b->runs[i].marks & (BOARD_SACKED | BOARD_LOST)) ==
					      m->marks[at],
				      "byte %u: %u, not %u", at, b->runs[i].marks, m->marks[at]);
}

static void
model_detect(struct board *b, struct model *m, uint32_t now_us, unsigned newest)
{
	struct board_rack rack = {
		.sent_us = m->sent_us[newest], .end = ORIGIN + newest, .rtt_us = 10};
	uint32_t wait_us, lost = board_detect(b, &rack, now_us, &wait_us), expected = 0;
	for (unsigned i = m->una; i < m->end; i++) {
		if (m->marks[i] != 0 || (int32_t)(m->sent_us[i] - rack.sent_us) >= 0 ||
		    (int32_t)(now_us - m->sent_us[i]) < 10)
			continue;
		m->marks[i] = BOARD_LOST;
		expected++;
	}
	ck_assert_uint_eq(lost, expected);
}

static void
random_report(struct board *b, struct model *m, unsigned left, unsigned right, uint32_t now_us)
{
	struct board_news news = news_at(now_us);
	uint32_t delivered = 0;
	if (b->count > BOARD_RUNS_MAX - BOARD_RESERVE)
		return;
	board_sack(b, ORIGIN + left, ORIGIN + right, &news);
	for (unsigned i = left; i < right; i++) {
		delivered += (m->marks[i] & BOARD_SACKED) == 0;
		m->marks[i] = BOARD_SACKED;
	}
	ck_assert_uint_eq(news.delivered, delivered);
}

static void
random_ack(struct board *b, struct model *m, unsigned una, uint32_t now_us)
{
	struct board_news news = news_at(now_us);
	uint32_t delivered = 0;
	board_ack(b, ORIGIN + una, &news);
	for (; m->una < una; m->una++)
		delivered += (m->marks[m->una] & BOARD_SACKED) == 0;
	ck_assert_uint_eq(news.delivered, delivered);
}

static void
random_again(struct board *b, struct model *m, uint32_t now_us)
{
	struct range lost;
	if (b->count > BOARD_RUNS_MAX - BOARD_RESERVE || !board_first_lost(b, &lost))
		return;
	board_sent(b, lost, now_us, 0);
	for (unsigned i = lost.left - ORIGIN; i < lost.right - ORIGIN; i++) {
		ck_assert_int_eq(m->marks[i], BOARD_LOST);
		m->marks[i] = 0;
		m->sent_us[i] = now_us;
	}
}

static void
random_step(struct board *b, struct model *m, struct prng *p, uint32_t now_us)
{
	unsigned left = m->una + (unsigned)prng_below(p, m->end - m->una);
	unsigned right = left + 1 + (unsigned)prng_below(p, m->end - left);
	switch (prng_below(p, 6)) {
	case 0: /* new bytes */
		board_sent(b, (struct range){ORIGIN + m->end, ORIGIN + m->end + 40}, now_us, 0);
		for (unsigned i = 0; i < 40; i++)
			m->sent_us[m->end++] = now_us;
		break;
	case 1:
	case 2:
		random_report(b, m, left, right, now_us);
		break;
	case 3:
		random_ack(b, m, m->una + (right - m->una) / 4, now_us);
		break;
	case 4: /* the first of those sent together: no tie to break */
		while (left > m->una && m->sent_us[left - 1] == m->sent_us[left])
			left--;
		model_detect(b, m, now_us, left);
		break;
	default:
		random_again(b, m, now_us);
		break;
	}
}

/* Few enough runs that nothing is refused, every time of its own: what RACK compares is exact. */
START_TEST(random_histories_agree_with_a_record_per_byte)
{
	struct prng p;
	prng_seed(&p, 7);
	for (unsigned round = 0; round < 60; round++) {
		struct board b;
		static struct model m;
		memset(&m, 0, sizeof(m));
		uint32_t now_us = 0xfffff000u;
		m.end = 50;
		for (unsigned i = 0; i < m.end; i++)
			m.sent_us[i] = now_us;
		board_begin(&b, ORIGIN, ORIGIN + m.end, now_us);
		for (unsigned step = 0; step < 60 && m.end < SPACE - 60 && m.una < m.end; step++) {
			random_step(&b, &m, &p, now_us += 100);
			model_compare(&b, &m);
		}
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("board", a_report_splits_and_neighbours_join,
			 reports_outside_what_was_sent_are_cut_off,
			 only_what_was_sent_before_and_is_late_is_lost,
			 after_a_timeout_all_is_lost_and_may_be_taken_back,
			 reports_without_end_stay_within_the_board,
			 random_histories_agree_with_a_record_per_byte);
}
