/* tests/unit/proto/inet/test_cookie.c - what a SYN said survives in the answer; what was not answered by us is refused. */
#include "tests/unit/runner.h"

#include "proto/inet/cookie.h"

#define NOW (1000 * COOKIE_TICK_US + 5)

static const struct cookie_secret secret = {
	{11, 22},
        0xfffffff0u
};
static const struct cookie_flow flow = {0x0a4d0002u, 0x0a4d0001u, 6379, 40000};

static struct tcp_segment
syn_with(uint16_t mss, uint8_t wscale, bool sack, bool timed)
{
	struct tcp_segment s = {.flags = TCP_SYN, .seq = 0xffffffffu, .window = 1000};
	s.options.mss = mss;
	s.options.wscale = wscale;
	s.options.sack_permitted = sack;
	s.options.has_timestamp = timed;
	s.options.ts_value = timed ? 777 : 0;
	return s;
}

/* The third segment of the handshake. */
static struct tcp_segment
ack_of(const struct tcp_segment *answer)
{
	struct tcp_segment s = {
		.flags = TCP_ACK, .seq = answer->ack, .ack = answer->seq + 1, .window = 500};
	s.options.wscale = TCP_WSCALE_ABSENT;
	s.options.has_timestamp = answer->options.has_timestamp;
	s.options.ts_value = 800;
	s.options.ts_echo = answer->options.ts_value;
	return s;
}

static struct tcp_config
config_default(void)
{
	struct tcp_config config;
	tcp_config_defaults(&config, 1500);
	return config;
}

START_TEST(what_a_syn_said_comes_back)
{
	static const struct {
		uint16_t mss, kept;
	} sizes[] = {
		{0,     536 },
                {1,     88  },
                {100,   88  },
                {536,   536 },
		{1300,  1200},
                {1460,  1460},
                {9000,  8960},
                {65535, 8960}
        };
	struct tcp_config config = config_default();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned wscale = 0; wscale <= 15; wscale++)
			for (unsigned other = 0; other < 4; other++) {
				bool sack = other & 1, timed = other & 2;
				uint8_t scale = wscale == 15 ? TCP_WSCALE_ABSENT : (uint8_t)wscale;
				struct tcp_segment syn = syn_with(sizes[i].mss, scale, sack, timed),
						   answer, again;
				cookie_answer(&secret, &flow, &config, &syn, NOW, &answer);
				ck_assert_uint_eq(answer.ack, 0);
				ck_assert_uint_eq(answer.options.mss, config.mss);
				struct tcp_segment ack = ack_of(&answer);
				ck_assert_int_eq(
					cookie_check(&secret, &flow, &ack, NOW + 1000, &again),
					COOKIE_GOOD);
				ck_assert_uint_eq(again.seq, syn.seq);
				ck_assert_uint_eq(again.options.mss, sizes[i].kept);
				ck_assert_uint_eq(again.options.wscale,
						  timed ? scale : TCP_WSCALE_ABSENT);
				ck_assert_int_eq(again.options.sack_permitted, timed && sack);
				ck_assert_int_eq(again.options.has_timestamp, timed);
				ck_assert_int_eq(answer.options.wscale != TCP_WSCALE_ABSENT,
						 timed && scale != TCP_WSCALE_ABSENT);
			}
}
END_TEST

/* A timestamp ahead of the clock would make later ones look old (PAWS). */
START_TEST(timestamp_is_never_ahead_of_the_clock)
{
	struct tcp_config config = config_default();
	struct tcp_segment syn = syn_with(1460, 7, true, true), answer;
	for (uint64_t now = NOW; now < NOW + 200000; now += 1000) {
		cookie_answer(&secret, &flow, &config, &syn, now, &answer);
		uint32_t clock = (uint32_t)(now / 1000) + secret.ts_offset;
		ck_assert_uint_lt(clock - answer.options.ts_value, 64);
	}
}
END_TEST

START_TEST(anything_else_is_forged)
{
	struct tcp_config config = config_default();
	struct tcp_segment syn = syn_with(1460, 7, true, true), answer, again;
	cookie_answer(&secret, &flow, &config, &syn, NOW, &answer);
	const struct tcp_segment good = ack_of(&answer);
	for (unsigned bit = 0; bit < 32; bit++) {
		struct tcp_segment bad = good;
		bad.ack = (answer.seq ^ 1u << bit) + 1;
		ck_assert_int_ne(cookie_check(&secret, &flow, &bad, NOW, &again), COOKIE_GOOD);
		bad = good;
		bad.seq ^= 1u << bit;
		ck_assert_int_eq(cookie_check(&secret, &flow, &bad, NOW, &again), COOKIE_FORGED);
	}
	struct cookie_flow others[4] = {flow, flow, flow, flow};
	others[0].local++, others[1].remote++, others[2].local_port++, others[3].remote_port++;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(cookie_check(&secret, &others[i], &good, NOW, &again),
				 COOKIE_FORGED);
	struct cookie_secret other = secret;
	other.key[1]++;
	ck_assert_int_eq(cookie_check(&other, &flow, &good, NOW, &again), COOKIE_FORGED);
	struct tcp_segment bare = good;
	bare.options.has_timestamp = false;
	ck_assert_int_eq(cookie_check(&secret, &flow, &bare, NOW, &again), COOKIE_FORGED);
}
END_TEST

START_TEST(a_cookie_holds_for_one_to_two_ticks)
{
	struct tcp_config config = config_default();
	struct tcp_segment syn = syn_with(1460, 7, true, true), answer, again;
	cookie_answer(&secret, &flow, &config, &syn, NOW, &answer);
	struct tcp_segment ack = ack_of(&answer);
	for (unsigned ticks = 0; ticks < 12; ticks++) {
		enum cookie_verdict verdict =
			cookie_check(&secret, &flow, &ack, NOW + ticks * COOKIE_TICK_US, &again);
		ck_assert_int_eq(verdict, ticks < 2   ? COOKIE_GOOD
					  : ticks < 4 ? COOKIE_STALE
						      : COOKIE_FORGED);
	}
	ck_assert_int_eq(cookie_check(&secret, &flow, &ack, 3, &again),
			 COOKIE_FORGED); /* before any tick */
}
END_TEST

int
main(void)
{
	return RUN_CASES("cookie", what_a_syn_said_comes_back,
			 timestamp_is_never_ahead_of_the_clock, anything_else_is_forged,
			 a_cookie_holds_for_one_to_two_ticks);
}
