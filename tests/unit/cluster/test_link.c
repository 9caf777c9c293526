/* tests/unit/cluster/test_link.c - connections and the cadence of heartbeats (spec A5 to A9). */
#include "tests/unit/runner.h"

#include "cluster/link.h"
#include "tests/unit/cluster/hand_ask.h"

struct pair {
	struct hand *h;
	uint32_t b;
	struct node *n;
};

static struct pair
pair_new(void)
{
	struct pair p = {.h = hand_new()};
	p.b = hand_add(p.h, 'b', NODE_PRIMARY);
	p.n = &p.h->c->nodes[p.b];
	hand_settle(p.h);
	p.h->c->random_ping_at_ms = UINT64_MAX;
	return p;
}

START_TEST(a_missing_link_is_opened_and_greeted)
{
	struct pair p = pair_new();
	view_set_out(p.h->c, p.b, 0);
	hand_tick(p.h, 100);
	const struct effect *connect = hand_find(p.h, EFFECT_CONNECT, 0);
	ck_assert_uint_eq(connect->node, p.b);
	ck_assert_uint_eq(connect->link & 1, 0);
	ck_assert_uint_eq(p.n->out, connect->link);
	ck_assert_ptr_null(hand_sent(p.h, BUS_PING));
	hand_step(p.h, &(struct cluster_event){
			       .kind = CLUSTER_LINK_UP, .link = p.n->out, .ip = "10.0.0.1"});
	ck_assert_uint_eq(hand_sent(p.h, BUS_PING)->link, p.n->out);
	ck_assert_uint_eq(p.n->ping_sent_ms, p.h->facts.now_ms);
	hand_free(p.h);
}
END_TEST

START_TEST(a_failed_call_is_silence_and_is_repeated_in_time)
{
	struct pair p = pair_new();
	view_set_out(p.h->c, p.b, 0);
	hand_tick(p.h, 100);
	bus_link first = p.n->out;
	hand_step(p.h, &(struct cluster_event){.kind = CLUSTER_LINK_DOWN, .link = first});
	ck_assert_uint_eq(p.n->out, 0);
	ck_assert_uint_eq(p.n->ping_sent_ms, p.h->facts.now_ms);
	hand_tick(p.h, 99);
	ck_assert_ptr_null(hand_find(p.h, EFFECT_CONNECT, 0));
	hand_tick(p.h, 1);
	ck_assert_uint_gt(hand_find(p.h, EFFECT_CONNECT, 0)->link, first); /* never used twice */
	hand_free(p.h);
}
END_TEST

START_TEST(a_link_that_ends_leaves_its_ping_waiting)
{
	struct pair p = pair_new();
	p.n->ping_sent_ms = 12345;
	hand_step(p.h, &(struct cluster_event){.kind = CLUSTER_LINK_DOWN, .link = p.n->out});
	hand_tick(p.h, 100);
	hand_step(p.h, &(struct cluster_event){.kind = CLUSTER_LINK_UP, .link = p.n->out});
	ck_assert_uint_eq(p.n->ping_sent_ms, 12345); /* K2 */
	ck_assert_ptr_nonnull(hand_sent(p.h, BUS_PING));
	hand_free(p.h);
}
END_TEST

START_TEST(events_of_forgotten_links_change_nothing)
{
	struct pair p = pair_new();
	bus_link out = p.n->out, in = p.n->in;
	static const bus_link unknown[] = {2, 4096, 99999, UINT64_MAX, UINT64_MAX - 1};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		hand_step(p.h,
			  &(struct cluster_event){.kind = CLUSTER_LINK_DOWN, .link = unknown[i]});
		hand_step(p.h,
			  &(struct cluster_event){.kind = CLUSTER_LINK_UP, .link = unknown[i]});
		ck_assert_uint_eq(hand_find(p.h, EFFECT_CLOSE, 0)->link, unknown[i]);
	}
	ck_assert(p.n->out == out && p.n->in == in);
	hand_frame(p.h, BUS_PONG, p.b);
	hand_receive(p.h, out + 2 * 8192 * 2);
	ck_assert_int_eq(hand_refused(p.h), MESSAGE_LINK_FORGOTTEN);
	hand_free(p.h);
}
END_TEST

