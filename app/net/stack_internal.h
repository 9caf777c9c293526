/* app/net/stack_internal.h - what the stack's own files share: stack.c (life, lists, timers), stack_input.c, stack_output.c,
 * neighbour.c. Nobody else includes it, but for the tests of app/net.
 */
#pragma once
#include <rte_hash.h>
#include <rte_mbuf.h>

#include "app/net/conn.h"
#include "app/net/stack.h"
#include "proto/base/prng.h"
#include "proto/base/wheel.h"
#include "proto/inet/arp_cache.h"
#include "proto/inet/icmp.h"

#define STACK_BURST_MAX      64 /* frames looked at together by stack_input() */
#define STACK_LISTENERS_MAX  8
#define STACK_CONTROL_MAX    512 /* ARP, ICMP, RST and released frames that wait for stack_output() */
#define STACK_PORT_TRIES_MAX 256
#define STACK_SIDES_MIN      64 /* connections that may be in trouble at a time (tcp_side.h): so many, */
#define STACK_SIDES_SHARE    4 /* and this fraction of all */
#define STACK_MAC_TRUST_US                                                                         \
	1000000 /* how long a connection uses a MAC before it asks the ARP cache again */

struct flow_key { /* 12 bytes, no padding: rte_hash compares memory */
	uint32_t remote, local;
	uint16_t remote_port, local_port;
};
_Static_assert(sizeof(struct flow_key) == 12, "compared as memory");

struct listener {
	uint16_t port; /* 0: free */
	void *user;
};

struct time_wait { /* 48 bytes: a connection in TIME-WAIT keeps no more */
	struct flow_key key;
	bool used;
	struct tcp_time_wait tcp;
};

struct arp_queue {
	struct rte_mbuf *packets[ARP_QUEUE_MAX];
	uint32_t address; /* whom they wait for */
	uint8_t count;
};

struct stack {
	struct stack_config config;
	struct stack_counters counters;
	struct rte_hash
		*flows; /* struct flow_key -> struct conn *, or struct time_wait * with bit 0 set */
	uint64_t now_us;
	struct conn_ready_list ready;
	struct conn_dirty_list dirty;
	struct wheel wheel;
	struct rte_mbuf *control[STACK_CONTROL_MAX];
	uint32_t control_first, control_count;
	struct listener listeners[STACK_LISTENERS_MAX];
	struct conn_dirty_list free;
	struct conn *conns; /* config.conn_max */
	uint32_t conn_count;
	struct time_wait *time_waits; /* config.time_wait_max, used as a ring */
	uint32_t time_wait_next, time_wait_oldest, time_wait_count;
	uint32_t half_open;
	uint64_t cookies_until_us; /* until then ACKs may be answers to cookies */
	struct tcp_side *side_memory;
	struct tcp_side_pool sides;
	struct arp_cache arp;
	struct arp_queue arp_queues[ARP_CACHE_MAX];
	struct icmp_bucket icmp_bucket, reset_bucket;
	struct prng prng;
};

/* Flow table. */
uint32_t flow_hash(const struct stack *stack, const struct flow_key *key);
static inline bool
flow_is_time_wait(const void *data)
{
	return ((uintptr_t)data & 1) != 0;
}
static inline struct time_wait *
flow_time_wait(void *data)
{
	return (struct time_wait *)((uintptr_t)data & ~(uintptr_t)1);
}

/* Connections: stack.c. */
void stack_conn_not_half_open(struct conn *conn);
struct conn *stack_conn_new(struct stack *stack, const struct flow_key *key,
			    void *user); /* NULL: full */
void stack_conn_end(struct conn *conn,
		    uint8_t reason); /* out of the flow table; END to the user, or freed */
void stack_conn_ready(struct conn *conn, uint8_t events); /* news for the user, unless released */
void stack_conn_dirty(struct conn *conn);                 /* stack_output() will look at it */
void stack_conn_rearm(struct conn *conn); /* put its timer where tcp_next_at() says */
void stack_time_wait_add(struct stack *stack, const struct conn *conn);
void stack_time_wait_remove(struct stack *stack, struct time_wait *w);
void stack_flow_key(const struct conn *conn, struct flow_key *key);

/* Frames that wait for stack_output(); frees m and counts when there is no room. */
void stack_control_push(struct stack *stack, struct rte_mbuf *m);

/* neighbour.c: Ethernet addresses. */
/* True: m (a whole frame) has its destination MAC. False: it waits for an answer, or was dropped. */
bool neighbour_resolve(struct stack *stack, struct rte_mbuf *m, uint32_t destination);
/* As neighbour_resolve(), for a connection: remembers the answer for a while. */
bool neighbour_resolve_conn(struct conn *conn, struct rte_mbuf *m);
void neighbour_input(struct stack *stack, const struct arp_packet *arp);
void neighbour_tick(struct stack *stack);
void neighbour_drop_all(struct stack *stack);

/* stack_output.c: one segment without a connection (RST, TIME-WAIT's ACK) in answer to packet. */
void stack_reply_segment(struct stack *stack, const struct packet *packet,
			 const struct tcp_segment *segment);
