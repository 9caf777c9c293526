/* tests/sim/cluster/world.c - virtual time: a heap of what is due, and the clock that jumps to its top. */
#include "tests/sim/cluster/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"

#define KNOWN_SPARE 8u /* places in a view beyond the hosts: handshakes, ids that are gone */

static bool
event_before(const struct event *a, const struct event *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

void
world_push(struct world *w, struct event event)
{
	if (w->heap_count == w->heap_room) {
		w->heap_room = w->heap_room == 0 ? 1024 : 2 * w->heap_room;
		w->heap = realloc(w->heap, w->heap_room * sizeof(*w->heap));
		ASSERT(w->heap != NULL);
	}
	event.order = w->order++;
	if (event.due_us < w->now_us)
		event.due_us = w->now_us;
	size_t at = w->heap_count++;
	while (at > 0 && event_before(&event, &w->heap[(at - 1) / 2])) {
		w->heap[at] = w->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->heap[at] = event;
}

static struct event
world_pop(struct world *w)
{
	struct event top = w->heap[0];
	struct event last = w->heap[--w->heap_count];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= w->heap_count)
			break;
		if (child + 1 < w->heap_count && event_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!event_before(&w->heap[child], &last))
			break;
		w->heap[at] = w->heap[child];
		at = child;
	}
	if (w->heap_count > 0)
		w->heap[at] = last;
	return top;
}

void
world_later(struct world *w, uint64_t delay_us, void (*call)(struct world *w, uint64_t number),
	    uint64_t number)
{
	world_push(w, (struct event){.due_us = w->now_us + delay_us,
				     .kind = EVENT_CALL,
				     .host = HOST_NONE,
				     .number = number,
				     .call = call});
}

struct world *
world_new(const struct world_options *options)
{
	struct world *w = calloc(1, sizeof(*w));
	ASSERT(w != NULL && options->hosts <= WORLD_HOSTS_MAX);
	w->options = *options;
	w->host_count = options->hosts;
	w->known_max = 2 * options->hosts + KNOWN_SPARE;
	if (w->known_max > CLUSTER_NODES_MAX || options->hosts > 100)
		w->known_max = options->hosts + KNOWN_SPARE;
	prng_seed(&w->net_prng, options->seed * 4);
	prng_seed(&w->disk_prng, options->seed * 4 + 1);
	prng_seed(&w->fault_prng, options->seed * 4 + 2);
	w->loss_per_million = options->loss_per_million;
	w->latency_us = options->latency_us;
	w->jitter_us = options->jitter_us;
	w->now_us = 1;
	w->hosts = calloc(w->host_count, sizeof(*w->hosts));
	w->cut = calloc((size_t)w->host_count * w->host_count, 1);
	w->effects = malloc(sizeof(*w->effects));
	w->message = calloc(1, sizeof(*w->message));
	w->gossip = calloc(BUS_GOSSIP_MAX, sizeof(*w->gossip));
	w->reply = malloc(WORLD_REPLY_MAX);
	ASSERT(w->hosts != NULL && w->cut != NULL && w->effects != NULL && w->message != NULL &&
	       w->gossip != NULL && w->reply != NULL);
	for (unsigned slot = 0; slot < SLOT_COUNT; slot += 64)
		w->keys[slot] = 3;
	check_init(w);
	for (uint32_t i = 0; i < w->host_count; i++)
		host_init(w, i);
	return w;
}

static void
world_drop_event(struct event *event)
{
	if (event->kind == EVENT_ARRIVE)
		frame_drop(event->frame);
	/* Connections are counted by their events: an event that never runs lets go here. */
	if (event->conn != NULL)
		net_let_go(event->conn);
}

void
world_free(struct world *w)
{
	for (uint32_t i = 0; i < w->host_count; i++) {
		struct host *h = &w->hosts[i];
		net_free_host(w, h);
		for (unsigned j = 0; j < h->deferred_count; j++)
			world_drop_event(&h->deferred[j]);
	}
	for (size_t i = 0; i < w->heap_count; i++)
		world_drop_event(&w->heap[i]);
	for (uint32_t i = 0; i < w->host_count; i++)
		host_free(w, &w->hosts[i]);
	check_free(w);
	free(w->nemesis);
	free(w->heap);
	free(w->hosts);
	free(w->cut);
	free(w->effects);
	free(w->message);
	free(w->gossip);
	free(w->reply);
	free(w);
}

