/* tests/unit/cluster/test_ballot.c - every reason to refuse a vote, alone (spec A32). */
#include "tests/unit/runner.h"

#include "cluster/ballot.h"
#include "tests/unit/cluster/hand_ask.h"

struct polling { /* we vote; b has failed, r is its replica; c is another primary */
	struct hand *h;
	uint32_t b, c, r;
};

static struct polling
polling_new(void)
{
	struct polling p = {.h = hand_new()};
	hand_primary(p.h, 'm', 0, 9);
	p.b = hand_primary(p.h, 'b', 10, 19);
	p.c = hand_primary(p.h, 'c', 20, 29);
	p.r = hand_replica(p.h, 'r', p.b);
	failure_set_flags(p.h->c, p.b, NODE_FAIL);
	hand_settle(p.h);
	return p;
}

/* r asks for the next epoch. */
static struct bus_head *
polling_request(struct polling *p)
{
	struct bus_head *head = hand_frame(p->h, BUS_AUTH_REQUEST, p->r);
	head->current_epoch++;
	return head;
}

/* What became of the request in p->h->msg. */
static enum ballot
polling_answer(struct polling *p)
{
	hand_deliver(p->h, p->r);
	const struct effect *refused = hand_traced(p->h, TRACE_BALLOT_REFUSED);
	ck_assert((refused == NULL) == (hand_sent(p->h, BUS_AUTH_ACK) != NULL));
	return refused == NULL ? BALLOT_GRANTED : (enum ballot)refused->number;
}

START_TEST(a_vote_waits_for_the_save_that_holds_it)
{
	struct polling p = polling_new();
	uint64_t epoch = polling_request(&p)->current_epoch;
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	const struct effect *vote = hand_sent(p.h, BUS_AUTH_ACK),
			    *save = hand_find(p.h, EFFECT_PERSIST, 0);
	ck_assert_ptr_nonnull(save);
	ck_assert_uint_eq(vote->after, save->number);
	ck_assert_uint_eq(vote->link, p.h->c->nodes[p.r].out);
	ck_assert_uint_eq(vote->msg->head.current_epoch, epoch);
	ck_assert_uint_eq(p.h->c->flying.last_vote_epoch, epoch);
	ck_assert_uint_lt(p.h->c->durable.last_vote_epoch, epoch);
	hand_saved(p.h);
	ck_assert_uint_eq(p.h->c->durable.last_vote_epoch, epoch);
	hand_free(p.h);
}
END_TEST

START_TEST(a_vote_cast_while_a_save_flies_waits_for_the_next)
{
	struct polling p = polling_new();
	persist_want(p.h->c);
	hand_tick(p.h, 1);
	uint64_t flying = p.h->c->flying_number;
	ck_assert_uint_ne(flying, 0);
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	ck_assert_uint_eq(hand_sent(p.h, BUS_AUTH_ACK)->after, flying + 1);
	ck_assert_ptr_null(hand_find(p.h, EFFECT_PERSIST, 0)); /* cluster.h C4 */
	hand_step(p.h, &(struct cluster_event){.kind = CLUSTER_PERSISTED, .number = flying});
	ck_assert_uint_eq(hand_find(p.h, EFFECT_PERSIST, 0)->number, flying + 1);
	hand_free(p.h);
}
END_TEST

START_TEST(who_has_no_slot_or_is_a_replica_does_not_vote)
{
	struct polling p = polling_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(p.h->c, (uint16_t)slot, NODE_NONE);
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_NOT_A_VOTER);
	hand_replica(p.h, 'm', p.c);
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_NOT_A_VOTER);
	hand_free(p.h);
}
END_TEST

START_TEST(nobody_votes_in_the_first_two_seconds)
{
	struct polling p = polling_new();
	p.h->c->health.started_ms = p.h->facts.now_ms - BALLOT_RESTART_MS + 1;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_RESTARTING);
	p.h->c->health.started_ms = p.h->facts.now_ms - BALLOT_RESTART_MS;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	hand_free(p.h);
}
END_TEST

START_TEST(an_old_epoch_is_refused)
{
	struct polling p = polling_new();
	polling_request(&p)->current_epoch = p.h->c->live.current_epoch - 1;
	ck_assert_int_eq(polling_answer(&p), BALLOT_OLD_EPOCH);
	hand_free(p.h);
}
END_TEST

