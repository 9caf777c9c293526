/* app/cmd/server.h - a single-threaded Redis without a network: one per data lcore.
 *
 *     argv --> call_identify() : which command, which key, whose it is; prefetches the bucket
 *          --> call_prefetch() : entries                               (up to CALL_BATCH_MAX at a time)
 *          --> call_execute()  : check arity, auth, limits; run; reply (in order)
 *
 * S1  It knows no socket, no mbuf, no clock and no thread: time is struct server_time, set by the owner once per loop turn;
 *     what it wants from outside it leaves in server->wants.
 * S2  What was prefetched is a hint; call_execute() looks the key up again.
 * S3  Servers of one node form a group: slot s is members[s % count]'s. A call whose route is ROUTE_BARRIER may touch them all, because its
 *     caller holds their lcores still (app/lcore/barrier.h); any other touches its own only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/cmd/config.h"
#include "app/cmd/session.h"
#include "app/store/budget.h"
#include "app/store/keyspace.h"
#include "proto/base/prng.h"
#include "proto/base/span.h"
#include "proto/resp/writer.h"

#define CALL_BATCH_MAX 16

struct command; /* one row of the command table: app/cmd/command.h */

enum call_route {
	ROUTE_HERE,    /* on any member */
	ROUTE_MEMBER,  /* on the member call->member alone */
	ROUTE_BARRIER, /* while all members stand still */
	ROUTE_WAIT,    /* when replicas have acknowledged enough */
	ROUTE_PAUSED,  /* waits for the end of a pause: identified anew when that is over */
	ROUTE_REWRITE, /* CONFIG REWRITE: on the control lcore, which has a helper for the disk */
	ROUTE_CONTROL, /* CLUSTER: on the control lcore, which has the view */
};

struct call {
	struct session *session;
	const struct span *argv;
	uint32_t argc;
	uint8_t route;  /* enum call_route */
	uint8_t member; /* of the group */
	bool follows; /* another call ends where this one begins: its duration counts from there, which saves reading the clock */
	const struct command *command; /* NULL: unknown */
	struct key key;                /* the first key; at NULL: the command has none */
};

/* What waits: for a manual failover to end (writes), for CLIENT PAUSE WRITE or ALL. */
enum pause_level { PAUSE_NONE, PAUSE_WRITES, PAUSE_ALL };

#define SERVER_GROUP_MAX 15

struct slot_table;

struct server_group {
	unsigned count;
	const struct slot_table
		*slots; /* cluster mode: who serves what; NULL: we serve everything */
	struct server *members[SERVER_GROUP_MAX];
	struct budget budget; /* of their memory */
};

enum server_want {
	SERVER_WANT_SHUTDOWN = 1,       /* SHUTDOWN: the node drains and exits */
	SERVER_WANT_CONFIG_CHANGED = 2, /* CONFIG SET: tell the other lcores */
	SERVER_WANT_CONFIG_REWRITE = 4,
	SERVER_WANT_SWEEP = 8,     /* some session has SESSION_CLOSE_NOW */
	SERVER_WANT_EVICTION = 16, /* by the other members: wake them */
};

struct server_counters {
	uint64_t commands, connections, rejected_connections, keyspace_hits, keyspace_misses;
	uint64_t expired_keys, evicted_keys, net_in_bytes, net_out_bytes, error_replies;
};

struct call;

/* What the node around it adds to INFO; all optional. */
struct server_hooks {
	/* Append "name:value\r\n" lines of section "dpdk", "server" ... to the writer-independent text at *text. */
	size_t (*info)(void *owner, const char *section, char *at, size_t size);
	void *owner;
	/* PSYNC, REPLCONF, WAIT, ROLE. */
	void (*replicate)(void *replication, struct call *call, struct resp_writer *w);
	void *replication; /* struct repl_lcore */
	/* BGSAVE, inside a barrier. NULL: it has begun, or, *schedule, waits for its turn, if it was allowed to; else the error. */
	const char *(*save)(void *replication, bool *schedule);
	uint64_t (*saved_at_s)(const void *replication); /* LASTSAVE */
	/* What durations are measured with; NULL: they are not (INFO commandstats, SLOWLOG). */
	uint64_t (*ticks)(void);
	uint64_t ticks_per_us;
	void (*sleep_us)(uint64_t us); /* DEBUG SLEEP: holds the calling lcore */
	uint32_t process_id;
};

struct server_options {
	const struct config *config; /* copied */
	struct allocator *allocator; /* app/store/allocator.h */
	struct allocator *data;      /* of keys and values; NULL: the same */
	struct server_hooks hooks;
	uint64_t seed;
	uint8_t hash_secret[16];
	uint64_t unix_ms, now_us;
	const char *version;
	struct server_group *
		group; /* server_create() puts the server at members[member]; shared, outlives them; NULL: alone */
	unsigned member;
};

struct server *server_create(const struct server_options *options);
void server_destroy(struct server *server);

/* Once per loop turn: wall clock (expiry, TIME) and monotonic clock (durations). */
void server_set_time(struct server *server, uint64_t unix_ms, uint64_t now_us);
struct config *server_config(struct server *server);
struct server_counters *server_counters(struct server *server);
uint32_t server_slot_count(const struct server *server, uint16_t slot); /* keys */
struct session_list *server_sessions(struct server *server);
uint32_t server_take_wants(struct server *server); /* enum server_want, cleared by the call */

/* A call with session, argv, argc set, argc > 0: fills in the rest, prefetches. */
void call_identify(struct server *server, struct call *call);
/* What CLIENT PAUSE asks for now. */
enum pause_level server_pause_level(const struct server *server);
/* Whether an identified call waits for the end of such a pause. What is refused anyway does not, nor do replicas and our primary. */
bool call_is_paused(const struct call *call, enum pause_level level);
/* count <= CALL_BATCH_MAX identified calls that this server will execute. */
void call_prefetch(struct server *server, const struct call *calls, size_t count);
/* A sink for replies that nobody hears: CLIENT REPLY OFF, what our primary sent. */
extern const struct resp_sink call_nowhere;
/* Runs one. Its whole reply goes to w (whose protocol follows the session's). */
void call_execute(struct server *server, struct call *call, struct resp_writer *w);

/* Active expiry, table growth, session timeouts (sets SESSION_CLOSE_NOW): at most budget_us of work. */
void server_tick(struct server *server, uint64_t budget_us);
uint64_t server_next_at(const struct server *server); /* us, when server_tick() next has work */
