/* tests/sim/cluster/disk.h - a host's nodes.conf: what is there now, and what is on its way.
 *
 * The node writes a temporary file and renames it, so that after a crash there is the old text or the new one, never a mixture;
 * which of the two is chance as long as the write is under way.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bus/msg.h"

struct world;
struct host;

struct disk_facts { /* what a text says of its own node, read by the simulator's own parser */
	bool valid, primary;
	struct node_id id, replica_of;
	uint64_t current_epoch, last_vote_epoch, config_epoch;
	struct slot_bitmap slots; /* its own, or its primary's */
};

struct disk {
	char *text; /* NULL: never written */
	size_t len;
	struct disk_facts facts;
	char *flying_text;
	size_t flying_len;
	uint64_t flying_number;          /* 0: nothing is under way */
	uint64_t done_number;            /* the last that this process completed */
	uint64_t slow_until_us, slow_us; /* every write that begins before takes slow_us more */
	uint64_t broken_until_us;        /* writes fail, and are tried again, until then */
};

struct disk_facts disk_parse(const char *text, size_t len);
void disk_persist(struct world *w, struct host *h, uint64_t number);
/* EVENT_PERSISTED: the write that was under way is complete. */
void disk_done(struct world *w, struct host *h, uint64_t number);
void disk_crash(struct world *w, struct host *h);
void disk_free(struct disk *disk);
