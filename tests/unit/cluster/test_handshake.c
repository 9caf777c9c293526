/* tests/unit/cluster/test_handshake.c - strangers, addresses, FORGET and RESET (spec A1 to A4, A16, A40, A41, H1). */
#include "tests/unit/runner.h"

#include "cluster/forget.h"
#include "cluster/handshake.h"
#include "cluster/link.h"
#include "tests/unit/cluster/hand_ask.h"

static struct bus_head *
stranger(struct hand *h, enum bus_type type, char letter)
{
	h->msg = (struct bus_msg){
		.head = {.type = (uint16_t)type,
			 .port = 7000,
			 .cport = 17000,
			 .sender = hand_id(letter)}
        };
	memcpy(h->msg.head.my_ip, "10.0.2.2", 9);
	h->msg.ping.gossip = h->gossip;
	return &h->msg.head;
}

/* A node in handshake whose link is up: its index. */
static uint32_t
call(struct hand *h)
{
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7000, 17000), MEET_STARTED);
	hand_tick(h, 100);
	uint32_t node = hand_find(h, EFFECT_CONNECT, 0)->node;
	hand_step(h,
		  &(struct cluster_event){.kind = CLUSTER_LINK_UP, .link = h->c->nodes[node].out});
	return node;
}

START_TEST(meet_is_refused_for_a_reason)
{
	struct hand *h = hand_new();
	ck_assert_int_eq(handshake_start(h->c, "", 7000, 17000), MEET_BAD_ADDRESS);
	ck_assert_int_eq(handshake_start(h->c, NULL, 7000, 17000), MEET_BAD_ADDRESS);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 0, 17000), MEET_BAD_ADDRESS);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7000, 0), MEET_BAD_ADDRESS);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7000, 17000), MEET_STARTED);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7000, 17000), MEET_IN_PROGRESS);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7001, 17000), MEET_STARTED);
	while (h->c->node_count < HAND_NODES)
		hand_add(h, (char)h->c->node_count, NODE_PRIMARY);
	ck_assert_int_eq(handshake_start(h->c, "10.0.2.3", 7000, 17000), MEET_FULL);
	for (unsigned i = 0; i < MEET_RESULT_COUNT; i++)
		ck_assert_ptr_nonnull(meet_result_name((enum meet_result)i));
	hand_free(h);
}
END_TEST

START_TEST(the_first_frame_is_meet_and_the_first_answer_names_the_node)
{
	struct hand *h = hand_new();
	uint32_t node = call(h);
	ck_assert_uint_eq(hand_sent(h, BUS_MEET)->link, h->c->nodes[node].out);
	ck_assert(hand_flagged(h, node, NODE_HANDSHAKE));
	stranger(h, BUS_PONG, 'x');
	hand_receive(h, h->c->nodes[node].out);
	struct node_id x = hand_id('x');
	ck_assert_uint_eq(view_find(h->c, &x), node);
	ck_assert_uint_eq(h->c->nodes[node].flags, NODE_PRIMARY);
	ck_assert_uint_eq(hand_traced(h, TRACE_NODE_ADDED)->node, node);
	ck_assert_uint_eq(hand_count(h, EFFECT_PERSIST), 1);
	hand_free(h);
}
END_TEST

START_TEST(a_handshake_ends_in_time)
{
	static const struct {
		uint64_t timeout_ms, limit_ms;
	} cases[] = {
		{500,  1000},
		{1000, 1000},
		{3000, 3000},
	};
	for (size_t i = 0; i < 3; i++) {
		struct hand *h = hand_new();
		h->c->config.node_timeout_ms = cases[i].timeout_ms;
		ck_assert_uint_eq(link_handshake_timeout_ms(h->c), cases[i].limit_ms);
		ck_assert_int_eq(handshake_start(h->c, "10.0.2.2", 7000, 17000), MEET_STARTED);
		hand_tick(h, cases[i].limit_ms);
		ck_assert_uint_eq(h->c->node_count, 2);
		hand_tick(h, 1);
		ck_assert_uint_eq(h->c->node_count, 1);
		ck_assert_ptr_nonnull(hand_find(h, EFFECT_CLOSE, 0)); /* it was being called */
		hand_free(h);
	}
}
END_TEST

START_TEST(whom_we_know_already_is_not_added_twice)
{
	struct hand *h = hand_new();
	uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
	bus_link old = h->c->nodes[x].out;
	uint32_t temporary = call(h);
	stranger(h, BUS_PONG, 'x');
	hand_receive(h, h->c->nodes[temporary].out);
	ck_assert_uint_eq(h->c->node_count, 2);
	ck_assert_str_eq(h->c->nodes[x].ip, "10.0.2.2"); /* it has moved */
	ck_assert_ptr_nonnull(hand_traced(h, TRACE_ADDRESS_CHANGED));
	ck_assert_uint_eq(hand_find(h, EFFECT_CLOSE, 0)->link, old);
	hand_free(h);
}
END_TEST

