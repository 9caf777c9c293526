/* app/cmd/latency.c - samples, histograms, and LATENCY. */
#include "app/cmd/latency.h"

#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/cmd/text.h"

#define FIRST_POWER   5u /* durations below 2^5 ticks share the first bucket */
#define SUB_BITS      2u
#define POWERS        (LATENCY_BUCKETS >> SUB_BITS)
#define MERGED_MAX    (LATENCY_SAMPLES * SERVER_GROUP_MAX)
#define GRAPH_COLUMNS 80u
#define GRAPH_ROWS    4u
#define REPORT_MAX    8192u

static const char *const event_names[LATENCY_EVENT_COUNT] = {"command", "fast-command",
							     "expire-cycle"};

/* ---- taking notes ---- */

static struct latency_sample *
newest_of(struct latency_series *s)
{
	return s->count == 0 ? NULL
			     : &s->samples[(s->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES];
}

void
latency_note(struct server *server, enum latency_event event, uint64_t duration_us)
{
	struct latency_series *s = &server->latency.events[event];
	uint32_t now_s = (uint32_t)(server->unix_ms / 1000);
	uint32_t ms = (uint32_t)(duration_us / 1000);
	struct latency_sample *last = newest_of(s);
	s->max_ms = ms > s->max_ms ? ms : s->max_ms;
	if (last != NULL && last->unix_s == now_s) {
		last->ms = ms > last->ms ? ms : last->ms;
		return;
	}
	s->samples[s->next] = (struct latency_sample){now_s, ms};
	s->next = (s->next + 1) % LATENCY_SAMPLES;
	s->count += s->count < LATENCY_SAMPLES;
}

void
latency_count(struct latency_histogram *histogram, uint64_t ticks)
{
	unsigned power = 63 - (unsigned)__builtin_clzll(ticks | 1);
	unsigned at = 0;
	if (power >= FIRST_POWER)
		at = (power - FIRST_POWER) << SUB_BITS |
		     ((unsigned)(ticks >> (power - SUB_BITS)) & ((1u << SUB_BITS) - 1));
	histogram->buckets[at < LATENCY_BUCKETS ? at : LATENCY_BUCKETS - 1]++;
}

void
latency_add(struct latency_histogram *sum, const struct latency_histogram *more)
{
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		sum->buckets[i] += more->buckets[i];
}

/* The first number of ticks that is above the bucket. */
static uint64_t
bucket_end(unsigned at)
{
	unsigned power = (at >> SUB_BITS) + FIRST_POWER, sub = at & ((1u << SUB_BITS) - 1);
	return (uint64_t)((1u << SUB_BITS) + sub + 1) << (power - SUB_BITS);
}

static uint64_t
count_of(const struct latency_histogram *h)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		count += h->buckets[i];
	return count;
}

uint64_t
latency_percentile(const struct latency_histogram *histogram, double percent)
{
	uint64_t count = count_of(histogram), below = 0;
	double wanted = (double)count * percent / 100;
	if (count == 0)
		return 0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		below += histogram->buckets[i];
		if ((double)below >= wanted)
			return bucket_end(i);
	}
	return bucket_end(LATENCY_BUCKETS - 1);
}

/* ---- merging the members' samples ---- */

struct merged {
	uint32_t count, max_ms;
	struct latency_sample samples[MERGED_MAX]; /* oldest first, one per second */
};

static void
merge_sample(struct merged *m, struct latency_sample sample)
{
	uint32_t at = m->count;
	while (at > 0 && m->samples[at - 1].unix_s > sample.unix_s)
		at--;
	if (at > 0 && m->samples[at - 1].unix_s == sample.unix_s) {
		struct latency_sample *same = &m->samples[at - 1];
		same->ms = sample.ms > same->ms ? sample.ms : same->ms;
		return;
	}
	memmove(&m->samples[at + 1], &m->samples[at], (m->count - at) * sizeof(sample));
	m->samples[at] = sample;
	m->count++;
}

