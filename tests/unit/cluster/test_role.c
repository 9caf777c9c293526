/* tests/unit/cluster/test_role.c - roles of others by their headers, our own by decision; epochs (spec A18, A19, A23 to A25, A42). */
#include "tests/unit/runner.h"

#include "cluster/epoch.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "tests/unit/cluster/hand_ask.h"

struct cast {
	struct hand *h;
	uint32_t b, c, r; /* r replicates b */
};

static struct cast
cast_new(void)
{
	struct cast k = {.h = hand_new()};
	hand_primary(k.h, 'm', 0, 9);
	k.b = hand_primary(k.h, 'b', 10, 19);
	k.c = hand_primary(k.h, 'c', 20, 29);
	k.r = hand_replica(k.h, 'r', k.b);
	hand_settle(k.h);
	return k;
}

START_TEST(replica_of_makes_the_role_whatever_the_flags)
{
	struct cast k = cast_new();
	struct bus_head *head = hand_frame(k.h, BUS_PING, k.r);
	head->flags = NODE_PRIMARY;
	hand_deliver(k.h, k.r);
	ck_assert(hand_flagged(k.h, k.r, NODE_REPLICA));
	head = hand_frame(k.h, BUS_PING, k.r);
	head->replica_of = k.h->c->nodes[k.c].id;
	head->config_epoch = 'c';
	head->slots = k.h->c->nodes[k.c].slots;
	hand_deliver(k.h, k.r);
	ck_assert_uint_eq(k.h->c->nodes[k.r].primary, k.c);
	hand_free(k.h);
}
END_TEST

START_TEST(a_replica_that_leads_is_a_primary_with_what_it_claims)
{
	struct cast k = cast_new();
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.r);
	head->replica_of = (struct node_id){{0}};
	head->config_epoch = head->current_epoch = 'z';
	hand_deliver(k.h, k.r);
	ck_assert(hand_flagged(k.h, k.r, NODE_PRIMARY) && hand_flagged(k.h, k.r, NODE_MIGRATE_TO));
	ck_assert_uint_eq(k.h->c->owner[10], k.r);
	ck_assert_uint_eq(k.h->c->nodes[k.b].slot_count, 0);
	ck_assert_uint_eq(hand_traced(k.h, TRACE_ROLE_CHANGED)->node, k.r);
	hand_free(k.h);
}
END_TEST

START_TEST(a_primary_that_follows_in_its_shard_hands_its_slots_over)
{
	struct cast k = cast_new();
	struct bus_head *head =
		hand_frame(k.h, BUS_PONG, k.b); /* r won; we have not heard of it yet */
	head->replica_of = k.h->c->nodes[k.r].id;
	head->config_epoch = head->current_epoch = 'z';
	slot_bitmap_set(&head->slots, 19, false);
	hand_deliver(k.h, k.b);
	ck_assert(hand_flagged(k.h, k.b, NODE_REPLICA) && !hand_flagged(k.h, k.b, NODE_MIGRATE_TO));
	ck_assert_uint_eq(k.h->c->nodes[k.b].primary, k.r);
	ck_assert_uint_eq(k.h->c->owner[10], k.r);
	ck_assert_uint_eq(k.h->c->owner[19], NODE_NONE); /* r does not claim it */
	ck_assert_uint_eq(k.h->c->nodes[k.r].config_epoch, 'z');
	hand_free(k.h);
}
END_TEST

START_TEST(a_primary_that_leaves_its_shard_leaves_its_slots)
{
	struct cast k = cast_new();
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.b);
	head->replica_of = k.h->c->nodes[k.c].id;
	head->config_epoch = 'c';
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->nodes[k.b].primary, k.c);
	ck_assert_uint_eq(k.h->c->owner[10], NODE_NONE);
	hand_free(k.h);
}
END_TEST

START_TEST(a_header_of_yesterday_changes_no_role)
{
	struct cast k = cast_new();
	/* c claims to follow b with an epoch that b has left behind. */
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.c);
	head->replica_of = k.h->c->nodes[k.b].id;
	head->config_epoch = 'b' - 1;
	hand_deliver(k.h, k.c);
	ck_assert(hand_flagged(k.h, k.c, NODE_PRIMARY));
	/* r was a primary of epoch 'y' once: its old claim is older than that. */
	k.h->c->nodes[k.r].config_epoch = 'y';
	k.h->c->live.current_epoch = 'z';
	persist_want(k.h->c);
	head = hand_frame(k.h, BUS_PONG, k.r);
	head->replica_of = (struct node_id){{0}};
	head->config_epoch = 'x';
	hand_deliver(k.h, k.r);
	ck_assert(hand_flagged(k.h, k.r, NODE_REPLICA));
	/* Without a claim it is believed: a replica that was reset. */
	head->slots = (struct slot_bitmap){{0}};
	hand_deliver(k.h, k.r);
	ck_assert(hand_flagged(k.h, k.r, NODE_PRIMARY));
	hand_free(k.h);
}
END_TEST

