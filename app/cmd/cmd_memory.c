/* app/cmd/cmd_memory.c - MEMORY: what a key takes, and what the node does. */
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/memory.h"

#define SMALL_INSTANCE     ((uint64_t)5 << 20) /* below it DOCTOR says nothing, as Redis */
#define HIGH_FRAGMENTATION 1.4
#define PEAK_FACTOR        1.5

/* A string has no parts to sample: judged, and without effect. */
static bool
take_samples(struct call *call, struct resp_writer *w)
{
	int64_t samples = 0;
	for (uint32_t i = 3; i < call->argc; i += 2) {
		if (!span_is(call->argv[i], "samples") || i + 1 == call->argc) {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
		if (!take_integer(call->argv[i + 1], &samples, w))
			return false;
		if (samples < 0) {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
	}
	return true;
}

/* What the entry and its blob take from the allocator, and its place in a bucket. */
static void
memory_usage(struct server *server, struct call *call, struct resp_writer *w)
{
	const struct allocator *a = server->data;
	if (!take_samples(call, w))
		return;
	const struct entry *e = find_key(server, call->argv[2]);
	if (e == NULL) {
		resp_null(w);
		return;
	}
	const struct blob *blob = entry_blob(e);
	size_t inside = sizeof(*e) + ((e->flags & ENTRY_HAS_EXPIRE) ? sizeof(uint64_t) : 0) +
			e->key_len + (blob != NULL ? sizeof(blob) : e->value_len);
	size_t used = a->usable(a, inside) + sizeof(e);
	if (blob != NULL)
		used += a->usable(a, sizeof(*blob) + blob->len);
	resp_integer(w, (int64_t)used);
}

struct figures { /* of all lcores */
	uint64_t used, peak, mapped, data, data_mapped, keys, sessions;
};

static struct figures
figures_of(const struct server_group *group)
{
	struct figures f = {.used = memory_used_by_all(group),
			    .mapped = memory_mapped_by_all(group),
			    .keys = group_key_count(group)};
	for (unsigned i = 0; i < group->count; i++) {
		f.data += group->members[i]->data->used;
		f.data_mapped += group->members[i]->data->mapped;
		f.sessions += group->members[i]->session_count;
	}
	f.peak = atomic_load_explicit(&group->budget.peak, memory_order_relaxed);
	f.peak = f.peak > f.used ? f.peak : f.used;
	return f;
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b > 0 ? (double)a / (double)b : 0;
}

static void
memory_stats(struct server *server, struct call *call, struct resp_writer *w)
{
	struct figures f = figures_of(server->group);
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"peak.allocated",      f.peak                          },
		{"total.allocated",     f.used                          },
		{"overhead.total",      f.used - f.data                 },
		{"keys.count",          f.keys                          },
		{"keys.bytes-per-key",  f.keys > 0 ? f.data / f.keys : 0},
		{"dataset.bytes",       f.data                          },
		{"allocator.allocated", f.used                          },
		{"allocator.active",    f.mapped                        },
		{"allocator.resident",  f.mapped                        },
		{"clients.count",       f.sessions                      },
	};
	const struct {
		const char *name;
		double value;
	} shares[] = {
		{"dataset.percentage", 100 * ratio(f.data, f.used)},
		{"peak.percentage",    100 * ratio(f.used, f.peak)},
		{"fragmentation",      ratio(f.mapped,     f.used)},
	};
	(void)call;
	resp_map(w, sizeof(counts) / sizeof(counts[0]) + sizeof(shares) / sizeof(shares[0]));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		resp_bulk_text(w, counts[i].name);
		resp_integer(w, (int64_t)counts[i].value);
	}
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		char text[32];
		resp_bulk_text(w, shares[i].name);
		snprintf(text, sizeof(text), "%.2f", shares[i].value);
		resp_bulk_text(w, text);
	}
}

static void
memory_doctor(struct server *server, struct call *call, struct resp_writer *w)
{
	char text[512] = "";
	size_t len = 0;
	struct figures f = figures_of(server->group);
	uint64_t max = server->config.maxmemory;
	(void)call;
	if (f.used < SMALL_INSTANCE)
		len = (size_t)snprintf(text, sizeof(text),
				       "Little is stored: too little to judge by.\n");
	else if (ratio(f.peak, f.used) > PEAK_FACTOR)
		len = (size_t)snprintf(
			text, sizeof(text),
			"Peak memory was %.2f times what is used now: hugepages stay "
			"with the node and are used again.\n",
			ratio(f.peak, f.used));
	if (f.used >= SMALL_INSTANCE && ratio(f.mapped, f.used) > HIGH_FRAGMENTATION)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"Fragmentation: %.2f bytes were taken for each that is "
					"used.\n",
					ratio(f.mapped, f.used));
	if (max > 0 && f.used > max)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"More is used than maxmemory allows.\n");
	if (len == 0)
		snprintf(text, sizeof(text), "Nothing stands out.\n");
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)text, strlen(text)});
}

static void
memory_malloc_stats(struct server *server, struct call *call, struct resp_writer *w)
{
	char text[SERVER_GROUP_MAX * 128];
	size_t len = 0;
	const struct server_group *group = server->group;
	(void)call;
	for (unsigned i = 0; i < group->count && len < sizeof(text); i++) {
		const struct server *m = group->members[i];
		len += (size_t)snprintf(
			text + len, sizeof(text) - len,
			"lcore %u: data %zu of %zu bytes, buffers %zu of %zu bytes\n", i + 1,
			m->data->used, m->data->mapped, m->allocator->used, m->allocator->mapped);
	}
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)text, strlen(text)});
}

/* Freed pages are coalesced at once, and hugepages are the node's: there is nothing to give back. */
static void
memory_purge(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_simple(w, "OK");
}

void
cmd_memory(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"doctor",       memory_doctor,       2 },
                {"malloc-stats", memory_malloc_stats, 2 },
		{"purge",        memory_purge,        2 },
                {"stats",        memory_stats,        2 },
		{"usage",        memory_usage,        -3},
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
