/* app/control/cluster_node.h - a node's part in a cluster, run: events from links, clock and disk into cluster_step(), its effects out.
 *
 *     bus (links) ---------\                                   /--> bus: CONNECT, CLOSE, SEND (or gate.h, until n is on disk)
 *     clock: TICK ----------+--> cluster_step() --> effects --+---> disk: PERSIST n, nodes.conf; comes back as PERSISTED n
 *     disk: PERSISTED ------/    cluster_command()             +--> slot table: SLOTS
 *     CLUSTER commands ----/                                   \--> data lcores: hooks (fence, role, pause, drop ...)
 *
 * O1  Effects are carried out in their order; one that waits for a state number is kept until that is on disk (cluster.h C2).
 * O2  Giving slots away is revealed late: when words of the slot table took slots from data lcores, the save that says so counts as
 *     on disk only after all of them have answered the fence. What reveals it waits for that save.
 * O3  A save that fails is tried again every DISK_RETRY_MS; until then nothing that depends on it is revealed.
 * O4  Nothing here waits: not for the disk, not for a data lcore.
 * It knows no mail and no client: the hooks are the control lcore's (app/lcore/orders.h). Control lcore only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/cmd/config.h"
#include "app/control/bus.h"
#include "app/control/repl_facts.h"
#include "app/store/slot_table.h"
#include "cluster/cluster.h"

struct allocator;
struct clock;
struct cluster_node;
struct idle;

#define CLUSTER_NODE_ERROR_MAX 256
#define DISK_RETRY_MS          1000

struct cluster_role { /* of ours */
	bool replica;
	bool primary_known;
	char ip[BUS_IP_LEN]; /* of our primary */
	uint16_t port;
};

struct cluster_hooks { /* towards the data lcores; they may queue, but neither wait nor refuse */
	void *owner;
	/* Answer with cluster_node_fenced(number) when all have passed a loop boundary since. */
	void (*fence)(void *owner, uint64_t number);
	void (*role)(void *owner, const struct cluster_role *role);
	void (*new_history)(void *owner);
	void (*pause)(void *owner, uint64_t until_ms); /* monotonic; 0: go on */
	void (*drop_slots)(void *owner, const struct slot_bitmap *slots);
	void (*drop_all)(void *owner);
	bool (*data_alive)(void *owner, uint64_t now_ms); /* the watchdog's word */
	uint64_t (*stream_end)(void *owner); /* offset behind what was written, or applied */
};

struct cluster_node_options {
	const struct config *config; /* read at every step */
	const struct clock *clock;
	struct stack *stack; /* listens on the bus port */
	struct idle *idle;   /* the control lcore's */
	struct repl_facts *facts;
	struct cluster_hooks hooks;
	uint64_t seed;
	uint64_t now_us;
};

/* Reads and locks nodes.conf. NULL: one clear line in error. Main lcore, before any lcore runs. */
struct cluster_node *cluster_node_create(const struct cluster_node_options *options,
					 char error[CLUSTER_NODE_ERROR_MAX]);
/* Waits for the disk. */
void cluster_node_destroy(struct cluster_node *node);
const struct slot_table *cluster_node_slots(const struct cluster_node *node);
struct slot_table *cluster_node_slots_writable(struct cluster_node *node);

/* Once per turn of the control loop, between the stack's input and its output. */
void cluster_node_turn(struct cluster_node *node, uint64_t now_us);
/* How long a turn of the control loop took, sleep left out: INFO shows the longest. */
void cluster_node_turned(struct cluster_node *node, uint64_t took_us);
/* When a turn is due if nothing arrives, us; and, right before sleeping: is anything there already? */
uint64_t cluster_node_next_at(const struct cluster_node *node);
bool cluster_node_waiting(const struct cluster_node *node);
void cluster_node_fenced(struct cluster_node *node, uint64_t number);

/* Does the subcommand need to know how many keys each slot holds? */
bool cluster_node_wants_keys(const struct span *argv, uint32_t argc);
/* slot_keys: [SLOT_COUNT], if it does. The reply may be sent once cluster_node_durable() has reached what this answers. */
uint64_t cluster_node_command(struct cluster_node *node, const struct span *argv, uint32_t argc,
			      const uint32_t *slot_keys, struct resp_writer *w);
uint64_t cluster_node_durable(const struct cluster_node *node);

/* Any lcore: "name:value\r\n" lines for INFO. Answers how many bytes it wrote. */
size_t cluster_node_info(const struct cluster_node *node, char *at, size_t size);
