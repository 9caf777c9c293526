/* app/cmd/command.h - the command table: one row per command, one file of handlers per group.
 *
 * A row says all that is known before a command runs: arity, flags, where its keys are, which lcores take part, ACL categories.
 * COMMAND INFO and COMMAND DOCS print it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/cmd/feed.h"
#include "app/cmd/handlers.h"
#include "app/cmd/latency.h"
#include "app/cmd/server.h"
#include "app/cmd/slowlog.h"
#include "app/store/keyspace.h"

enum command_flag {
	COMMAND_WRITE = 1,
	COMMAND_READONLY = 2,
	COMMAND_DENYOOM = 4,
	COMMAND_ADMIN = 8,
	COMMAND_FAST = 16,
	COMMAND_LOADING = 32,
	COMMAND_STALE = 64,
	COMMAND_NOSCRIPT = 128,
	COMMAND_NO_AUTH = 256,
	COMMAND_NO_ASYNC_LOADING = 512,
	COMMAND_ALLOW_BUSY = 1024,
	COMMAND_NO_MULTI = 2048,
	COMMAND_ASKING = 4096,    /* as if ASKING had been sent before it */
	COMMAND_CONTAINER = 8192, /* its keys are its subcommands': it shows none of its own */
};

/* Who takes part (ARCHITECTURE.md). With one data lcore all four run here. */
enum command_scope { SCOPE_CONN, SCOPE_SLOT, SCOPE_FANOUT, SCOPE_BARRIER };

struct command {
	const char *name; /* lower case */
	void (*run)(struct server *server, struct call *call, struct resp_writer *w);
	int16_t arity; /* with the name; negative: at least */
	uint16_t flags;
	int8_t first_key, last_key, key_step;
	uint8_t scope;
	const char *categories; /* "@write @string @fast" */
};

extern const struct command command_table[];
extern const unsigned command_count;

/* name in any case. NULL: unknown. */
const struct command *command_lookup(const struct server *server, struct span name);

struct command_stats {
	uint64_t calls, ticks, failed, rejected;
};

#define ERROR_CODES_MAX 24u /* different ones; further ones are counted in all only */
#define ERROR_CODE_MAX  24u

struct error_stats {
	char code[ERROR_CODE_MAX]; /* "WRONGTYPE" */
	uint64_t count;
};

/* What had been counted at some moment: rates are told from the older of two. */
struct rate_sample {
	uint64_t at_us, commands, in_bytes, out_bytes;
};

/* Parts of a server that handlers use. */
struct server {
	struct config config;
	struct allocator *allocator, *data; /* of buffers, of keys and values */
	struct keyspace *keys;
	struct server_group *group, alone; /* alone: the group of a server that was given none */
	struct session_list sessions;
	uint64_t session_count, next_session_id;
	unsigned member; /* of the group */
	struct access access;
	uint64_t credit;       /* of the group's budget */
	uint32_t turn_victims; /* evicted in this turn */
	bool over;             /* memory_tick() has work */
	bool stands_still;     /* a manual failover waits for our offset: nothing is evicted */
	struct server_counters counters;
	struct feed feed;
	struct keyspace_watch watch;
	struct server_hooks hooks;
	uint64_t ticked; /* when the last call ended */
	struct prng prng;
	uint64_t unix_ms, now_us, started_us, active_expire_at_us;
	uint32_t wants;
	uint64_t wait_offset; /* of the WAIT that is answered now */
	bool active_expire;
	bool acting; /* a call of ROUTE_BARRIER runs */
	const char *version;
	char run_id[41];
	struct command_stats *stats; /* per row of command_table */
	struct error_stats errors[ERROR_CODES_MAX];
	struct rate_sample samples[2]; /* older, newer */
	struct slowlog slowlog;
	struct latency latency;
	struct latency_histogram *histograms; /* per row of command_table */
	uint64_t pause_until_us;
	enum pause_level pause; /* CLIENT PAUSE, until then */
	uint64_t blocked;       /* clients that wait: WAIT */
	uint16_t *index;        /* hash of names -> row + 1 */
};

/* The keyspace that holds a key: ours, or inside a barrier anybody's (server.h S3). */
static inline struct keyspace *
keys_of(struct server *server, const struct key *key)
{
	const struct server_group *group = server->group;
	return group->count == 1 ? server->keys : group->members[key->slot % group->count]->keys;
}

/* Whose keyspace that is. */
static inline struct server *
holder_of(struct server *server, const struct key *key)
{
	const struct server_group *group = server->group;
	return group->count == 1 ? server : group->members[key->slot % group->count];
}

bool server_is_replica(const struct server *server);
uint64_t group_key_count(const struct server_group *group); /* inside a barrier */

/* Shared texts and small helpers of the handlers. */
#define ERROR_SYNTAX      "ERR syntax error"
#define ERROR_NOT_INTEGER "ERR value is not an integer or out of range"
#define ERROR_OOM         "OOM command not allowed when used memory > 'maxmemory'."
#define ERROR_TOO_LONG    "ERR string exceeds maximum allowed size (proto-max-bulk-len)"

bool span_is(struct span word, const char *text); /* without case; text in lower case */
/* False: the error has been written. */
bool take_integer(struct span word, int64_t *value, struct resp_writer *w);
struct entry *find_key(struct server *server, struct span name); /* notes no access */
/* Counts a hit or a miss, and notes the access; peek does not. */
struct entry *find_first_key(struct server *server, struct call *call);
struct entry *peek_first_key(struct server *server, struct call *call);
void reply_value(struct server *server, const struct entry *e, struct resp_writer *w);
/* Of this server, or inside a barrier anybody's. */
void reply_blob(struct server *server, struct blob *blob, struct resp_writer *w);
void reply_out_of_memory(struct resp_writer *w);
/* "wrong number of arguments for 'x' command", "unknown subcommand" as Redis 7.0. */
void reply_wrong_arity(struct resp_writer *w, const char *name);
void reply_unknown_subcommand(struct resp_writer *w, struct call *call);
void reply_subcommand_syntax(struct resp_writer *w, struct call *call);
enum expiry_form {
	EXPIRY_SECONDS = 1,
	EXPIRY_ABSOLUTE = 2
}; /* flags; else milliseconds from now */
/* Absolute unix time in ms from an argument of that form. False: the error has been written. */
bool take_expiry(struct server *server, const struct call *call, struct span word, unsigned form,
		 uint64_t *expire_ms, struct resp_writer *w);

/* One subcommand of a container (CLIENT, CONFIG ...): arity counts both names, negative: at least. */
struct subcommand {
	const char *name; /* lower case */
	void (*run)(struct server *server, struct call *call, struct resp_writer *w);
	int16_t arity;
};
/* Runs the one that argv[1] names, checks its arity, and answers HELP from the table. */
void run_subcommand(const struct subcommand *table, size_t count, struct server *server,
		    struct call *call, struct resp_writer *w);

/* cmd_cluster.c */
/* Which of CLUSTER's subcommands runs where: call->route and call->member. */
void cluster_choose_route(const struct server *server, struct call *call);
