/* tests/unit/cluster/test_election.c - when a replica bids, and which votes it counts (spec A26 to A31, A33, A34). */
#include "tests/unit/runner.h"

#include "cluster/ballot.h"
#include "cluster/election.h"
#include "tests/unit/cluster/hand_ask.h"

struct bid { /* we replicate b, which failed; c, d, e vote */
	struct hand *h;
	uint32_t b, c, d, e;
};

static struct bid
bid_new(void)
{
	struct bid b = {.h = hand_new()};
	b.b = hand_primary(b.h, 'b', 0, 99);
	b.c = hand_primary(b.h, 'c', 100, 199);
	b.d = hand_primary(b.h, 'd', 200, 299);
	b.e = hand_primary(b.h, 'e', 300, 399);
	hand_replica(b.h, 'm', b.b);
	hand_settle(b.h);
	return b;
}

static void
fail_primary(struct bid *b)
{
	hand_frame(b->h, BUS_FAIL, b->c);
	b->h->msg.failed = b->h->c->nodes[b->b].id;
	hand_deliver(b->h, b->c);
}

/* Until the request leaves. */
static void
ask_now(struct bid *b)
{
	fail_primary(b);
	hand_saved(b->h);
	for (unsigned i = 0; i < 100 && b->h->c->election.state != ELECTION_ASKING; i++)
		hand_tick(b->h, 100);
	ck_assert_int_eq(b->h->c->election.state, ELECTION_ASKING);
}

static enum vote_ignored
vote(struct bid *b, uint32_t voter, uint64_t epoch)
{
	hand_frame(b->h, BUS_AUTH_ACK, voter)->current_epoch = epoch;
	hand_deliver(b->h, voter);
	const struct effect *ignored = hand_traced(b->h, TRACE_VOTE_IGNORED);
	ck_assert((ignored == NULL) == (hand_traced(b->h, TRACE_VOTE_RECEIVED) != NULL));
	return ignored == NULL ? VOTE_COUNTED : (enum vote_ignored)ignored->number;
}

START_TEST(a_bid_waits_half_a_second_and_some_chance)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct bid b = bid_new();
		prng_seed(&b.h->c->prng, seed);
		fail_primary(&b);
		uint64_t delay = hand_traced(b.h, TRACE_ELECTION_WAITING)->number;
		ck_assert_uint_ge(delay, ELECTION_DELAY_MS);
		ck_assert_uint_lt(delay, ELECTION_DELAY_MS + ELECTION_JITTER_MS);
		b.h->facts.now_ms += delay - 1;
		hand_tick(b.h, 0);
		ck_assert_ptr_null(hand_sent(b.h, BUS_AUTH_REQUEST));
		hand_tick(b.h, 1);
		ck_assert_uint_eq(hand_sent_count(b.h, BUS_AUTH_REQUEST),
				  4); /* to all, the failed one too */
		hand_free(b.h);
	}
}
END_TEST

START_TEST(the_request_shows_the_primarys_claim_and_waits_for_its_epoch)
{
	struct bid b = bid_new();
	uint64_t epoch = b.h->c->live.current_epoch;
	ask_now(&b);
	const struct effect *request = hand_sent(b.h, BUS_AUTH_REQUEST);
	const struct bus_head *head = &request->msg->head;
	ck_assert_uint_eq(head->current_epoch, epoch + 1);
	ck_assert_uint_eq(head->config_epoch, 'b');
	ck_assert(slot_bitmap_has(&head->slots, 0) && slot_bitmap_has(&head->slots, 99));
	ck_assert_mem_eq(head->replica_of.bytes, b.h->c->nodes[b.b].id.bytes, NODE_ID_LEN);
	ck_assert_uint_eq(head->message_flags & BUS_FORCE_ACK, 0);
	ck_assert_uint_eq(request->after, hand_find(b.h, EFFECT_PERSIST, 0)->number);
	ck_assert_uint_eq(b.h->c->flying.current_epoch, epoch + 1);
	hand_free(b.h);
}
END_TEST

