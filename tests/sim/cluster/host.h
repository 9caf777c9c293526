/* tests/sim/cluster/host.h - one machine with one process that is a cluster node; what the control lcore is in the program.
 *
 *     event --> host_event() --> cluster_step() --> effects in order: disk, wire, replication, trace
 *
 * A host is a machine and stays; a process is one life of it. Effects that wait for the disk (cluster.h C2) are held here.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"
#include "tests/sim/cluster/disk.h"
#include "tests/sim/cluster/net.h"

struct world;
struct event;

struct replication {      /* repl.c */
	uint32_t primary; /* host we were told to follow; HOST_NONE: we are a primary */
	struct node_id primary_id;
	bool synced, up;
	uint64_t offset, rate; /* bytes; bytes per second while clients write to a primary */
	uint64_t io_us, since_us, connect_us, updated_us;
	uint64_t pause_until_ms; /* of our own clock */
};

struct held { /* an effect that waits for a state number, or stands behind one that does */
	struct held *next;
	struct effect effect;
	struct frame *frame;
	struct bus_head head; /* of a frame, for the observers */
};

struct host {
	uint32_t index, life;
	bool alive, paused, machine_down, data_dead, repl_cut, restarting;
	uint32_t address; /* generation: part of the ip, changes when the host moves */
	char ip[BUS_IP_LEN];
	struct cluster *cluster;
	struct cluster_config config; /* given at boot */
	struct node_id id;            /* as of its last step */
	uint64_t clock_ms, unix_skew_ms;
	uint64_t tick_us, tick_number;
	uint64_t crash_after; /* effects until it crashes; 0: not armed */
	bus_link next_accepted;
	struct disk disk;
	struct held *held, **held_tail;
	struct conn_end **links; /* its open ends, hashed by link */
	struct replication repl;
	struct event *deferred; /* what arrived while it was paused */
	unsigned deferred_count, deferred_room;
	uint64_t bytes_sent, frames_sent;
};

void host_init(struct world *w, uint32_t index);
void host_free(struct world *w, struct host *h);
/* A new process: from the text on its disk, or, if there is none, as a new node. */
void host_boot(struct world *w, struct host *h);
/* kill -9, or with power the machine too: nobody is told. */
void host_crash(struct world *w, struct host *h, bool power);
void host_restart(struct world *w, struct host *h);
void host_pause(struct world *w, struct host *h);
void host_resume(struct world *w, struct host *h);
/* A new ip: as if its container had moved. The host must be down. */
void host_move(struct host *h);
void host_event(struct world *w, struct host *h, const struct cluster_event *event);
/* "CLUSTER ..." split at spaces; the RESP reply is in w->reply. False: the host is down. */
bool host_command(struct world *w, struct host *h, const char *text);
bool host_replied_ok(const struct world *w);
uint64_t host_now_ms(const struct world *w, const struct host *h);
void host_persisted(struct world *w, struct host *h, uint64_t number);
void host_tick(struct world *w, struct host *h, uint64_t number);

/* repl.c */
void repl_update(struct world *w, struct host *h);
void repl_follow(struct world *w, struct host *h,
		 const struct node_id *primary);   /* NULL: primary */
void repl_forget(struct world *w, struct host *h); /* process ended */
uint64_t repl_age_ms(const struct world *w, const struct host *h);

static inline bool
host_running(const struct host *h)
{
	return h->alive && !h->paused;
}
