/* tests/unit/cluster/test_nodes_file.c - nodes.conf: golden files of four versions, the round trip, damage of every kind. */
#include "cluster/nodes_file.h"

#include <stdio.h>

#include "cluster/failure.h"
#include "tests/unit/cluster/reply.h"
#include "tests/unit/runner.h"

#define TEXT_MAX  (256u * 1024)
#define NODES_MAX 16
#define NOW       1000 /* of view_new() */
#define LATER     5000 /* when it is written */
#define A40       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40       "cccccccccccccccccccccccccccccccccccccccc"
#define S40       "5555555555555555555555555555555555555555"
#define VARS      "vars currentEpoch 9 lastVoteEpoch 7\n"

static const char *const versions[] = {"redis-7.0.15", "redis-7.2.6", "valkey-8.1.7",
				       "valkey-9.1.0"};

static const struct cluster_config config = {
	.port = 17201, .cport = 27201, .hostname = "own.example", .nodename = "own"};
static const struct cluster_facts facts = {.now_ms = LATER, .unix_ms = 1795350813889};

struct file {
	size_t len;
	char text[TEXT_MAX];
};

static struct file file;

static struct span
golden(const char *version, unsigned node)
{
	char path[512];
	snprintf(path, sizeof(path), GOLDEN_NODES "/%s-1720%u.conf", version, node);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	file.len = fread(file.text, 1, TEXT_MAX, f);
	fclose(f);
	return (struct span){(const uint8_t *)file.text, file.len};
}

static enum nodes_file_status
read_text(struct cluster *c, struct span text, uint32_t *line)
{
	enum nodes_file_status status = nodes_file_read(c, text, line);
	if (status == NODES_FILE_OK)
		cluster_check(c);
	return status;
}

static void
read_ok(struct cluster *c, struct span text)
{
	uint32_t line;
	enum nodes_file_status status = read_text(c, text, &line);
	ck_assert_msg(status == NODES_FILE_OK, "line %u: %s", line, nodes_file_status_text(status));
}

static struct span
write_text(const struct cluster *c)
{
	static char text[TEXT_MAX];
	size_t len = nodes_file_write(c, &facts, text, sizeof(text));
	ck_assert_uint_le(len, sizeof(text));
	ck_assert_uint_eq(len, nodes_file_write(c, &facts, NULL, 0));
	return (struct span){(const uint8_t *)text, len};
}

static void
assert_same_view(const struct cluster *a, const struct cluster *b)
{
	ck_assert_uint_eq(a->node_count, b->node_count);
	for (uint32_t i = 0; i < a->high; i++) {
		const struct node *m = &a->nodes[i];
		uint32_t j = view_find(b, &m->id);
		ck_assert_uint_ne(j, NODE_NONE);
		const struct node *n = &b->nodes[j];
		ck_assert_str_eq(m->ip, n->ip);
		ck_assert_str_eq(m->hostname, n->hostname);
		ck_assert_str_eq(m->nodename, n->nodename);
		ck_assert_mem_eq(&m->shard_id, &n->shard_id, sizeof(m->shard_id));
		ck_assert_uint_eq(m->port, n->port);
		ck_assert_uint_eq(m->cport, n->cport);
		ck_assert_uint_eq(m->flags, n->flags);
		ck_assert_uint_eq(m->config_epoch, n->config_epoch);
		ck_assert_mem_eq(&m->slots, &n->slots, sizeof(m->slots));
		ck_assert_uint_eq(m->primary != NODE_NONE, n->primary != NODE_NONE);
		if (m->primary != NODE_NONE)
			ck_assert(
				node_id_equal(&a->nodes[m->primary].id, &b->nodes[n->primary].id));
	}
	unsigned wrong = 0; /* one check for all slots: a ck_assert() costs a write */
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		wrong += (a->migrating_to[s] != NODE_NONE) != (b->migrating_to[s] != NODE_NONE);
		wrong += (a->importing_from[s] != NODE_NONE) != (b->importing_from[s] != NODE_NONE);
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_mem_eq(&a->durable.slots, &b->durable.slots, sizeof(a->durable.slots));
	ck_assert_uint_eq(a->durable.current_epoch, b->durable.current_epoch);
	ck_assert_uint_eq(a->durable.last_vote_epoch, b->durable.last_vote_epoch);
	ck_assert_uint_eq(a->durable.config_epoch, b->durable.config_epoch);
	ck_assert(node_id_equal(&a->durable.replica_of, &b->durable.replica_of));
}

