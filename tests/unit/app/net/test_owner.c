/* tests/unit/app/net/test_owner.c - every frame has exactly one owner, the same as the flow's. */
#include "app/net/owner.h"

#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/prng.h"
#include "tests/unit/runner.h"

#define FRAME_MAX 128

static const struct owner_map three = {.data_count = 3, .client_port = 6379, .bus_port = 16379};
static const struct owner_map alone = {.data_count = 1, .client_port = 6379};

static uint16_t
ip_header(uint8_t *at, uint8_t protocol, uint32_t source, uint32_t destination)
{
	memset(at, 0, 20);
	at[0] = 0x45;
	at[9] = protocol;
	store_be32(at + 12, source);
	store_be32(at + 16, destination);
	return 20;
}

/* A segment as it arrives: from remote to local. */
static uint16_t
tcp_frame(uint8_t *at, const struct owner_flow *flow)
{
	memset(at, 0, FRAME_MAX);
	store_be16(at + 12, 0x0800);
	ip_header(at + 14, 6, flow->remote, flow->local);
	store_be16(at + 34, flow->remote_port);
	store_be16(at + 36, flow->local_port);
	return 54;
}

/* An ICMP error that quotes a segment of ours: from local to remote. */
static uint16_t
icmp_frame(uint8_t *at, const struct owner_flow *flow)
{
	memset(at, 0, FRAME_MAX);
	store_be16(at + 12, 0x0800);
	ip_header(at + 14, 1, 0x0a000001, flow->local);
	ip_header(at + 42, 6, flow->local, flow->remote);
	store_be16(at + 62, flow->local_port);
	store_be16(at + 64, flow->remote_port);
	return 70;
}

static struct owner_flow
random_flow(struct prng *prng)
{
	return (struct owner_flow){.remote = (uint32_t)prng_next(prng),
				   .local = 0x0a4d0002,
				   .remote_port = (uint16_t)prng_next(prng),
				   .local_port = 6379};
}

START_TEST(segments_and_the_errors_that_quote_them_have_the_flows_owner)
{
	struct prng prng;
	prng_seed(&prng, 1);
	unsigned seen[4] = {0};
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t frame[FRAME_MAX];
		struct owner_flow flow = random_flow(&prng);
		unsigned owner = owner_of_flow(&three, &flow);
		ck_assert(owner >= 1 && owner <= 3);
		seen[owner]++;
		ck_assert_uint_eq(owner_of_frame(&three, frame, tcp_frame(frame, &flow)), owner);
		ck_assert_uint_eq(owner_of_frame(&three, frame, icmp_frame(frame, &flow)), owner);
	}
	for (unsigned i = 1; i <= 3; i++)
		ck_assert_msg(seen[i] > 800, "lcore %u got %u of 3000", i, seen[i]);
}
END_TEST

START_TEST(the_bus_port_and_controls_source_ports_are_controls)
{
	static const struct {
		uint16_t local_port;
		bool control;
	} rows[] = {
		{16379,                  true },
		{16378,                  false},
		{6379,                   false},
		{OWNER_CONTROL_PORT - 1, false},
		{OWNER_CONTROL_PORT,     true },
		{65535,                  true }
        };
	struct owner_map high = three;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct owner_flow flow = {1, 2, 3, rows[i].local_port};
		ck_assert_int_eq(owner_of_flow(&three, &flow) == 0, rows[i].control);
		ck_assert_uint_ne(owner_of_flow(&alone, &flow), 0);
	}
	/* A client port up there stays the data lcores'. */
	high.client_port = 60000;
	struct owner_flow client = {1, 2, 3, 60000};
	ck_assert_uint_ne(owner_of_flow(&high, &client), 0);
}
END_TEST

START_TEST(arp_is_everybodys_and_what_is_broken_the_first_data_lcores)
{
	uint8_t frame[FRAME_MAX];
	struct owner_flow flow = {0x01020304, 0x0a4d0002, 1000, 16379};
	uint16_t len = tcp_frame(frame, &flow);
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), 0);
	for (uint16_t cut = 0; cut < 38;
	     cut++) /* exactly so many bytes, so that ASan sees a read too far */
	{
		uint8_t copy[38];
		memcpy(copy, frame, cut);
		ck_assert_uint_eq(owner_of_frame(&three, copy, cut), 1);
	}
	frame[14] = 0x65; /* IP version 6 in an IPv4 frame */
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), 1);
	frame[14] = 0x44; /* header shorter than it can be */
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), 1);
	frame[14] = 0x4f; /* header beyond the frame */
	ck_assert_uint_eq(owner_of_frame(&three, frame, 60), 1);
	tcp_frame(frame, &flow);
	frame[20] = 0x20; /* a fragment: its ports may be anywhere */
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), 1);
	tcp_frame(frame, &flow);
	store_be16(frame + 12, 0x0806);
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), OWNER_EVERYBODY);
	store_be16(frame + 12, 0x86dd);
	ck_assert_uint_eq(owner_of_frame(&three, frame, len), 1);
}
END_TEST

int
main(void)
{
	return RUN_CASES("owner", segments_and_the_errors_that_quote_them_have_the_flows_owner,
			 the_bus_port_and_controls_source_ports_are_controls,
			 arp_is_everybodys_and_what_is_broken_the_first_data_lcores);
}