/* The newest seconds of all members, as many as one of them keeps. */
static void
merge(const struct server *server, unsigned event, struct merged *m)
{
	m->count = m->max_ms = 0;
	for (unsigned i = 0; i < server->group->count; i++) {
		const struct latency_series *s = &server->group->members[i]->latency.events[event];
		m->max_ms = s->max_ms > m->max_ms ? s->max_ms : m->max_ms;
		for (uint32_t k = 0; k < s->count; k++)
			merge_sample(m, s->samples[(s->next + LATENCY_SAMPLES - s->count + k) %
						   LATENCY_SAMPLES]);
	}
	if (m->count > LATENCY_SAMPLES) {
		memmove(m->samples, &m->samples[m->count - LATENCY_SAMPLES],
			LATENCY_SAMPLES * sizeof(m->samples[0]));
		m->count = LATENCY_SAMPLES;
	}
}

/* LATENCY_EVENT_COUNT: no such event. Names know upper and lower case. */
static unsigned
event_of(struct span name)
{
	unsigned event = 0;
	while (event < LATENCY_EVENT_COUNT && (strlen(event_names[event]) != name.len ||
					       memcmp(event_names[event], name.at, name.len) != 0))
		event++;
	return event;
}

/* ---- LATENCY ---- */

static struct merged *
merged_open(struct server *server, struct resp_writer *w)
{
	struct merged *m = server->allocator->alloc(server->allocator, sizeof(*m));
	if (m == NULL)
		reply_out_of_memory(w);
	return m;
}

static void
merged_close(struct server *server, struct merged *m)
{
	server->allocator->release(server->allocator, m, sizeof(*m));
}

static void
latency_latest(struct server *server, struct call *call, struct resp_writer *w)
{
	struct merged *m = merged_open(server, w);
	unsigned known = 0;
	(void)call;
	if (m == NULL)
		return;
	for (unsigned e = 0; e < LATENCY_EVENT_COUNT; e++) {
		merge(server, e, m);
		known += m->count > 0;
	}
	resp_array(w, known);
	for (unsigned e = 0; e < LATENCY_EVENT_COUNT; e++) {
		merge(server, e, m);
		if (m->count == 0)
			continue;
		resp_array(w, 4);
		resp_bulk_text(w, event_names[e]);
		resp_integer(w, m->samples[m->count - 1].unix_s);
		resp_integer(w, m->samples[m->count - 1].ms);
		resp_integer(w, m->max_ms);
	}
	merged_close(server, m);
}

static void
latency_history(struct server *server, struct call *call, struct resp_writer *w)
{
	unsigned event = event_of(call->argv[2]);
	if (event == LATENCY_EVENT_COUNT) {
		resp_array(w, 0);
		return;
	}
	struct merged *m = merged_open(server, w);
	if (m == NULL)
		return;
	merge(server, event, m);
	resp_array(w, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		resp_array(w, 2);
		resp_integer(w, m->samples[i].unix_s);
		resp_integer(w, m->samples[i].ms);
	}
	merged_close(server, m);
}

static bool
forget(struct server *server, unsigned event)
{
	bool known = false;
	for (unsigned i = 0; i < server->group->count; i++) {
		struct latency_series *s = &server->group->members[i]->latency.events[event];
		known |= s->count > 0;
		memset(s, 0, sizeof(*s));
	}
	return known;
}

static void
latency_reset(struct server *server, struct call *call, struct resp_writer *w)
{
	int64_t forgotten = 0;
	for (unsigned e = 0; call->argc == 2 && e < LATENCY_EVENT_COUNT; e++)
		forgotten += forget(server, e);
	for (uint32_t i = 2; i < call->argc; i++) {
		unsigned event = event_of(call->argv[i]);
		forgotten += event < LATENCY_EVENT_COUNT && forget(server, event);
	}
	resp_integer(w, forgotten);
}