/* ---- golden files ---- */

START_TEST(every_golden_file_loads)
{
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++)
		for (unsigned node = 1; node <= 6; node++) {
			struct cluster *c = view_new(NODES_MAX, &config);
			read_ok(c, golden(versions[v], node));
			free(c);
		}
}
END_TEST

START_TEST(a_golden_file_says_who_owns_what)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, golden("redis-7.2.6", 1));
	ck_assert_uint_eq(c->node_count, 5);
	ck_assert_mem_eq(c->nodes[0].id.bytes, "f87e3d436cc15fd5f8bd7e652f641dc0079abb95",
			 NODE_ID_LEN);
	ck_assert_mem_eq(c->nodes[0].shard_id.bytes, "4a704287ae6fcf69ab23145432596565496d5a38",
			 NODE_ID_LEN);
	ck_assert_uint_eq(c->nodes[0].slot_count, 5461);
	ck_assert_uint_eq(c->nodes[0].config_epoch, 10);
	ck_assert_uint_eq(c->durable.current_epoch, 10);
	ck_assert_uint_eq(c->durable.last_vote_epoch, 7);
	ck_assert_uint_eq(c->owner[5460], 0);
	struct node_id id;
	memcpy(id.bytes, "dba9e7d852abe71ec85b35e0414110fc40a36394", NODE_ID_LEN);
	uint32_t other = view_find(c, &id);
	ck_assert_uint_eq(c->owner[5461], other);
	ck_assert_uint_eq(c->owner[10923], other);
	ck_assert_str_eq(c->nodes[other].hostname, "host17204.example");
	ck_assert_str_eq(c->nodes[other].ip, "127.0.0.1");
	ck_assert_uint_eq(c->nodes[other].cport, 27204);
	ck_assert_uint_eq(c->nodes[other].pong_received_ms, NOW);
	ck_assert_uint_eq(c->nodes[other].ping_sent_ms, 0);
	free(c);
}
END_TEST

START_TEST(a_replica_speaks_for_its_primary)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, golden("valkey-9.1.0", 6));
	ck_assert(!node_is_primary(&c->nodes[0]));
	ck_assert_uint_eq(c->nodes[0].config_epoch, 0);
	ck_assert_uint_eq(c->durable.config_epoch, 3);
	ck_assert_mem_eq(c->durable.replica_of.bytes, "04352ed98901ea782e121b4f77c6d428f304e82b",
			 NODE_ID_LEN);
	ck_assert(slot_bitmap_has(&c->durable.slots, 10924));
	ck_assert(!slot_bitmap_has(&c->durable.slots, 10923));
	free(c);
}
END_TEST

START_TEST(what_is_written_reads_as_the_same)
{
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++)
		for (unsigned node = 1; node <= 6; node++) {
			struct cluster *a = view_new(NODES_MAX, &config);
			struct cluster *b = view_new(NODES_MAX, &config);
			read_ok(a, golden(versions[v], node));
			read_ok(b, write_text(a));
			assert_same_view(a, b);
			free(a);
			free(b);
		}
}
END_TEST

/* ---- what the configuration decides, and what it does not ---- */

static const char two_nodes[] =
	A40 " 10.0.0.1:7000@17000,old.example myself,master - 0 0 3 connected 0-10 12 [5->-" B40
	    "] [13-<-" B40 "]\n" B40
	    " ::1:7001@17001 master,fail? - 1700000000000 1700000000000 4 connected 13\n"
	    "vars shard-id:" B40 " " S40 "\nvars nodename:" B40 " second\n" VARS;

START_TEST(our_ports_and_names_are_those_of_the_configuration)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(two_nodes));
	ck_assert_uint_eq(c->nodes[0].port, 17201);
	ck_assert_uint_eq(c->nodes[0].cport, 27201);
	ck_assert_str_eq(c->nodes[0].hostname, "own.example");
	ck_assert_str_eq(c->nodes[0].ip,
			 "10.0.0.1"); /* nothing is announced: what was learned stays */
	free(c);
	struct cluster_config announced = config;
	strcpy(announced.ip, "10.9.9.9");
	c = view_new(NODES_MAX, &announced);
	read_ok(c, span_of(two_nodes));
	ck_assert_str_eq(c->nodes[0].ip, "10.9.9.9");
	free(c);
}
END_TEST

