/* tests/unit/proto/inet/test_arp.c - the packet, and the cache in virtual time. */
#include "tests/unit/runner.h"

#include <stdlib.h>

#include "proto/base/prng.h"
#include "proto/inet/arp_cache.h"
#include "tests/unit/proto/inet/frames.h"

#define OURS   0x0a000001u
#define PEER   0x0a000002u
#define SECOND UINT64_C(1000000)
#define START  (1000 * SECOND)

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 3};
static const uint8_t no_mac[6];

static struct arp_cache cache; /* too large for some stacks; every test starts it anew */

static void
start(void)
{
	arp_cache_init(&cache, our_mac, OURS);
}

struct resolved {
	enum arp_answer answer;
	uint8_t mac[6];
	uint32_t index;
	struct arp_packet request;
	bool refresh;
};

static struct resolved
resolve(uint32_t address, uint64_t now_us)
{
	struct resolved r = {.index = UINT32_MAX};
	r.answer = arp_resolve(&cache, address, now_us, r.mac, &r.index, &r.request, &r.refresh);
	return r;
}

static struct arp_outcome
hear(uint16_t operation, uint32_t sender, const uint8_t *mac, uint32_t target, uint64_t now_us)
{
	struct arp_packet in = {.operation = operation, .sender = sender, .target = target};
	struct arp_outcome out;
	memcpy(in.sender_mac, mac, 6);
	arp_input(&cache, &in, now_us, &out);
	return out;
}

/* PEER is REACHABLE from now_us on. */
static void
make_reachable(uint64_t now_us)
{
	ck_assert_int_eq(resolve(PEER, now_us).answer, ARP_ASK);
	ck_assert(hear(ARP_REPLY, PEER, peer_mac, OURS, now_us).resolved);
}

/* ---- the packet ---- */

START_TEST(what_is_encoded_is_decoded)
{
	uint8_t frame[ARP_FRAME_SIZE];
	struct arp_packet in = {.operation = ARP_REPLY, .sender = OURS, .target = PEER}, out;
	memcpy(in.sender_mac, our_mac, 6);
	memcpy(in.target_mac, peer_mac, 6);
	arp_encode_frame(frame, other_mac, &in);
	ck_assert_mem_eq(frame, other_mac, 6);
	ck_assert_mem_eq(frame + 6, our_mac, 6);
	ck_assert_mem_eq(frame + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10);
	ck_assert(arp_decode(frame + 14, 28, &out));
	ck_assert_uint_eq(out.operation, ARP_REPLY);
	ck_assert_uint_eq(out.sender, OURS);
	ck_assert_uint_eq(out.target, PEER);
	ck_assert_mem_eq(out.sender_mac, our_mac, 6);
	ck_assert_mem_eq(out.target_mac, peer_mac, 6);
}
END_TEST

