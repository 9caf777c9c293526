/* tests/sim/cluster/nemesis.c - see nemesis.h. Every fault is a row of one table: its name, its weight, what it does. */
#include "tests/sim/cluster/nemesis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/operator.h"
#include "tests/sim/cluster/say.h"

#define MS              1000ull
#define JANITOR_US      (200 * MS)
#define DOWN_US_MAX     (12000 * MS)
#define CRASH_STEPS_MAX 40
#define CLOCK_STEP_MS   3600000ull
#define ASYMMETRIC      1u

struct nemesis { /* of one world; it ends with it */
	struct nemesis_profile profile;
	bool stopped;
};

static uint64_t
below(struct world *w, uint64_t bound)
{
	return prng_below(&w->fault_prng, bound);
}

static struct host *
any(struct world *w)
{
	return &w->hosts[below(w, w->host_count)];
}

/* A running one; after some tries any. */
static struct host *
any_running(struct world *w)
{
	for (unsigned i = 0; i < 8; i++) {
		struct host *h = any(w);
		if (host_running(h))
			return h;
	}
	return any(w);
}

/* A part of a timeout, one, several, or many. */
static uint64_t
duration_us(struct world *w)
{
	uint64_t timeout_us = w->options.node_timeout_ms * MS;
	static const uint16_t percent[] = {100, 600, 1500, 3000, 6000};
	uint64_t most = timeout_us * percent[below(w, sizeof(percent) / sizeof(percent[0]))] / 100;
	most = most < DOWN_US_MAX ? most : DOWN_US_MAX;
	return 1000 + below(w, most);
}

static void
cut(struct world *w, uint32_t from, uint32_t to, bool on)
{
	uint8_t *cuts = &w->cut[(size_t)from * w->host_count + to];
	if (on && *cuts < UINT8_MAX)
		(*cuts)++;
	else if (!on && *cuts > 0)
		(*cuts)--;
}

static void
end_cut(struct world *w, uint64_t number)
{
	cut(w, (uint32_t)(number >> 16 & 0xffff), (uint32_t)(number & 0xffff), false);
}

static void
fault_cut(struct world *w)
{
	uint32_t from = any(w)->index, to = any(w)->index;
	say(w, &w->hosts[from], "cannot reach n%u", to + 1);
	cut(w, from, to, true);
	world_later(w, duration_us(w), end_cut, (uint64_t)from << 16 | to);
}

/* On which side of the partition with this number a host is. */
static bool
side_of(uint64_t number, uint32_t host)
{
	uint64_t mixed = (number + host) * 0x9e3779b97f4a7c15ull;
	return (mixed >> 40 & 1) != 0;
}

static void
partition(struct world *w, uint64_t number, bool on)
{
	for (uint32_t from = 0; from < w->host_count; from++)
		for (uint32_t to = 0; to < w->host_count; to++) {
			bool a = side_of(number, from), b = side_of(number, to);
			if (a != b && ((number & ASYMMETRIC) == 0 || a))
				cut(w, from, to, on);
		}
}

static void
end_partition(struct world *w, uint64_t number)
{
	partition(w, number, false);
}

static void
fault_partition(struct world *w)
{
	uint64_t number = prng_next(&w->fault_prng) >> 1;
	partition(w, number, true);
	world_later(w, duration_us(w), end_partition, number);
	world_say(w, "     the network parts%s", (number & ASYMMETRIC) != 0 ? ", one way" : "");
}

static void
isolate(struct world *w, uint32_t host, bool on)
{
	for (uint32_t other = 0; other < w->host_count; other++)
		if (other != host) {
			cut(w, host, other, on);
			cut(w, other, host, on);
		}
}

static void
end_isolate(struct world *w, uint64_t number)
{
	isolate(w, (uint32_t)number, false);
}

static void
fault_isolate(struct world *w)
{
	struct host *h = any(w);
	say(w, h, "is cut off");
	isolate(w, h->index, true);
	world_later(w, duration_us(w), end_isolate, h->index);
}

static void
end_loss(struct world *w, uint64_t number)
{
	(void)number;
	w->loss_per_million = w->options.loss_per_million;
	w->duplicate_per_million = 0;
}

static void
fault_loss(struct world *w)
{
	w->loss_per_million = 10000 + (uint32_t)below(w, 200000);
	w->duplicate_per_million = (uint32_t)below(w, 100000);
	world_later(w, duration_us(w), end_loss, 0);
}