void
world_say(struct world *w, const char *format, ...)
{
	if (w->say == NULL)
		return;
	char line[WORLD_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	w->say(w, line, w->say_to);
}

void
world_violate(struct world *w, enum violation_kind kind, const char *format, ...)
{
	if (w->violation != VIOLATION_NONE)
		return;
	w->violation = kind;
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(w->violation_text, sizeof(w->violation_text), format, arguments);
	va_end(arguments);
	world_say(w, "VIOLATION %s", w->violation_text);
}

uint32_t
world_find(const struct world *w, const struct node_id *id)
{
	for (uint32_t i = 0; i < w->host_count; i++)
		if (node_id_equal(&w->hosts[i].id, id))
			return i;
	return HOST_NONE;
}

const char *
world_name(const struct world *w, const struct node_id *id, char *text)
{
	uint32_t index = world_find(w, id);
	if (node_id_is_nobody(id))
		(void)snprintf(text, 16, "nobody");
	else if (index == HOST_NONE)
		(void)snprintf(text, 16, "(%.8s)", (const char *)id->bytes);
	else
		(void)snprintf(text, 16, "n%u", index + 1);
	return text;
}

/* A paused process sees nothing until it goes on. */
static bool
world_defer(struct world *w, const struct event *event)
{
	if (event->kind != EVENT_TICK && event->kind != EVENT_ARRIVE && event->kind != EVENT_SYN &&
	    event->kind != EVENT_PERSISTED && event->kind != EVENT_REFUSED)
		return false;
	struct host *h = &w->hosts[event->host];
	if (!h->paused)
		return false;
	if (h->deferred_count == h->deferred_room) {
		h->deferred_room = h->deferred_room == 0 ? 64 : 2 * h->deferred_room;
		h->deferred = realloc(h->deferred, h->deferred_room * sizeof(*h->deferred));
		ASSERT(h->deferred != NULL);
	}
	h->deferred[h->deferred_count++] = *event;
	return true;
}

static void
world_dispatch(struct world *w, const struct event *event)
{
	struct host *h = event->host == HOST_NONE ? NULL : &w->hosts[event->host];
	bool same_life = h != NULL && h->alive && h->life == event->life;
	switch (event->kind) {
	case EVENT_TICK:
		if (same_life)
			host_tick(w, h, event->number);
		break;
	case EVENT_ARRIVE:
		net_on_arrive(w, event);
		break;
	case EVENT_RETRY:
		net_on_retry(w, event);
		break;
	case EVENT_SYN:
		net_on_syn(w, event);
		break;
	case EVENT_PERSISTED:
		if (same_life)
			disk_done(w, h, event->number);
		break;
	case EVENT_REFUSED:
		if (same_life)
			host_event(w, h,
				   &(struct cluster_event){.kind = CLUSTER_LINK_DOWN,
							   .link = event->number});
		break;
	case EVENT_RESUME:
		if (same_life)
			host_resume(w, h);
		break;
	case EVENT_RESTART:
		if (h != NULL && !h->alive)
			host_restart(w, h);
		break;
	case EVENT_CALL:
		event->call(w, event->number);
		break;
	}
}

void
world_run(struct world *w, uint64_t until_us)
{
	while (w->heap_count > 0 && w->heap[0].due_us <= until_us &&
	       w->violation == VIOLATION_NONE) {
		struct event event = world_pop(w);
		ASSERT(event.due_us >= w->now_us);
		w->now_us = event.due_us;
		if (!world_defer(w, &event))
			world_dispatch(w, &event);
	}
	if (w->violation == VIOLATION_NONE)
		w->now_us = until_us;
}

bool
world_run_until(struct world *w, uint64_t for_us, uint64_t step_us, bool (*done)(struct world *w))
{
	uint64_t end_us = w->now_us + for_us;
	while (w->violation == VIOLATION_NONE) {
		if (done(w))
			return true;
		if (w->now_us >= end_us)
			return false;
		world_run(w, w->now_us + step_us);
	}
	return false;
}