START_TEST(open_slots_names_and_failures_are_read)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(two_nodes));
	ck_assert_uint_eq(c->migrating_to[5], 1);
	ck_assert_uint_eq(c->importing_from[13], 1);
	ck_assert_uint_eq(c->owner[13], 1);
	ck_assert_uint_eq(c->owner[11], NODE_NONE);
	ck_assert_str_eq(c->nodes[1].ip, "::1");
	ck_assert_str_eq(c->nodes[1].nodename, "second");
	ck_assert_mem_eq(c->nodes[1].shard_id.bytes, S40, NODE_ID_LEN);
	ck_assert_uint_eq(c->nodes[1].flags, NODE_PRIMARY | NODE_PFAIL);
	ck_assert_uint_eq(c->nodes[1].ping_sent_ms, NOW);
	free(c);
}
END_TEST

START_TEST(the_text_is_written_as_redis_7_0_would)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(two_nodes));
	memcpy(c->nodes[0].shard_id.bytes, C40, NODE_ID_LEN);
	c->nodes[0].nodename[0] = '\0';
	view_set_owner(c, 13, NODE_NONE);
	view_set_role(c, 1, true, 0);
	failure_set_flags(c, 1, NODE_FAIL);
	c->nodes[1].flags |= NODE_NOADDR | NODE_NOFAILOVER;
	c->nodes[1].out_up = true;
	c->nodes[1].pong_received_ms = LATER - 5;
	struct span text = write_text(c);
	const char expected[] =
		A40 " 10.0.0.1:17201@27201,own.example myself,master - 0 0 3 connected 0-10 12 "
		    "[5->-" B40 "] [13-<-" B40 "]\nvars shard-id:" A40 " " C40 "\n" B40
		    " ::1:7001@17001 slave,fail,noaddr,nofailover " A40
		    " 1795350809889 1795350813884 3 connected\nvars shard-id:" B40 " " S40
		    "\nvars nodename:" B40 " second\n" VARS;
	ck_assert_msg(span_equal(text, span_of(expected)), "%.*s", (int)text.len,
		      (const char *)text.at);
	free(c);
}
END_TEST

START_TEST(nodes_in_handshake_are_not_written)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(two_nodes));
	struct node_id id = id_of('d');
	size_t before = write_text(c).len;
	ck_assert_uint_ne(view_add(c, &id, NODE_HANDSHAKE | NODE_MEET), NODE_NONE);
	ck_assert_uint_eq(write_text(c).len, before);
	free(c);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_says_what_is_needed)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(two_nodes));
	struct span whole = write_text(c);
	for (size_t size = 0; size <= whole.len; size++) {
		char *buffer = malloc(size + 1);
		buffer[size] = '#';
		ck_assert_uint_eq(nodes_file_write(c, &facts, buffer, size), whole.len);
		ck_assert_int_eq(buffer[size], '#');
		ck_assert_mem_eq(buffer, whole.at, size);
		free(buffer);
	}
	free(c);
}
END_TEST

START_TEST(every_slot_owned_alone_survives)
{
	struct cluster *a = view_new(NODES_MAX, &config), *b = view_new(NODES_MAX, &config);
	read_ok(a, span_of(two_nodes));
	for (unsigned s = 0; s < SLOT_COUNT; s++)
		view_set_owner(a, (uint16_t)s, s % 2);
	read_ok(b, write_text(a));
	unsigned wrong = 0;
	for (unsigned s = 0; s < SLOT_COUNT; s++)
		wrong += b->owner[s] != s % 2;
	ck_assert_uint_eq(wrong, 0);
	free(a);
	free(b);
}
END_TEST

START_TEST(the_greatest_epoch_lifts_the_current_one)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(A40 " :1@2 myself,master - 0 0 12 connected\n" VARS));
	ck_assert_uint_eq(c->live.current_epoch, 12);
	free(c);
	c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(A40 " :1@2 myself,master - 0 0 1 connected\nvars currentEpoch 3 "
			       "lastVoteEpoch 5\n"));
	ck_assert_uint_eq(c->live.current_epoch, 5);
	free(c);
}
END_TEST

