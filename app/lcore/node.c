/* app/lcore/node.c - putting a node together, and taking it apart in the reverse order. */
#include "app/lcore/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/cmd/command.h"
#include "app/env/arena.h"
#include "app/env/log.h"
#include "app/env/secret.h"
#include "app/lcore/control.h"
#include "app/store/slot_table.h"

#define NODE_RESERVE                                                                               \
	(16u << 20) /* of each data lcore: buffers have it when keys have taken all the rest */
#define NODE_CONN_SPARE                                                                            \
	128 /* above maxclients: to refuse politely, and connections on their way out */
#define SLEEP_PIECE_US     1000000u
#define NODE_TIME_WAIT_MAX 65536
#define NODE_BUS_CONN_MAX  4096 /* two links to each of about 2,000 nodes */
#define NODE_PORT_WSCALE   7

static void
stack_settings(const struct node *node, unsigned lcore, struct stack_config *out)
{
	const struct config *config = node->config;
	const struct port *port = node->port;
	bool impaired = config->net_impair[0] != '\0';
	*out = (struct stack_config){
		.host = {.address = config->ip, .netmask = config->netmask},
		.gateway = config->gateway,
		.mtu = port->plan.mtu,
		.pool = port->data_pool,
		.control = port->control_pool,
 /* A device signs whatever it is given: corruption on purpose must stay visible. */
		.tx_ip_checksum = port->plan.tx_ip_checksum && !impaired,
		.tx_tcp_checksum = port->plan.tx_tcp_checksum && !impaired,
		.conn_max = lcore == 0 ? NODE_BUS_CONN_MAX : config->maxclients + NODE_CONN_SPARE,
		.time_wait_max = NODE_TIME_WAIT_MAX / (lcore == 0 ? 16 : node->data_count),
		.socket_id = port->socket_id,
		.owners = &node->wire.owners,
		.self = lcore,
		.quiet = lcore != node->wire.first,
	};
	memcpy(out->host.mac.bytes, port->mac, sizeof(out->host.mac.bytes));
	tcp_config_defaults(&out->tcp, out->mtu);
	out->tcp.keepalive_us = (uint64_t)config->tcp_keepalive_s * 1000000;
	out->tcp.keepalive_interval_us = out->tcp.keepalive_us / 3;
	out->tcp.keepalive_probes = 3;
	if (lcore == 0)
		out->tcp.delayed_ack_us =
			0; /* stock peers send nothing behind what is not acknowledged (spec B9) */
}

/* lcore: 0 control, whose stack speaks the bus, else a data lcore. */
static int
create_stack(struct node *node, unsigned lcore, struct stack **out, char error[NODE_ERROR_MAX])
{
	struct stack_config config;
	char name[32];
	uint16_t port = lcore == 0 ? node->wire.owners.bus_port : node->config->port;
	stack_settings(node, lcore, &config);
	if (secret_fill(config.secret, sizeof(config.secret)) < 0 ||
	    secret_fill(&config.seed, sizeof(config.seed)) < 0) {
		snprintf(error, NODE_ERROR_MAX, "no randomness: getrandom: %s",
			 rte_strerror(errno));
		return -errno;
	}
	snprintf(name, sizeof(name), "flows_%u", lcore);
	*out = stack_create(name, &config);
	if (*out == NULL || !stack_listen(*out, port, NULL)) {
		snprintf(error, NODE_ERROR_MAX,
			 "no memory for %u connections: lower maxclients or give EAL more (-m)",
			 config.conn_max);
		return -ENOMEM;
	}
	return 0;
}

static void
call_replication(void *repl_lcore, struct call *call, struct resp_writer *w)
{
	repl_call(repl_lcore, call, w);
}

/* Inside a barrier: data lcore 1's is at hand. */
static const char *
save_file(void *repl_lcore, bool *schedule)
{
	const struct repl_lcore *l = repl_lcore;
	return rdb_file_save(l->node->group->members[0]->hooks.replication, schedule);
}

static uint64_t
saved_at_s(const void *repl_lcore)
{
	return rdb_file_saved_at_s(repl_lcore);
}

