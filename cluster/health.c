/* cluster/health.c - one decision from the view, two delays from the clock. */
#include "cluster/health.h"

#include "cluster/emit.h"
#include "cluster/view.h"

uint64_t
health_rejoin_ms(const struct cluster *c)
{
	uint64_t timeout = c->config.node_timeout_ms;
	if (timeout < HEALTH_REJOIN_MS_MIN)
		return HEALTH_REJOIN_MS_MIN;
	return timeout < HEALTH_REJOIN_MS_MAX ? timeout : HEALTH_REJOIN_MS_MAX;
}

static uint32_t
reachable_count(const struct cluster *c)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		count += n->in_use && node_votes(n) && !node_has(n, NODE_PFAIL | NODE_FAIL);
	}
	return count;
}

static bool
owner_failed(const struct cluster *c)
{
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (n->in_use && n->slot_count > 0 && node_has(n, NODE_FAIL))
			return true;
	}
	return false;
}

static uint64_t
lease_ms(const struct cluster *c)
{
	return c->config.node_timeout_ms - c->config.node_timeout_ms / 8;
}

/* Voters, ourselves among them, that had a sign of life from us within the lease before at_ms. */
static uint32_t
leased_count(const struct cluster *c, uint64_t at_ms)
{
	uint32_t count = 1;
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		count += n->in_use && node_votes(n) && n->acked_ms != 0 &&
			 n->acked_ms + lease_ms(c) > at_ms;
	}
	return count;
}

static bool
is_fenced(const struct cluster *c)
{
	return c->config.self_fencing && node_votes(&c->nodes[0]) &&
	       leased_count(c, c->now_ms) < view_quorum(c);
}

/* The first time at which too few leases are left: their number only falls, so halve the span in which it happens. */
uint64_t
health_fence_at(const struct cluster *c)
{
	if (!c->config.self_fencing || !c->health.ok || !node_votes(&c->nodes[0]) ||
	    view_quorum(c) == 1)
		return UINT64_MAX;
	uint64_t enough_ms = c->now_ms, few_ms = c->now_ms + lease_ms(c);
	while (few_ms - enough_ms > 1) {
		uint64_t middle_ms = enough_ms + (few_ms - enough_ms) / 2;
		if (leased_count(c, middle_ms) < view_quorum(c))
			few_ms = middle_ms;
		else
			enough_ms = middle_ms;
	}
	return few_ms;
}

static enum health_reason
reason_of_view(const struct cluster *c)
{
	if (c->config.require_full_coverage && c->owned_count < SLOT_COUNT)
		return HEALTH_SLOT_UNOWNED;
	if (c->config.require_full_coverage && owner_failed(c))
		return HEALTH_OWNER_FAILED;
	if (reachable_count(c) < view_quorum(c))
		return HEALTH_MINORITY;
	return is_fenced(c) ? HEALTH_FENCED : HEALTH_OK;
}

enum health_reason
health_decide(const struct cluster *c)
{
	enum health_reason reason = reason_of_view(c);
	if (reason != HEALTH_OK || c->health.ok || !node_is_primary(&c->nodes[0]))
		return reason;
	if (c->now_ms - c->health.started_ms < HEALTH_WRITABLE_MS)
		return HEALTH_STARTING;
	if (c->health.minority_ms != 0 && c->now_ms - c->health.minority_ms < health_rejoin_ms(c))
		return HEALTH_REJOINING;
	return HEALTH_OK;
}

void
health_run(struct cluster *c, struct effects *out)
{
	struct health *h = &c->health;
	enum health_reason reason = health_decide(c);
	if (reachable_count(c) < view_quorum(c) || reason == HEALTH_FENCED)
		h->minority_ms = c->now_ms;
	if (h->reason == reason && h->ok == (reason == HEALTH_OK))
		return;
	bool changed = h->ok != (reason == HEALTH_OK);
	h->ok = reason == HEALTH_OK;
	h->reason = (uint8_t)reason;
	if (changed)
		c->slots_changed = true;
	if (changed || !h->ok)
		emit_trace(c, out, h->ok ? TRACE_STATE_OK : TRACE_STATE_FAIL, 0, reason);
}
