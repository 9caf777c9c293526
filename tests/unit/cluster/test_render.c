/* tests/unit/cluster/test_render.c - what clients read of the view, in RESP2 and RESP3. The expected texts were compared with
 * those of a Redis 7.0.15 in the same state (tests/diff/cluster_commands.py does that with a live one).
 */
#include "cluster/render.h"

#include <stdio.h>

#include "cluster/failure.h"
#include "cluster/node_line.h"
#include "tests/unit/cluster/reply.h"
#include "tests/unit/runner.h"

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40 "cccccccccccccccccccccccccccccccccccccccc"
#define D40 "dddddddddddddddddddddddddddddddddddddddd"
#define E40 "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

#define LINE_A                                                                                     \
	A40 " 10.0.0.1:7001@17001 myself,master - 0 0 4 connected 0-2 [1->-" B40 "] [9-<-" B40 "]"
#define LINE_B B40 " 10.0.0.2:7002@17002,b.example master - 0 1000000000900 5 connected 3 5"
#define LINE_C C40 " 10.0.0.3:7003@17003 slave " A40 " 1000000000500 0 4 disconnected"
#define LINE_D D40 " 10.0.0.4:7004@17004,d.example slave,fail " B40 " 0 0 5 disconnected"
#define LINE_E E40 " 10.0.0.5:7005@17005 handshake - 0 0 0 disconnected"

static const struct cluster_facts facts = {.now_ms = 2000, .unix_ms = 1000000001000, .offset = 77};
static struct reply reply;

static uint32_t
add(struct cluster *c, char name, uint16_t flags)
{
	uint32_t node = 0;
	struct node_id id = id_of(name);
	if ((flags & NODE_MYSELF) != 0)
		view_rename(c, 0, &id);
	else
		node = view_add(c, &id, flags);
	struct node *n = &c->nodes[node];
	unsigned number = (unsigned)(name - 'a' + 1);
	snprintf(n->ip, sizeof(n->ip), "10.0.0.%u", number);
	n->port = (uint16_t)(7000 + number);
	n->cport = (uint16_t)(17000 + number);
	return node;
}

/* a: we, with slots and open slots; b: a peer with a host name; c: our replica, without data; d: b's, failed; e: a stranger */
static struct cluster *
five_nodes(enum endpoint_type endpoint)
{
	struct cluster_config config = {.preferred_endpoint = endpoint};
	struct cluster *c = view_new(16, &config);
	add(c, 'a', NODE_MYSELF);
	uint32_t b = add(c, 'b', NODE_PRIMARY), replica = add(c, 'c', NODE_REPLICA);
	uint32_t d = add(c, 'd', NODE_REPLICA);
	add(c, 'e', NODE_HANDSHAKE | NODE_MEET);
	view_set_role(c, replica, true, 0);
	view_set_role(c, d, true, b);
	failure_set_flags(c, d, NODE_FAIL);
	for (uint16_t slot = 0; slot < 3; slot++)
		view_set_owner(c, slot, 0);
	view_set_owner(c, 3, b);
	view_set_owner(c, 5, b);
	c->migrating_to[1] = b;
	c->importing_from[9] = b;
	c->nodes[0].config_epoch = 4;
	c->nodes[b].config_epoch = 5;
	c->live.current_epoch = 6;
	strcpy(c->nodes[b].hostname, "b.example");
	strcpy(c->nodes[d].hostname, "d.example");
	c->nodes[b].offset = 100;
	c->nodes[d].offset = 90;
	c->nodes[b].pong_received_ms = 1900;
	c->nodes[replica].ping_sent_ms = 1500;
	c->now_ms = 1600;
	view_set_out(c, b, 2);
	c->nodes[b].out_up = true;
	return c;
}

typedef void (*render_function)(const struct cluster *c, const struct cluster_facts *facts,
				struct resp_writer *w);

