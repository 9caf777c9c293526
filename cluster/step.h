/* cluster/step.h - what surrounds every decision: the beginning and the end of a step, and the refusals of frames.
 *
 *     step_begin() | one event or command | step_end(): elections, health, FAIL and PONG broadcasts, SLOTS, PERSIST
 */
#pragma once
#include <stdint.h>

struct cluster;
struct cluster_facts;
struct effects;

enum message_refusal { /* why a frame, or a part of it, changed nothing; TRACE_MESSAGE_REFUSED carries it */
		       MESSAGE_TAKEN,
		       MESSAGE_LINK_FORGOTTEN, /* came on a link that we have closed */
		       MESSAGE_UNKNOWN_SENDER,
		       MESSAGE_BAD_ID, /* a sender or primary that no node can be called */
		       MESSAGE_FROM_MYSELF,
		       MESSAGE_OWN_REPLICA, /* claims to replicate itself */
		       MESSAGE_EPOCH_TOO_GREAT,
		       MESSAGE_WRONG_ID,      /* another node answers on the link to this one */
		       MESSAGE_LIGHT_UNBOUND, /* light header on a link that is nobody's: closed */
		       MESSAGE_LIGHT_TYPE,    /* light header on a type that has none */
		       MESSAGE_BAD_GOSSIP,   /* a section with an invalid id; the header is taken */
		       MESSAGE_UNKNOWN_TYPE, /* the header is taken */
		       MESSAGE_NODES_FULL,   /* no place for one more node */
		       MESSAGE_FAIL_REFUSED, /* see enum fail_refusal */
		       MESSAGE_UPDATE_REFUSED,  /* see enum update_refusal */
		       MESSAGE_MFSTART_REFUSED, /* see enum mfstart_refusal */
		       MESSAGE_REFUSAL_COUNT,
};

const char *message_refusal_name(enum message_refusal refusal);

/* For cluster_step() and cluster_command(): clears out, sets now and facts; then at most one decision; then the end. */
void step_begin(struct cluster *c, const struct cluster_facts *facts, struct effects *out);
void step_end(struct cluster *c, struct effects *out);