/* The ring keeps what replicas that were away may ask for, and what slow ones have not taken yet. */
static uint64_t
ring_size(const struct config *config)
{
	uint64_t size = REPL_RING_MIN;
	while (size < config->repl_backlog_size)
		size *= 2;
	return size;
}

/* Snapshots, for files also outside of cluster mode, and there the replication stream. */
static int
create_replication(struct node *node, char error[NODE_ERROR_MAX])
{
	struct prng prng;
	uint64_t seed,
		size = node->config->cluster_enabled ? ring_size(node->config) : STREAM_SIZE_MIN;
	int socket = node->port->socket_id;
	node->repl = rte_zmalloc_socket("repl", sizeof(*node->repl), RTE_CACHE_LINE_SIZE, socket);
	void *ring = rte_malloc_socket("stream", size, RTE_CACHE_LINE_SIZE, socket);
	if (node->repl == NULL || ring == NULL || secret_fill(&seed, sizeof(seed)) < 0) {
		snprintf(error, NODE_ERROR_MAX,
			 "no memory for the replication stream (%lu MB): give EAL more (-m), or "
			 "lower repl-backlog-size",
			 size >> 20);
		return -ENOMEM;
	}
	prng_seed(&prng, seed);
	repl_init(node->repl, ring, size, &prng);
	node->repl->group = &node->group;
	node->repl->facts = &node->repl_facts;
	node->repl->idles = node->data_idles;
	node->repl->lcores = node->data_count;
	node->repl->port = node->config->port;
	node->repl->file.disk = disk_create(&node->data_idles[0]);
	node->repl->file.fd = -1;
	if (node->repl->file.disk == NULL) {
		snprintf(error, NODE_ERROR_MAX, "no thread that writes RDB files: %s",
			 rte_strerror(errno));
		return -errno;
	}
	return 0;
}

static uint64_t
read_ticks(void)
{
	return rte_rdtsc();
}

/* DEBUG SLEEP, which is meant to hold a data lcore: the processor is given to others meanwhile. */
static void
sleep_us(uint64_t us)
{
	for (; us > SLEEP_PIECE_US; us -= SLEEP_PIECE_US)
		rte_delay_us_sleep(SLEEP_PIECE_US);
	rte_delay_us_sleep((unsigned)us);
}

static int
create_server(struct node *node, struct data_lcore *d, char error[NODE_ERROR_MAX])
{
	struct server_options options = {
		.config = node->config,
		.allocator = d->allocator,
		.data = d->data_allocator,
		.hooks = {.info = node_info,
			  .owner = d,
			  .replicate = node->config->cluster_enabled ? call_replication : NULL,
			  .save = save_file,
			  .saved_at_s = saved_at_s,
			  .replication = &d->repl,
			  .ticks = read_ticks,
			  .ticks_per_us = (rte_get_tsc_hz() + 500000) / 1000000,
			  .sleep_us = sleep_us,
			  .process_id = (uint32_t)getpid()},
		.unix_ms = clock_unix_ms(&node->clock, clock_now_us(&node->clock)),
		.now_us = clock_now_us(&node->clock),
		.version = POLLIS_VERSION,
		.group = &node->group,
		.member = d->index - 1,
	};
	memcpy(options.hash_secret, node->hash_secret, sizeof(options.hash_secret));
	if (secret_fill(&options.seed, sizeof(options.seed)) < 0)
		return -errno;
	d->server = server_create(&options);
	if (d->server == NULL) {
		snprintf(error, NODE_ERROR_MAX, "no memory for the keyspace");
		return -ENOMEM;
	}
	return 0;
}

static int
create_impair(struct node *node, struct data_lcore *d, char error[NODE_ERROR_MAX])
{
	struct impair_config config;
	if (node->config->net_impair[0] == '\0')
		return 0;
	if (!impair_parse(node->config->net_impair, &config, error))
		return -EINVAL;
	d->rx_impair = impair_create(&config, node->port->data_pool);
	config.seed++;
	d->tx_impair = impair_create(&config, node->port->data_pool);
	return d->rx_impair != NULL && d->tx_impair != NULL ? 0 : -ENOMEM;
}

