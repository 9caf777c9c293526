/* cluster/step.c - the dispatcher: every event enters here, every frame is judged here before a mechanism sees it.
 *
 * Order within a frame as in Redis: who is it, what epochs and offset does it show, answer a PING, identity and address, role,
 * slots, collision, gossip. The answer goes before the rest is believed, so that no decision delays a heartbeat.
 */
#include "cluster/step.h"

#include "cluster/ballot.h"
#include "cluster/emit.h"
#include "cluster/epoch.h"
#include "cluster/failure.h"
#include "cluster/gossip.h"
#include "cluster/handshake.h"
#include "cluster/link.h"
#include "cluster/migrate.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

/* Header flags that say what a peer can do or wants; they change with its configuration. */
#define FLAGS_FOLLOWED (NODE_NOFAILOVER | NODE_LIGHT_PUBLISH | NODE_LIGHT_MODULE)

static void
follow_text(struct cluster *c, char *to, const char *from, size_t size)
{
	if (memcmp(to, from, size) == 0)
		return;
	memcpy(to, from, size);
	to[size - 1] = 0;
	c->slots_changed = true;
	persist_want(c);
}

static void
follow_config(struct cluster *c)
{
	struct node *me = view_myself(c);
	const struct cluster_config *config = &c->config;
	if (me->port != config->port || me->cport != config->cport)
		persist_want(c);
	me->port = config->port;
	me->cport = config->cport;
	if (config->ip[0] != 0)
		follow_text(c, me->ip, config->ip, BUS_IP_LEN);
	follow_text(c, me->hostname, config->hostname, BUS_NAME_MAX);
	follow_text(c, me->nodename, config->nodename, BUS_NAME_MAX);
	me->flags = (uint16_t)(config->replica_no_failover ? me->flags | NODE_NOFAILOVER
							   : me->flags & ~NODE_NOFAILOVER);
}

void
step_begin(struct cluster *c, const struct cluster_facts *facts, struct effects *out)
{
	ASSERT(c->facts == NULL && facts->now_ms > 0);
	emit_begin(out);
	c->facts = facts;
	if (facts->now_ms > c->now_ms)
		c->now_ms = facts->now_ms;
	follow_config(c);
}

static void
step_end_failover(struct cluster *c, struct effects *out)
{
	manual_run(c, out);
	if (c->failover_wanted) {
		c->failover_wanted = false;
		election_run(c, out);
	}
}

void
step_end(struct cluster *c, struct effects *out)
{
	role_follow_chain(c, out);
	failure_tell(c, out); /* before a request for votes: voters must know */
	step_end_failover(c, out);
	if (c->suspicion_wanted && c->config.fast_suspicion)
		emit_ping_voters(c, out);
	c->suspicion_wanted = false;
	if (c->health_wanted)
		health_run(c, out);
	c->health_wanted = false;
	if (c->tell != TELL_NOBODY)
		emit_pong_all(c, out, c->tell == TELL_SIBLINGS,
			      c->tell == TELL_ALL ? persist_number(c) : 0);
	c->tell = TELL_NOBODY;
	if (c->slots_changed)
		emit_add(out, EFFECT_SLOTS);
	c->slots_changed = false;
	persist_end(c, out);
	c->facts = NULL;
}

static bool
ticks_exactly(const struct cluster *c)
{
	const struct cluster_config *config = &c->config;
	return config->fast_suspicion || config->fast_election || config->self_fencing ||
	       config->ping_interval_ms != 0;
}

/* The next tick: Redis's 100 ms, or what is due before, if exact times were asked for. */
static void
schedule_tick(struct cluster *c)
{
	uint64_t at_ms = c->now_ms + CLUSTER_TICK_MS;
	for (uint32_t i = 1; ticks_exactly(c) && i < c->high; i++) {
		uint64_t due_ms = c->nodes[i].in_use ? link_next_at(c, i) : UINT64_MAX;
		if (due_ms < at_ms)
			at_ms = due_ms;
	}
	uint64_t fence_ms = health_fence_at(c);
	if (fence_ms < at_ms)
		at_ms = fence_ms;
	c->tick_at_ms = at_ms > c->now_ms ? at_ms : c->now_ms + 1;
}

static void
on_tick(struct cluster *c, struct effects *out)
{
	if (c->tick_cursor == 0) {
		migrate_count(c);
		if (c->now_ms >= c->random_ping_at_ms) {
			c->random_ping_at_ms = c->now_ms + LINK_RANDOM_PING_MS;
			link_tick_random(c, out);
		}
		c->tick_cursor = 1;
	}
	for (; c->tick_cursor < c->high; c->tick_cursor++) {
		if (c->nodes[c->tick_cursor].in_use && !link_tick_node(c, c->tick_cursor, out)) {
			out->more = true;
			return;
		}
	}
	c->tick_cursor = 0;
	migrate_run(c, out);
	c->failover_wanted = true;
	c->health_wanted = true;
	schedule_tick(c);
}

