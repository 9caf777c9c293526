/* cluster/persist.h - which state of ours is on disk, and what has to wait for it (cluster.h C2 to C4).
 *
 *     decide --> live --EFFECT_PERSIST n--> flying --CLUSTER_PERSISTED n--> durable --> shown by PING and PONG
 *                  '-- persist_number(): n of the save that will hold what this step decided
 *
 * P1  One save at a time: a step that changes something while one flies asks for the next when that has landed.
 * P2  A frame that reveals a decision carries the number of a save that contains it; saves are numbered 1, 2, 3 ...
 * Redis writes and fsyncs at the end of an event loop turn, before any socket: same order, but its heartbeats wait too.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/bus/msg.h"

struct cluster;
struct effects;

struct public_state { /* what our frames say of ourselves */
	uint64_t current_epoch, config_epoch;
	struct node_id replica_of; /* nobody: primary */
	struct slot_bitmap slots;  /* own, or our primary's */
	uint64_t last_vote_epoch;  /* persisted with the rest, not sent */
};

/* Something that nodes.conf holds has changed. */
void persist_want(struct cluster *c);
/* The number of the save that will hold everything decided so far; asks for it. */
uint64_t persist_number(struct cluster *c);
/* The number of the save that holds live as it is; asks for nothing. */
uint64_t persist_covers(const struct cluster *c);
/* Copies config_epoch, replica_of and slots from the view into live. */
void persist_live(struct cluster *c);
/* The view was read from a file (nodes_file_read()) or made new: what it says is durable. */
void persist_loaded(struct cluster *c);
/* Is the role that we decided on disk, and so carried out? Until then the facts about our data are those of the old role. */
bool persist_role_is_durable(const struct cluster *c);
/* End of a step: at most one EFFECT_PERSIST. */
void persist_end(struct cluster *c, struct effects *out);
/* CLUSTER_PERSISTED; a number that does not fly is ignored. */
void persist_done(struct cluster *c, uint64_t number);
