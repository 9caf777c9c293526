/* tests/unit/cluster/test_failure.c - PFAIL, reports, FAIL and back (spec A10 to A15). */
#include "tests/unit/runner.h"

#include "tests/unit/cluster/hand_ask.h"

struct ward { /* we, c and d vote; b is watched */
	struct hand *h;
	uint32_t b, c, d;
};

static struct ward
ward_new(void)
{
	struct ward w = {.h = hand_new()};
	hand_primary(w.h, 'm', 0, 9);
	w.b = hand_primary(w.h, 'b', 10, 19);
	w.c = hand_primary(w.h, 'c', 20, 29);
	w.d = hand_primary(w.h, 'd', 30, 39);
	hand_settle(w.h);
	return w;
}

/* b has not answered the ping of now - age_ms, nor said anything for data_ms. */
static void
silence(struct ward *w, uint64_t age_ms, uint64_t data_ms)
{
	struct node *n = &w->h->c->nodes[w->b];
	n->ping_sent_ms = w->h->facts.now_ms - age_ms;
	n->data_received_ms = w->h->facts.now_ms - data_ms;
}

static void
report(struct ward *w, uint32_t reporter, uint16_t flags)
{
	hand_frame(w->h, BUS_PONG, reporter);
	w->h->gossip[0] = (struct bus_gossip){
		.id = w->h->c->nodes[w->b].id, .flags = flags, .port = 7000, .cport = 17000};
	memcpy(w->h->gossip[0].ip, w->h->c->nodes[w->b].ip, BUS_IP_LEN);
	w->h->msg.ping.gossip_count = 1;
	hand_deliver(w->h, reporter);
}