START_TEST(a_replica_without_a_shard_id_takes_its_primarys)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, span_of(A40 " :1@2 myself,slave " B40 " 0 0 4 connected\n" B40
			       " 1.2.3.4:1@2,,tls-port=0,shard-id=" S40
			       " master - 0 0 4 connected 1\n" VARS));
	ck_assert_mem_eq(c->nodes[0].shard_id.bytes, S40, NODE_ID_LEN);
	ck_assert_str_eq(c->nodes[1].hostname, "");
	free(c);
}
END_TEST

START_TEST(old_forms_and_padding_are_read)
{
	static const char text[] =
		"\n" A40 " 1.2.3.4:7000 myself,master - 0 0 1 connected \r\n\n" B40
		" 1.2.3.4:7001 noflags - 0 0 0 connected\nvars something 1\n" VARS "\n\n\0\0";
	struct cluster *c = view_new(NODES_MAX, &config);
	read_ok(c, (struct span){(const uint8_t *)text, sizeof(text) - 1});
	ck_assert_uint_eq(c->nodes[1].cport, 17001);
	ck_assert_uint_eq(c->nodes[1].flags, NODE_PRIMARY);
	free(c);
}
END_TEST

/* ---- damage ---- */

/* The view is only made anew when the refusal may have changed it. */
static void
refuse_every_prefix(struct span text)
{
	struct cluster *c = view_new(NODES_MAX, &config);
	for (size_t len = 0; len < text.len; len++) {
		uint32_t line;
		uint8_t *copy = malloc(len + 1);
		memcpy(copy, text.at, len);
		enum nodes_file_status status = read_text(c, (struct span){copy, len}, &line);
		free(copy);
		if (status == NODES_FILE_OK || (len == 0) != (status == NODES_FILE_EMPTY))
			ck_abort_msg("cut to %zu of %zu bytes: %s", len, text.len,
				     nodes_file_status_text(status));
		if (status == NODES_FILE_EMPTY || status == NODES_FILE_CUT_SHORT)
			continue;
		free(c);
		c = view_new(NODES_MAX, &config);
	}
	free(c);
}

START_TEST(a_file_cut_short_anywhere_is_refused)
{
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++)
		for (unsigned node = 1; node <= 6; node++)
			refuse_every_prefix(golden(versions[v], node));
	refuse_every_prefix(span_of(two_nodes));
}
END_TEST

START_TEST(a_changed_byte_never_asserts)
{
	static const char bytes[] = {'\0', '\n', ' ', ',', '-', '9', '\xff'};
	static char text[sizeof(two_nodes)];
	struct cluster *c = view_new(NODES_MAX, &config);
	unsigned refused = 0;
	for (size_t i = 0; i + 1 < sizeof(two_nodes); i++)
		for (size_t k = 0; k < sizeof(bytes); k++) {
			uint32_t line;
			memcpy(text, two_nodes, sizeof(text));
			text[i] = bytes[k];
			cluster_format(c, NODES_MAX, &config, 1, NOW);
			enum nodes_file_status status = read_text(
				c, (struct span){(const uint8_t *)text, sizeof(text) - 1}, &line);
			refused += status != NODES_FILE_OK;
		}
	ck_assert_uint_gt(refused, 1000);
	free(c);
}
END_TEST

#define ME A40 " 1.2.3.4:1@2 myself,master - 0 0 1 connected"

