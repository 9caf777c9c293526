/* app/env/port_plan.c - every limit of a device is applied here, in one place and in one order: queues, MTU, rings, pools, offloads. */
#include "app/env/port_plan.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "app/env/profile.h"

#define MTU_DEFAULT    1500
#define MTU_MIN        576 /* what every IPv4 host must take (RFC 1122 3.3.3) */
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8) /* and two VLAN tags */
#define BUFFER_STEP    1024 /* some devices count buffers in kilobytes, and round down */
#define MBUFS_PER_CONN                                                                             \
	2 /* a request on its way in and a reply on its way out, at the worst moment */
#define MBUFS_SPARE   4096
#define MBUFS_MAX     (1u << 18)
#define CONTROL_MBUFS 8191

static uint16_t
ring_size(const struct rte_eth_desc_lim *limit, uint16_t wanted)
{
	uint32_t n = wanted;
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
plan_queues(const struct rte_eth_dev_info *info, const struct profile *profile,
	    const struct port_options *options, struct port_plan *out)
{
	uint16_t device = least(info->max_rx_queues, info->max_tx_queues);
	uint16_t wanted = options->queues != 0 ? options->queues : options->data_lcores;
	if (device == 0)
		return PORT_REFUSED_NO_QUEUE;
	if (profile->queues_max != 0)
		device = least(device, profile->queues_max);
	out->queues = least(least(device, wanted), options->data_lcores);
	out->rx_descriptors = ring_size(&info->rx_desc_lim, profile->rx_ring);
	out->tx_descriptors = ring_size(&info->tx_desc_lim, profile->tx_ring);
	if (out->rx_descriptors == 0 || out->tx_descriptors == 0)
		return PORT_REFUSED_DESCRIPTORS;
	return PORT_PLANNED;
}

/* The longest MTU that rte_eth_dev_configure() will take: it adds the device's own overhead and compares with the longest frame. */
static uint32_t
mtu_limit(const struct rte_eth_dev_info *info, const struct profile *profile)
{
	uint32_t limit = info->max_mtu != 0 ? info->max_mtu : UINT16_MAX;
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	if (limit != UINT16_MAX && info->max_rx_pktlen > limit)
		overhead = info->max_rx_pktlen - limit;
	if (info->max_rx_pktlen > overhead && info->max_rx_pktlen - overhead < limit)
		limit = info->max_rx_pktlen - overhead;
	if (profile->mtu_max != 0 && profile->mtu_max < limit)
		limit = profile->mtu_max;
	return limit;
}

/* Every frame fits one mbuf, also where a device rounds the buffer down: nobody here expects segments on receipt. */
static enum port_refusal
plan_mtu(const struct rte_eth_dev_info *info, const struct profile *profile,
	 const struct port_options *options, struct port_plan *out)
{
	uint32_t limit = mtu_limit(info, profile);
	uint32_t mtu = options->mtu;
	if (mtu == 0)
		mtu = limit < MTU_DEFAULT ? limit : MTU_DEFAULT;
	if (mtu > limit || mtu < info->min_mtu || mtu < MTU_MIN)
		return PORT_REFUSED_MTU;
	uint32_t data = RTE_MBUF_DEFAULT_DATAROOM;
	if (data < mtu + FRAME_OVERHEAD)
		data = mtu + FRAME_OVERHEAD;
	if (data < info->min_rx_bufsize)
		data = info->min_rx_bufsize;
	data = RTE_ALIGN_CEIL(data, BUFFER_STEP) + RTE_PKTMBUF_HEADROOM;
	if (data > UINT16_MAX)
		return PORT_REFUSED_MBUF_SIZE;
	out->mtu = (uint16_t)mtu;
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
plan_offloads(const struct rte_eth_dev_info *info, const struct profile *profile,
	      const struct port_options *options, struct port_plan *out)
{
	const uint64_t rx_sums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	const uint64_t tx_sums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	uint64_t rx = info->rx_offload_capa & profile->rx_offloads & options->rx_offload_mask;
	uint64_t tx = info->tx_offload_capa & profile->tx_offloads & options->tx_offload_mask;
	out->rx_offloads = rx & rx_sums;
	out->rx_checksum_trusted = out->rx_offloads == rx_sums;
	/* Never MBUF_FAST_FREE: chunks are held for retransmission, and there are two pools (spec 5.6). */
	out->tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	out->tx_tcp_checksum = (tx & tx_sums) == tx_sums;
	out->tx_offloads = out->tx_tcp_checksum ? tx_sums : 0;
	if (out->queues > 1 && profile->rss && options->rss_allowed)
		out->rss_hf = info->flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP;
	out->rx_interrupts = profile->rx_interrupts && options->interrupts;
	out->mac_apart = profile->mac_apart;
}

enum port_refusal
port_plan(const struct rte_eth_dev_info *info, const struct profile *profile,
	  const struct port_options *options, struct port_plan *out)
{
	memset(out, 0, sizeof(*out));
	enum port_refusal refusal = plan_queues(info, profile, options, out);
	if (refusal == PORT_PLANNED)
		refusal = plan_mtu(info, profile, options, out);
	if (refusal == PORT_PLANNED)
		refusal = plan_pools(options, out);
	if (refusal == PORT_PLANNED)
		plan_offloads(info, profile, options, out);
	return refusal;
}

const char *
port_refusal_text(enum port_refusal refusal)
{
	static const char *const texts[PORT_REFUSAL_COUNT] = {
		[PORT_PLANNED] = "planned",
		[PORT_REFUSED_NO_QUEUE] =
			"the device has no receive or no transmit queue: bind another",
		[PORT_REFUSED_MTU] = "device or profile cannot take this mtu: leave --mtu out",
		[PORT_REFUSED_DESCRIPTORS] = "the device allows no ring size that we can use",
		[PORT_REFUSED_MBUF_SIZE] = "a frame does not fit one mbuf: lower --mtu",
		[PORT_REFUSED_MBUF_COUNT] =
			"rx-mbufs is less than the rings need: raise or omit it",
	};
	return refusal < PORT_REFUSAL_COUNT ? texts[refusal] : "unknown";
}