static void
expect(const struct cluster *c, render_function render, uint8_t protocol, const char *expected)
{
	reply_begin(&reply, protocol);
	render(c, &facts, &reply.w);
	ck_assert_str_eq(reply_text(&reply), expected);
}

/* "$<len>" CRLF text CRLF, or verbatim. */
static void
expect_text(const struct cluster *c, render_function render, const char *text)
{
	static char expected[8192];
	snprintf(expected, sizeof(expected), "$%zu\r\n%s\r\n", strlen(text), text);
	expect(c, render, 2, expected);
	snprintf(expected, sizeof(expected), "=%zu\r\ntxt:%s\r\n", strlen(text) + 4, text);
	expect(c, render, 3, expected);
}

START_TEST(nodes_are_a_line_each)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	expect_text(c, render_nodes, LINE_A "\n" LINE_B "\n" LINE_C "\n" LINE_D "\n" LINE_E "\n");
	free(c);
}
END_TEST

START_TEST(flags_have_names_and_none_has_one_too)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	static const struct {
		uint16_t flags;
		const char *text;
	} cases[] = {
		{0,						"noflags"                },
		{NODE_PRIMARY | NODE_PFAIL,                        "master,fail?"           },
		{NODE_REPLICA | NODE_NOADDR | NODE_NOFAILOVER,     "slave,noaddr,nofailover"},
		{NODE_PRIMARY | NODE_MIGRATE_TO | NODE_EXTENSIONS, "master"                 },
		{NODE_HANDSHAKE | NODE_MEET,                       "handshake"              },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node n = c->nodes[1];
		char text[1024] = {0};
		struct text t = text_buffer(text, sizeof(text) - 1);
		n.flags = cases[i].flags;
		node_line(&t, c, &n, &facts);
		const char *at = strstr(text, ",b.example ") + strlen(",b.example ");
		ck_assert_uint_eq(strcspn(at, " "), strlen(cases[i].text));
		ck_assert_mem_eq(at, cases[i].text, strlen(cases[i].text));
	}
	free(c);
}
END_TEST

START_TEST(an_instant_before_1970_is_none)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	struct cluster_facts young = {.now_ms = 2000, .unix_ms = 50};
	char text[4096] = {0};
	struct text t = text_buffer(text, sizeof(text) - 1);
	c->nodes[1].pong_received_ms = 1900;
	node_line(&t, c, &c->nodes[1], &young);
	ck_assert_ptr_nonnull(strstr(text, " master - 0 0 5 "));
	free(c);
}
END_TEST

START_TEST(info_counts_slots_nodes_and_messages)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	c->health.ok = true;
	c->counters.sent[BUS_PING] = 7;
	c->counters.sent[BUS_AUTH_REQUEST] = 1;
	c->counters.received[BUS_PONG] = 6;
	c->counters.received[BUS_PUBLISH_SHARD] = 2;
	expect_text(
		c, render_info,
		"cluster_state:ok\r\ncluster_slots_assigned:5\r\ncluster_slots_ok:5\r\n"
		"cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:5\r\n"
		"cluster_size:2\r\ncluster_current_epoch:6\r\ncluster_my_epoch:4\r\n"
		"cluster_stats_messages_ping_sent:7\r\ncluster_stats_messages_auth-req_sent:1\r\n"
		"cluster_stats_messages_sent:8\r\ncluster_stats_messages_pong_received:6\r\n"
		"cluster_stats_messages_publishshard_received:2\r\n"
		"cluster_stats_messages_received:8\r\n"
		"total_cluster_links_buffer_limit_exceeded:0\r\n");
	free(c);
}
END_TEST

