/* cluster/command.c - CLUSTER: the table of subcommands, and those that only read.
 *
 * Those about keys (KEYSLOT, COUNTKEYSINSLOT, GETKEYSINSLOT) are not here: whoever holds the keys answers them, and what
 * comes here of them is as unknown as any other word.
 */
#include "cluster/command.h"

#include "cluster/persist.h"
#include "cluster/render.h"
#include "cluster/step.h"
#include "proto/base/number.h"
#include "proto/resp/writer.h"

#define WORD_SHOWN_MAX 128 /* bytes of a subcommand that an error repeats */

static bool
word_is(struct span word, const char *text)
{
	size_t len = strlen(text);
	if (word.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = word.at[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != (uint8_t)text[i])
			return false;
	}
	return true;
}

bool
order_is(const struct order *o, uint32_t at, const char *word)
{
	return word_is(o->argv[at], word);
}

uint32_t
order_node(const struct order *o, uint32_t at)
{
	struct node_id id;
	if (o->argv[at].len != NODE_ID_LEN)
		return NODE_NONE;
	memcpy(id.bytes, o->argv[at].at, NODE_ID_LEN);
	return node_id_is_valid(&id) ? view_find(o->c, &id) : NODE_NONE;
}

bool
order_slot(const struct order *o, uint32_t at, uint16_t *slot)
{
	int64_t value;
	if (!number_parse(o->argv[at].at, o->argv[at].len, &value) || value < 0 ||
	    value >= SLOT_COUNT) {
		resp_error(o->w, "ERR Invalid or out of range slot");
		return false;
	}
	*slot = (uint16_t)value;
	return true;
}

void
reply_ok(const struct order *o)
{
	resp_raw(o->w, SPAN("+OK\r\n"));
}

void
reply_unknown_node(const struct order *o, uint32_t at)
{
	resp_errorf(o->w, "ERR Unknown node %.*s", (int)o->argv[at].len,
		    (const char *)o->argv[at].at);
}

static int
shown_len(const struct order *o)
{
	size_t len = o->argc > 1 ? o->argv[1].len : 0;
	return (int)(len < WORD_SHOWN_MAX ? len : WORD_SHOWN_MAX);
}

void
reply_no_such_form(const struct order *o)
{
	resp_errorf(o->w,
		    "ERR unknown subcommand or wrong number of arguments for '%.*s'. "
		    "Try CLUSTER HELP.",
		    shown_len(o), (const char *)o->argv[1].at);
}

/* ---- reading ---- */

static void
command_nodes(struct order *o)
{
	render_nodes(o->c, o->facts, o->w);
}

static void
command_slots(struct order *o)
{
	render_slots(o->c, o->facts, o->w);
}

static void
command_shards(struct order *o)
{
	render_shards(o->c, o->facts, o->w);
}

static void
command_info(struct order *o)
{
	render_info(o->c, o->facts, o->w);
}

static void
command_links(struct order *o)
{
	render_links(o->c, o->facts, o->w);
}

static void
command_myid(struct order *o)
{
	resp_bulk(o->w, (struct span){view_myself(o->c)->id.bytes, NODE_ID_LEN});
}

static void
command_myshardid(struct order *o) /* Redis 7.2 */
{
	resp_bulk(o->w, (struct span){view_myself(o->c)->shard_id.bytes, NODE_ID_LEN});
}

static void
command_saveconfig(struct order *o)
{
	persist_want(o->c);
	reply_ok(o);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int arity; /* with "CLUSTER" and the subcommand; negative: at least */
	command_function run;
} commands[] = {
	{"addslots",              -3, command_addslots             },
	{"addslotsrange",         -4, command_addslotsrange        },
	{"bumpepoch",             2,  command_bumpepoch            },
	{"count-failure-reports", 3,  command_count_failure_reports},
	{"delslots",              -3, command_delslots             },
	{"delslotsrange",         -4, command_delslotsrange        },
	{"failover",              -2, command_failover             },
	{"flushslots",            2,  command_flushslots           },
	{"forget",                3,  command_forget               },
	{"help",		  2,  command_help                 },
	{"info",		  2,  command_info                 },
	{"links",                 2,  command_links                },
	{"meet",		  -4, command_meet                 },
	{"myid",		  2,  command_myid                 },
	{"myshardid",             2,  command_myshardid            },
	{"nodes",                 2,  command_nodes                },
	{"replicas",              3,  command_replicas             },
	{"replicate",             3,  command_replicate            },
	{"reset",                 -2, command_reset                },
	{"saveconfig",            2,  command_saveconfig           },
	{"set-config-epoch",      3,  command_set_config_epoch     },
	{"setslot",               -4, command_setslot              },
	{"shards",                2,  command_shards               },
	{"slaves",                3,  command_replicas             },
	{"slots",                 2,  command_slots                },
};

static void
dispatch(struct order *o)
{
	if (o->argc < 2) {
		resp_error(o->w, "ERR wrong number of arguments for 'cluster' command");
		return;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int64_t arity = commands[i].arity;
		if (!order_is(o, 1, commands[i].name))
			continue;
		if (arity < 0 ? o->argc < -arity : o->argc != arity)
			resp_errorf(o->w, "ERR wrong number of arguments for 'cluster|%s' command",
				    commands[i].name);
		else
			commands[i].run(o);
		return;
	}
	resp_errorf(o->w, "ERR unknown subcommand '%.*s'. Try CLUSTER HELP.", shown_len(o),
		    (const char *)o->argv[1].at);
}

void
cluster_command(struct cluster *c, const struct span *argv, uint32_t argc,
		const struct cluster_facts *facts, struct resp_writer *w, struct effects *out)
{
	struct order order = {c, argv, argc, facts, w, out};
	step_begin(c, facts, out);
	dispatch(&order);
	step_end(c, out);
}