START_TEST(we_do_not_meet_ourselves)
{
	struct hand *h = hand_new();
	uint32_t temporary = call(h);
	stranger(h, BUS_MEET, 'm');
	hand_receive(h, 999);
	ck_assert_ptr_nonnull(hand_sent(h, BUS_PONG));
	ck_assert_int_eq(hand_refused(h), MESSAGE_FROM_MYSELF);
	stranger(h, BUS_PONG, 'm');
	hand_receive(h, h->c->nodes[temporary].out);
	ck_assert_int_eq(hand_refused(h), MESSAGE_FROM_MYSELF);
	ck_assert_uint_eq(h->c->node_count, 1);
	ck_assert_str_eq(h->c->nodes[0].ip, "10.0.0.1");
	hand_free(h);
}
END_TEST

START_TEST(only_meet_makes_a_stranger_known)
{
	struct hand *h = hand_new();
	stranger(h, BUS_PING, 'x')->current_epoch = 1000;
	h->gossip[0] =
		(struct bus_gossip){.id = hand_id('y'), .ip = "10.0.2.3", .port = 1, .cport = 2};
	h->msg.ping.gossip_count = 1;
	hand_receive(h, 999);
	ck_assert_int_eq(hand_refused(h), MESSAGE_UNKNOWN_SENDER);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->link, 999); /* answered all the same */
	ck_assert_uint_eq(h->c->node_count, 1);
	ck_assert_uint_eq(h->c->live.current_epoch, 0);
	stranger(h, BUS_MEET, 'x');
	hand_receive(h, 999);
	ck_assert_int_eq(hand_refused(h), MESSAGE_TAKEN);
	ck_assert_ptr_nonnull(hand_sent(h, BUS_PONG));
	ck_assert_uint_eq(h->c->node_count, 2);
	ck_assert(hand_flagged(h, 1, NODE_HANDSHAKE) && !hand_flagged(h, 1, NODE_MEET));
	ck_assert_str_eq(h->c->nodes[1].ip, "10.0.2.2");
	struct node_id x = hand_id('x');
	ck_assert_uint_eq(view_find(h->c, &x),
			  NODE_NONE); /* its name is believed when it answers us */
	hand_receive(h, 999);
	ck_assert_uint_eq(h->c->node_count, 2);
	hand_free(h);
}
END_TEST

START_TEST(who_does_not_know_its_address_is_where_its_frames_come_from)
{
	struct hand *h = hand_new();
	memset(stranger(h, BUS_MEET, 'x')->my_ip, 0, BUS_IP_LEN);
	hand_receive(h, 999);
	ck_assert_str_eq(h->c->nodes[1].ip, "10.0.0.9");
	hand_free(h);
}
END_TEST

