/* tests/unit/cluster/town.h - a few whole nodes on a perfect network in virtual time: for tests that need peers, not accidents.
 *
 *     town_new(n) -> town_mesh() -> town_run(ms) ... town_kill(), town_cut(), town_run() ... ask a node's view
 *
 * One millisecond per hop and per save. Every step is followed by cluster_check(). Messages travel as values.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/view.h"

#define TOWN_MAX     12
#define TOWN_TIMEOUT 1000 /* node timeout, ms */

struct town_event;

struct town_node {
	struct cluster *c;
	bool alive, data_alive, link_up, paused;
	uint64_t offset, link_ms, save_ms, restarted;
	uint32_t *keys;
	uint32_t role_of; /* last EFFECT_ROLE */
	unsigned histories, dropped_slots, drop_alls, slots_effects, persists;
	uint64_t pause_until_ms;
	uint64_t sent[BUS_TYPE_COUNT];
	uint64_t traced[TRACE_COUNT], last_number[TRACE_COUNT], last_ms[TRACE_COUNT];
	struct town_event *waiting; /* effects with after */
};

struct town {
	unsigned count;
	uint64_t now_ms, links;
	bool cut[TOWN_MAX][TOWN_MAX];
	struct town_node nodes[TOWN_MAX];
	struct effects *out;
	struct town_event *queue;
	struct town_conn *conns;
	unsigned conn_count;
};

struct town *town_new(unsigned count);
void town_free(struct town *t);
/* The nodes meet through node 0 and all know each other: at most 5 s. */
void town_mesh(struct town *t);
/* The first `primaries` nodes share the slots evenly; node p + k x primaries replicates node p. Runs until all is ok. */
void town_found(struct town *t, unsigned primaries);
void town_run(struct town *t, uint64_t ms);
/* Until node's counter of this trace grows; false: not within ms. */
bool town_run_until(struct town *t, unsigned node, enum cluster_trace trace, uint64_t ms);
void town_kill(struct town *t, unsigned node);
void town_cut(struct town *t, unsigned a, unsigned b, bool cut); /* both directions */
void town_isolate(struct town *t, unsigned node, bool cut);
/* A step of one node outside its events: begin a decision, make it, then town_end(). */
struct effects *town_begin(struct town *t, unsigned node);
void town_end(struct town *t, unsigned node);
struct cluster *town_view(struct town *t, unsigned node);
/* Index of node `of` in the view of node `in`; NODE_NONE. */
uint32_t town_index(struct town *t, unsigned in, unsigned of);
struct node *town_see(struct town *t, unsigned in, unsigned of);
uint64_t town_traced(struct town *t, enum cluster_trace trace); /* by all */
