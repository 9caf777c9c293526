/* tests/unit/proto/inet/test_cc.c - NewReno by the sentences of RFC 5681, 6582, 3042, 3465 and 6928. */
#include "tests/unit/runner.h"

#include "proto/inet/cc.h"

#define MSS 1000u

static const tcp_seq origins[] = {1, 0xffffe000u, 0x7fffe000u};

static struct cc
fresh(tcp_seq iss)
{
	struct cc cc;
	cc_init(&cc, MSS, iss, false);
	return cc;
}

/* A connection in flight: una acknowledged up to iss + 1, `flight` bytes behind it. */
static bool
lose_one(struct cc *cc, tcp_seq una, tcp_seq nxt)
{
	ck_assert(!cc_on_duplicate(cc, una, nxt));
	ck_assert(!cc_on_duplicate(cc, una, nxt));
	return cc_on_duplicate(cc, una, nxt);
}

START_TEST(ten_segments_to_begin_with_one_if_the_handshake_was_lost_twice)
{
	struct cc cc;
	cc_init(&cc, MSS, 5, false);
	ck_assert_uint_eq(cc_window(&cc), 10 * MSS);
	cc_init(&cc, MSS, 5, true);
	ck_assert_uint_eq(cc_window(&cc), MSS);
}
END_TEST

START_TEST(slow_start_grows_by_what_is_acknowledged_two_segments_at_most)
{
	static const struct {
		uint32_t acked, growth;
	} cases[] = {
		{1,    1   },
                {500,  500 },
                {1000, 1000},
                {2000, 2000},
                {2001, 2000},
                {9000, 2000},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cc cc = fresh(0);
		cc_on_ack(&cc, 1 + cases[i].acked, cases[i].acked, 10 * MSS, 10 * MSS + 1);
		ck_assert_uint_eq(cc.cwnd, 10 * MSS + cases[i].growth);
	}
}
END_TEST

START_TEST(a_window_that_is_not_filled_does_not_grow)
{
	struct cc cc = fresh(0);
	for (int i = 0; i < 1000; i++)
		cc_on_ack(&cc, 64, 64, 64, 64);
	ck_assert_uint_eq(cc.cwnd, 10 * MSS);
	cc.ssthresh = 5 * MSS; /* congestion avoidance */
	for (int i = 0; i < 1000; i++)
		cc_on_ack(&cc, 64, 4 * MSS, 9 * MSS, 64);
	ck_assert_uint_eq(cc.cwnd, 10 * MSS);
}
END_TEST

START_TEST(congestion_avoidance_grows_by_one_segment_per_window)
{
	struct cc cc = fresh(0);
	cc.ssthresh = 10 * MSS;
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(cc.cwnd, 10 * MSS);
		cc_on_ack(&cc, 1, MSS, 10 * MSS, 1);
	}
	ck_assert_uint_eq(cc.cwnd, 11 * MSS);
	for (unsigned i = 0; i < 11 * MSS; i++) /* ACK division gains nothing */
		cc_on_ack(&cc, 1, 1, 11 * MSS, 1);
	ck_assert_uint_eq(cc.cwnd, 12 * MSS);
}
END_TEST

START_TEST(two_duplicates_each_let_one_segment_out_the_third_retransmits)
{
	for (size_t o = 0; o < 3; o++) {
		tcp_seq iss = origins[o], una = iss + 1, nxt = una + 10 * MSS;
		struct cc cc = fresh(iss);
		ck_assert(!cc_on_duplicate(&cc, una, nxt));
		ck_assert_uint_eq(cc_window(&cc), 11 * MSS);
		ck_assert(!cc_on_duplicate(&cc, una, nxt));
		ck_assert_uint_eq(cc_window(&cc), 12 * MSS);
		ck_assert(cc_on_duplicate(&cc, una, nxt));
		ck_assert_int_eq(cc.phase, CC_RECOVERY);
		ck_assert_uint_eq(cc.ssthresh, 5 * MSS);
		ck_assert_uint_eq(cc_window(&cc), 8 * MSS); /* ssthresh + 3 */
		ck_assert(!cc_on_duplicate(&cc, una, nxt)); /* each further one inflates */
		ck_assert_uint_eq(cc_window(&cc), 9 * MSS);
	}
}
END_TEST

START_TEST(an_ack_between_forgets_the_duplicates)
{
	struct cc cc = fresh(0);
	cc_on_duplicate(&cc, 1, 5 * MSS);
	cc_on_duplicate(&cc, 1, 5 * MSS);
	cc_on_ack(&cc, 1 + MSS, MSS, 5 * MSS, 5 * MSS);
	ck_assert(!lose_one(&cc, 0, 5 * MSS)); /* una 0 is not beyond recover: no loss either */
	ck_assert(lose_one(&cc, 1 + MSS, 5 * MSS));
}
END_TEST