START_TEST(every_truncation_and_every_wrong_constant_is_refused)
{
	struct arp_packet out;
	for (uint16_t len = 0; len < 28; len++) {
		uint8_t *exact = malloc(len > 0 ? len : 1);
		memcpy(exact, frame_arp.bytes + 14, len);
		ck_assert(!arp_decode(exact, len, &out));
		free(exact);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		struct frame f = frame_arp;
		f.bytes[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(!arp_decode(f.bytes + 14, 28, &out), "bit %u", bit);
	}
	ck_assert(arp_decode(frame_arp.bytes + 14, 28, &out));
}
END_TEST

/* ---- the cache ---- */

START_TEST(an_unknown_address_is_asked_for_once)
{
	start();
	ck_assert_uint_eq(arp_next_at(&cache), UINT64_MAX);
	struct resolved r = resolve(PEER, START);
	ck_assert_int_eq(r.answer, ARP_ASK);
	ck_assert_uint_eq(r.request.operation, ARP_REQUEST);
	ck_assert_uint_eq(r.request.sender, OURS);
	ck_assert_uint_eq(r.request.target, PEER);
	ck_assert_mem_eq(r.request.sender_mac, our_mac, 6);
	ck_assert_mem_eq(r.request.target_mac, no_mac, 6);
	struct resolved again = resolve(PEER, START + 5);
	ck_assert_int_eq(again.answer, ARP_WAIT);
	ck_assert_uint_eq(again.index, r.index);
	ck_assert_uint_eq(arp_next_at(&cache), START + SECOND);
}
END_TEST

START_TEST(a_reply_makes_it_known)
{
	start();
	struct resolved r = resolve(PEER, START);
	struct arp_outcome out = hear(ARP_REPLY, PEER, peer_mac, OURS, START + 100);
	ck_assert(out.resolved && !out.reply && !out.conflict);
	ck_assert_uint_eq(out.index, r.index);
	struct resolved known = resolve(PEER, START + 200);
	ck_assert_int_eq(known.answer, ARP_KNOWN);
	ck_assert_mem_eq(known.mac, peer_mac, 6);
	ck_assert(!known.refresh);
	ck_assert_uint_eq(cache.generation, 0);
	struct arp_packet request;
	uint32_t index;
	bool failed;
	ck_assert(!arp_tick(&cache, START + 10 * SECOND, &request, &index, &failed));
	ck_assert_uint_eq(arp_next_at(&cache), UINT64_MAX);
}
END_TEST

/* A2, and the way to FAILED and back. */
START_TEST(three_requests_a_second_apart_then_nobody)
{
	start();
	struct resolved r = resolve(PEER, START);
	unsigned requests = 1;
	uint64_t last = START, failed_at = 0;
	for (uint64_t now = START; now < START + 10 * SECOND && failed_at == 0; now += 1000) {
		struct arp_packet request;
		uint32_t index;
		bool failed;
		ck_assert(now < arp_next_at(&cache) || now == arp_next_at(&cache));
		while (arp_tick(&cache, now, &request, &index, &failed)) {
			ck_assert_uint_eq(index, r.index);
			if (failed) {
				failed_at = now;
				continue;
			}
			ck_assert_uint_ge(now - last, SECOND);
			ck_assert_uint_eq(request.target, PEER);
			last = now;
			requests++;
		}
	}
	ck_assert_uint_eq(requests, 3);
	ck_assert_uint_eq(failed_at, START + 3 * SECOND);
	ck_assert_uint_eq(arp_next_at(&cache), UINT64_MAX);
	ck_assert_int_eq(resolve(PEER, failed_at).answer, ARP_NOBODY);
	ck_assert_int_eq(resolve(PEER, failed_at + 3 * SECOND - 1).answer, ARP_NOBODY);
	ck_assert_int_eq(resolve(PEER, failed_at + 3 * SECOND).answer, ARP_ASK);
}
END_TEST

START_TEST(an_old_entry_is_used_and_asked_about_by_unicast)
{
	start();
	make_reachable(START);
	ck_assert(!resolve(PEER, START + 60 * SECOND - 1).refresh);
	struct resolved r = resolve(PEER, START + 60 * SECOND);
	ck_assert_int_eq(r.answer, ARP_KNOWN);
	ck_assert(r.refresh);
	ck_assert_mem_eq(r.mac, peer_mac, 6);
	ck_assert_mem_eq(r.request.target_mac, peer_mac, 6);
	r = resolve(PEER, START + 61 * SECOND - 1);
	ck_assert(r.answer == ARP_KNOWN && !r.refresh);
	ck_assert(!hear(ARP_REPLY, PEER, peer_mac, OURS, START + 61 * SECOND).resolved);
	ck_assert(!resolve(PEER, START + 120 * SECOND).refresh);
	ck_assert(resolve(PEER, START + 121 * SECOND).refresh);
}
END_TEST

START_TEST(an_old_entry_that_nobody_confirms_is_asked_for_by_broadcast)
{
	start();
	make_reachable(START);
	uint64_t now = START + 60 * SECOND;
	for (int i = 0; i < 3; i++, now += SECOND)
		ck_assert(resolve(PEER, now).refresh);
	struct resolved r = resolve(PEER, now);
	ck_assert_int_eq(r.answer, ARP_ASK);
	ck_assert_mem_eq(r.request.target_mac, no_mac, 6);
	/* It moved: connections that remember the old MAC must hear of it. */
	ck_assert(hear(ARP_REPLY, PEER, other_mac, OURS, now + 1).resolved);
	ck_assert_uint_eq(cache.generation, 1);
	ck_assert_mem_eq(resolve(PEER, now + 2).mac, other_mac, 6);
}
END_TEST

START_TEST(a_request_for_us_is_answered_and_its_sender_learnt)
{
	start();
	struct arp_outcome out = hear(ARP_REQUEST, PEER, peer_mac, OURS, START);
	ck_assert(out.reply && !out.resolved && !out.conflict);
	ck_assert_uint_eq(out.packet.operation, ARP_REPLY);
	ck_assert_uint_eq(out.packet.sender, OURS);
	ck_assert_uint_eq(out.packet.target, PEER);
	ck_assert_mem_eq(out.packet.sender_mac, our_mac, 6);
	ck_assert_mem_eq(out.packet.target_mac, peer_mac, 6);
	ck_assert_int_eq(resolve(PEER, START + 1).answer, ARP_KNOWN);
}
END_TEST

START_TEST(a_request_for_us_answers_our_own_question_too)
{
	start();
	struct resolved r = resolve(PEER, START);
	struct arp_outcome out = hear(ARP_REQUEST, PEER, peer_mac, OURS, START + 1);
	ck_assert(out.reply && out.resolved);
	ck_assert_uint_eq(out.index, r.index);
}
END_TEST

/* A1 */
START_TEST(what_others_say_to_others_teaches_nothing)
{
	start();
	hear(ARP_REPLY, PEER, peer_mac, 0x0a000009, START);
	hear(ARP_REQUEST, PEER, peer_mac, 0x0a000009, START);
	hear(ARP_REPLY, PEER, peer_mac, OURS, START); /* unasked for */
	ck_assert_int_eq(resolve(PEER, START + 1).answer, ARP_ASK);
}
END_TEST

START_TEST(a_shout_changes_no_mac_but_makes_us_ask)
{
	start();
	make_reachable(START);
	ck_assert(!hear(ARP_REPLY, PEER, other_mac, PEER, START + 1).resolved);
	struct resolved r = resolve(PEER, START + 2);
	ck_assert_int_eq(r.answer, ARP_KNOWN);
	ck_assert_mem_eq(r.mac, peer_mac, 6);
	ck_assert(r.refresh);
	ck_assert_uint_eq(cache.generation, 0);
	/* The same MAC shouted once more is no news. */
	hear(ARP_REPLY, PEER, peer_mac, OURS, START + 3);
	hear(ARP_REQUEST, PEER, peer_mac, PEER, START + 4);
	ck_assert(!resolve(PEER, START + 5).refresh);
}
END_TEST

START_TEST(a_new_mac_that_speaks_to_us_raises_the_generation)
{
	start();
	make_reachable(START);
	hear(ARP_REQUEST, PEER, other_mac, OURS, START + 1);
	ck_assert_uint_eq(cache.generation, 1);
	ck_assert_mem_eq(resolve(PEER, START + 2).mac, other_mac, 6);
	hear(ARP_REQUEST, PEER, other_mac, OURS, START + 3);
	ck_assert_uint_eq(cache.generation, 1);
}
END_TEST

START_TEST(who_claims_our_address_is_a_conflict_and_gets_no_reply)
{
	start();
	struct arp_outcome out = hear(ARP_REPLY, OURS, other_mac, OURS, START);
	ck_assert(out.conflict && !out.reply && !out.resolved);
	out = hear(ARP_REQUEST, OURS, other_mac, OURS, START);
	ck_assert(out.conflict && !out.reply);
	out = hear(ARP_REQUEST, OURS, our_mac, OURS, START); /* our own frame come back */
	ck_assert(!out.conflict && !out.reply);
}
END_TEST

START_TEST(a_probe_for_our_address_is_answered_and_teaches_nothing)
{
	start();
	struct arp_outcome out = hear(ARP_REQUEST, 0, other_mac, OURS, START);
	ck_assert(out.reply && !out.conflict);
	ck_assert_uint_eq(out.packet.target, 0);
	ck_assert_mem_eq(out.packet.target_mac, other_mac, 6);
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		ck_assert_int_eq(cache.entries[i].state, ARP_FREE);
}
END_TEST

START_TEST(senders_that_are_no_hosts_are_ignored)
{
	static const uint32_t senders[] = {0x7f000001, 0xe0000001, 0xffffffff, 0x00000001,
					   0xf0000000};
	start();
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct arp_outcome out = hear(ARP_REQUEST, senders[i], other_mac, OURS, START);
		ck_assert(!out.reply && !out.resolved && !out.conflict);
		ck_assert_int_eq(cache.entries[0].state, ARP_FREE);
	}
}
END_TEST

