/* app/lcore/control.c - the control loop: sleep until a frame of the bus, mail, a signal, a deadline or the next tick.
 *
 * Control wakes at least every CONTROL_REST_US, because it is who polls a queue whose data lcore is stuck in a long command.
 *
 * Signals are read from a signalfd that is part of what the loop waits for, so that no handler exists and nothing needs to be
 * async-signal-safe.
 */
#include "app/lcore/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/env/log.h"
#include "app/lcore/node.h"

#define CONTROL_CLOCK_US 1000000 /* wall clock is compared once a second */
#define CONTROL_REST_US  10000
#define CONTROL_BURST    64

static void
signals_of_interest(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

int
control_signals_install(void)
{
	sigset_t set;
	signals_of_interest(&set);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	/* Before EAL starts its threads, so that they inherit the mask. */
	return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
stop(struct node *node)
{
	if (node->stopping)
		return;
	node->stopping = true;
	for (unsigned i = 0; i < node->data_count; i++)
		mail_send(node->office, 0, node->data[i]->index, MAIL_STOP, 0, 0);
}

static void
read_signals(struct node *node, int fd)
{
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		log_notice("Received %s scheduling shutdown...",
			   info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		stop(node);
	}
}

/* Our copy of the configuration follows those of the data lcores. */
static void
take_config(struct node *node, struct config *changed)
{
	config_free(node->config);
	*node->config = *changed;
	rte_free(changed);
	log_set_level(node->config->loglevel);
}

static void
read_mail(struct node *node)
{
	struct mail mails[16];
	unsigned n = mail_receive(node->office, 0, mails, 16);
	for (unsigned i = 0; i < n; i++) {
		if (mails[i].kind == MAIL_STOPPED) {
			node->stopped_count++;
			if (mails[i].a > 0)
				log_warning("%lu connections did not close in time and were reset",
					    mails[i].a);
		} else if (mails[i].kind == MAIL_SHUTDOWN) {
			log_notice("User requested shutdown...");
			stop(node);
		} else if (mails[i].kind == MAIL_CONFIG_CHANGED) {
			take_config(node, (struct config *)(uintptr_t)mails[i].a);
		} else if (!rewrite_mail(&node->rewrite, &mails[i]) && node->cluster != NULL) {
			orders_mail(&node->orders, &mails[i]);
		}
	}
}

/* One turn of the bus's stack. True: there was something to do. */
static bool
turn_stack(struct node *node, uint64_t now_us)
{
	struct stack *stack = node->control_stack;
	struct rte_mbuf *frames[CONTROL_BURST];
	uint16_t received = wire_receive(&node->wire, 0, frames, CONTROL_BURST, now_us), sent, n;
	if (received > 0)
		stack_input(stack, frames, received, now_us);
	stack_tick(stack, now_us);
	cluster_node_turn(node->cluster, now_us);
	orders_turn(&node->orders);
	sent = 0;
	do {
		n = stack_output(stack, frames, CONTROL_BURST, now_us);
		wire_send(&node->wire, 0, frames, n);
		sent = (uint16_t)(sent + n);
	} while (n == CONTROL_BURST);
	return received + sent > 0;
}

/* Peers hear of our end at once: a reset closes their half of every link. */
static void
end_links(struct node *node)
{
	struct rte_mbuf *frames[CONTROL_BURST];
	uint64_t now_us = clock_now_us(&node->clock);
	uint16_t n;
	stack_abort_all(node->control_stack);
	do {
		n = stack_output(node->control_stack, frames, CONTROL_BURST, now_us);
		wire_send(&node->wire, 0, frames, n);
	} while (n == CONTROL_BURST);
	wire_flush(&node->wire, 0);
}

static bool
work_is_waiting(void *control_node)
{
	const struct node *node = control_node;
	return mail_waiting(node->office, 0) || rewrite_waiting(&node->rewrite) ||
	       (node->control_stack != NULL &&
		(wire_waiting(&node->wire, 0) || cluster_node_waiting(node->cluster) ||
		 orders_waiting(&node->orders)));
}

/* Until the next deadline or tick. */
static void
rest(struct node *node, uint64_t now_us)
{
	uint64_t sleep_us = CONTROL_CLOCK_US;
	if (node->control_stack != NULL) {
		uint64_t at = stack_next_at(node->control_stack);
		uint64_t cluster_at = cluster_node_next_at(node->cluster);
		at = cluster_at < at ? cluster_at : at;
		sleep_us = at <= now_us ? 0 : at - now_us;
		if (sleep_us > CONTROL_REST_US)
			sleep_us = CONTROL_REST_US;
	}
	idle_wait(&node->control_idle, sleep_us, work_is_waiting, node);
}

/* How often this thread was taken off its core though it had work. */
static long
preemptions(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

/* What a turn took counts if nobody else ran meanwhile: a wait of our own, for a disk say, does count. */
static void
account(struct node *node, uint64_t started_us, long preempted_before)
{
	if (node->cluster != NULL && preemptions() == preempted_before)
		cluster_node_turned(node->cluster, clock_now_us(&node->clock) - started_us);
}

static void
loop(struct node *node, int signal_fd)
{
	uint64_t clock_at_us = 0;
	if (node->control_stack != NULL)
		stack_announce(node->control_stack);
	while (node->stopped_count < node->data_count) {
		uint64_t now_us = clock_now_us(&node->clock);
		long preempted = node->cluster != NULL ? preemptions() : 0;
		bool busy = false;
		if (now_us >= clock_at_us) {
			clock_sync(&node->clock);
			clock_at_us = now_us + CONTROL_CLOCK_US;
		}
		read_signals(node, signal_fd);
		read_mail(node);
		rewrite_turn(&node->rewrite);
		if (node->control_stack != NULL)
			busy = turn_stack(node, now_us);
		account(node, now_us, preempted);
		if (busy)
			idle_busy(&node->control_idle);
		else
			rest(node, now_us);
	}
}

int
control_run(struct node *node)
{
	sigset_t set;
	signals_of_interest(&set);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0 || idle_add_fd(&node->control_idle, fd) < 0) {
		log_warning("signals cannot be read: %s", rte_strerror(errno));
		return 1;
	}
	loop(node, fd);
	if (node->control_stack != NULL)
		end_links(node);
	close(fd);
	return 0;
}
