/* tests/unit/cluster/test_view.c - the table of nodes, numbered saves, and frames that nobody should send. */
#include "tests/unit/runner.h"

#include "tests/unit/cluster/hand_ask.h"

START_TEST(a_new_node_knows_itself_alone)
{
	struct hand *h = hand_new();
	ck_assert_uint_eq(h->c->node_count, 1);
	ck_assert_uint_eq(h->c->nodes[0].flags, NODE_MYSELF | NODE_PRIMARY);
	ck_assert(node_id_is_valid(&h->c->nodes[0].shard_id));
	ck_assert_uint_eq(h->c->durable_number, 1); /* its name is saved first of all */
	hand_free(h);
}
END_TEST

START_TEST(ids_and_links_are_found_through_any_sequence_of_changes)
{
	struct hand *h = hand_new();
	struct prng prng;
	prng_seed(&prng, 5);
	bus_link last = 1;
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t node = (uint32_t)prng_below(&prng, HAND_NODES);
		bool known = node != 0 && view_has(h->c, node);
		struct node_id id = view_random_id(h->c);
		step_begin(h->c, &h->facts, h->out);
		switch (prng_below(&prng, 4)) {
		case 0:
			if (h->c->node_count < HAND_NODES)
				ck_assert_uint_ne(view_add(h->c, &id, NODE_PRIMARY), NODE_NONE);
			break;
		case 1:
			if (known)
				view_remove(h->c, node, h->out);
			break;
		case 2:
			if (known)
				view_rename(h->c, node, &id);
			break;
		default:
			if (known)
				view_set_in(h->c, node,
					    prng_below(&prng, 3) == 0 ? 0 : (last += 2));
		}
		step_end(h->c, h->out);
		cluster_check(h->c); /* finds each by id and by link */
	}
	ck_assert_uint_eq(view_find(h->c, &(struct node_id){{'x'}}), NODE_NONE);
	ck_assert_uint_eq(view_by_link(h->c, last + 2), NODE_NONE);
	ck_assert_uint_eq(view_by_link(h->c, 0), NODE_NONE);
	hand_free(h);
}
END_TEST

START_TEST(owners_roles_and_counts_agree_after_any_changes)
{
	struct hand *h = hand_new();
	struct prng prng;
	prng_seed(&prng, 6);
	for (int i = 0; i < 10; i++)
		hand_add(h, (char)('a' + i), NODE_PRIMARY);
	for (unsigned i = 0; i < 500; i++) {
		uint32_t node = (uint32_t)prng_below(&prng, 11);
		for (unsigned j = 0; j < 20; j++) {
			uint16_t slot = (uint16_t)prng_below(&prng, 64);
			bool may_own =
				node_is_primary(&h->c->nodes[node]) && prng_below(&prng, 5) > 0;
			view_set_owner(h->c, slot, may_own ? node : NODE_NONE);
		}
		uint32_t other = (uint32_t)prng_below(&prng, 11);
		if (h->c->nodes[other].slot_count == 0 && other != node)
			view_set_role(h->c, other, true, node);
		else if (prng_below(&prng, 2) == 0)
			view_set_role(h->c, other, false, NODE_NONE);
		hand_settle(h);
	}
	hand_free(h);
}
END_TEST

START_TEST(a_shard_is_a_root_or_an_id)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9), c = hand_primary(h, 'c', 10, 19),
		 r = hand_replica(h, 'r', b);
	ck_assert(view_same_shard(h->c, b, r) && view_same_shard(h->c, r, b));
	ck_assert(!view_same_shard(h->c, b, c) && !view_same_shard(h->c, r, c));
	h->c->nodes[c].shard_id = h->c->nodes[b].shard_id;
	ck_assert(view_same_shard(h->c, b, c));
	h->c->nodes[b].shard_id = h->c->nodes[c].shard_id =
		(struct node_id){{0}}; /* unknown is not equal */
	ck_assert(!view_same_shard(h->c, b, c));
	hand_free(h);
}
END_TEST

START_TEST(one_save_flies_and_the_next_holds_the_rest)
{
	struct hand *h = hand_new();
	persist_want(h->c);
	hand_tick(h, 1);
	uint64_t first = hand_find(h, EFFECT_PERSIST, 0)->number;
	h->c->live.current_epoch = 9;
	persist_want(h->c);
	hand_tick(h, 1);
	ck_assert_ptr_null(hand_find(h, EFFECT_PERSIST, 0));
	static const int64_t wrong[] = {-1, 1, 1000};
	for (size_t i = 0; i < 3; i++) {
		struct cluster_event event = {.kind = CLUSTER_PERSISTED,
					      .number = first + (uint64_t)wrong[i]};
		hand_step(h, &event);
		ck_assert_uint_eq(h->c->flying_number, first);
	}
	hand_step(h, &(struct cluster_event){.kind = CLUSTER_PERSISTED, .number = first});
	ck_assert_uint_eq(h->c->durable.current_epoch, 0);
	ck_assert_uint_eq(hand_find(h, EFFECT_PERSIST, 0)->number, first + 1);
	hand_step(h, &(struct cluster_event){.kind = CLUSTER_PERSISTED, .number = first + 1});
	ck_assert_uint_eq(h->c->durable.current_epoch, 9);
	ck_assert_ptr_null(hand_find(h, EFFECT_PERSIST, 0));
	hand_free(h);
}
END_TEST

