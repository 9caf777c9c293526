/* app/bench/main.c - pollis-bench EAL-ARGS -- OPTIONS: start the port and the stack, run the load on a worker lcore, show progress on the
 * main lcore, report.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "app/bench/lcore.h"
#include "app/bench/progress.h"
#include "app/bench/report.h"
#include "app/env/eal.h"
#include "app/env/port.h"
#include "app/env/profile.h"
#include "app/env/secret.h"
#include "app/net/chunk.h"

#define CONN_SPARE    64
#define TIME_WAIT_MAX 1024
#define MBUFS_BASE    8192
#define MBUFS_MAX     ((1u << 18) - 1)
#define FRAME_PAYLOAD 1400 /* of a full frame; a little less than is true */

static const char help[] =
	"usage: pollis-bench EAL-ARGS -- --ip ADDRESS/BITS --server ADDRESS[:PORT] [OPTIONS]\n"
	"\n"
	"A load generator for Redis protocol servers on Pollis's own TCP/IP stack. EAL-ARGS are "
	"DPDK's; two\n"
	"lcores are needed, the main one only shows progress:\n"
	"  --lcores 0@0,1@0  --vdev net_virtio_user0,path=/tmp/pollis.sock --single-file-segments\n"
	"\n"
	"OPTIONS\n"
	"  --ip 10.77.0.1/24          our address (required)\n"
	"  --gateway 10.77.0.254      for a server outside that network\n"
	"  --mtu 1500                 bytes of an IP packet\n";

static int
fail(const char *error)
{
	fprintf(stderr, "pollis-bench: %s\n", error);
	return EXIT_FAILURE;
}

/* Mbufs for all that may be under way: requests until they are acknowledged, replies until they are read. */
static uint32_t
mbufs_wanted(const struct load *load)
{
	const struct bench_options *o = load->options;
	uint64_t exchange = load->workload.request_max + o->value_max + 64;
	uint64_t frames = (uint64_t)load->pending_max * exchange / FRAME_PAYLOAD + 4;
	uint64_t all = MBUFS_BASE + o->connections * frames;
	return all < MBUFS_MAX ? (uint32_t)all : MBUFS_MAX;
}

static bool
start_port(const struct load *load, struct port *port, char error[BENCH_ERROR_MAX])
{
	const struct bench_options *o = load->options;
	struct rte_eth_dev_info info;
	struct profile profile;
	struct port_plan plan;
	struct port_options options = {
		.data_lcores = 1,
		.mtu = o->mtu,
		.mbufs = mbufs_wanted(load),
		.rx_offload_mask = UINT64_MAX,
		.tx_offload_mask = UINT64_MAX,
	};
	uint16_t id = (uint16_t)rte_eth_find_next(0);
	int rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0) {
		snprintf(error, BENCH_ERROR_MAX, "port %u: %s", id, rte_strerror(-rc));
		return false;
	}
	enum profile_result found = profile_find(&profile, "", "", info.driver_name, error);
	if (found != PROFILE_OK && found != PROFILE_ABSENT)
		return false;
	enum port_refusal refusal = port_plan(&info, &profile, &options, &plan);
	if (refusal != PORT_PLANNED) {
		snprintf(error, BENCH_ERROR_MAX, "port %u (%s): %s", id, info.driver_name,
			 port_refusal_text(refusal));
		return false;
	}
	return port_start(port, id, &plan, CHUNK_PRIVATE_SIZE, error) == 0;
}

static bool
create_stack(struct bench_lcore *b, char error[BENCH_ERROR_MAX])
{
	const struct bench_options *o = b->load->options;
	const struct port *port = b->port;
	struct stack_config config = {
		.host = {.address = o->ip, .netmask = o->netmask},
		.gateway = o->gateway,
		.mtu = port->plan.mtu,
		.pool = port->data_pool,
		.control = port->control_pool,
		.tx_ip_checksum = port->plan.tx_ip_checksum,
		.tx_tcp_checksum = port->plan.tx_tcp_checksum,
		.conn_max = o->connections / o->addresses + CONN_SPARE,
		.time_wait_max = TIME_WAIT_MAX,
		.socket_id = port->socket_id,
	};
	memcpy(config.host.mac.bytes, port->mac, sizeof(config.host.mac.bytes));
	tcp_config_defaults(&config.tcp, config.mtu);
	if (secret_fill(config.secret, sizeof(config.secret)) < 0 ||
	    secret_fill(&config.seed, sizeof(config.seed)) < 0) {
		snprintf(error, BENCH_ERROR_MAX, "no randomness: getrandom: %s",
			 rte_strerror(errno));
		return false;
	}
	bool created = true;
	for (uint32_t i = 0; i < o->addresses && created; i++) {
		char name[16];
		snprintf(name, sizeof(name), "bench_%u", i);
		config.host.address = o->ip + i;
		b->stacks[i] = stack_create(name, &config);
		created = b->stacks[i] != NULL;
	}
	b->conns = calloc(o->connections, sizeof(*b->conns));
	b->scratch = malloc(b->load->workload.request_max);
	if (created && b->conns != NULL && b->scratch != NULL)
		return true;
	snprintf(error, BENCH_ERROR_MAX, "no memory for %u connections: give EAL more (-m)",
		 o->connections);
	return false;
}

static int
finish(const struct load *load)
{
	if (load->options->json)
		report_json(load);
	else
		report_text(load);
	if (load->phase == LOAD_DONE)
		return EXIT_SUCCESS;
	return fail(load->failure);
}

static int
run(const struct bench_options *options, const struct eal_lcores *lcores)
{
	static struct port port;
	static struct bench_lcore b;
	char error[BENCH_ERROR_MAX];
	int status = EXIT_FAILURE;
	b.load = load_create(options, rte_get_tsc_hz());
	if (b.load == NULL)
		return fail("no memory for the ledger of requests: ask for fewer connections");
	if (!start_port(b.load, &port, error)) {
		load_destroy(b.load);
		return fail(error);
	}
	b.port = &port;
	flood_init(&b.flood, &port, options);
	clock_init(&b.clock);
	if (create_stack(&b, error)) {
		rte_eal_remote_launch(bench_lcore_main, &b, lcores->data[0]);
		progress_wait(b.load);
		rte_eal_wait_lcore(lcores->data[0]);
		status = finish(b.load);
	} else {
		fail(error);
	}
	for (uint32_t i = 0; i < BENCH_ADDRESSES_MAX; i++)
		if (b.stacks[i] != NULL)
			stack_destroy(b.stacks[i]);
	port_stop(&port);
	load_destroy(b.load);
	free(b.conns);
	free(b.scratch);
	return status;
}

int
main(int argc, char **argv)
{
	struct bench_options options;
	struct eal_lcores lcores;
	char error[BENCH_ERROR_MAX];
	int at = 1;
	bool asked = false;
	for (int i = 1; i < argc; i++)
		asked |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
	if (argc == 1 || asked) {
		fputs(help, stdout);
		fputs(bench_options_help, stdout);
		return asked ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	at = at < argc ? at + 1 : argc;
	if (!bench_options_read(&options, argc - at, argv + at, true, error))
		return fail(error);
	if (eal_start(argc, argv, &lcores, error) < 0)
		return fail(error);
	int status = run(&options, &lcores);
	rte_eal_cleanup();
	return status;
}
