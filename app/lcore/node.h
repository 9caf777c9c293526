/* app/lcore/node.h - a node is a struct: control, data lcores, and what they share. One process may hold several.
 *
 *     node_create() --> node_run() (control loop on the calling lcore, data loops on workers) --> node_destroy()
 *
 * Called by the main lcore only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/cmd/config.h"
#include "app/env/clock.h"
#include "app/env/eal.h"
#include "app/env/idle.h"
#include "app/env/port.h"
#include "app/lcore/data.h"
#include "app/lcore/mail.h"
#include "app/lcore/orders.h"
#include "app/lcore/rewrite.h"
#include "app/lcore/wire.h"

#define NODE_ERROR_MAX 256

struct node {
	struct config *config;
	struct port *port;
	struct clock clock;
	struct idle control_idle;
	struct idle data_idles[MAIL_LCORES_MAX];
	struct allocator allocators[MAIL_LCORES_MAX], data_allocators[MAIL_LCORES_MAX];
	struct post_office *office;
	struct wire wire;
	struct barrier barrier;
	struct server_group group;
	struct repl *repl;       /* NULL: no cluster */
	uint8_t hash_secret[16]; /* keys the hash of every member of the group */
	_Atomic uint32_t clients;
	struct stack *control_stack;  /* the cluster bus; NULL: no cluster */
	struct cluster_node *cluster; /* likewise */
	struct orders orders;
	struct rewrite rewrite;
	struct repl_facts repl_facts;
	unsigned data_count, stopped_count;
	unsigned data_lcore_ids[MAIL_LCORES_MAX]; /* EAL lcore of data lcore i */
	struct data_lcore *data[MAIL_LCORES_MAX];
	bool stopping;
	uint64_t started_us;
};

/* 0, or negative errno and one clear line in error. The port is started, the configuration final. */
int node_create(struct node *node, struct config *config, struct port *port,
		const struct eal_lcores *lcores, char error[NODE_ERROR_MAX]);
/* Runs until SIGTERM, SIGINT or SHUTDOWN. Returns the process's exit status. */
int node_run(struct node *node);
void node_destroy(struct node *node);

/* "name:value\r\n" lines of an INFO section that the node knows more about ("dpdk"). Answers how many bytes it wrote. */
size_t node_info(void *data_lcore, const char *section, char *at, size_t size);
void stack_counters_add(struct stack_counters *sum, const struct stack_counters *more);
/* Every reason for which a frame or segment was dropped, by the one name that INFO, telemetry and tests have for it. */
typedef void stack_drop_teller(void *to, const char *name, uint64_t count);
void stack_drops_each(const struct stack_counters *counters, stack_drop_teller *tell, void *to);

/* telemetry.c: /pollis/... for dpdk-telemetry.py. One node of the process is told of; its memory outlives the telemetry thread's
 * interest, because node_destroy() ends that first. */
int telemetry_open(struct node *node);
void telemetry_close(void);
