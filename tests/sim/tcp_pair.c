/* tests/sim/tcp_pair.c - two TCP machines over a link that loses, reorders, duplicates and delays, from a seed.
 *
 *     end a ==stream==> link ==> end b        virtual time: the clock jumps to whatever is due next
 *     end a <== link <==stream== end b
 *
 * No packets and no stack: segments as values, payload as bytes that follow from (stream, offset). Connections of drawn shape (MSS,
 * buffers, scale, pace of readers and writers, who closes when, simultaneous open) follow one another for --seconds of virtual time.
 * Checked at every step: tcp_check(), and the promises T1 to T5 of tcp.h as seen from outside:
 *     T1 T2  each byte accepted once, in its place, equal to what was written; what is acknowledged was kept
 *     T3     the right edge seen on the link never moves left by more than the rounding of the scale
 *     T4     no silent stall: something outstanding means a finite deadline; streams end within a bound
 *     T5     pure acknowledgements are bounded by what came in
 *     SACK   what a block reports was kept, and was not acknowledged before (but for a duplicate); every segment has a timestamp once
 *            that was agreed on, and no segment is longer than the MSS that was
 *     sides  after each connection the pool is whole
 *
 *     sim_tcp_pair --seeds 1000 --first 1 [--loss 1000 --reorder 1000 --duplicate 500 (in 1/10000)] [--seconds 60] [--trace]
 * Exit status: 0 clean, 1 a violation (its seed is printed).
 */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/prng.h"
#include "proto/inet/isn.h"
#include "proto/inet/tcp_state.h"

#define STREAM_MAX     (256u * 1024)
#define LINK_MAX       16384
#define PAYLOAD_MAX    1460
#define CONN_US_MAX    (1800ull * 1000000) /* a connection that lives longer has stalled */
#define PER_10000      10000
#define SIDES_MAX      2
#define ROUND_SEGS_MAX 2000 /* segments of one tcp_output() round */

struct frame {
	uint64_t at_us, order;
	struct tcp_segment s;
	unsigned to; /* end that receives it */
	uint8_t payload[PAYLOAD_MAX];
};

struct end {
	struct tcp tcp;
	struct tcp_time_wait wait;
	struct tcp_config config;
	struct tcp_side sides[SIDES_MAX];
	struct tcp_side_pool pool;
	bool listening, over, waiting, reset, use_wait;
	/* sending */
	uint32_t total, written, acked;
	uint32_t buffer; /* bytes it queues at most */
	bool closed;
	/* receiving */
	uint32_t received; /* in order */
	uint32_t read;
	bool peer_done;
	uint8_t here[STREAM_MAX]; /* 1: accepted */
	/* pace */
	uint64_t app_at_us, app_gap_us;
	uint32_t app_bytes;
	/* seen from outside */
	bool edge_known;
	tcp_seq edge;
	uint64_t segments_in, segments_out, pure_acks, timer_rounds, updates;
};

struct sim {
	uint64_t seed, now_us, order;
	struct prng prng;
	struct end ends[2];
	struct frame *frames[LINK_MAX]; /* heap by time */
	struct frame *free_frames[LINK_MAX];
	struct frame *pool; /* LINK_MAX */
	unsigned frame_count, free_count;
	uint32_t stream_salt;
	const char *violation;
	uint64_t lost, duplicated, reordered, carried, connections, bytes, retransmits, reports;
	bool trace;
};

struct faults {
	uint32_t loss, reorder, duplicate;
	uint64_t delay_us, jitter_us;
};

static uint8_t
stream_byte(const struct sim *sim, unsigned from, uint32_t offset)
{
	uint32_t x = (offset + sim->stream_salt * 2 + from) * 2654435761u;
	return (uint8_t)(x >> 24 ^ x >> 11);
}

static void
violate(struct sim *sim, const char *what)
{
	if (sim->violation == NULL)
		sim->violation = what;
}

/* ---- the link ---- */

