/* cluster/migrate.c - replica migration. All replicas compute the same candidate from the same table; if two tables differ for a
 * moment and two replicas go, the orphan has two, which harms nobody.
 */
#include "cluster/migrate.h"

#include "cluster/emit.h"
#include "cluster/role.h"
#include "cluster/view.h"

static bool
is_orphan(const struct node *n)
{
	return n->in_use && node_votes(n) && !node_has(n, NODE_FAIL) &&
	       node_has(n, NODE_MIGRATE_TO) && n->ok_replica_count == 0;
}

static void
note_replicas(struct cluster *c, struct node *n)
{
	if (n->replica_count > 0)
		n->flags |= NODE_MIGRATE_TO;
	else if (n->replica_before > 0)
		n->flags &=
			(uint16_t)~NODE_MIGRATE_TO; /* its last one left: no longer a shard of several */
	if (!is_orphan(n))
		n->orphaned_ms = 0;
	else if (n->orphaned_ms == 0)
		n->orphaned_ms = c->now_ms;
}

void
migrate_count(struct cluster *c)
{
	for (uint32_t i = 0; i < c->high; i++) {
		struct node *n = &c->nodes[i];
		n->ok_replica_count = 0;
		n->replica_before = n->replica_count;
		n->replica_count = 0;
	}
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use || !node_is_replica(n) || n->primary == NODE_NONE)
			continue;
		c->nodes[n->primary].replica_count++;
		c->nodes[n->primary].ok_replica_count += !node_has(n, NODE_FAIL);
	}
	for (uint32_t i = 0; i < c->high; i++) {
		struct node *n = &c->nodes[i];
		if (n->in_use && node_is_primary(n))
			note_replicas(c, n);
	}
}

static uint32_t
most_replicas(const struct cluster *c)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (n->in_use && node_is_primary(n) && !node_has(n, NODE_FAIL) &&
		    n->ok_replica_count > most)
			most = n->ok_replica_count;
	}
	return most;
}

/* Smallest id among the healthy replicas of the primaries that have most of them. */
static bool
another_goes(const struct cluster *c, uint32_t most)
{
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use || !node_is_replica(n) || n->primary == NODE_NONE ||
		    node_has(n, NODE_FAIL))
			continue;
		if (c->nodes[n->primary].ok_replica_count == most &&
		    node_id_compare(&n->id, &c->nodes[0].id) < 0)
			return true;
	}
	return false;
}

static uint32_t
first_orphan(const struct cluster *c)
{
	for (uint32_t i = 1; i < c->high; i++) {
		if (is_orphan(&c->nodes[i]))
			return i;
	}
	return NODE_NONE;
}

enum migrate_refusal
migrate_decide(const struct cluster *c, uint32_t *orphan)
{
	const struct node *me = &c->nodes[0];
	if (!c->config.allow_replica_migration)
		return MIGRATE_SWITCHED_OFF;
	if (!node_is_replica(me) || me->primary == NODE_NONE)
		return MIGRATE_NOT_A_REPLICA;
	if (!c->health.ok)
		return MIGRATE_CLUSTER_FAILS;
	*orphan = first_orphan(c);
	if (*orphan == NODE_NONE)
		return MIGRATE_NO_ORPHAN;
	uint32_t most = most_replicas(c), mine = c->nodes[me->primary].ok_replica_count;
	if (most < 2 || mine != most)
		return MIGRATE_NOT_RICHEST;
	if (mine <= c->config.migration_barrier)
		return MIGRATE_BARRIER;
	if (another_goes(c, most))
		return MIGRATE_ANOTHER_GOES;
	const struct node *target = &c->nodes[*orphan];
	return c->now_ms - target->orphaned_ms > MIGRATE_DELAY_MS ? MIGRATE_ALLOWED
								  : MIGRATE_TOO_SOON;
}

void
migrate_run(struct cluster *c, struct effects *out)
{
	uint32_t orphan;
	if (migrate_decide(c, &orphan) != MIGRATE_ALLOWED)
		return;
	emit_trace(c, out, TRACE_MIGRATED, orphan, 0);
	role_follow(c, orphan, out);
}
