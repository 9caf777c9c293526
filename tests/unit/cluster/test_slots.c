/* tests/unit/cluster/test_slots.c - claims, UPDATE, keys that are left behind (spec A20 to A23). */
#include "tests/unit/runner.h"

#include "cluster/slots.h"
#include "tests/unit/cluster/hand_ask.h"

struct land { /* we own 0-9; b 10-19, c 20-29; b's epoch is the smallest, ours the greatest */
	struct hand *h;
	uint32_t b, c;
};

static struct land
land_new(void)
{
	struct land l = {.h = hand_new()};
	hand_primary(l.h, 'm', 0, 9);
	l.b = hand_primary(l.h, 'b', 10, 19);
	l.c = hand_primary(l.h, 'c', 20, 29);
	hand_settle(l.h);
	return l;
}

static struct bus_head *
claim(struct land *l, uint32_t node, unsigned slot, uint64_t epoch)
{
	struct bus_head *head = hand_frame(l->h, BUS_PING, node);
	slot_bitmap_set(&head->slots, slot, true);
	head->config_epoch = epoch;
	if (epoch > head->current_epoch)
		head->current_epoch = epoch;
	return head;
}

START_TEST(a_slot_of_nobody_goes_to_who_claims_it)
{
	struct land l = land_new();
	claim(&l, l.b, 100, 'b');
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(l.h->c->owner[100], l.b);
	ck_assert_uint_eq(hand_count(l.h, EFFECT_SLOTS), 1);
	ck_assert_uint_eq(hand_count(l.h, EFFECT_PERSIST), 1);
	hand_free(l.h);
}
END_TEST