START_TEST(info_tells_failing_owners_apart)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	static const struct {
		uint16_t flag;
		const char *text;
	} cases[] = {
		{NODE_PFAIL,
		 "cluster_slots_ok:3\r\ncluster_slots_pfail:2\r\ncluster_slots_fail:0\r\n"},
		{NODE_FAIL,
		 "cluster_slots_ok:3\r\ncluster_slots_pfail:0\r\ncluster_slots_fail:2\r\n"},
	};
	for (size_t i = 0; i < 2; i++) {
		failure_set_flags(c, 1, cases[i].flag);
		reply_begin(&reply, 2);
		render_info(c, &facts, &reply.w);
		ck_assert_ptr_nonnull(strstr(reply_text(&reply), cases[i].text));
		ck_assert_ptr_nonnull(strstr(reply_text(&reply), "cluster_state:fail\r\n"));
	}
	free(c);
}
END_TEST

START_TEST(a_replica_shows_its_primarys_epoch)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	for (uint16_t slot = 0; slot < 3; slot++)
		view_set_owner(c, slot, NODE_NONE);
	view_set_role(c, 0, true, 1);
	reply_begin(&reply, 2);
	render_info(c, &facts, &reply.w);
	ck_assert_ptr_nonnull(strstr(reply_text(&reply), "cluster_my_epoch:5\r\n"));
	free(c);
}
END_TEST

START_TEST(replicas_are_lines_without_an_end)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	char expected[1024];
	reply_begin(&reply, 3);
	render_replicas(c, 1, &facts, &reply.w);
	snprintf(expected, sizeof(expected), "*1\r\n$%zu\r\n%s\r\n", strlen(LINE_D), LINE_D);
	ck_assert_str_eq(reply_text(&reply), expected);
	reply_begin(&reply, 2);
	render_replicas(c, 4, &facts, &reply.w);
	ck_assert_str_eq(reply_text(&reply), "*0\r\n");
	free(c);
}
END_TEST

/* ---- SLOTS ---- */

#define SERVER(ip, port, id) "*4\r\n$8\r\n" ip "\r\n:" port "\r\n$40\r\n" id "\r\n"

START_TEST(slots_are_runs_with_the_replicas_that_have_data)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	expect(c, render_slots, 2,
	       "*3\r\n"
	       "*3\r\n:0\r\n:2\r\n" SERVER(
		       "10.0.0.1", "7001",
		       A40) "*0\r\n"
			    "*3\r\n:3\r\n:3\r\n" SERVER(
				    "10.0.0.2", "7002",
				    B40) "*2\r\n$8\r\nhostname\r\n$9\r\nb.example\r\n"
					 "*3\r\n:5\r\n:5\r\n" SERVER(
						 "10.0.0.2", "7002",
						 B40) "*2\r\n$8\r\nhostname\r\n$9\r\nb."
						      "example\r\n");
	c->nodes[2].offset = 1; /* c has data now */
	expect(c, render_slots, 3,
	       "*3\r\n"
	       "*4\r\n:0\r\n:2\r\n" SERVER("10.0.0.1", "7001", A40) "%0\r\n" SERVER(
		       "10.0.0.3", "7003",
		       C40) "%0\r\n"
			    "*3\r\n:3\r\n:3\r\n" SERVER(
				    "10.0.0.2", "7002",
				    B40) "%1\r\n$8\r\nhostname\r\n$9\r\nb.example\r\n"
					 "*3\r\n:5\r\n:5\r\n" SERVER(
						 "10.0.0.2", "7002",
						 B40) "%1\r\n$8\r\nhostname\r\n$9\r\nb."
						      "example\r\n");
	free(c);
}
END_TEST

START_TEST(slots_of_nobody_are_an_empty_array)
{
	struct cluster_config config = {0};
	struct cluster *c = view_new(16, &config);
	expect(c, render_slots, 2, "*0\r\n");
	free(c);
}
END_TEST

START_TEST(the_last_slot_ends_the_last_run)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	for (uint16_t slot = 0; slot < SLOT_COUNT; slot++)
		view_set_owner(c, slot, 0);
	expect(c, render_slots, 2,
	       "*1\r\n*3\r\n:0\r\n:16383\r\n" SERVER("10.0.0.1", "7001", A40) "*0\r\n");
	free(c);
}
END_TEST

