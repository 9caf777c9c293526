/* app/lcore/data.c - the poll loop. data_main() is the whole of it; the functions above it are its lines. */
#include "app/lcore/data.h"

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

static void
count(_Atomic uint64_t *counter, uint64_t more)
{
	/* One writer: a load and a store, no locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

static unsigned
receive(struct data_lcore *d, uint64_t now_us)
{
	struct rte_mbuf *frames[DATA_BURST];
	uint64_t before = rte_rdtsc();
	uint16_t received = wire_receive(d->wire, d->index, frames, DATA_BURST, now_us);
	uint16_t n = received;
	if (n > 0)
		count(&d->counters.rx_cycles, rte_rdtsc() - before);
	if (unlikely(d->rx_impair != NULL)) {
		impair_push(d->rx_impair, frames, n, now_us);
		n = impair_pop(d->rx_impair, frames, DATA_BURST, now_us);
	}
	if (n > 0)
		stack_input(d->stack, frames, n, now_us);
	return received + n;
}

static void
send_frames(struct data_lcore *d, struct rte_mbuf **frames, uint16_t n, uint64_t now_us)
{
	if (unlikely(d->tx_impair != NULL)) {
		impair_push(d->tx_impair, frames, n, now_us);
		n = impair_pop(d->tx_impair, frames, DATA_BURST, now_us);
	}
	uint64_t before = rte_rdtsc();
	wire_send(d->wire, d->index, frames, n);
	if (n > 0)
		count(&d->counters.tx_cycles, rte_rdtsc() - before);
}

static unsigned
transmit(struct data_lcore *d, uint64_t now_us)
{
	struct rte_mbuf *frames[DATA_BURST];
	unsigned sent = 0;
	uint16_t n;
	do {
		n = stack_output(d->stack, frames, DATA_BURST, now_us);
		sent += n;
		send_frames(d, frames, n, now_us);
	} while (n == DATA_BURST);
	return sent;
}

static void
start_draining(struct data_lcore *d, uint64_t now_us)
{
	if (d->phase != DATA_RUNNING)
		return;
	d->phase = DATA_DRAINING;
	d->drain_until_us = now_us + DATA_DRAIN_US;
	if (d->repl.node != NULL)
		repl_stop(&d->repl);
	serve_drain(&d->serve, now_us);
}

static void
on_mail(struct data_lcore *d, const struct mail *mail, uint64_t now_us)
{
	if (mail->kind == MAIL_STOP)
		start_draining(d, now_us);
	else if (mail->kind == MAIL_CALLS || mail->kind == MAIL_REPLIES ||
		 (mail->kind == MAIL_PART_DONE && mail->b == 0))
		serve_mail(&d->serve, mail, now_us);
	else if (errands_mail(d, mail, now_us))
		return;
	else if (d->repl.node != NULL)
		repl_mail(&d->repl, mail);
}

static unsigned
read_mail(struct data_lcore *d, uint64_t now_us)
{
	struct mail mails[8];
	unsigned n = mail_receive(d->office, d->index, mails, 8);
	for (unsigned i = 0; i < n; i++)
		on_mail(d, &mails[i], now_us);
	return n;
}

/* Whatever needs all lcores to stand still. True: it did, or still has to. */
static bool
meet(struct data_lcore *d, uint64_t now_us)
{
	struct barrier *barrier = d->serve.of.barrier;
	bool replicates = d->repl.node != NULL;
	if (!serve_wants_barrier(&d->serve) && !(replicates && repl_wants_barrier(&d->repl)))
		return false;
	if (!barrier_enter(barrier, d->index)) {
		for (unsigned i = 0; i < d->lcores; i++)
			if (i + 1 != d->index)
				idle_wake(&d->idles[i]); /* sleepers must come, too */
		return true;
	}
	if (replicates)
		repl_act(&d->repl);
	serve_act(&d->serve);
	if (replicates)
		repl_flush(&d->repl);
	barrier_leave(barrier, d->index);
	serve_acted(&d->serve, now_us);
	return true;
}

/* The boundary between two turns: all that was executed is in the stream, and whoever waits for that is told. */
static unsigned
boundary(struct data_lcore *d)
{
	if (d->repl.node != NULL)
		repl_flush(&d->repl);
	bool owes = errands_settle(d, mail_waiting(d->office, d->index));
	/* Who acted may have left something for our next turn: sessions to close, a pause that is over. */
	bool visited = barrier_is_asked(d->serve.of.barrier);
	barrier_visit(d->serve.of.barrier, d->index);
	return owes || visited;
}

/* The control lcore reads directives of the cluster. False: no room or no memory, again later. */
static bool
mail_config(struct data_lcore *d)
{
	struct config *copy = rte_malloc("config", sizeof(*copy), 0);
	bool copied = copy != NULL && config_copy(copy, server_config(d->server));
	if (copied && mail_send(d->office, d->index, 0, MAIL_CONFIG_CHANGED, (uintptr_t)copy, 0))
		return true;
	if (copied)
		config_free(copy);
	rte_free(copy);
	return false;
}

/* What commands asked of the node. A full ring is tried again on the next turn. */
static void
pass_on_wants(struct data_lcore *d, uint64_t now_us)
{
	uint32_t wants = server_take_wants(d->server);
	if (wants & SERVER_WANT_SWEEP)
		serve_sweep(&d->serve, now_us);
	if (wants & SERVER_WANT_EVICTION)
		for (unsigned i = 0; i < d->lcores; i++)
			if (i + 1 != d->index)
				idle_wake(&d->idles[i]);
	if (wants & SERVER_WANT_CONFIG_CHANGED)
		d->config_owed = true;
	if (d->config_owed)
		d->config_owed = !mail_config(d);
	if (wants & SERVER_WANT_SHUTDOWN)
		d->shutdown_mailed = 1;
	if (d->shutdown_mailed == 1 && mail_send(d->office, d->index, 0, MAIL_SHUTDOWN, 0, 0))
		d->shutdown_mailed = 2;
}

static void
tick(struct data_lcore *d, uint64_t now_us)
{
	stack_tick(d->stack, now_us);
	if (now_us < d->tick_at_us && now_us < server_next_at(d->server))
		return;
	server_tick(d->server, DATA_TICK_BUDGET_US);
	d->tick_at_us = now_us + DATA_TICK_US;
}

/* FIN has gone to everybody; whoever has not acknowledged it in time is reset. */
static void
drain(struct data_lcore *d, uint64_t now_us)
{
	uint32_t left = stack_conn_count(d->stack);
	if (left > 0 && now_us < d->drain_until_us)
		return;
	stack_abort_all(d->stack);
	transmit(d, now_us);
	wire_flush(d->wire, d->index);
	d->phase = DATA_STOPPED;
	mail_send(d->office, d->index, 0, MAIL_STOPPED, left, 0);
}

static uint64_t
next_at(const struct data_lcore *d)
{
	uint64_t at[] = {stack_next_at(d->stack),
			 server_next_at(d->server),
			 d->rx_impair != NULL ? impair_next_at(d->rx_impair) : UINT64_MAX,
			 d->tx_impair != NULL ? impair_next_at(d->tx_impair) : UINT64_MAX,
			 d->phase == DATA_DRAINING ? d->drain_until_us : UINT64_MAX,
			 serve_next_at(&d->serve),
			 d->repl.node != NULL ? repl_next_at(&d->repl) : UINT64_MAX};
	uint64_t first = UINT64_MAX;
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] < first)
			first = at[i];
	return first;
}

