/* app/lcore/data.h - a data lcore: one stack, one server, and the loop that drives them.
 *
 *     wire_receive -> stack_input -> serve_ready -> mail -> timers -> stack_output -> wire_send -> (rest)
 *
 * D1  In busy mode a turn makes no system call, takes no lock, allocates nothing from libc and logs nothing.
 * D2  What a turn received is answered in that turn: output is never held back by a timer.
 * D3  Everything here belongs to its lcore. Others reach it by mail, and read the counters, which only it writes.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/cmd/server.h"
#include "app/env/clock.h"
#include "app/env/idle.h"
#include "app/lcore/errands.h"
#include "app/lcore/mail.h"
#include "app/lcore/repl.h"
#include "app/lcore/serve.h"
#include "app/lcore/wire.h"
#include "app/net/impair.h"
#include "app/net/stack.h"
#include "app/store/allocator.h"

#define DATA_BURST          64   /* frames received in a turn; twice the device burst, see wire.h */
#define DATA_TICK_US        1000 /* server_tick() at least so often, for expiry */
#define DATA_TICK_BUDGET_US 250  /* and at most so long */
#define DATA_DRAIN_US       1000000 /* shutdown: clients may take so long to acknowledge our FIN */

struct data_counters { /* written by the lcore with relaxed stores, read by anybody */
	_Atomic uint64_t turns, busy_cycles, idle_cycles, rx_cycles, tx_cycles;
	_Atomic uint64_t longest_turn_cycles;
};

static inline uint64_t
data_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

enum data_phase { DATA_RUNNING, DATA_DRAINING, DATA_STOPPED };

struct data_lcore {
	unsigned index; /* in the post office; control is 0 */
	enum data_phase phase;
	struct wire *wire;
	const struct clock *clock;
	struct idle *idle;
	struct idle *idles; /* of all data lcores */
	unsigned lcores;    /* how many data lcores */
	enum idle_mode idle_mode;
	struct post_office *office;
	struct stack *stack;
	struct server *server;
	struct allocator *allocator, *data_allocator; /* of buffers, of keys and values */
	struct impair *rx_impair, *tx_impair;         /* NULL: the wire is left alone */
	struct serve serve;
	struct errands errands;
	struct repl_lcore repl;             /* node NULL: no cluster */
	const struct cluster_node *cluster; /* for INFO; NULL: no cluster */
	uint64_t tick_at_us, drain_until_us;
	uint32_t shutdown_mailed;
	bool config_owed; /* control does not know of the last CONFIG SET yet */
	struct data_counters counters;
};

/* The loop; rte_eal_remote_launch()'s signature. Returns when the lcore has stopped. */
int data_main(void *data_lcore);