uint64_t
cluster_next_at(const struct cluster *c)
{
	uint64_t at_ms = c->tick_at_ms;
	bool exact = c->config.fast_election || c->manual.state == MANUAL_CAN_START;
	if (exact && c->election.state == ELECTION_WAITING && c->election.start_at_ms < at_ms)
		at_ms = c->election.start_at_ms;
	bool waits = (c->manual.state == MANUAL_WAIT_OFFSET && c->manual.offset_known) ||
		     (c->manual.state == MANUAL_PAUSED_FOR && !c->manual.told);
	if (waits && c->now_ms + MANUAL_OFFSET_POLL_MS < at_ms)
		at_ms = c->now_ms + MANUAL_OFFSET_POLL_MS;
	return at_ms;
}

static void
refuse(struct cluster *c, struct effects *out, uint32_t node, enum message_refusal refusal)
{
	emit_trace(c, out, TRACE_MESSAGE_REFUSED, node, refusal);
}

static enum message_refusal
judge_head(const struct bus_head *head, const struct bus_msg *msg)
{
	if (!node_id_is_valid(&head->sender) ||
	    !(node_id_is_nobody(&head->replica_of) || node_id_is_valid(&head->replica_of)))
		return MESSAGE_BAD_ID;
	if (node_id_equal(&head->sender, &head->replica_of))
		return MESSAGE_OWN_REPLICA;
	if (head->current_epoch >= EPOCH_MAX || head->config_epoch >= EPOCH_MAX)
		return MESSAGE_EPOCH_TOO_GREAT;
	if (head->type == BUS_UPDATE && msg->update.config_epoch >= EPOCH_MAX)
		return MESSAGE_EPOCH_TOO_GREAT;
	return MESSAGE_TAKEN;
}

/* What every frame of a known node tells, whatever its type (spec B6). */
static void
take_head(struct cluster *c, uint32_t sender, const struct cluster_event *event,
	  struct effects *out)
{
	const struct bus_head *head = &event->msg->head;
	struct node *n = &c->nodes[sender];
	n->data_received_ms = c->now_ms;
	n->offset = head->offset;
	n->offset_ms = c->now_ms;
	link_bind_in(c, sender, event->link, out);
	epoch_on_head(c, sender, head);
	if ((head->message_flags & BUS_PAUSED) != 0)
		manual_on_paused(c, sender, head);
}

static void
take_heartbeat(struct cluster *c, uint32_t sender, const struct cluster_event *event,
	       struct effects *out)
{
	const struct bus_msg *msg = event->msg;
	struct node *n = &c->nodes[sender];
	n->flags = (uint16_t)((n->flags & ~FLAGS_FOLLOWED) | (msg->head.flags & FLAGS_FOLLOWED));
	if ((msg->head.message_flags & BUS_EXT_DATA) != 0)
		n->flags |= NODE_EXTENSIONS;
	if (msg->head.type == BUS_PING)
		handshake_update_address(c, sender, event, out);
	if (msg->head.type == BUS_PONG && event->link == n->out)
		link_on_pong(c, sender, out);
	role_on_head(c, sender, &msg->head, out);
	slots_on_head(c, sender, &msg->head, out);
	epoch_on_collision(c, sender, &msg->head, out);
	gossip_process(c, sender, &msg->ping, out);
	gossip_process_extensions(c, sender, &msg->ping, out);
}

/* Sender: known and no longer in handshake, or NODE_NONE. bound: whose outbound link this is, or NODE_NONE. */
static void
on_heartbeat(struct cluster *c, uint32_t sender, uint32_t bound, const struct cluster_event *event,
	     struct effects *out)
{
	uint16_t type = event->msg->head.type;
	if (type != BUS_PONG)
		handshake_learn_own_ip(c, event->own_ip, type == BUS_MEET);
	if (sender == NODE_NONE && type == BUS_MEET && handshake_on_meet(c, event) == MEET_FULL)
		refuse(c, out, NODE_NONE, MESSAGE_NODES_FULL);
	if (type != BUS_PONG && !emit_pong_on(c, out, sender, event->link) && sender != NODE_NONE)
		c->nodes[sender].pong_owed = true;
	if (bound != NODE_NONE && node_has(&c->nodes[bound], NODE_HANDSHAKE)) {
		sender = handshake_on_answer(c, bound, sender, event, out);
		if (sender == NODE_NONE)
			return;
		take_head(c, sender, event, out);
	}
	if (sender == NODE_NONE) {
		if (type != BUS_MEET)
			refuse(c, out, NODE_NONE, MESSAGE_UNKNOWN_SENDER);
		return;
	}
	take_heartbeat(c, sender, event, out);
}

/* Our own frame: we called an address that is ours. Answered like a stranger's, and the handshake ends (spec A2). */
static void
on_own_frame(struct cluster *c, uint32_t bound, const struct cluster_event *event,
	     struct effects *out)
{
	uint16_t type = event->msg->head.type;
	if (type == BUS_PING || type == BUS_MEET)
		emit_pong_on(c, out, NODE_NONE, event->link);
	if (bound != NODE_NONE && node_has(&c->nodes[bound], NODE_HANDSHAKE))
		handshake_on_answer(c, bound, 0, event, out);
	refuse(c, out, 0, MESSAGE_FROM_MYSELF);
}

