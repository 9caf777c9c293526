/* tests/unit/proto/inet/test_tcp_state.c - the table of moves and tcp_check(): that they refuse what they must refuse. Each refusal
 * is an abort, so each is tried in a child.
 */
#include "tests/unit/proto/inet/tcp_states.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/inet/tcp_internal.h"

/* True: what the child does ends in abort(). Standard error is closed there: the message is expected. */
#define ABORTS(statement)                                                                          \
	({                                                                                         \
		pid_t pid = fork();                                                                \
		if (pid == 0) {                                                                    \
			dup2(open("/dev/null", O_WRONLY), 2);                                      \
			signal(SIGABRT, SIG_DFL);                                                  \
			statement;                                                                 \
			_exit(0);                                                                  \
		}                                                                                  \
		int status;                                                                        \
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);                                   \
		WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;                                \
	})

/* RFC 9293 figure 5, one line per state: where it may go besides CLOSED. */
START_TEST(only_the_moves_of_figure_5_are_allowed)
{
	static const char *const allowed[TCP_STATE_COUNT] = {
		/* C S R E 1 2 W G L T: CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED FW1 FW2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT */
		[TCP_CLOSED] = "CSR",      [TCP_SYN_SENT] = "CRE",    [TCP_SYN_RECEIVED] = "CE",
		[TCP_ESTABLISHED] = "C1W", [TCP_FIN_WAIT_1] = "C2GT", [TCP_FIN_WAIT_2] = "CT",
		[TCP_CLOSE_WAIT] = "CL",   [TCP_CLOSING] = "CT",      [TCP_LAST_ACK] = "C",
		[TCP_TIME_WAIT] = "C",
	};
	static const char letters[] = "CSRE12WGLT";
	for (unsigned from = 0; from < TCP_STATE_COUNT; from++)
		for (unsigned to = 0; to < TCP_STATE_COUNT; to++) {
			struct tcp t = {.state = (uint8_t)from};
			bool refused = ABORTS(tcp_set_state(&t, to));
			bool expected = strchr(allowed[from], letters[to]) == NULL;
			ck_assert_msg(refused == expected, "%s to %s", tcp_state_name(from),
				      tcp_state_name(to));
		}
}
END_TEST

/* In ESTABLISHED with 100 bytes in flight and a run at 10; then one thing is broken. */
#define BROKEN(change)                                                                             \
	do {                                                                                       \
		struct machine m;                                                                  \
		machine_in(&m, TCP_ESTABLISHED);                                                   \
		m.queued = 100;                                                                    \
		drain(&m);                                                                         \
		give(&m, TCP_ACK, 11, 10, 1);                                                      \
		drain(&m);                                                                         \
		struct tcp *t = &m.tcp;                                                            \
		ck_assert(!ABORTS(tcp_check(t)));                                                  \
		change;                                                                            \
		ck_assert_msg(ABORTS(tcp_check(t)), "%s", #change);                                \
	} while (0)

START_TEST(check_finds_every_broken_invariant)
{
	BROKEN(t->state = TCP_STATE_COUNT);
	BROKEN(t->send_at = t->snd_una - 1);                        /* S1 */
	BROKEN(t->send_at = t->snd_nxt + 1);                        /* S1 */
	BROKEN(t->rcv_edge = t->rcv_nxt - 1);                       /* S2 */
	BROKEN(t->side->ooo.at[0].left = t->rcv_nxt);               /* S3 */
	BROKEN(t->side->ooo.at[0].right = t->side->ooo.at[0].left); /* S3 */
	BROKEN(t->rcv_edge = t->rcv_nxt + 12);                      /* S3 */
	BROKEN(t->side->ooo.count = RANGES_MAX + 1);                /* S3 */
	BROKEN(t->retransmit_at_us = TCP_NEVER);                    /* S4 */
	BROKEN(t->ack_at_us = 5);                                   /* S5 */
	BROKEN(t->owed |= TCP_OWE_ACK_LATER);                       /* S5 */
	BROKEN(t->marks |= TCP_MARK_FIN_SENT);                      /* S6 */
	BROKEN(t->state = TCP_CLOSED);                              /* S7 */
	BROKEN(t->snd_mss = TCP_MSS_FLOOR - 1);                     /* S8 */
	BROKEN(t->cc.cwnd = t->cc.mss - 1u);                        /* S8 */
	BROKEN(t->cc.mss--);                                        /* S8 */
	BROKEN(t->side->board = (struct board){.count = 1});        /* S9 */
	BROKEN(t->backoff = TCP_BACKOFF_MAX + 1);
	BROKEN(t->dup_acks = TCP_DUP_ACKS_MAX + 1);
}
END_TEST

int
main(void)
{
	return RUN_CASES("tcp_state", only_the_moves_of_figure_5_are_allowed,
			 check_finds_every_broken_invariant);
}
