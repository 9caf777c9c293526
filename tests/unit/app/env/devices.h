/* tests/unit/app/env/devices.h - what devices of each driver of drivers-config/ report.
 *
 * net_tap, net_vhost, net_af_packet, net_memif and net_af_xdp were recorded here (DPDK 22.11.11, rte_eth_dev_info_get()); the others are put
 * together from the drivers' documentation and limits.
 */
#pragma once
#include <string.h>

#include <rte_ethdev.h>

struct device {
	const char *driver;
	struct rte_eth_dev_info info;
};

#define RX_SUMS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define TX_SUMS (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM)
#define ANY_RING                                                                                   \
	{                                                                                          \
		.nb_max = UINT16_MAX, .nb_align = 1                                                \
	}
#define RING(least, most, step)                                                                    \
	{                                                                                          \
		.nb_min = (least), .nb_max = (most), .nb_align = (step)                            \
	}
/* NOLINTNEXTLINE(bugprone-macro-parentheses): an initializer */
#define RINGS(ring)             .rx_desc_lim = ring, .tx_desc_lim = ring
#define QUEUES(n)               .max_rx_queues = (n), .max_tx_queues = (n)
#define MTU(least, most, frame) .min_mtu = (least), .max_mtu = (most), .max_rx_pktlen = (frame)
#define OFFLOADS(rx, tx)        .rx_offload_capa = (rx), .tx_offload_capa = (tx)

static const struct device devices[] = {
	{"net_tap",
	 {MTU(46, UINT16_MAX, 1522), QUEUES(16), OFFLOADS(0x200e, 0x802e), RINGS(ANY_RING),
	  .flow_type_rss_offloads = 0x3afbc}						 },
	{"net_vhost",
	 {MTU(46, UINT16_MAX, UINT32_MAX), QUEUES(1), OFFLOADS(0xd, 0x800d), RINGS(ANY_RING)}},
	{"net_virtio_user",
	 {MTU(68, 9698, 9728), QUEUES(1), OFFLOADS(RTE_ETH_RX_OFFLOAD_TCP_CKSUM, 0x802d),
	  RINGS(RING(32, UINT16_MAX, 1)), .min_rx_bufsize = 64}                              },
	{"net_af_packet",
	 {MTU(46, UINT16_MAX, 1518), QUEUES(1), OFFLOADS(1, 0x8001), RINGS(ANY_RING)}        },
	{"net_memif",
	 {MTU(46, UINT16_MAX, 1518), QUEUES(255), OFFLOADS(0, 0x8000), RINGS(ANY_RING)}      },
	{"net_af_xdp",      {MTU(68, 3542, 3560), QUEUES(1), OFFLOADS(0, 0), RINGS(ANY_RING)}},
	{"mlx5_pci",
	 {MTU(68, UINT16_MAX, 65536), QUEUES(1024), OFFLOADS(0xe2e0f, 0x1b803f), RINGS(ANY_RING),
	  .min_rx_bufsize = 32, .flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP}  },
	{"net_ice",
	 {MTU(68, 9702, 9728), QUEUES(64), OFFLOADS(0x1ae67f, 0x1983bf), RINGS(RING(64, 4096, 32)),
	  .min_rx_bufsize = 1024, .flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP}},
	{"net_i40e",
	 {MTU(68, 9702, 9728), QUEUES(64), OFFLOADS(0x8a67f, 0x13ffbf), RINGS(RING(64, 4096, 32)),
	  .min_rx_bufsize = 1024, .flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP}    },
	{"net_ixgbe",
	 {MTU(68, 15854, 15872), QUEUES(128), OFFLOADS(0x8a61f, 0x803f), RINGS(RING(32, 4096, 8)),
	  .min_rx_bufsize = 1024, .flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP}    },
	{"net_ena",
	 {MTU(128, 9216, 9234), QUEUES(8), OFFLOADS(0x8200e, 0x1800e), RINGS(RING(128, 8192, 1)),
	  .min_rx_bufsize = 64, .flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP}      },
	{"net_gve",
	 {MTU(68, 1460, 1478), QUEUES(4), OFFLOADS(0, 0x802e), RINGS(RING(1024, 1024, 1)),
	  .min_rx_bufsize = 1024}							    },
	{"net_virtio",
	 {MTU(68, 9698, 9728), QUEUES(4), OFFLOADS(0x2200d, 0x802d), RINGS(RING(32, UINT16_MAX, 1)),
	  .min_rx_bufsize = 64, .flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP}      },
};

#define DEVICE_COUNT (sizeof(devices) / sizeof(devices[0]))

static inline const struct rte_eth_dev_info *
device_info(const char *driver)
{
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (strcmp(devices[i].driver, driver) == 0)
			return &devices[i].info;
	return NULL;
}