START_TEST(a_majority_of_distinct_voters_wins)
{
	struct bid b = bid_new();
	ask_now(&b);
	hand_saved(b.h);
	uint64_t epoch = b.h->c->election.epoch;
	ck_assert_int_eq(vote(&b, b.c, epoch), VOTE_COUNTED);
	ck_assert_int_eq(vote(&b, b.c, epoch), VOTE_REPEATED);
	ck_assert_int_eq(vote(&b, b.d, epoch - 1), VOTE_OTHER_EPOCH);
	ck_assert_int_eq(vote(&b, b.d, epoch + 1), VOTE_OTHER_EPOCH);
	ck_assert_int_eq(vote(&b, b.d, b.h->c->election.epoch), VOTE_COUNTED);
	ck_assert_ptr_null(hand_traced(b.h, TRACE_WON)); /* 2 of 4 */
	ck_assert_int_eq(vote(&b, b.e, epoch), VOTE_COUNTED);
	ck_assert_uint_eq(hand_traced(b.h, TRACE_WON)->number, epoch);
	ck_assert_int_eq(vote(&b, b.e, epoch), VOTE_NOT_ASKING);
	hand_free(b.h);
}
END_TEST

START_TEST(only_primaries_with_slots_count)
{
	struct bid b = bid_new();
	uint32_t empty = hand_add(b.h, 'f', NODE_PRIMARY), r = hand_replica(b.h, 'r', b.c);
	ask_now(&b);
	ck_assert_int_eq(vote(&b, empty, b.h->c->election.epoch), VOTE_NOT_A_VOTER);
	ck_assert_int_eq(vote(&b, r, b.h->c->election.epoch), VOTE_NOT_A_VOTER);
	hand_free(b.h);
}
END_TEST

START_TEST(a_full_set_takes_no_vote)
{
	struct bid b = bid_new();
	ask_now(&b);
	struct voter_set *votes = &b.h->c->election.votes;
	struct cluster_event none = {.kind = CLUSTER_LINK_ACCEPTED, .link = 1};
	votes->count = VOTERS_MAX;
	for (uint32_t i = 0; i < VOTERS_MAX; i++)
		votes->voters[i] = 100000 + i;
	struct bus_head head = {.current_epoch = b.h->c->election.epoch};
	step_begin(b.h->c, &b.h->facts, b.h->out);
	ck_assert_int_eq(election_on_vote(b.h->c, b.c, &head, b.h->out), VOTE_SET_FULL);
	votes->count = 0;
	step_end(b.h->c, b.h->out);
	hand_step(b.h, &none);
	hand_free(b.h);
}
END_TEST

START_TEST(what_a_win_reveals_waits_for_it)
{
	struct bid b = bid_new();
	ask_now(&b);
	hand_saved(b.h);
	uint64_t epoch = b.h->c->election.epoch;
	vote(&b, b.c, epoch);
	vote(&b, b.d, epoch);
	vote(&b, b.e, epoch);
	uint64_t number = hand_find(b.h, EFFECT_PERSIST, 0)->number;
	ck_assert_uint_eq(hand_find(b.h, EFFECT_NEW_HISTORY, 0)->after, number);
	ck_assert_uint_eq(hand_find(b.h, EFFECT_ROLE, 0)->after, number);
	ck_assert_uint_eq(hand_find(b.h, EFFECT_ROLE, 0)->node, NODE_NONE);
	const struct effect *pong = hand_sent(b.h, BUS_PONG);
	ck_assert_uint_eq(hand_sent_count(b.h, BUS_PONG), 4);
	ck_assert_uint_eq(pong->after, number);
	ck_assert_uint_eq(pong->msg->head.config_epoch, epoch);
	ck_assert(node_id_is_nobody(&pong->msg->head.replica_of));
	ck_assert(slot_bitmap_has(&pong->msg->head.slots, 0));
	/* Not served, and not shown to who asks, before it is on disk. */
	ck_assert(!slots_served_here(b.h->c, 0));
	hand_frame(b.h, BUS_PING, b.c);
	hand_deliver(b.h, b.c);
	pong = hand_sent(b.h, BUS_PONG);
	ck_assert_uint_eq(pong->after, 0);
	ck_assert(!node_id_is_nobody(&pong->msg->head.replica_of));
	ck_assert_uint_eq(pong->msg->head.config_epoch, 'b');
	hand_step(b.h, &(struct cluster_event){.kind = CLUSTER_PERSISTED, .number = number});
	ck_assert(slots_served_here(b.h->c, 0));
	ck_assert_uint_eq(hand_count(b.h, EFFECT_SLOTS), 1);
	hand_free(b.h);
}
END_TEST

