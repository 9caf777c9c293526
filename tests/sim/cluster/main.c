/* tests/sim/cluster/main.c - runs seeds: each is a cluster of its own shape, trouble for a while, then it must agree.
 *
 *     scripts/sim --seeds N [--first S] [--nodes M] [--seconds T] [--timeout MS] [--loss PERCENT] [--calm] [--all] [--twice] [--verbose]
 *
 * Exit status: 0 clean; 10 crash (an assertion or a signal), 11 safety, 12 liveness: the seed is printed. 1: usage.
 */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/nemesis.h"
#include "tests/sim/cluster/say.h"
#include "tests/sim/cluster/world.h"

#define EXIT_USAGE    1
#define EXIT_CRASH    10
#define EXIT_SAFETY   11
#define EXIT_LIVENESS 12
#define NODES_MIN     3u
#define NODES_SPREAD  10u
#define KNOWN_FROM                                                                                 \
	24u /* so many hosts and more begin from files: a MEET of everybody takes its time */
#define LOOK_US    100000u
#define PROGRESS_S 10
#define US_PER_S   1000000ull
#define HEAP_KEPT  (1 << 30)
#define PERCENT    10000u /* of a million */

struct arguments {
	uint64_t first, seeds, seconds;
	uint32_t nodes; /* 0: from the seed */
	uint64_t timeout_ms;
	uint32_t loss_per_million;
	bool calm, twice, verbose, all;
};

struct totals {
	struct world_counts counts;
	uint64_t nodes, virtual_us, agree_us_max, agree_seed;
};

static char crash_text[64];

static void
on_crash(int number)
{
	/* Only calls that a handler may make. */
	ssize_t written = write(STDERR_FILENO, crash_text, strlen(crash_text));
	(void)written;
	(void)number;
	_exit(EXIT_CRASH);
}

static const uint64_t timeouts_ms[] = {500, 1000, 1000, 2000, 3000};

static struct world_options
shape(const struct arguments *arguments, uint64_t seed, struct prng *prng)
{
	prng_seed(prng, seed * 4 + 3);
	uint32_t nodes = NODES_MIN + (uint32_t)prng_below(prng, NODES_SPREAD);
	if (arguments->nodes != 0)
		nodes = arguments->nodes;
	uint32_t most = nodes < 6 ? nodes : nodes * 2 / 3,
		 least = nodes < 6 ? nodes / 2 + 1 : nodes / 3;
	least = least < 1 ? 1 : least;
	uint32_t shards = least + (uint32_t)prng_below(prng, most - least + 1);
	uint64_t timeout_ms =
		timeouts_ms[prng_below(prng, sizeof(timeouts_ms) / sizeof(timeouts_ms[0]))];
	return (struct world_options){
		.seed = seed,
		.hosts = nodes,
		.shards = shards,
		.node_timeout_ms = arguments->timeout_ms != 0 ? arguments->timeout_ms : timeout_ms,
		.loss_per_million = arguments->loss_per_million,
		.latency_us = 50 + (uint32_t)prng_below(prng, 2000),
		.jitter_us = 50 + (uint32_t)prng_below(prng, 4000),
		.known = nodes >= KNOWN_FROM || prng_below(prng, 2) == 0,
		.fast = !arguments->calm && prng_below(prng, 3) == 0};
}

/* Directives that may be set so or so. */
static void
vary(struct world *w, struct prng *prng)
{
	bool validity = prng_below(prng, 4) != 0, coverage = prng_below(prng, 2) != 0,
	     migrate = prng_below(prng, 4) != 0;
	uint32_t barrier = (uint32_t)prng_below(prng, 2);
	for (uint32_t i = 0; i < w->host_count; i++) {
		struct cluster_config *config = &w->hosts[i].config;
		config->replica_validity_factor = validity ? 10 : 0;
		config->require_full_coverage = coverage;
		config->allow_replica_migration = migrate;
		config->migration_barrier = barrier;
		config->blacklist_ttl_s = 5;
		config->repl_ping_period_s = validity && barrier == 0 ? 1 : 10;
		config->replica_no_failover = prng_below(prng, 20) == 0;
	}
}

static void
print_line(struct world *w, const char *line, void *to)
{
	(void)w;
	(void)to;
	printf("%s\n", line);
}

