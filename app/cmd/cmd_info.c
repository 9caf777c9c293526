/* app/cmd/cmd_info.c - INFO: what exporters, redis-cli and operators read. Runs inside a barrier: it adds up all members. */
#include <stdlib.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/memory.h"
#include "app/cmd/text.h"
#include "app/store/slot_table.h"

#define INFO_MAX ((size_t)32 * 1024)

static void
info_server(struct server *s, struct text *t)
{
	uint64_t uptime = (s->now_us - s->started_us) / 1000000;
	text_add(t, "redis_version:7.0.15\r\npollis_version:%s\r\nredis_mode:%s\r\n", s->version,
		 s->group->slots != NULL ? "cluster" : "standalone");
	text_add(t,
		 "process_id:%u\r\nprocess_supervised:no\r\nredis_git_sha1:00000000\r\n"
		 "redis_git_dirty:0\r\n",
		 s->hooks.process_id);
	text_add(t, "arch_bits:64\r\nmultiplexing_api:dpdk\r\nrun_id:%s\r\ntcp_port:%u\r\n",
		 s->run_id, s->config.port);
	text_add(t,
		 "server_time_usec:%lu\r\nuptime_in_seconds:%lu\r\nuptime_in_days:%lu\r\nhz:%u\r\n",
		 s->unix_ms * 1000, uptime, uptime / 86400, s->config.hz);
	text_add(t, "configured_hz:%u\r\nlru_clock:%lu\r\nconfig_file:%s\r\n", s->config.hz,
		 s->unix_ms / 1000 & 0xffffff, s->config.file);
	text_add(t, "io_threads_active:0\r\n");
}

static void
info_clients(struct server *s, struct text *t)
{
	uint64_t clients = 0, blocked = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		clients += s->group->members[i]->session_count,
			blocked += s->group->members[i]->blocked;
	text_add(t, "connected_clients:%lu\r\ncluster_connections:0\r\nmaxclients:%u\r\n", clients,
		 s->config.maxclients);
	text_add(t, "blocked_clients:%lu\r\ntracking_clients:0\r\nclients_in_timeout_table:0\r\n",
		 blocked);
}

static void
add_memory(struct text *t, const char *name, uint64_t bytes)
{
	text_add(t, "%s:%lu\r\n%s_human:%.2fM\r\n", name, bytes, name, (double)bytes / (1 << 20));
}

static void
info_memory(struct server *s, struct text *t)
{
	uint64_t used = memory_used_by_all(s->group), mapped = memory_mapped_by_all(s->group);
	uint64_t peak = atomic_load_explicit(&s->group->budget.peak, memory_order_relaxed);
	uint64_t data = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		data += s->group->members[i]->data->used;
	peak = peak > used ? peak : used;
	add_memory(t, "used_memory", used);
	add_memory(t, "used_memory_rss", mapped);
	add_memory(t, "used_memory_peak", peak);
	text_add(t, "used_memory_peak_perc:%.2f%%\r\nused_memory_overhead:%lu\r\n",
		 100.0 * (double)used / (double)(peak > 0 ? peak : 1), used - data);
	text_add(t, "used_memory_dataset:%lu\r\nused_memory_dataset_perc:%.2f%%\r\n", data,
		 100.0 * (double)data / (double)(used > 0 ? used : 1));
	text_add(t, "allocator_allocated:%lu\r\nallocator_active:%lu\r\nallocator_resident:%lu\r\n",
		 used, mapped, mapped);
	add_memory(t, "maxmemory", s->config.maxmemory);
	text_add(t, "maxmemory_policy:%s\r\n", evict_policy_name(s->config.maxmemory_policy));
	text_add(t, "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%ld\r\n",
		 used > 0 ? (double)mapped / (double)used : 0.0, (int64_t)(mapped - used));
	text_add(t, "mem_not_counted_for_evict:0\r\nmem_allocator:jemalloc\r\n"
		    "lazyfree_pending_objects:0\r\n");
}

static void
info_persistence(struct server *s, struct text *t)
{
	(void)s;
	/* The node adds the rdb_ fields. */
	text_add(t, "loading:0\r\nasync_loading:0\r\naof_enabled:0\r\n"
		    "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n");
}