START_TEST(rank_is_by_offset_then_by_id)
{
	static const struct {
		char id;
		uint64_t offset;
		uint16_t flags;
		uint32_t rank;
	} cases[] = {
		{'r', 99,  0,               0},
		{'r', 100, 0,               0},
		{'a', 100, 0,               1},
		{'r', 101, 0,               1},
		{'r', 101, NODE_NOFAILOVER, 0},
		{'a', 99,  0,               0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bid b = bid_new();
		uint32_t r = hand_replica(b.h, cases[i].id, b.b);
		b.h->c->nodes[r].offset = cases[i].offset;
		b.h->c->nodes[r].flags |= cases[i].flags;
		hand_settle(b.h);
		fail_primary(&b);
		ck_assert_uint_eq(b.h->c->election.rank, cases[i].rank);
		uint64_t delay = hand_traced(b.h, TRACE_ELECTION_WAITING)->number;
		ck_assert_uint_ge(delay, ELECTION_DELAY_MS + cases[i].rank * ELECTION_RANK_MS);
		ck_assert_uint_lt(delay, ELECTION_DELAY_MS + ELECTION_JITTER_MS +
						 cases[i].rank * ELECTION_RANK_MS);
		hand_free(b.h);
	}
}
END_TEST

START_TEST(the_delay_follows_the_rank_both_ways)
{
	struct bid b = bid_new();
	uint32_t r = hand_replica(b.h, 'r', b.b);
	hand_settle(b.h);
	fail_primary(&b);
	uint64_t at = b.h->c->election.start_at_ms;
	b.h->c->nodes[r].offset = 101;
	hand_tick(b.h, 100);
	ck_assert_uint_eq(b.h->c->election.start_at_ms, at + ELECTION_RANK_MS);
	b.h->facts.offset = 102;
	hand_tick(b.h, 100);
	ck_assert_uint_eq(b.h->c->election.start_at_ms, at);
	hand_free(b.h);
}
END_TEST

START_TEST(a_failed_replica_is_no_rival)
{
	struct bid b = bid_new();
	uint32_t r = hand_replica(b.h, 'r', b.b);
	b.h->c->nodes[r].offset = 101;
	failure_set_flags(b.h->c, r, NODE_FAIL);
	hand_settle(b.h);
	ck_assert_uint_eq(election_rank(b.h->c), 0);
	hand_free(b.h);
}
END_TEST

START_TEST(failed_shards_of_smaller_id_go_first_on_demand)
{
	struct bid b = bid_new();
	uint32_t a = hand_primary(b.h, 'a', 400, 499);
	hand_replica(b.h, 's', a);
	hand_settle(b.h);
	hand_tick(b.h, 1); /* counts replicas */
	failure_set_flags(b.h->c, a, NODE_FAIL);
	cluster_config(b.h->c)->failed_primary_rank = true;
	fail_primary(&b);
	ck_assert_uint_eq(b.h->c->election.shard_rank, 1);
	ck_assert_uint_ge(hand_traced(b.h, TRACE_ELECTION_WAITING)->number,
			  ELECTION_DELAY_MS + ELECTION_SHARD_RANK_MS);
	b.h->c->nodes[a].fail_ms =
		b.h->facts.now_ms - 10 * HAND_T - 1; /* long gone: no longer waited for */
	ck_assert_uint_eq(election_shard_rank(b.h->c), 0);
	hand_free(b.h);
}
END_TEST

START_TEST(every_reason_not_to_bid)
{
	struct bid b = bid_new();
	struct cluster *c = b.h->c;
	fail_primary(&b);
	c->facts = &b.h->facts;
	ck_assert_int_eq(election_decide(c, false), ELECTION_ALLOWED);
	b.h->facts.data_alive = false;
	ck_assert_int_eq(election_decide(c, false), ELECTION_DATA_STALLED);
	ck_assert_int_eq(election_decide(c, true), ELECTION_DATA_STALLED);
	b.h->facts.data_alive = true;
	b.h->facts.offset = 0;
	ck_assert_int_eq(election_decide(c, false), ELECTION_NEVER_SYNCED);
	ck_assert_int_eq(election_decide(c, true), ELECTION_ALLOWED);
	b.h->facts.offset = 100;
	c->config.replica_no_failover = true;
	ck_assert_int_eq(election_decide(c, false), ELECTION_SWITCHED_OFF);
	ck_assert_int_eq(election_decide(c, true), ELECTION_ALLOWED);
	c->config.replica_no_failover = false;
	c->nodes[b.b].flags &= (uint16_t)~NODE_FAIL;
	ck_assert_int_eq(election_decide(c, false), ELECTION_PRIMARY_ALIVE);
	ck_assert_int_eq(election_decide(c, true), ELECTION_ALLOWED);
	c->facts = NULL;
	for (unsigned slot = 0; slot < 100; slot++)
		view_set_owner(c, (uint16_t)slot, NODE_NONE);
	ck_assert_int_eq(election_decide(c, true), ELECTION_PRIMARY_EMPTY);
	view_set_role(c, 0, true, NODE_NONE);
	ck_assert_int_eq(election_decide(c, true), ELECTION_PRIMARY_UNKNOWN);
	view_set_role(c, 0, false, NODE_NONE);
	ck_assert_int_eq(election_decide(c, true), ELECTION_NOT_A_REPLICA);
	hand_free(b.h);
}
END_TEST

START_TEST(data_older_than_the_factor_allows_is_not_offered)
{
	/* T 1 s is forgiven; then repl-ping-replica-period 10 s + 10 x T. */
	static const struct {
		uint64_t age_ms;
		uint32_t factor;
		enum election_refusal refusal;
	} cases[] = {
		{0,      10, ELECTION_ALLOWED     },
                {21000,  10, ELECTION_ALLOWED     },
		{21001,  10, ELECTION_DATA_TOO_OLD},
                {12000,  1,  ELECTION_ALLOWED     },
		{12001,  1,  ELECTION_DATA_TOO_OLD},
                {900000, 0,  ELECTION_ALLOWED     },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bid b = bid_new();
		fail_primary(&b);
		b.h->facts.now_ms = b.h->c->now_ms = 2000000;
		b.h->facts.primary_link_up = false;
		b.h->facts.primary_link_ms = b.h->facts.now_ms - cases[i].age_ms;
		b.h->c->config.replica_validity_factor = cases[i].factor;
		b.h->c->facts = &b.h->facts;
		ck_assert_int_eq(election_decide(b.h->c, false), cases[i].refusal);
		b.h->c->facts = NULL;
		hand_free(b.h);
	}
}
END_TEST

START_TEST(a_refusal_is_told_once)
{
	struct bid b = bid_new();
	b.h->facts.offset = 0;
	fail_primary(&b);
	ck_assert_uint_eq(hand_traced(b.h, TRACE_ELECTION_REFUSED)->number, ELECTION_NEVER_SYNCED);
	hand_tick(b.h, 100);
	ck_assert_ptr_null(hand_traced(b.h, TRACE_ELECTION_REFUSED));
	b.h->facts.offset = 100;
	hand_tick(b.h, 100);
	ck_assert_ptr_nonnull(hand_traced(b.h, TRACE_ELECTION_WAITING));
	hand_free(b.h);
}
END_TEST

START_TEST(an_attempt_expires_and_the_next_waits_for_twice_as_long)
{
	struct bid b = bid_new();
	ask_now(&b);
	uint64_t start = b.h->c->election.start_at_ms, epoch = b.h->c->election.epoch;
	ck_assert_uint_eq(election_timeout_ms(b.h->c), 2000);
	hand_tick(b.h, start + 2000 - b.h->facts.now_ms);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_ASKING);
	hand_tick(b.h, 1);
	ck_assert_uint_eq(hand_traced(b.h, TRACE_ELECTION_EXPIRED)->number, epoch);
	ck_assert_int_eq(vote(&b, b.c, epoch), VOTE_NOT_ASKING);
	hand_tick(b.h, start + 4000 - b.h->facts.now_ms);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_IDLE);
	hand_tick(b.h, 1);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_WAITING);
	hand_free(b.h);
}
END_TEST

