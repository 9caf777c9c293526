/* app/lcore/serve.h - RESP over connections: from bytes that arrived to replies that are queued.
 *
 *     stack_next_ready() --> parse all complete commands --> here: groups of <= CALL_BATCH_MAX, across connections
 *                                                                  call_prefetch(group)     call_execute() each, in order
 *                                                       --> another lcore's: a parcel by mail, the client is parked meanwhile
 *                                                       --> everybody's: a parcel that waits for the barrier
 *
 * R1  A connection's commands run in the order they came, and its replies leave in that order.
 * R2  Arguments point into received bytes; those are given back only after the group has run, or the parcel is back.
 * R3  Mail that finds its ring full waits in outgoing, in order; the clients behind it stay parked.
 * One instance per data lcore.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/cmd/server.h"
#include "app/lcore/barrier.h"
#include "app/lcore/client.h"
#include "app/lcore/mail.h"
#include "app/lcore/parcel.h"
#include "app/lcore/repl.h"
#include "app/net/stack.h"

#define SERVE_ARGS_MAX                                                                             \
	1024 /* arguments of a group; a command with more runs alone, from the heap */

struct serve_counters {
	uint64_t batches, calls, ended[CLIENT_END_COUNT], refused_maxclients;
	uint64_t parcels_sent, parcels_served, barriers, mail_full;
};

struct serve_options {
	struct stack *stack;
	struct server *server;
	struct allocator *allocator;
	struct post_office *office;
	struct barrier *barrier;
	_Atomic uint32_t *clients; /* of the whole node */
	struct repl_lcore *repl;   /* NULL: no cluster, no replication */
	unsigned self;             /* lcore, from 1; serves the group's member self - 1 */
	uint32_t local_address;
};

struct serve {
	struct serve_options of;
	bool draining; /* shutting down: nobody new, no more commands */
	uint32_t count, source_count, args_used;
	struct call calls[CALL_BATCH_MAX];
	struct client *owners[CALL_BATCH_MAX];
	struct client *sources[CALL_BATCH_MAX];
	struct span args[SERVE_ARGS_MAX];
	STAILQ_HEAD(, client) closing; /* to be ended when this turn's groups have run */
	struct parcel_list outgoing;   /* R3 */
	struct parcel_list acting;     /* wait for the barrier */
	struct parcel_list acted;      /* have run there */
	struct parcel_list waiting;    /* WAIT */
	struct parcel_list
		paused; /* of our clients, until a pause ends (CLIENT PAUSE, manual failover) */
	struct parcel_list held;        /* the same, mailed by other lcores */
	enum pause_level paused_at;     /* the strictest at which one of them was stopped */
	struct parcel_part *used_parts; /* of other lcores, to be mailed back */
	struct serve_counters counters;
};

void serve_init(struct serve *serve, const struct serve_options *options);
/* Everything the stack has to tell: accepts, reads, executes, replies, closes. */
void serve_ready(struct serve *serve, uint64_t now_us);
/* MAIL_CALLS, MAIL_REPLIES, MAIL_PART_DONE. After the last one of a turn: serve_settle(). */
void serve_mail(struct serve *serve, const struct mail *mail, uint64_t now_us);
/* What the turn left over: mail that waited, WAITs, writes after a pause, clients to be ended. True: mail still waits. */
bool serve_settle(struct serve *serve, uint64_t now_us);
/* Calls that need the barrier; running them inside; telling their clients afterwards. */
bool serve_wants_barrier(const struct serve *serve);
void serve_act(struct serve *serve);
void serve_acted(struct serve *serve, uint64_t now_us);
/* When a WAIT or a pause ends; UINT64_MAX: never. */
uint64_t serve_next_at(const struct serve *serve);
/* Connections whose session asks for their end (CLIENT KILL, idle timeout): once in a while. */
void serve_sweep(struct serve *serve, uint64_t now_us);
/* Shutdown: FIN to every client once its replies have left. */
void serve_drain(struct serve *serve, uint64_t now_us);