START_TEST(the_first_frame_binds_a_link_and_a_second_replaces_it)
{
	struct pair p = pair_new();
	bus_link old = p.n->in;
	hand_frame(p.h, BUS_PING, p.b);
	hand_receive(p.h, 777);
	ck_assert_uint_eq(p.n->in, 777);
	ck_assert_uint_eq(hand_find(p.h, EFFECT_CLOSE, 0)->link, old);
	/* A link stays whose it is, whoever else is named on it. */
	uint32_t c = hand_add(p.h, 'c', NODE_PRIMARY);
	hand_frame(p.h, BUS_PING, c);
	hand_receive(p.h, 777);
	ck_assert_uint_eq(p.n->in, 777);
	hand_step(p.h, &(struct cluster_event){.kind = CLUSTER_LINK_DOWN, .link = 777});
	ck_assert_uint_eq(p.n->in, 0);
	hand_free(p.h);
}
END_TEST

START_TEST(a_ping_is_due_after_half_the_timeout)
{
	static const struct {
		uint32_t interval;
		uint64_t age_ms;
		bool due;
	} cases[] = {
		{0,   HAND_T / 2,     false},
		{0,   HAND_T / 2 + 1, true },
		{100, 100,            false},
		{100, 101,            true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p = pair_new();
		p.h->c->config.ping_interval_ms = cases[i].interval;
		p.n->pong_received_ms = p.h->facts.now_ms - cases[i].age_ms;
		hand_tick(p.h, 0);
		ck_assert((hand_sent(p.h, BUS_PING) != NULL) == cases[i].due);
		hand_tick(p.h, 0);
		ck_assert_ptr_null(hand_sent(p.h, BUS_PING)); /* one at a time */
		hand_free(p.h);
	}
}
END_TEST

START_TEST(a_ping_due_on_a_link_not_yet_up_begins_the_wait)
{
	struct pair p = pair_new();
	p.n->out_up = false;
	p.n->pong_received_ms = p.h->facts.now_ms - HAND_T;
	hand_tick(p.h, 0);
	ck_assert_ptr_null(hand_sent(p.h, BUS_PING));
	ck_assert_uint_eq(p.n->ping_sent_ms, p.h->facts.now_ms);
	hand_free(p.h);
}
END_TEST

START_TEST(every_second_the_oldest_of_five_is_pinged)
{
	struct pair p = pair_new();
	p.h->c->random_ping_at_ms = 0;
	for (unsigned i = 0; i < 3; i++)
		hand_add(p.h, (char)('c' + i), NODE_PRIMARY);
	p.n->pong_received_ms = p.h->facts.now_ms - 100; /* the oldest; not due by its age */
	unsigned pings = 0, of_b = 0;
	for (unsigned i = 0; i < 30; i++) {
		hand_tick(p.h, 100);
		for (uint32_t j = 1; j < p.h->c->high; j++) { /* everybody answers at once */
			of_b += j == p.b && p.h->c->nodes[j].ping_sent_ms != 0;
			p.h->c->nodes[j].ping_sent_ms = 0;
			p.h->c->nodes[j].pong_received_ms =
				p.h->facts.now_ms - (j == p.b ? 100 : 0);
		}
		pings += hand_sent_count(p.h, BUS_PING);
	}
	ck_assert_uint_le(pings, 3);
	ck_assert_uint_ge(pings, 2);
	ck_assert_uint_ge(of_b, 1);
	hand_free(p.h);
}
END_TEST

START_TEST(a_stuck_link_is_closed_and_the_wait_goes_on)
{
	static const struct {
		uint64_t link_ms, ping_ms, data_ms;
		bool closed;
	} cases[] = {
		{HAND_T + 1, HAND_T / 2 + 1, HAND_T / 2 + 1, true },
		{HAND_T,     HAND_T / 2 + 1, HAND_T / 2 + 1, false},
		{HAND_T + 1, HAND_T / 2,     HAND_T / 2 + 1, false},
		{HAND_T + 1, HAND_T / 2 + 1, HAND_T / 2,     false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p = pair_new();
		uint64_t now = p.h->facts.now_ms, sent = now - cases[i].ping_ms;
		bus_link old = p.n->out;
		p.n->out_created_ms = now - cases[i].link_ms;
		p.n->ping_sent_ms = sent;
		p.n->data_received_ms = now - cases[i].data_ms;
		hand_tick(p.h, 0);
		ck_assert((hand_find(p.h, EFFECT_CLOSE, 0) != NULL) == cases[i].closed);
		ck_assert((p.n->out != old) == cases[i].closed);
		ck_assert_uint_eq(p.n->ping_sent_ms, sent);
		hand_free(p.h);
	}
}
END_TEST

START_TEST(while_data_lcores_stand_still_we_neither_ping_nor_answer)
{
	struct pair p = pair_new();
	p.h->facts.data_alive = false;
	p.n->pong_received_ms = p.h->facts.now_ms - HAND_T;
	hand_tick(p.h, 0);
	ck_assert_ptr_null(hand_sent(p.h, BUS_PING));
	ck_assert_uint_eq(p.n->ping_sent_ms, 0); /* and suspect nobody for it */
	hand_frame(p.h, BUS_PING, p.b);
	hand_deliver(p.h, p.b);
	ck_assert_ptr_null(hand_sent(p.h, BUS_PONG));
	hand_free(p.h);
}
END_TEST

START_TEST(the_answer_leaves_where_the_question_came_in)
{
	struct pair p = pair_new();
	hand_frame(p.h, BUS_PING, p.b);
	hand_receive(p.h, p.n->in);
	ck_assert_uint_eq(hand_sent(p.h, BUS_PONG)->link, p.n->in);
	hand_frame(p.h, BUS_PING, p.b); /* a PAUSED ping may come on our own link */
	hand_receive(p.h, p.n->out);
	ck_assert_uint_eq(hand_sent(p.h, BUS_PONG)->link, p.n->out);
	hand_free(p.h);
}
END_TEST

START_TEST(meet_is_said_again_to_who_answers_but_never_calls)
{
	struct pair p = pair_new();
	p.n->flags |= NODE_LIGHT_MODULE; /* Valkey 8.1 */
	view_set_in(p.h->c, p.b, 0);
	p.n->pong_received_ms = p.h->facts.now_ms;
	p.n->in_lost_ms = p.h->facts.now_ms - HAND_T;
	hand_tick(p.h, 0);
	ck_assert_ptr_null(hand_sent(p.h, BUS_MEET));
	hand_tick(p.h, 1);
	ck_assert_ptr_nonnull(hand_sent(p.h, BUS_MEET));
	hand_free(p.h);
}
END_TEST

START_TEST(ticks_are_exact_when_asked_for)
{
	struct pair p = pair_new();
	p.n->pong_received_ms = p.h->facts.now_ms - 450;
	hand_tick(p.h, 0);
	ck_assert_uint_eq(cluster_next_at(p.h->c), p.h->facts.now_ms + CLUSTER_TICK_MS);
	p.h->c->config.fast_suspicion = true;
	hand_tick(p.h, 0);
	ck_assert_uint_eq(cluster_next_at(p.h->c), p.h->facts.now_ms + 51); /* the ping */
	hand_tick(p.h, 51);
	ck_assert_ptr_nonnull(hand_sent(p.h, BUS_PING));
	p.h->facts.now_ms += HAND_T - 10;
	p.n->pong_on_out = true;
	p.n->out_created_ms = p.h->facts.now_ms;
	hand_tick(p.h, 0);
	ck_assert_uint_eq(cluster_next_at(p.h->c), p.h->facts.now_ms + 11); /* the suspicion */
	hand_free(p.h);
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"link", a_missing_link_is_opened_and_greeted,
		a_failed_call_is_silence_and_is_repeated_in_time,
		a_link_that_ends_leaves_its_ping_waiting, events_of_forgotten_links_change_nothing,
		the_first_frame_binds_a_link_and_a_second_replaces_it,
		a_ping_is_due_after_half_the_timeout,
		a_ping_due_on_a_link_not_yet_up_begins_the_wait,
		every_second_the_oldest_of_five_is_pinged,
		a_stuck_link_is_closed_and_the_wait_goes_on,
		while_data_lcores_stand_still_we_neither_ping_nor_answer,
		the_answer_leaves_where_the_question_came_in,
		meet_is_said_again_to_who_answers_but_never_calls, ticks_are_exact_when_asked_for);
}
