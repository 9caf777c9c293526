/* app/bench/report.c - figures of the measured phase. What the server itself counted comes from its INFO dpdk, read while nothing was
 * under way before and after; a server that has no such section gets no such lines.
 */
#include "app/bench/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/load.h"

static const struct {
	const char *name;
	double share;
} quantiles[] = {
	{"p50",  0.5  },
	{"p99",  0.99 },
	{"p999", 0.999},
	{"max",  1    },
};
#define QUANTILE_COUNT (sizeof(quantiles) / sizeof(quantiles[0]))

static double
seconds(const struct load *load)
{
	return (double)load->measured_ticks / (double)load->hz;
}

static double
per_second(const struct load *load)
{
	return load->measured_ticks > 0 ? (double)load->measured.replies / seconds(load) : 0;
}

static double
microseconds(const struct load *load, double share)
{
	return (double)histogram_quantile(&load->latency, share) * 1e6 / (double)load->hz;
}

/* "name:" at the start of a line of INFO. */
static bool
info_value(const char *info, const char *name, double *out)
{
	size_t len = strlen(name);
	for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			*out = strtod(line + len + 1, NULL);
			return true;
		}
	}
	return false;
}

/* How much a counter of the server has grown; -1: it has none of this name. */
static double
growth(const struct load *load, const char *name)
{
	double before, after;
	if (!info_value(load->info[0], name, &before) || !info_value(load->info[1], name, &after))
		return -1;
	return after - before;
}

struct server_figures {
	double cycles_per_request;  /* busy, outside of rx_burst and tx_burst */
	double rx_tx_per_request;   /* cycles in them */
	double packets_per_request; /* both ways */
	double busy_share;
	double retransmits;
};

static bool
server_figures(const struct load *load, struct server_figures *out)
{
	double busy = growth(load, "busy_cycles"), idle = growth(load, "idle_cycles");
	double rx = growth(load, "rx_cycles"), tx = growth(load, "tx_cycles");
	double packets = growth(load, "rx_packets") + growth(load, "tx_packets");
	double n = (double)load->measured.replies;
	if (busy < 0 || idle < 0 || rx < 0 || tx < 0 || n <= 0)
		return false;
	*out = (struct server_figures){
		.cycles_per_request = (busy - rx - tx) / n,
		.rx_tx_per_request = (rx + tx) / n,
		.packets_per_request = packets / n,
		.busy_share = busy + idle > 0 ? busy / (busy + idle) : 0,
		.retransmits = growth(load, "retransmits"),
	};
	return true;
}

void
report_text(const struct load *load)
{
	const struct load_counters *c = &load->measured;
	struct server_figures server;
	if (load->options->load_only && load->phase == LOAD_DONE) {
		printf("loaded %u keys\n", load->options->keys);
		return;
	}
	printf("%lu requests in %.3f s: %.0f per second\n", c->replies, seconds(load),
	       per_second(load));
	printf("latency us:");
	for (size_t i = 0; i < QUANTILE_COUNT; i++)
		printf("  %s %.1f", quantiles[i].name, microseconds(load, quantiles[i].share));
	printf("\nhits %lu  misses %lu  errors %lu  moved %lu  wrong %lu  missing %lu\n", c->hits,
	       c->misses, c->errors, c->moved, load->counters.wrong, load->pending);
	if (load->flooded > 0)
		printf("flood: %.0f SYNs per second\n", (double)load->flooded / seconds(load));
	if (load->first_error[0] != '\0')
		printf("first error: %s\n", load->first_error);
	if (server_figures(load, &server))
		printf("server: %.0f cycles per request and %.0f in rx and tx bursts, %.3f packets "
		       "per "
		       "request, %.1f %% busy, %.0f retransmits\n",
		       server.cycles_per_request, server.rx_tx_per_request,
		       server.packets_per_request, server.busy_share * 100, server.retransmits);
}

/* A JSON string of what may hold anything. */
static void
put_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

void
report_json(const struct load *load)
{
	const struct load_counters *c = &load->measured;
	const struct bench_options *o = load->options;
	struct server_figures server;
	printf("{\"connections\": %u, \"pipeline\": %u, \"keys\": %u, \"value_min\": %u, "
	       "\"value_max\": %u, \"get_share\": %g, \"rate\": %g, \"requests\": %lu, "
	       "\"seconds\": %.6f, \"rps\": %.1f",
	       o->connections, o->pipeline, o->keys, o->value_min, o->value_max, o->get_share,
	       o->rate, c->replies, seconds(load), per_second(load));
	for (size_t i = 0; i < QUANTILE_COUNT; i++)
		printf(", \"%s_us\": %.2f", quantiles[i].name,
		       microseconds(load, quantiles[i].share));
	printf(", \"hits\": %lu, \"misses\": %lu, \"errors\": %lu, \"moved\": %lu, \"wrong\": %lu, "
	       "\"missing\": %lu",
	       c->hits, c->misses, c->errors, c->moved, load->counters.wrong, load->pending);
	printf(", \"flood\": %.0f", load->flooded > 0 ? (double)load->flooded / seconds(load) : 0);
	printf(", \"first_error\": ");
	put_string(load->first_error);
	printf(", \"failure\": ");
	put_string(load->failure);
	if (server_figures(load, &server))
		printf(", \"cycles_per_request\": %.1f, \"rx_tx_cycles_per_request\": %.1f, "
		       "\"packets_per_request\": %.4f, \"server_busy\": %.4f, "
		       "\"server_retransmits\": %.0f",
		       server.cycles_per_request, server.rx_tx_per_request,
		       server.packets_per_request, server.busy_share, server.retransmits);
	printf("}\n");
}
