/* app/lcore/wire.c - sharing queues, and handing frames to their owners. */
#include "app/lcore/wire.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "proto/base/assert.h"

#define BURST       32
#define FLUSH_TRIES 100

int
wire_init(struct wire *wire, struct port *port, const struct owner_map *owners, unsigned lcores,
	  struct idle *const *idles)
{
	memset(wire, 0, sizeof(*wire));
	wire->port = port;
	wire->owners = *owners;
	wire->lcores = lcores;
	wire->first = owners->bus_port != 0 ? 0 : 1;
	for (unsigned i = 0; i < lcores; i++) {
		wire->idles[i] = idles[i];
		/* Control sends on the first queue and polls none of its own. */
		wire->at[i].queue = (uint16_t)(i == 0 ? 0 : (i - 1) % port->plan.queues);
		wire->at[i].has_queue = i > 0 && i <= port->plan.queues;
	}
	for (unsigned q = 0; q < port->plan.queues; q++)
		wire->queues[q].poller = q + 1;
	for (unsigned to = wire->first; to < lcores; to++)
		for (unsigned from = 0; from < lcores; from++) {
			char name[RTE_RING_NAMESIZE];
			if (to == from)
				continue;
			snprintf(name, sizeof(name), "wire_%u_%u_%u", port->id, from, to);
			wire->rings[to][from] =
				rte_ring_create(name, WIRE_RING_SIZE, port->socket_id,
						RING_F_SP_ENQ | RING_F_SC_DEQ);
			if (wire->rings[to][from] == NULL)
				return -rte_errno;
		}
	return 0;
}

void
wire_close(struct wire *wire)
{
	for (unsigned to = 0; to < wire->lcores; to++) {
		struct wire_lcore *at = &wire->at[to];
		rte_pktmbuf_free_bulk(at->outbox, at->outbox_count);
		for (unsigned from = 0; from < wire->lcores; from++) {
			struct rte_mbuf *m;
			struct rte_ring *ring = wire->rings[to][from];
			while (ring != NULL && rte_ring_sc_dequeue(ring, (void **)&m) == 0)
				rte_pktmbuf_free(m);
			rte_ring_free(ring);
		}
	}
}

static bool
queue_lock(struct wire *wire, unsigned self, uint16_t queue)
{
	if (!atomic_flag_test_and_set_explicit(&wire->queues[queue].locked, memory_order_acquire))
		return true;
	wire->at[self].counters.locked++;
	return false;
}

static void
queue_unlock(struct wire *wire, uint16_t queue)
{
	atomic_flag_clear_explicit(&wire->queues[queue].locked, memory_order_release);
}

/* ---- receiving ---- */

static void
hand_on(struct wire *wire, unsigned self, unsigned to, struct rte_mbuf *m)
{
	struct wire_counters *counters = &wire->at[self].counters;
	if (rte_ring_sp_enqueue(wire->rings[to][self], m) != 0) {
		counters->ring_full++;
		rte_pktmbuf_free(m);
		return;
	}
	counters->handed_on++;
	idle_wake(wire->idles[to]);
}

/* Each lcore changes what it receives: everybody else gets a copy. */
static void
hand_to_others(struct wire *wire, unsigned self, const struct rte_mbuf *m)
{
	for (unsigned to = wire->first; to < wire->lcores; to++) {
		if (to == self)
			continue;
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, wire->port->data_pool, 0, UINT32_MAX);
		if (copy != NULL)
			hand_on(wire, self, to, copy);
		else
			wire->at[self].counters.ring_full++;
	}
}

/* Keeps self's frames at the front of the array; answers how many. */
static uint16_t
sort_out(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t mine = 0;
	if (wire->lcores - wire->first == 1)
		return count; /* one data lcore, no cluster: all is its own */
	for (uint16_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], const void *));
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = frames[i];
		unsigned owner =
			owner_of_frame(&wire->owners, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
		if (owner == OWNER_EVERYBODY) {
			hand_to_others(wire, self, m);
			owner = self >= wire->first ? self : wire->first;
		}
		if (owner == self)
			frames[mine++] = m;
		else
			hand_on(wire, self, owner, m);
	}
	return mine;
}

