/* app/net/neighbour.c - Ethernet addresses for frames that leave, and ARP that arrives (RFC 826, 1122 2.3.2).
 *
 * The cache itself is a machine without packets (proto/inet/arp_cache.h); here are the frames that wait for it. A connection
 * remembers its MAC for STACK_MAC_TRUST_US, so that the cache is asked once a second and not once a segment.
 */
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "app/net/stack_internal.h"

static void
send_arp(struct stack *stack, const struct arp_packet *arp, const uint8_t destination[6])
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(stack->config.control);
	if (m == NULL) {
		stack->counters.no_mbuf++;
		return;
	}
	arp_encode_frame((uint8_t *)rte_pktmbuf_append(m, ARP_FRAME_SIZE), destination, arp);
	stack_control_push(stack, m);
}

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* A request is broadcast until a MAC is known, then unicast to it (RFC 1122 2.3.2.1). */
static void
send_request(struct stack *stack, const struct arp_packet *request)
{
	static const uint8_t zero[6];
	bool known = memcmp(request->target_mac, zero, 6) != 0;
	send_arp(stack, request, known ? request->target_mac : broadcast);
}

void
stack_announce(struct stack *stack)
{
	struct arp_packet announcement;
	if (stack->config.quiet)
		return;
	arp_announcement(&stack->arp, &announcement);
	send_arp(stack, &announcement, broadcast);
}

static void
queue_drop(struct stack *stack, uint32_t index)
{
	struct arp_queue *q = &stack->arp_queues[index];
	stack->counters.arp_failed += q->count;
	for (unsigned i = 0; i < q->count; i++)
		rte_pktmbuf_free(q->packets[i]);
	q->count = 0;
}

static void
wait_for(struct stack *stack, uint32_t index, struct rte_mbuf *m)
{
	struct arp_queue *q = &stack->arp_queues[index];
	uint32_t address = stack->arp.entries[index].address;
	if (q->address != address) { /* the cache gave the entry to another address */
		queue_drop(stack, index);
		q->address = address;
	}
	if (q->count == ARP_QUEUE_MAX) { /* the newest are kept (RFC 1122 2.3.2.2) */
		rte_pktmbuf_free(q->packets[0]);
		stack->counters.arp_failed++;
		memmove(&q->packets[0], &q->packets[1],
			sizeof(q->packets[0]) * (ARP_QUEUE_MAX - 1));
		q->count--;
	}
	q->packets[q->count++] = m;
}

static uint32_t
next_hop(const struct stack *stack, uint32_t destination)
{
	const struct packet_host *host = &stack->config.host;
	bool on_link = ((destination ^ host->address) & host->netmask) == 0;
	return on_link || stack->config.gateway == 0 ? destination : stack->config.gateway;
}

bool
neighbour_resolve(struct stack *stack, struct rte_mbuf *m, uint32_t destination)
{
	uint8_t mac[6];
	uint32_t index;
	struct arp_packet request;
	bool refresh = false;
	enum arp_answer answer = arp_resolve(&stack->arp, next_hop(stack, destination),
					     stack->now_us, mac, &index, &request, &refresh);
	if (answer == ARP_ASK || refresh)
		send_request(stack, &request);
	if (answer == ARP_KNOWN) {
		memcpy(rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes, mac, 6);
		return true;
	}
	if (answer == ARP_NOBODY) {
		stack->counters.arp_failed++;
		rte_pktmbuf_free(m);
	} else {
		wait_for(stack, index, m);
	}
	return false;
}

bool
neighbour_resolve_conn(struct conn *conn, struct rte_mbuf *m)
{
	struct stack *stack = conn->stack;
	if (likely(conn->arp_generation == stack->arp.generation &&
		   stack->now_us < conn->mac_until_us))
		return true;
	if (!neighbour_resolve(stack, m, conn->head.remote_address))
		return false;
	memcpy(conn->flow.destination_mac.bytes,
	       rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes, 6);
	conn->arp_generation = stack->arp.generation;
	conn->mac_until_us = stack->now_us + STACK_MAC_TRUST_US;
	return true;
}

void
neighbour_input(struct stack *stack, const struct arp_packet *arp)
{
	struct arp_outcome outcome;
	arp_input(&stack->arp, arp, stack->now_us, &outcome);
	if (outcome.conflict && !stack->config.quiet)
		stack->counters.arp_conflicts++;
	if (outcome.reply && !stack->config.quiet)
		send_arp(stack, &outcome.packet, outcome.packet.target_mac);
	if (!outcome.resolved)
		return;
	struct arp_queue *q = &stack->arp_queues[outcome.index];
	const uint8_t *mac = stack->arp.entries[outcome.index].mac;
	for (unsigned i = 0; i < q->count; i++) {
		struct rte_ether_hdr *ether =
			rte_pktmbuf_mtod(q->packets[i], struct rte_ether_hdr *);
		memcpy(ether->dst_addr.addr_bytes, mac, 6);
		stack_control_push(stack, q->packets[i]);
	}
	q->count = 0;
}

void
neighbour_tick(struct stack *stack)
{
	struct arp_packet request;
	uint32_t index;
	bool failed;
	if (likely(arp_next_at(&stack->arp) > stack->now_us))
		return;
	while (arp_tick(&stack->arp, stack->now_us, &request, &index, &failed)) {
		if (failed)
			queue_drop(stack, index);
		else
			send_request(stack, &request);
	}
}

void
neighbour_drop_all(struct stack *stack)
{
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++)
		queue_drop(stack, i);
}
