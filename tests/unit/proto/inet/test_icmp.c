/* tests/unit/proto/inet/test_icmp.c - what an ICMP message may make us do, and how often. */
#include "tests/unit/runner.h"

#include <stdlib.h>

#include "proto/inet/checksum.h"
#include "proto/inet/icmp.h"
#include "tests/unit/proto/inet/frames.h"

#define OUR_ADDRESS 0x0a000001u

/* Fragmentation needed, MTU 1400, about our segment 10.0.0.1:6379 > 10.0.0.2:51000, sequence number 0x01020304. */
static const uint8_t too_big[36] = {
	3,    4,    0,    0,    0, 0, 0x05, 0x78,                                        /* ICMP */
	0x45, 0,    0x05, 0xdc, 0, 0, 0x40, 0,    60, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, /* IPv4 */
	0x18, 0xeb, 0xc7, 0x38, 1, 2, 3,    4,                                           /* TCP */
};

static enum icmp_kind
parse(const uint8_t *message, uint16_t len, struct icmp_error *out)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, message, len);
	enum icmp_kind kind = icmp_parse(exact, len, OUR_ADDRESS, out);
	free(exact);
	return kind;
}

START_TEST(an_error_names_the_flow_from_our_point_of_view)
{
	struct icmp_error error;
	ck_assert_int_eq(parse(too_big, sizeof(too_big), &error), ICMP_TCP_TOO_BIG);
	ck_assert_uint_eq(error.local, OUR_ADDRESS);
	ck_assert_uint_eq(error.remote, 0x0a000002);
	ck_assert_uint_eq(error.local_port, 6379);
	ck_assert_uint_eq(error.remote_port, 51000);
	ck_assert_uint_eq(error.seq, 0x01020304);
	ck_assert_uint_eq(error.mtu, 1400);
}
END_TEST

START_TEST(each_type_and_code_has_one_answer)
{
	static const struct {
		uint8_t type, code;
		enum icmp_kind expected;
	} cases[] = {
		{8,   0,  ICMP_ECHO_REQUEST   },
                {8,   1,  ICMP_DROP_TYPE      },
		{0,   0,  ICMP_DROP_TYPE      }, /* a reply: we never asked */
		{3,   0,  ICMP_TCP_SOFT       },
                {3,   1,  ICMP_TCP_SOFT       },
		{3,   2,  ICMP_TCP_UNREACHABLE},
                {3,   3,  ICMP_TCP_UNREACHABLE},
		{3,   4,  ICMP_TCP_TOO_BIG    },
                {3,   5,  ICMP_TCP_SOFT       },
		{3,   13, ICMP_TCP_SOFT       },
                {3,   15, ICMP_TCP_SOFT       },
		{3,   16, ICMP_DROP_TYPE      },
                {4,   0,  ICMP_DROP_TYPE      }, /* source quench, MUST-55 */
		{5,   1,  ICMP_DROP_TYPE      }, /* redirect */
		{11,  0,  ICMP_TCP_SOFT       },
                {11,  1,  ICMP_TCP_SOFT       },
		{12,  0,  ICMP_TCP_SOFT       },
                {13,  0,  ICMP_DROP_TYPE      },
		{255, 0,  ICMP_DROP_TYPE      },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t message[sizeof(too_big)];
		struct icmp_error error;
		memcpy(message, too_big, sizeof(message));
		message[0] = cases[i].type;
		message[1] = cases[i].code;
		enum icmp_kind kind = parse(message, sizeof(message), &error);
		ck_assert_msg(kind == cases[i].expected, "type %u code %u: %s", cases[i].type,
			      cases[i].code, icmp_kind_name(kind));
		if (kind == ICMP_TCP_SOFT || kind == ICMP_TCP_UNREACHABLE)
			ck_assert_uint_eq(error.mtu, 0);
	}
}
END_TEST

