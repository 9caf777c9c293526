/* app/bench/load.h - a run: who sends what next, and whether what comes back is right. Knows no transport and no clock.
 *
 *     CONNECT -> FILL -> WARM -> INFO_BEFORE -> MEASURE -> INFO_AFTER -> DONE          FAILED, from anywhere
 *                `--------------- each ends when every request is answered ---------------'
 *
 *     transport --load_connected()--> turn: load_next() = who may send how much --> load_render() into its output
 *               --load_take()-------> bytes that came
 *               --load_tick()-------> time
 *
 * B1  Closed loop: a connection sends its whole pipeline, and again when all of it is answered (as redis-benchmark does).
 * B2  Open loop: request n is due at start + n / rate; its latency counts from then, whether a connection was free or not.
 * B3  Every reply is checked against its request. One that is wrong, or does not come, fails the run; error replies are counted.
 * B4  Nothing is allocated after load_create().
 * B5  With --active only that many connections send, drawn anew each second of WARM and MEASURE; the others are open and silent.
 * Times are ticks of the caller's clock.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/bench/histogram.h"
#include "app/bench/options.h"
#include "app/bench/workload.h"
#include "proto/base/prng.h"
#include "proto/resp/reply.h"

#define LOAD_FILL_PIPELINE 64
#define LOAD_INFO_MAX      16384
#define LOAD_TEXT_MAX      120
#define LOAD_STALL_SECONDS 5 /* so long without any reply, and the rest is missing */

enum load_phase {
	LOAD_CONNECT,
	LOAD_FILL,
	LOAD_WARM,
	LOAD_INFO_BEFORE,
	LOAD_MEASURE,
	LOAD_INFO_AFTER,
	LOAD_DONE,
	LOAD_FAILED,
	LOAD_PHASE_COUNT,
};

struct load_pending {
	uint64_t at; /* when it was due */
	uint32_t key;
	uint8_t op; /* enum workload_op */
};

struct load_conn {
	struct load_pending *pending; /* a ring of load->pending_max */
	uint32_t first, count;
	uint32_t offset; /* of the value that is coming */
	bool listed;     /* in load->senders */
	uint32_t round;  /* load->round: it may send */
	bool wrong;      /* the reply that is coming */
	struct reply_reader reader;
};

struct load_counters {
	uint64_t requests, replies;
	uint64_t hits, misses; /* of GET */
	uint64_t errors, moved;
	uint64_t wrong;
};

struct load {
	const struct bench_options *options;
	struct workload workload;
	struct prng prng;
	uint64_t hz;
	enum load_phase phase;
	uint64_t phase_at, phase_until;
	uint64_t due_max; /* requests that this phase may send */
	bool sending;
	uint32_t connected;
	uint32_t pending_max; /* power of two */
	uint64_t pending;     /* requests without a reply */
	uint64_t replied_at;
	uint32_t depth;     /* this phase's pipeline */
	uint64_t set_below; /* a 32-bit draw below it is a SET */
	struct load_conn *conns;
	uint32_t *senders; /* a ring: connections that may send */
	uint32_t senders_first, senders_count;
	uint32_t round;                /* B5: how often it was drawn who sends */
	uint64_t draw_at;              /* the next time */
	struct load_counters counters; /* of this phase */
	struct load_counters measured;
	uint64_t measured_ticks;
	uint64_t flooded; /* frames of a flood that the transport sent while measuring */
	struct histogram latency;
	char info[2][LOAD_INFO_MAX]; /* before and after */
	uint32_t info_len[2];
	char first_error[LOAD_TEXT_MAX];
	uint32_t first_error_len;
	const struct load_conn *first_error_of; /* it is still coming, there */
	char failure[LOAD_TEXT_MAX];
	_Atomic uint64_t shown_replies; /* for the progress line of another thread */
	_Atomic uint32_t shown_phase;
};

/* hz: ticks per second. NULL: no memory. */
struct load *load_create(const struct bench_options *options, uint64_t hz);
void load_destroy(struct load *load);

/* One more connection is there. */
void load_connected(struct load *load, uint64_t now);
/* A connection ended: fails the run unless it is over. */
void load_lost(struct load *load, const char *why);
/* A connection that may send, and how many requests; 0: none. It is asked once, and must send that many. */
uint32_t load_next(struct load *load, uint64_t now, uint32_t *conn);
/* Writes its next request, at most load->workload.request_max bytes. Answers the bytes. */
size_t load_render(struct load *load, uint32_t conn, uint64_t now, uint8_t *at);
void load_take(struct load *load, uint32_t conn, struct span bytes, uint64_t now);
void load_tick(struct load *load, uint64_t now);

static inline bool
load_over(const struct load *load)
{
	return load->phase == LOAD_DONE || load->phase == LOAD_FAILED;
}
const char *load_phase_name(enum load_phase phase);