static void
end_slow(struct world *w, uint64_t number)
{
	(void)number;
	w->latency_us = w->options.latency_us;
	w->jitter_us = w->options.jitter_us;
}

static void
fault_slow(struct world *w)
{
	w->latency_us = (uint32_t)below(w, 50000);
	w->jitter_us = (uint32_t)below(w, 300000);
	world_later(w, duration_us(w), end_slow, 0);
}

static void
fault_kill(struct world *w)
{
	host_crash(w, any_running(w), false);
}

static void
fault_power(struct world *w)
{
	host_crash(w, any_running(w), true);
}

/* Primaries together: several elections at once. */
static void
fault_kill_two(struct world *w)
{
	for (unsigned i = 0, killed = 0; i < 8 * w->host_count && killed < 2; i++) {
		struct host *h = any(w);
		if (host_running(h) && node_votes(&h->cluster->nodes[0])) {
			host_crash(w, h, below(w, 2) == 0);
			killed++;
		}
	}
}

static void
fault_kill_between(struct world *w)
{
	struct host *h = any_running(w);
	if (h->alive)
		h->crash_after = 1 + below(w, CRASH_STEPS_MAX);
}

static void
fault_pause(struct world *w)
{
	struct host *h = any_running(w);
	if (!host_running(h))
		return;
	host_pause(w, h);
	world_push(w, (struct event){.due_us = w->now_us + duration_us(w),
				     .kind = EVENT_RESUME,
				     .host = h->index,
				     .life = h->life});
}

static void
fault_clock(struct world *w)
{
	struct host *h = any(w);
	h->unix_skew_ms += below(w, 2 * CLOCK_STEP_MS) - CLOCK_STEP_MS;
}

static void
fault_disk_slow(struct world *w)
{
	struct host *h = any(w);
	h->disk.slow_until_us = w->now_us + duration_us(w);
	h->disk.slow_us = 1000 + below(w, 3000000);
}

static void
fault_disk_broken(struct world *w)
{
	struct host *h = any(w);
	h->disk.broken_until_us = w->now_us + duration_us(w);
}

static void
fault_reset(struct world *w)
{
	struct host *h = any_running(w);
	if (host_running(h))
		(void)net_break_one(w, h, false);
}

static void
fault_half_open(struct world *w)
{
	struct host *h = any_running(w);
	if (host_running(h))
		(void)net_break_one(w, h, true);
}

static void
end_repl_cut(struct world *w, uint64_t number)
{
	w->hosts[number].repl_cut = false;
}

static void
fault_repl_cut(struct world *w)
{
	struct host *h = any(w);
	h->repl_cut = true;
	world_later(w, 3 * duration_us(w), end_repl_cut, h->index);
}

static void
end_data_dead(struct world *w, uint64_t number)
{
	w->hosts[number].data_dead = false;
}

static void
fault_data_dead(struct world *w)
{
	struct host *h = any_running(w);
	say(w, h, "has a data lcore that stands still");
	h->data_dead = true;
	world_later(w, duration_us(w), end_data_dead, h->index);
}

static void
fault_move(struct world *w)
{
	struct host *h = any_running(w);
	if (!h->alive)
		return;
	host_crash(w, h, false);
	host_move(h);
}

enum fault_class { ALWAYS, UNSAFE, REBUILD };