/* All fields are counts: the members' are added up word by word. */
static struct server_counters
group_counters(const struct server_group *group)
{
	struct server_counters sum = {0};
	uint64_t *to = (uint64_t *)&sum;
	for (unsigned i = 0; i < group->count; i++) {
		const uint64_t *from = (const uint64_t *)server_counters(group->members[i]);
		for (size_t k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += from[k];
	}
	return sum;
}

/* Per second, since one to two seconds ago; if nothing has happened since long, since then. */
static void
info_rates(struct server *s, struct text *t)
{
	double commands = 0, in = 0, out = 0;
	for (unsigned i = 0; i < s->group->count; i++) {
		const struct server *m = s->group->members[i];
		const struct rate_sample *from = &m->samples[0];
		double seconds = (double)(s->now_us - from->at_us) / 1e6;
		if (s->now_us <= from->at_us)
			continue;
		commands += (double)(m->counters.commands - from->commands) / seconds;
		in += (double)(m->counters.net_in_bytes - from->in_bytes) / 1024 / seconds;
		out += (double)(m->counters.net_out_bytes - from->out_bytes) / 1024 / seconds;
	}
	text_add(t,
		 "instantaneous_ops_per_sec:%.0f\r\ninstantaneous_input_kbps:%.2f\r\n"
		 "instantaneous_output_kbps:%.2f\r\n",
		 commands, in, out);
}

static void
info_stats(struct server *s, struct text *t)
{
	struct server_counters sum = group_counters(s->group), *c = &sum;
	text_add(t, "total_connections_received:%lu\r\ntotal_commands_processed:%lu\r\n",
		 c->connections, c->commands);
	text_add(t, "total_net_input_bytes:%lu\r\ntotal_net_output_bytes:%lu\r\n", c->net_in_bytes,
		 c->net_out_bytes);
	info_rates(s, t);
	text_add(t, "rejected_connections:%lu\r\nexpired_keys:%lu\r\nevicted_keys:%lu\r\n",
		 c->rejected_connections, c->expired_keys, c->evicted_keys);
	text_add(t, "keyspace_hits:%lu\r\nkeyspace_misses:%lu\r\ntotal_error_replies:%lu\r\n",
		 c->keyspace_hits, c->keyspace_misses, c->error_replies);
}

static void
info_replication(struct server *s, struct text *t)
{
	if (s->hooks.replicate != NULL)
		return; /* told by the node: hooks.info */
	text_add(t, "role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n");
}

static void
info_commandstats(struct server *s, struct text *t)
{
	uint64_t per_us = s->hooks.ticks_per_us > 0 ? s->hooks.ticks_per_us : 1;
	for (unsigned i = 0; i < command_count; i++) {
		struct command_stats sum = {0};
		for (unsigned m = 0; m < s->group->count; m++) {
			const struct command_stats *of = &s->group->members[m]->stats[i];
			sum.calls += of->calls;
			sum.ticks += of->ticks;
			sum.failed += of->failed;
			sum.rejected += of->rejected;
		}
		if (sum.calls + sum.rejected == 0)
			continue;
		double us = (double)sum.ticks / (double)per_us;
		text_add(t,
			 "cmdstat_%s:calls=%lu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%lu,"
			 "failed_calls=%lu\r\n",
			 command_table[i].name, sum.calls, us,
			 sum.calls > 0 ? us / (double)sum.calls : 0, sum.rejected, sum.failed);
	}
}

/* Each number of latency-tracking-info-percentiles, and where it lies. */
static void
add_percentiles(struct server *s, const struct latency_histogram *h, struct text *t)
{
	double per_us = s->hooks.ticks_per_us > 0 ? (double)s->hooks.ticks_per_us : 1;
	const char *at = s->config.latency_percentiles, *separator = "";
	for (char *end;; at = end) {
		double percent = strtod(at, &end);
		if (end == at)
			return;
		if (percent < 0 || percent > 100)
			continue;
		text_add(t, "%sp%.15g=%.3f", separator, percent,
			 (double)latency_percentile(h, percent) / per_us);
		separator = ",";
	}
}

static void
info_latencystats(struct server *s, struct text *t)
{
	for (unsigned i = 0; i < command_count; i++) {
		struct latency_histogram sum = {{0}};
		for (unsigned m = 0; m < s->group->count; m++)
			latency_add(&sum, &s->group->members[m]->histograms[i]);
		if (latency_percentile(&sum, 100) == 0)
			continue;
		text_add(t, "latency_percentiles_usec_%s:", command_table[i].name);
		add_percentiles(s, &sum, t);
		text_add(t, "\r\n");
	}
}

/* Whether a code has been met at an earlier member. */
static bool
error_was_told(const struct server_group *group, unsigned member, const char *code)
{
	for (unsigned m = 0; m < member; m++)
		for (unsigned i = 0; i < ERROR_CODES_MAX; i++)
			if (group->members[m]->errors[i].count > 0 &&
			    strcmp(group->members[m]->errors[i].code, code) == 0)
				return true;
	return false;
}

static uint64_t
error_sum(const struct server_group *group, const char *code)
{
	uint64_t sum = 0;
	for (unsigned m = 0; m < group->count; m++)
		for (unsigned i = 0; i < ERROR_CODES_MAX; i++)
			if (strcmp(group->members[m]->errors[i].code, code) == 0)
				sum += group->members[m]->errors[i].count;
	return sum;
}

static void
info_errorstats(struct server *s, struct text *t)
{
	for (unsigned m = 0; m < s->group->count; m++)
		for (unsigned i = 0; i < ERROR_CODES_MAX; i++) {
			const struct error_stats *e = &s->group->members[m]->errors[i];
			if (e->count > 0 && !error_was_told(s->group, m, e->code))
				text_add(t, "errorstat_%s:count=%lu\r\n", e->code,
					 error_sum(s->group, e->code));
		}
}

static void
info_cluster(struct server *s, struct text *t)
{
	text_add(t, "cluster_enabled:%d\r\n", s->config.cluster_enabled);
}

static void
info_keyspace(struct server *s, struct text *t)
{
	uint64_t keys = group_key_count(s->group), expires = 0;
	for (unsigned i = 0; i < s->group->count; i++)
		expires += keyspace_expires_count(s->group->members[i]->keys);
	if (keys > 0)
		text_add(t, "db0:keys=%lu,expires=%lu,avg_ttl=0\r\n", keys, expires);
}

static void
info_nothing(struct server *s, struct text *t)
{
	(void)s, (void)t;
}

static const struct {
	const char *name, *title;
	void (*write)(struct server *s, struct text *t);
	bool on_request; /* not part of plain INFO */
} sections[] = {
	{"server",       "Server",       info_server,       false},
	{"clients",      "Clients",      info_clients,      false},
	{"memory",       "Memory",       info_memory,       false},
	{"persistence",  "Persistence",  info_persistence,  false},
	{"stats",        "Stats",        info_stats,        false},
	{"replication",  "Replication",  info_replication,  false},
	{"cpu",          "CPU",          info_nothing,      false},
	{"modules",      "Modules",      info_nothing,      false},
	{"commandstats", "Commandstats", info_commandstats, true },
	{"errorstats",   "Errorstats",   info_errorstats,   false},
	{"latencystats", "Latencystats", info_latencystats, true },
	{"cluster",      "Cluster",      info_cluster,      false},
	{"keyspace",     "Keyspace",     info_keyspace,     false},
	{"dpdk",         "Dpdk",         info_nothing,      false},
};

static bool
info_wanted(struct call *call, const char *name, bool on_request)
{
	if (call->argc == 1)
		return !on_request;
	for (uint32_t i = 1; i < call->argc; i++) {
		struct span word = call->argv[i];
		if (span_is(word, name) || span_is(word, "all") || span_is(word, "everything") ||
		    (span_is(word, "default") && !on_request))
			return true;
	}
	return false;
}

void
cmd_info(struct server *server, struct call *call, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	struct text t = {.at = a->alloc(a, INFO_MAX), .size = INFO_MAX};
	if (t.at == NULL) {
		reply_out_of_memory(w);
		return;
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!info_wanted(call, sections[i].name, sections[i].on_request))
			continue;
		text_add(&t, "%s# %s\r\n", t.len > 0 ? "\r\n" : "", sections[i].title);
		sections[i].write(server, &t);
		if (server->hooks.info != NULL)
			t.len += server->hooks.info(server->hooks.owner, sections[i].name,
						    t.at + t.len, t.size - t.len);
	}
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)t.at, t.len});
	a->release(a, t.at, INFO_MAX);
}