START_TEST(an_address_follows_what_its_node_says_on_its_own_link)
{
	struct hand *h = hand_new();
	uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
	hand_replica(h, 'm', x);
	hand_settle(h);
	static const struct {
		const char *ip;
		uint16_t port, pport, cport;
		bool changed;
	} cases[] = {
		{"10.0.1.x", 7000, 0, 17000, false},
                {"10.0.1.9", 7000, 0, 17000, true },
		{"10.0.1.9", 7001, 0, 17000, true },
                {"10.0.1.9", 7001, 1, 17000, true },
		{"10.0.1.9", 7001, 1, 17001, true },
                {"10.0.1.9", 7001, 1, 17001, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bus_head *head = hand_frame(h, BUS_PING, x);
		memcpy(head->my_ip, cases[i].ip, strlen(cases[i].ip) + 1);
		head->port = cases[i].port;
		head->pport = cases[i].pport;
		head->cport = cases[i].cport;
		hand_deliver(h, x);
		ck_assert((hand_traced(h, TRACE_ADDRESS_CHANGED) != NULL) == cases[i].changed);
		ck_assert((hand_find(h, EFFECT_ROLE, 0) != NULL) ==
			  cases[i].changed); /* our primary */
	}
	/* On our link it answers from wherever we called. */
	hand_tick(h, 1000);
	hand_step(h, &(struct cluster_event){.kind = CLUSTER_LINK_UP, .link = h->c->nodes[x].out});
	hand_frame(h, BUS_PING, x)->port = 9999;
	hand_receive(h, h->c->nodes[x].out);
	ck_assert_uint_eq(h->c->nodes[x].port, 7001);
	hand_free(h);
}
END_TEST

START_TEST(another_id_behind_an_address_makes_it_unknown)
{
	struct hand *h = hand_new();
	uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
	bus_link link = h->c->nodes[x].out;
	stranger(h, BUS_PONG, 'y');
	hand_receive(h, link);
	ck_assert_int_eq(hand_refused(h), MESSAGE_WRONG_ID);
	ck_assert(hand_flagged(h, x, NODE_NOADDR));
	ck_assert_str_eq(h->c->nodes[x].ip, "");
	ck_assert_uint_eq(h->c->nodes[x].port, 0);
	ck_assert_uint_eq(hand_find(h, EFFECT_CLOSE, 0)->link, link);
	hand_tick(h, 5000);
	ck_assert_ptr_null(hand_find(h, EFFECT_CONNECT, 0));
	ck_assert_ptr_nonnull(hand_traced(h, TRACE_PFAIL)); /* and suspect: nobody will reach it */
	/* Its own PING brings it back. */
	hand_frame(h, BUS_PING, x);
	memcpy(h->msg.head.my_ip, "10.0.2.5", 9);
	h->msg.head.port = 7000;
	h->msg.head.cport = 17000;
	hand_deliver(h, x);
	ck_assert(!hand_flagged(h, x, NODE_NOADDR));
	hand_free(h);
}
END_TEST

START_TEST(our_own_address_is_learned_where_nobody_told_it)
{
	struct hand *h = hand_new();
	memset(h->c->config.ip, 0, BUS_IP_LEN);
	memset(h->c->nodes[0].ip, 0, BUS_IP_LEN);
	uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
	hand_frame(h, BUS_PING, x);
	struct cluster_event event = {.kind = CLUSTER_MESSAGE,
				      .link = h->c->nodes[x].in,
				      .msg = &h->msg,
				      .own_ip = "10.0.0.7"};
	hand_step(h, &event);
	ck_assert_str_eq(h->c->nodes[0].ip, "10.0.0.7");
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->msg->head.my_ip[0],
			  0); /* not announced: peers see where we are */
	event.own_ip = "10.0.0.8";
	hand_step(h, &event);
	ck_assert_str_eq(h->c->nodes[0].ip, "10.0.0.7");
	h->msg.head.type = BUS_MEET; /* MEET is believed anew */
	hand_step(h, &event);
	ck_assert_str_eq(h->c->nodes[0].ip, "10.0.0.8");
	memcpy(h->c->config.ip, "10.0.0.1", 9);
	hand_step(h, &event);
	ck_assert_str_eq(h->c->nodes[0].ip, "10.0.0.1");
	hand_free(h);
}
END_TEST

START_TEST(forget_is_refused_for_a_reason)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9), r = hand_replica(h, 'r', b);
	hand_replica(h, 'm', b);
	hand_settle(h);
	static const struct {
		char id;
		enum forget_refusal refusal;
	} cases[] = {
		{'z', FORGET_UNKNOWN   },
                {'m', FORGET_MYSELF    },
                {'b', FORGET_MY_PRIMARY},
		{'r', FORGET_DONE      },
                {'r', FORGET_ALREADY   },
	};
	step_begin(h->c, &h->facts, h->out);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node_id id = hand_id(cases[i].id);
		ck_assert_int_eq(forget_node(h->c, &id, 60000, h->out), cases[i].refusal);
	}
	step_end(h->c, h->out);
	cluster_check(h->c);
	ck_assert_uint_eq(hand_traced(h, TRACE_NODE_REMOVED)->node, r);
	ck_assert_uint_eq(hand_count(h, EFFECT_CLOSE), 2);
	for (unsigned i = 0; i < FORGET_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(forget_refusal_name((enum forget_refusal)i));
	hand_free(h);
}
END_TEST

START_TEST(a_forgotten_primary_leaves_nothing_behind)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 9);
	uint32_t b = hand_primary(h, 'b', 10, 19), c = hand_primary(h, 'c', 20, 29),
		 r = hand_replica(h, 'r', b);
	hand_settle(h);
	h->c->importing_from[10] = b;
	h->c->migrating_to[5] = b;
	step_begin(h->c, &h->facts, h->out);
	failure_report(h->c, c, b, h->out);
	failure_report(h->c, b, c, h->out);
	struct node_id id = hand_id('b');
	forget_node(h->c, &id, 60000, h->out);
	step_end(h->c, h->out);
	cluster_check(h->c);
	ck_assert_uint_eq(h->c->owner[10], NODE_NONE);
	ck_assert_uint_eq(h->c->importing_from[10], NODE_NONE);
	ck_assert_uint_eq(h->c->migrating_to[5], NODE_NONE);
	ck_assert_uint_eq(h->c->nodes[r].primary, NODE_NONE);
	ck_assert_uint_eq(failure_report_count(h->c, c), 0);
	/* Its place is taken by the next to come. */
	ck_assert_uint_eq(hand_add(h, 'd', NODE_PRIMARY), b);
	cluster_check(h->c);
	hand_free(h);
}
END_TEST

