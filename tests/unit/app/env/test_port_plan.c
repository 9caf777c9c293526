/* tests/unit/app/env/test_port_plan.c - every profile over what its devices report, and every refusal. */
#include "app/env/port_plan.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "app/env/profile.h"
#include "tests/unit/app/env/devices.h"
#include "tests/unit/runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct port_options usual = {.data_lcores = 4,
					  .conn_max = 1000,
					  .rx_offload_mask = UINT64_MAX,
					  .tx_offload_mask = UINT64_MAX,
					  .rss_allowed = true,
					  .interrupts = true};

static struct profile
profile_of(const char *driver)
{
	struct profile profile;
	char error[PROFILE_ERROR_MAX] = "";
	ck_assert_msg(profile_find(&profile, DRIVERS_CONFIG, "", driver, error) == PROFILE_OK,
		      "%s: %s", driver, error);
	return profile;
}

/* What holds for any plan, whatever the device. */
static void
check_plan(const struct rte_eth_dev_info *info, const struct profile *profile,
	   const struct port_options *options, const struct port_plan *plan)
{
	const struct rte_eth_desc_lim *rx = &info->rx_desc_lim, *tx = &info->tx_desc_lim;
	ck_assert(plan->queues >= 1 && plan->queues <= options->data_lcores);
	ck_assert(plan->queues <= info->max_rx_queues && plan->queues <= info->max_tx_queues);
	ck_assert(plan->rx_descriptors >= rx->nb_min && plan->rx_descriptors <= rx->nb_max);
	ck_assert(plan->tx_descriptors >= tx->nb_min && plan->tx_descriptors <= tx->nb_max);
	ck_assert(rx->nb_align == 0 || plan->rx_descriptors % rx->nb_align == 0);
	ck_assert(tx->nb_align == 0 || plan->tx_descriptors % tx->nb_align == 0);
	ck_assert(plan->mtu >= info->min_mtu && plan->mtu <= info->max_mtu);
	ck_assert_uint_ge(info->max_rx_pktlen, plan->mtu + RTE_ETHER_HDR_LEN);
	/* The whole frame in one buffer, also where the device counts in kilobytes. */
	ck_assert_uint_eq((plan->mbuf_data_size - RTE_PKTMBUF_HEADROOM) % 1024, 0);
	ck_assert_uint_ge(plan->mbuf_data_size - RTE_PKTMBUF_HEADROOM, plan->mtu + 26);
	ck_assert_uint_ge(plan->mbuf_data_size - RTE_PKTMBUF_HEADROOM, info->min_rx_bufsize);
	ck_assert_uint_ge(plan->data_mbufs,
			  plan->queues * (plan->rx_descriptors + plan->tx_descriptors));
	/* Nothing that the device lacks, or that a mask or the profile holds back. */
	ck_assert_uint_eq(plan->rx_offloads & ~(info->rx_offload_capa & options->rx_offload_mask &
						profile->rx_offloads),
			  0);
	ck_assert_uint_eq(plan->tx_offloads & ~(info->tx_offload_capa & options->tx_offload_mask &
						profile->tx_offloads),
			  0);
	ck_assert_uint_eq(plan->tx_offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, 0);
	ck_assert_uint_eq(plan->rss_hf & ~info->flow_type_rss_offloads, 0);
	ck_assert(plan->rss_hf == 0 || (plan->queues > 1 && options->rss_allowed && profile->rss));
	if (plan->rx_checksum_trusted)
		ck_assert_uint_eq(plan->rx_offloads & RX_SUMS, RX_SUMS);
	ck_assert(!plan->tx_tcp_checksum || (plan->tx_offloads & TX_SUMS) == TX_SUMS);
	ck_assert(!plan->rx_interrupts || (options->interrupts && profile->rx_interrupts));
	ck_assert_int_eq(plan->mac_apart, profile->mac_apart);
}