START_TEST(an_error_about_something_else_is_dropped)
{
	static const struct {
		const char *what;
		uint8_t at, value;
		enum icmp_kind expected;
	} cases[] = {
		{"embedded version 6",              8,  0x65, ICMP_DROP_EMBEDDED},
		{"embedded ihl 4",                  8,  0x44, ICMP_DROP_EMBEDDED},
		{"embedded ihl beyond the message", 8,  0x46, ICMP_DROP_SHORT   },
		{"about UDP",                       17, 17,   ICMP_DROP_EMBEDDED},
		{"about ICMP",                      17, 1,    ICMP_DROP_EMBEDDED},
		{"about a later fragment",          15, 1,    ICMP_DROP_EMBEDDED},
		{"about a packet of somebody else", 23, 3,    ICMP_DROP_EMBEDDED},
		{"about a first fragment",          14, 0x20, ICMP_TCP_TOO_BIG  },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t message[sizeof(too_big)];
		struct icmp_error error;
		memcpy(message, too_big, sizeof(message));
		message[cases[i].at] = cases[i].value;
		ck_assert_msg(parse(message, sizeof(message), &error) == cases[i].expected, "%s",
			      cases[i].what);
	}
}
END_TEST

START_TEST(embedded_ip_options_are_passed_over)
{
	uint8_t message[40];
	struct icmp_error error;
	memcpy(message, too_big, 28);
	memset(message + 28, 1, 4);
	memcpy(message + 32, too_big + 28, 8);
	message[8] = 0x46;
	ck_assert_int_eq(parse(message, sizeof(message), &error), ICMP_TCP_TOO_BIG);
	ck_assert_uint_eq(error.local_port, 6379);
	ck_assert_uint_eq(error.seq, 0x01020304);
}
END_TEST

START_TEST(every_truncation_is_dropped)
{
	for (size_t len = 0; len < sizeof(too_big); len++) {
		struct icmp_error error;
		ck_assert_int_eq(parse(too_big, (uint16_t)len, &error), ICMP_DROP_SHORT);
	}
}
END_TEST

START_TEST(an_echo_reply_is_the_request_with_its_addresses_swapped)
{
	struct frame f = frame_echo;
	struct packet p;
	ck_assert(icmp_echo_reply(f.bytes, f.len, frames_host.mac.bytes, OUR_ADDRESS));
	ck_assert_mem_eq(f.bytes, frame_echo.bytes + 6, 6);
	ck_assert_mem_eq(f.bytes + 6, frames_host.mac.bytes, 6);
	const struct packet_host asker = {
		.mac = {{2, 0, 0, 0, 0, 2}}, .address = 0x0a000002, .netmask = 0xffffff00};
	ck_assert_int_eq(packet_parse(&asker, f.bytes, f.len, f.len,
				      (struct packet_vouched){false, false}, &p),
			 PACKET_ICMP);
	ck_assert_uint_eq(p.source, OUR_ADDRESS);
	ck_assert_uint_eq(p.payload_len, 15);
	ck_assert_uint_eq(f.bytes[22], 64);
	ck_assert_uint_eq(f.bytes[34], 0);
	ck_assert_uint_eq(f.bytes[35], 0);
	ck_assert_mem_eq(f.bytes + 38, frame_echo.bytes + 38, 11); /* identifier, number, data */
}
END_TEST

START_TEST(an_echo_reply_has_a_right_checksum_whatever_the_data)
{
	for (unsigned value = 0; value < 65536; value += 7) {
		struct frame f = frame_echo;
		f.bytes[42] = (uint8_t)(value >> 8);
		f.bytes[43] = (uint8_t)value;
		frames_fix_l4(&f);
		ck_assert(icmp_echo_reply(f.bytes, f.len, frames_host.mac.bytes, OUR_ADDRESS));
		ck_assert(checksum_holds(checksum_add(0, f.bytes + 34, f.len - 34u)));
		ck_assert(checksum_holds(checksum_add(0, f.bytes + 14, 20)));
	}
}
END_TEST

START_TEST(an_echo_reply_of_nothing_but_zeros_has_checksum_ffff)
{
	struct frame f = frame_echo;
	memset(f.bytes + 38, 0, 11);
	frames_fix_l4(&f);
	ck_assert(icmp_echo_reply(f.bytes, f.len, frames_host.mac.bytes, OUR_ADDRESS));
	ck_assert(checksum_holds(checksum_add(0, f.bytes + 34, f.len - 34u)));
	ck_assert_mem_eq(f.bytes + 34, "\0\0\xff\xff", 4);
}
END_TEST

