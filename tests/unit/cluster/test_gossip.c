/* tests/unit/cluster/test_gossip.c - what heartbeats say of third nodes, told and believed (spec A11, A16, A17, B4, B7). */
#include "tests/unit/runner.h"

#include "cluster/forget.h"
#include "cluster/gossip.h"
#include "tests/unit/cluster/hand_ask.h"

static struct hand *
crowd_new(unsigned peers)
{
	struct hand *h = hand_new();
	for (unsigned i = 0; i < peers; i++) {
		uint32_t node = hand_add(h, '_', NODE_PRIMARY);
		struct node_id id = hand_id((char)('0' + i % 10));
		id.bytes[0] = (uint8_t)('a' + i / 10);
		view_rename(h->c, node, &id);
	}
	hand_settle(h);
	return h;
}

static uint32_t
build(struct hand *h, uint32_t receiver, bool brief, struct bus_gossip *at)
{
	h->c->facts = &h->facts;
	uint32_t count = gossip_build(h->c, receiver, brief, at, HAND_GOSSIP);
	h->c->facts = NULL;
	return count;
}

START_TEST(a_section_is_a_tenth_but_three_and_never_all)
{
	static const struct {
		unsigned peers, most;
		bool brief;
	} cases[] = {
		{1,  0, false},
                {2,  1, false},
                {3,  2, false},
                {4,  3, false},
		{29, 3, false},
                {39, 4, false},
                {59, 6, false},
                {59, 3, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hand *h = crowd_new(cases[i].peers);
		struct bus_gossip at[HAND_GOSSIP];
		uint32_t greatest = 0;
		for (unsigned round = 0; round < 50; round++) {
			uint32_t count = build(h, NODE_NONE, cases[i].brief, at);
			greatest = count > greatest ? count : greatest;
			for (uint32_t j = 0; j < count; j++) {
				ck_assert(!node_id_equal(&at[j].id, &h->c->nodes[0].id));
				for (uint32_t k = 0; k < j; k++)
					ck_assert(!node_id_equal(&at[j].id, &at[k].id));
			}
		}
		ck_assert_uint_eq(greatest, cases[i].most);
		hand_free(h);
	}
}
END_TEST

START_TEST(some_nodes_are_not_worth_telling)
{
	struct hand *h = hand_new();
	uint32_t shaking = hand_add(h, 's', NODE_HANDSHAKE),
		 lost = hand_add(h, 'l', NODE_PRIMARY | NODE_NOADDR);
	uint32_t receiver = hand_add(h, 'r', NODE_PRIMARY), idle = hand_add(h, 'i', NODE_PRIMARY);
	uint32_t owner = hand_primary(h, 'o', 0, 0), plain = hand_add(h, 'p', NODE_PRIMARY);
	view_set_out(h->c, idle, 0); /* no link and no slot */
	view_set_out(h->c, owner, 0);
	(void)shaking, (void)lost;
	struct bus_gossip at[HAND_GOSSIP];
	for (unsigned round = 0; round < 100; round++) {
		uint32_t count = build(h, receiver, false, at);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t node = view_find(h->c, &at[i].id);
			ck_assert(node == owner || node == plain);
		}
	}
	hand_free(h);
}
END_TEST

START_TEST(everybody_suspected_is_told_last)
{
	struct hand *h = crowd_new(40);
	for (uint32_t i = 5; i < 15; i++)
		failure_set_flags(h->c, i, NODE_PFAIL);
	failure_set_flags(h->c, 20, NODE_FAIL);
	h->c->nodes[7].flags |= NODE_NOADDR; /* all the more */
	struct bus_gossip at[HAND_GOSSIP];
	uint32_t count = build(h, NODE_NONE, true, at), suspected = 0;
	for (uint32_t i = 0; i < count; i++) {
		bool is = (at[i].flags & NODE_PFAIL) != 0;
		ck_assert(is || suspected == 0);
		suspected += is;
	}
	ck_assert_uint_eq(suspected, 10);
	hand_free(h);
}
END_TEST

