/* tests/sim/cluster/operator.h - commands that a person, a tool or a script gives to running nodes, well or badly timed. */
#pragma once

struct world;

/* Each picks its nodes from the seed; a command that a node refuses is refused. */
void operator_failover(struct world *w);
void operator_force(struct world *w);
void operator_takeover(struct world *w);
void operator_replicate(struct world *w);
void operator_move_slot(struct world *w);
void operator_bump(struct world *w);
void operator_forget(struct world *w);
void operator_reset(struct world *w);
/* redis-cli --cluster fix: a slot that was given away, and whose new owner was itself replaced before anybody heard, is nobody's. */
void operator_fix(struct world *w);
/* Everybody forgets ids that are nobody's, and meets who is missing. */
void operator_repair(struct world *w);
