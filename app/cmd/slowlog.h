/* app/cmd/slowlog.h - the commands of one lcore that took too long, newest first (SLOWLOG).
 *
 *     call_execute() --ticks--> slowlog_note() --> entry -> entry -> ... -> oldest, dropped behind slowlog-max-len
 *
 * L1  An entry holds copies: at most SLOWLOG_ARGS_MAX words of SLOWLOG_WORD_MAX bytes, in one piece of memory.
 * L2  No memory: the entry is not made, and nothing else happens.
 * Ids are unique within the node: a lcore's own count, times the number of lcores, plus which one.
 */
#pragma once
#include <stdint.h>
#include <sys/queue.h>

#include "proto/base/span.h"

#define SLOWLOG_ARGS_MAX 32u
#define SLOWLOG_WORD_MAX 128u

struct server;
struct call;

struct slow_entry {
	TAILQ_ENTRY(slow_entry) link;
	uint64_t id, at_us, unix_s, duration_us;
	size_t size; /* in memory */
	uint32_t argc;
	struct span argv[SLOWLOG_ARGS_MAX], address, name; /* in bytes */
	uint8_t bytes[];
};

struct slowlog {
	TAILQ_HEAD(slow_entries, slow_entry) entries;
	uint64_t count, next_id;
};

void slowlog_init(struct slowlog *log, unsigned member);
void slowlog_note(struct server *server, const struct call *call, uint64_t duration_us);
void slowlog_clear(struct server *server);
