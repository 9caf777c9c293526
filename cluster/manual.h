/* cluster/manual.h - a replica takes over on command: CLUSTER FAILOVER in its three forms (spec A35, H4).
 *
 *     replica: IDLE --FAILOVER--> WAIT_OFFSET --PAUSED frame, offset reached--> CAN_START --> election with FORCE_ACK
 *              IDLE --FORCE-----------------------------------------------------^
 *              IDLE --TAKEOVER--> primary at once, by its own epoch (spec A25)
 *     primary: IDLE --MFSTART--> PAUSED_FOR: no writes, every frame says PAUSED and the offset we stopped at
 *
 * M1  The offset we name is final: PAUSED is not set before writes_paused says that every data lcore has stopped.
 * M2  Each state but IDLE ends at deadline_ms, and the pause of writes with it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;
struct cluster_facts;
struct bus_head;

#define MANUAL_PAUSE_FACTOR   2  /* writes pause until now + 2 x the failover's timeout: 10 s */
#define MANUAL_OFFSET_POLL_MS 10 /* how often the offset is compared while waiting for it */

enum manual_state { MANUAL_IDLE, MANUAL_WAIT_OFFSET, MANUAL_CAN_START, MANUAL_PAUSED_FOR };

enum manual_form { MANUAL_DEFAULT, MANUAL_FORCE, MANUAL_TAKEOVER };

enum manual_refusal {
	MANUAL_STARTED,
	MANUAL_NOT_A_REPLICA,   /* "You should send CLUSTER FAILOVER to a replica" */
	MANUAL_PRIMARY_UNKNOWN, /* "I'm a replica but my master is unknown to me" */
	MANUAL_PRIMARY_DOWN,    /* "Master is down or failed, please use CLUSTER FAILOVER FORCE" */
	MANUAL_REFUSAL_COUNT,
};

enum mfstart_refusal {
	MFSTART_PAUSED,
	MFSTART_NOT_A_PRIMARY,
	MFSTART_NOT_OUR_REPLICA,
	MFSTART_REFUSAL_COUNT
};

enum manual_end {
	MANUAL_WON,
	MANUAL_TIMED_OUT,
	MANUAL_REPLACED,
	MANUAL_ROLE_CHANGED,
	MANUAL_END_COUNT
};

struct manual { /* MANUAL_PAUSED_FOR: we are the primary; the others: the replica */
	enum manual_state state;
	uint64_t deadline_ms;
	uint64_t offset; /* what our primary stopped at */
	bool offset_known;
	uint32_t replica; /* that we pause for */
	bus_link link;    /* MFSTART came on it: the first PAUSED frame leaves there */
	bool told;        /* it has left */
};

const char *manual_refusal_name(enum manual_refusal refusal);
const char *mfstart_refusal_name(enum mfstart_refusal refusal);
const char *manual_end_name(enum manual_end end);

enum manual_refusal manual_decide(const struct cluster *c, enum manual_form form);
/* CLUSTER FAILOVER: decides, and starts if MANUAL_STARTED. */
enum manual_refusal manual_start(struct cluster *c, enum manual_form form, struct effects *out);
enum mfstart_refusal manual_on_mfstart(struct cluster *c, uint32_t node, bus_link link,
				       struct effects *out);
/* A frame of our primary with PAUSED. */
void manual_on_paused(struct cluster *c, uint32_t node, const struct bus_head *head);
void manual_run(struct cluster *c, struct effects *out);
void manual_end(struct cluster *c, enum manual_end end, struct effects *out);
