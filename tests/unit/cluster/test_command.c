/* tests/unit/cluster/test_command.c - every CLUSTER subcommand: what it answers, what it changes, and each of its errors. That the words
 * are Redis's is shown by tests/diff/cluster_commands.py; here they are kept.
 */
#include "cluster/command.h"

#include <stdio.h>

#include "cluster/epoch.h"
#include "cluster/failure.h"
#include "cluster/render.h"
#include "tests/unit/cluster/reply.h"
#include "tests/unit/runner.h"

#define WORDS_MAX 16
#define A40       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40       "cccccccccccccccccccccccccccccccccccccccc"
#define F40       "ffffffffffffffffffffffffffffffffffffffff"
#define OK        "+OK\r\n"

static struct reply reply;
static struct effects effects;
static uint32_t keys[SLOT_COUNT];

static const struct cluster_config config = {
	.node_timeout_ms = 15000,
	.replica_validity_factor = 10,
	.manual_failover_timeout_ms = 5000,
	.blacklist_ttl_s = 60,
	.allow_replica_migration = true,
	.require_full_coverage = true,
	.port = 7000,
	.cport = 17000,
};

static struct cluster_facts
facts(void)
{
	return (struct cluster_facts){
		.now_ms = 5000, .unix_ms = 1000000000000, .data_alive = true, .slot_keys = keys};
}

/* Words apart by one blank; answers the reply in RESP2. */
static const char *
run(struct cluster *c, const char *line)
{
	struct span words[WORDS_MAX];
	uint32_t count = 0;
	while (*line != '\0' && count < WORDS_MAX) {
		size_t len = strcspn(line, " ");
		words[count++] = (struct span){(const uint8_t *)line, len};
		line += line[len] == ' ' ? len + 1 : len;
	}
	struct cluster_facts now = facts();
	reply_begin(&reply, 2);
	cluster_command(c, words, count, &now, &reply.w, &effects);
	cluster_check(c);
	return reply_text(&reply);
}

static bool
emitted(enum effect_kind kind)
{
	for (unsigned i = 0; i < effects.count; i++)
		if (effects.list[i].kind == kind)
			return true;
	return false;
}

/* The disk is quick: what is under way has landed. */
static void
persist_all(struct cluster *c)
{
	struct cluster_facts now = facts();
	while (c->flying_number != 0) {
		struct cluster_event event = {.kind = CLUSTER_PERSISTED,
					      .number = c->flying_number};
		cluster_step(c, &event, &now, &effects);
	}
}

static uint32_t
add(struct cluster *c, char name, uint16_t flags)
{
	struct node_id id = id_of(name);
	uint32_t node = view_add(c, &id, flags);
	snprintf(c->nodes[node].ip, sizeof(c->nodes[node].ip), "10.0.0.%u", node);
	return node;
}

/* a: we, owner of 0 to 9; b: a primary, owner of 10; c: b's replica. All saved. */
static struct cluster *
three_nodes(void)
{
	struct cluster *c = view_new(8, &config);
	struct node_id id = id_of('a');
	memset(keys, 0, sizeof(keys));
	view_rename(c, 0, &id);
	uint32_t b = add(c, 'b', NODE_PRIMARY), replica = add(c, 'c', NODE_REPLICA);
	view_set_role(c, replica, true, b);
	ck_assert_str_eq(run(c, "CLUSTER ADDSLOTSRANGE 0 9"), OK);
	view_set_owner(c, 10, b);
	persist_all(c);
	return c;
}

/* a: we, a replica of b */
static struct cluster *
replica_of_b(void)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER DELSLOTSRANGE 0 9"), OK);
	ck_assert_str_eq(run(c, "CLUSTER REPLICATE " B40), OK);
	persist_all(c);
	return c;
}

struct refused {
	const char *line, *error; /* without "-ERR " and the line's end */
};