START_TEST(a_replica_of_a_stranger_has_an_unknown_primary)
{
	struct cast k = cast_new();
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.c);
	head->replica_of = hand_id('z');
	hand_deliver(k.h, k.c);
	ck_assert(hand_flagged(k.h, k.c, NODE_REPLICA));
	ck_assert_uint_eq(k.h->c->nodes[k.c].primary, NODE_NONE);
	ck_assert_uint_eq(k.h->c->owner[20], NODE_NONE);
	hand_free(k.h);
}
END_TEST

START_TEST(a_node_without_role_learns_it)
{
	for (unsigned replica = 0; replica < 2; replica++) {
		struct cast k = cast_new();
		uint32_t n = hand_add(k.h, 'n', 0);
		struct bus_head *head = hand_frame(k.h, BUS_PONG, n);
		if (replica)
			head->replica_of = k.h->c->nodes[k.b].id;
		hand_deliver(k.h, n);
		ck_assert(hand_flagged(k.h, n, replica ? NODE_REPLICA : NODE_PRIMARY));
		hand_free(k.h);
	}
}
END_TEST

START_TEST(a_chain_is_followed_to_its_head)
{
	struct cast k = cast_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(k.h->c, (uint16_t)slot, NODE_NONE);
	hand_replica(k.h, 'm', k.b);
	hand_settle(k.h);
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.b);
	head->replica_of = k.h->c->nodes[k.c].id;
	head->config_epoch = 'c';
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->nodes[0].primary, k.c);
	ck_assert_uint_eq(hand_find(k.h, EFFECT_ROLE, 0)->node, k.c);
	hand_free(k.h);
}
END_TEST

START_TEST(nobody_follows_itself_round_a_chain)
{
	struct cast k = cast_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(k.h->c, (uint16_t)slot, NODE_NONE);
	hand_replica(k.h, 'm', k.b);
	struct bus_head *head = hand_frame(k.h, BUS_PONG, k.b);
	head->replica_of = k.h->c->nodes[0].id;
	head->config_epoch = head->current_epoch = 'z';
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->nodes[0].primary, k.b);
	ck_assert_uint_eq(k.h->c->nodes[k.b].primary, 0);
	hand_free(k.h);
}
END_TEST

START_TEST(replicate_is_refused_for_a_reason)
{
	struct cast k = cast_new();
	uint32_t shaking = hand_add(k.h, 's', NODE_HANDSHAKE);
	step_begin(k.h->c, &k.h->facts, k.h->out);
	ck_assert_int_eq(role_replicate(k.h->c, NODE_NONE, k.h->out), REPLICATE_UNKNOWN_NODE);
	ck_assert_int_eq(role_replicate(k.h->c, shaking, k.h->out), REPLICATE_UNKNOWN_NODE);
	ck_assert_int_eq(role_replicate(k.h->c, 0, k.h->out), REPLICATE_MYSELF);
	ck_assert_int_eq(role_replicate(k.h->c, k.r, k.h->out), REPLICATE_A_REPLICA);
	ck_assert_int_eq(role_replicate(k.h->c, k.b, k.h->out), REPLICATE_NOT_EMPTY);
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(k.h->c, (uint16_t)slot, NODE_NONE);
	k.h->keys[12345] = 1;
	ck_assert_int_eq(role_replicate(k.h->c, k.b, k.h->out), REPLICATE_NOT_EMPTY);
	k.h->keys[12345] = 0;
	ck_assert_int_eq(role_replicate(k.h->c, k.b, k.h->out), REPLICATE_ALLOWED);
	k.h->keys[12345] = 1; /* a replica may have keys */
	ck_assert_int_eq(role_replicate(k.h->c, k.c, k.h->out), REPLICATE_ALLOWED);
	step_end(k.h->c, k.h->out);
	ck_assert_uint_eq(k.h->c->nodes[0].primary, k.c);
	/* H2, Valkey 8.1: everybody is told, when it is on disk. */
	ck_assert_uint_eq(hand_sent(k.h, BUS_PONG)->after,
			  hand_find(k.h, EFFECT_PERSIST, 0)->number);
	for (unsigned i = 0; i < REPLICATE_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(replicate_refusal_name((enum replicate_refusal)i));
	hand_free(k.h);
}
END_TEST

START_TEST(a_replica_says_its_primarys_shard_id)
{
	struct cast k = cast_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(k.h->c, (uint16_t)slot, NODE_NONE);
	k.h->c->nodes[k.b].shard_id =
		(struct node_id){{0}}; /* Redis 7.0 has none: one is made up */
	step_begin(k.h->c, &k.h->facts, k.h->out);
	role_follow(k.h->c, k.b, k.h->out);
	step_end(k.h->c, k.h->out);
	ck_assert(!node_id_is_nobody(&k.h->c->nodes[0].shard_id));
	ck_assert(node_id_equal(&k.h->c->nodes[0].shard_id, &k.h->c->nodes[k.b].shard_id));
	hand_frame(k.h, BUS_PING, k.b)->message_flags = BUS_EXT_DATA;
	k.h->msg.ping.extensions = BUS_EXT_SHARD_ID;
	k.h->msg.ping.shard_id = hand_id('7');
	hand_deliver(k.h, k.b);
	ck_assert_mem_eq(k.h->c->nodes[0].shard_id.bytes, hand_id('7').bytes, NODE_ID_LEN);
	hand_free(k.h);
}
END_TEST

START_TEST(epochs_are_heard_and_saved)
{
	struct cast k = cast_new();
	struct bus_head *head = hand_frame(k.h, BUS_PING, k.b);
	head->current_epoch = 1000;
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->live.current_epoch, 1000);
	ck_assert_uint_eq(hand_count(k.h, EFFECT_PERSIST), 1);
	ck_assert_uint_lt(hand_sent(k.h, BUS_PONG)->msg->head.current_epoch,
			  1000); /* not yet on disk: not shown */
	hand_saved(k.h);
	head->current_epoch = 3; /* nor does it ever fall */
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->live.current_epoch, 1000);
	ck_assert_uint_eq(hand_sent(k.h, BUS_PONG)->msg->head.current_epoch, 1000);
	head->config_epoch = 2000; /* V4, even of a peer whose current epoch is behind */
	hand_deliver(k.h, k.b);
	ck_assert_uint_eq(k.h->c->live.current_epoch, 2000);
	ck_assert_uint_eq(k.h->c->nodes[k.b].config_epoch, 2000);
	hand_frame(k.h, BUS_PING, k.r)->config_epoch = 3000; /* a replica's is its primary's */
	hand_deliver(k.h, k.r);
	ck_assert_uint_eq(k.h->c->nodes[k.r].config_epoch, 0);
	hand_free(k.h);
}
END_TEST

