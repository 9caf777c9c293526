/* app/env/port_plan.h - from what a port reports to how we configure it. Pure: no EAL call.
 *
 *     rte_eth_dev_info + options + profile --> port_plan() --> struct port_plan | a refusal
 *
 * Whatever a device may lack is an input: a test gives it any device (DESIGN 4).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rte_eth_dev_info;
struct profile; /* app/env/profile.h: one file of drivers-config/ */

enum port_refusal {
	PORT_PLANNED,
	PORT_REFUSED_NO_QUEUE,    /* the device has no rx or no tx queue */
	PORT_REFUSED_MTU,         /* the wanted MTU is outside the device's range */
	PORT_REFUSED_DESCRIPTORS, /* no legal ring size */
	PORT_REFUSED_MBUF_SIZE,   /* the device wants buffers longer than an mbuf can be */
	PORT_REFUSED_MBUF_COUNT,  /* the pool asked for is smaller than the rings need */
	PORT_REFUSAL_COUNT,
};

struct port_options {
	uint16_t data_lcores;
	uint16_t queues;   /* 0: as many as data lcores, or fewer if the device has fewer */
	uint16_t mtu;      /* 0: 1500, or less where device or profile have less */
	uint32_t conn_max; /* for pool sizes */
	uint32_t mbufs;    /* 0: computed */
	uint64_t rx_offload_mask, tx_offload_mask; /* offloads that may be used: masking in tests */
	bool rss_allowed;
	bool interrupts; /* adaptive idling wants rx interrupts, if the profile knows them to work */
};

struct port_plan {
	uint16_t queues;
	uint16_t rx_descriptors, tx_descriptors;
	uint16_t mtu;
	uint64_t rx_offloads, tx_offloads;
	uint64_t rss_hf; /* 0: software owner function and hand-off */
	bool rx_interrupts, mac_apart;
	bool rx_checksum_trusted; /* device flags GOOD or BAD may be believed; UNKNOWN never */
	bool tx_ip_checksum, tx_tcp_checksum;
	uint32_t data_mbufs, control_mbufs;
	uint16_t mbuf_data_size; /* with headroom */
};

enum port_refusal port_plan(const struct rte_eth_dev_info *info, const struct profile *profile,
			    const struct port_options *options, struct port_plan *out);
/* One clear line with cause and remedy. */
const char *port_refusal_text(enum port_refusal refusal);