START_TEST(a_voter_that_could_not_be_reached_is_asked_when_it_can)
{
	struct bid b = bid_new();
	b.h->c->nodes[b.d].out_up = false;
	ask_now(&b);
	ck_assert_uint_eq(hand_sent_count(b.h, BUS_AUTH_REQUEST), 3);
	struct cluster_event up = {.kind = CLUSTER_LINK_UP, .link = b.h->c->nodes[b.d].out};
	hand_step(b.h, &up);
	const struct effect *request = hand_sent(b.h, BUS_AUTH_REQUEST);
	ck_assert_uint_eq(request->link, up.link);
	ck_assert_uint_eq(request->after,
			  b.h->c->flying_number); /* still before the epoch is on disk */
	ck_assert_uint_eq(request->msg->head.current_epoch, b.h->c->election.epoch);
	hand_free(b.h);
}
END_TEST

START_TEST(timeouts_grow_with_the_node_timeout)
{
	struct bid b = bid_new();
	b.h->c->config.node_timeout_ms = 1001;
	ck_assert_uint_eq(election_timeout_ms(b.h->c), 2002);
	ck_assert_uint_eq(election_retry_ms(b.h->c), 4004);
	b.h->c->config.fast_election = true;
	ck_assert_uint_eq(election_retry_ms(b.h->c), 2002);
	b.h->c->config.node_timeout_ms = 200;
	ck_assert_uint_eq(election_retry_ms(b.h->c), ELECTION_FAST_TIMEOUT_MS);
	hand_free(b.h);
}
END_TEST

