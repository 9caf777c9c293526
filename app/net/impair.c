/* app/net/impair.c - held frames are a binary heap on (due time, order of arrival), so that equal times keep their order. */
#include "app/net/impair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#define CHANCE_ONE       10000u
#define REORDER_DELAY_US 10000u
#define SEED_MAX         9007199254740992.0 /* 2^53: a double holds every integer up to it */

struct held {
	uint64_t due_us, order;
	struct rte_mbuf *frame;
};

struct impair {
	struct impair_config config;
	struct impair_counters counters;
	struct prng prng;
	struct rte_mempool *pool;
	uint64_t order;
	uint32_t count;
	struct held heap[IMPAIR_HELD_MAX];
};

static bool
parse_field(const char *name, size_t name_len, double value, struct impair_config *config)
{
	const struct {
		const char *name;
		uint32_t *to;
		double scale, max;
	} fields[] = {
		{"loss",          &config->loss,             100, 100},
		{"duplicate",     &config->duplicate,        100, 100},
		{"reorder",       &config->reorder,          100, 100},
		{"corrupt",       &config->corrupt,          100, 100},
		{"delay",         &config->delay_us,         1,   1e7},
		{"jitter",        &config->jitter_us,        1,   1e7},
		{"reorder-delay", &config->reorder_delay_us, 1,   1e7},
	};
	if (!(value >= 0)) /* nor NaN */
		return false;
	if (name_len == 4 && memcmp(name, "seed", 4) == 0 && value <= SEED_MAX) {
		config->seed = (uint64_t)value;
		return true;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == name_len &&
		    memcmp(name, fields[i].name, name_len) == 0 && value <= fields[i].max) {
			*fields[i].to = (uint32_t)(value * fields[i].scale);
			return true;
		}
	return false;
}

bool
impair_parse(const char *text, struct impair_config *config, char *error)
{
	memset(config, 0, sizeof(*config));
	while (*text != '\0') {
		const char *equals = strchr(text, '=');
		char *end = NULL;
		double value = equals != NULL ? strtod(equals + 1, &end) : 0;
		if (equals == NULL || end == equals + 1 || (*end != ',' && *end != '\0') ||
		    !parse_field(text, (size_t)(equals - text), value, config)) {
			snprintf(error, 160,
				 "net-impair: '%.20s': expected name=number, names are loss, "
				 "duplicate, reorder, corrupt (percent), delay, jitter (us), seed",
				 text);
			return false;
		}
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

struct impair *
impair_create(const struct impair_config *config, struct rte_mempool *pool)
{
	struct impair *impair = rte_zmalloc("impair", sizeof(*impair), 0);
	if (impair == NULL)
		return NULL;
	impair->config = *config;
	if (impair->config.reorder_delay_us == 0)
		impair->config.reorder_delay_us = REORDER_DELAY_US;
	impair->pool = pool;
	prng_seed(&impair->prng, config->seed);
	return impair;
}

void
impair_destroy(struct impair *impair)
{
	if (impair == NULL)
		return;
	for (uint32_t i = 0; i < impair->count; i++)
		rte_pktmbuf_free(impair->heap[i].frame);
	rte_free(impair);
}

static bool
sooner(const struct held *a, const struct held *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void
hold(struct impair *impair, struct rte_mbuf *frame, uint64_t due_us)
{
	if (impair->count == IMPAIR_HELD_MAX) {
		impair->counters.full++;
		rte_pktmbuf_free(frame);
		return;
	}
	struct held h = {due_us, impair->order++, frame};
	uint32_t i = impair->count++;
	while (i > 0 && sooner(&h, &impair->heap[(i - 1) / 2])) {
		impair->heap[i] = impair->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	impair->heap[i] = h;
}

static struct rte_mbuf *
take(struct impair *impair)
{
	struct rte_mbuf *frame = impair->heap[0].frame;
	struct held last = impair->heap[--impair->count];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= impair->count)
			break;
		if (child + 1 < impair->count &&
		    sooner(&impair->heap[child + 1], &impair->heap[child]))
			child++;
		if (!sooner(&impair->heap[child], &last))
			break;
		impair->heap[i] = impair->heap[child];
		i = child;
	}
	impair->heap[i] = last;
	return frame;
}

static bool
chance(struct impair *impair, uint32_t of)
{
	return of > 0 && prng_below(&impair->prng, CHANCE_ONE) < of;
}

/* One bit flips, in a copy (I2). NULL: no mbuf for the copy, the frame is lost. */
static struct rte_mbuf *
corrupt(struct impair *impair, struct rte_mbuf *frame)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(frame, impair->pool, 0, UINT32_MAX);
	rte_pktmbuf_free(frame);
	if (copy == NULL)
		return NULL;
	uint64_t bit = prng_below(&impair->prng, (uint64_t)copy->data_len * 8);
	*rte_pktmbuf_mtod_offset(copy, uint8_t *, bit / 8) ^= (uint8_t)(1u << (bit % 8));
	copy->ol_flags = 0; /* what the device vouched for is no longer so */
	impair->counters.corrupted++;
	return copy;
}

static void
push_one(struct impair *impair, struct rte_mbuf *frame, uint64_t now_us)
{
	const struct impair_config *config = &impair->config;
	impair->counters.frames++;
	if (chance(impair, config->loss)) {
		impair->counters.lost++;
		rte_pktmbuf_free(frame);
		return;
	}
	uint64_t due_us = now_us + config->delay_us;
	if (config->jitter_us > 0)
		due_us += prng_below(&impair->prng, config->jitter_us + 1);
	if (chance(impair, config->duplicate)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(frame, impair->pool, 0, UINT32_MAX);
		if (copy != NULL) {
			impair->counters.duplicated++;
			hold(impair, copy, due_us + prng_below(&impair->prng, REORDER_DELAY_US));
		}
	}
	if (chance(impair, config->corrupt))
		frame = corrupt(impair, frame);
	if (frame == NULL)
		return;
	if (chance(impair, config->reorder)) {
		impair->counters.reordered++;
		due_us += prng_below(&impair->prng, config->reorder_delay_us + 1);
	}
	hold(impair, frame, due_us);
}

void
impair_push(struct impair *impair, struct rte_mbuf **frames, uint16_t count, uint64_t now_us)
{
	for (uint16_t i = 0; i < count; i++)
		push_one(impair, frames[i], now_us);
}

uint16_t
impair_pop(struct impair *impair, struct rte_mbuf **out, uint16_t max, uint64_t now_us)
{
	uint16_t count = 0;
	while (count < max && impair->count > 0 && impair->heap[0].due_us <= now_us)
		out[count++] = take(impair);
	return count;
}

uint64_t
impair_next_at(const struct impair *impair)
{
	return impair->count > 0 ? impair->heap[0].due_us : UINT64_MAX;
}

const struct impair_counters *
impair_counters(const struct impair *impair)
{
	return &impair->counters;
}
