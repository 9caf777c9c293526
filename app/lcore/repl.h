/* app/lcore/repl.h - replication on the data lcores: whose history we hold, who follows us, whom we follow.
 *
 *     primary   PSYNC --> barrier: partial, or the cut of a snapshot --> snapshot parts of all lcores --> stream --> ACKs
 *     replica   data lcore 1: link to the primary --> RDB, then stream, applied inside a barrier --> ACK each second
 *
 * P1  A replica's bytes are its primary's: what it applied is what it appended to its own stream, so that any member of the shard can
 *     go on with any other's replicas (PSYNC2).
 * P2  The cut fixes keys and offset together: all lcores stand still. What changes later is in the stream, what is in the snapshot
 *     was there at the cut (keyspace.h K5).
 * P3  Nothing is acknowledged to the primary before it is applied.
 * P4  What we cannot hold (another type, no memory) ends the link with a reason that INFO shows; nothing is passed over.
 * struct repl is the node's: written inside a barrier by its actor, or atomic. struct repl_lcore is its lcore's.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/cmd/server.h"
#include "app/control/repl_facts.h"
#include "app/env/idle.h"
#include "app/lcore/mail.h"
#include "app/lcore/parcel.h"
#include "app/lcore/rdb_file.h"
#include "app/lcore/stream.h"
#include "app/net/stack.h"

#define REPL_ID_LEN       40
#define REPL_REPLICAS_MAX 16 /* of the node */
#define REPL_RING_MIN     (16u << 20)
#define REPL_ACK_US       1000000
#define REPL_RETRY_US     200000 /* between two attempts to reach our primary */

struct client;
struct sync;
struct replica;
struct snapshot_share;

enum replica_state {
	REPLICA_FREE,
	REPLICA_ASKED,    /* PSYNC came; waits for a barrier, or for its turn with the snapshot */
	REPLICA_SNAPSHOT, /* is being sent one */
	REPLICA_LOADING,  /* has all of it; the stream follows its first ACK */
	REPLICA_ONLINE,
};

struct replica_entry {                      /* what all lcores may know of a replica */
	_Alignas(64) _Atomic uint8_t state; /* enum replica_state */
	_Atomic uint64_t acked, acked_at_us;
	unsigned lcore; /* that sends to it; it writes all of this */
	uint16_t port;  /* REPLCONF listening-port */
	char address[16];
};

enum repl_role { REPL_PRIMARY, REPL_REPLICA };

struct repl {
	struct stream stream;
	struct repl_facts *facts;
	enum repl_role role;
	char id[REPL_ID_LEN + 1], id2[REPL_ID_LEN + 1];
	uint64_t second_offset; /* PSYNC offsets of id2 up to here are ours, too; 0: none */
	bool backlog;           /* the stream holds something that can be asked for */
	uint32_t primary_address;
	uint16_t primary_port;
	unsigned snapshot_sender; /* lcore; 0: no snapshot is under way */
	unsigned snapshot_shares; /* not complete yet; the sender's */
	struct rdb_file file;     /* while file.taking, the snapshot is for it */
	struct replica_entry replicas[REPL_REPLICAS_MAX];
	_Atomic uint32_t full_syncs, partial_syncs;
	const char *link_error; /* why the link to our primary ended last; NULL: it did not */
	struct server_group *group;
	struct slot_table *slots;
	struct idle *idles;
	unsigned lcores;
	uint16_t port; /* that clients of ours use */
};

struct repl_lcore {
	struct repl *node;
	unsigned self;
	struct server *server;
	struct allocator *allocator;
	struct stack *stack;
	struct post_office *office;
	struct replica *replicas;     /* whom this lcore sends to, linked */
	struct snapshot_share *share; /* what it owes the snapshot under way; NULL: nothing */
	struct sync *sync;            /* data lcore 1 of a replica */
	struct parcel_part *outgoing; /* of our share, on their way to who sends the snapshot */
	struct parcel_part *used;     /* of others' shares, on their way back */
	uint64_t ping_at_us;
	bool new_history, role_changed; /* asked by control, done in the next barrier */
	uint64_t resume_us;             /* likewise: end of the pause that is over; 0: none is */
	uint64_t now_us;
};

/* ring: a power of two. False: no memory. */
bool repl_init(struct repl *repl, void *ring, uint64_t size, struct prng *prng);
/* Is there anything that needs all lcores to stand still? */
bool repl_wants_barrier(const struct repl_lcore *l);
/* Inside a barrier. */
void repl_act(struct repl_lcore *l);
/* What this lcore collected goes into the stream: at the end of a turn, before replies leave, before a barrier. */
void repl_flush(struct repl_lcore *l);
/* Each turn: snapshot share, sending, the link, ACKs. True: there was something to do. */
bool repl_turn(struct repl_lcore *l, uint64_t now_us);
uint64_t repl_next_at(const struct repl_lcore *l);
void repl_mail(struct repl_lcore *l, const struct mail *mail);
/* The connection is the link to our primary: its news are ours. */
bool repl_owns(const struct repl_lcore *l, const struct conn *conn);
void repl_conn_event(struct repl_lcore *l, struct conn *conn, uint8_t events);
/* Shutdown: the link to our primary closes. */
void repl_stop(struct repl_lcore *l);
void repl_client_gone(struct repl_lcore *l, const struct client *client);

/* PSYNC, SYNC, REPLCONF, WAIT, ROLE: struct server_hooks. */
void repl_call(struct repl_lcore *l, struct call *call, struct resp_writer *w);
/* May a WAIT be answered? (count replicas have acknowledged offset) */
unsigned repl_acked(const struct repl *repl, uint64_t offset);
void repl_ask_acks(struct repl_lcore *l);
size_t repl_info(const struct repl_lcore *l, char *at, size_t size);

/* ---- between repl.c, replica.c, snapshot.c and sync.c ---- */

void repl_new_id(struct repl *repl, struct prng *prng);
void repl_feed_everywhere(const struct repl_lcore *l, bool on);
void repl_drop_replicas(struct repl_lcore *l);

/* replica.c: one replica that this lcore sends to. */
void replica_ask(struct repl_lcore *l, struct client *client, struct span id, int64_t offset);
void replica_option(struct repl_lcore *l, struct client *client, struct span name,
		    struct span value);
void replica_ack(struct repl_lcore *l, struct client *client, uint64_t offset);
bool replica_waits(const struct repl_lcore *l); /* for a barrier */
void replica_act(struct repl_lcore *l);
bool replica_turn(struct repl_lcore *l);
void replica_part(struct repl_lcore *l, struct parcel_part *part);
void replica_share_end(struct repl_lcore *l, bool failed);
void replica_part_used(void *repl_lcore, void *part); /* back to its lcore (parcel.h Q3) */

/* snapshot.c */
unsigned
snapshot_begin(struct repl_lcore
		       *l); /* inside a barrier: every lcore owes a share; how many could be made */
bool snapshot_turn(struct repl_lcore *l);
void snapshot_part_done(struct repl_lcore *l, struct parcel_part *part);

/* sync.c: the link to our primary. */
struct sync *sync_create(struct repl_lcore *l);
void sync_destroy(struct repl_lcore *l);
bool sync_waits(const struct sync *sync);
void sync_act(struct repl_lcore *l);
bool sync_turn(struct repl_lcore *l);
uint64_t sync_next_at(const struct sync *sync);
bool sync_owns(const struct sync *sync, const struct conn *conn);
void sync_event(struct repl_lcore *l, uint8_t events);
const char *sync_state_name(const struct sync *sync);