/* N2: refused, and nothing has changed. */
static void
all_refused(struct cluster *c, const struct refused *cases, size_t count)
{
	static char before[16384], after[16384], expected[1024];
	struct cluster_facts now = facts();
	for (size_t i = 0; i < count; i++) {
		struct text a = text_buffer(before, sizeof(before)),
			    b = text_buffer(after, sizeof(after));
		render_nodes_text(&a, c, &now);
		snprintf(expected, sizeof(expected), "-ERR %s\r\n", cases[i].error);
		const char *got = run(c, cases[i].line);
		ck_assert_msg(strcmp(got, expected) == 0, "%s\nanswers %s", cases[i].line, got);
		ck_assert_msg(!emitted(EFFECT_PERSIST) && !emitted(EFFECT_SLOTS) &&
				      !emitted(EFFECT_ROLE),
			      "%s", cases[i].line);
		render_nodes_text(&b, c, &now);
		ck_assert_uint_eq(a.len, b.len);
		ck_assert_mem_eq(before, after, a.len);
	}
}

#define ALL_REFUSED(c, cases) all_refused(c, cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- words ---- */

START_TEST(unknown_words_and_wrong_numbers_of_them_are_refused)
{
	static const struct refused cases[] = {
		{"CLUSTER",                        "wrong number of arguments for 'cluster' command"                    },
		{"CLUSTER NoSuch 1 2",             "unknown subcommand 'NoSuch'. Try CLUSTER HELP."                     },
		{"CLUSTER KEYSLOT a",              "unknown subcommand 'KEYSLOT'. Try CLUSTER HELP."                    },
		{"CLUSTER NODES x",                "wrong number of arguments for 'cluster|nodes' command"              },
		{"CLUSTER Meet 1.2.3.4",           "wrong number of arguments for 'cluster|meet' command"               },
		{"CLUSTER meet 1.2.3.4 1 2 3",
		 "unknown subcommand or wrong number of arguments for 'meet'. Try CLUSTER HELP."                        },
		{"CLUSTER FAILOVER FORCE x",       "unknown subcommand or wrong number of arguments for "
					     "'FAILOVER'. Try CLUSTER HELP."},
		{"CLUSTER RESET HARD x",
		 "unknown subcommand or wrong number of arguments for 'RESET'. Try CLUSTER HELP."                       },
		{"CLUSTER ADDSLOTS",               "wrong number of arguments for 'cluster|addslots' command"           },
		{"CLUSTER ADDSLOTSRANGE 20 21 22",
		 "wrong number of arguments for 'cluster|addslotsrange' command"                                        },
		{"CLUSTER DELSLOTSRANGE 1 2 3",
		 "wrong number of arguments for 'cluster|delslotsrange' command"                                        },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(an_unknown_word_is_repeated_up_to_128_bytes)
{
	struct cluster *c = three_nodes();
	char line[300] = "CLUSTER ";
	memset(line + 8, 'z', 200);
	const char *got = run(c, line);
	ck_assert_uint_eq(strspn(strchr(got, '\'') + 1, "z"), 128);
	free(c);
}
END_TEST

START_TEST(words_are_taken_in_any_case)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "cluster MyId"), "$40\r\n" A40 "\r\n");
	ck_assert_str_eq(run(c, "CLUSTER setslot 1 Stable"), OK);
	free(c);
}
END_TEST

START_TEST(reading_changes_nothing)
{
	static const struct {
		const char *line, *begin;
	} cases[] = {
		{"CLUSTER NODES",                      "$"          },
		{"CLUSTER SLOTS",                      "*2\r\n"     },
		{"CLUSTER SHARDS",                     "*2\r\n"     },
		{"CLUSTER INFO",                       "$"          },
		{"CLUSTER LINKS",                      "*0\r\n"     },
		{"CLUSTER MYID",                       "$40\r\n" A40},
		{"CLUSTER MYSHARDID",                  "$40\r\n"    },
		{"CLUSTER REPLICAS " B40,              "*1\r\n$"    },
		{"CLUSTER SLAVES " A40,                "*0\r\n"     },
		{"CLUSTER COUNT-FAILURE-REPORTS " B40, ":0\r\n"     },
		{"CLUSTER HELP",                       "*"          },
	};
	struct cluster *c = three_nodes();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = run(c, cases[i].line);
		ck_assert_msg(strncmp(got, cases[i].begin, strlen(cases[i].begin)) == 0,
			      "%s\nanswers %s", cases[i].line, got);
		ck_assert_uint_eq(effects.count, 0);
	}
	ck_assert_ptr_nonnull(strstr(run(c, "CLUSTER MYSHARDID"), "$40\r\n"));
	ck_assert_mem_eq(reply.bytes + 5, c->nodes[0].shard_id.bytes, NODE_ID_LEN);
	free(c);
}
END_TEST