START_TEST(every_profile_gives_the_plan_that_its_devices_can_take)
{
	static const struct {
		const char *driver;
		uint16_t queues, rx, tx, mtu;
		bool rss, rx_sums, tx_sums, interrupts, mac_apart;
	} cases[] = {
		{"net_tap",         4, 256,  256,  1500, false, false, false, true,  true },
		{"net_virtio_user", 1, 256,  256,  1500, false, false, false, false, false},
		{"net_vhost",       1, 256,  256,  1500, false, false, false, false, false},
		{"net_af_packet",   1, 256,  256,  1500, false, false, false, false, false},
		{"net_memif",       4, 256,  256,  1500, false, false, false, false, false},
		{"net_af_xdp",      1, 256,  256,  1500, false, false, false, false, false},
		{"mlx5_pci",        4, 1024, 1024, 1500, true,  true,  true,  false, false},
		{"net_ice",         4, 512,  512,  1500, true,  true,  true,  false, false},
		{"net_i40e",        4, 512,  512,  1500, true,  true,  true,  false, false},
		{"net_ixgbe",       4, 256,  256,  1500, true,  true,  true,  false, false},
		{"net_ena",         4, 1024, 1024, 1500, true,  true,  true,  false, false},
		{"net_gve",         4, 1024, 1024, 1460, false, false, true,  false, false},
		{"net_virtio",      4, 256,  256,  1500, true,  false, false, false, false},
	};
	ck_assert_uint_eq(COUNT(cases), DEVICE_COUNT);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rte_eth_dev_info *info = device_info(cases[i].driver);
		struct profile profile = profile_of(cases[i].driver);
		struct port_plan plan;
		ck_assert_ptr_nonnull(info);
		ck_assert_msg(port_plan(info, &profile, &usual, &plan) == PORT_PLANNED, "%s",
			      cases[i].driver);
		check_plan(info, &profile, &usual, &plan);
		ck_assert_msg(plan.queues == cases[i].queues && plan.mtu == cases[i].mtu &&
				      plan.rx_descriptors == cases[i].rx &&
				      plan.tx_descriptors == cases[i].tx,
			      "%s: %u queues, rings %u/%u, mtu %u", cases[i].driver, plan.queues,
			      plan.rx_descriptors, plan.tx_descriptors, plan.mtu);
		ck_assert_msg((plan.rss_hf != 0) == cases[i].rss, "%s", cases[i].driver);
		ck_assert_msg(plan.rx_checksum_trusted == cases[i].rx_sums, "%s", cases[i].driver);
		ck_assert_msg(plan.tx_tcp_checksum == cases[i].tx_sums, "%s", cases[i].driver);
		ck_assert_msg(plan.rx_interrupts == cases[i].interrupts, "%s", cases[i].driver);
		ck_assert_msg(plan.mac_apart == cases[i].mac_apart, "%s", cases[i].driver);
	}
}
END_TEST

START_TEST(masks_take_away_and_a_driver_without_a_file_gets_little)
{
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		for (unsigned mask = 0; mask < 32; mask++) {
			struct port_options options = usual;
			struct profile profile = profile_of(devices[i].driver);
			struct port_plan plan;
			options.rx_offload_mask = mask & 1 ? UINT64_MAX : 0;
			options.tx_offload_mask = mask & 2 ? UINT64_MAX : 0;
			options.rss_allowed = mask & 4;
			options.queues = mask & 8 ? 1 : 4;
			if (mask & 16)
				profile_default(&profile, devices[i].driver);
			ck_assert_int_eq(port_plan(&devices[i].info, &profile, &options, &plan),
					 PORT_PLANNED);
			check_plan(&devices[i].info, &profile, &options, &plan);
			if (mask & 16)
				ck_assert_uint_eq(plan.rx_offloads | plan.tx_offloads | plan.rss_hf,
						  0);
		}
}
END_TEST