START_TEST(what_is_no_plain_echo_request_gets_no_reply)
{
	struct frame f = frame_echo;
	f.bytes[14] = 0x46; /* IPv4 options */
	ck_assert(!icmp_echo_reply(f.bytes, f.len, frames_host.mac.bytes, OUR_ADDRESS));
	f = frame_echo;
	f.bytes[34] = 0; /* a reply: answering it would not end */
	ck_assert(!icmp_echo_reply(f.bytes, f.len, frames_host.mac.bytes, OUR_ADDRESS));
	f = frame_echo;
	ck_assert(!icmp_echo_reply(f.bytes, 41, frames_host.mac.bytes, OUR_ADDRESS));
	ck_assert_mem_eq(f.bytes, frame_echo.bytes, f.len);
	ck_assert(icmp_echo_reply(f.bytes, 42, frames_host.mac.bytes, OUR_ADDRESS));
}
END_TEST

START_TEST(about_a_thousand_replies_a_second_go_out)
{
	struct icmp_bucket bucket = {0};
	struct prng prng;
	prng_seed(&prng, 31);
	unsigned allowed = 0;
	for (uint64_t now = 1; now < 10 * 1000000; now += 20)
		allowed += icmp_allow(&bucket, &prng, now);
	ck_assert_uint_gt(allowed, 9000);
	ck_assert_uint_lt(allowed, 11000);
}
END_TEST

/* CVE-2020-25705: who counts what is left of a fixed number learns what others have been sent. */
START_TEST(the_number_allowed_at_once_and_its_period_vary)
{
	struct icmp_bucket bucket = {0};
	struct prng prng;
	prng_seed(&prng, 32);
	unsigned sizes = 0;
	uint64_t shortest = UINT64_MAX, longest = 0, now = 5;
	for (int i = 0; i < 1000; i++) {
		unsigned size = 0;
		while (icmp_allow(&bucket, &prng, now))
			size++;
		ck_assert(size >= 8 && size <= 12);
		sizes |= 1u << size;
		uint64_t period = bucket.refill_at_us - now;
		shortest = period < shortest ? period : shortest;
		longest = period > longest ? period : longest;
		now = bucket.refill_at_us;
	}
	ck_assert_uint_eq(sizes, 0x1f00);
	ck_assert(shortest >= 7500 && shortest < 8000);
	ck_assert(longest <= 12500 && longest > 12000);
}
END_TEST

START_TEST(every_kind_has_a_name_of_its_own)
{
	static const enum icmp_kind kinds[] = {
		ICMP_ECHO_REQUEST, ICMP_TCP_UNREACHABLE, ICMP_TCP_SOFT,      ICMP_TCP_TOO_BIG,
		ICMP_DROP_TYPE,    ICMP_DROP_SHORT,      ICMP_DROP_EMBEDDED, ICMP_DROP_RATE,
	};
	ck_assert_uint_eq(sizeof(kinds) / sizeof(kinds[0]), ICMP_KIND_COUNT);
	for (unsigned a = 0; a < ICMP_KIND_COUNT; a++)
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(icmp_kind_name(kinds[a]), icmp_kind_name(kinds[b]));
	ck_assert_str_eq(icmp_kind_name(ICMP_KIND_COUNT), "unknown");
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"icmp", an_error_names_the_flow_from_our_point_of_view,
		each_type_and_code_has_one_answer, an_error_about_something_else_is_dropped,
		embedded_ip_options_are_passed_over, every_truncation_is_dropped,
		an_echo_reply_is_the_request_with_its_addresses_swapped,
		an_echo_reply_has_a_right_checksum_whatever_the_data,
		an_echo_reply_of_nothing_but_zeros_has_checksum_ffff,
		what_is_no_plain_echo_request_gets_no_reply,
		about_a_thousand_replies_a_second_go_out,
		the_number_allowed_at_once_and_its_period_vary, every_kind_has_a_name_of_its_own);
}