static void
add_counts(struct totals *totals, const struct world *w, uint64_t agree_us)
{
	/* Nothing but counters: added as the row of numbers that they are. */
	uint64_t to[sizeof(struct world_counts) / sizeof(uint64_t)],
		from[sizeof(to) / sizeof(to[0])];
	memcpy(to, &totals->counts, sizeof(to));
	memcpy(from, &w->counts, sizeof(from));
	for (unsigned i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		to[i] += from[i];
	memcpy(&totals->counts, to, sizeof(to));
	totals->nodes += w->host_count;
	totals->virtual_us += w->now_us;
	if (agree_us > totals->agree_us_max) {
		totals->agree_us_max = agree_us;
		totals->agree_seed = w->options.seed;
	}
}

/* Trouble, then agreement; answers how long that took. */
static uint64_t
run_trouble(struct world *w, const struct arguments *arguments, struct prng *prng)
{
	struct nemesis_profile profile = {.interval_us = 1000000 + prng_below(prng, 1000000),
					  .unsafe = prng_below(prng, 3) == 0,
					  .rebuild = prng_below(prng, 4) == 0};
	if (!arguments->calm)
		nemesis_begin(w, &profile);
	world_run(w, w->now_us + arguments->seconds * US_PER_S);
	if (arguments->calm && w->counts.fails > 0)
		world_violate(w, VIOLATION_SAFETY,
			      "calm: somebody is held for failed, and nobody has");
	if (arguments->calm || w->violation != VIOLATION_NONE)
		return 0;
	nemesis_heal(w);
	uint64_t healed_us = w->now_us;
	uint64_t most_us = AGREEMENT_MS(w->options.node_timeout_ms) * US_PER_MS;
	char text[WORLD_TEXT_MAX];
	if (!world_run_until(w, most_us, LOOK_US, nemesis_repaired))
		world_violate(w, VIOLATION_LIVENESS, "K10: %llu ms after the last trouble %s",
			      (unsigned long long)(most_us / US_PER_MS),
			      check_disagreement(w, text));
	return w->now_us - healed_us;
}

static struct world *
run_seed(const struct arguments *arguments, uint64_t seed, uint64_t *agree_us)
{
	struct prng prng;
	struct world_options options = shape(arguments, seed, &prng);
	(void)snprintf(crash_text, sizeof(crash_text), "crash: seed %llu\n",
		       (unsigned long long)seed);
	struct world *w = world_new(&options);
	if (arguments->verbose) {
		w->say = print_line;
		w->say_frames = true;
	}
	vary(w, &prng);
	if (!setup_create(w)) {
		char text[WORLD_TEXT_MAX];
		const char *what = check_disagreement(w, text);
		world_violate(w, VIOLATION_LIVENESS, "the cluster does not form: %s",
			      what == NULL ? "nodes are missing" : what);
	}
	*agree_us = 0;
	if (w->violation == VIOLATION_NONE)
		*agree_us = run_trouble(w, arguments, &prng);
	return w;
}

static void
print_reasons(const struct totals *totals, enum cluster_trace trace)
{
	printf("%s:", cluster_trace_name(trace));
	for (unsigned number = 0; number < WORLD_ROLES_MAX; number++) {
		const char *reason = say_reason(trace, number);
		if (reason != NULL)
			printf(" %s %llu%s", reason,
			       (unsigned long long)totals->counts.reasons[trace][number],
			       say_reason(trace, number + 1) != NULL ? "," : "");
	}
	printf("\n");
}

static void
print_bandwidth(const struct arguments *arguments, const struct world *w, uint64_t from_us)
{
	double seconds = (double)(w->now_us - from_us) / 1e6, nodes = w->host_count,
	       half = (double)w->options.node_timeout_ms / 2e3;
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	for (uint32_t i = 0; i < w->host_count; i++) {
		uint64_t bytes = w->hosts[i].bytes_sent;
		least = bytes < least ? bytes : least;
		most = bytes > most ? bytes : most;
		sum += bytes;
	}
	double gossip = nodes / 10 < 3 ? 3 : nodes / 10;
	double stock = 2 * ((nodes - 1) / half + 1) * (2256 + 104 * gossip);
	(void)arguments;
	printf("sent per node: %.0f bytes/s (least %.0f, most %.0f); stock's formula, 2 x "
	       "((N-1)/(T/2) + 1) x (2256 + 104 x N/10): %.0f\n",
	       (double)sum / nodes / seconds, (double)least / seconds, (double)most / seconds,
	       stock);
}

static void
print_totals(const struct totals *totals, uint64_t seeds, double seconds)
{
	const struct world_counts *c = &totals->counts;
	printf("%llu seeds, %llu nodes, %.0f virtual seconds in %.1f s (%.1f seeds/s); %llu steps, "
	       "%llu frames, %llu persists\n",
	       (unsigned long long)seeds, (unsigned long long)totals->nodes,
	       (double)totals->virtual_us / 1e6, seconds, (double)seeds / seconds,
	       (unsigned long long)c->steps, (unsigned long long)c->frames,
	       (unsigned long long)c->persists);
	printf("elections %llu, votes %llu, wins %llu, takeovers %llu, PFAIL %llu, FAIL %llu, "
	       "crashes %llu\n",
	       (unsigned long long)c->elections, (unsigned long long)c->votes,
	       (unsigned long long)c->wins, (unsigned long long)c->takeovers,
	       (unsigned long long)c->pfails, (unsigned long long)c->fails,
	       (unsigned long long)c->crashes);
	static const enum cluster_trace reasoned[] = {TRACE_BALLOT_REFUSED, TRACE_ELECTION_REFUSED,
						      TRACE_VOTE_IGNORED,   TRACE_MANUAL_ENDED,
						      TRACE_STATE_FAIL,     TRACE_MESSAGE_REFUSED};
	for (unsigned i = 0; i < sizeof(reasoned) / sizeof(reasoned[0]); i++)
		print_reasons(totals, reasoned[i]);
	printf("faults %llu:", (unsigned long long)c->faults);
	for (unsigned kind = 0; kind < nemesis_kinds(); kind++)
		printf("%s %s %llu", kind == 0 ? "" : ",", nemesis_name(kind),
		       (unsigned long long)nemesis_count(kind));
	printf("\nlongest way to agreement: %llu ms, seed %llu\n",
	       (unsigned long long)(totals->agree_us_max / US_PER_MS),
	       (unsigned long long)totals->agree_seed);
}

static double
wall(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The seed's exit status. */
static int
one_seed(const struct arguments *arguments, uint64_t seed, struct totals *totals)
{
	uint64_t agree_us, digest;
	struct world *w = run_seed(arguments, seed, &agree_us);
	add_counts(totals, w, agree_us);
	if (w->violation == VIOLATION_NONE && arguments->seeds == 1)
		print_bandwidth(arguments, w, 0);
	digest = w->digest;
	enum violation_kind violation = w->violation;
	if (violation != VIOLATION_NONE)
		printf("%s: seed %llu: %llu.%03llu %s\n",
		       violation == VIOLATION_SAFETY ? "safety" : "liveness",
		       (unsigned long long)seed, (unsigned long long)(w->now_us / US_PER_S),
		       (unsigned long long)(w->now_us / US_PER_MS % 1000), w->violation_text);
	world_free(w);
	if (arguments->twice && violation == VIOLATION_NONE) {
		w = run_seed(arguments, seed, &agree_us);
		if (w->digest != digest) {
			printf("safety: seed %llu: runs otherwise the second time\n",
			       (unsigned long long)seed);
			violation = VIOLATION_SAFETY;
		}
		world_free(w);
	}
	return violation == VIOLATION_NONE     ? 0
	       : violation == VIOLATION_SAFETY ? EXIT_SAFETY
					       : EXIT_LIVENESS;
}

static int
usage(void)
{
	fprintf(stderr, "sim: see scripts/sim --help\n");
	return EXIT_USAGE;
}

static bool
parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"seeds",   required_argument, NULL, 'n'},
		{"first",   required_argument, NULL, 'f'},
		{"nodes",   required_argument, NULL, 'm'},
		{"seconds", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"loss",    required_argument, NULL, 'l'},
		{"calm",    no_argument,       NULL, 'c'},
		{"all",     no_argument,       NULL, 'a'},
		{"twice",   no_argument,       NULL, '2'},
		{"verbose", no_argument,       NULL, 'v'},
		{NULL,      0,                 NULL, 0  },
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == '?')
			return false;
		char *end = NULL;
		uint64_t number = optarg != NULL ? strtoull(optarg, &end, 10) : 0;
		if (option == 'l' && end != NULL && *end == '\0')
			arguments->loss_per_million = (uint32_t)number * PERCENT;
		if (end != NULL && *end != '\0')
			return false;
		arguments->seeds = option == 'n' ? number : arguments->seeds;
		arguments->first = option == 'f' ? number : arguments->first;
		arguments->nodes = option == 'm' ? (uint32_t)number : arguments->nodes;
		arguments->seconds = option == 's' ? number : arguments->seconds;
		arguments->timeout_ms = option == 't' ? number : arguments->timeout_ms;
		arguments->calm |= option == 'c';
		arguments->all |= option == 'a';
		arguments->twice |= option == '2';
		arguments->verbose |= option == 'v';
	}
	return optind == argc && arguments->nodes <= WORLD_HOSTS_MAX &&
	       (arguments->nodes == 0 || arguments->nodes >= NODES_MIN);
}

int
main(int argc, char **argv)
{
	struct arguments arguments = {.first = 1, .seeds = 100, .seconds = 60};
	if (!parse(argc, argv, &arguments))
		return usage();
	/* Worlds are alike: what one gave back the next one takes, without asking the kernel. */
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGABRT, on_crash);
	(void)signal(SIGSEGV, on_crash);
	static struct totals totals;
	double begun = wall(), told = begun;
	int status = 0;
	uint64_t done = 0;
	for (; done < arguments.seeds && (status == 0 || arguments.all); done++) {
		int seed_status = one_seed(&arguments, arguments.first + done, &totals);
		status = status == 0 ? seed_status : status;
		if (wall() - told > PROGRESS_S) {
			told = wall();
			fprintf(stderr, "%llu of %llu seeds\n", (unsigned long long)done + 1,
				(unsigned long long)arguments.seeds);
		}
	}
	print_totals(&totals, done, wall() - begun);
	return status;
}