START_TEST(a_primary_that_returns_ends_the_bid)
{
	struct bid b = bid_new();
	fail_primary(&b);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_WAITING);
	b.h->c->nodes[b.b].flags &= (uint16_t)~NODE_FAIL;
	hand_tick(b.h, 100);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_IDLE);
	ck_assert_uint_eq(b.h->c->election.start_at_ms, 0);
	hand_free(b.h);
}
END_TEST

START_TEST(an_epoch_that_another_won_is_asked_for_anew_at_once)
{
	struct bid b = bid_new();
	ask_now(&b);
	hand_saved(b.h);
	uint64_t epoch = b.h->c->election.epoch;
	struct bus_head *head = hand_frame(b.h, BUS_PONG, b.e);
	head->current_epoch = head->config_epoch = epoch;
	hand_deliver(b.h, b.e);
	ck_assert_int_eq(b.h->c->election.state, ELECTION_WAITING);
	hand_free(b.h);
}
END_TEST

START_TEST(an_epoch_that_update_shows_as_won_ends_the_bid_too)
{
	struct bid b = bid_new();
	ask_now(&b);
	uint64_t epoch = b.h->c->election.epoch;
	hand_frame(b.h, BUS_UPDATE, b.c);
	b.h->msg.update = (struct bus_update){.id = b.h->c->nodes[b.e].id, .config_epoch = epoch};
	hand_deliver(b.h, b.c);
	ck_assert_int_ne(b.h->c->election.state, ELECTION_ASKING);
	ck_assert_int_eq(vote(&b, b.c, epoch), VOTE_NOT_ASKING);
	hand_free(b.h);
}
END_TEST