START_TEST(every_frame_that_is_refused_has_its_reason)
{
	static const struct {
		enum message_refusal refusal;
		enum bus_type type;
	} cases[] = {
		{MESSAGE_BAD_ID,          BUS_PING        },
		{MESSAGE_BAD_ID,          BUS_PONG        },
		{MESSAGE_OWN_REPLICA,     BUS_PING        },
		{MESSAGE_EPOCH_TOO_GREAT, BUS_PING        },
		{MESSAGE_EPOCH_TOO_GREAT, BUS_PONG        },
		{MESSAGE_EPOCH_TOO_GREAT, BUS_UPDATE      },
		{MESSAGE_FROM_MYSELF,     BUS_FAIL        },
		{MESSAGE_UNKNOWN_SENDER,  BUS_AUTH_REQUEST},
		{MESSAGE_UNKNOWN_TYPE,    BUS_TYPE_COUNT  },
		{MESSAGE_LIGHT_TYPE,      BUS_FAIL        },
		{MESSAGE_TAKEN,           BUS_PUBLISH     },
		{MESSAGE_TAKEN,           BUS_MODULE      },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hand *h = hand_new();
		uint32_t b = hand_primary(h, 'b', 0, 9);
		hand_settle(h);
		struct bus_head *head = hand_frame(h, cases[i].type, b);
		bus_link link = h->c->nodes[b].in;
		switch ((unsigned)cases[i].refusal) {
		case MESSAGE_BAD_ID:
			if (cases[i].type == BUS_PING)
				head->sender.bytes[39] = 0;
			else
				head->replica_of = (struct node_id){{'A'}};
			break;
		case MESSAGE_OWN_REPLICA:
			head->replica_of = head->sender;
			break;
		case MESSAGE_EPOCH_TOO_GREAT:
			if (cases[i].type == BUS_PING)
				head->current_epoch = EPOCH_MAX;
			else if (cases[i].type == BUS_PONG)
				head->config_epoch = UINT64_MAX;
			else
				h->msg.update = (struct bus_update){.id = head->sender,
								    .config_epoch = EPOCH_MAX};
			break;
		case MESSAGE_FROM_MYSELF:
			head->sender = h->c->nodes[0].id;
			break;
		case MESSAGE_UNKNOWN_SENDER:
			head->sender = hand_id('z');
			break;
		default:
			head->light = cases[i].refusal == MESSAGE_LIGHT_TYPE;
		}
		hand_receive(h, link);
		ck_assert_int_eq(hand_refused(h), cases[i].refusal);
		ck_assert_uint_lt(h->c->live.current_epoch, EPOCH_MAX);
		hand_free(h);
	}
	for (unsigned i = 0; i < MESSAGE_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(message_refusal_name((enum message_refusal)i));
	for (unsigned i = 0; i < TRACE_COUNT; i++)
		ck_assert_ptr_nonnull(cluster_trace_name((enum cluster_trace)i));
}
END_TEST

START_TEST(a_light_frame_is_the_links_or_closes_it)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9);
	hand_settle(h);
	hand_frame(h, BUS_PUBLISH, b)->light = true;
	hand_receive(h, 999);
	ck_assert_int_eq(hand_refused(h), MESSAGE_LIGHT_UNBOUND);
	ck_assert_uint_eq(hand_find(h, EFFECT_CLOSE, 0)->link, 999);
	h->c->nodes[b].data_received_ms = 0;
	hand_receive(h, h->c->nodes[b].in);
	ck_assert_int_eq(hand_refused(h), MESSAGE_TAKEN);
	ck_assert_uint_eq(h->c->nodes[b].data_received_ms, h->facts.now_ms);
	hand_free(h);
}
END_TEST

START_TEST(what_heads_say_is_what_is_on_disk)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9);
	hand_primary(h, 'm', 10, 19);
	hand_settle(h);
	h->c->config.replica_no_failover = true;
	view_set_owner(h->c, 20, 0);
	persist_want(h->c);
	hand_frame(h, BUS_PING, b);
	hand_deliver(h, b);
	const struct bus_head *head = &hand_sent(h, BUS_PONG)->msg->head;
	ck_assert(!slot_bitmap_has(&head->slots, 20) && slot_bitmap_has(&head->slots, 19));
	ck_assert_uint_eq(head->flags, NODE_MYSELF | NODE_PRIMARY | NODE_NOFAILOVER);
	ck_assert_uint_eq(head->offset, 100);
	ck_assert_str_eq(head->my_ip, "10.0.0.1");
	ck_assert_uint_eq(head->port, 7000);
	ck_assert_uint_eq(head->cport, 17000);
	hand_saved(h);
	hand_deliver(h, b);
	ck_assert(slot_bitmap_has(&hand_sent(h, BUS_PONG)->msg->head.slots, 20));
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES("view", a_new_node_knows_itself_alone,
			 ids_and_links_are_found_through_any_sequence_of_changes,
			 owners_roles_and_counts_agree_after_any_changes,
			 a_shard_is_a_root_or_an_id, one_save_flies_and_the_next_holds_the_rest,
			 every_frame_that_is_refused_has_its_reason,
			 a_light_frame_is_the_links_or_closes_it,
			 what_heads_say_is_what_is_on_disk);
}
