/* cluster/cluster.h - one node's part in a Redis Cluster: events in, ordered effects out.
 *
 *     frame, link, tick, command, persisted --> cluster_step() / cluster_command() --> struct effects
 *
 *                      view (who exists, who owns what)
 *        handshake  gossip  failure  epoch  slots  election  ballot  manual  migrate  health
 *
 * C1  Decisions only: no clock, chance, heap, file or socket. Time and facts are arguments, outputs are values.
 * C2  Effects are carried out in their order. An effect with after > 0 waits until state number after is on disk
 *     (CLUSTER_PERSISTED); later effects that need not wait may overtake it.
 * C3  Persist before you reveal: what a PING or PONG says of our epochs, role and slots is on disk (struct public_state,
 *     durable); frames that reveal more (votes, bids, wins, bumps) wait for it.
 * C4  At most one persist is under way. What changes meanwhile is persisted next.
 * C5  A frame from a peer never reaches an ASSERT: every refusal is a value that is counter, log word and test expectation.
 * The control lcore owns the only instance of a node; a test or the simulator owns many.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster/effect.h"
#include "proto/base/prng.h"
#include "proto/base/span.h"
#include "proto/bus/msg.h"

struct cluster; /* cluster/view.h */
struct resp_writer;

#define CLUSTER_TICK_MS   100 /* Redis's clusterCron; cluster_next_at() may ask for less */
#define CLUSTER_NODES_MAX 4096

enum endpoint_type { ENDPOINT_IP, ENDPOINT_HOSTNAME, ENDPOINT_UNKNOWN };

struct cluster_config { /* directives, spec I; read at each step, so that CONFIG SET takes effect */
	uint64_t node_timeout_ms;
	uint32_t replica_validity_factor, repl_ping_period_s;
	uint32_t migration_barrier;
	uint32_t manual_failover_timeout_ms;
	uint32_t blacklist_ttl_s;
	bool allow_replica_migration, require_full_coverage, replica_no_failover;
	bool allow_reads_when_down, allow_pubsub_when_down;
	enum endpoint_type preferred_endpoint;
	uint16_t port, cport; /* what we announce */
	char ip[BUS_IP_LEN]; /* cluster-announce-ip, or the node's address; empty: learn it (spec A4) */
	char hostname[BUS_NAME_MAX], nodename[BUS_NAME_MAX];
	/* Faster than stock without breaking the wire (spec E2); all off: behave as Redis 7.0. */
	bool fast_suspicion; /* tell all voting primaries of a PFAIL at once */
	bool fast_election; /* no fixed delay, no jitter: rank with tie-break by id, quick retry of a lost election */
	bool failed_primary_rank; /* wait longer behind failed shards of smaller shard id (spec A30, Valkey 8.1) */
	bool self_fencing; /* a primary without majority stops writes before its peers may have replaced it */
	uint32_t ping_interval_ms; /* 0: node timeout / 2 */
};

struct cluster_facts {    /* what the rest of the node knows, as of this step */
	uint64_t now_ms;  /* monotonic, never 0 */
	uint64_t unix_ms; /* wall clock: only shown to others (gossip seconds), never decides */
	uint64_t
		offset; /* primary: end of its stream; replica: applied, 0 until its first sync is complete */
	bool primary_link_up;     /* replica: the replication link is up and in sync */
	uint64_t primary_link_ms; /* up: last byte received; down: since when (monotonic) */
	bool writes_paused; /* EFFECT_PAUSE_WRITES is carried out everywhere: offset stands still (spec A35) */
	bool data_alive; /* false: the watchdog says a data lcore stands still; we stop answering and pinging */
	const uint32_t *slot_keys; /* [SLOT_COUNT] keys held per slot; NULL: none anywhere */
};

enum cluster_event_kind {
	CLUSTER_TICK,
	CLUSTER_LINK_UP, /* an outbound link is established; ip: our own address on it (spec A4) */
	CLUSTER_LINK_DOWN, /* closed, reset, refused or timed out; also answers a failed EFFECT_CONNECT */
	CLUSTER_LINK_ACCEPTED, /* ip: the peer's address */
	CLUSTER_MESSAGE,       /* ip: the peer's address; own_ip: ours on this link */
	CLUSTER_PERSISTED,     /* number is on disk */
};

struct cluster_event {
	enum cluster_event_kind kind;
	bus_link link;
	uint64_t number;
	const struct bus_msg *msg;
	const char *ip, *own_ip; /* text, NUL-terminated; NULL: unknown */
};

/* Bytes for a view of nodes_max nodes (at most CLUSTER_NODES_MAX), aligned as for malloc. */
size_t cluster_size(uint32_t nodes_max);
/* A new node that knows only itself, primary without slots, id and shard id drawn from prng. Then nodes_file_read() may replace that. */
struct cluster *cluster_format(void *mem, uint32_t nodes_max, const struct cluster_config *config,
			       uint64_t seed, uint64_t now_ms);
struct cluster_config *cluster_config(struct cluster *c);

/* Clears out, then fills it. */
void cluster_step(struct cluster *c, const struct cluster_event *event,
		  const struct cluster_facts *facts, struct effects *out);
/* When a CLUSTER_TICK is due, monotonic ms; at most CLUSTER_TICK_MS after the last. */
uint64_t cluster_next_at(const struct cluster *c);

/* CLUSTER and its subcommands, except those about keys (KEYSLOT, COUNTKEYSINSLOT, GETKEYSINSLOT), which data lcores answer.
 * argv[0] is "CLUSTER". Reply in RESP to w, effects as by a step; the caller sends the reply after effects that wait (C2) have run. */
void cluster_command(struct cluster *c, const struct span *argv, uint32_t argc,
		     const struct cluster_facts *facts, struct resp_writer *w, struct effects *out);

/* Asserts every invariant of the view. */
void cluster_check(const struct cluster *c);