/* n5 won epoch 5, then got n7's request for 5 from the other side of a partition, and made its majority (a seed of tests/sim). */
START_TEST(the_winner_of_an_epoch_has_no_vote_left_in_it)
{
	struct bid b = bid_new();
	uint32_t r = hand_replica(b.h, 'r', b.c);
	ask_now(&b);
	hand_saved(b.h);
	uint64_t epoch = b.h->c->election.epoch;
	ck_assert_uint_eq(b.h->c->durable.last_vote_epoch,
			  epoch); /* on disk before the request leaves */
	vote(&b, b.c, epoch);
	vote(&b, b.d, epoch);
	vote(&b, b.e, epoch);
	ck_assert(node_is_primary(&b.h->c->nodes[0]));
	failure_set_flags(b.h->c, b.c, NODE_FAIL);
	hand_frame(b.h, BUS_AUTH_REQUEST, r)->current_epoch = epoch;
	hand_deliver(b.h, r);
	ck_assert_ptr_null(hand_sent(b.h, BUS_AUTH_ACK));
	ck_assert_uint_eq(hand_traced(b.h, TRACE_BALLOT_REFUSED)->number, BALLOT_ALREADY_VOTED);
	hand_free(b.h);
}
END_TEST

START_TEST(with_fast_election_the_best_asks_in_the_same_step)
{
	struct bid b = bid_new();
	b.h->c->config.fast_election = true;
	fail_primary(&b);
	ck_assert_uint_eq(hand_sent_count(b.h, BUS_AUTH_REQUEST), 4);
	hand_free(b.h);
	b = bid_new();
	uint32_t r = hand_replica(b.h, 'a', b.b);
	hand_settle(b.h);
	(void)r;
	b.h->c->config.fast_election = true;
	fail_primary(&b);
	ck_assert_ptr_null(hand_sent(b.h, BUS_AUTH_REQUEST));
	ck_assert_uint_eq(cluster_next_at(b.h->c), b.h->facts.now_ms + ELECTION_FAST_RANK_MS);
	hand_tick(b.h, ELECTION_FAST_RANK_MS);
	ck_assert_uint_gt(hand_sent_count(b.h, BUS_AUTH_REQUEST), 0);
	hand_free(b.h);
}
END_TEST

START_TEST(every_word_has_a_name)
{
	for (unsigned i = 0; i < ELECTION_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(election_refusal_name((enum election_refusal)i));
	for (unsigned i = 0; i < VOTE_IGNORED_COUNT; i++)
		ck_assert_ptr_nonnull(vote_ignored_name((enum vote_ignored)i));
}
END_TEST

int
main(void)
{
	return RUN_CASES("election", a_bid_waits_half_a_second_and_some_chance,
			 the_request_shows_the_primarys_claim_and_waits_for_its_epoch,
			 a_majority_of_distinct_voters_wins, only_primaries_with_slots_count,
			 a_full_set_takes_no_vote, what_a_win_reveals_waits_for_it,
			 rank_is_by_offset_then_by_id, the_delay_follows_the_rank_both_ways,
			 a_failed_replica_is_no_rival,
			 failed_shards_of_smaller_id_go_first_on_demand, every_reason_not_to_bid,
			 data_older_than_the_factor_allows_is_not_offered, a_refusal_is_told_once,
			 an_attempt_expires_and_the_next_waits_for_twice_as_long,
			 timeouts_grow_with_the_node_timeout,
			 a_voter_that_could_not_be_reached_is_asked_when_it_can,
			 a_primary_that_returns_ends_the_bid,
			 an_epoch_that_another_won_is_asked_for_anew_at_once,
			 with_fast_election_the_best_asks_in_the_same_step,
			 an_epoch_that_update_shows_as_won_ends_the_bid_too,
			 the_winner_of_an_epoch_has_no_vote_left_in_it, every_word_has_a_name);
}
