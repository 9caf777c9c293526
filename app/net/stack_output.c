/* app/net/stack_output.c - frames out: every dirty connection's TCP machine is asked until it has nothing more to send.
 *
 * A segment that covers exactly one chunk leaves as that chunk: headers are written in front of the payload and the mbuf's
 * reference count keeps it for retransmission. Any other segment (partly acknowledged, across chunks, of a
 * referenced value, or still in the driver's ring) is copied into an mbuf of its own (spec 5.6).
 */
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "app/net/chunk.h"
#include "app/net/stack_internal.h"
#include "proto/base/assert.h"

static void
offload_flags(const struct stack *stack, struct rte_mbuf *m, uint8_t l4_size)
{
	m->l2_len = RTE_ETHER_HDR_LEN;
	m->l3_len = sizeof(struct rte_ipv4_hdr);
	m->l4_len = l4_size;
	m->ol_flags =
		stack->config.tx_tcp_checksum ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM : 0;
}

/* m holds payload bytes at CHUNK_PAYLOAD_OFFSET: puts the headers before them. */
static void
write_headers(struct stack *stack, struct rte_mbuf *m, const struct packet_flow *flow,
	      const struct tcp_segment *s)
{
	bool offload = stack->config.tx_tcp_checksum;
	uint16_t size = packet_tcp_headers_size(&s->options);
	m->data_off = (uint16_t)(CHUNK_PAYLOAD_OFFSET - size);
	m->data_len = (uint16_t)(size + s->payload_len);
	m->pkt_len = m->data_len;
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	packet_tcp_headers(at, flow, s, offload);
	const uint16_t l3_end = RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr);
	if (!offload)
		packet_tcp_checksum(at + l3_end, (uint16_t)(m->data_len - l3_end), flow->source,
				    flow->destination);
	offload_flags(stack, m, (uint8_t)(size - l3_end));
}

void
stack_reply_segment(struct stack *stack, const struct packet *packet,
		    const struct tcp_segment *segment)
{
	struct packet_flow flow = {
		.source_mac = stack->config.host.mac,
		.destination_mac = packet->source_mac,
		.source = packet->destination,
		.destination = packet->source,
		.source_port = packet->destination_port,
		.destination_port = packet->source_port,
		.ttl = 64,
	};
	struct rte_mbuf *m = rte_pktmbuf_alloc(stack->config.control);
	if (m == NULL) {
		stack->counters.no_mbuf++;
		return;
	}
	write_headers(stack, m, &flow, segment);
	/* It goes back where it came from: a stranger must not make us ask for addresses. */
	stack_control_push(stack, m);
}

/* The mbuf for one segment, payload in place; NULL: no mbuf. */
static struct rte_mbuf *
segment_mbuf(struct conn *conn, const struct tcp_emit *emit)
{
	uint16_t len = emit->head.payload_len;
	struct rte_mempool *pool =
		len == 0 ? conn->stack->config.control : conn->stack->config.pool;
	if (len > 0) {
		struct rte_mbuf *m = conn_chunk_exactly(conn, emit->from, len);
		if (m != NULL && rte_mbuf_refcnt_read(m) == 1) {
			rte_mbuf_refcnt_set(m, 2);
			chunk_of(m)->sealed = true;
			return m;
		}
	}
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	if (m != NULL && len > 0)
		conn_copy_queued(conn, emit->from, len,
				 (uint8_t *)m->buf_addr + CHUNK_PAYLOAD_OFFSET);
	return m;
}

/* True: *out is a frame to send. */
static bool
build(struct conn *conn, const struct tcp_emit *emit, struct rte_mbuf **out)
{
	struct stack *stack = conn->stack;
	struct rte_mbuf *m = segment_mbuf(conn, emit);
	if (unlikely(m == NULL)) {
		stack->counters.no_mbuf++; /* as if the wire had lost it: a timer is armed */
		return false;
	}
	stack->counters.retransmits += emit->retransmit;
	stack->counters.resets_sent += (emit->head.flags & TCP_RST) != 0;
	write_headers(stack, m, &conn->flow, &emit->head);
	if (!neighbour_resolve_conn(conn, m))
		return false;
	*out = m;
	return true;
}

/* Off the dirty list: arm its timer, or take it out of the tables. */
static void
settle(struct conn *conn, uint8_t events)
{
	conn->flags &= (uint16_t)~CONN_ON_DIRTY;
	if (conn->tcp.state == TCP_CLOSED || conn->tcp.state == TCP_TIME_WAIT) {
		uint8_t end = conn->head.end != 0 ? conn->head.end
			      : events != 0       ? events
						  : TCP_EVENT_CLOSED;
		conn->stack->counters.timeouts += (end & TCP_EVENT_TIMEOUT) != 0;
		stack_conn_end(conn, end);
		return;
	}
	stack_conn_rearm(conn);
}

static uint16_t
output_control(struct stack *stack, struct rte_mbuf **out, uint16_t max)
{
	uint16_t count = 0;
	while (count < max && stack->control_count > 0) {
		out[count++] = stack->control[stack->control_first];
		stack->control_first = (stack->control_first + 1) % STACK_CONTROL_MAX;
		stack->control_count--;
	}
	return count;
}

uint16_t
stack_output(struct stack *stack, struct rte_mbuf **out, uint16_t max, uint64_t now_us)
{
	uint16_t count = output_control(stack, out, max);
	stack->now_us = now_us;
	while (count < max && !STAILQ_EMPTY(&stack->dirty)) {
		struct conn *conn = STAILQ_FIRST(&stack->dirty);
		struct tcp_emit emit;
		uint8_t events = 0;
		bool more = true;
		tcp_set_unread(&conn->tcp, conn->rx_bytes + conn->held);
		while (count < max &&
		       (more = tcp_output(&conn->tcp, conn->tx_bytes, now_us, &emit, &events)))
			count = (uint16_t)(count + build(conn, &emit, &out[count]));
		if (more)
			break; /* out is full: it stays first in line */
		STAILQ_REMOVE_HEAD(&stack->dirty, dirty_link);
		settle(conn, events);
	}
	if (count < max) /* what the last connections made the ARP module say */
		count = (uint16_t)(count +
				   output_control(stack, out + count, (uint16_t)(max - count)));
	stack->counters.tx_packets += count;
	for (uint16_t i = 0; i < count; i++)
		stack->counters.tx_bytes += out[i]->pkt_len;
	return count;
}
