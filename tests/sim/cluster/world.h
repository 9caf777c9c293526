/* tests/sim/cluster/world.h - whole clusters in one process, in virtual time, from a seed.
 *
 *     host: cluster_step() --effects--> disk    nodes.conf as text; slow, failing, old or new after a crash
 *             ^    ^                    wire    real frames over TCP-like lanes: ordered, delayed, stalled, cut, reset
 *             |    '------ facts ------ replication (offsets only)
 *             '-- events: the clock jumps to whatever is due next
 *
 * W1  Everything that happens is a function of struct world_options: same options, same run (world.digest tells).
 * W2  A host knows of the others only what frames told it, and of its own past only what its disk holds.
 * W3  What the observers (check.h) see is what was sent, received, traced and written, never what a host meant to do.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster/cluster.h"
#include "cluster/view.h"
#include "proto/base/prng.h"
#include "proto/bus/codec.h"
#include "tests/sim/cluster/host.h"

#define WORLD_HOSTS_MAX 1024
#define WORLD_REPLY_MAX (1u << 20)
#define WORLD_PORT      7000
#define WORLD_CPORT     17000
#define WORLD_ROLES_MAX 64 /* refusal reasons of one kind that are counted apart */
#define US_PER_MS       1000ull
#define HOST_NONE       UINT32_MAX
#define WORLD_MOVED_MAX 64
#define WORLD_TEXT_MAX  512
#define WORLD_CHECKERS  10

enum violation_kind { VIOLATION_NONE, VIOLATION_SAFETY, VIOLATION_LIVENESS };

struct world_options {
	uint64_t seed;
	uint32_t hosts,
		shards; /* the first shards hosts are primaries, the rest replicas, round robin */
	uint64_t node_timeout_ms;
	uint32_t loss_per_million;
	uint32_t latency_us, jitter_us;
	bool known; /* every host starts from a nodes.conf that names all; false: MEET, ADDSLOTS, REPLICATE */
	bool fast; /* the directives of spec E2 */
	bool steady; /* nothing but the nodes themselves draws: fixed delays, rates and ids, for stories */
	bool verbose;
};

enum event_kind {
	EVENT_TICK,
	EVENT_ARRIVE,
	EVENT_RETRY,
	EVENT_SYN,
	EVENT_PERSISTED,
	EVENT_REFUSED,
	EVENT_RESUME,
	EVENT_RESTART,
	EVENT_CALL
};

struct event {
	uint64_t due_us, order;
	enum event_kind kind;
	uint8_t side, item; /* net.h */
	uint32_t host, life;
	struct conn *conn;
	struct frame *frame;
	uint64_t number;
	void (*call)(struct world *w, uint64_t number); /* EVENT_CALL */
};

struct world_counts {
	uint64_t steps, frames, bytes, persists, crashes, elections, votes, wins, takeovers, fails,
		pfails;
	uint64_t faults, false_fails;
	uint64_t traced[TRACE_COUNT];
	uint64_t reasons[TRACE_COUNT]
			[WORLD_ROLES_MAX]; /* by trace and number, of those that carry a reason */
};

struct world {
	struct world_options options;
	struct prng net_prng, disk_prng, fault_prng;
	uint64_t now_us, order, digest;
	struct event *heap;
	size_t heap_count, heap_room;
	struct host *hosts;
	uint32_t host_count, known_max;
	uint8_t *cut; /* [from * host_count + to]: how many cuts cover this direction */
	uint32_t loss_per_million, duplicate_per_million;
	uint32_t latency_us, jitter_us;
	bool unsafe_used; /* an operator moved an epoch without consensus: TAKEOVER, SETSLOT, BUMPEPOCH, collision */
	uint32_t keys[SLOT_COUNT]; /* how many keys each slot holds, wherever it is served */
	struct effects *effects;
	struct bus_msg *message; /* the one being received */
	struct bus_gossip *gossip;
	uint8_t *reply;
	size_t reply_len;
	unsigned stepping; /* a step is under way */
	struct nemesis *nemesis;
	uint16_t moved[WORLD_MOVED_MAX]; /* slots that an operator moved, the last ones */
	unsigned moved_count;
	void *checks[WORLD_CHECKERS];
	bool observers_off;
	enum violation_kind violation;
	char violation_text[WORLD_TEXT_MAX];
	struct world_counts counts;
	/* Scenario and --verbose: one line per thing worth reading. NULL: nobody reads. */
	void (*say)(struct world *w, const char *line, void *to);
	void *say_to;
	bool say_frames; /* votes, bids, FAIL, UPDATE, MFSTART and PUBLISH frames too */
};

struct world *world_new(const struct world_options *options);
void world_free(struct world *w);
/* Runs until then, or until a violation. */
void world_run(struct world *w, uint64_t until_us);
/* Runs while less than for_us has passed and done(w) is false; true: it became true. Looks every step_us. */
bool world_run_until(struct world *w, uint64_t for_us, uint64_t step_us,
		     bool (*done)(struct world *w));
void world_violate(struct world *w, enum violation_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_push(struct world *w, struct event event);
/* call(w, number) at now + delay_us. */
void world_later(struct world *w, uint64_t delay_us, void (*call)(struct world *w, uint64_t number),
		 uint64_t number);
/* Host with this node id now; HOST_NONE. */
uint32_t world_find(const struct world *w, const struct node_id *id);
/* "n3", or the first bytes of an id that no host has any more. text: at least 16 bytes. */
const char *world_name(const struct world *w, const struct node_id *id, char *text);

/* setup.c */
void setup_boot_all(struct world *w);
/* Forms the cluster and runs until it has converged; false: it did not in time. */
bool setup_create(struct world *w);
