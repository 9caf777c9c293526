/* cluster/migrate.h - a spare replica moves to a primary that has none (spec A36).
 *
 * Decided by each replica alone, from one rule: of the replicas of the primaries with most healthy ones, the smallest id goes,
 * if its primary keeps more than the barrier and the orphan has been one for MIGRATE_DELAY_MS.
 */
#pragma once
#include <stdint.h>

struct cluster;
struct effects;

#define MIGRATE_DELAY_MS 5000

enum migrate_refusal {
	MIGRATE_ALLOWED,
	MIGRATE_SWITCHED_OFF,
	MIGRATE_NOT_A_REPLICA,
	MIGRATE_CLUSTER_FAILS,
	MIGRATE_BARRIER, /* our primary would keep too few */
	MIGRATE_NO_ORPHAN,
	MIGRATE_NOT_RICHEST, /* another primary has more replicas, or none has two */
	MIGRATE_ANOTHER_GOES,
	MIGRATE_TOO_SOON,
	MIGRATE_REFUSAL_COUNT,
};

const char *migrate_refusal_name(enum migrate_refusal refusal);

/* Counts replicas and notes since when a primary is an orphan; part of a tick. */
void migrate_count(struct cluster *c);
/* *orphan: whom we would follow. */
enum migrate_refusal migrate_decide(const struct cluster *c, uint32_t *orphan);
void migrate_run(struct cluster *c, struct effects *out);