START_TEST(silence_longer_than_the_timeout_is_suspicious)
{
	static const struct {
		uint64_t ping_ms, data_ms;
		bool suspected;
	} cases[] = {
		{HAND_T,     HAND_T,     false},
                {HAND_T + 1, HAND_T + 1, true },
		{HAND_T + 1, HAND_T,     false}, /* any frame is a sign of life */
		{5 * HAND_T, 10,         false},
                {HAND_T,     5 * HAND_T, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ward w = ward_new();
		silence(&w, cases[i].ping_ms, cases[i].data_ms);
		hand_tick(w.h, 0);
		ck_assert(hand_flagged(w.h, w.b, NODE_PFAIL) == cases[i].suspected);
		ck_assert((hand_traced(w.h, TRACE_PFAIL) != NULL) == cases[i].suspected);
		hand_free(w.h);
	}
}
END_TEST

START_TEST(without_a_ping_in_flight_nobody_is_suspected)
{
	struct ward w = ward_new();
	silence(&w, 5 * HAND_T, 5 * HAND_T);
	w.h->c->nodes[w.b].ping_sent_ms = 0;
	ck_assert_uint_eq(failure_suspect_at(w.h->c, w.b), UINT64_MAX);
	hand_tick(w.h, 0);
	ck_assert(!hand_flagged(w.h, w.b, NODE_PFAIL));
	hand_free(w.h);
}
END_TEST

START_TEST(a_quorum_makes_a_fail_and_everybody_is_told)
{
	struct ward w = ward_new();
	silence(&w, HAND_T + 1, HAND_T + 1);
	hand_tick(w.h, 0);
	report(&w, w.c, NODE_PFAIL); /* 2 of 4, we among them */
	ck_assert_uint_eq(hand_traced(w.h, TRACE_REPORT)->number, w.c);
	ck_assert(!hand_flagged(w.h, w.b, NODE_FAIL));
	report(&w, w.c, NODE_PFAIL); /* again: no second report */
	ck_assert_ptr_null(hand_traced(w.h, TRACE_REPORT));
	ck_assert(!hand_flagged(w.h, w.b, NODE_FAIL));
	report(&w, w.d, NODE_FAIL);
	ck_assert(hand_flagged(w.h, w.b, NODE_FAIL) && !hand_flagged(w.h, w.b, NODE_PFAIL));
	ck_assert_uint_eq(hand_traced(w.h, TRACE_FAIL)->number, 3);
	ck_assert_uint_eq(hand_sent_count(w.h, BUS_FAIL), 3); /* to b as well */
	ck_assert_mem_eq(hand_sent(w.h, BUS_FAIL)->msg->failed.bytes, w.h->c->nodes[w.b].id.bytes,
			 NODE_ID_LEN);
	ck_assert_uint_eq(hand_sent(w.h, BUS_FAIL)->after, 0);
	hand_free(w.h);
}
END_TEST

START_TEST(reports_alone_make_no_fail_of_a_node_that_answers_us)
{
	struct ward w = ward_new();
	report(&w, w.c, NODE_PFAIL);
	report(&w, w.d, NODE_PFAIL);
	ck_assert(!hand_flagged(w.h, w.b, NODE_FAIL));
	/* The last to suspect it finds the reports of the others: no need to wait for the next. */
	silence(&w, HAND_T + 1, HAND_T + 1);
	hand_tick(w.h, 0);
	ck_assert(hand_flagged(w.h, w.b, NODE_FAIL));
	hand_free(w.h);
}
END_TEST

START_TEST(a_replica_counts_reports_but_not_itself)
{
	struct ward w = ward_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(w.h->c, (uint16_t)slot, w.c);
	hand_replica(w.h, 'm', w.c); /* b, c, d vote: quorum 2 */
	silence(&w, HAND_T + 1, HAND_T + 1);
	hand_tick(w.h, 0);
	report(&w, w.c, NODE_PFAIL);
	ck_assert(!hand_flagged(w.h, w.b, NODE_FAIL));
	report(&w, w.d, NODE_PFAIL);
	ck_assert(hand_flagged(w.h, w.b, NODE_FAIL));
	ck_assert_uint_eq(hand_sent_count(w.h, BUS_FAIL), 3);
	hand_free(w.h);
}
END_TEST

START_TEST(reports_count_for_twice_the_timeout)
{
	for (unsigned past = 0; past < 2; past++) {
		struct ward w = ward_new();
		report(&w, w.c, NODE_PFAIL);
		report(&w, w.d, NODE_PFAIL);
		w.h->c->now_ms += 2 * HAND_T + past;
		ck_assert_uint_eq(failure_report_count(w.h->c, w.b), past ? 0 : 2);
		hand_free(w.h);
	}
}
END_TEST

START_TEST(a_reporter_may_take_it_back)
{
	struct ward w = ward_new();
	report(&w, w.c, NODE_PFAIL);
	ck_assert_uint_eq(failure_report_count(w.h->c, w.b), 1);
	report(&w, w.c, 0);
	ck_assert_uint_eq(failure_report_count(w.h->c, w.b), 0);
	hand_free(w.h);
}
END_TEST

START_TEST(only_voting_primaries_report)
{
	struct ward w = ward_new();
	uint32_t empty = hand_add(w.h, 'f', NODE_PRIMARY), r = hand_replica(w.h, 'r', w.c);
	report(&w, empty, NODE_PFAIL);
	report(&w, r, NODE_PFAIL);
	report(&w, w.b, NODE_PFAIL); /* of itself */
	ck_assert_uint_eq(failure_report_count(w.h->c, w.b), 0);
	hand_free(w.h);
}
END_TEST

START_TEST(reports_beyond_the_pool_are_refused_and_counted)
{
	struct ward w = ward_new();
	uint32_t kept = w.h->c->report_free;
	w.h->c->report_free = NODE_NONE;
	step_begin(w.h->c, &w.h->facts, w.h->out);
	failure_report(w.h->c, w.b, w.c, w.h->out);
	ck_assert_uint_eq(w.h->c->counters.reports_full, 1);
	ck_assert_uint_eq(failure_report_count(w.h->c, w.b), 0);
	w.h->c->report_free = kept;
	step_end(w.h->c, w.h->out);
	cluster_check(w.h->c);
	hand_free(w.h);
}
END_TEST

START_TEST(alone_as_voter_we_are_the_quorum)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 9);
	uint32_t r = hand_replica(h, 'r', 0);
	hand_settle(h);
	h->c->nodes[r].ping_sent_ms = h->c->nodes[r].data_received_ms =
		h->facts.now_ms - HAND_T - 1;
	hand_tick(h, 0);
	ck_assert(hand_flagged(h, r, NODE_FAIL));
	hand_free(h);
}
END_TEST

START_TEST(a_fail_message_is_believed_of_anybody_known)
{
	struct ward w = ward_new();
	uint32_t r = hand_replica(w.h, 'r', w.c);
	static const struct {
		char id;
		enum fail_refusal refusal;
	} cases[] = {
		{'z', FAIL_UNKNOWN_NODE},
		{'m', FAIL_MYSELF      },
		{'b', FAIL_TAKEN       },
		{'b', FAIL_ALREADY     },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node_id id = hand_id(cases[i].id);
		hand_frame(w.h, BUS_FAIL, r);
		w.h->msg.failed = id;
		if (cases[i].refusal != FAIL_TAKEN)
			ck_assert_int_eq(failure_on_message(w.h->c, &id, r, w.h->out),
					 cases[i].refusal);
		hand_deliver(w.h, r);
		ck_assert_int_eq(hand_refused(w.h), cases[i].refusal == FAIL_TAKEN
							    ? MESSAGE_TAKEN
							    : MESSAGE_FAIL_REFUSED);
		ck_assert((hand_traced(w.h, TRACE_FAIL_TOLD) != NULL) ==
			  (cases[i].refusal == FAIL_TAKEN));
		ck_assert_ptr_null(
			hand_sent(w.h, BUS_FAIL)); /* told, not found out: no broadcast */
	}
	hand_free(w.h);
}
END_TEST