static int
create_data_lcore(struct node *node, unsigned i, char error[NODE_ERROR_MAX])
{
	struct data_lcore *d = rte_zmalloc_socket("data lcore", sizeof(*d), RTE_CACHE_LINE_SIZE,
						  node->port->socket_id);
	if (d == NULL)
		return -ENOMEM;
	node->data[i] = d;
	d->index = i + 1;
	d->wire = &node->wire;
	d->clock = &node->clock;
	d->idle = &node->data_idles[i];
	d->idles = node->data_idles;
	d->lcores = node->data_count;
	d->idle_mode = node->config->idle_mode;
	d->office = node->office;
	d->allocator = &node->allocators[i];
	d->data_allocator = &node->data_allocators[i];
	int rc = arena_allocator_init(d->allocator, node->port->socket_id, NODE_RESERVE);
	if (rc == 0)
		rc = arena_allocator_init(d->data_allocator, node->port->socket_id, 0);
	if (rc == 0)
		rc = create_stack(node, d->index, &d->stack, error);
	if (rc == 0)
		rc = create_server(node, d, error);
	if (rc == 0)
		rc = create_impair(node, d, error);
	if (rc < 0)
		return rc;
	struct serve_options serve = {
		.stack = d->stack,
		.server = d->server,
		.allocator = d->allocator,
		.office = node->office,
		.barrier = &node->barrier,
		.clients = &node->clients,
		.repl = node->config->cluster_enabled ? &d->repl : NULL,
		.self = d->index,
		.local_address = node->config->ip,
	};
	serve_init(&d->serve, &serve);
	d->repl = (struct repl_lcore){.node = node->repl,
				      .self = d->index,
				      .server = d->server,
				      .allocator = d->allocator,
				      .stack = d->stack,
				      .office = node->office,
				      .now_us = clock_now_us(&node->clock)};
	return 0;
}

static int
create_cluster(struct node *node, char error[NODE_ERROR_MAX])
{
	struct cluster_node_options options = {
		.config = node->config,
		.clock = &node->clock,
		.stack = node->control_stack,
		.idle = &node->control_idle,
		.facts = &node->repl_facts,
		.hooks = orders_hooks(&node->orders),
		.now_us = clock_now_us(&node->clock),
	};
	orders_init(&node->orders, node->office, node->data, node->data_count);
	node->orders.facts = &node->repl_facts;
	if (secret_fill(&options.seed, sizeof(options.seed)) < 0)
		return -errno;
	node->cluster = cluster_node_create(&options, error);
	if (node->cluster == NULL)
		return -EINVAL;
	node->orders.cluster = node->cluster;
	node->group.slots = cluster_node_slots(node->cluster);
	node->repl->slots = cluster_node_slots_writable(node->cluster);
	node->orders.repl = node->repl;
	for (unsigned i = 0; i < node->data_count; i++)
		node->data[i]->cluster = node->cluster;
	return 0;
}

static int
create_idles(struct node *node, char error[NODE_ERROR_MAX])
{
	int rc = idle_init(&node->control_idle);
	for (unsigned i = 0; i < node->data_count && rc == 0; i++) {
		rc = idle_init(&node->data_idles[i]);
		int fd = node->port->rx_fds[i];
		if (i >= node->port->plan.queues)
			continue; /* who polls its queue wakes it */
		if (fd < 0)
			idle_nap_only(&node->data_idles[i]);
		else if (rc == 0)
			rc = idle_add_fd(&node->data_idles[i], fd);
	}
	if (rc < 0)
		snprintf(error, NODE_ERROR_MAX,
			 "epoll or eventfd: %s: raise the limit of open files", rte_strerror(-rc));
	return rc;
}

static uint16_t
bus_port(const struct config *config)
{
	if (!config->cluster_enabled)
		return 0;
	return config->cluster_port != 0 ? config->cluster_port : (uint16_t)(config->port + 10000);
}

