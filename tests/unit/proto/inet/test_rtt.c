/* tests/unit/proto/inet/test_rtt.c - RFC 6298 by its own arithmetic. */
#include "tests/unit/runner.h"

#include "proto/inet/rtt.h"

#define MIN_US 1000u
#define MAX_US 60000000u

START_TEST(before_any_sample_the_timeout_is_the_given_one)
{
	struct rtt rtt;
	rtt_init(&rtt, 1000000);
	ck_assert_uint_eq(rtt.rto_us, 1000000);
	ck_assert_uint_eq(rtt.srtt_8, 0);
}
END_TEST

/* 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + max(G, 4 RTTVAR). */
START_TEST(first_sample_sets_both)
{
	static const struct {
		uint64_t sample;
		uint32_t rto;
	} cases[] = {
		{10000,     30000   },
                {100,       1000    },
                {400,       1200    },
		{20000000,  60000000},
                {333,       1000    },
                {100000000, 60000000},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtt rtt;
		rtt_init(&rtt, 1000000);
		rtt_sample(&rtt, cases[i].sample, MIN_US, MAX_US);
		ck_assert_uint_eq(rtt.rto_us, cases[i].rto);
	}
}
END_TEST

/* 2.3, in the same order as the RFC: RTTVAR with the old SRTT. */
START_TEST(later_samples_follow_the_formula)
{
	static const uint32_t samples[] = {8000, 16000, 4000, 4000, 120000, 90000, 1, 70000};
	struct rtt rtt;
	rtt_init(&rtt, 1000000);
	double srtt = samples[0], rttvar = samples[0] / 2.0;
	rtt_sample(&rtt, samples[0], MIN_US, MAX_US);
	for (size_t i = 1; i < sizeof(samples) / sizeof(samples[0]); i++) {
		double off = srtt > samples[i] ? srtt - samples[i] : samples[i] - srtt;
		rttvar = 0.75 * rttvar + 0.25 * off;
		srtt = 0.875 * srtt + 0.125 * samples[i];
		rtt_sample(&rtt, samples[i], MIN_US, MAX_US);
		ck_assert_double_eq_tol(rtt.srtt_8 / 8.0, srtt, 2.0);
		ck_assert_double_eq_tol(rtt.rto_us, srtt + 4 * rttvar, 16.0);
	}
}
END_TEST

START_TEST(a_steady_path_comes_to_its_round_trip_and_the_granularity)
{
	struct rtt rtt;
	rtt_init(&rtt, 1000000);
	for (int i = 0; i < 200; i++)
		rtt_sample(&rtt, 5000, 100, MAX_US);
	ck_assert_uint_eq(rtt.rto_us, 5000 + RTT_GRANULARITY_US);
}
END_TEST

START_TEST(limits_hold_at_both_ends)
{
	struct rtt rtt;
	rtt_init(&rtt, 1000000);
	for (int i = 0; i < 100; i++)
		rtt_sample(&rtt, 0, 50000, MAX_US);
	ck_assert_uint_eq(rtt.rto_us, 50000);
	ck_assert_uint_gt(rtt.srtt_8, 0);
	for (int i = 0; i < 100; i++)
		rtt_sample(&rtt, UINT64_MAX, 50000, MAX_US);
	ck_assert_uint_eq(rtt.rto_us, MAX_US);
	for (int i = 0; i < 300; i++)
		rtt_sample(&rtt, 10, 50000, MAX_US);
	ck_assert_uint_eq(rtt.rto_us, 50000);
}
END_TEST

int
main(void)
{
	return RUN_CASES("rtt", before_any_sample_the_timeout_is_the_given_one,
			 first_sample_sets_both, later_samples_follow_the_formula,
			 a_steady_path_comes_to_its_round_trip_and_the_granularity,
			 limits_hold_at_both_ends);
}
