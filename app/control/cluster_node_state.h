/* app/control/cluster_node_state.h - what the files of a cluster node share. Private to app/control. */
#pragma once
#include "app/control/bus.h"
#include "app/control/cluster_node.h"
#include "app/control/disk.h"
#include "app/control/gate.h"
#include "app/store/allocator.h"
#include "cluster/ballot.h"
#include "cluster/step.h"
#include "cluster/view.h"

struct rte_memzone;

struct save {                 /* one at a time (cluster.h C4) */
	uint64_t number;      /* 0: none under way */
	uint64_t fence;       /* O2: answered before it counts */
	uint64_t retry_at_ms; /* failed: submit again then; 0: not */
	bool with_helper, on_disk;
	uint8_t *text;
	size_t size; /* of text */
	struct disk_replace job;
};

struct cluster_node_counters {
	_Atomic uint64_t steps, saves, saves_failed, fences, gate_refused, stopped_data;
	_Atomic uint64_t traced[TRACE_COUNT], refused[MESSAGE_REFUSAL_COUNT], ballots[BALLOT_COUNT];
	_Atomic uint64_t longest_step_us, longest_turn_us;
};

struct cluster_node {
	struct cluster_node_options of;
	struct allocator allocator;
	struct cluster *cluster;
	struct effects *effects;
	const struct rte_memzone *slots_zone;
	struct slot_table *slots;
	struct bus *bus;
	struct disk *disk;
	struct gate gate;
	struct save save;
	uint64_t now_us, now_ms;
	uint64_t fence_asked, fence_answered;
	uint64_t pause_until_ms, pause_fence; /* writes are paused once pause_fence is answered */
	bool paused_seen;                     /* a step knows that writes are paused */
	bool data_alive, begun;
	bool slots_dropped;
	struct slot_bitmap dropped;
	struct cluster_node_counters counters;
};

static inline void
counter_add(_Atomic uint64_t *counter, uint64_t more)
{
	/* One writer: a load and a store, no locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

static inline void
counter_raise(_Atomic uint64_t *counter, uint64_t value)
{
	if (value > atomic_load_explicit(counter, memory_order_relaxed))
		atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* cluster_settings.c */
void cluster_settings(const struct config *config, struct cluster_config *out);
/* save.c: nodes.conf. False: error is written. */
bool save_open(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX]);
void save_close(struct cluster_node *node);
/* EFFECT_PERSIST: the text is fixed now. */
void save_begin(struct cluster_node *node, uint64_t number, const struct cluster_facts *facts);
/* What the helper gave back, what is to be tried again. The number that is on disk and fenced, or 0. */
uint64_t save_turn(struct cluster_node *node);
/* effects.c: those of the step that was just made; and those that waited for number. */
void effects_run(struct cluster_node *node, const struct cluster_facts *facts);
/* First turn: what the file says of slots and role reaches the data lcores. */
void effects_begin(struct cluster_node *node);
void effects_release(struct cluster_node *node, uint64_t number);
/* How far our data is: what an election counts. */
uint64_t cluster_node_offset(const struct cluster_node *node);