static bool
work_is_waiting(void *data_lcore)
{
	const struct data_lcore *d = data_lcore;
	return mail_waiting(d->office, d->index) || wire_waiting(d->wire, d->index) ||
	       barrier_is_asked(d->serve.of.barrier) ||
	       (d->index == 1 && rdb_file_waiting(&d->repl.node->file));
}

static void
rest(struct data_lcore *d)
{
	uint64_t started = rte_rdtsc();
	uint64_t now_us = clock_now_us(d->clock), at = next_at(d);
	idle_wait(d->idle, at > now_us ? at - now_us : 0, work_is_waiting, d);
	count(&d->counters.idle_cycles, rte_rdtsc() - started);
}

static void
account(struct data_lcore *d, uint64_t started, bool busy)
{
	uint64_t cycles = rte_rdtsc() - started;
	count(&d->counters.turns, 1);
	count(busy ? &d->counters.busy_cycles : &d->counters.idle_cycles, cycles);
	if (busy &&
	    cycles > atomic_load_explicit(&d->counters.longest_turn_cycles, memory_order_relaxed))
		atomic_store_explicit(&d->counters.longest_turn_cycles, cycles,
				      memory_order_relaxed);
}

int
data_main(void *data_lcore)
{
	struct data_lcore *d = data_lcore;
	stack_announce(d->stack);
	while (d->phase != DATA_STOPPED) {
		uint64_t started = rte_rdtsc();
		uint64_t now_us = clock_now_us(d->clock);
		server_set_time(d->server, clock_unix_ms(d->clock, now_us), now_us);

		unsigned work = receive(d, now_us);
		serve_ready(&d->serve, now_us);
		work += read_mail(d, now_us);
		tick(d, now_us);
		pass_on_wants(d, now_us);
		work += serve_settle(&d->serve, now_us);
		work += meet(d, now_us);
		work += boundary(d);
		if (d->repl.node != NULL)
			work += repl_turn(&d->repl, now_us);
		work += transmit(d, now_us);
		if (unlikely(d->phase == DATA_DRAINING))
			drain(d, now_us);

		account(d, started, work > 0);
		if (work == 0 && d->idle_mode == IDLE_ADAPTIVE)
			rest(d);
		else
			idle_busy(d->idle);
	}
	return 0;
}
