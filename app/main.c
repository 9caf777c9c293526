/* app/main.c - pollis EAL-ARGS -- OPTIONS: read both, start the port, run the node.
 *
 * Every failure before the node serves is one line on standard error that names the cause and what to do, and exit status 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "app/cmd/config.h"
#include "app/env/eal.h"
#include "app/env/inspect.h"
#include "app/env/log.h"
#include "app/env/port.h"
#include "app/env/profile.h"
#include "app/lcore/control.h"
#include "app/lcore/node.h"
#include "app/net/chunk.h"

#define ERROR_MAX       256
#define CONFIG_FILE_MAX (1u << 20)

static const char help[] =
	"usage: pollis EAL-ARGS -- --ip ADDRESS/BITS [OPTIONS]\n"
	"\n"
	"A Redis node that owns its NIC. EAL-ARGS are DPDK's; two lcores are needed, control and "
	"data:\n"
	"  -l 0,1  or  --lcores 0@0,1@0 on one core      --vdev net_tap0,iface=dtap0  or a bound "
	"device\n"
	"  hugepages (scripts/hugepages), or --no-huge -m 512\n"
	"\n"
	"OPTIONS have redis.conf's names: --port 6379 --requirepass x --maxmemory 1gb ...  Ours:\n"
	"  --ip 10.77.0.2/24        the node's address (required)\n"
	"  --gateway 10.77.0.1      for peers outside that network\n"
	"  --mtu 1500               bytes of an IP packet\n"
	"  --idle-mode adaptive     sleep when idle; busy: poll always; default: the profile's\n"
	"  --profile NAME           drivers-config/NAME.conf; default: the driver's own\n"
	"  --profile-dir DIR        where profiles are, if not where the build has them\n"
	"  --rx-mbufs N             data mbufs; default: from maxclients and the rings\n"
	"  --net-impair loss=5,...  lose, duplicate, reorder, corrupt (percent), delay (us): "
	"tests\n"
	"  --config FILE            a redis.conf; options behind it win\n"
	"\n"
	"Example: pollis --no-huge -m 512 --no-pci -l 0,1 --vdev net_tap0,iface=dtap0 -- --ip "
	"10.77.0.2/24\n";

static int
fail(const char *error)
{
	fprintf(stderr, "pollis: %s\n", error);
	return EXIT_FAILURE;
}

/* For CONFIG REWRITE, wherever the process is by then. */
static void
keep_path(struct config *config, const char *path)
{
	char *absolute = realpath(path, NULL);
	if (absolute != NULL && strlen(absolute) < sizeof(config->file))
		memcpy(config->file, absolute, strlen(absolute) + 1);
	free(absolute);
}

static bool
read_config_file(struct config *config, const char *path, char error[ERROR_MAX])
{
	char reason[160];
	int line;
	FILE *file = fopen(path, "r");
	char *text = malloc(CONFIG_FILE_MAX);
	bool done = false;
	if (file == NULL || text == NULL) {
		snprintf(error, ERROR_MAX, "--config %.100s: %s", path, rte_strerror(errno));
	} else {
		size_t len = fread(text, 1, CONFIG_FILE_MAX, file);
		done = config_parse(config, text, len, &line, reason) == CONFIG_OK;
		keep_path(config, path);
		if (!done)
			snprintf(error, ERROR_MAX, "%.80s:%d: %.150s", path, line, reason);
	}
	free(text);
	if (file != NULL)
		fclose(file);
	return done;
}

/* --config FILE where it stands; everything else goes to config_parse_args(), in order. */
static bool
read_options(struct config *config, int argc, char **argv, char error[ERROR_MAX])
{
	int from = 0;
	for (int i = 0; i <= argc; i++) {
		bool file = i < argc && strcmp(argv[i], "--config") == 0;
		if (!file && i < argc)
			continue;
		if (config_parse_args(config, i - from, argv + from, error) != CONFIG_OK)
			return false;
		if (!file)
			break;
		if (i + 1 == argc) {
			snprintf(error, ERROR_MAX, "--config needs a file");
			return false;
		}
		if (!read_config_file(config, argv[++i], error))
			return false;
		from = i + 1;
	}
	return config_check_start(config, error) == CONFIG_OK;
}