/* One column a sample, newest to the right, as high as its share of the highest. */
static void
draw(const struct merged *m, uint32_t now_s, struct text *t)
{
	uint32_t shown = m->count < GRAPH_COLUMNS ? m->count : GRAPH_COLUMNS;
	const struct latency_sample *from = &m->samples[m->count - shown];
	uint32_t high = 1;
	char age[GRAPH_COLUMNS][8];
	for (uint32_t i = 0; i < shown; i++) {
		uint32_t s = now_s - from[i].unix_s;
		high = from[i].ms > high ? from[i].ms : high;
		snprintf(age[i], sizeof(age[i]), "%u%c",
			 s < 60     ? s
			 : s < 3600 ? s / 60
				    : s / 3600,
			 s < 60     ? 's'
			 : s < 3600 ? 'm'
				    : 'h');
	}
	for (uint64_t row = GRAPH_ROWS; row-- > 0;) {
		for (uint32_t i = 0; i < shown; i++) {
			uint64_t height = (uint64_t)from[i].ms * 2 * GRAPH_ROWS / high;
			text_add(t, "%c",
				 height >= 2 * row + 2 ? '#'
				 : height > 2 * row    ? 'o'
				 : row == 0            ? '_'
						       : ' ');
		}
		text_add(t, "\n");
	}
	text_add(t, "\n");
	for (unsigned row = 0; row < sizeof(age[0]); row++) {
		bool any = false;
		for (uint32_t i = 0; i < shown; i++)
			any |= strlen(age[i]) > row;
		for (uint32_t i = 0; any && i < shown; i++)
			text_add(t, "%c", strlen(age[i]) > row ? age[i][row] : ' ');
		if (any)
			text_add(t, "\n");
	}
}

static void
reply_report(struct server *server, struct text *t, struct resp_writer *w)
{
	resp_verbatim(w, "txt", (struct span){(const uint8_t *)t->at, t->len});
	server->allocator->release(server->allocator, t->at, t->size);
}

static bool
report_open(struct server *server, struct text *t, struct resp_writer *w)
{
	*t = (struct text){.at = server->allocator->alloc(server->allocator, REPORT_MAX),
			   .size = REPORT_MAX};
	if (t->at == NULL)
		reply_out_of_memory(w);
	return t->at != NULL;
}

static void
latency_graph(struct server *server, struct call *call, struct resp_writer *w)
{
	unsigned event = event_of(call->argv[2]);
	struct merged *m = merged_open(server, w);
	struct text t;
	uint32_t low = UINT32_MAX, high = 0;
	if (m == NULL)
		return;
	m->count = 0;
	if (event < LATENCY_EVENT_COUNT)
		merge(server, event, m);
	if (m->count == 0) {
		resp_errorf(w, "ERR No samples available for event '%.*s'", (int)call->argv[2].len,
			    (const char *)call->argv[2].at);
	} else if (report_open(server, &t, w)) {
		for (uint32_t i = 0; i < m->count; i++) {
			low = m->samples[i].ms < low ? m->samples[i].ms : low;
			high = m->samples[i].ms > high ? m->samples[i].ms : high;
		}
		text_add(&t, "%s - high %u ms, low %u ms (all time high %u ms)\n",
			 event_names[event], high, low, m->max_ms);
		for (unsigned i = 0; i < GRAPH_COLUMNS; i++)
			text_add(&t, "-");
		text_add(&t, "\n");
		draw(m, (uint32_t)(server->unix_ms / 1000), &t);
		reply_report(server, &t, w);
	}
	merged_close(server, m);
}

