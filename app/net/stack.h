/* app/net/stack.h - one lcore's TCP/IP host: mbufs in, mbufs out, connections for whoever serves them.
 *
 *     rx_burst --> stack_input() --> stack_next_ready() : connections with news, each once
 *                                        conn_peek/consume, conn_room/commit, conn_close ...
 *     tx_burst <-- stack_output() <----- one tcp_output() pass per dirty connection
 *
 * One instance per lcore, no lock, nothing shared: only the lcore that owns it may call anything here. Time and randomness
 * come from outside, so a test runs several stacks in one process in virtual time.
 *
 * N1  stack_input() takes ownership of every mbuf given; stack_output() gives ownership away.
 * N2  No pure ACK leaves for a segment whose answer leaves in the same turn: all output happens in stack_output().
 * N3  An idle connection pins no mbuf: what the user does not consume in the turn it was offered is the user's to copy.
 * N4  A connection handed out stays valid until conn_release(); after its end was seen (conn->events has an END bit) only
 *     conn_release() may be called.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/net/owner.h"
#include "proto/base/span.h"
#include "proto/inet/packet.h"
#include "proto/inet/tcp.h"

struct rte_mbuf;
struct rte_mempool;
struct stack;
struct conn;

struct stack_config {
	struct packet_host host;
	uint32_t gateway; /* host order; 0: only the own network */
	uint16_t mtu;
	struct rte_mempool
		*pool; /* data; needs CHUNK_PRIVATE_SIZE bytes of private area (chunk.h) */
	struct rte_mempool *control;          /* ARP, RST, ICMP, pure ACKs: never starved by data */
	bool tx_ip_checksum, tx_tcp_checksum; /* the device completes them */
	uint32_t conn_max, time_wait_max;
	uint32_t
		half_open_max; /* passive ones that wait for the third segment; beyond, SYN cookies. 0: conn_max / 4 */
	struct tcp_config tcp;
	uint64_t secret[2]; /* keys the initial sequence numbers and the flow hash */
	uint64_t seed;      /* ports, jitter */
	int socket_id;
	const struct owner_map
		*owners; /* outgoing connections take a source port that is self's; NULL: any */
	unsigned self;   /* the lcore, as owner.h counts */
	bool quiet;      /* another lcore answers ARP requests for our address */
};

struct stack_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t packet[PACKET_KIND_COUNT]; /* by packet_kind_name() */
	uint64_t tcp[TCP_DROP_COUNT];       /* by tcp_drop_name() */
	uint64_t icmp[16];                  /* by icmp_kind_name() */
	uint64_t resets_sent, no_listener, conn_full, no_mbuf, arp_failed, arp_conflicts;
	uint64_t retransmits, accepted, connected, timeouts;
	uint64_t path_mtu, resets_limited; /* segments became shorter; strangers not told */
	uint64_t cookies_sent, cookies_good, cookies_bad; /* SYNs answered without keeping them */
};

/* NULL: no memory (rte_errno). name makes the flow table's name unique in the process. */
struct stack *stack_create(const char *name, const struct stack_config *config);
/* Every connection is gone without a word, every mbuf is back in its pool. */
void stack_destroy(struct stack *stack);

/* Passive open on a port of our address. user: handed out as conn->user of what is accepted. */
bool stack_listen(struct stack *stack, uint16_t port, void *user);
void stack_unlisten(struct stack *stack, uint16_t port);
/* Active open. NULL: no connection or no port left. Success or failure shows as an event. */
struct conn *stack_connect(struct stack *stack, uint32_t address, uint16_t port, void *user,
			   uint64_t now_us);

/* Shutdown, at its deadline: every connection that is left owes a RST. */
void stack_abort_all(struct stack *stack);
void stack_announce(struct stack *stack); /* gratuitous ARP */
void stack_input(struct stack *stack, struct rte_mbuf **packets, uint16_t count, uint64_t now_us);
/* Timers that are due; before stack_next_ready(), so that timeouts show in the same turn. */
void stack_tick(struct stack *stack, uint64_t now_us);
/* The next connection with news, NULL: none left. Each connection comes once per piece of news. */
struct conn *stack_next_ready(struct stack *stack);
/* At most max frames. Call until it answers less than max. */
uint16_t stack_output(struct stack *stack, struct rte_mbuf **out, uint16_t max, uint64_t now_us);
/* When stack_tick() has work if nothing arrives; UINT64_MAX: never. */
uint64_t stack_next_at(const struct stack *stack);

const struct stack_counters *stack_counters(const struct stack *stack);
uint32_t stack_conn_count(const struct stack *stack);
/* Asserts the invariants of every connection, and that mbufs held add up. Tests and debug builds. */
void stack_check(const struct stack *stack);

enum conn_event {
	CONN_ACCEPTED = 1,   /* new, from a listener */
	CONN_CONNECTED = 2,  /* stack_connect() succeeded */
	CONN_READABLE = 4,   /* conn_peek() has bytes */
	CONN_WRITABLE = 8,   /* the send queue shrank */
	CONN_PEER_DONE = 16, /* the peer sends no more; what it sent is still to be read */
	CONN_END = 32,       /* reset, refused, timed out or closed: conn_release() it */
};

/* The head of struct conn (conn.h); the user reads it and writes user, nothing else. */
struct conn_head {
	void *user;
	uint32_t remote_address; /* host order */
	uint16_t remote_port, local_port;
	uint8_t events; /* enum conn_event; cleared when stack_next_ready() hands it out again */
	uint8_t end;    /* enum tcp_event that ended it */
};

static inline struct conn_head *
conn_head(struct conn *conn)
{
	return (struct conn_head *)conn;
}

/* The first contiguous unread bytes, writable (the parser unescapes in place); empty: nothing unread. Valid until
 * conn_consume() or the next stack_input(). */
struct span conn_peek(struct conn *conn);
uint32_t conn_unread(const struct conn *conn); /* all that conn_peek() would show, piece by piece */
void conn_consume(struct conn *conn, uint32_t count);
/* How many bytes the user holds for this connection beyond what conn_peek() shows: shrinks the window. */
void conn_hold(struct conn *conn, uint32_t held);

/* A window of at least need bytes (need <= RESP_ROOM_MAX) at the end of the send queue; false: no mbuf. */
bool conn_room(struct conn *conn, uint32_t need, uint8_t **at, uint8_t **end);
/* Bytes up to at were written into the window of conn_room(). */
void conn_commit(struct conn *conn, uint8_t *at);
/* Queue bytes that stay as they are until release(owner, object). False: no mbuf; release was not called. */
bool conn_reference(struct conn *conn, struct span bytes,
		    void (*release)(void *owner, void *object), void *owner, void *object);
uint32_t conn_queued(const struct conn *conn); /* unacknowledged and unsent bytes */

void conn_close(struct conn *conn, uint64_t now_us); /* FIN after what is queued; reading goes on */
void conn_abort(struct conn *conn);                  /* RST, then CONN_END */
/* The user is done with it: after CONN_END it is freed; before, it closes in the background and no news comes. */
void conn_release(struct conn *conn, uint64_t now_us);