/* The keys that were saved; before the lcores run. */
static int
load_file(struct node *node, char error[NODE_ERROR_MAX])
{
	struct rdb_file *file = &node->repl->file;
	char path[DISK_PATH_MAX];
	uint64_t keys = 0, started_us = clock_now_us(&node->clock);
	uint64_t unix_ms = clock_unix_ms(&node->clock, started_us);
	file->saved_at_s = unix_ms / 1000;
	rdb_file_path(path, node->config->dir, node->config->dbfilename);
	enum rdb_file_load loaded = rdb_file_load(&node->group, path, unix_ms, &keys, error);
	if (loaded == RDB_FILE_LOADED)
		log_notice("DB loaded from disk: %s, %lu keys, %.3f seconds", path, keys,
			   (double)(clock_now_us(&node->clock) - started_us) / 1e6);
	file->changes_saved = rdb_file_changes(node->repl);
	return loaded == RDB_FILE_BAD ? -EINVAL : 0;
}

int
node_create(struct node *node, struct config *config, struct port *port,
	    const struct eal_lcores *lcores, char error[NODE_ERROR_MAX])
{
	memset(node, 0, sizeof(*node));
	snprintf(error, NODE_ERROR_MAX, "no memory: give EAL more (-m)");
	node->config = config;
	node->port = port;
	node->data_count = lcores->data_count;
	clock_init(&node->clock);
	node->started_us = clock_now_us(&node->clock);
	int rc = create_idles(node, error);
	if (rc < 0)
		return rc;
	struct idle *idles[MAIL_LCORES_MAX] = {&node->control_idle};
	for (unsigned i = 0; i < node->data_count; i++) {
		node->data_lcore_ids[i] = lcores->data[i];
		idles[i + 1] = &node->data_idles[i];
	}
	node->office = post_office_create(node->data_count + 1, idles);
	if (node->office == NULL)
		return -rte_errno;
	struct owner_map owners = {.data_count = node->data_count,
				   .client_port = config->port,
				   .bus_port = bus_port(config)};
	if (!rewrite_open(&node->rewrite, config, node->office, &node->control_idle))
		return -errno;
	rc = wire_init(&node->wire, port, &owners, node->data_count + 1, idles);
	if (rc == 0 && owners.bus_port != 0)
		rc = create_stack(node, 0, &node->control_stack, error);
	barrier_init(&node->barrier, node->data_count);
	node->group.count = node->data_count;
	if (rc == 0)
		rc = create_replication(node, error);
	if (rc == 0)
		rc = secret_fill(node->hash_secret, sizeof(node->hash_secret));
	for (unsigned i = 0; i < node->data_count && rc == 0; i++)
		rc = create_data_lcore(node, i, error);
	if (rc == 0 && node->control_stack != NULL)
		rc = create_cluster(node, error);
	if (rc == 0)
		rc = load_file(node, error);
	return rc;
}

int
node_run(struct node *node)
{
	for (unsigned i = 0; i < node->data_count; i++)
		rte_eal_remote_launch(data_main, node->data[i], node->data_lcore_ids[i]);
	log_notice(
		"memory: %u MB of each data lcore are kept for replies and replication, keys may "
		"take the rest: maxmemory %lu",
		NODE_RESERVE >> 20, node->config->maxmemory);
	log_notice("Ready to accept connections");
	int status = control_run(node);
	for (unsigned i = 0; i < node->data_count; i++)
		rte_eal_wait_lcore(node->data_lcore_ids[i]);
	log_notice("Pollis is now ready to exit, bye bye...");
	return status;
}

void
node_destroy(struct node *node)
{
	if (node->repl != NULL)
		rdb_file_close(&node->repl->file);
	for (unsigned i = 0; i < node->data_count; i++) {
		struct data_lcore *d = node->data[i];
		if (d == NULL)
			continue;
		impair_destroy(d->rx_impair);
		impair_destroy(d->tx_impair);
		if (d->stack != NULL)
			stack_destroy(d->stack);
		if (d->server != NULL)
			server_destroy(d->server);
		arena_allocator_close(d->allocator);
		arena_allocator_close(d->data_allocator);
		rte_free(d);
		idle_close(&node->data_idles[i]);
	}
	rewrite_close(&node->rewrite);
	cluster_node_destroy(node->cluster);
	orders_close(&node->orders);
	if (node->control_stack != NULL)
		stack_destroy(node->control_stack);
	wire_close(&node->wire);
	post_office_destroy(node->office);
	idle_close(&node->control_idle);
}
