/* app/env/port.h - one started port: its pools, its queues, and bursts in both directions.
 *
 * port_start() and port_stop() are the main lcore's; a queue's port_rx() and port_tx() its data lcore's.
 */
#pragma once
#include <stdint.h>

#include <rte_ethdev.h>

#include "app/env/port_plan.h"

#define PORT_QUEUES_MAX 16
#define PORT_BACKLOG_MAX                                                                           \
	1024 /* frames that the driver did not take yet; beyond, they are lost as on a wire */
#define PORT_ERROR_MAX 256

struct port_queue {
	_Alignas(64) uint32_t backlog_count;
	uint64_t tx_lost;
	struct rte_mbuf *backlog[PORT_BACKLOG_MAX];
};

struct port {
	uint16_t id;
	struct port_plan plan;
	uint8_t mac[6];
	int socket_id;
	struct rte_mempool *data_pool, *control_pool;
	int rx_fds[PORT_QUEUES_MAX]; /* readable when frames wait; -1: the driver has none */
	struct port_queue queues[PORT_QUEUES_MAX];
};

/* private_size: private area of every data mbuf. 0, or negative errno and one clear line. */
int port_start(struct port *port, uint16_t port_id, const struct port_plan *plan,
	       uint16_t private_size, char error[PORT_ERROR_MAX]);
void port_stop(struct port *port);
/* Frames that the driver did not take: tried again before new ones, so that order is kept. */
void port_backlog(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t count);
/* Gives the backlog a last chance, for at most a millisecond or so. Shutdown. */
void port_flush(struct port *port, uint16_t queue);

static inline uint16_t
port_rx(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t max)
{
	return rte_eth_rx_burst(port->id, queue, frames, max);
}

/* Any lcore: does the queue owe the driver frames? A hint. */
static inline bool
port_has_backlog(const struct port *port, uint16_t queue)
{
	return __atomic_load_n(&port->queues[queue].backlog_count, __ATOMIC_RELAXED) > 0;
}

/* Takes all frames over. One lcore at a time per queue (app/lcore/wire.h). */
static inline void
port_tx(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t count)
{
	uint16_t sent = 0;
	if (__builtin_expect(port->queues[queue].backlog_count == 0, 1)) {
		if (count == 0)
			return;
		sent = rte_eth_tx_burst(port->id, queue, frames, count);
		if (__builtin_expect(sent == count, 1))
			return;
	}
	port_backlog(port, queue, frames + sent, (uint16_t)(count - sent));
}
