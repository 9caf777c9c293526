/* app/lcore/control.c - the control loop: sleep until mail, a signal or the next second.
 *
 * Signals are read from a signalfd that is part of what the loop waits for, so that no handler exists and nothing needs to be
 * async-signal-safe.
 */
#include "app/lcore/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#include "app/env/log.h"
#include "app/lcore/node.h"

#define CONTROL_TICK_US 1000000 /* wall clock is compared once a second */

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
		}
	}
}

static bool
mail_is_waiting(void *node)
{
	return mail_waiting(((const struct node *)node)->office, 0);
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
	while (node->stopped_count < node->data_count) {
		read_signals(node, fd);
		read_mail(node);
		clock_sync(&node->clock);
		idle_wait(&node->control_idle, CONTROL_TICK_US, mail_is_waiting, node);
	}
	close(fd);
	return 0;
}
