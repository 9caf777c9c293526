/* cluster/failure.c - suspicion is ours alone, FAIL is what a quorum of voting primaries says. Any node may reach that count and
 * tells everybody; a replica does not count itself. Reports live in one pool, a list per node.
 */
#include "cluster/failure.h"

#include "cluster/emit.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static void
set_pfail(struct cluster *c, struct node *n, bool on)
{
	if (on == node_has(n, NODE_PFAIL))
		return;
	n->flags = (uint16_t)(on ? n->flags | NODE_PFAIL : n->flags & ~NODE_PFAIL);
	c->pfail_count += on ? 1 : UINT32_MAX;
	c->health_wanted = true;
}

static void
set_fail(struct cluster *c, struct node *n)
{
	set_pfail(c, n, false);
	n->flags |= NODE_FAIL;
	n->fail_ms = c->now_ms;
	c->health_wanted = c->failover_wanted = true;
	c->slots_changed = true; /* SLOTS and SHARDS hide failed replicas */
	persist_want(c);
}

void
failure_set_flags(struct cluster *c, uint32_t node, uint16_t flags)
{
	if ((flags & NODE_FAIL) != 0)
		set_fail(c, &c->nodes[node]);
	else if ((flags & NODE_PFAIL) != 0)
		set_pfail(c, &c->nodes[node], true);
}

static uint64_t
last_sign_ms(const struct node *n)
{
	return n->ping_sent_ms > n->data_received_ms ? n->ping_sent_ms : n->data_received_ms;
}

uint64_t
failure_suspect_at(const struct cluster *c, uint32_t node)
{
	const struct node *n = &c->nodes[node];
	return n->ping_sent_ms == 0 ? UINT64_MAX : last_sign_ms(n) + c->config.node_timeout_ms + 1;
}

void
failure_suspect(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if (c->now_ms < failure_suspect_at(c, node) || node_has(n, NODE_PFAIL | NODE_FAIL))
		return;
	set_pfail(c, n, true);
	c->suspicion_wanted = true;
	emit_trace(c, out, TRACE_PFAIL, node, c->now_ms - n->ping_sent_ms);
	/* We may be the last to suspect it: the reports of the others are here already. Redis waits for the next report; alone it
	 * would wait for ever (r#12824, for a cluster of one voter).
	 */
	failure_decide(c, node, out);
}

static void
remove_report(struct cluster *c, uint32_t *at)
{
	uint32_t index = *at;
	*at = c->reports[index].next;
	c->reports[index].next = c->report_free;
	c->report_free = index;
}

static uint32_t *
find_report(struct cluster *c, uint32_t node, uint32_t reporter)
{
	uint32_t *at = &c->nodes[node].report_first;
	while (*at != NODE_NONE && c->reports[*at].reporter != reporter)
		at = &c->reports[*at].next;
	return at;
}

void
failure_report(struct cluster *c, uint32_t node, uint32_t reporter, struct effects *out)
{
	ASSERT(node != 0);
	if (node == reporter)
		return;
	uint32_t *at = find_report(c, node, reporter);
	if (*at == NODE_NONE) {
		if (c->report_free == NODE_NONE) {
			c->counters.reports_full++;
			return;
		}
		*at = c->report_free;
		c->report_free = c->reports[*at].next;
		c->reports[*at] = (struct report){.reporter = reporter, .next = NODE_NONE};
		emit_trace(c, out, TRACE_REPORT, node, reporter);
	}
	c->reports[*at].at_ms = c->now_ms;
	failure_decide(c, node, out);
}

void
failure_unreport(struct cluster *c, uint32_t node, uint32_t reporter)
{
	uint32_t *at = find_report(c, node, reporter);
	if (*at != NODE_NONE)
		remove_report(c, at);
}

uint32_t
failure_report_count(struct cluster *c, uint32_t node)
{
	uint64_t valid_ms = FAILURE_REPORT_FACTOR * c->config.node_timeout_ms;
	uint32_t count = 0, *at = &c->nodes[node].report_first;
	while (*at != NODE_NONE) {
		if (c->now_ms - c->reports[*at].at_ms > valid_ms) {
			remove_report(c, at);
			continue;
		}
		count++;
		at = &c->reports[*at].next;
	}
	return count;
}

void
failure_decide(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if (!node_has(n, NODE_PFAIL) || node_has(n, NODE_FAIL))
		return;
	uint32_t count = failure_report_count(c, node) + node_votes(&c->nodes[0]);
	if (count < view_quorum(c))
		return;
	set_fail(c, n);
	n->fail_untold = true;
	c->fails_untold = true;
	emit_trace(c, out, TRACE_FAIL, node, count);
}

enum fail_refusal
failure_on_message(struct cluster *c, const struct node_id *failed, uint32_t sender,
		   struct effects *out)
{
	uint32_t node = view_find(c, failed);
	if (node == NODE_NONE)
		return FAIL_UNKNOWN_NODE;
	if (node == 0)
		return FAIL_MYSELF;
	if (node_has(&c->nodes[node], NODE_FAIL))
		return FAIL_ALREADY;
	set_fail(c, &c->nodes[node]);
	emit_trace(c, out, TRACE_FAIL_TOLD, node, sender);
	return FAIL_TAKEN;
}

void
failure_on_pong(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if (node_has(n, NODE_PFAIL)) {
		set_pfail(c, n, false);
		emit_trace(c, out, TRACE_PFAIL_CLEARED, node, 0);
	}
	/* A primary with slots may be replaced any moment: only when 2T have passed and nobody took them (spec A15). */
	if (!node_has(n, NODE_FAIL) ||
	    (node_votes(n) &&
	     c->now_ms - n->fail_ms <= FAILURE_UNDO_FACTOR * c->config.node_timeout_ms))
		return;
	n->flags &= (uint16_t)~NODE_FAIL;
	n->fail_untold = false;
	c->health_wanted = c->slots_changed = true;
	persist_want(c);
	emit_trace(c, out, TRACE_FAIL_CLEARED, node, 0);
}

void
failure_tell(struct cluster *c, struct effects *out)
{
	if (!c->fails_untold)
		return;
	for (uint32_t i = 1; i < c->high; i++) {
		struct node *n = &c->nodes[i];
		if (!n->in_use || !n->fail_untold)
			continue;
		if (!emit_fail_all(c, out, i)) {
			out->more = true;
			return;
		}
		n->fail_untold = false;
	}
	c->fails_untold = false;
}

void
failure_forget(struct cluster *c, uint32_t node)
{
	struct node *n = &c->nodes[node];
	set_pfail(c, n, false);
	while (n->report_first != NODE_NONE)
		remove_report(c, &n->report_first);
	for (uint32_t i = 0; i < c->high; i++) {
		if (c->nodes[i].in_use)
			failure_unreport(c, i, node);
	}
}