static const struct {
	const char *text;
	enum nodes_file_status status;
	uint32_t line;
} malformed[] = {
	{"",									   NODES_FILE_EMPTY,             0},
	{"\n\n",								       NODES_FILE_EMPTY,             0},
	{ME "\n",								      NODES_FILE_CUT_SHORT,         0},
	{VARS ME "\n",								 NODES_FILE_CUT_SHORT,         0},
	{ME "\nvars currentEpoch 9\n",						 NODES_FILE_CUT_SHORT,         0},
	{ME "\nvars currentEpoch 9 lastVoteEpoch 7",                                   NODES_FILE_CUT_SHORT,         0},
	{ME "\nvars currentEpoch 9 lastVoteEpoch\n",                                   NODES_FILE_BAD_VARS,          2},
	{ME "\nvars currentEpoch x lastVoteEpoch 7\n",                                 NODES_FILE_BAD_NUMBER,        2},
	{ME "\nvars currentEpoch 9 lastVoteEpoch -1\n",                                NODES_FILE_BAD_NUMBER,        2},
	{ME "\nvars shard-id:" B40 " " S40 "\n" VARS,                                  NODES_FILE_BAD_VARS,          2},
	{ME "\nvars shard-id:" A40 " 5\n" VARS,                                        NODES_FILE_BAD_FIELD,         2},
	{VARS,									 NODES_FILE_NO_MYSELF,         1},
	{"\n" A40 " 1.2.3.4:1@2 myself,master - 0 0 1\n" VARS,                         NODES_FILE_BAD_LINE,          2},
	{A40 "\n" VARS,								NODES_FILE_BAD_LINE,          1},
	{"ABC 1.2.3.4:1@2 myself,master - 0 0 1 connected\n" VARS,                     NODES_FILE_BAD_ID,            1},
	{ME "\nB" A40 " 1.2.3.4:1@2 master - 0 0 1 connected\n" VARS,                  NODES_FILE_BAD_ID,            2},
	{ME "\n" A40 " 1.2.3.4:1@2 master - 0 0 1 connected\n" VARS,                   NODES_FILE_NODE_TWICE,        2},
	{ME "\n" B40 " 1.2.3.4:1@2 myself,master - 0 0 1 connected\n" VARS,            NODES_FILE_MYSELF_TWICE,
	 2													    },
	{A40 " 1.2.3.4 myself,master - 0 0 1 connected\n" VARS,                        NODES_FILE_BAD_ADDRESS,       1},
	{A40 " 1.2.3.4:x@2 myself,master - 0 0 1 connected\n" VARS,                    NODES_FILE_BAD_ADDRESS,       1},
	{A40 " 1.2.3.4:1@65536 myself,master - 0 0 1 connected\n" VARS,                NODES_FILE_BAD_ADDRESS,       1},
	{A40 " 1.2.3.4:1@ myself,master - 0 0 1 connected\n" VARS,                     NODES_FILE_BAD_ADDRESS,       1},
	{A40 " 1.2.3.4:60000 myself,master - 0 0 1 connected\n" VARS,                  NODES_FILE_BAD_ADDRESS,       1},
	{A40 " 0123456789012345678901234567890123456789012345:1@2 myself,master - 0 0 1 "
	     "connected\n" VARS,
	 NODES_FILE_BAD_ADDRESS,										     1},
	{A40 " 1.2.3.4:1@2,h,shard-id=x myself,master - 0 0 1 connected\n" VARS,
	 NODES_FILE_BAD_FIELD,										       1},
	{A40 " 1.2.3.4:1@2 myself,master,odd - 0 0 1 connected\n" VARS,                NODES_FILE_BAD_FLAG,          1},
	{A40 " 1.2.3.4:1@2 myself,master,slave - 0 0 1 connected\n" VARS,              NODES_FILE_BAD_ROLE,          1},
	{A40 " 1.2.3.4:1@2 myself - 0 0 1 connected\n" VARS,                           NODES_FILE_BAD_ROLE,          1},
	{A40 " 1.2.3.4:1@2 myself,slave " A40 " 0 0 1 connected\n" VARS,               NODES_FILE_BAD_PRIMARY,       1},
	{A40 " 1.2.3.4:1@2 myself,slave 123 0 0 1 connected\n" VARS,                   NODES_FILE_BAD_PRIMARY,       1},
	{ME "\n" B40 " 1.2.3.4:1@2 master " A40 " 0 0 1 connected\n" VARS,             NODES_FILE_BAD_PRIMARY,
	 2													    },
	{A40 " 1.2.3.4:1@2 myself,slave " B40 " 0 0 1 connected\n" VARS,               NODES_FILE_UNKNOWN_PRIMARY,
	 1													    },
	{A40 " 1.2.3.4:1@2 myself,master - x 0 1 connected\n" VARS,                    NODES_FILE_BAD_NUMBER,        1},
	{A40 " 1.2.3.4:1@2 myself,master - 0 -1 1 connected\n" VARS,                   NODES_FILE_BAD_NUMBER,        1},
	{A40 " 1.2.3.4:1@2 myself,master - 0 0 99999999999999999999 connected\n" VARS,
	 NODES_FILE_BAD_NUMBER,										      1},
	{ME " 16384\n" VARS,							   NODES_FILE_BAD_SLOT,          1},
	{ME " 5-4\n" VARS,							     NODES_FILE_BAD_SLOT,          1},
	{ME " 5-\n" VARS,							      NODES_FILE_BAD_SLOT,          1},
	{ME " -5\n" VARS,							      NODES_FILE_BAD_SLOT,          1},
	{ME " 5-16384\n" VARS,							 NODES_FILE_BAD_SLOT,          1},
	{ME " 5 4-6\n" VARS,							   NODES_FILE_SLOT_TWICE,        1},
	{A40 " 1.2.3.4:1@2 myself,slave - 0 0 1 connected 5\n" VARS,                   NODES_FILE_SLOT_OF_REPLICA,   1},
	{ME " [5->-" A40 "\n" VARS,						    NODES_FILE_BAD_OPEN_SLOT,     1},
	{ME " [5=>-" A40 "]\n" VARS,						   NODES_FILE_BAD_OPEN_SLOT,     1},
	{ME " [16384->-" A40 "]\n" VARS,					       NODES_FILE_BAD_OPEN_SLOT,     1},
	{ME " [\n" VARS,							       NODES_FILE_BAD_OPEN_SLOT,     1},
	{ME " [5->-\n" VARS,							   NODES_FILE_BAD_OPEN_SLOT,     1},
	{ME "\n" B40 " 1.2.3.4:1@2 master - 0 0 1 connected [5->-" A40 "]\n" VARS,
	 NODES_FILE_BAD_OPEN_SLOT,										   2},
	{ME " [5->-" B40 "]\n" VARS,						   NODES_FILE_UNKNOWN_OPEN_NODE, 1},
};

