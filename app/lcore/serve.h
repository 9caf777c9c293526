/* app/lcore/serve.h - RESP over connections: from bytes that arrived to replies that are queued.
 *
 *     stack_next_ready() --> parse all complete commands --> groups of <= CALL_BATCH_MAX, across connections
 *                            call_prepare(group): hash, prefetch       call_execute() each, in order
 *
 * R1  A connection's commands run in the order they came, and its replies leave in that order.
 * R2  Arguments point into received bytes; those are given back only after the group has run.
 * One instance per data lcore.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/cmd/server.h"
#include "app/lcore/client.h"
#include "app/net/stack.h"

#define SERVE_ARGS_MAX                                                                             \
	1024 /* arguments of a group; a command with more runs alone, from the heap */

struct serve_counters {
	uint64_t batches, calls, ended[CLIENT_END_COUNT], refused_maxclients;
};

struct serve {
	struct stack *stack;
	struct server *server;
	struct allocator *allocator;
	uint32_t local_address;
	bool draining; /* shutting down: nobody new, no more commands */
	uint32_t count, source_count, args_used, client_count;
	struct call calls[CALL_BATCH_MAX];
	struct client *owners[CALL_BATCH_MAX];
	struct client *sources[CALL_BATCH_MAX];
	struct span args[SERVE_ARGS_MAX];
	STAILQ_HEAD(, client) closing; /* to be ended when this turn's groups have run */
	struct serve_counters counters;
};

void serve_init(struct serve *serve, struct stack *stack, struct server *server,
		struct allocator *allocator, uint32_t local_address);
/* Everything the stack has to tell: accepts, reads, executes, replies, closes. */
void serve_ready(struct serve *serve, uint64_t now_us);
/* Connections whose session asks for their end (CLIENT KILL, idle timeout): once in a while. */
void serve_sweep(struct serve *serve, uint64_t now_us);
/* Shutdown: FIN to every client once its replies have left. */
void serve_drain(struct serve *serve, uint64_t now_us);