static bool
sooner(const struct frame *a, const struct frame *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
heap_push(struct sim *sim, struct frame *f)
{
	unsigned i = sim->frame_count++;
	while (i > 0 && sooner(f, sim->frames[(i - 1) / 2])) {
		sim->frames[i] = sim->frames[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->frames[i] = f;
}

static struct frame *
heap_pop(struct sim *sim)
{
	struct frame *top = sim->frames[0], *last = sim->frames[--sim->frame_count];
	unsigned i = 0;
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= sim->frame_count)
			break;
		if (child + 1 < sim->frame_count &&
		    sooner(sim->frames[child + 1], sim->frames[child]))
			child++;
		if (!sooner(sim->frames[child], last))
			break;
		sim->frames[i] = sim->frames[child];
		i = child;
	}
	sim->frames[i] = last;
	return top;
}

static bool
chance(struct sim *sim, uint32_t per_10000)
{
	return prng_below(&sim->prng, PER_10000) < per_10000;
}

static void
link_put(struct sim *sim, const struct frame *f, uint64_t at_us)
{
	if (sim->free_count == 0) {
		violate(sim, "link overflow: packets without bound");
		return;
	}
	struct frame *copy = sim->free_frames[--sim->free_count];
	memcpy(copy, f, offsetof(struct frame, payload));
	memcpy(copy->payload, f->payload, f->s.payload_len);
	copy->at_us = at_us;
	copy->order = sim->order++;
	heap_push(sim, copy);
}

static void
link_send(struct sim *sim, const struct faults *faults, const struct frame *f)
{
	uint64_t at = sim->now_us + faults->delay_us;
	sim->carried++;
	if (chance(sim, faults->loss)) {
		sim->lost++;
		return;
	}
	if (chance(sim, faults->reorder)) {
		sim->reordered++;
		at += 1 + prng_below(&sim->prng, faults->jitter_us * 20 + 1);
	}
	at += faults->jitter_us > 0 ? prng_below(&sim->prng, faults->jitter_us / 8 + 1) : 0;
	link_put(sim, f, at);
	if (chance(sim, faults->duplicate)) {
		sim->duplicated++;
		link_put(sim, f, at + prng_below(&sim->prng, faults->jitter_us * 4 + 1));
	}
}

static void
trace(const struct sim *sim, const char *what, const struct frame *f)
{
	const struct tcp_segment *s = &f->s;
	if (sim->trace)
		printf("%10.6f %s %c flags %02x seq %u len %u ack %u win %u\n",
		       (double)sim->now_us / 1e6, what, 'a' + (int)f->to, s->flags, s->seq,
		       s->payload_len, s->ack, s->window);
}

/* ---- one end ---- */

/* T3, seen from outside. */
static void
check_edge(struct sim *sim, struct end *e, const struct tcp_segment *s)
{
	if ((s->flags & (TCP_ACK | TCP_RST)) != TCP_ACK)
		return;
	unsigned shift = s->flags & TCP_SYN ? 0 : e->tcp.rcv_wscale;
	tcp_seq edge = s->ack + ((uint32_t)s->window << shift);
	if (e->edge_known && seq_lt(edge + (1u << e->tcp.rcv_wscale) - 1, e->edge))
		violate(sim, "T3: right edge moved left");
	if (!e->edge_known || seq_lt(e->edge, edge))
		e->edge = edge;
	e->edge_known = true;
}

/* What our end reports to hold. */
static void
check_sack(struct sim *sim, const struct end *e, const struct tcp_segment *s)
{
	const struct tcp_options *o = &s->options;
	bool agreed = (e->tcp.marks & TCP_MARK_TIMESTAMPS) != 0;
	if ((s->flags & (TCP_RST | TCP_SYN)) == 0 && o->has_timestamp != agreed)
		violate(sim, "a segment without its timestamp, or with one too many");
	if (o->sack_count > 0 && (e->tcp.marks & TCP_MARK_SACK) == 0)
		violate(sim, "SACK that was never agreed on");
	sim->reports += o->sack_count;
	for (unsigned i = 0; i < o->sack_count; i++) {
		tcp_seq left = o->sack[i].left, right = o->sack[i].right;
		bool again = i == 0 && (seq_le(right, s->ack) ||
					(o->sack_count > 1 && seq_le(o->sack[1].left, left) &&
					 seq_le(right, o->sack[1].right)));
		if (!seq_lt(left, right) || (!again && seq_le(left, s->ack)))
			violate(sim, "SACK block that says nothing");
		for (tcp_seq seq = left; !again && seq_lt(seq, right); seq++)
			if (e->received + (seq - e->tcp.rcv_nxt) >= STREAM_MAX ||
			    !e->here[e->received + (seq - e->tcp.rcv_nxt)]) {
				violate(sim, "SACK of a byte that is not here");
				return;
			}
	}
}

static void
check_sent(struct sim *sim, struct end *e, const struct tcp_emit *emit)
{
	const struct tcp_segment *s = &emit->head;
	uint32_t queued = e->written - e->acked;
	check_sack(sim, e, s);
	if (s->payload_len + (s->options.sack_count ? 4u + 8u * s->options.sack_count : 0) >
	    e->tcp.snd_mss)
		violate(sim, "segment larger than the MSS");
	if (emit->from + s->payload_len > queued)
		violate(sim, "segment beyond the send queue");
	const struct end *peer = &sim->ends[e == sim->ends];
	if (s->payload_len > 1 && peer->edge_known && seq_lt(peer->edge, s->seq + s->payload_len))
		violate(sim, "data beyond the peer's window");
	check_edge(sim, e, s);
}

static void
end_over(struct sim *sim, struct end *e)
{
	e->over = true;
	if (sim->trace)
		printf("%10.6f end %c is over%s\n", (double)sim->now_us / 1e6,
		       'a' + (int)(e - sim->ends), e->reset ? " (reset)" : "");
	const struct end *peer = &sim->ends[e == sim->ends];
	/* Whose last ACKs are lost learns from a RST that the peer's TIME-WAIT is over: it had all. */
	bool late = e->reset && peer->over && peer->received == e->total;
	if ((e->acked != e->total && !late) || e->received != peer->total)
		violate(sim, "connection over before its streams were whole");
}

static void
end_output(struct sim *sim, const struct faults *faults, unsigned index)
{
	struct end *e = &sim->ends[index];
	struct frame f = {.to = !index};
	struct tcp_emit emit;
	uint8_t events = 0;
	unsigned round = 0;
	if (e->over || e->waiting || (e->listening && e->tcp.state == TCP_CLOSED))
		return;
	uint32_t known = e->tcp.unread;
	tcp_set_unread(&e->tcp, e->received - e->read);
	e->updates += e->received - e->read < known;
	e->timer_rounds += sim->now_us >= tcp_next_at(&e->tcp);
	while (tcp_output(&e->tcp, e->written - e->acked, sim->now_us, &emit, &events)) {
		check_sent(sim, e, &emit);
		f.s = emit.head;
		for (uint32_t i = 0; i < emit.head.payload_len; i++)
			f.payload[i] = stream_byte(sim, index, e->acked + emit.from + i);
		trace(sim, "to", &f);
		link_send(sim, faults, &f);
		e->segments_out++;
		sim->retransmits += emit.retransmit;
		e->pure_acks += emit.head.payload_len == 0;
		if (++round > ROUND_SEGS_MAX) {
			violate(sim, "tcp_output() never says false");
			return;
		}
	}
	tcp_check(&e->tcp);
	bool outstanding = e->tcp.snd_una != e->tcp.snd_nxt || e->written != e->acked;
	if (e->tcp.state != TCP_CLOSED && outstanding && tcp_next_at(&e->tcp) == TCP_NEVER)
		violate(sim, "T4: bytes outstanding and no deadline");
	if (e->tcp.state != TCP_CLOSED && tcp_next_at(&e->tcp) <= sim->now_us)
		violate(sim, "T4: a deadline that has passed stays");
	/* Each segment, timer and reading draws at most three. */
	if (e->pure_acks > 3 * (e->segments_in + e->timer_rounds + e->updates) + 8)
		violate(sim, "T5: more pure acknowledgements than reasons");
	if (events & TCP_EVENT_TIMEOUT)
		violate(sim, "gave up");
	if (e->tcp.state == TCP_CLOSED) {
		end_over(sim, e);
	} else if (e->tcp.state == TCP_TIME_WAIT && e->use_wait) {
		tcp_time_wait_from(&e->tcp, sim->now_us, &e->wait);
		e->waiting = true;
	}
}

static void
end_accept(struct sim *sim, struct end *e, const struct frame *f, const struct tcp_accept *a)
{
	const struct end *peer = &sim->ends[e == sim->ends];
	unsigned from = (unsigned)(peer - sim->ends);
	if ((uint32_t)a->skip + a->take > f->s.payload_len ||
	    e->received + a->at + a->take > peer->written) {
		violate(sim, "accepted bytes that were never written");
		return;
	}
	for (uint32_t i = 0; i < a->take; i++) {
		uint32_t at = e->received + a->at + i;
		if (e->here[at])
			violate(sim, "T2: a byte accepted twice");
		if (f->payload[a->skip + i] != stream_byte(sim, from, at))
			violate(sim, "T1: a byte in the wrong place");
		e->here[at] = 1;
	}
	for (uint32_t i = 0; i < a->ready; i++)
		if (e->received + i >= peer->written || !e->here[e->received + i]) {
			violate(sim, "T1: ready, but never kept");
			return;
		}
	e->received += a->ready;
	if (e->received - e->read > e->config.rcv_buffer + (1u << e->tcp.rcv_wscale))
		violate(sim, "receive buffer overfull");
	e->acked += a->acked;
	if (e->acked > e->written)
		violate(sim, "more acknowledged than written");
	if (a->events & TCP_EVENT_FIN) {
		e->peer_done = true;
		if (e->received != peer->total)
			violate(sim, "FIN before the stream was whole");
	}
	e->reset |= (a->events & (TCP_EVENT_RESET | TCP_EVENT_REFUSED)) != 0;
}

static void
reply(struct sim *sim, const struct faults *faults, unsigned from, const struct tcp_segment *s)
{
	struct frame f = {.to = !from, .s = *s};
	trace(sim, "to", &f);
	link_send(sim, faults, &f);
}

static void
end_input(struct sim *sim, const struct faults *faults, const struct frame *f)
{
	struct end *e = &sim->ends[f->to];
	struct tcp_segment answer;
	trace(sim, "at", f);
	e->segments_in++;
	if (e->waiting && !e->over) {
		switch (tcp_time_wait_input(&e->wait, &e->config, &f->s, sim->now_us, &answer)) {
		case TCP_TIME_WAIT_ACK:
			reply(sim, faults, f->to, &answer);
			break;
		case TCP_TIME_WAIT_REOPEN:
			violate(sim, "an old SYN would reopen");
			break;
		case TCP_TIME_WAIT_DROP:
		case TCP_TIME_WAIT_END:
			break;
		}
		return;
	}
	if (e->listening && e->tcp.state == TCP_CLOSED && !e->over &&
	    (f->s.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
		e->listening = false;
		tcp_open_passive(&e->tcp, &e->config, &f->s,
				 0xfffffff0u - (uint32_t)(sim->seed % 5000), sim->now_us);
		tcp_set_ts_offset(&e->tcp, 0x7fff0000u);
		return;
	}
	if (e->over || (e->listening && e->tcp.state == TCP_CLOSED)) {
		if (tcp_reset_for(&f->s, &answer))
			reply(sim, faults, f->to, &answer);
		return;
	}
	struct tcp_accept accept;
	tcp_input(&e->tcp, &f->s, sim->now_us, &accept);
	tcp_check(&e->tcp);
	end_accept(sim, e, f, &accept);
}

/* The user: reads some, writes some, closes when done. */
static void
end_app(struct sim *sim, struct end *e)
{
	uint32_t most = 1 + (uint32_t)prng_below(&sim->prng, e->app_bytes);
	uint32_t readable = e->received - e->read;
	e->read += readable < most ? readable : most;
	uint32_t room = e->buffer - (e->written - e->acked), left = e->total - e->written;
	uint32_t more = room < left ? room : left;
	bool open = e->tcp.state == TCP_ESTABLISHED || e->tcp.state == TCP_CLOSE_WAIT;
	if (open && !e->closed)
		e->written += more < most ? more : most;
	if (open && !e->closed && e->written == e->total) {
		tcp_close(&e->tcp, sim->now_us);
		e->closed = true;
	}
	e->app_at_us = sim->now_us + 1 + prng_below(&sim->prng, e->app_gap_us);
}

/* ---- a connection ---- */

static void
end_draw(struct sim *sim, struct end *e)
{
	struct prng *p = &sim->prng;
	memset(e, 0, sizeof(*e));
	tcp_config_defaults(&e->config, 1500);
	static const uint16_t sizes[] = {88, 536, 1000, 1460};
	static const uint64_t delays[] = {0, 500, 40000};
	e->config.mss = sizes[prng_below(p, 4)];
	e->config.wscale = (uint8_t)prng_below(p, 9);
	e->config.rcv_buffer = 600 + (uint32_t)prng_below(p, 100000);
	e->config.delayed_ack_us = delays[prng_below(p, 3)];
	e->config.timestamps = prng_below(p, 3) != 0;
	e->config.sack = prng_below(p, 4) != 0;
	e->config.sides = &e->pool;
	tcp_side_pool_init(&e->pool, e->sides, prng_below(p, 10) == 0 ? 0 : SIDES_MAX);
	e->config.nagle = prng_below(p, 4) == 0;
	e->config.ooo_ranges_max = (uint16_t)(1 + prng_below(p, RANGES_MAX));
	e->config.time_wait_us = 1000000 + prng_below(p, 60000000);
	e->config.retries = 60; /* it must get through, however bad the luck */
	e->config.syn_retries = 60;
	e->total =
		prng_below(p, 8) == 0 ? 0 : (uint32_t)prng_below(p, STREAM_MAX >> prng_below(p, 8));
	e->buffer = 100 + (uint32_t)prng_below(p, 60000);
	e->app_gap_us = 1 + prng_below(p, prng_below(p, 3) == 0 ? 200000 : 500);
	e->app_bytes = 1 + (uint32_t)prng_below(p, prng_below(p, 3) == 0 ? 200 : 40000);
	if (e->app_gap_us > 10000 && e->app_bytes < 1000)
		e->app_bytes = 1000; /* slow, but not for ever */
	e->use_wait = prng_below(p, 2) == 0;
}

static uint64_t
next_at(const struct sim *sim)
{
	uint64_t at = sim->frame_count > 0 ? sim->frames[0]->at_us : TCP_NEVER;
	for (unsigned i = 0; i < 2; i++) {
		const struct end *e = &sim->ends[i];
		if (e->over)
			continue;
		uint64_t mine = e->waiting ? e->wait.until_us : tcp_next_at(&e->tcp);
		if (e->listening && e->tcp.state == TCP_CLOSED)
			mine = TCP_NEVER;
		bool app_busy =
			e->read < e->received || (!e->closed && e->tcp.state >= TCP_ESTABLISHED);
		if (app_busy && e->app_at_us < mine)
			mine = e->app_at_us;
		if (mine < at)
			at = mine;
	}
	return at;
}

static void
step(struct sim *sim, const struct faults *faults)
{
	uint64_t at = next_at(sim);
	if (at == TCP_NEVER) {
		violate(sim, "T4: silent stall");
		return;
	}
	if (at > sim->now_us)
		sim->now_us = at;
	while (sim->frame_count > 0 && sim->frames[0]->at_us <= sim->now_us) {
		struct frame *f = heap_pop(sim);
		end_input(sim, faults, f);
		sim->free_frames[sim->free_count++] = f;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &sim->ends[i];
		if (!e->over && sim->now_us >= e->app_at_us && e->tcp.state >= TCP_ESTABLISHED)
			end_app(sim, e);
		end_output(sim, faults, i);
		if (e->waiting && !e->over && sim->now_us >= e->wait.until_us)
			end_over(sim, e);
	}
}

static void
connection(struct sim *sim, const struct faults *faults)
{
	while (sim->frame_count > 0)
		sim->free_frames[sim->free_count++] = heap_pop(sim);
	sim->stream_salt = (uint32_t)prng_next(&sim->prng);
	end_draw(sim, &sim->ends[0]);
	end_draw(sim, &sim->ends[1]);
	uint64_t began_us = sim->now_us;
	uint64_t secret[2] = {sim->seed, 1};
	tcp_seq iss = prng_below(&sim->prng, 2) == 0
			      ? 0xfffffff0u - (uint32_t)prng_below(&sim->prng, 100000)
			      : isn_generate(secret, 1, 1, 2, 2, sim->now_us);
	uint32_t ts_offset = (uint32_t)prng_next(&sim->prng) | 0xffff0000u;
	tcp_open_active(&sim->ends[0].tcp, &sim->ends[0].config, iss, sim->now_us);
	tcp_set_ts_offset(&sim->ends[0].tcp, ts_offset);
	if (prng_below(&sim->prng, 6) == 0)
		tcp_open_active(&sim->ends[1].tcp, &sim->ends[1].config, iss + 77777, sim->now_us);
	else
		sim->ends[1].listening = true;
	end_output(sim, faults, 0);
	end_output(sim, faults, 1);
	while (sim->violation == NULL && !(sim->ends[0].over && sim->ends[1].over)) {
		step(sim, faults);
		if (sim->now_us - began_us > CONN_US_MAX)
			violate(sim, "T4: streams do not end");
	}
	for (unsigned i = 0; i < 2 && sim->violation == NULL; i++)
		if (sim->ends[i].pool.free_count != sim->ends[i].pool.count)
			violate(sim, "a side is not back in its pool");
	sim->connections++;
	sim->bytes += sim->ends[0].received + sim->ends[1].received;
}

static bool
run(uint64_t seed, const struct faults *faults, uint64_t until_us, bool tracing, struct sim *sim)
{
	struct frame *pool = sim->pool;
	memset(sim, 0, sizeof(*sim));
	sim->pool = pool;
	sim->seed = seed;
	sim->trace = tracing;
	sim->now_us = 1000000;
	prng_seed(&sim->prng, seed);
	for (unsigned i = 0; i < LINK_MAX; i++)
		sim->free_frames[sim->free_count++] = &pool[i];
	struct faults drawn = *faults;
	drawn.delay_us = 20 + prng_below(&sim->prng, prng_below(&sim->prng, 2) ? 300 : 20000);
	drawn.jitter_us = 1 + drawn.delay_us / 2;
	while (sim->violation == NULL && sim->now_us < until_us)
		connection(sim, &drawn);
	if (sim->violation != NULL)
		fprintf(stderr, "seed %llu: %s (virtual time %.6f s)\n", (unsigned long long)seed,
			sim->violation, (double)sim->now_us / 1e6);
	return sim->violation == NULL;
}

static unsigned long long
number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "tcp_pair: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void
add_up(struct sim *sums, const struct sim *sim)
{
	sums->lost += sim->lost;
	sums->duplicated += sim->duplicated;
	sums->reordered += sim->reordered;
	sums->carried += sim->carried;
	sums->connections += sim->connections;
	sums->bytes += sim->bytes;
	sums->retransmits += sim->retransmits;
	sums->reports += sim->reports;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds",     1, NULL, 'n'},
                {"first",     1, NULL, 'f'},
                {"loss",      1, NULL, 'l'},
		{"reorder",   1, NULL, 'r'},
                {"duplicate", 1, NULL, 'd'},
                {"seconds",   1, NULL, 's'},
		{"trace",     0, NULL, 't'},
                {NULL,        0, NULL, 0  }
        };
	struct faults faults = {.loss = 1000, .reorder = 1000, .duplicate = 500};
	unsigned long long seeds = 20, first = 1, seconds = 60;
	bool tracing = false;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'n':
			seeds = number(optarg);
			break;
		case 'f':
			first = number(optarg);
			break;
		case 'l':
			faults.loss = (uint32_t)number(optarg);
			break;
		case 'r':
			faults.reorder = (uint32_t)number(optarg);
			break;
		case 'd':
			faults.duplicate = (uint32_t)number(optarg);
			break;
		case 's':
			seconds = number(optarg);
			break;
		case 't':
			tracing = true;
			break;
		default:
			return 2;
		}
	}
	struct sim *sim = calloc(1, sizeof(*sim));
	struct sim sums = {0};
	unsigned failed = 0;
	if (sim != NULL)
		sim->pool = malloc(LINK_MAX * sizeof(struct frame));
	if (sim == NULL || sim->pool == NULL) {
		free(sim);
		return 2;
	}
	for (unsigned long long seed = first; seed < first + seeds; seed++) {
		failed += !run(seed, &faults, (seconds + 1) * 1000000ull, tracing, sim);
		add_up(&sums, sim);
	}
	free(sim->pool);
	free(sim);
	printf("%llu seeds, %llu connections, %llu bytes, %llu segments (%llu sent again), %llu "
	       "SACK blocks; "
	       "%llu lost, %llu reordered, %llu duplicated; %u seeds failed\n",
	       seeds, (unsigned long long)sums.connections, (unsigned long long)sums.bytes,
	       (unsigned long long)sums.carried, (unsigned long long)sums.retransmits,
	       (unsigned long long)sums.reports, (unsigned long long)sums.lost,
	       (unsigned long long)sums.reordered, (unsigned long long)sums.duplicated, failed);
	return failed != 0;
}
