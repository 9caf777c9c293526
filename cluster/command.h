/* cluster/command.h - what the files that answer CLUSTER share.
 *
 *     cluster_command() --> a row of command.c's table --> command_<subcommand>(order) --> one reply, effects
 *
 * N1  Replies and errors are those of Redis 7.0.15, word for word (spec D1, tests/diff/cluster_commands.py); those that it
 *     does not have say so where they are written.
 * N2  An order that is refused changes nothing: all arguments are looked at before the first change.
 * Decisions are made where their mechanism lives (handshake.h, slots.h, role.h, manual.h, forget.h, epoch.h); here is only words.
 */
#pragma once
#include "cluster/view.h"

struct resp_writer;

struct order { /* one CLUSTER command under way */
	struct cluster *c;
	const struct span *argv; /* argv[0] is "CLUSTER", argv[1] the subcommand */
	uint32_t argc;
	const struct cluster_facts *facts;
	struct resp_writer *w;
	struct effects *out;
};

/* ---- helpers; false: the error has been replied ---- */

bool order_is(const struct order *o, uint32_t at,
	      const char *word); /* without case; word in lower case */
/* The node of that id; NODE_NONE: none. */
uint32_t order_node(const struct order *o, uint32_t at);
bool order_slot(const struct order *o, uint32_t at, uint16_t *slot);
void reply_ok(const struct order *o);
void reply_unknown_node(const struct order *o, uint32_t at);
/* Redis's answer where the number of arguments passes the table and fits no form. */
void reply_no_such_form(const struct order *o);

/* ---- subcommands, by file ---- */

typedef void (*command_function)(struct order *o);

/* command_slots.c */
void command_addslots(struct order *o);
void command_addslotsrange(struct order *o);
void command_delslots(struct order *o);
void command_delslotsrange(struct order *o);
void command_flushslots(struct order *o);
void command_setslot(struct order *o);
/* command_nodes.c */
void command_meet(struct order *o);
void command_forget(struct order *o);
void command_replicate(struct order *o);
void command_failover(struct order *o);
void command_reset(struct order *o);
void command_set_config_epoch(struct order *o);
void command_bumpepoch(struct order *o);
void command_count_failure_reports(struct order *o);
void command_replicas(struct order *o);
/* command_help.c */
void command_help(struct order *o);