START_TEST(host_names_are_preferred_on_demand)
{
	struct cluster *c = five_nodes(ENDPOINT_HOSTNAME);
	view_set_owner(c, 5, NODE_NONE);
	expect(c, render_slots, 3,
	       "*2\r\n*3\r\n:0\r\n:2\r\n*4\r\n$1\r\n?\r\n:7001\r\n$40\r\n" A40
	       "\r\n%1\r\n$2\r\nip\r\n$8\r\n10.0.0.1\r\n"
	       "*3\r\n:3\r\n:3\r\n*4\r\n$9\r\nb.example\r\n:7002\r\n$40\r\n" B40
	       "\r\n%1\r\n$2\r\nip\r\n$8\r\n10.0.0.2\r\n");
	free(c);
}
END_TEST

START_TEST(an_unknown_endpoint_is_null)
{
	struct cluster *c = five_nodes(ENDPOINT_UNKNOWN);
	for (uint16_t slot = 0; slot < 3; slot++)
		view_set_owner(c, slot, NODE_NONE);
	view_set_owner(c, 5, NODE_NONE);
	expect(c, render_slots, 2,
	       "*1\r\n*3\r\n:3\r\n:3\r\n*4\r\n$-1\r\n:7002\r\n$40\r\n" B40
	       "\r\n*4\r\n$2\r\nip\r\n$8\r\n10.0.0.2\r\n$8\r\nhostname\r\n$9\r\nb.example\r\n");
	expect(c, render_slots, 3,
	       "*1\r\n*3\r\n:3\r\n:3\r\n*4\r\n_\r\n:7002\r\n$40\r\n" B40
	       "\r\n%2\r\n$2\r\nip\r\n$8\r\n10.0.0.2\r\n$8\r\nhostname\r\n$9\r\nb.example\r\n");
	free(c);
}
END_TEST

/* ---- SHARDS, LINKS ---- */

#define MEMBER(count, id, port, ip)                                                                \
	count "\r\n$2\r\nid\r\n$40\r\n" id "\r\n$4\r\nport\r\n:" port "\r\n$2\r\nip\r\n$8\r\n" ip  \
	      "\r\n$8\r\nendpoint\r\n$8\r\n" ip "\r\n"
#define REST(role_len, role, offset, health_len, health)                                           \
	"$4\r\nrole\r\n$" role_len "\r\n" role "\r\n$18\r\nreplication-offset\r\n:" offset         \
	"\r\n$6\r\nhealth\r\n$" health_len "\r\n" health "\r\n"

START_TEST(shards_are_primaries_with_their_replicas)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	expect(c, render_shards, 2,
	       "*2\r\n"
	       "*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:2\r\n$5\r\nnodes\r\n*2\r\n" MEMBER(
		       "*14", A40, "7001", "10.0.0.1") REST("6", "master", "77", "6", "online")
		       MEMBER("*14", C40, "7003", "10.0.0.3") REST("7", "replica", "0", "7", "loading") "*4\r\n$5\r\nslots\r\n*4\r\n:3\r\n:3\r\n:5\r\n:5\r\n$5\r\nnodes\r\n*2\r\n" MEMBER(
			       "*16", B40, "7002",
			       "10.0.0.2") "$8\r\nhostname\r\n$9\r\nb.example\r\n" REST("6",
											"master",
											"100", "6",
											"online")
			       MEMBER("*16", D40, "7004",
				      "10.0.0.4") "$8\r\nhostname\r\n$9\r\nd."
						  "example\r\n" REST("7", "replica", "90", "4",
								     "fail"));
	free(c);
}
END_TEST