START_TEST(a_wanted_mtu_is_taken_up_to_the_limit_and_refused_past_it)
{
	static const struct {
		const char *driver;
		uint16_t limit;
	} cases[] = {
		{"net_tap",       1504 },
                {"net_af_packet", 1500 },
                {"net_memif",     1500 },
		{"net_af_xdp",    3400 },
                {"net_ice",       9702 },
                {"net_ena",       9216 },
		{"net_gve",       1460 },
                {"net_ixgbe",     15854},
                {"net_virtio",    9698 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rte_eth_dev_info *info = device_info(cases[i].driver);
		struct profile profile = profile_of(cases[i].driver);
		struct port_options options = usual;
		struct port_plan plan;
		options.mtu = cases[i].limit;
		ck_assert_msg(port_plan(info, &profile, &options, &plan) == PORT_PLANNED, "%s",
			      cases[i].driver);
		check_plan(info, &profile, &options, &plan);
		options.mtu++;
		ck_assert_msg(port_plan(info, &profile, &options, &plan) == PORT_REFUSED_MTU, "%s",
			      cases[i].driver);
		options.mtu = 575;
		ck_assert_int_eq(port_plan(info, &profile, &options, &plan), PORT_REFUSED_MTU);
		options.mtu = 576;
		ck_assert_int_eq(port_plan(info, &profile, &options, &plan), PORT_PLANNED);
	}
}
END_TEST

/* A device that is refused, as a change of one that is not. */
static enum port_refusal
plan_changed(void (*change)(struct rte_eth_dev_info *, struct port_options *))
{
	struct rte_eth_dev_info info = *device_info("net_ice");
	struct profile profile = profile_of("net_ice");
	struct port_options options = usual;
	struct port_plan plan;
	change(&info, &options);
	return port_plan(&info, &profile, &options, &plan);
}

static void
no_rx_queue(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->max_rx_queues = 0;
}

static void
no_tx_queue(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->max_tx_queues = 0;
}

static void
long_least_mtu(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->min_mtu = 1501;
}

static void
short_frames(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->max_mtu = 500;
}

static void
rings_of_nothing(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->rx_desc_lim = (struct rte_eth_desc_lim){.nb_max = 7, .nb_align = 8};
}

static void
rings_between_steps(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->tx_desc_lim = (struct rte_eth_desc_lim){.nb_min = 100, .nb_max = 120, .nb_align = 64};
}

static void
huge_rings(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->rx_desc_lim = (struct rte_eth_desc_lim){.nb_min = UINT16_MAX, .nb_align = 4096};
}

static void
huge_buffers(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)options;
	info->min_rx_bufsize = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
}

static void
few_mbufs(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)info;
	options->mbufs = 4 * 1024 + 1023;
}

static void
just_enough_mbufs(struct rte_eth_dev_info *info, struct port_options *options)
{
	(void)info;
	options->mbufs = 4 * 1024 + 1024;
}

START_TEST(what_cannot_be_planned_is_refused_by_name)
{
	static const struct {
		void (*change)(struct rte_eth_dev_info *info, struct port_options *options);
		enum port_refusal refusal;
		const char *words;
	} cases[] = {
		{no_rx_queue,         PORT_REFUSED_NO_QUEUE,    "no receive or no transmit queue"},
		{no_tx_queue,         PORT_REFUSED_NO_QUEUE,    "bind another"                   },
		{long_least_mtu,      PORT_REFUSED_MTU,         "mtu"                            },
		{short_frames,        PORT_REFUSED_MTU,         "mtu"                            },
		{rings_of_nothing,    PORT_REFUSED_DESCRIPTORS, "ring size"                      },
		{rings_between_steps, PORT_REFUSED_DESCRIPTORS, "ring size"                      },
		{huge_rings,          PORT_REFUSED_DESCRIPTORS, "ring size"                      },
		{huge_buffers,        PORT_REFUSED_MBUF_SIZE,   "one mbuf"                       },
		{few_mbufs,           PORT_REFUSED_MBUF_COUNT,  "rx-mbufs"                       },
		{just_enough_mbufs,   PORT_PLANNED,             "planned"                        },
	};
	bool seen[PORT_REFUSAL_COUNT] = {false};
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum port_refusal refusal = plan_changed(cases[i].change);
		ck_assert_msg(refusal == cases[i].refusal, "case %zu: %s", i,
			      port_refusal_text(refusal));
		const char *text = port_refusal_text(refusal);
		ck_assert_msg(strstr(text, cases[i].words) != NULL, "%s", text);
		ck_assert_ptr_null(strchr(text, '\n'));
		seen[refusal] = true;
	}
	for (unsigned i = 0; i < PORT_REFUSAL_COUNT; i++)
		ck_assert_msg(seen[i], "no case for: %s", port_refusal_text(i));
	ck_assert_str_eq(port_refusal_text(PORT_REFUSAL_COUNT), "unknown");
}
END_TEST

int
main(void)
{
	return RUN_CASES("port_plan", every_profile_gives_the_plan_that_its_devices_can_take,
			 masks_take_away_and_a_driver_without_a_file_gets_little,
			 a_wanted_mtu_is_taken_up_to_the_limit_and_refused_past_it,
			 what_cannot_be_planned_is_refused_by_name);
}