/* A driver without a file is served with defaults, unless a file or folder was asked for by name. */
static bool
choose_profile(struct config *config, const char *driver, struct profile *profile,
	       char error[ERROR_MAX])
{
	enum profile_result result =
		profile_find(profile, config->profile_dir, config->profile, driver, error);
	bool asked = config->profile[0] != '\0' || config->profile_dir[0] != '\0';
	if (result != PROFILE_OK && (result != PROFILE_ABSENT || asked))
		return false;
	if (result == PROFILE_ABSENT)
		log_warning("%s: defaults", error);
	if (!config->idle_mode_set)
		config->idle_mode = profile->adaptive ? IDLE_ADAPTIVE : IDLE_BUSY;
	if (result == PROFILE_OK)
		log_notice("profile of %s, tested on: %s; idle-mode %s", profile->driver,
			   profile->tested_on,
			   config->idle_mode == IDLE_ADAPTIVE ? "adaptive" : "busy");
	return true;
}

static bool
start_port(struct config *config, const struct eal_lcores *lcores, struct port *port,
	   char error[ERROR_MAX])
{
	struct rte_eth_dev_info info;
	struct profile profile;
	struct port_plan plan;
	struct port_options options = {
		.data_lcores = (uint16_t)lcores->data_count,
		.queues = config->queues,
		.mtu = (uint16_t)config->mtu,
		.conn_max = config->maxclients,
		.mbufs = config->rx_mbufs,
		.rx_offload_mask = UINT64_MAX,
		.tx_offload_mask = UINT64_MAX,
		.rss_allowed = true,
	};
	uint16_t id = rte_eth_find_next(0);
	if (id >= RTE_MAX_ETHPORTS) { /* it was there at first: taken away again */
		snprintf(error, ERROR_MAX,
			 "the port went away: another process uses this --file-prefix: stop it, or "
			 "choose another");
		return false;
	}
	int rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0) {
		snprintf(error, ERROR_MAX, "port %u: %s", id, rte_strerror(-rc));
		return false;
	}
	if (!choose_profile(config, info.driver_name, &profile, error))
		return false;
	options.interrupts = config->idle_mode == IDLE_ADAPTIVE;
	enum port_refusal refusal = port_plan(&info, &profile, &options, &plan);
	if (refusal != PORT_PLANNED) {
		snprintf(error, ERROR_MAX, "port %u (%s): %s", id, info.driver_name,
			 port_refusal_text(refusal));
		return false;
	}
	if (port_start(port, id, &plan, CHUNK_PRIVATE_SIZE, error) < 0)
		return false;
	log_notice("port %u: %s, %u queue, rings %u/%u, mtu %u, %u data and %u control mbufs of %u "
		   "bytes",
		   id, info.driver_name, plan.queues, plan.rx_descriptors, plan.tx_descriptors,
		   plan.mtu, plan.data_mbufs, plan.control_mbufs, plan.mbuf_data_size);
	return true;
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return argc == 1;
}

/* One line says how the node can be looked into. */
static void
open_to_inspection(struct node *node)
{
	int rc = telemetry_open(node);
	if (rc < 0)
		log_warning("telemetry has no /pollis commands: %s", rte_strerror(-rc));
	switch (inspect_open()) {
	case INSPECT_OPEN:
		log_notice("packets can be captured: scripts/capture");
		break;
	case INSPECT_PRIVATE:
		log_notice("packets cannot be captured: EAL shares no memory with other processes "
			   "(--in-memory, --no-shconf or --no-huge)");
		break;
	case INSPECT_FAILED:
		log_warning("packets cannot be captured: %s", rte_strerror(rte_errno));
		break;
	}
}

/* EAL is started, options are read. */
static int
serve(struct config *config, const struct eal_lcores *lcores)
{
	static struct port port;
	static struct node node;
	char error[ERROR_MAX];
	int status = EXIT_FAILURE;
	log_set_level(config->loglevel);
	if (!start_port(config, lcores, &port, error))
		return fail(error);
	if (node_create(&node, config, &port, lcores, error) < 0) {
		fail(error);
	} else {
		open_to_inspection(&node);
		status = node_run(&node);
		inspect_close();
		telemetry_close();
	}
	node_destroy(&node);
	port_stop(&port);
	return status;
}

int
main(int argc, char **argv)
{
	struct eal_lcores lcores;
	struct config config;
	char error[ERROR_MAX] = "out of memory";
	if (wants_help(argc, argv)) {
		fputs(help, stdout);
		return argc == 1 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	int options = 1;
	while (options < argc && strcmp(argv[options], "--") != 0)
		options++;
	int rest = options < argc ? options + 1 : argc;
	/* Options first: a wrong one should not wait for EAL. */
	if (!config_init(&config) || !read_options(&config, argc - rest, argv + rest, error))
		return fail(error);
	if (control_signals_install() < 0)
		return fail("signals cannot be blocked");
	if (eal_start(argc, argv, &lcores, error) < 0)
		return fail(error);
	int status = serve(&config, &lcores);
	config_free(&config);
	rte_eal_cleanup();
	return status;
}
