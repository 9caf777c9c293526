/* app/bench/load.c - the phases of a run, and the ledger of what is unanswered. */
#include "app/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"

static const struct reply_limits reply_limits = {
	.bulk_max = 512u << 20, .line_max = 65536, .count_max = 1u << 20};

static uint32_t
power_of_two(uint32_t at_least)
{
	uint32_t n = 1;
	while (n < at_least)
		n *= 2;
	return n;
}

struct load *
load_create(const struct bench_options *options, uint64_t hz)
{
	struct load *load = calloc(1, sizeof(*load));
	uint32_t n = options->connections;
	if (load == NULL)
		return NULL;
	uint32_t deepest = options->load && options->pipeline < LOAD_FILL_PIPELINE
				   ? LOAD_FILL_PIPELINE
				   : options->pipeline;
	load->options = options;
	load->hz = hz;
	load->pending_max = power_of_two(deepest);
	load->set_below = (uint64_t)((1 - options->get_share) * (double)(1ull << 32));
	prng_seed(&load->prng, options->seed);
	load->conns = calloc(n, sizeof(*load->conns));
	load->senders = calloc(n, sizeof(*load->senders));
	struct load_pending *rings = calloc((size_t)n * load->pending_max, sizeof(*rings));
	if (!workload_init(&load->workload, options) || load->conns == NULL ||
	    load->senders == NULL || rings == NULL) {
		free(rings);
		if (load->conns != NULL)
			load->conns[0].pending = NULL;
		load_destroy(load);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		load->conns[i].pending = rings + (size_t)i * load->pending_max;
	return load;
}

void
load_destroy(struct load *load)
{
	workload_free(&load->workload);
	if (load->conns != NULL)
		free(load->conns[0].pending);
	free(load->conns);
	free(load->senders);
	free(load);
}

/* ---- who may send ---- */

static void
list_sender(struct load *load, uint32_t conn)
{
	uint32_t n = load->options->connections;
	uint32_t at = load->senders_first + load->senders_count;
	struct load_conn *c = &load->conns[conn];
	if (c->listed || c->round != load->round)
		return;
	load->senders_count++;
	c->listed = true;
	load->senders[at < n ? at : at - n] = conn;
}

/* B5. Those that still wait for replies are listed when they have them. */
static void
draw_active(struct load *load, uint64_t now)
{
	uint32_t n = load->options->connections;
	for (; load->senders_count > 0; load->senders_count--) {
		load->conns[load->senders[load->senders_first]].listed = false;
		load->senders_first = load->senders_first + 1 < n ? load->senders_first + 1 : 0;
	}
	load->round++;
	for (uint32_t drawn = 0; drawn < load->options->active;) {
		uint32_t conn = (uint32_t)prng_below(&load->prng, n);
		struct load_conn *c = &load->conns[conn];
		if (c->round == load->round)
			continue;
		c->round = load->round;
		drawn++;
		if (c->count == 0)
			list_sender(load, conn);
	}
	load->draw_at = now + load->hz;
}

/* ---- phases ---- */

static void
fail(struct load *load, const char *why)
{
	if (load_over(load))
		return;
	snprintf(load->failure, sizeof(load->failure), "%s", why);
	load->phase = LOAD_FAILED;
	load->sending = false;
}

static bool
is_wanted(const struct load *load, enum load_phase phase)
{
	const struct bench_options *o = load->options;
	if (phase == LOAD_FILL)
		return o->load;
	if (phase == LOAD_WARM)
		return o->warm_up_seconds > 0 && !o->load_only;
	return phase == LOAD_DONE || !o->load_only;
}

static void
enter(struct load *load, enum load_phase phase, uint64_t now)
{
	const struct bench_options *o = load->options;
	double seconds = 0;
	load->phase = phase;
	load->phase_at = load->replied_at = now;
	load->counters = (struct load_counters){0};
	load->depth = o->pipeline;
	load->due_max = UINT64_MAX;
	load->sending = true;
	switch (phase) {
	case LOAD_FILL:
		load->depth = LOAD_FILL_PIPELINE;
		load->due_max = o->keys;
		break;
	case LOAD_WARM:
		seconds = o->warm_up_seconds;
		break;
	case LOAD_INFO_BEFORE:
	case LOAD_INFO_AFTER:
		load->due_max = 1;
		break;
	case LOAD_MEASURE:
		seconds = o->seconds;
		if (o->requests > 0) {
			load->due_max = o->requests;
			seconds = 0;
		}
		break;
	case LOAD_CONNECT:
	case LOAD_DONE:
	case LOAD_FAILED:
	case LOAD_PHASE_COUNT:
		load->sending = false;
	}
	if (o->active > 0 && (phase == LOAD_WARM || phase == LOAD_MEASURE))
		draw_active(load, now); /* before anybody sends */
	load->phase_until = seconds > 0 ? now + (uint64_t)(seconds * (double)load->hz) : UINT64_MAX;
}

static void
next_phase(struct load *load, uint64_t now)
{
	enum load_phase phase = load->phase;
	if (phase == LOAD_MEASURE) {
		load->measured = load->counters;
		load->measured_ticks = load->replied_at - load->phase_at;
	}
	do
		phase++;
	while (!is_wanted(load, phase));
	enter(load, phase, now);
}

void
load_tick(struct load *load, uint64_t now)
{
	atomic_store_explicit(&load->shown_replies, load->counters.replies, memory_order_relaxed);
	atomic_store_explicit(&load->shown_phase, load->phase, memory_order_relaxed);
	if (load_over(load))
		return;
	if (load->phase_at == 0)
		load->phase_at = load->replied_at = now;
	if (load->options->active > 0 && now >= load->draw_at &&
	    (load->phase == LOAD_WARM || load->phase == LOAD_MEASURE))
		draw_active(load, now);
	if (now >= load->phase_until || load->counters.requests >= load->due_max)
		load->sending = false;
	if (load->phase != LOAD_CONNECT && !load->sending && load->pending == 0)
		next_phase(load, now);
	else if (load->pending > 0 && now > load->replied_at + LOAD_STALL_SECONDS * load->hz)
		fail(load, "no reply for 5 seconds");
	else if (load->phase == LOAD_CONNECT &&
		 now > load->phase_at + LOAD_STALL_SECONDS * load->hz)
		fail(load, "not connected after 5 seconds: is the server there, in the same "
			   "network, and under its connection limit?");
}

void
load_connected(struct load *load, uint64_t now)
{
	uint32_t n = load->options->connections;
	if (load->phase != LOAD_CONNECT || ++load->connected < n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		load->senders[i] = i;
		load->conns[i].listed = true;
	}
	load->senders_count = n;
	next_phase(load, now);
}

void
load_lost(struct load *load, const char *why)
{
	fail(load, why);
}

/* ---- requests ---- */

static bool
is_open_loop(const struct load *load)
{
	return load->options->rate > 0 && (load->phase == LOAD_WARM || load->phase == LOAD_MEASURE);
}

/* Requests that may be sent by now and were not. */
static uint64_t
due(const struct load *load, uint64_t now)
{
	uint64_t max = load->due_max;
	if (is_open_loop(load)) {
		double seconds = (double)(now - load->phase_at) / (double)load->hz;
		uint64_t by_now = (uint64_t)(seconds * load->options->rate);
		max = by_now < max ? by_now : max;
	}
	return max > load->counters.requests ? max - load->counters.requests : 0;
}

uint32_t
load_next(struct load *load, uint64_t now, uint32_t *conn)
{
	uint32_t n = load->options->connections;
	if (!load->sending || load->senders_count == 0 || now >= load->phase_until)
		return 0;
	uint64_t wanted = due(load, now);
	if (wanted == 0)
		return 0;
	*conn = load->senders[load->senders_first];
	struct load_conn *c = &load->conns[*conn];
	load->senders_first = load->senders_first + 1 < n ? load->senders_first + 1 : 0;
	load->senders_count--;
	c->listed = false;
	DASSERT(c->count < load->depth);
	uint32_t room = load->depth - c->count;
	/* Open loop: one at a time, so that what is due is spread over the connections. */
	if (is_open_loop(load)) {
		if (room > 1)
			list_sender(load, *conn);
		return 1;
	}
	return wanted < room ? (uint32_t)wanted : room;
}

size_t
load_render(struct load *load, uint32_t conn, uint64_t now, uint8_t *at)
{
	struct load_conn *c = &load->conns[conn];
	uint64_t number = load->counters.requests++, random;
	struct load_pending p = {.at = now, .op = WORKLOAD_SET};
	if (load->phase == LOAD_FILL) {
		p.key = (uint32_t)number;
	} else if (load->phase != LOAD_WARM && load->phase != LOAD_MEASURE) {
		p.op = WORKLOAD_INFO;
	} else {
		random = prng_next(&load->prng);
		p.key = (uint32_t)(((random >> 32) * load->workload.keys) >> 32);
		if ((random & UINT32_MAX) >= load->set_below)
			p.op = WORKLOAD_GET;
	}
	if (is_open_loop(load))
		p.at = load->phase_at +
		       (uint64_t)((double)(number + 1) * (double)load->hz / load->options->rate);
	DASSERT(c->count < load->pending_max);
	c->pending[(c->first + c->count++) & (load->pending_max - 1)] = p;
	load->pending++;
	return workload_request(&load->workload, (enum workload_op)p.op, p.key, at);
}

/* ---- replies ---- */

/* Counted once, whether it comes in one piece or byte by byte. */
static void
on_error_piece(struct load *load, struct load_conn *c, const struct reply_token *t)
{
	static const char moved[] = "MOVED ";
	if (t->first) {
		load->counters.errors++;
		c->offset = 0;
		if (load->first_error_len == 0)
			load->first_error_of = c;
	}
	for (size_t i = 0; i < t->text.len && c->offset < sizeof(moved) - 1; i++) {
		if (t->text.at[i] != (uint8_t)moved[c->offset]) {
			c->offset = UINT32_MAX;
			break;
		}
		load->counters.moved += ++c->offset == sizeof(moved) - 1;
	}
	if (load->first_error_of != c)
		return;
	uint32_t room = LOAD_TEXT_MAX - 1 - load->first_error_len;
	uint32_t len = t->text.len < room ? (uint32_t)t->text.len : room;
	memcpy(load->first_error + load->first_error_len, t->text.at, len);
	load->first_error_len += len;
	if (t->last)
		load->first_error_of = NULL;
}

static void
on_value_piece(struct load *load, struct load_conn *c, const struct load_pending *p,
	       const struct reply_token *t)
{
	if (t->first) {
		c->offset = 0;
		c->wrong |= t->value != workload_value_size(&load->workload, p->key);
	}
	c->wrong = c->wrong || !workload_value_is(&load->workload, p->key, c->offset, t->text);
	c->offset += (uint32_t)t->text.len;
}

/* "+OK", in up to three pieces. */
static void
on_ok_piece(struct load_conn *c, const struct reply_token *t)
{
	static const char ok[] = "OK";
	if (t->first)
		c->offset = 0;
	if (t->kind != REPLY_SIMPLE || c->offset + t->text.len > 2 ||
	    memcmp(t->text.at, ok + c->offset, t->text.len) != 0) {
		c->wrong = true;
		return;
	}
	c->offset += (uint32_t)t->text.len;
	c->wrong |= t->last && c->offset != 2;
}

static void
on_info_piece(struct load *load, const struct reply_token *t)
{
	unsigned which = load->phase == LOAD_INFO_AFTER;
	uint32_t room = LOAD_INFO_MAX - 1 - load->info_len[which];
	uint32_t len = t->text.len < room ? (uint32_t)t->text.len : room;
	memcpy(load->info[which] + load->info_len[which], t->text.at, len);
	load->info_len[which] += len;
}

/* One token of the reply to p. */
static void
judge(struct load *load, struct load_conn *c, const struct load_pending *p,
      const struct reply_token *t)
{
	if (t->depth > 0 || t->kind >= REPLY_ARRAY) {
		c->wrong = true;
		return;
	}
	if (t->kind == REPLY_ERROR || t->kind == REPLY_BULK_ERROR) {
		on_error_piece(load, c, t);
		return;
	}
	switch ((enum workload_op)p->op) {
	case WORKLOAD_GET:
		if (t->kind == REPLY_BULK)
			on_value_piece(load, c, p, t);
		else
			c->wrong |= t->kind != REPLY_NULL;
		load->counters.hits += t->kind == REPLY_BULK && t->first;
		load->counters.misses += t->kind == REPLY_NULL;
		return;
	case WORKLOAD_SET:
		on_ok_piece(c, t);
		return;
	case WORKLOAD_INFO:
		if (t->kind == REPLY_BULK || t->kind == REPLY_VERBATIM)
			on_info_piece(load, t);
		return;
	}
}

static void
reply_done(struct load *load, uint32_t conn, const struct load_pending *p, uint64_t now)
{
	struct load_conn *c = &load->conns[conn];
	load->counters.replies++;
	load->pending--;
	load->replied_at = now;
	if (load->phase == LOAD_MEASURE)
		histogram_add(&load->latency, now > p->at ? now - p->at : 0);
	if (c->wrong) {
		load->counters.wrong++;
		fail(load, "a reply is not the one to its request");
	}
	c->wrong = false;
	c->first++;
	c->count--;
	if (c->count == 0 || is_open_loop(load))
		list_sender(load, conn);
}

void
load_take(struct load *load, uint32_t conn, struct span bytes, uint64_t now)
{
	struct load_conn *c = &load->conns[conn];
	struct reply_token token;
	enum reply_status status;
	while ((status = reply_next(&c->reader, &reply_limits, &bytes, &token)) == REPLY_TOKEN) {
		if (c->count == 0) {
			fail(load, "a reply came that nothing asked for");
			return;
		}
		const struct load_pending *p = &c->pending[c->first & (load->pending_max - 1)];
		judge(load, c, p, &token);
		if (token.done)
			reply_done(load, conn, p, now);
	}
	if (status != REPLY_MORE) {
		char text[LOAD_TEXT_MAX];
		snprintf(text, sizeof(text), "what came is no RESP: %s", reply_status_name(status));
		fail(load, text);
	}
}

const char *
load_phase_name(enum load_phase phase)
{
	static const char *const names[LOAD_PHASE_COUNT] = {
		[LOAD_CONNECT] = "connecting", [LOAD_FILL] = "loading",
		[LOAD_WARM] = "warming up",    [LOAD_INFO_BEFORE] = "reading counters",
		[LOAD_MEASURE] = "measuring",  [LOAD_INFO_AFTER] = "reading counters",
		[LOAD_DONE] = "done",          [LOAD_FAILED] = "failed",
	};
	return phase < LOAD_PHASE_COUNT ? names[phase] : "unknown";
}
