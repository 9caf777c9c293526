/* app/net/conn.c - a connection's byte queues.
 *
 * The receive side never copies in-order payload: the mbuf is trimmed to what the TCP machine accepted and handed on.
 * Out-of-order segments that touch their predecessor are copied behind it when they fit, so that a sender of tiny segments
 * pins about as many mbufs as its bytes need (spec 6, 18).
 *
 * The send side is a list of chunks (chunk.h). Rejected: a ring of bytes per connection, which costs its full size when idle and one more
 * copy per reply.
 */
#include "app/net/conn.h"

#include <rte_memcpy.h>

#include "app/net/chunk.h"
#include "app/net/stack_internal.h"
#include "proto/base/assert.h"
#include "proto/resp/writer.h"

uint32_t
conn_chunk_capacity(const struct conn *conn)
{
	uint32_t mss = conn->tcp.snd_mss;
	return mss < RESP_ROOM_MAX ? RESP_ROOM_MAX : mss;
}

static void
chunk_free(struct rte_mbuf *m)
{
	struct chunk *c = chunk_of(m);
	if (c->kind == CHUNK_REFERENCE)
		c->release(c->owner, c->object);
	rte_pktmbuf_free(m);
}

/* ---- receive ---- */

static void
rx_append(struct conn *conn, struct rte_mbuf *m)
{
	chunk_of(m)->next = NULL;
	if (conn->rx_first == NULL)
		conn->rx_first = m;
	else
		chunk_of(conn->rx_last)->next = m;
	conn->rx_last = m;
	conn->rx_bytes += m->data_len;
}

/* Bytes of next copied behind prev if they follow it and fit. */
static bool
ooo_merge(struct rte_mbuf *prev, struct rte_mbuf *next)
{
	struct chunk *p = chunk_of(prev), *n = chunk_of(next);
	if (p->position + prev->data_len != n->position ||
	    rte_pktmbuf_tailroom(prev) < next->data_len)
		return false;
	rte_memcpy(rte_pktmbuf_append(prev, next->data_len), rte_pktmbuf_mtod(next, const void *),
		   next->data_len);
	return true;
}

static void
ooo_insert(struct conn *conn, struct rte_mbuf *m)
{
	struct rte_mbuf *prev = NULL, *next = conn->ooo_first;
	uint32_t position = chunk_of(m)->position;
	while (next != NULL && seq_lt(chunk_of(next)->position, position)) {
		prev = next;
		next = chunk_of(next)->next;
	}
	if (prev != NULL && ooo_merge(prev, m)) {
		rte_pktmbuf_free(m);
		return;
	}
	chunk_of(m)->next = next;
	if (prev == NULL)
		conn->ooo_first = m;
	else
		chunk_of(prev)->next = m;
	conn->ooo_count++;
}

void
conn_keep(struct conn *conn, struct rte_mbuf *m, uint32_t offset, const struct tcp_accept *accept)
{
	rte_pktmbuf_adj(m, (uint16_t)(offset + accept->skip));
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - accept->take));
	struct chunk *c = chunk_of(m);
	c->kind = CHUNK_BYTES;
	if (accept->at != 0) {
		/* RCV.NXT did not move: the offset counts from it. */
		c->position = conn->tcp.rcv_nxt + accept->at;
		ooo_insert(conn, m);
		return;
	}
	rx_append(conn, m);
	for (uint32_t left = accept->ready - accept->take; left > 0;) {
		struct rte_mbuf *next = conn->ooo_first;
		ASSERT(next != NULL && next->data_len <= left);
		conn->ooo_first = chunk_of(next)->next;
		conn->ooo_count--;
		left -= next->data_len;
		rx_append(conn, next);
	}
}

struct span
conn_peek(struct conn *conn)
{
	struct rte_mbuf *m = conn->rx_first;
	if (m == NULL)
		return (struct span){NULL, 0};
	return (struct span){rte_pktmbuf_mtod(m, const uint8_t *), m->data_len};
}

uint32_t
conn_unread(const struct conn *conn)
{
	return conn->rx_bytes;
}

void
conn_consume(struct conn *conn, uint32_t count)
{
	DASSERT(count <= conn->rx_bytes);
	conn->rx_bytes -= count;
	while (count > 0) {
		struct rte_mbuf *m = conn->rx_first;
		if (count < m->data_len) {
			rte_pktmbuf_adj(m, (uint16_t)count);
			break;
		}
		count -= m->data_len;
		conn->rx_first = chunk_of(m)->next;
		rte_pktmbuf_free(m);
	}
	if (conn->rx_first == NULL)
		conn->rx_last = NULL;
	stack_conn_dirty(conn);
}

void
conn_hold(struct conn *conn, uint32_t held)
{
	if (conn->held == held)
		return;
	conn->held = held;
	stack_conn_dirty(conn);
}

/* ---- send ---- */

static struct rte_mbuf *
tx_append(struct conn *conn, enum chunk_kind kind)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(conn->stack->config.pool);
	if (unlikely(m == NULL)) {
		conn->stack->counters.no_mbuf++;
		return NULL;
	}
	struct chunk *c = chunk_of(m);
	c->next = NULL;
	c->len = 0;
	c->position = conn->tx_front + conn->tx_bytes;
	c->kind = (uint8_t)kind;
	c->sealed = kind == CHUNK_REFERENCE;
	c->at = (uint8_t *)m->buf_addr + CHUNK_PAYLOAD_OFFSET;
	if (conn->tx_last == NULL)
		conn->tx_first = m;
	else
		chunk_of(conn->tx_last)->next = m;
	conn->tx_last = m;
	return m;
}