START_TEST(one_vote_per_epoch_whoever_asks)
{
	struct polling p = polling_new();
	uint32_t s = hand_replica(p.h, 's', p.c);
	failure_set_flags(p.h->c, p.c, NODE_FAIL);
	uint64_t epoch = polling_request(&p)->current_epoch;
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	hand_frame(p.h, BUS_AUTH_REQUEST, s)->current_epoch = epoch;
	hand_deliver(p.h, s);
	ck_assert_uint_eq(hand_traced(p.h, TRACE_BALLOT_REFUSED)->number, BALLOT_ALREADY_VOTED);
	/* For another primary in the next epoch there is a vote again. */
	hand_frame(p.h, BUS_AUTH_REQUEST, s)->current_epoch = epoch + 1;
	hand_deliver(p.h, s);
	ck_assert_ptr_nonnull(hand_sent(p.h, BUS_AUTH_ACK));
	hand_free(p.h);
}
END_TEST

START_TEST(a_primary_gets_no_vote)
{
	struct polling p = polling_new();
	struct bus_head *head = hand_frame(p.h, BUS_AUTH_REQUEST, p.c);
	head->current_epoch++;
	hand_deliver(p.h, p.c);
	ck_assert_uint_eq(hand_traced(p.h, TRACE_BALLOT_REFUSED)->number, BALLOT_NOT_A_REPLICA);
	hand_free(p.h);
}
END_TEST

START_TEST(a_replica_of_nobody_known_gets_no_vote)
{
	struct polling p = polling_new();
	view_set_role(p.h->c, p.r, true, NODE_NONE);
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_PRIMARY_UNKNOWN);
	hand_free(p.h);
}
END_TEST

START_TEST(a_living_primary_keeps_its_place_unless_forced)
{
	struct polling p = polling_new();
	p.h->c->nodes[p.b].flags &= (uint16_t)~NODE_FAIL;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_PRIMARY_ALIVE);
	polling_request(&p)->message_flags = BUS_FORCE_ACK;
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	hand_free(p.h);
}
END_TEST

START_TEST(the_replicas_of_one_primary_wait_twice_the_timeout_for_one_another)
{
	struct polling p = polling_new();
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	p.h->facts.now_ms += 2 * HAND_T - 1;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_TOO_SOON);
	p.h->facts.now_ms += 1;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	/* Valkey 8.1 has no such lock, nor have we among ourselves. */
	cluster_config(p.h->c)->fast_election = true;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	hand_free(p.h);
}
END_TEST

START_TEST(a_stale_claim_is_refused_and_corrected)
{
	struct polling p = polling_new();
	slot_bitmap_set(&polling_request(&p)->slots, 25, true); /* of c, whose epoch is greater */
	ck_assert_int_eq(polling_answer(&p), BALLOT_STALE_SLOTS);
	const struct effect *update = hand_sent(p.h, BUS_UPDATE);
	ck_assert_ptr_nonnull(update);
	ck_assert_mem_eq(update->msg->update.id.bytes, p.h->c->nodes[p.c].id.bytes, NODE_ID_LEN);
	/* As great as the claim is not greater; a slot its owner has let go is nobody's. */
	struct bus_head *head = polling_request(&p);
	slot_bitmap_set(&head->slots, 25, true);
	slot_bitmap_set(&p.h->c->not_claiming, 25, true);
	ck_assert_int_eq(polling_answer(&p), BALLOT_GRANTED);
	hand_free(p.h);
}
END_TEST

START_TEST(a_vote_that_cannot_be_sent_is_not_spent)
{
	struct polling p = polling_new();
	p.h->c->nodes[p.r].out_up = false;
	uint64_t before = p.h->c->live.last_vote_epoch;
	polling_request(&p);
	ck_assert_int_eq(polling_answer(&p), BALLOT_NO_LINK);
	ck_assert_uint_eq(p.h->c->live.last_vote_epoch, before);
	hand_free(p.h);
}
END_TEST

START_TEST(every_answer_has_a_name)
{
	for (unsigned i = 0; i < BALLOT_COUNT; i++)
		ck_assert_ptr_nonnull(ballot_name((enum ballot)i));
	ck_assert_str_eq(ballot_name(BALLOT_TOO_SOON), "too_soon");
}
END_TEST

int
main(void)
{
	return RUN_CASES("ballot", a_vote_waits_for_the_save_that_holds_it,
			 a_vote_cast_while_a_save_flies_waits_for_the_next,
			 who_has_no_slot_or_is_a_replica_does_not_vote,
			 nobody_votes_in_the_first_two_seconds, an_old_epoch_is_refused,
			 one_vote_per_epoch_whoever_asks, a_primary_gets_no_vote,
			 a_replica_of_nobody_known_gets_no_vote,
			 a_living_primary_keeps_its_place_unless_forced,
			 the_replicas_of_one_primary_wait_twice_the_timeout_for_one_another,
			 a_stale_claim_is_refused_and_corrected,
			 a_vote_that_cannot_be_sent_is_not_spent, every_answer_has_a_name);
}
