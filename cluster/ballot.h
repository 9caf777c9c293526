/* cluster/ballot.h - a primary's answer to a replica that asks for its vote (spec A32).
 *
 * B1  At most one vote per epoch, also across a crash: last_vote_epoch is on disk before the vote leaves (persist.h P2).
 * B2  A refusal is silent on the wire, but for the UPDATE to a requester whose claim is stale (Valkey 8.1).
 */
#pragma once
#include <stdint.h>

struct cluster;
struct effects;
struct bus_head;

#define BALLOT_RESTART_MS 2000 /* Valkey 9.1: no vote so soon after a start (spec E4) */

enum ballot {
	BALLOT_GRANTED,
	BALLOT_NOT_A_VOTER,     /* we are no primary with slots */
	BALLOT_RESTARTING,      /* within BALLOT_RESTART_MS of our start */
	BALLOT_OLD_EPOCH,       /* the request's current epoch is below ours */
	BALLOT_ALREADY_VOTED,   /* in this epoch */
	BALLOT_NOT_A_REPLICA,   /* the requester */
	BALLOT_PRIMARY_UNKNOWN, /* of the requester */
	BALLOT_PRIMARY_ALIVE,   /* not FAIL here, and no FORCE_ACK */
	BALLOT_TOO_SOON,        /* we voted for a replica of that primary less than 2T ago */
	BALLOT_STALE_SLOTS,     /* a claimed slot has an owner of greater epoch */
	BALLOT_NO_LINK,         /* the vote could not be sent: do not spend it */
	BALLOT_COUNT,
};

const char *ballot_name(enum ballot ballot);

/* Pure. request: an AUTH_REQUEST of the known node; *stale_slot is set with BALLOT_STALE_SLOTS. */
enum ballot ballot_decide(const struct cluster *c, uint32_t node, const struct bus_head *request,
			  uint16_t *stale_slot);
void ballot_on_request(struct cluster *c, uint32_t node, const struct bus_head *request,
		       struct effects *out);
