/* app/cmd/latency.h - what took long (LATENCY), and how long each command takes (LATENCY HISTOGRAM, INFO latencystats).
 *
 *     call_execute() --ticks--> latency_count() : the command's histogram, always while latency-tracking is on
 *                           --> latency_note()  : a sample of an event, from latency-monitor-threshold on
 *
 * E1  Of one event and one second the longest is kept; of an event the LATENCY_SAMPLES newest seconds.
 * E2  A histogram has four buckets to each power of two of ticks: a percentile is told at most a quarter too high.
 * One per member of a group; LATENCY and INFO merge them inside a barrier.
 */
#pragma once
#include <stdint.h>

#define LATENCY_SAMPLES 160u
#define LATENCY_BUCKETS 128u

enum latency_event { LATENCY_COMMAND, LATENCY_FAST_COMMAND, LATENCY_EXPIRE, LATENCY_EVENT_COUNT };

struct latency_sample {
	uint32_t unix_s, ms;
};

struct latency_series {
	uint32_t max_ms, count, next; /* next: where the next sample goes */
	struct latency_sample samples[LATENCY_SAMPLES];
};

struct latency {
	struct latency_series events[LATENCY_EVENT_COUNT];
};

struct latency_histogram { /* of one command, by ticks */
	uint32_t buckets[LATENCY_BUCKETS];
};

struct server;

void latency_note(struct server *server, enum latency_event event, uint64_t duration_us);
void latency_count(struct latency_histogram *histogram, uint64_t ticks);
void latency_add(struct latency_histogram *sum, const struct latency_histogram *more);
/* The smallest bound, in ticks, below which percent of all are. 0: there are none. */
uint64_t latency_percentile(const struct latency_histogram *histogram, double percent);