bool
conn_room(struct conn *conn, uint32_t need, uint8_t **at, uint8_t **end)
{
	DASSERT(need <= RESP_ROOM_MAX);
	uint32_t capacity = conn_chunk_capacity(conn);
	struct rte_mbuf *m = conn->tx_last;
	if (m == NULL || chunk_of(m)->sealed || chunk_of(m)->len + need > capacity) {
		m = tx_append(conn, CHUNK_BYTES);
		if (m == NULL)
			return false;
	}
	struct chunk *c = chunk_of(m);
	uint8_t *base = (uint8_t *)m->buf_addr + CHUNK_PAYLOAD_OFFSET;
	uint32_t room = (uint32_t)m->buf_len - CHUNK_PAYLOAD_OFFSET;
	*at = base + c->len;
	*end = base + (capacity < room ? capacity : room);
	return true;
}

void /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
conn_commit(struct conn *conn, uint8_t *at)
{
	struct rte_mbuf *m = conn->tx_last;
	if (m == NULL)
		return;
	struct chunk *c = chunk_of(m);
	if (c->sealed)
		return;
	uint32_t len = (uint32_t)(at - ((uint8_t *)m->buf_addr + CHUNK_PAYLOAD_OFFSET));
	DASSERT(len >= c->len && len <= m->buf_len);
	conn->tx_bytes += len - c->len;
	c->len = len;
	stack_conn_dirty(conn);
}

bool
conn_reference(struct conn *conn, struct span bytes, void (*release)(void *owner, void *object),
	       void *owner, void *object)
{
	struct rte_mbuf *m = tx_append(conn, CHUNK_REFERENCE);
	if (m == NULL)
		return false;
	struct chunk *c = chunk_of(m);
	c->at = bytes.at;
	c->len = (uint32_t)bytes.len;
	c->release = release;
	c->owner = owner;
	c->object = object;
	conn->tx_bytes += c->len;
	stack_conn_dirty(conn);
	return true;
}

uint32_t
conn_queued(const struct conn *conn)
{
	return conn->tx_bytes;
}

void
conn_release_acked(struct conn *conn, uint32_t acked)
{
	ASSERT(acked <= conn->tx_bytes);
	conn->tx_bytes -= acked;
	conn->tx_front += acked;
	while (conn->tx_first != NULL) {
		struct rte_mbuf *m = conn->tx_first;
		struct chunk *c = chunk_of(m);
		uint32_t gone = conn->tx_front - c->position;
		/* An empty chunk at the end may still be written to: it goes with its successor. */
		if (gone < c->len || (c->len == 0 && c->next == NULL))
			break;
		conn->tx_first = c->next;
		if (conn->tx_cursor == m)
			conn->tx_cursor = NULL;
		chunk_free(m);
	}
	if (conn->tx_first == NULL)
		conn->tx_last = NULL;
}

/* The chunk that holds the byte at offset from of the queue. */
static struct rte_mbuf *
tx_find(struct conn *conn, uint32_t from)
{
	uint32_t position = conn->tx_front + from;
	struct rte_mbuf *m = conn->tx_cursor;
	if (m == NULL || (int32_t)(position - chunk_of(m)->position) < 0)
		m = conn->tx_first;
	while (m != NULL && position - chunk_of(m)->position >= chunk_of(m)->len)
		m = chunk_of(m)->next;
	conn->tx_cursor = m;
	return m;
}

struct rte_mbuf *
conn_chunk_exactly(struct conn *conn, uint32_t from, uint32_t len)
{
	struct rte_mbuf *m = tx_find(conn, from);
	struct chunk *c = chunk_of(m);
	if (c->kind != CHUNK_BYTES || c->len != len || c->position != conn->tx_front + from)
		return NULL;
	return m;
}

void
conn_copy_queued(struct conn *conn, uint32_t from, uint32_t len, uint8_t *at)
{
	struct rte_mbuf *m = tx_find(conn, from);
	uint32_t skip = conn->tx_front + from - chunk_of(m)->position;
	while (len > 0) {
		const struct chunk *c = chunk_of(m);
		uint32_t part = c->len - skip;
		if (part > len)
			part = len;
		rte_memcpy(at, c->at + skip, part);
		at += part;
		len -= part;
		skip = 0;
		m = c->next;
	}
}

/* Frees a list linked through chunk_of(m)->next. */
static void
list_free(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = chunk_of(m)->next;
		chunk_free(m);
		m = next;
	}
}

void
conn_drop_queues(struct conn *conn)
{
	list_free(conn->rx_first);
	list_free(conn->ooo_first);
	list_free(conn->tx_first);
	conn->rx_first = conn->rx_last = conn->ooo_first = NULL;
	conn->tx_first = conn->tx_last = conn->tx_cursor = NULL;
	conn->rx_bytes = conn->held = conn->tx_bytes = conn->ooo_count = 0;
}
