/* app/net/conn.h - a connection: the TCP machine, its two byte queues, and its place in the stack's lists.
 *
 *     send queue     tx_first -> ... -> tx_last        chunks; the front is SND.UNA
 *                    |<- tx_front skips acknowledged bytes of the first chunk
 *     in order       rx_first -> ... -> rx_last        payload the user has not consumed
 *     out of order   ooo_first -> ...                  sorted by sequence number, no overlap (tcp.h T2)
 *
 * Private to app/net and its tests; users see stack.h. One lcore.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/net/stack.h"
#include "proto/base/wheel.h"
#include "proto/inet/packet.h"
#include "proto/inet/tcp_state.h"

enum conn_flag {
	CONN_IN_USE = 1,
	CONN_ON_READY = 2, /* linked in stack->ready */
	CONN_ON_DIRTY = 4, /* linked in stack->dirty */
	CONN_RELEASED = 8, /* the user is done with it: no more news, freed at its end */
	CONN_ENDED = 16,   /* out of the flow table; waits for conn_release() */
	CONN_PASSIVE = 32,
	CONN_HALF_OPEN = 64, /* counted in stack->half_open */
};

struct conn {
	struct conn_head head; /* first: conn_head() */
	uint16_t flags;        /* enum conn_flag */
	uint16_t ooo_count;    /* mbufs in ooo_first */
	uint32_t rx_bytes;     /* in order, not consumed */
	uint32_t held;         /* conn_hold() */
	uint32_t tx_bytes;     /* from SND.UNA to the end of the queue */
	uint32_t tx_front;     /* stream offset of SND.UNA's byte */
	struct stack *stack;
	struct rte_mbuf *rx_first, *rx_last;
	struct rte_mbuf *tx_first, *tx_last;
	struct rte_mbuf
		*tx_cursor; /* chunk of the segment sent last: where the next search begins */
	struct rte_mbuf *ooo_first;
	TAILQ_ENTRY(conn) ready_link;
	STAILQ_ENTRY(conn) dirty_link; /* also links the free list */
	struct wheel_node timer;
	uint64_t timer_at_us; /* when the node is due; TCP_NEVER: not armed */
	struct packet_flow flow;
	uint32_t arp_generation;
	uint64_t mac_until_us; /* the resolved MAC is used without asking the cache until then */
	struct tcp tcp;
};

TAILQ_HEAD(conn_ready_list, conn);
STAILQ_HEAD(conn_dirty_list, conn);

/* Payload bytes a chunk takes for this connection. */
uint32_t conn_chunk_capacity(const struct conn *conn);
/* Give back what the peer has acknowledged. */
void conn_release_acked(struct conn *conn, uint32_t acked);
/* Keep [skip, skip + take) of the payload of m, whose payload begins at offset; ready and at as in struct tcp_accept.
 * Takes m over. */
void conn_keep(struct conn *conn, struct rte_mbuf *m, uint32_t offset,
	       const struct tcp_accept *accept);
/* Bytes [from, from + len) of the send queue: the chunk that holds them whole, or NULL. */
struct rte_mbuf *conn_chunk_exactly(struct conn *conn, uint32_t from, uint32_t len);
/* Copy them to at. The caller knows they are queued. */
void conn_copy_queued(struct conn *conn, uint32_t from, uint32_t len, uint8_t *at);
/* Everything both queues hold goes back. */
void conn_drop_queues(struct conn *conn);