static void
on_other(struct cluster *c, uint32_t sender, const struct cluster_event *event, struct effects *out)
{
	const struct bus_msg *msg = event->msg;
	switch (msg->head.type) {
	case BUS_FAIL:
		if (failure_on_message(c, &msg->failed, sender, out) != FAIL_TAKEN)
			refuse(c, out, sender, MESSAGE_FAIL_REFUSED);
		break;
	case BUS_AUTH_REQUEST:
		ballot_on_request(c, sender, &msg->head, out);
		break;
	case BUS_AUTH_ACK:
		election_on_vote(c, sender, &msg->head, out);
		break;
	case BUS_UPDATE:
		if (slots_on_update(c, &msg->update, out) != UPDATE_TAKEN)
			refuse(c, out, sender, MESSAGE_UPDATE_REFUSED);
		break;
	case BUS_MFSTART:
		if (manual_on_mfstart(c, sender, event->link, out) != MFSTART_PAUSED)
			refuse(c, out, sender, MESSAGE_MFSTART_REFUSED);
		break;
	case BUS_PUBLISH:
	case BUS_PUBLISH_SHARD:
	case BUS_MODULE:
		break; /* for the caller: they decide nothing here */
	default:
		refuse(c, out, sender, MESSAGE_UNKNOWN_TYPE);
	}
}

/* A light header names nobody: the link does (spec B5). */
static void
on_light(struct cluster *c, const struct cluster_event *event, struct effects *out)
{
	uint16_t type = event->msg->head.type;
	uint32_t node = view_by_link(c, event->link);
	if (node == NODE_NONE || node_has(&c->nodes[node], NODE_HANDSHAKE)) {
		emit_close(out, event->link);
		link_on_down(c, event->link);
		refuse(c, out, NODE_NONE, MESSAGE_LIGHT_UNBOUND);
		return;
	}
	if (type != BUS_PUBLISH && type != BUS_PUBLISH_SHARD && type != BUS_MODULE) {
		refuse(c, out, node, MESSAGE_LIGHT_TYPE);
		return;
	}
	c->nodes[node].data_received_ms = c->now_ms;
}

static bool
is_outbound(bus_link link)
{
	return link != 0 && (link & 1) == 0;
}

static void
on_message(struct cluster *c, const struct cluster_event *event, struct effects *out)
{
	const struct bus_head *head = &event->msg->head;
	if (head->type < BUS_TYPE_COUNT)
		c->counters.received[head->type]++;
	uint32_t bound = is_outbound(event->link) ? view_by_link(c, event->link) : NODE_NONE;
	if (is_outbound(event->link) && bound == NODE_NONE) {
		refuse(c, out, NODE_NONE, MESSAGE_LINK_FORGOTTEN);
		return;
	}
	if (head->light) {
		on_light(c, event, out);
		return;
	}
	enum message_refusal refusal = judge_head(head, event->msg);
	if (refusal != MESSAGE_TAKEN) {
		refuse(c, out, NODE_NONE, refusal);
		return;
	}
	uint32_t sender = view_find(c, &head->sender);
	if (sender == 0) {
		on_own_frame(c, bound, event, out);
		return;
	}
	if (bound != NODE_NONE && bound != sender && !node_has(&c->nodes[bound], NODE_HANDSHAKE)) {
		handshake_on_wrong_id(c, bound, out);
		refuse(c, out, bound, MESSAGE_WRONG_ID);
		return;
	}
	if (sender != NODE_NONE && node_has(&c->nodes[sender], NODE_HANDSHAKE))
		sender = NODE_NONE;
	if (sender != NODE_NONE)
		take_head(c, sender, event, out);
	if (head->type == BUS_PING || head->type == BUS_PONG || head->type == BUS_MEET)
		on_heartbeat(c, sender, bound, event, out);
	else if (sender == NODE_NONE)
		refuse(c, out, NODE_NONE, MESSAGE_UNKNOWN_SENDER);
	else
		on_other(c, sender, event, out);
}

void
cluster_step(struct cluster *c, const struct cluster_event *event,
	     const struct cluster_facts *facts, struct effects *out)
{
	step_begin(c, facts, out);
	switch (event->kind) {
	case CLUSTER_TICK:
		on_tick(c, out);
		break;
	case CLUSTER_LINK_UP:
		link_on_up(c, event->link, event->ip, out);
		break;
	case CLUSTER_LINK_DOWN:
		link_on_down(c, event->link);
		break;
	case CLUSTER_LINK_ACCEPTED: /* nobody's, until a frame says whose (spec A5) */
		break;
	case CLUSTER_MESSAGE:
		on_message(c, event, out);
		break;
	case CLUSTER_PERSISTED:
		persist_done(c, event->number);
		break;
	}
	step_end(c, out);
}