START_TEST(unknown_nodes_are_named_in_the_error)
{
	static const struct refused cases[] = {
		{"CLUSTER REPLICAS x",                                      "Unknown node x"                    },
		{"CLUSTER SLAVES " F40,                                     "Unknown node " F40                 },
		{"CLUSTER REPLICAS " C40,                                   "The specified node is not a master"},
		{"CLUSTER COUNT-FAILURE-REPORTS " F40,                      "Unknown node " F40                 },
		{"CLUSTER REPLICATE " F40,                                  "Unknown node " F40                 },
		{"CLUSTER FORGET BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
		 "Unknown node BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"                                        },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(failure_reports_are_counted)
{
	struct cluster *c = three_nodes();
	struct cluster_facts now = facts();
	struct cluster_event tick = {.kind = CLUSTER_TICK};
	cluster_step(c, &tick, &now, &effects);
	c->facts = &now;
	failure_report(c, 2, 1, &effects);
	c->facts = NULL;
	ck_assert_str_eq(run(c, "CLUSTER COUNT-FAILURE-REPORTS " C40), ":1\r\n");
	free(c);
}
END_TEST

START_TEST(saveconfig_saves)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER SAVECONFIG"), OK);
	ck_assert(emitted(EFFECT_PERSIST));
	free(c);
}
END_TEST

/* ---- slots ---- */

START_TEST(slots_are_given_all_or_none)
{
	static const struct refused cases[] = {
		{"CLUSTER ADDSLOTS 20 x",             "Invalid or out of range slot"    },
		{"CLUSTER ADDSLOTS 20 16384",         "Invalid or out of range slot"    },
		{"CLUSTER ADDSLOTS -1",               "Invalid or out of range slot"    },
		{"CLUSTER ADDSLOTS 10 x",             "Invalid or out of range slot"    },
		{"CLUSTER ADDSLOTS 20 10",            "Slot 10 is already busy"         },
		{"CLUSTER ADDSLOTS 20 20",            "Slot 20 specified multiple times"},
		{"CLUSTER ADDSLOTSRANGE 30 20",
		 "start slot number 30 is greater than end slot number 20"              },
		{"CLUSTER ADDSLOTSRANGE 20 30 5 6",   "Slot 5 is already busy"          },
		{"CLUSTER ADDSLOTSRANGE 20 30 30 31", "Slot 30 specified multiple times"},
		{"CLUSTER ADDSLOTSRANGE 20 x",        "Invalid or out of range slot"    },
		{"CLUSTER DELSLOTS 1 20",             "Slot 20 is already unassigned"   },
		{"CLUSTER DELSLOTS 1 1",              "Slot 1 specified multiple times" },
		{"CLUSTER DELSLOTSRANGE 1 11",        "Slot 11 is already unassigned"   },
		{"CLUSTER DELSLOTSRANGE 2 1",
		 "start slot number 2 is greater than end slot number 1"                },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, cases);
	ck_assert_str_eq(run(c, "CLUSTER ADDSLOTS 20 22"), OK);
	ck_assert(emitted(EFFECT_PERSIST) && emitted(EFFECT_SLOTS));
	ck_assert_str_eq(run(c, "CLUSTER ADDSLOTSRANGE 16380 16383 100 100"), OK);
	ck_assert_uint_eq(c->nodes[0].slot_count, 10 + 2 + 4 + 1);
	ck_assert_str_eq(run(c, "CLUSTER DELSLOTS 10 20"), OK); /* also another's */
	ck_assert_uint_eq(c->owner[10], NODE_NONE);
	ck_assert_uint_eq(c->owner[20], NODE_NONE);
	ck_assert_str_eq(run(c, "CLUSTER DELSLOTSRANGE 0 9 16380 16383"), OK);
	ck_assert_uint_eq(c->nodes[0].slot_count, 2);
	free(c);
}
END_TEST

START_TEST(a_given_slot_is_no_longer_imported)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 20 IMPORTING " B40), OK);
	ck_assert_str_eq(run(c, "CLUSTER ADDSLOTS 20"), OK);
	ck_assert_uint_eq(c->importing_from[20], NODE_NONE);
	free(c);
}
END_TEST

