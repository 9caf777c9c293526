/* tests/stress/mail.c - mail between lcores that poll and sleep (app/lcore/mail.h M1-M3, app/env/idle.h L1).
 *
 * Order: every sender numbers its mails. Refusal: a sender that finds the ring full keeps the mail. Wake-ups: lcores send little and
 * sleep long, so that a wake-up that is lost shows as a mail that lies for the whole sleep.
 */
#include "app/lcore/mail.h"

#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "proto/base/prng.h"
#include "tests/stress/threads.h"

#define LCORES        3
#define FLOOD         20000 /* mails from each to each, as fast as they go */
#define PINGS         60000 /* there and back */
#define SLEEP_US      900000
#define LOST_US       600000 /* a mail that lay so long was not announced */
#define BATCH         8
#define LINGER_CYCLES 20000 /* twice what IDLE_SPINS take */

struct run {
	struct post_office *office;
	struct idle idles[LCORES];
	bool ping;
};

struct sleeper {
	struct run *run;
	unsigned self;
};

static uint64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool
waiting(void *owner)
{
	struct sleeper *s = owner;
	THREADS_CHECK(idle_asleep(&s->run->idles[s->self])); /* L1: said before the last look */
	return mail_waiting(s->run->office, s->self);
}

/* ---- M1, M2: all to all ---- */

static void /* NOLINTNEXTLINE(readability-function-size): each check is a level of its macro */
flood(struct run *run, unsigned self)
{
	uint64_t sent[LCORES] = {0}, got[LCORES] = {0}, left = (LCORES - 1) * FLOOD * 2ul;
	struct sleeper s = {run, self};
	while (left > 0) {
		struct mail mails[BATCH];
		uint64_t before = left;
		for (unsigned to = 0; to < LCORES; to++)
			if (to != self && sent[to] < FLOOD &&
			    mail_send(run->office, self, to, MAIL_CALLS, sent[to], ~sent[to])) {
				sent[to]++;
				left--;
			}
		unsigned n = mail_receive(run->office, self, mails, BATCH);
		for (unsigned i = 0; i < n; i++) {
			THREADS_CHECK(mails[i].from < LCORES && mails[i].from != self);
			THREADS_CHECK(mails[i].a == got[mails[i].from] &&
				      mails[i].b == ~mails[i].a);
			got[mails[i].from]++;
			left--;
		}
		if (left != before)
			idle_busy(&run->idles[self]);
		else
			idle_wait(&run->idles[self], 1000, waiting, &s);
	}
	for (unsigned from = 0; from < LCORES; from++)
		THREADS_CHECK(from == self || got[from] == FLOOD);
}

/* ---- M3: two lcores, each sleeping until the other's mail comes ---- */

/* So long that the mail meets the other before, on and after its way to sleep. */
static void
linger(struct prng *prng)
{
	uint64_t until = rte_rdtsc() + prng_below(prng, LINGER_CYCLES);
	while (rte_rdtsc() < until)
		;
}

static void
ping(struct run *run, unsigned self)
{
	struct sleeper s = {run, self};
	struct prng prng;
	unsigned next = 1 - self;
	prng_seed(&prng, self);
	if (self == 0)
		mail_send(run->office, 0, next, MAIL_FENCE, now_us(), 0);
	for (unsigned i = 0; i < PINGS;) {
		struct mail mail;
		if (mail_receive(run->office, self, &mail, 1) == 0) {
			idle_wait(&run->idles[self], SLEEP_US, waiting, &s);
			continue;
		}
		THREADS_CHECK(now_us() - mail.a < LOST_US);
		linger(&prng);
		i++;
		if (i < PINGS || self != 0)
			mail_send(run->office, self, next, MAIL_FENCE, now_us(), i);
	}
}

static void
body(void *owner, unsigned number)
{
	struct run *run = owner;
	if (run->ping)
		ping(run, number - 1);
	else
		flood(run, number - 1);
}

int
main(void)
{
	static char *arguments[] = {
		"stress",         "--no-huge",   "-m",    "64", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level", "error", "-l", "0",        NULL};
	static struct run run;
	struct idle *idles[LCORES];
	THREADS_CHECK(rte_eal_init(11, arguments) >= 0);
	for (unsigned i = 0; i < LCORES; i++) {
		THREADS_CHECK(idle_init(&run.idles[i]) == 0);
		idles[i] = &run.idles[i];
	}
	run.office = post_office_create(LCORES, idles);
	THREADS_CHECK(run.office != NULL);
	threads_run(&run, LCORES, body);
	run.ping = true;
	threads_run(&run, 2, body);
	post_office_destroy(run.office);
	for (unsigned i = 0; i < LCORES; i++)
		idle_close(&run.idles[i]);
	return 0;
}