static uint16_t
poll_queue(struct wire *wire, unsigned self, uint16_t queue, struct rte_mbuf **frames,
	   uint64_t now_us)
{
	if (!queue_lock(wire, self, queue))
		return 0;
	uint16_t n = port_rx(wire->port, queue, frames, BURST);
	queue_unlock(wire, queue);
	atomic_store_explicit(&wire->queues[queue].polled_us, now_us, memory_order_relaxed);
	return n > 0 ? sort_out(wire, self, frames, n) : 0;
}

/* W1. A poller that sleeps is woken by its device. */
static bool
queue_is_stale(const struct wire *wire, uint16_t queue, uint64_t now_us)
{
	const struct wire_queue *q = &wire->queues[queue];
	uint64_t polled = atomic_load_explicit(&q->polled_us, memory_order_relaxed);
	return now_us > polled + WIRE_STALE_US && !idle_asleep(wire->idles[q->poller]);
}

static uint16_t
take_handed(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t max)
{
	uint16_t count = 0;
	for (unsigned from = 0; from < wire->lcores && count < max; from++)
		if (from != self)
			count = (uint16_t)(count + rte_ring_sc_dequeue_burst(
							   wire->rings[self][from],
							   (void **)&frames[count],
							   (unsigned)(max - count), NULL));
	return count;
}

uint16_t
wire_receive(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t max,
	     uint64_t now_us)
{
	struct wire_lcore *at = &wire->at[self];
	uint16_t count = 0;
	ASSERT(max >= 2 * BURST && self >= wire->first);
	if (wire->lcores - wire->first > 1)
		count = take_handed(wire, self, frames, BURST);
	if (at->has_queue)
		count = (uint16_t)(count +
				   poll_queue(wire, self, at->queue, frames + count, now_us));
	for (uint16_t q = 0; q < wire->port->plan.queues && count <= max - BURST; q++) {
		if ((at->has_queue && q == at->queue) || !queue_is_stale(wire, q, now_us))
			continue;
		at->counters.stale_polls++;
		count = (uint16_t)(count + poll_queue(wire, self, q, frames + count, now_us));
	}
	return count;
}

bool
wire_waiting(const struct wire *wire, unsigned self)
{
	for (unsigned from = 0; from < wire->lcores; from++)
		if (from != self && wire->rings[self][from] != NULL &&
		    !rte_ring_empty(wire->rings[self][from]))
			return true;
	return wire->at[self].outbox_count > 0;
}

/* ---- sending ---- */

static void
outbox_add(struct wire_lcore *at, struct rte_mbuf **frames, uint16_t count)
{
	uint32_t room = WIRE_OUTBOX_MAX - at->outbox_count;
	uint32_t kept = count < room ? count : room;
	if (kept > 0)
		memcpy(&at->outbox[at->outbox_count], frames, kept * sizeof(frames[0]));
	at->outbox_count += kept;
	if (kept < count) {
		at->counters.outbox_full += count - kept;
		rte_pktmbuf_free_bulk(frames + kept, count - kept);
	}
}

void
wire_send(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t count)
{
	struct wire_lcore *at = &wire->at[self];
	if (count == 0 && at->outbox_count == 0 && !port_has_backlog(wire->port, at->queue))
		return;
	if (!queue_lock(wire, self, at->queue)) {
		outbox_add(at, frames, count);
		return;
	}
	if (at->outbox_count > 0) {
		port_tx(wire->port, at->queue, at->outbox, (uint16_t)at->outbox_count);
		at->outbox_count = 0;
	}
	port_tx(wire->port, at->queue, frames, count);
	queue_unlock(wire, at->queue);
}

void
wire_flush(struct wire *wire, unsigned self)
{
	uint16_t queue = wire->at[self].queue;
	for (unsigned i = 0; i < FLUSH_TRIES && wire->at[self].outbox_count > 0; i++)
		wire_send(wire, self, NULL, 0);
	if (!queue_lock(wire, self, queue))
		return; /* another lcore is sending: it takes the backlog along */
	port_flush(wire->port, queue);
	queue_unlock(wire, queue);
}