START_TEST(a_replica_owns_no_slots)
{
	static const struct refused cases[] = {
		{"CLUSTER ADDSLOTS 20",         "Please use ADDSLOTS only with masters."                 },
		{"CLUSTER ADDSLOTSRANGE 20 21", "Please use ADDSLOTS only with masters."                 },
		{"CLUSTER SETSLOT 1 STABLE",    "Please use SETSLOT only with masters."                  },
		{"CLUSTER SETSLOT x",           "wrong number of arguments for 'cluster|setslot' command"},
	};
	struct cluster *c = replica_of_b();
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(flushslots_needs_an_empty_keyspace)
{
	static const struct refused cases[] = {
		{"CLUSTER FLUSHSLOTS", "DB must be empty to perform CLUSTER FLUSHSLOTS."}
        };
	struct cluster *c = three_nodes();
	keys[3] = 1;
	ALL_REFUSED(c, cases);
	keys[3] = 0;
	ck_assert_str_eq(run(c, "CLUSTER FLUSHSLOTS"), OK);
	ck_assert_uint_eq(c->nodes[0].slot_count, 0);
	ck_assert_uint_eq(c->owner[10], 1); /* of others nothing is forgotten */
	free(c);
}
END_TEST

START_TEST(setslot_refuses)
{
	static const struct refused cases[] = {
		{"CLUSTER SETSLOT x STABLE",          "Invalid or out of range slot"        },
		{"CLUSTER SETSLOT 1 OPEN",
		 "Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"  },
		{"CLUSTER SETSLOT 1 STABLE x",
		 "Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"  },
		{"CLUSTER SETSLOT 1 NODE",
		 "Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"  },
		{"CLUSTER SETSLOT 10 MIGRATING " B40, "I'm not the owner of hash slot 10"   },
		{"CLUSTER SETSLOT 1 MIGRATING " F40,  "I don't know about node " F40        },
		{"CLUSTER SETSLOT 1 MIGRATING " C40,  "Target node is not a master"         },
		{"CLUSTER SETSLOT 1 IMPORTING " B40,  "I'm already the owner of hash slot 1"},
		{"CLUSTER SETSLOT 10 IMPORTING x",    "I don't know about node x"           },
		{"CLUSTER SETSLOT 10 IMPORTING " C40, "Target node is not a master"         },
		{"CLUSTER SETSLOT 10 NODE " F40,      "Unknown node " F40                   },
		{"CLUSTER SETSLOT 10 NODE " C40,      "Target node is not a master"         },
		{"CLUSTER SETSLOT 3 NODE " B40,
		 "Can't assign hashslot 3 to a different node while I still hold keys "
		 "for this hash slot."						      },
	};
	struct cluster *c = three_nodes();
	keys[3] = 7;
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(a_stranger_in_handshake_is_no_target)
{
	struct cluster *c = three_nodes();
	add(c, 'd', NODE_HANDSHAKE);
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 1 NODE dddddddddddddddddddddddddddddddddddddddd"),
			 "-ERR Target node is not a master\r\n");
	ck_assert_uint_eq(c->owner[1], 0);
	free(c);
}
END_TEST

START_TEST(a_slot_is_opened_closed_and_moved)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 1 MIGRATING " B40), OK);
	ck_assert(emitted(EFFECT_PERSIST) && emitted(EFFECT_SLOTS));
	ck_assert_uint_eq(c->migrating_to[1], 1);
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 10 IMPORTING " B40), OK);
	ck_assert_uint_eq(c->importing_from[10], 1);
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 1 STABLE"), OK);
	ck_assert_uint_eq(c->migrating_to[1], NODE_NONE);
	uint64_t epoch = c->live.current_epoch;
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 10 NODE " A40), OK);
	ck_assert_uint_eq(c->owner[10], 0);
	ck_assert_uint_eq(c->importing_from[10], NODE_NONE);
	ck_assert_uint_eq(c->nodes[0].config_epoch, epoch + 1); /* spec A25 */
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 1 NODE " B40), OK);
	ck_assert_uint_eq(c->owner[1], 1);
	free(c);
}
END_TEST

