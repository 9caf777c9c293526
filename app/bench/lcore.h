/* app/bench/lcore.h - the client's lcore: one queue, a stack for each address, one load.
 *
 *     rx_burst -> stack_input -> load_take -> timers -> load_next, load_render -> stack_output -> tx_burst -> again
 *
 * It polls without rest and, once running, makes no system call and allocates nothing.
 */
#pragma once
#include "app/bench/flood.h"
#include "app/bench/load.h"
#include "app/env/clock.h"
#include "app/env/port.h"
#include "app/net/stack.h"

struct bench_lcore {
	struct load *load;
	struct port *port;
	struct stack *stacks[BENCH_ADDRESSES_MAX]; /* one for each address of ours */
	struct clock clock;
	struct conn **conns;
	uint32_t opened;  /* connections asked for so far */
	uint8_t *scratch; /* one request */
	struct flood flood;
};

/* rte_eal_remote_launch()'s signature. Returns when the load is over and the connections are closed. */
int bench_lcore_main(void *bench_lcore);