START_TEST(the_blacklist_gives_the_place_of_the_oldest)
{
	struct hand *h = hand_new();
	step_begin(h->c, &h->facts, h->out);
	for (unsigned i = 0; i <= VIEW_BLACKLIST_MAX; i++) {
		struct node_id id = hand_id('q');
		id.bytes[0] = (uint8_t)('0' + i / 26);
		id.bytes[1] = (uint8_t)('a' + i % 26);
		ck_assert_uint_ne(view_add(h->c, &id, NODE_PRIMARY), NODE_NONE);
		ck_assert_int_eq(forget_node(h->c, &id, 60000 + i, h->out), FORGET_DONE);
		ck_assert(forget_is_banned(h->c, &id));
	}
	step_end(h->c, h->out);
	struct node_id first = hand_id('q');
	first.bytes[0] = '0';
	first.bytes[1] = 'a';
	ck_assert(!forget_is_banned(h->c, &first));
	first.bytes[1] = 'b';
	ck_assert(forget_is_banned(h->c, &first));
	hand_free(h);
}
END_TEST

START_TEST(reset_soft_keeps_the_name_and_hard_does_not)
{
	for (unsigned hard = 0; hard < 2; hard++) {
		struct hand *h = hand_new();
		uint32_t b = hand_primary(h, 'b', 0, 9);
		hand_add(h, 'c', NODE_PRIMARY);
		hand_replica(h, 'm', b);
		hand_settle(h);
		h->c->live.last_vote_epoch = 7;
		uint64_t epoch = h->c->live.current_epoch;
		h->keys[3] = 1;
		step_begin(h->c, &h->facts, h->out);
		ck_assert_int_eq(reset_node(h->c, hard == 1, h->out), RESET_DONE);
		step_end(h->c, h->out);
		cluster_check(h->c);
		ck_assert_uint_eq(h->c->node_count, 1);
		ck_assert(node_is_primary(&h->c->nodes[0]));
		ck_assert_uint_eq(hand_count(h, EFFECT_DROP_ALL), 1);
		ck_assert_uint_eq(hand_count(h, EFFECT_CLOSE), 4);
		ck_assert_uint_eq(hand_find(h, EFFECT_ROLE, 0)->node, NODE_NONE);
		struct node_id m = hand_id('m');
		ck_assert((view_find(h->c, &m) == 0) == (hard == 0));
		ck_assert_uint_eq(h->c->live.current_epoch, hard ? 0 : epoch);
		ck_assert_uint_eq(h->c->live.last_vote_epoch, hard ? 0 : 7);
		hand_saved(h);
		ck_assert_uint_eq(h->c->durable.current_epoch, hard ? 0 : epoch);
		hand_free(h);
	}
}
END_TEST

START_TEST(a_primary_with_keys_is_not_reset)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 9);
	h->keys[3] = 1;
	step_begin(h->c, &h->facts, h->out);
	ck_assert_int_eq(reset_node(h->c, false, h->out), RESET_HOLDS_KEYS);
	h->keys[3] = 0;
	ck_assert_int_eq(reset_node(h->c, false, h->out), RESET_DONE);
	step_end(h->c, h->out);
	ck_assert_uint_eq(h->c->owned_count, 0);
	ck_assert_uint_eq(hand_count(h, EFFECT_DROP_ALL), 0);
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES("handshake", meet_is_refused_for_a_reason,
			 the_first_frame_is_meet_and_the_first_answer_names_the_node,
			 a_handshake_ends_in_time, whom_we_know_already_is_not_added_twice,
			 we_do_not_meet_ourselves, only_meet_makes_a_stranger_known,
			 who_does_not_know_its_address_is_where_its_frames_come_from,
			 an_address_follows_what_its_node_says_on_its_own_link,
			 another_id_behind_an_address_makes_it_unknown,
			 our_own_address_is_learned_where_nobody_told_it,
			 forget_is_refused_for_a_reason, a_forgotten_primary_leaves_nothing_behind,
			 the_blacklist_gives_the_place_of_the_oldest,
			 reset_soft_keeps_the_name_and_hard_does_not,
			 a_primary_with_keys_is_not_reset);
}