static const struct fault {
	const char *name;
	unsigned weight;
	enum fault_class class;
	void (*strike)(struct world *w);
} table[] = {
	{"cut one way",             8,  ALWAYS,  fault_cut         },
	{"partition",               6,  ALWAYS,  fault_partition   },
	{"isolate",                 6,  ALWAYS,  fault_isolate     },
	{"loss and duplicates",     4,  ALWAYS,  fault_loss        },
	{"slow network",            3,  ALWAYS,  fault_slow        },
	{"kill",		    8,  ALWAYS,  fault_kill        },
	{"power off",               6,  ALWAYS,  fault_power       },
	{"kill two primaries",      4,  ALWAYS,  fault_kill_two    },
	{"crash between effects",   10, ALWAYS,  fault_kill_between},
	{"pause",		   6,  ALWAYS,  fault_pause       },
	{"clock step",              2,  ALWAYS,  fault_clock       },
	{"slow disk",               5,  ALWAYS,  fault_disk_slow   },
	{"broken disk",             3,  ALWAYS,  fault_disk_broken },
	{"connection reset",        3,  ALWAYS,  fault_reset       },
	{"half-open connection",    3,  ALWAYS,  fault_half_open   },
	{"replication cut",         5,  ALWAYS,  fault_repl_cut    },
	{"data lcore stands still", 2,  ALWAYS,  fault_data_dead   },
	{"FAILOVER",                6,  ALWAYS,  operator_failover },
	{"FAILOVER FORCE",          4,  ALWAYS,  operator_force    },
	{"REPLICATE",               2,  ALWAYS,  operator_replicate},
	{"FAILOVER TAKEOVER",       3,  UNSAFE,  operator_takeover },
	{"SETSLOT",                 4,  UNSAFE,  operator_move_slot},
	{"BUMPEPOCH",               2,  UNSAFE,  operator_bump     },
	{"FORGET",                  2,  REBUILD, operator_forget   },
	{"RESET",		   2,  REBUILD, operator_reset    },
	{"new address",             2,  REBUILD, fault_move        },
};
#define FAULT_COUNT (sizeof(table) / sizeof(table[0]))
_Static_assert(FAULT_COUNT <= NEMESIS_KINDS_MAX, "room for the count of every kind");

/* The one thing here that outlives a world: the report is about all of them. */
static uint64_t struck[FAULT_COUNT]; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

unsigned
nemesis_kinds(void)
{
	return FAULT_COUNT;
}

const char *
nemesis_name(unsigned kind)
{
	return table[kind].name;
}

uint64_t
nemesis_count(unsigned kind)
{
	return struck[kind];
}

static bool
allowed(const struct nemesis_profile *profile, enum fault_class class)
{
	return class == ALWAYS || (class == UNSAFE ? profile->unsafe : profile->rebuild);
}

static void
strike(struct world *w, uint64_t number)
{
	struct nemesis *nemesis = w->nemesis;
	(void)number;
	if (nemesis->stopped)
		return;
	unsigned total = 0;
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		total += allowed(&nemesis->profile, table[i].class) ? table[i].weight : 0;
	unsigned drawn = (unsigned)below(w, total);
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		unsigned weight = allowed(&nemesis->profile, table[i].class) ? table[i].weight : 0;
		if (drawn < weight) {
			struck[i]++;
			w->counts.faults++;
			table[i].strike(w);
			break;
		}
		drawn -= weight;
	}
	world_later(w, 1 + below(w, 2 * nemesis->profile.interval_us), strike, 0);
}

/* Whoever is down comes back some time. */
static void
janitor(struct world *w, uint64_t number)
{
	const struct nemesis *nemesis = w->nemesis;
	(void)number;
	if (nemesis->stopped)
		return;
	for (uint32_t i = 0; i < w->host_count; i++) {
		struct host *h = &w->hosts[i];
		if (h->alive || h->restarting)
			continue;
		h->restarting = true;
		world_push(w, (struct event){.due_us = w->now_us + duration_us(w),
					     .kind = EVENT_RESTART,
					     .host = i});
	}
	world_later(w, JANITOR_US, janitor, 0);
}

void
nemesis_begin(struct world *w, const struct nemesis_profile *profile)
{
	struct nemesis *nemesis = calloc(1, sizeof(*nemesis));
	ASSERT(nemesis != NULL && w->nemesis == NULL);
	nemesis->profile = *profile;
	w->nemesis = nemesis;
	strike(w, 0);
	janitor(w, 0);
}

void
nemesis_heal(struct world *w)
{
	w->nemesis->stopped = true;
	world_say(w, "     all trouble ends");
	memset(w->cut, 0, (size_t)w->host_count * w->host_count);
	end_loss(w, 0);
	end_slow(w, 0);
	for (uint32_t i = 0; i < w->host_count; i++) {
		struct host *h = &w->hosts[i];
		h->disk.slow_until_us = h->disk.broken_until_us = 0;
		h->repl_cut = h->data_dead = false;
		h->crash_after = 0;
		host_resume(w, h);
		host_restart(w, h);
	}
}

bool
nemesis_repaired(struct world *w)
{
	if (check_agreed(w))
		return true;
	if (w->nemesis->profile.rebuild)
		operator_repair(w);
	operator_fix(w);
	return false;
}