START_TEST(of_two_with_one_epoch_the_smaller_id_moves)
{
	static const struct {
		char id;
		bool moves;
	} cases[] = {
		{'n', true },
		{'l', false},
	};
	for (size_t i = 0; i < 2; i++) {
		struct cast k = cast_new();
		uint32_t n = hand_primary(k.h, cases[i].id, 50, 59);
		k.h->c->nodes[n].config_epoch = 'm';
		hand_settle(k.h);
		uint64_t current = k.h->c->live.current_epoch;
		hand_frame(k.h, BUS_PING, n);
		hand_deliver(k.h, n);
		ck_assert_uint_eq(k.h->c->nodes[0].config_epoch,
				  cases[i].moves ? current + 1 : 'm');
		ck_assert((hand_traced(k.h, TRACE_EPOCH_COLLISION) != NULL) == cases[i].moves);
		if (cases[i].moves)
			ck_assert_uint_eq(hand_find(k.h, EFFECT_PERSIST, 0)->number,
					  k.h->c->flying_number);
		hand_free(k.h);
	}
}
END_TEST

START_TEST(a_bump_is_needed_only_below_the_greatest)
{
	struct cast k = cast_new();
	step_begin(k.h->c, &k.h->facts, k.h->out);
	ck_assert(!epoch_bump(k.h->c, k.h->out)); /* ours is the greatest */
	k.h->c->live.current_epoch = 300;
	k.h->c->nodes[k.b].config_epoch = 300;
	ck_assert(epoch_bump(k.h->c, k.h->out));
	ck_assert_uint_eq(k.h->c->nodes[0].config_epoch, 301);
	ck_assert(!epoch_bump(k.h->c, k.h->out));
	step_end(k.h->c, k.h->out);
	ck_assert_uint_eq(hand_traced(k.h, TRACE_EPOCH_BUMP)->number, 301);
	hand_free(k.h);
}
END_TEST

START_TEST(set_config_epoch_is_for_new_nodes)
{
	struct cast k = cast_new();
	ck_assert_int_eq(epoch_set(k.h->c, 5), SET_EPOCH_KNOWS_NODES);
	hand_free(k.h);
	struct hand *h = hand_new();
	ck_assert_int_eq(epoch_set(h->c, EPOCH_MAX), SET_EPOCH_TOO_GREAT);
	ck_assert_int_eq(epoch_set(h->c, 5), SET_EPOCH_DONE);
	ck_assert_uint_eq(h->c->live.current_epoch, 5);
	ck_assert_int_eq(epoch_set(h->c, 6), SET_EPOCH_NOT_ZERO);
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"role", replica_of_makes_the_role_whatever_the_flags,
		a_replica_that_leads_is_a_primary_with_what_it_claims,
		a_primary_that_follows_in_its_shard_hands_its_slots_over,
		a_primary_that_leaves_its_shard_leaves_its_slots,
		a_header_of_yesterday_changes_no_role,
		a_replica_of_a_stranger_has_an_unknown_primary, a_node_without_role_learns_it,
		a_chain_is_followed_to_its_head, nobody_follows_itself_round_a_chain,
		replicate_is_refused_for_a_reason, a_replica_says_its_primarys_shard_id,
		epochs_are_heard_and_saved, of_two_with_one_epoch_the_smaller_id_moves,
		a_bump_is_needed_only_below_the_greatest, set_config_epoch_is_for_new_nodes);
}