START_TEST(the_longest_unused_entry_makes_room)
{
	start();
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		hear(ARP_REQUEST, 0x0a000100 + i, peer_mac, OURS, START + i);
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++) /* all are there; 7 is not used */
		if (i != 7)
			ck_assert_int_eq(resolve(0x0a000100 + i, START + 1000 + i).answer,
					 ARP_KNOWN);
	hear(ARP_REQUEST, 0x0a000900, peer_mac, OURS, START + 5000);
	ck_assert_int_eq(resolve(0x0a000900, START + 5001).answer, ARP_KNOWN);
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		if (i != 7)
			ck_assert_int_eq(resolve(0x0a000100 + i, START + 6000).answer, ARP_KNOWN);
	ck_assert_int_eq(resolve(0x0a000107, START + 6001).answer, ARP_ASK);
}
END_TEST

START_TEST(a_thousand_unanswered_addresses_do_not_drive_out_a_neighbour)
{
	start();
	make_reachable(START);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_int_eq(resolve(0x0a010000 + i, START + 1000 + i).answer, ARP_ASK);
	ck_assert_int_eq(resolve(PEER, START + 9 * SECOND).answer, ARP_KNOWN);
}
END_TEST

START_TEST(an_entry_that_packets_wait_for_is_not_given_to_a_stranger)
{
	start();
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		ck_assert_int_eq(resolve(0x0a000100 + i, START + i).answer, ARP_ASK);
	ck_assert(hear(ARP_REQUEST, PEER, peer_mac, OURS, START + 5000).reply);
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		ck_assert_int_eq(resolve(0x0a000100 + i, START + 6000).answer, ARP_WAIT);
}
END_TEST

