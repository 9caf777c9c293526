/* cluster/manual.c - a failover without loss: the primary stops writing, the replica reaches its offset, then asks for votes that
 * its living primary does not prevent (FORCE_ACK).
 *
 * Redis names the offset in the frame that answers MFSTART, because its writes stop in the same turn. Ours run on other lcores:
 * the offset is named when they have all stopped (M1), which costs one more turn of the control lcore.
 */
#include "cluster/manual.h"

#include "cluster/emit.h"
#include "cluster/epoch.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

enum manual_refusal
manual_decide(const struct cluster *c, enum manual_form form)
{
	const struct node *me = &c->nodes[0];
	if (!node_is_replica(me))
		return MANUAL_NOT_A_REPLICA;
	if (me->primary == NODE_NONE)
		return MANUAL_PRIMARY_UNKNOWN;
	const struct node *primary = &c->nodes[me->primary];
	if (form == MANUAL_DEFAULT && (node_has(primary, NODE_FAIL) || !primary->out_up))
		return MANUAL_PRIMARY_DOWN;
	return MANUAL_STARTED;
}

static void
enter(struct cluster *c, enum manual_state state)
{
	static const uint8_t allowed[] = {
		[MANUAL_IDLE] = 1u << MANUAL_IDLE | 1u << MANUAL_WAIT_OFFSET |
				1u << MANUAL_CAN_START | 1u << MANUAL_PAUSED_FOR,
		[MANUAL_WAIT_OFFSET] = 1u << MANUAL_IDLE | 1u << MANUAL_CAN_START,
		[MANUAL_CAN_START] = 1u << MANUAL_IDLE,
		[MANUAL_PAUSED_FOR] = 1u << MANUAL_IDLE,
	};
	ASSERT((allowed[c->manual.state] >> state & 1) != 0);
	c->manual.state = state;
	if (state != MANUAL_CAN_START)
		return;
	election_reset(c); /* L4 */
	c->failover_wanted = true;
}

enum manual_refusal
manual_start(struct cluster *c, enum manual_form form, struct effects *out)
{
	enum manual_refusal refusal = manual_decide(c, form);
	if (refusal != MANUAL_STARTED)
		return refusal;
	if (c->manual.state != MANUAL_IDLE)
		manual_end(c, MANUAL_REPLACED, out);
	if (form == MANUAL_TAKEOVER) {
		epoch_bump(c, out);
		emit_trace(c, out, TRACE_TAKEOVER, 0, c->nodes[0].config_epoch);
		election_take_over(c, c->nodes[0].config_epoch, out);
		return MANUAL_STARTED;
	}
	c->manual = (struct manual){.state = MANUAL_IDLE,
				    .deadline_ms = c->now_ms + c->config.manual_failover_timeout_ms,
				    .replica = NODE_NONE};
	enter(c, form == MANUAL_FORCE ? MANUAL_CAN_START : MANUAL_WAIT_OFFSET);
	emit_trace(c, out, TRACE_MANUAL_STARTED, 0, form);
	if (form == MANUAL_DEFAULT)
		emit_mfstart(c, out, c->nodes[0].primary);
	return MANUAL_STARTED;
}

static void
tell_paused(struct cluster *c, struct effects *out)
{
	struct manual *m = &c->manual;
	if (!c->facts->writes_paused || m->told)
		return;
	m->told = true;
	if (m->replica != NODE_NONE && c->nodes[m->replica].in == m->link)
		emit_ping_on(c, out, m->replica, m->link);
}

enum mfstart_refusal
manual_on_mfstart(struct cluster *c, uint32_t node, bus_link link, struct effects *out)
{
	if (!node_is_primary(&c->nodes[0]))
		return MFSTART_NOT_A_PRIMARY;
	if (!node_is_replica(&c->nodes[node]) || c->nodes[node].primary != 0)
		return MFSTART_NOT_OUR_REPLICA;
	if (c->manual.state != MANUAL_IDLE)
		manual_end(c, MANUAL_REPLACED, out);
	uint64_t timeout_ms = c->config.manual_failover_timeout_ms;
	c->manual = (struct manual){.state = MANUAL_IDLE,
				    .deadline_ms = c->now_ms + timeout_ms,
				    .replica = node,
				    .link = link};
	enter(c, MANUAL_PAUSED_FOR);
	emit_add(out, EFFECT_PAUSE_WRITES)->number = c->now_ms + MANUAL_PAUSE_FACTOR * timeout_ms;
	emit_trace(c, out, TRACE_MANUAL_STARTED, node, MANUAL_DEFAULT);
	return MFSTART_PAUSED;
}

void
manual_on_paused(struct cluster *c, uint32_t node, const struct bus_head *head)
{
	struct manual *m = &c->manual;
	if (m->state != MANUAL_WAIT_OFFSET || m->offset_known || c->nodes[0].primary != node)
		return;
	m->offset_known = true;
	m->offset = head->offset;
	c->failover_wanted = true;
}

void
manual_end(struct cluster *c, enum manual_end end, struct effects *out)
{
	ASSERT(c->manual.state != MANUAL_IDLE);
	if (c->manual.state == MANUAL_PAUSED_FOR) {
		struct effect *resume = emit_add(out, EFFECT_PAUSE_WRITES);
		/* The stream must not grow before the role has changed, or the winner cannot let us go on from it. */
		if (end == MANUAL_ROLE_CHANGED)
			resume->after = persist_number(c);
	}
	enter(c, MANUAL_IDLE);
	c->manual = (struct manual){.replica = NODE_NONE};
	emit_trace(c, out, TRACE_MANUAL_ENDED, 0, end);
}

void
manual_run(struct cluster *c, struct effects *out)
{
	struct manual *m = &c->manual;
	if (m->state == MANUAL_IDLE)
		return;
	if (c->now_ms > m->deadline_ms) {
		manual_end(c, MANUAL_TIMED_OUT, out);
		return;
	}
	if (m->state == MANUAL_PAUSED_FOR)
		tell_paused(c, out);
	if (m->state == MANUAL_WAIT_OFFSET && m->offset_known && persist_role_is_durable(c) &&
	    c->facts->offset >= m->offset)
		enter(c, MANUAL_CAN_START);
}