START_TEST(who_gives_the_last_slot_away_follows)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER DELSLOTSRANGE 0 8"), OK);
	ck_assert_str_eq(run(c, "CLUSTER SETSLOT 9 NODE " B40), OK);
	ck_assert(node_is_replica(&c->nodes[0]));
	ck_assert_uint_eq(c->nodes[0].primary, 1);
	free(c);
}
END_TEST

/* ---- nodes ---- */

START_TEST(meet_refuses_what_is_no_address)
{
	static const struct refused cases[] = {
		{"CLUSTER MEET 1.2.3.4 x",                                        "Invalid TCP base port specified: x"           },
		{"CLUSTER MEET 1.2.3.4 1 x",                                      "Invalid TCP bus port specified: x"            },
		{"CLUSTER MEET name 1",					   "Invalid node address specified: name:1"       },
		{"CLUSTER MEET 1.2.3 1",					  "Invalid node address specified: 1.2.3:1"      },
		{"CLUSTER MEET 1.2.3.4 0",                                        "Invalid node address specified: 1.2.3.4:0"    },
		{"CLUSTER MEET 1.2.3.4 55536",                                    "Invalid node address specified: 1.2.3.4:55536"},
		{"CLUSTER MEET 1.2.3.4 1 65536",                                  "Invalid node address specified: 1.2.3.4:1"    },
		{"CLUSTER MEET 1.2.3.4 9223372036854775807",
		 "Invalid node address specified: 1.2.3.4:9223372036854775807"                                                   },
		{"CLUSTER MEET 0123456789012345678901234567890123456789012345 1",
		 "Invalid node address specified: "
		 "0123456789012345678901234567890123456789012345:1"                                                              },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(meet_begins_a_handshake_once)
{
	struct cluster *c = three_nodes();
	ck_assert_str_eq(run(c, "CLUSTER MEET 1.2.3.4 7001"), OK);
	ck_assert_str_eq(run(c, "CLUSTER MEET 1.2.3.4 7001"), OK);
	ck_assert_uint_eq(c->node_count, 4);
	ck_assert_uint_eq(c->nodes[3].cport, 17001);
	ck_assert_str_eq(c->nodes[3].ip, "1.2.3.4");
	ck_assert_str_eq(run(c, "CLUSTER MEET 0:0:0:0:0:0:0:1 7001 9"), OK);
	ck_assert_str_eq(c->nodes[4].ip, "::1");
	ck_assert_uint_eq(c->nodes[4].cport, 9);
	for (unsigned port = 1; port <= 3; port++) {
		char line[64];
		snprintf(line, sizeof(line), "CLUSTER MEET 1.2.3.4 %u", port);
		ck_assert_str_eq(run(c, line), OK);
	}
	ck_assert_str_eq(run(c, "CLUSTER MEET 1.2.3.4 4"), "-ERR No place for one more node\r\n");
	free(c);
}
END_TEST

START_TEST(forget_removes_and_refuses)
{
	static const struct refused as_primary[] = {
		{"CLUSTER FORGET " A40, "I tried hard but I can't forget myself..."},
		{"CLUSTER FORGET " F40, "Unknown node " F40                        },
	};
	static const struct refused as_replica[] = {
		{"CLUSTER FORGET " B40, "Can't forget my master!"}
        };
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, as_primary);
	ck_assert_str_eq(run(c, "CLUSTER FORGET " B40), OK);
	ck_assert(emitted(EFFECT_PERSIST));
	ck_assert_uint_eq(c->node_count, 2);
	ck_assert_uint_eq(c->owner[10], NODE_NONE);
	ck_assert_str_eq(run(c, "CLUSTER FORGET " B40), OK); /* it is on the list: Redis 7.2 */
	free(c);
	c = replica_of_b();
	ALL_REFUSED(c, as_replica);
	free(c);
}
END_TEST

START_TEST(replicate_needs_a_primary_and_an_empty_node)
{
	static const struct refused cases[] = {
		{"CLUSTER REPLICATE " A40, "Can't replicate myself"                       },
		{"CLUSTER REPLICATE " C40, "I can only replicate a master, not a replica."},
		{"CLUSTER REPLICATE " B40,
		 "To set a master the node must be empty and without assigned slots."     },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, cases);
	ck_assert_str_eq(run(c, "CLUSTER DELSLOTSRANGE 0 9"), OK);
	persist_all(c);
	keys[77] = 1;
	ALL_REFUSED(c, cases);
	keys[77] = 0;
	ck_assert_str_eq(run(c, "CLUSTER REPLICATE " B40), OK);
	ck_assert(emitted(EFFECT_ROLE) && emitted(EFFECT_PERSIST));
	ck_assert_uint_eq(c->nodes[0].primary, 1);
	free(c);
}
END_TEST

START_TEST(failover_is_for_replicas)
{
	static const struct refused as_primary[] = {
		{"CLUSTER FAILOVER",          "You should send CLUSTER FAILOVER to a replica"},
		{"CLUSTER FAILOVER FORCE",    "You should send CLUSTER FAILOVER to a replica"},
		{"CLUSTER FAILOVER TAKEOVER", "You should send CLUSTER FAILOVER to a replica"},
		{"CLUSTER FAILOVER SOON",     "syntax error"                                 },
	};
	static const struct refused as_replica[] = {
		{"CLUSTER FAILOVER",      "Master is down or failed, please use CLUSTER FAILOVER FORCE"},
		{"CLUSTER FAILOVER SOON", "syntax error"                                               },
	};
	struct cluster *c = three_nodes();
	ALL_REFUSED(c, as_primary);
	free(c);
	c = replica_of_b(); /* no link to b is up */
	ALL_REFUSED(c, as_replica);
	ck_assert_str_eq(run(c, "CLUSTER FAILOVER TAKEOVER"), OK);
	ck_assert(emitted(EFFECT_PERSIST) && emitted(EFFECT_NEW_HISTORY));
	ck_assert(node_is_primary(&c->nodes[0]));
	ck_assert_uint_eq(c->owner[10], 0);
	free(c);
	c = replica_of_b();
	ck_assert_str_eq(run(c, "CLUSTER FAILOVER force"), OK);
	ck_assert_int_eq(c->manual.state, MANUAL_CAN_START);
	free(c);
}
END_TEST

START_TEST(failover_needs_a_known_primary)
{
	static const struct refused cases[] = {
		{"CLUSTER FAILOVER",       "I'm a replica but my master is unknown to me"},
		{"CLUSTER FAILOVER FORCE", "I'm a replica but my master is unknown to me"}
        };
	struct cluster *c = replica_of_b();
	view_set_role(c, 0, true, NODE_NONE);
	ck_assert_str_eq(run(c, "CLUSTER SAVECONFIG"), OK);
	persist_all(c);
	ALL_REFUSED(c, cases);
	free(c);
}
END_TEST

START_TEST(reset_forgets_everything)
{
	static const struct refused cases[] = {
		{"CLUSTER RESET",
		 "CLUSTER RESET can't be called with master nodes containing keys"},
		{"CLUSTER RESET HARD",
		 "CLUSTER RESET can't be called with master nodes containing keys"},
		{"CLUSTER RESET WARM", "syntax error"                             },
	};
	struct cluster *c = three_nodes();
	keys[3] = 1;
	ALL_REFUSED(c, cases);
	keys[3] = 0;
	ck_assert_str_eq(run(c, "CLUSTER RESET"), OK);
	ck_assert_uint_eq(c->node_count, 1);
	ck_assert_uint_eq(c->owned_count, 0);
	ck_assert_str_eq(run(c, "CLUSTER MYID"), "$40\r\n" A40 "\r\n");
	ck_assert_str_eq(run(c, "CLUSTER BUMPEPOCH"), "+BUMPED 1\r\n");
	ck_assert_str_eq(run(c, "CLUSTER RESET Hard"), OK);
	ck_assert_str_ne(run(c, "CLUSTER MYID"), "$40\r\n" A40 "\r\n");
	ck_assert_uint_eq(c->live.current_epoch, 0);
	free(c);
	c = replica_of_b();
	keys[10] = 5; /* of its primary */
	ck_assert_str_eq(run(c, "CLUSTER RESET SOFT"), OK);
	ck_assert(emitted(EFFECT_DROP_ALL));
	ck_assert(node_is_primary(&c->nodes[0]));
	free(c);
}
END_TEST

/* ---- epochs ---- */

START_TEST(the_first_epoch_is_given_once_to_a_lonely_node)
{
	static const struct refused cases[] = {
		{"CLUSTER SET-CONFIG-EPOCH x",  "value is not an integer or out of range"},
		{"CLUSTER SET-CONFIG-EPOCH -3", "Invalid config epoch specified: -3"     },
	};
	static const struct refused later[] = {
		{"CLUSTER SET-CONFIG-EPOCH 6", "Node config epoch is already non-zero"}
        };
	static const struct refused with_others[] = {
		{"CLUSTER SET-CONFIG-EPOCH 5", "The user can assign a config epoch only when the "
					       "node does not know any other node."}
        };
	memset(keys, 0, sizeof(keys));
	struct cluster *c = view_new(8, &config);
	ck_assert_str_eq(run(c, "CLUSTER SAVECONFIG"), OK);
	persist_all(c);
	ALL_REFUSED(c, cases);
	ck_assert_str_eq(run(c, "CLUSTER SET-CONFIG-EPOCH 5"), OK);
	ck_assert(emitted(EFFECT_PERSIST));
	ck_assert_uint_eq(c->nodes[0].config_epoch, 5);
	persist_all(c);
	ALL_REFUSED(c, later);
	free(c);
	c = three_nodes();
	ALL_REFUSED(c, with_others);
	free(c);
}
END_TEST

START_TEST(an_epoch_beyond_all_counting_is_refused)
{
	memset(keys, 0, sizeof(keys));
	struct cluster *c = view_new(8, &config);
	ck_assert_str_eq(run(c, "CLUSTER SET-CONFIG-EPOCH 9223372036854775807"),
			 "-ERR Invalid config epoch specified: 9223372036854775807\r\n");
	ck_assert_uint_eq(c->nodes[0].config_epoch, 0);
	free(c);
}
END_TEST

START_TEST(bumpepoch_moves_past_all_others)
{
	struct cluster *c = three_nodes();
	c->nodes[1].config_epoch = 3;
	c->live.current_epoch = 4;
	c->save_wanted = true;
	ck_assert_str_eq(run(c, "CLUSTER BUMPEPOCH"), "+BUMPED 5\r\n");
	ck_assert_str_eq(run(c, "CLUSTER BUMPEPOCH"), "+STILL 5\r\n");
	free(c);
}
END_TEST

int
main(void)
{
	return RUN_CASES("command", unknown_words_and_wrong_numbers_of_them_are_refused,
			 an_unknown_word_is_repeated_up_to_128_bytes, words_are_taken_in_any_case,
			 reading_changes_nothing, unknown_nodes_are_named_in_the_error,
			 failure_reports_are_counted, saveconfig_saves, slots_are_given_all_or_none,
			 a_given_slot_is_no_longer_imported, a_replica_owns_no_slots,
			 flushslots_needs_an_empty_keyspace, setslot_refuses,
			 a_stranger_in_handshake_is_no_target, a_slot_is_opened_closed_and_moved,
			 who_gives_the_last_slot_away_follows, meet_refuses_what_is_no_address,
			 meet_begins_a_handshake_once, forget_removes_and_refuses,
			 replicate_needs_a_primary_and_an_empty_node, failover_is_for_replicas,
			 failover_needs_a_known_primary, reset_forgets_everything,
			 the_first_epoch_is_given_once_to_a_lonely_node,
			 an_epoch_beyond_all_counting_is_refused, bumpepoch_moves_past_all_others);
}
