/* cluster/effect.h - what a step asks its caller to do: an ordered list of values (cluster.h C2).
 *
 *     PERSIST 7 | SEND pong | SEND vote, after 7 | SLOTS | TRACE ...
 *
 * Messages and gossip live in the same memory as the list and end with the next step that uses it: encode before that, even
 * what has to wait.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/bus/msg.h"

#define EFFECTS_MAX         32768 /* every slot dropped, every link closed, two broadcasts to everybody */
#define EFFECT_TRACES_MAX   8192 /* beyond so many effects a TRACE is only counted */
#define EFFECT_MESSAGES_MAX 64
#define EFFECT_GOSSIP_MAX   8192
#define EFFECT_ROOM         8 /* messages that one event other than a tick may need */

/* A TCP connection of the bus. Even: we opened it, named by EFFECT_CONNECT. Odd: accepted, named by the caller. Never used twice. 0: none. */
typedef uint64_t bus_link;

enum effect_kind {
	EFFECT_PERSIST, /* nodes_file_write() now, then to disk as number */
	EFFECT_CONNECT, /* node: open link to its ip and cport */
	EFFECT_CLOSE,   /* link */
	EFFECT_SEND,    /* link, msg */
	EFFECT_SLOTS, /* who serves which slot, or whether the cluster is ok, has changed: publish (slots_served_here(), view) */
	EFFECT_ROLE, /* we are now a primary (node NONE) or replicate node: address or identity changed */
	EFFECT_NEW_HISTORY,  /* promoted: replid shifts, PSYNC2 (spec C2) */
	EFFECT_PAUSE_WRITES, /* number: until (monotonic ms); 0: end the pause */
	EFFECT_DROP_SLOT,    /* slot: lost while it held keys: delete them */
	EFFECT_DROP_ALL,     /* RESET of a replica: empty the keyspace */
	EFFECT_TRACE, /* trace, node, number: something worth a log line, a counter, or a checker's look */
};

enum cluster_trace {                   /* words of log, counters, scenario texts and simulator */
		     TRACE_NODE_ADDED, /* handshake done, or learned by gossip */
		     TRACE_NODE_REMOVED,
		     TRACE_PFAIL,
		     TRACE_PFAIL_CLEARED,
		     TRACE_REPORT,    /* node is reported failing; number: index of the reporter */
		     TRACE_FAIL,      /* by quorum here; number: reports counted */
		     TRACE_FAIL_TOLD, /* by a FAIL message */
		     TRACE_FAIL_CLEARED,
		     TRACE_ELECTION_WAITING, /* number: delay ms */
		     TRACE_ELECTION_ASKING,  /* number: epoch */
		     TRACE_ELECTION_EXPIRED,
		     TRACE_ELECTION_REFUSED, /* cannot start; number: enum election_refusal */
		     TRACE_VOTE_RECEIVED,    /* node voted for us; number: epoch */
		     TRACE_VOTE_IGNORED,     /* number: enum vote_ignored */
		     TRACE_VOTE,             /* we vote for node; number: epoch */
		     TRACE_BALLOT_REFUSED,   /* number: enum ballot */
		     TRACE_WON,              /* number: epoch */
		     TRACE_TAKEOVER,
		     TRACE_EPOCH_COLLISION, /* number: our new config epoch */
		     TRACE_EPOCH_BUMP,
		     TRACE_ROLE_CHANGED, /* of node */
		     TRACE_DEMOTED,      /* we now follow node */
		     TRACE_UPDATE_SENT,
		     TRACE_UPDATE_TAKEN,
		     TRACE_MANUAL_STARTED,
		     TRACE_MANUAL_ENDED, /* number: enum manual_end */
		     TRACE_MIGRATED,     /* replica migration: we now follow node */
		     TRACE_STATE_OK,
		     TRACE_STATE_FAIL, /* number: enum health_reason */
		     TRACE_ADDRESS_CHANGED,
		     TRACE_MESSAGE_REFUSED, /* number: enum message_refusal */
		     TRACE_COUNT,
};

const char *cluster_trace_name(enum cluster_trace trace);

struct effect {
	enum effect_kind kind;
	uint64_t after; /* C2; 0: at once */
	bus_link link;
	uint64_t number;
	const struct bus_msg *msg; /* in effects->messages; several effects may share one */
	uint32_t node;             /* index in the view; NODE_NONE */
	uint16_t slot;
	uint16_t trace; /* enum cluster_trace */
};

struct effects { /* the caller's memory, about 3 MB; valid until the next step with it */
	unsigned count, message_count, gossip_count;
	bool more; /* ran out of room: carry these out, then step with CLUSTER_TICK */
	struct effect list[EFFECTS_MAX];
	struct bus_msg messages[EFFECT_MESSAGES_MAX];
	struct bus_gossip gossip[EFFECT_GOSSIP_MAX];
};