START_TEST(the_greater_epoch_wins_an_equal_one_does_not)
{
	static const struct {
		uint64_t epoch;
		bool won;
	} cases[] = {
		{'b',     false},
		{'c',     false},
		{'c' + 1, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct land l = land_new();
		claim(&l, l.b, 25, cases[i].epoch);
		hand_deliver(l.h, l.b);
		ck_assert(l.h->c->owner[25] == (cases[i].won ? l.b : l.c));
		hand_free(l.h);
	}
}
END_TEST

START_TEST(a_stale_claim_is_answered_by_update)
{
	struct land l = land_new();
	claim(&l, l.b, 25, 'b');
	slot_bitmap_set(&l.h->msg.head.slots, 26, true);
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(hand_sent_count(l.h, BUS_UPDATE), 1); /* one per owner */
	const struct effect *update = hand_sent(l.h, BUS_UPDATE);
	ck_assert_uint_eq(update->link, l.h->c->nodes[l.b].out);
	ck_assert_mem_eq(update->msg->update.id.bytes, l.h->c->nodes[l.c].id.bytes, NODE_ID_LEN);
	ck_assert_uint_eq(update->msg->update.config_epoch, 'c');
	ck_assert(slot_bitmap_has(&update->msg->update.slots, 25));
	/* Ours as well, once it is on disk. */
	claim(&l, l.b, 5, 'b');
	hand_deliver(l.h, l.b);
	ck_assert_mem_eq(hand_sent(l.h, BUS_UPDATE)->msg->update.id.bytes,
			 l.h->c->nodes[0].id.bytes, NODE_ID_LEN);
	hand_free(l.h);
}
END_TEST

START_TEST(a_stale_replica_is_told_too)
{
	struct land l = land_new();
	uint32_t r = hand_replica(l.h, 'r', l.b);
	struct bus_head *head = hand_frame(l.h, BUS_PING, r);
	slot_bitmap_set(&head->slots, 25, true); /* its primary, as it believes, owned c's slot */
	hand_deliver(l.h, r);
	ck_assert_uint_eq(hand_sent_count(l.h, BUS_UPDATE), 1);
	ck_assert_uint_eq(l.h->c->owner[25], l.c); /* and a replica claims nothing */
	hand_free(l.h);
}
END_TEST

START_TEST(what_its_owner_stops_claiming_anybody_may_take)
{
	struct land l = land_new();
	struct bus_head *head = hand_frame(l.h, BUS_PING, l.c);
	slot_bitmap_set(&head->slots, 25, false);
	hand_deliver(l.h, l.c);
	ck_assert_uint_eq(l.h->c->owner[25], l.c); /* it stays with c so far ... */
	ck_assert(slot_bitmap_has(&l.h->c->not_claiming, 25));
	claim(&l, l.b, 24, 'b');
	hand_deliver(l.h, l.b);
	ck_assert(!slot_bitmap_has(&hand_sent(l.h, BUS_UPDATE)->msg->update.slots,
				   25)); /* ... but is not told of */
	claim(&l, l.b, 25, 'b');
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(l.h->c->owner[25], l.b);
	ck_assert(!slot_bitmap_has(&l.h->c->not_claiming, 25));
	hand_free(l.h);
}
END_TEST

START_TEST(a_claim_renewed_ends_the_doubt)
{
	struct land l = land_new();
	struct bus_head *head = hand_frame(l.h, BUS_PING, l.c);
	slot_bitmap_set(&head->slots, 25, false);
	hand_deliver(l.h, l.c);
	hand_frame(l.h, BUS_PING, l.c);
	hand_deliver(l.h, l.c);
	ck_assert(!slot_bitmap_has(&l.h->c->not_claiming, 25));
	hand_free(l.h);
}
END_TEST

START_TEST(keys_of_a_lost_slot_are_dropped)
{
	struct land l = land_new();
	l.h->keys[5] = 3;
	l.h->c->migrating_to[5] = l.b;
	claim(&l, l.b, 5, 'z');
	slot_bitmap_set(&l.h->msg.head.slots, 6, true); /* without keys */
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(hand_count(l.h, EFFECT_DROP_SLOT), 1);
	ck_assert_uint_eq(hand_find(l.h, EFFECT_DROP_SLOT, 0)->slot, 5);
	ck_assert_uint_eq(l.h->c->migrating_to[5], NODE_NONE);
	ck_assert(!slots_served_here(l.h->c, 5)); /* O2: at once, whatever is on disk */
	ck_assert(slot_bitmap_has(&l.h->c->durable.slots, 5));
	ck_assert(slots_served_here(l.h->c, 7));
	ck_assert(node_is_primary(&l.h->c->nodes[0]));
	hand_free(l.h);
}
END_TEST

static void
claim_all_of_ours(struct land *l)
{
	claim(l, l->b, 0, 'z');
	for (unsigned slot = 0; slot < 10; slot++)
		slot_bitmap_set(&l->h->msg.head.slots, slot, true);
}

START_TEST(who_loses_its_last_slot_follows_and_keeps_its_keys_for_the_sync)
{
	struct land l = land_new();
	l.h->keys[5] = 3;
	l.h->c->importing_from[25] = l.c;
	claim_all_of_ours(&l);
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(hand_count(l.h, EFFECT_DROP_SLOT), 0);
	ck_assert_uint_eq(l.h->c->nodes[0].primary, l.b);
	ck_assert_uint_eq(hand_find(l.h, EFFECT_ROLE, 0)->node, l.b);
	ck_assert_uint_eq(hand_find(l.h, EFFECT_ROLE, 0)->after, l.h->c->live_number);
	ck_assert_uint_eq(hand_traced(l.h, TRACE_DEMOTED)->node, l.b);
	ck_assert_uint_eq(l.h->c->importing_from[25], NODE_NONE);
	ck_assert_mem_eq(l.h->c->nodes[0].shard_id.bytes, l.h->c->nodes[l.b].shard_id.bytes,
			 NODE_ID_LEN);
	hand_free(l.h);
}
END_TEST

START_TEST(without_replica_migration_only_an_heir_is_followed)
{
	for (unsigned heir = 0; heir < 2; heir++) {
		struct land l = land_new();
		l.h->c->config.allow_replica_migration = false;
		l.h->keys[5] = 3;
		claim_all_of_ours(&l);
		for (unsigned slot = 10; heir && slot < 20;
		     slot++) /* it claims exactly what was ours */
			slot_bitmap_set(&l.h->msg.head.slots, slot, false);
		hand_deliver(l.h, l.b);
		ck_assert(node_is_replica(&l.h->c->nodes[0]) == (heir == 1));
		ck_assert_uint_eq(hand_count(l.h, EFFECT_DROP_SLOT), heir ? 0 : 1);
		hand_free(l.h);
	}
}
END_TEST

START_TEST(a_replica_follows_who_takes_its_primarys_slots)
{
	struct land l = land_new();
	for (unsigned slot = 0; slot < 10; slot++)
		view_set_owner(l.h->c, (uint16_t)slot, NODE_NONE);
	hand_replica(l.h, 'm', l.c);
	claim(&l, l.b, 20, 'z');
	for (unsigned slot = 20; slot < 30; slot++)
		slot_bitmap_set(&l.h->msg.head.slots, slot, true);
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(l.h->c->nodes[0].primary, l.b);
	hand_free(l.h);
}
END_TEST

START_TEST(the_importer_goes_on_with_the_heir_of_its_source)
{
	struct land l = land_new();
	l.h->c->importing_from[25] = l.c;
	claim(&l, l.b, 25, 'z');
	hand_deliver(l.h, l.b);
	ck_assert_uint_eq(l.h->c->owner[25], l.b); /* Valkey 8; Redis 7 passes over it */
	ck_assert_uint_eq(l.h->c->importing_from[25], l.b);
	hand_free(l.h);
}
END_TEST

START_TEST(update_is_taken_if_it_is_news)
{
	struct land l = land_new();
	uint32_t r = hand_replica(l.h, 'r', l.b);
	static const struct {
		char id;
		uint64_t epoch;
		enum update_refusal refusal;
	} cases[] = {
		{'y', 'z', UPDATE_UNKNOWN_NODE},
		{'m', 'z', UPDATE_MYSELF      },
		{'c', 'c', UPDATE_NOTHING_NEW },
		{'r', 'z', UPDATE_TAKEN       },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hand_frame(l.h, BUS_UPDATE, l.c);
		l.h->msg.update = (struct bus_update){.id = hand_id(cases[i].id),
						      .config_epoch = cases[i].epoch};
		for (unsigned slot = 10; slot < 20; slot++)
			slot_bitmap_set(&l.h->msg.update.slots, slot, true);
		if (cases[i].refusal != UPDATE_TAKEN)
			ck_assert_int_eq(slots_on_update(l.h->c, &l.h->msg.update, l.h->out),
					 cases[i].refusal);
		hand_deliver(l.h, l.c);
		bool taken = cases[i].refusal == UPDATE_TAKEN;
		ck_assert_int_eq(hand_refused(l.h), taken ? MESSAGE_TAKEN : MESSAGE_UPDATE_REFUSED);
		ck_assert((hand_traced(l.h, TRACE_UPDATE_TAKEN) != NULL) == taken);
	}
	/* r was a replica and is b's heir. */
	ck_assert(node_is_primary(&l.h->c->nodes[r]));
	ck_assert_uint_eq(l.h->c->owner[10], r);
	ck_assert_uint_ge(l.h->c->live.current_epoch, 'z');
	hand_free(l.h);
}
END_TEST

START_TEST(settling_an_imported_slot_raises_our_epoch_and_is_told)
{
	struct land l = land_new();
	uint64_t epoch = l.h->c->live.current_epoch;
	uint32_t z = hand_primary(l.h, 'z', 30, 39);
	slots_open(l.h->c, 35, z, NODE_NONE);
	hand_settle(l.h);
	step_begin(l.h->c, &l.h->facts, l.h->out);
	slots_settle(l.h->c, 35, 0, l.h->out);
	step_end(l.h->c, l.h->out);
	ck_assert_uint_eq(l.h->c->owner[35], 0);
	ck_assert_uint_eq(l.h->c->importing_from[35], NODE_NONE);
	ck_assert_uint_gt(l.h->c->nodes[0].config_epoch, epoch);
	ck_assert_uint_eq(hand_sent_count(l.h, BUS_PONG), 3);
	ck_assert_uint_eq(hand_sent(l.h, BUS_PONG)->after,
			  hand_find(l.h, EFFECT_PERSIST, 0)->number);
	cluster_check(l.h->c);
	hand_free(l.h);
}
END_TEST

START_TEST(settling_our_last_slot_on_another_makes_us_its_replica)
{
	struct land l = land_new();
	for (unsigned slot = 1; slot < 10; slot++)
		view_set_owner(l.h->c, (uint16_t)slot, l.b);
	slots_open(l.h->c, 0, NODE_NONE, l.b);
	step_begin(l.h->c, &l.h->facts, l.h->out);
	slots_settle(l.h->c, 0, l.b, l.h->out);
	step_end(l.h->c, l.h->out);
	ck_assert_uint_eq(l.h->c->migrating_to[0], NODE_NONE);
	ck_assert_uint_eq(l.h->c->nodes[0].primary, l.b);
	cluster_check(l.h->c);
	hand_free(l.h);
}
END_TEST

START_TEST(keys_found_at_a_start_open_or_take_their_slot)
{
	struct land l = land_new();
	l.h->keys[5] = l.h->keys[15] = l.h->keys[100] = 1;
	step_begin(l.h->c, &l.h->facts, l.h->out);
	ck_assert_uint_eq(slots_on_load(l.h->c, l.h->out), 2);
	ck_assert_uint_eq(slots_on_load(l.h->c, l.h->out), 0);
	step_end(l.h->c, l.h->out);
	ck_assert_uint_eq(l.h->c->owner[100], 0);
	ck_assert_uint_eq(l.h->c->importing_from[15], l.b);
	ck_assert_uint_eq(l.h->c->owner[15], l.b);
	hand_free(l.h);
}
END_TEST

START_TEST(every_word_has_a_name)
{
	for (unsigned i = 0; i < UPDATE_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(update_refusal_name((enum update_refusal)i));
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"slots", a_slot_of_nobody_goes_to_who_claims_it,
		the_greater_epoch_wins_an_equal_one_does_not, a_stale_claim_is_answered_by_update,
		a_stale_replica_is_told_too, what_its_owner_stops_claiming_anybody_may_take,
		a_claim_renewed_ends_the_doubt, keys_of_a_lost_slot_are_dropped,
		who_loses_its_last_slot_follows_and_keeps_its_keys_for_the_sync,
		without_replica_migration_only_an_heir_is_followed,
		a_replica_follows_who_takes_its_primarys_slots,
		the_importer_goes_on_with_the_heir_of_its_source, update_is_taken_if_it_is_news,
		settling_an_imported_slot_raises_our_epoch_and_is_told,
		settling_our_last_slot_on_another_makes_us_its_replica,
		keys_found_at_a_start_open_or_take_their_slot, every_word_has_a_name);
}