/* What was seen, and where to look next: our own words, as nobody parses Redis's. */
static void
latency_doctor(struct server *server, struct call *call, struct resp_writer *w)
{
	struct text t;
	struct merged *m = merged_open(server, w);
	unsigned known = 0;
	(void)call;
	if (m == NULL)
		return;
	if (!report_open(server, &t, w)) {
		merged_close(server, m);
		return;
	}
	if (server->config.latency_monitor_threshold == 0)
		text_add(&t, "Nothing is monitored: latency-monitor-threshold is 0. CONFIG SET "
			     "latency-monitor-threshold <milliseconds> turns it on.\n");
	for (unsigned e = 0; e < LATENCY_EVENT_COUNT; e++) {
		uint64_t sum = 0;
		merge(server, e, m);
		for (uint32_t i = 0; i < m->count; i++)
			sum += m->samples[i].ms;
		if (m->count == 0)
			continue;
		text_add(&t,
			 "%u. %s: %u latency spikes (average %lums, last %u seconds ago, worst all "
			 "time %ums).\n",
			 ++known, event_names[e], m->count, sum / m->count,
			 (uint32_t)(server->unix_ms / 1000) - m->samples[m->count - 1].unix_s,
			 m->max_ms);
		text_add(&t, e == LATENCY_EXPIRE
				     ? "   Many keys expire at once: spread their times.\n"
				     : "   SLOWLOG GET names the commands; INFO dpdk has "
				       "longest_turn_cycles.\n");
	}
	if (known == 0 && server->config.latency_monitor_threshold > 0)
		text_add(&t, "No spike of %ld ms or more so far.\n",
			 server->config.latency_monitor_threshold);
	reply_report(server, &t, w);
	merged_close(server, m);
}

/* ---- LATENCY HISTOGRAM ---- */

static struct latency_histogram
histogram_of(const struct server *server, unsigned row)
{
	struct latency_histogram sum = {{0}};
	for (unsigned i = 0; i < server->group->count; i++)
		latency_add(&sum, &server->group->members[i]->histograms[row]);
	return sum;
}

/* How many ran within how many microseconds, by powers of two of ticks; bounds in which nothing happened are left out. */
static void
reply_histogram(const struct server *server, const struct latency_histogram *h,
		struct resp_writer *w)
{
	uint64_t per_us = server->hooks.ticks_per_us > 0 ? server->hooks.ticks_per_us : 1;
	uint64_t us[POWERS], below[POWERS], sum = 0;
	unsigned n = 0;
	for (unsigned p = 0; p < POWERS; p++) {
		uint64_t before = sum,
			 bound = (bucket_end((p << SUB_BITS) + (1u << SUB_BITS) - 1) + per_us - 1) /
				 per_us;
		for (unsigned k = 0; k < 1u << SUB_BITS; k++)
			sum += h->buckets[(p << SUB_BITS) + k];
		if (sum == before)
			continue;
		if (n == 0 || us[n - 1] != bound)
			n++;
		us[n - 1] = bound;
		below[n - 1] = sum;
	}
	resp_map(w, 2);
	resp_bulk_text(w, "calls");
	resp_integer(w, (int64_t)sum);
	resp_bulk_text(w, "histogram_usec");
	resp_map(w, n);
	for (unsigned i = 0; i < n; i++) {
		resp_integer(w, (int64_t)us[i]);
		resp_integer(w, (int64_t)below[i]);
	}
}

static bool
is_asked(struct call *call, unsigned row)
{
	for (uint32_t i = 2; i < call->argc; i++)
		if (span_is(call->argv[i], command_table[row].name))
			return true;
	return call->argc == 2;
}

static void
latency_histogram(struct server *server, struct call *call, struct resp_writer *w)
{
	unsigned shown = 0;
	for (int pass = 0; pass < 2; pass++) { /* the count comes first */
		if (pass == 1)
			resp_map(w, shown);
		for (unsigned row = 0; row < command_count; row++) {
			struct latency_histogram h = histogram_of(server, row);
			if (!is_asked(call, row) || count_of(&h) == 0)
				continue;
			shown += pass == 0;
			if (pass == 0)
				continue;
			resp_bulk_text(w, command_table[row].name);
			reply_histogram(server, &h, w);
		}
	}
}

void
cmd_latency(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"doctor",    latency_doctor,    2 },
                {"graph",     latency_graph,     3 },
		{"histogram", latency_histogram, -2},
                {"history",   latency_history,   3 },
		{"latest",    latency_latest,    2 },
                {"reset",     latency_reset,     -2},
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