START_TEST(times_are_told_as_unix_seconds)
{
	struct hand *h = crowd_new(1);
	hand_add(h, 'x', NODE_PRIMARY);
	hand_add(h, 'y', NODE_PRIMARY);
	h->facts.unix_ms = 1700000123456;
	for (uint32_t i = 1; i < h->c->high; i++) {
		h->c->nodes[i].pong_received_ms = h->facts.now_ms - 3456;
		h->c->nodes[i].ping_sent_ms = i == 1 ? 0 : h->facts.now_ms - 456;
	}
	struct bus_gossip at[HAND_GOSSIP];
	uint32_t count = build(h, NODE_NONE, false, at);
	ck_assert_uint_gt(count, 0);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t node = view_find(h->c, &at[i].id);
		ck_assert_uint_eq(at[i].pong_received_s, 1700000120);
		ck_assert_uint_eq(at[i].ping_sent_s, node == 1 ? 0 : 1700000123);
	}
	hand_free(h);
}
END_TEST

/* A PONG of node 1 with one entry. */
static struct bus_gossip *
hear(struct hand *h, char id, uint16_t flags)
{
	hand_frame(h, BUS_PONG, 1);
	h->gossip[0] = (struct bus_gossip){
		.id = hand_id(id), .ip = "10.9.9.9", .port = 7001, .cport = 17001, .flags = flags};
	h->msg.ping.gossip_count = 1;
	return &h->gossip[0];
}

START_TEST(a_node_heard_of_is_added_as_it_was_told)
{
	struct hand *h = crowd_new(1);
	hear(h, 'x',
	     NODE_REPLICA | NODE_MYSELF | NODE_HANDSHAKE | NODE_MEET | NODE_EXTENSIONS |
		     NODE_PFAIL);
	hand_deliver(h, 1);
	struct node_id id = hand_id('x');
	uint32_t x = view_find(h->c, &id);
	ck_assert_uint_ne(x, NODE_NONE);
	ck_assert_uint_eq(h->c->nodes[x].flags, NODE_REPLICA | NODE_EXTENSIONS | NODE_PFAIL);
	ck_assert_str_eq(h->c->nodes[x].ip, "10.9.9.9");
	ck_assert_uint_eq(h->c->nodes[x].cport, 17001);
	ck_assert_uint_eq(hand_traced(h, TRACE_NODE_ADDED)->node, x);
	hear(h, 'y', NODE_PRIMARY | NODE_FAIL);
	hand_deliver(h, 1);
	id = hand_id('y');
	ck_assert(hand_flagged(h, view_find(h->c, &id), NODE_FAIL));
	hand_free(h);
}
END_TEST

START_TEST(a_node_without_address_or_banned_is_not_added)
{
	struct hand *h = crowd_new(1);
	hear(h, 'x', NODE_PRIMARY | NODE_NOADDR);
	hand_deliver(h, 1);
	hear(h, 'x', NODE_PRIMARY)->ip[0] = 0;
	hand_deliver(h, 1);
	hear(h, 'x', NODE_PRIMARY)->cport = 0;
	hand_deliver(h, 1);
	ck_assert_uint_eq(h->c->node_count, 2);
	hear(h, 'x', NODE_PRIMARY);
	hand_deliver(h, 1);
	ck_assert_uint_eq(h->c->node_count, 3);
	struct node_id x = hand_id('x');
	step_begin(h->c, &h->facts, h->out);
	ck_assert_int_eq(forget_node(h->c, &x, 60000, h->out), FORGET_DONE);
	step_end(h->c, h->out);
	h->facts.now_ms += 59999;
	hear(h, 'x', NODE_PRIMARY);
	hand_deliver(h, 1);
	ck_assert_uint_eq(h->c->node_count, 2);
	h->facts.now_ms += 1;
	hand_deliver(h, 1);
	ck_assert_uint_eq(h->c->node_count, 3);
	hand_free(h);
}
END_TEST

START_TEST(a_section_with_an_invalid_id_is_refused_whole)
{
	static const uint8_t bad[] = {0, '\n', '/', ':', 'A', 'Z', '`', '{', 0xff};
	for (size_t i = 0; i < sizeof(bad); i++) {
		struct hand *h = crowd_new(1);
		hear(h, 'x', NODE_PRIMARY);
		h->gossip[1] = h->gossip[0];
		h->gossip[1].id.bytes[39] = bad[i];
		h->msg.ping.gossip_count = 2;
		hand_deliver(h, 1);
		ck_assert_int_eq(hand_refused(h), MESSAGE_BAD_GOSSIP);
		ck_assert_uint_eq(h->c->node_count, 2);
		hand_free(h);
	}
}
END_TEST

