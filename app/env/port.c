/* app/env/port.c - carrying out a port_plan. */
#include "app/env/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#define POOL_CACHE   256
#define CONTROL_SIZE (RTE_PKTMBUF_HEADROOM + 256) /* ARP, RST, pure ACK */
#define LINK_WAIT_MS 3000
#define FLUSH_TRIES  100

static int
create_pools(struct port *port, uint16_t private_size, char error[PORT_ERROR_MAX])
{
	const struct port_plan *plan = &port->plan;
	char name[32];
	snprintf(name, sizeof(name), "data_%u", port->id);
	port->data_pool = rte_pktmbuf_pool_create(name, plan->data_mbufs, POOL_CACHE, private_size,
						  plan->mbuf_data_size, port->socket_id);
	snprintf(name, sizeof(name), "control_%u", port->id);
	port->control_pool = rte_pktmbuf_pool_create(name, plan->control_mbufs, POOL_CACHE, 0,
						     CONTROL_SIZE, port->socket_id);
	if (port->data_pool != NULL && port->control_pool != NULL)
		return 0;
	snprintf(error, PORT_ERROR_MAX,
		 "no memory for %u mbufs of %u bytes: give EAL more (-m or hugepages), or lower "
		 "rx-mbufs",
		 plan->data_mbufs, plan->mbuf_data_size);
	return -ENOMEM;
}

static int
configure(struct port *port)
{
	const struct port_plan *plan = &port->plan;
	struct rte_eth_conf conf = {
		.rxmode = {.offloads = plan->rx_offloads, .mtu = plan->mtu},
		.txmode = {.offloads = plan->tx_offloads                            },
		.intr_conf = {.rxq = plan->rx_interrupts},
	};
	if (plan->rss_hf != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = plan->rss_hf;
	}
	int rc = rte_eth_dev_configure(port->id, plan->queues, plan->queues, &conf);
	for (uint16_t q = 0; q < plan->queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(port->id, q, plan->rx_descriptors,
					    (unsigned)port->socket_id, NULL, port->data_pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port->id, q, plan->tx_descriptors,
						    (unsigned)port->socket_id, NULL);
	}
	if (rc == 0)
		rc = rte_eth_dev_start(port->id);
	return rc;
}

/* Some devices receive only seconds after start; waiting longer is the peer's business. */
static void
wait_for_link(uint16_t port_id)
{
	struct rte_eth_link link;
	for (unsigned ms = 0; ms < LINK_WAIT_MS; ms += 10) {
		if (rte_eth_link_get_nowait(port_id, &link) < 0 || link.link_status)
			return;
		rte_delay_ms(10);
	}
}

int
port_start(struct port *port, uint16_t port_id, const struct port_plan *plan, uint16_t private_size,
	   char error[PORT_ERROR_MAX])
{
	struct rte_ether_addr mac;
	memset(port, 0, sizeof(*port));
	port->id = port_id;
	port->plan = *plan;
	port->socket_id = rte_eth_dev_socket_id(port_id);
	if (port->socket_id < 0)
		port->socket_id = 0;
	int rc = create_pools(port, private_size, error);
	if (rc < 0)
		return rc;
	rc = configure(port);
	if (rc == 0)
		rc = rte_eth_macaddr_get(port_id, &mac);
	if (rc < 0) {
		snprintf(error, PORT_ERROR_MAX, "port %u does not start: %s: see drivers-config/",
			 port_id, rte_strerror(-rc));
		return rc;
	}
	memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	if (plan->mac_apart) /* ARP between two equal addresses fails in silence */
		port->mac[5] ^= 1;
	for (uint16_t q = 0; q < PORT_QUEUES_MAX; q++)
		port->rx_fds[q] = plan->rx_interrupts && q < plan->queues
					  ? rte_eth_dev_rx_intr_ctl_q_get_fd(port_id, q)
					  : -1;
	wait_for_link(port_id);
	return 0;
}

void
port_stop(struct port *port)
{
	for (uint16_t q = 0; q < port->plan.queues; q++)
		rte_pktmbuf_free_bulk(port->queues[q].backlog, port->queues[q].backlog_count);
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
}

void
port_backlog(struct port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t count)
{
	struct port_queue *q = &port->queues[queue];
	uint32_t room = PORT_BACKLOG_MAX - q->backlog_count;
	uint32_t kept = count < room ? count : room;
	if (kept > 0)
		memcpy(&q->backlog[q->backlog_count], frames, kept * sizeof(frames[0]));
	q->backlog_count += kept;
	if (kept < count) {
		q->tx_lost += count - kept;
		rte_pktmbuf_free_bulk(frames + kept, count - kept);
	}
	uint16_t sent = rte_eth_tx_burst(port->id, queue, q->backlog, (uint16_t)q->backlog_count);
	q->backlog_count -= sent;
	memmove(q->backlog, q->backlog + sent, q->backlog_count * sizeof(q->backlog[0]));
}

void
port_flush(struct port *port, uint16_t queue)
{
	for (unsigned i = 0; i < FLUSH_TRIES && port->queues[queue].backlog_count > 0; i++) {
		port_backlog(port, queue, NULL, 0);
		rte_delay_us(10);
	}
}
