/* app/cmd/feed.h - what a lcore's commands changed, as commands that a replica can apply: collected in a turn, then put into the stream.
 *
 *     call_execute() --changed something?--> feed_call()    the command itself, or, where time or chance had a part, its effect
 *     keyspace       --expired?-----------> feed_delete()   before the command it makes room for
 *     owner          --end of turn--------> feed_take()     all of it, in order
 *
 * F1  What is fed, applied in order to what was there before, gives what is there now: at any other time, on any other node.
 * Off while nobody can ask for it: a primary without replicas, any replica (its stream is its primary's, byte for byte).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/store/allocator.h"
#include "proto/base/span.h"

struct server;
struct call;

struct feed {
	bool on;
	bool failed; /* no memory: the history has a hole, replicas must begin anew */
	uint32_t
		args; /* of the command that runs, how many took effect; 0: all. MSET may run out of memory halfway */
	uint8_t *at;
	size_t len, size;
};

/* The call has run, and something changed. */
void feed_call(struct server *server, const struct call *call);
void feed_delete(struct server *server, struct span key);
void feed_command(struct server *server, const struct span *argv, uint32_t argc);
/* What was collected, valid until the next command runs; empties the feed. */
struct span feed_take(struct server *server);
void feed_free(struct server *server);