START_TEST(a_pong_ends_suspicion_on_our_own_link_only)
{
	struct ward w = ward_new();
	silence(&w, HAND_T + 1, HAND_T + 1);
	hand_tick(w.h, 0);
	hand_frame(w.h, BUS_PONG, w.b);
	hand_receive(w.h, w.h->c->nodes[w.b].in);
	ck_assert(hand_flagged(w.h, w.b, NODE_PFAIL));
	hand_frame(w.h, BUS_PONG, w.b);
	hand_receive(w.h, w.h->c->nodes[w.b].out);
	ck_assert(!hand_flagged(w.h, w.b, NODE_PFAIL));
	ck_assert_ptr_nonnull(hand_traced(w.h, TRACE_PFAIL_CLEARED));
	ck_assert_uint_eq(w.h->c->nodes[w.b].ping_sent_ms, 0);
	hand_free(w.h);
}
END_TEST

START_TEST(a_failed_primary_with_slots_returns_only_after_twice_the_timeout)
{
	static const struct {
		bool slots;
		uint64_t age_ms;
		bool cleared;
	} cases[] = {
		{true,  2 * HAND_T,     false},
		{true,  2 * HAND_T + 1, true },
		{false, 0,              true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ward w = ward_new();
		failure_set_flags(w.h->c, w.b, NODE_FAIL);
		w.h->c->nodes[w.b].fail_ms = w.h->facts.now_ms - cases[i].age_ms;
		hand_frame(w.h, BUS_PONG, w.b);
		for (unsigned slot = 10; !cases[i].slots && slot < 20; slot++) {
			view_set_owner(w.h->c, (uint16_t)slot, NODE_NONE);
			slot_bitmap_set(&w.h->msg.head.slots, slot, false);
		}
		hand_deliver(w.h, w.b);
		ck_assert(hand_flagged(w.h, w.b, NODE_FAIL) == !cases[i].cleared);
		ck_assert((hand_traced(w.h, TRACE_FAIL_CLEARED) != NULL) == cases[i].cleared);
		hand_free(w.h);
	}
}
END_TEST

START_TEST(many_fails_are_told_over_several_steps)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 9);
	for (unsigned i = 0; i < HAND_NODES - 4; i++)
		hand_add(h, (char)('!' + i), NODE_PRIMARY); /* up to '\\' */
	hand_settle(h);
	for (uint32_t i = 1; i < h->c->high; i++)
		h->c->nodes[i].ping_sent_ms = h->c->nodes[i].data_received_ms =
			h->facts.now_ms - HAND_T - 1;
	unsigned told = 0, steps = 0;
	do {
		hand_tick(h, 0);
		told += hand_sent_count(h, BUS_FAIL);
		ck_assert_uint_lt(steps++, 10);
	} while (h->out->more);
	ck_assert_uint_gt(steps, 1);
	ck_assert_uint_eq(told, (h->c->high - 1) * (h->c->high - 1));
	hand_free(h);
}
END_TEST

START_TEST(fast_suspicion_tells_voters_at_once)
{
	struct ward w = ward_new();
	w.h->c->config.fast_suspicion = true;
	uint32_t empty = hand_add(w.h, 'f', NODE_PRIMARY);
	hand_settle(w.h);
	silence(&w, HAND_T + 1, HAND_T + 1);
	hand_tick(w.h, 0);
	ck_assert_uint_eq(hand_sent_count(w.h, BUS_PING), 2); /* c and d */
	const struct bus_ping *ping = &hand_sent(w.h, BUS_PING)->msg->ping;
	ck_assert_uint_gt(ping->gossip_count, 0);
	ck_assert_mem_eq(ping->gossip[ping->gossip_count - 1].id.bytes, w.h->c->nodes[w.b].id.bytes,
			 NODE_ID_LEN);
	ck_assert_uint_ne(ping->gossip[ping->gossip_count - 1].flags & NODE_PFAIL, 0);
	(void)empty;
	hand_free(w.h);
}
END_TEST

START_TEST(every_word_has_a_name)
{
	for (unsigned i = 0; i < FAIL_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(fail_refusal_name((enum fail_refusal)i));
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"failure", silence_longer_than_the_timeout_is_suspicious,
		without_a_ping_in_flight_nobody_is_suspected,
		a_quorum_makes_a_fail_and_everybody_is_told,
		reports_alone_make_no_fail_of_a_node_that_answers_us,
		a_replica_counts_reports_but_not_itself, reports_count_for_twice_the_timeout,
		a_reporter_may_take_it_back, only_voting_primaries_report,
		reports_beyond_the_pool_are_refused_and_counted, alone_as_voter_we_are_the_quorum,
		a_fail_message_is_believed_of_anybody_known,
		a_pong_ends_suspicion_on_our_own_link_only,
		a_failed_primary_with_slots_returns_only_after_twice_the_timeout,
		many_fails_are_told_over_several_steps, fast_suspicion_tells_voters_at_once,
		every_word_has_a_name);
}
