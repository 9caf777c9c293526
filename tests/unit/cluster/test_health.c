/* tests/unit/cluster/test_health.c - may we serve (spec A37, E2 9)? */
#include "tests/unit/runner.h"

#include "cluster/health.h"
#include "tests/unit/cluster/hand_ask.h"

/* All slots owned: a third each by us, b and c. */
static struct hand *
whole_new(void)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 5000);
	hand_primary(h, 'b', 5001, 10000);
	hand_primary(h, 'c', 10001, SLOT_COUNT - 1);
	hand_settle(h);
	hand_tick(h, 5000);
	for (uint32_t i = 1; i < 3; i++) {
		h->c->nodes[i].ping_sent_ms = 0;
		h->c->nodes[i].pong_received_ms = h->c->nodes[i].data_received_ms = h->facts.now_ms;
	}
	hand_tick(h, 100);
	return h;
}

START_TEST(every_reason_not_to_serve)
{
	struct hand *h = whole_new();
	struct cluster *c = h->c;
	c->now_ms = h->facts.now_ms;
	ck_assert(c->health.ok);
	ck_assert_int_eq(health_decide(c), HEALTH_OK);
	view_set_owner(c, 77, NODE_NONE);
	ck_assert_int_eq(health_decide(c), HEALTH_SLOT_UNOWNED);
	c->config.require_full_coverage = false;
	ck_assert_int_eq(health_decide(c), HEALTH_OK);
	failure_set_flags(c, 1, NODE_FAIL);
	ck_assert_int_eq(health_decide(c), HEALTH_OK);
	c->config.require_full_coverage = true;
	view_set_owner(c, 77, 0);
	ck_assert_int_eq(health_decide(c), HEALTH_OWNER_FAILED);
	c->config.require_full_coverage = false;
	failure_set_flags(c, 2, NODE_PFAIL); /* 1 of 3 in reach */
	ck_assert_int_eq(health_decide(c), HEALTH_MINORITY);
	for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++)
		ck_assert_ptr_nonnull(health_reason_name((enum health_reason)i));
	hand_free(h);
}
END_TEST

START_TEST(a_primary_waits_two_seconds_after_its_start)
{
	for (unsigned replica = 0; replica < 2; replica++) {
		struct hand *h = whole_new();
		struct cluster *c = h->c;
		for (unsigned slot = 0; replica && slot <= 5000; slot++)
			view_set_owner(c, (uint16_t)slot, 1);
		if (replica)
			hand_replica(h, 'm', 1);
		c->health = (struct health){.started_ms = c->now_ms - HEALTH_WRITABLE_MS + 1};
		ck_assert_int_eq(health_decide(c), replica ? HEALTH_OK : HEALTH_STARTING);
		c->health.started_ms--;
		ck_assert_int_eq(health_decide(c), HEALTH_OK);
		hand_free(h);
	}
}
END_TEST

START_TEST(a_primary_that_was_in_a_minority_waits_before_it_serves_again)
{
	static const struct {
		uint64_t timeout_ms, delay_ms;
	} cases[] = {
		{100,   500 },
                {500,   500 },
                {1000,  1000},
                {5000,  5000},
                {15000, 5000},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hand *h = whole_new();
		struct cluster *c = h->c;
		c->config.node_timeout_ms = cases[i].timeout_ms;
		ck_assert_uint_eq(health_rejoin_ms(c), cases[i].delay_ms);
		c->health.ok = false;
		c->health.minority_ms = c->now_ms - cases[i].delay_ms + 1;
		ck_assert_int_eq(health_decide(c), HEALTH_REJOINING);
		c->health.minority_ms--;
		ck_assert_int_eq(health_decide(c), HEALTH_OK);
		hand_free(h);
	}
}
END_TEST

START_TEST(a_change_is_told_and_published)
{
	struct hand *h = whole_new();
	failure_set_flags(h->c, 1, NODE_FAIL);
	hand_tick(h, 1);
	ck_assert_uint_eq(hand_traced(h, TRACE_STATE_FAIL)->number, HEALTH_OWNER_FAILED);
	ck_assert_uint_eq(hand_count(h, EFFECT_SLOTS), 1);
	hand_tick(h, 1);
	ck_assert_ptr_null(hand_traced(h, TRACE_STATE_FAIL));
	hand_frame(h, BUS_PONG, 2);
	hand_deliver(h, 2);
	h->c->nodes[1].flags &= (uint16_t)~NODE_FAIL;
	hand_tick(h, 1);
	ck_assert_ptr_nonnull(hand_traced(h, TRACE_STATE_OK)); /* it was no minority: no delay */
	hand_free(h);
}
END_TEST

START_TEST(a_fenced_primary_stops_before_its_peers_may_replace_it)
{
	struct hand *h = whole_new();
	struct cluster *c = h->c;
	c->config.self_fencing = true;
	uint64_t sent_ms = h->facts.now_ms - 10, lease_ms = HAND_T - HAND_T / 8;
	c->nodes[1].acked_ms = sent_ms;
	c->nodes[2].acked_ms = sent_ms - 100;
	c->nodes[1].ping_sent_ms = c->nodes[2].ping_sent_ms =
		h->facts.now_ms; /* nobody answers from here on */
	hand_tick(h, 0);
	ck_assert(c->health.ok);
	ck_assert_uint_eq(health_fence_at(c),
			  sent_ms + lease_ms); /* one of two is enough: 2 of 3 with us */
	h->facts.now_ms = sent_ms + lease_ms - 1;
	hand_tick(h, 0);
	ck_assert(c->health.ok);
	ck_assert_uint_eq(cluster_next_at(c), sent_ms + lease_ms);
	hand_tick(h, 1);
	ck_assert_uint_eq(hand_traced(h, TRACE_STATE_FAIL)->number, HEALTH_FENCED);
	ck_assert_uint_eq(c->pfail_count, 0); /* sooner than any suspicion */
	hand_frame(h, BUS_PONG, 1);
	hand_deliver(h, 1);
	hand_tick(h, 1);
	ck_assert_uint_eq(c->health.reason, HEALTH_REJOINING);
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES("health", every_reason_not_to_serve,
			 a_primary_waits_two_seconds_after_its_start,
			 a_primary_that_was_in_a_minority_waits_before_it_serves_again,
			 a_change_is_told_and_published,
			 a_fenced_primary_stops_before_its_peers_may_replace_it);
}