START_TEST(partial_ack_retransmits_full_ack_ends_the_recovery)
{
	for (size_t o = 0; o < 3; o++) {
		tcp_seq iss = origins[o], una = iss + 1, nxt = una + 10 * MSS;
		struct cc cc = fresh(iss);
		ck_assert(lose_one(&cc, una, nxt));
		ck_assert(cc_on_ack(&cc, una + 3 * MSS, 3 * MSS, 10 * MSS, nxt));
		ck_assert_int_eq(cc.phase, CC_RECOVERY);
		ck_assert_uint_eq(cc.cwnd, (8 - 3 + 1) * MSS);
		ck_assert(cc_on_ack(&cc, nxt - 1, 7 * MSS - 1, 7 * MSS, nxt)); /* one byte short */
		ck_assert_int_eq(cc.phase, CC_RECOVERY);
		ck_assert(!cc_on_ack(&cc, nxt, 1, 1, nxt));
		ck_assert_int_eq(cc.phase, CC_OPEN);
		ck_assert_uint_eq(cc.cwnd, 2 * MSS); /* min(ssthresh, flight + MSS): no burst */
	}
}
END_TEST

START_TEST(timeout_leaves_one_segment_and_halves_the_threshold_once)
{
	struct cc cc = fresh(0);
	cc_on_timeout(&cc, 1, 1 + 8 * MSS, false);
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert_uint_eq(cc.ssthresh, 4 * MSS);
	ck_assert_int_eq(cc.phase, CC_LOSS);
	cc_on_timeout(&cc, 1, 1 + 2 * MSS, true);
	ck_assert_uint_eq(cc.ssthresh, 4 * MSS);
	cc_on_timeout(&cc, 1, 2, false);
	ck_assert_uint_eq(cc.ssthresh, 2 * MSS); /* C2 */
}
END_TEST

START_TEST(after_a_timeout_growth_is_one_segment_per_ack_and_duplicates_mean_nothing)
{
	struct cc cc = fresh(0);
	tcp_seq nxt = 1 + 8 * MSS;
	cc_on_timeout(&cc, 1, nxt, false);
	ck_assert(!lose_one(&cc, 1, nxt));
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert(!cc_on_ack(&cc, 1 + 2 * MSS, 2 * MSS, 8 * MSS, nxt));
	ck_assert_uint_eq(cc.cwnd, 2 * MSS);
	ck_assert_int_eq(cc.phase, CC_LOSS);
	ck_assert(!cc_on_ack(&cc, nxt, 6 * MSS, 6 * MSS, nxt));
	ck_assert_int_eq(cc.phase, CC_OPEN);
	/* RFC 6582 3.2 step 2: still not beyond what was outstanding then. */
	ck_assert(!lose_one(&cc, nxt, nxt + 4 * MSS));
	ck_assert(lose_one(&cc, nxt + 1, nxt + 4 * MSS));
}
END_TEST

START_TEST(the_window_is_bounded)
{
	struct cc cc = fresh(0);
	cc.cwnd = CC_CWND_MAX;
	cc_on_ack(&cc, 1, 2 * MSS, CC_CWND_MAX, 1);
	ck_assert_uint_eq(cc.cwnd, CC_CWND_MAX);
	cc.phase = CC_RECOVERY;
	cc.recover = 100;
	cc_on_duplicate(&cc, 1, 100);
	ck_assert_uint_eq(cc.cwnd, CC_CWND_MAX);
	cc.cwnd = 2 * MSS;
	cc_on_ack(&cc, 50, 90 * MSS, 90 * MSS, 100);
	ck_assert_uint_ge(cc.cwnd, MSS); /* C1 */
}
END_TEST

int
main(void)
{
	return RUN_CASES("cc", ten_segments_to_begin_with_one_if_the_handshake_was_lost_twice,
			 slow_start_grows_by_what_is_acknowledged_two_segments_at_most,
			 a_window_that_is_not_filled_does_not_grow,
			 congestion_avoidance_grows_by_one_segment_per_window,
			 two_duplicates_each_let_one_segment_out_the_third_retransmits,
			 an_ack_between_forgets_the_duplicates,
			 partial_ack_retransmits_full_ack_ends_the_recovery,
			 timeout_leaves_one_segment_and_halves_the_threshold_once,
			 after_a_timeout_growth_is_one_segment_per_ack_and_duplicates_mean_nothing,
			 the_window_is_bounded);
}