START_TEST(a_full_table_takes_nobody)
{
	struct hand *h = crowd_new(HAND_NODES - 1);
	hear(h, 'x', NODE_PRIMARY);
	struct node_id x = hand_id('x');
	uint32_t known = view_find(h->c, &x);
	if (known != NODE_NONE)
		h->gossip[0].id = hand_id('z');
	hand_deliver(h, 1);
	ck_assert_int_eq(hand_refused(h), MESSAGE_NODES_FULL);
	ck_assert_uint_eq(h->c->node_count, HAND_NODES);
	ck_assert_uint_gt(h->c->counters.nodes_full, 0);
	hand_free(h);
}
END_TEST

START_TEST(a_pong_heard_by_another_saves_a_ping)
{
	static const struct {
		const char *why;
		int64_t told_ms; /* relative to unix now */
		bool waiting, reported, own_cadence, failing, adopted;
	} cases[] = {
		{"later than ours",    -1000,           .adopted = true  },
		{"older than ours",    -8000          },
		{"as far ahead as may be",                 500, .adopted = true                 },
		{"too far ahead",                1500               },
		{"a ping waits",     -1000,                    .waiting = true},
		{"reported failing",    -1000,                   .reported = true    },
		{"told as failing",     -1000,                    .failing = true},
		{"we look for ourselves", -1000,                .own_cadence = true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hand *h = crowd_new(1);
		hand_primary(h, 'x', 0, 9); /* a voter, so that 1 is not alone */
		uint32_t x = 2;
		struct node *n = &h->c->nodes[x];
		h->facts.unix_ms = 1700000000500;
		n->pong_received_ms = h->facts.now_ms - 5000;
		n->ping_sent_ms = cases[i].waiting ? h->facts.now_ms : 0;
		h->c->config.ping_interval_ms = cases[i].own_cadence ? 100 : 0;
		struct bus_gossip *entry = hear(
			h, 'x', (uint16_t)(NODE_PRIMARY | (cases[i].failing ? NODE_PFAIL : 0)));
		entry->pong_received_s =
			(uint32_t)((h->facts.unix_ms + (uint64_t)cases[i].told_ms) / 1000);
		if (cases[i].reported) {
			hand_step(h, &(struct cluster_event){.kind = CLUSTER_LINK_ACCEPTED,
							     .link = 999});
			step_begin(h->c, &h->facts, h->out);
			failure_report(h->c, x, 1, h->out);
			step_end(h->c, h->out);
		}
		hand_deliver(h, 1);
		ck_assert_msg((n->pong_received_ms > h->facts.now_ms - 5000) == cases[i].adopted,
			      "%s", cases[i].why);
		ck_assert_uint_le(n->pong_received_ms, h->facts.now_ms);
		hand_free(h);
	}
}
END_TEST

START_TEST(a_failing_node_may_have_moved)
{
	static const struct {
		uint16_t ours, told;
		bool moved;
	} cases[] = {
		{NODE_PFAIL, 0,           true },
		{NODE_FAIL,  0,           true },
		{0,          0,           false},
		{NODE_FAIL,  NODE_PFAIL,  false},
		{NODE_FAIL,  NODE_NOADDR, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hand *h = crowd_new(1);
		uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
		hand_replica(h, 'm', x);
		hand_settle(h);
		failure_set_flags(h->c, x, cases[i].ours);
		bus_link before = h->c->nodes[x].out;
		hear(h, 'x', (uint16_t)(NODE_PRIMARY | cases[i].told));
		hand_deliver(h, 1);
		bool moved = strcmp(h->c->nodes[x].ip, "10.9.9.9") == 0;
		ck_assert(moved == cases[i].moved);
		ck_assert((hand_traced(h, TRACE_ADDRESS_CHANGED) != NULL) == moved);
		ck_assert((hand_find(h, EFFECT_ROLE, 0) != NULL) ==
			  moved); /* it is our primary: Valkey 8 */
		ck_assert((hand_find(h, EFFECT_CLOSE, 0) != NULL) == moved);
		ck_assert(!moved || hand_find(h, EFFECT_CLOSE, 0)->link == before);
		hand_free(h);
	}
}
END_TEST

START_TEST(names_are_taken_and_cleared)
{
	struct hand *h = crowd_new(1);
	hand_frame(h, BUS_PING, 1)->message_flags = BUS_EXT_DATA;
	h->msg.ping.extensions = BUS_EXT_HOSTNAME | BUS_EXT_NODENAME;
	memset(h->msg.ping.hostname, 'h', BUS_NAME_MAX);
	memcpy(h->msg.ping.nodename, "node", 5);
	hand_deliver(h, 1);
	ck_assert_uint_eq(strlen(h->c->nodes[1].hostname), BUS_NAME_MAX - 1);
	ck_assert_str_eq(h->c->nodes[1].nodename, "node");
	ck_assert(hand_flagged(h, 1, NODE_EXTENSIONS));
	hand_frame(h, BUS_PING, 1);
	hand_deliver(h, 1);
	ck_assert_str_eq(h->c->nodes[1].hostname, "");
	hand_free(h);
}
END_TEST

START_TEST(what_others_forgot_is_forgotten)
{
	struct hand *h = crowd_new(2);
	uint32_t x = hand_add(h, 'x', NODE_PRIMARY);
	hand_frame(h, BUS_PING, 1)->message_flags = BUS_EXT_DATA;
	h->msg.ping.extensions = BUS_EXT_FORGOTTEN;
	h->msg.ping.forgotten_count = 4;
	h->msg.ping.forgotten[0] = (struct bus_forgotten){.id = h->c->nodes[x].id, .ttl_s = 30};
	h->msg.ping.forgotten[1] =
		(struct bus_forgotten){.id = h->c->nodes[0].id, .ttl_s = 30}; /* ourselves: no */
	h->msg.ping.forgotten[2] =
		(struct bus_forgotten){.id = h->c->nodes[1].id, .ttl_s = 30}; /* the teller: no */
	h->msg.ping.forgotten[3] =
		(struct bus_forgotten){.id = h->c->nodes[2].id, .ttl_s = 0}; /* no longer: no */
	hand_deliver(h, 1);
	ck_assert_uint_eq(h->c->node_count, 3);
	struct node_id id = hand_id('x');
	ck_assert_uint_eq(view_find(h->c, &id), NODE_NONE);
	ck_assert(forget_is_banned(h->c, &id));
	/* And told on, with what is left of the time. */
	h->c->nodes[1].flags |= NODE_EXTENSIONS;
	h->facts.now_ms += 1500;
	hand_frame(h, BUS_PING, 1)->message_flags = BUS_EXT_DATA;
	hand_deliver(h, 1);
	const struct bus_ping *pong = &hand_sent(h, BUS_PONG)->msg->ping;
	ck_assert_uint_eq(pong->forgotten_count, 1);
	ck_assert_uint_eq(pong->forgotten[0].ttl_s, 28);
	ck_assert_uint_eq(pong->extensions, BUS_EXT_FORGOTTEN | BUS_EXT_SHARD_ID);
	hand_free(h);
}
END_TEST

START_TEST(extensions_go_to_those_who_showed_the_bit)
{
	struct hand *h = crowd_new(2);
	memcpy(cluster_config(h->c)->hostname, "me.example", 11);
	hand_frame(h, BUS_PING, 1);
	hand_deliver(h, 1);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->msg->ping.extensions, 0);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->msg->head.message_flags, BUS_EXT_DATA);
	hand_frame(h, BUS_PING, 1)->message_flags = BUS_EXT_DATA;
	hand_deliver(h, 1); /* the answer was on its way before the bit was seen */
	hand_deliver(h, 1);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->msg->ping.extensions,
			  BUS_EXT_HOSTNAME | BUS_EXT_SHARD_ID);
	ck_assert_str_eq(hand_sent(h, BUS_PONG)->msg->ping.hostname, "me.example");
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES("gossip", a_section_is_a_tenth_but_three_and_never_all,
			 some_nodes_are_not_worth_telling, everybody_suspected_is_told_last,
			 times_are_told_as_unix_seconds, a_node_heard_of_is_added_as_it_was_told,
			 a_node_without_address_or_banned_is_not_added,
			 a_section_with_an_invalid_id_is_refused_whole, a_full_table_takes_nobody,
			 a_pong_heard_by_another_saves_a_ping, a_failing_node_may_have_moved,
			 names_are_taken_and_cleared, what_others_forgot_is_forgotten,
			 extensions_go_to_those_who_showed_the_bit);
}