START_TEST(shards_are_maps_in_resp3_and_show_a_tls_port)
{
	struct cluster_config config = {0};
	struct cluster *c = view_new(16, &config);
	add(c, 'a', NODE_MYSELF);
	c->nodes[0].port = 0;
	c->nodes[0].pport = 7443;
	expect(c, render_shards, 3,
	       "*1\r\n%2\r\n$5\r\nslots\r\n*0\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\n" A40
	       "\r\n$8\r\ntls-port\r\n:7443\r\n$2\r\nip\r\n$8\r\n10.0.0.1\r\n$8\r\nendpoint\r\n$"
	       "8\r\n10.0.0.1\r\n" REST("6", "master", "77", "6", "online"));
	free(c);
}
END_TEST

#define LINK(direction_len, direction, since, events_len, events)                                  \
	"$9\r\ndirection\r\n$" direction_len "\r\n" direction "\r\n$4\r\nnode\r\n$40\r\n" B40      \
	"\r\n$11\r\ncreate-time\r\n:" since "\r\n$6\r\nevents\r\n$" events_len "\r\n" events       \
	"\r\n$21\r\nsend-buffer-allocated\r\n:0\r\n$16\r\nsend-buffer-used\r\n:0\r\n"

START_TEST(links_are_told_in_both_directions)
{
	struct cluster *c = five_nodes(ENDPOINT_IP);
	view_set_in(c, 1, 7);
	expect(c, render_links, 2,
	       "*2\r\n*12\r\n" LINK("2", "to", "1000000000600", "1",
				    "r") "*12\r\n" LINK("4", "from", "1000000000000", "1", "r"));
	view_set_in(c, 1, 0);
	c->nodes[1].out_up = false;
	expect(c, render_links, 3, "*1\r\n%6\r\n" LINK("2", "to", "1000000000600", "0", ""));
	free(c);
}
END_TEST

/* ---- slot_range_next ---- */

/* Slots that a walk over ranges tells wrongly. One check per map: a ck_assert() costs a write. */
static unsigned
wrong_slots(const struct slot_bitmap *map)
{
	struct slot_range range;
	unsigned from = 0, wrong = 0;
	while (slot_range_next(map, from, &range)) {
		for (; from < range.first; from++)
			wrong += slot_bitmap_has(map, from);
		for (; from <= range.last; from++)
			wrong += !slot_bitmap_has(map, from);
		wrong += from < SLOT_COUNT && slot_bitmap_has(map, from);
	}
	for (; from < SLOT_COUNT; from++)
		wrong += slot_bitmap_has(map, from);
	return wrong;
}

START_TEST(ranges_are_those_of_a_walk_over_single_slots)
{
	struct prng prng;
	prng_seed(&prng, 42);
	for (unsigned round = 0; round < 100; round++) {
		struct slot_bitmap map = {{0}};
		for (unsigned i = 0; i < round * round; i++)
			slot_bitmap_set(&map, (unsigned)prng_below(&prng, SLOT_COUNT), true);
		ck_assert_uint_eq(wrong_slots(&map), 0);
		for (unsigned i = 0; i < sizeof(map.bytes); i++)
			map.bytes[i] = (uint8_t)~map.bytes[i];
		ck_assert_uint_eq(wrong_slots(&map), 0);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"render", nodes_are_a_line_each, flags_have_names_and_none_has_one_too,
		an_instant_before_1970_is_none, info_counts_slots_nodes_and_messages,
		info_tells_failing_owners_apart, a_replica_shows_its_primarys_epoch,
		replicas_are_lines_without_an_end, slots_are_runs_with_the_replicas_that_have_data,
		slots_of_nobody_are_an_empty_array, the_last_slot_ends_the_last_run,
		host_names_are_preferred_on_demand, an_unknown_endpoint_is_null,
		shards_are_primaries_with_their_replicas,
		shards_are_maps_in_resp3_and_show_a_tls_port, links_are_told_in_both_directions,
		ranges_are_those_of_a_walk_over_single_slots);
}