START_TEST(a_static_entry_never_ages_learns_or_makes_room)
{
	start();
	ck_assert(arp_add_static(&cache, PEER, peer_mac));
	hear(ARP_REQUEST, PEER, other_mac, OURS, START);
	hear(ARP_REPLY, PEER, other_mac, OURS, START);
	for (uint32_t i = 0; i < 1000; i++)
		hear(ARP_REQUEST, 0x0a010000 + i, other_mac, OURS, START + i);
	struct resolved r = resolve(PEER, START + 100000 * SECOND);
	ck_assert(r.answer == ARP_KNOWN && !r.refresh);
	ck_assert_mem_eq(r.mac, peer_mac, 6);
}
END_TEST

START_TEST(a_cache_full_of_static_entries_takes_no_more)
{
	start();
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		ck_assert(arp_add_static(&cache, 0x0a000100 + i, peer_mac));
	ck_assert(arp_add_static(&cache, 0x0a000100, other_mac)); /* changed, not added */
	ck_assert(!arp_add_static(&cache, 0x0a000900, peer_mac));
	ck_assert_int_eq(resolve(0x0a000900, START).answer, ARP_NOBODY);
	ck_assert(hear(ARP_REQUEST, 0x0a000900, peer_mac, OURS, START).reply);
}
END_TEST

START_TEST(an_announcement_asks_for_our_own_address)
{
	struct arp_packet out;
	start();
	arp_announcement(&cache, &out);
	ck_assert_uint_eq(out.operation, ARP_REQUEST);
	ck_assert_uint_eq(out.sender, OURS);
	ck_assert_uint_eq(out.target, OURS);
	ck_assert_mem_eq(out.sender_mac, our_mac, 6);
}
END_TEST

/* Anything in any order: states stay legal (arp_set_state asserts), ticks end, an entry per address. */
START_TEST(random_events_keep_one_entry_per_address)
{
	struct prng prng;
	prng_seed(&prng, 41);
	start();
	uint64_t now = START;
	for (int i = 0; i < 50000; i++) {
		uint32_t address = 0x0a000000 + (uint32_t)prng_below(&prng, 400);
		uint8_t mac[6] = {2, 0, 0, 0, 1, (uint8_t)prng_below(&prng, 3)};
		now += prng_below(&prng, 100) == 0 ? prng_below(&prng, 90 * SECOND)
						   : prng_below(&prng, 10000);
		if (prng_below(&prng, 2) == 0)
			resolve(address, now);
		else
			hear((uint16_t)(1 + prng_below(&prng, 2)), address, mac,
			     prng_below(&prng, 2) ? OURS : address, now);
		struct arp_packet request;
		uint32_t index;
		bool failed;
		unsigned ticks = 0;
		while (arp_tick(&cache, now, &request, &index, &failed))
			ck_assert_uint_lt(++ticks, ARP_CACHE_MAX + 1);
		ck_assert_uint_gt(arp_next_at(&cache), now);
	}
	for (uint32_t a = 0; a < ARP_CACHE_MAX; a++)
		for (uint32_t b = 0; b < a; b++)
			ck_assert(cache.entries[a].state == ARP_FREE ||
				  cache.entries[b].state == ARP_FREE ||
				  cache.entries[a].address != cache.entries[b].address);
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"arp", what_is_encoded_is_decoded,
		every_truncation_and_every_wrong_constant_is_refused,
		an_unknown_address_is_asked_for_once, a_reply_makes_it_known,
		three_requests_a_second_apart_then_nobody,
		an_old_entry_is_used_and_asked_about_by_unicast,
		an_old_entry_that_nobody_confirms_is_asked_for_by_broadcast,
		a_request_for_us_is_answered_and_its_sender_learnt,
		a_request_for_us_answers_our_own_question_too,
		what_others_say_to_others_teaches_nothing, a_shout_changes_no_mac_but_makes_us_ask,
		a_new_mac_that_speaks_to_us_raises_the_generation,
		who_claims_our_address_is_a_conflict_and_gets_no_reply,
		a_probe_for_our_address_is_answered_and_teaches_nothing,
		senders_that_are_no_hosts_are_ignored, the_longest_unused_entry_makes_room,
		a_thousand_unanswered_addresses_do_not_drive_out_a_neighbour,
		an_entry_that_packets_wait_for_is_not_given_to_a_stranger,
		a_static_entry_never_ages_learns_or_makes_room,
		a_cache_full_of_static_entries_takes_no_more,
		an_announcement_asks_for_our_own_address, random_events_keep_one_entry_per_address);
}
