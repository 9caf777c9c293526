/* cluster/epoch.h - the cluster's logical clock: heard, kept apart, raised (spec A18, A24, A25).
 *
 * Q1  current_epoch is the greatest epoch heard anywhere, and saved when it grows (Redis saves it with the next other change).
 * Q2  Two primaries never keep one config epoch: the one with the smaller id moves on.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;
struct bus_head;

enum set_epoch_refusal {
	SET_EPOCH_DONE,
	SET_EPOCH_KNOWS_NODES,
	SET_EPOCH_NOT_ZERO,
	SET_EPOCH_TOO_GREAT,
	SET_EPOCH_REFUSAL_COUNT
};

void epoch_on_head(struct cluster *c, uint32_t sender, const struct bus_head *head);
void epoch_on_collision(struct cluster *c, uint32_t sender, const struct bus_head *head,
			struct effects *out);
/* What a header, an UPDATE or a handover says a primary has now: never less than before, and it may end our bid (A34). */
void epoch_raise_node(struct cluster *c, uint32_t node, uint64_t config_epoch);
/* Without anybody's consent: false if ours is the greatest already and not 0 ("STILL"). */
bool epoch_bump(struct cluster *c, struct effects *out);
enum set_epoch_refusal epoch_set(struct cluster *c, uint64_t epoch); /* CLUSTER SET-CONFIG-EPOCH */
