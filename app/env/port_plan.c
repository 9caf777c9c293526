/* app/env/port_plan.c - every limit of a device is applied here, in one place and in one order: queues, MTU, rings, pools, offloads. */
#include "app/env/port_plan.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define DESCRIPTORS_WANTED 256 /* small rings stay in the last-level cache */
#define MTU_DEFAULT        1500
#define FRAME_OVERHEAD     (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 4) /* and one VLAN tag */
#define MBUFS_PER_CONN                                                                             \
	2 /* a request on its way in and a reply on its way out, at the worst moment */
#define MBUFS_SPARE   4096
#define MBUFS_MAX     (1u << 18)
#define CONTROL_MBUFS 8191

static uint16_t
ring_size(const struct rte_eth_desc_lim *limit)
{
	uint32_t n = DESCRIPTORS_WANTED;
	if (limit->nb_min > n)
		n = limit->nb_min;
	if (limit->nb_max > 0 && limit->nb_max < n)
		n = limit->nb_max;
	if (limit->nb_align > 1)
		n -= n % limit->nb_align;
	if (n == 0 || n < limit->nb_min || n > UINT16_MAX)
		return 0;
	return (uint16_t)n;
}

static uint16_t
least(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static enum port_refusal
plan_queues(const struct rte_eth_dev_info *info, const struct port_options *options,
	    struct port_plan *out)
{
	uint16_t device = least(info->max_rx_queues, info->max_tx_queues);
	uint16_t wanted = options->queues != 0 ? options->queues : options->data_lcores;
	if (device == 0)
		return PORT_REFUSED_NO_QUEUE;
	out->queues = least(least(device, wanted), options->data_lcores);
	out->rx_descriptors = ring_size(&info->rx_desc_lim);
	out->tx_descriptors = ring_size(&info->tx_desc_lim);
	if (out->rx_descriptors == 0 || out->tx_descriptors == 0)
		return PORT_REFUSED_DESCRIPTORS;
	return PORT_PLANNED;
}

static enum port_refusal
plan_mtu(const struct rte_eth_dev_info *info, const struct port_options *options,
	 struct port_plan *out)
{
	uint16_t mtu = options->mtu != 0 ? options->mtu : MTU_DEFAULT;
	if ((info->max_mtu != 0 && mtu > info->max_mtu) || mtu < info->min_mtu)
		return PORT_REFUSED_MTU;
	uint32_t data = RTE_PKTMBUF_HEADROOM + mtu + FRAME_OVERHEAD;
	if (data < RTE_MBUF_DEFAULT_BUF_SIZE)
		data = RTE_MBUF_DEFAULT_BUF_SIZE;
	if (data > UINT16_MAX)
		return PORT_REFUSED_MBUF_SIZE;
	out->mtu = mtu;
	out->mbuf_data_size = (uint16_t)data;
	return PORT_PLANNED;
}

static enum port_refusal
plan_pools(const struct port_options *options, struct port_plan *out)
{
	uint32_t rings = (uint32_t)out->queues * (out->rx_descriptors + out->tx_descriptors);
	uint32_t mbufs = options->mbufs;
	if (mbufs == 0) {
		mbufs = rings + MBUFS_SPARE + options->conn_max * MBUFS_PER_CONN;
		mbufs = (mbufs < MBUFS_MAX ? mbufs : MBUFS_MAX) - 1;
	}
	if (mbufs < rings + MBUFS_SPARE / 4)
		return PORT_REFUSED_MBUF_COUNT;
	out->data_mbufs = mbufs;
	out->control_mbufs = CONTROL_MBUFS;
	return PORT_PLANNED;
}

static void
plan_offloads(const struct rte_eth_dev_info *info, const struct port_options *options,
	      struct port_plan *out)
{
	const uint64_t rx_sums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	const uint64_t tx_sums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	uint64_t rx = info->rx_offload_capa & options->rx_offload_mask;
	uint64_t tx = info->tx_offload_capa & options->tx_offload_mask;
	out->rx_offloads = rx & rx_sums;
	out->rx_checksum_trusted = out->rx_offloads == rx_sums;
	/* Never MBUF_FAST_FREE: chunks are held for retransmission, and there are two pools (spec 5.6). */
	out->tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	out->tx_tcp_checksum = (tx & tx_sums) == tx_sums;
	out->tx_offloads = out->tx_tcp_checksum ? tx_sums : 0;
	if (out->queues > 1 && options->rss_allowed)
		out->rss_hf = info->flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP;
	out->rx_interrupts = options->interrupts;
	out->mac_apart = options->mac_apart;
}

enum port_refusal
port_plan(const struct rte_eth_dev_info *info, const struct profile *profile,
	  const struct port_options *options, struct port_plan *out)
{
	(void)profile;
	memset(out, 0, sizeof(*out));
	enum port_refusal refusal = plan_queues(info, options, out);
	if (refusal == PORT_PLANNED)
		refusal = plan_mtu(info, options, out);
	if (refusal == PORT_PLANNED)
		refusal = plan_pools(options, out);
	if (refusal == PORT_PLANNED)
		plan_offloads(info, options, out);
	return refusal;
}

const char *
port_refusal_text(enum port_refusal refusal)
{
	static const char *const texts[PORT_REFUSAL_COUNT] = {
		[PORT_PLANNED] = "planned",
		[PORT_REFUSED_NO_QUEUE] =
			"the device has no receive or no transmit queue: bind another",
		[PORT_REFUSED_MTU] = "the device cannot take this mtu: choose another --mtu",
		[PORT_REFUSED_DESCRIPTORS] = "the device allows no ring size that we can use",
		[PORT_REFUSED_MBUF_SIZE] = "a frame of this mtu does not fit one mbuf: lower --mtu",
		[PORT_REFUSED_MBUF_COUNT] =
			"rx-mbufs is less than the rings need: raise or omit it",
	};
	return refusal < PORT_REFUSAL_COUNT ? texts[refusal] : "unknown";
}