START_TEST(each_damage_has_its_word_and_line)
{
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		struct cluster *c = view_new(NODES_MAX, &config);
		uint32_t line;
		enum nodes_file_status status = read_text(c, span_of(malformed[i].text), &line);
		ck_assert_msg(status == malformed[i].status, "%s\nanswers %s", malformed[i].text,
			      nodes_file_status_text(status));
		ck_assert_msg(line == malformed[i].line, "%s\nline %u", malformed[i].text, line);
		free(c);
	}
}
END_TEST

START_TEST(more_nodes_than_places_are_refused)
{
	struct cluster *c = view_new(2, &config);
	uint32_t line;
	ck_assert_int_eq(read_text(c,
				   span_of(ME "\n" B40 " 1.2.3.4:1@2 master - 0 0 1 connected\n" C40
					      " 1.2.3.4:1@2 master - 0 0 1 connected\n" VARS),
				   &line),
			 NODES_FILE_TOO_MANY_NODES);
	ck_assert_uint_eq(line, 3);
	free(c);
}
END_TEST

START_TEST(every_status_has_words)
{
	for (unsigned s = 0; s < NODES_FILE_STATUS_COUNT; s++)
		ck_assert_ptr_nonnull(nodes_file_status_text((enum nodes_file_status)s));
}
END_TEST

int
main(void)
{
	return RUN_CASES("nodes_file", every_golden_file_loads, a_golden_file_says_who_owns_what,
			 a_replica_speaks_for_its_primary, what_is_written_reads_as_the_same,
			 our_ports_and_names_are_those_of_the_configuration,
			 open_slots_names_and_failures_are_read,
			 the_text_is_written_as_redis_7_0_would, nodes_in_handshake_are_not_written,
			 a_buffer_that_is_too_small_says_what_is_needed,
			 every_slot_owned_alone_survives, the_greatest_epoch_lifts_the_current_one,
			 a_replica_without_a_shard_id_takes_its_primarys,
			 old_forms_and_padding_are_read, a_file_cut_short_anywhere_is_refused,
			 a_changed_byte_never_asserts, each_damage_has_its_word_and_line,
			 more_nodes_than_places_are_refused, every_status_has_words);
}
