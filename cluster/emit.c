/* cluster/emit.c - frames and effects. Gossip of a broadcast is drawn once and shared: with and without extensions its frames
 * differ in nothing else, and a broadcast to 4096 nodes needs two messages.
 */
#include "cluster/emit.h"

#include "cluster/forget.h"
#include "cluster/gossip.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

void
emit_begin(struct effects *out)
{
	out->count = out->message_count = out->gossip_count = 0;
	out->more = false;
}

struct effect *
emit_add(struct effects *out, enum effect_kind kind)
{
	ASSERT(out->count < EFFECTS_MAX);
	struct effect *effect = &out->list[out->count++];
	*effect = (struct effect){.kind = kind, .node = NODE_NONE};
	return effect;
}

void
emit_trace(struct cluster *c, struct effects *out, enum cluster_trace trace, uint32_t node,
	   uint64_t number)
{
	c->counters.traced[trace]++;
	if (out->count >= EFFECT_TRACES_MAX) {
		c->counters.traces_cut++;
		return;
	}
	struct effect *effect = emit_add(out, EFFECT_TRACE);
	effect->trace = (uint16_t)trace;
	effect->node = node;
	effect->number = number;
}

void
emit_close(struct effects *out, bus_link link)
{
	if (link != 0)
		emit_add(out, EFFECT_CLOSE)->link = link;
}

void
emit_role(struct cluster *c, struct effects *out, uint32_t node)
{
	struct effect *effect = emit_add(out, EFFECT_ROLE);
	effect->node = node;
	effect->after = persist_number(c);
}

bool
emit_has_room(const struct cluster *c, const struct effects *out, unsigned count)
{
	return out->message_count + count + EFFECT_ROOM <= EFFECT_MESSAGES_MAX &&
	       out->gossip_count + count * gossip_room(c) <= EFFECT_GOSSIP_MAX &&
	       out->count + count <= EFFECTS_MAX / 4;
}

static void
send_to(struct cluster *c, struct effects *out, bus_link link, const struct bus_msg *msg,
	uint64_t after)
{
	struct effect *effect = emit_add(out, EFFECT_SEND);
	effect->link = link;
	effect->msg = msg;
	effect->after = after;
	c->counters.sent[msg->head.type]++;
}

static void
fill_head(const struct cluster *c, struct bus_head *head, enum bus_type type,
	  const struct public_state *state)
{
	const struct node *me = &c->nodes[0];
	bool replica = !node_id_is_nobody(&state->replica_of);
	unsigned flags =
		me->flags & (NODE_MYSELF | NODE_NOFAILOVER | (replica ? 0u : NODE_MIGRATE_TO));
	*head = (struct bus_head){.type = (uint16_t)type,
				  .port = me->port,
				  .pport = me->pport,
				  .cport = me->cport,
				  .current_epoch = state->current_epoch,
				  .config_epoch = state->config_epoch,
				  .offset = c->facts->offset,
				  .sender = me->id,
				  .replica_of = state->replica_of,
				  .slots = state->slots,
				  .state_ok = c->health.ok};
	head->flags = (uint16_t)(flags | (replica ? NODE_REPLICA : NODE_PRIMARY));
	memcpy(head->my_ip, c->config.ip, BUS_IP_LEN);
	if (c->manual.state == MANUAL_PAUSED_FOR && c->facts->writes_paused)
		head->message_flags |= BUS_PAUSED;
	if (type == BUS_PING || type == BUS_PONG || type == BUS_MEET)
		head->message_flags |=
			BUS_EXT_DATA; /* as V8.0: the bit says that we understand extensions (spec B4) */
}

static struct bus_msg *
new_message(struct cluster *c, struct effects *out, enum bus_type type, enum emit_state state)
{
	if (out->message_count == EFFECT_MESSAGES_MAX)
		return NULL;
	persist_live(c);
	struct bus_msg *msg = &out->messages[out->message_count++];
	fill_head(c, &msg->head, type, state == EMIT_LIVE ? &c->live : &c->durable);
	return msg;
}

static void
fill_extensions(const struct cluster *c, struct bus_ping *ping)
{
	const struct node *me = &c->nodes[0];
	ping->extensions = 0;
	if (me->hostname[0] != 0) {
		ping->extensions |= BUS_EXT_HOSTNAME;
		memcpy(ping->hostname, me->hostname, BUS_NAME_MAX);
	}
	if (me->nodename[0] != 0) {
		ping->extensions |= BUS_EXT_NODENAME;
		memcpy(ping->nodename, me->nodename, BUS_NAME_MAX);
	}
	ping->forgotten_count = (uint8_t)forget_list(c, ping->forgotten, BUS_FORGOTTEN_MAX);
	if (ping->forgotten_count > 0)
		ping->extensions |= BUS_EXT_FORGOTTEN;
	/* Always: a 7.2 peer without our shard id may crash in a mixed cluster (spec G). */
	ping->extensions |= BUS_EXT_SHARD_ID;
	ping->shard_id = me->shard_id;
}

static bool
takes_extensions(const struct cluster *c, uint32_t node)
{
	return node != NODE_NONE && node_has(&c->nodes[node], NODE_EXTENSIONS);
}

static struct bus_msg *
new_ping(struct cluster *c, struct effects *out, enum bus_type type, enum emit_state state,
	 uint32_t receiver, bool brief)
{
	struct bus_msg *msg = new_message(c, out, type, state);
	if (msg == NULL)
		return NULL;
	struct bus_ping *ping = &msg->ping;
	*ping = (struct bus_ping){0};
	ping->gossip = out->gossip + out->gossip_count;
	ping->gossip_count = (uint16_t)gossip_build(c, receiver, brief, ping->gossip,
						    EFFECT_GOSSIP_MAX - out->gossip_count);
	out->gossip_count += ping->gossip_count;
	return msg;
}

static bool
ping_family(struct cluster *c, struct effects *out, enum bus_type type, uint32_t node,
	    bus_link link, bool brief)
{
	if (!c->facts->data_alive)
		return false;
	struct bus_msg *msg = new_ping(c, out, type, EMIT_DURABLE, node, brief);
	if (msg == NULL)
		return false;
	if (takes_extensions(c, node))
		fill_extensions(c, &msg->ping);
	send_to(c, out, link, msg, 0);
	return true;
}

bool
emit_ping(struct cluster *c, struct effects *out, uint32_t node, bool brief)
{
	struct node *n = &c->nodes[node];
	bool meet = node_has(n, NODE_MEET);
	if (!c->facts->data_alive || n->out == 0)
		return false;
	/* A link that is still being established takes no frame, but the wait for an answer begins (spec A8). */
	if (n->out_up && !ping_family(c, out, meet ? BUS_MEET : BUS_PING, node, n->out, brief))
		return false;
	if (n->ping_sent_ms == 0 && !node_has(n, NODE_HANDSHAKE))
		n->ping_sent_ms = c->now_ms;
	return true;
}

bool
emit_ping_on(struct cluster *c, struct effects *out, uint32_t node, bus_link link)
{
	return ping_family(c, out, BUS_PING, node, link, false);
}

bool
emit_pong_on(struct cluster *c, struct effects *out, uint32_t node, bus_link link)
{
	return ping_family(c, out, BUS_PONG, node, link, false);
}

static bool
reachable(const struct node *n)
{
	return n->in_use && !node_has(n, NODE_MYSELF | NODE_HANDSHAKE) && n->out_up;
}

static bool
is_sibling(const struct cluster *c, const struct node *n)
{
	return node_is_replica(n) && n->primary != NODE_NONE &&
	       (n->primary == 0 || n->primary == c->nodes[0].primary);
}

struct broadcast { /* one section of gossip, at most two frames */
	const struct bus_msg *plain, *extended;
};

static bool
broadcast_new(struct cluster *c, struct effects *out, enum bus_type type, enum emit_state state,
	      struct broadcast *b)
{
	if (out->message_count + 2 > EFFECT_MESSAGES_MAX || !c->facts->data_alive)
		return false;
	struct bus_msg *plain = new_ping(c, out, type, state, NODE_NONE, false);
	struct bus_msg *extended = &out->messages[out->message_count++];
	*extended = *plain;
	fill_extensions(c, &extended->ping);
	*b = (struct broadcast){plain, extended};
	return true;
}

void
emit_pong_all(struct cluster *c, struct effects *out, bool siblings_only, uint64_t after)
{
	struct broadcast b;
	if (!broadcast_new(c, out, BUS_PONG, after != 0 ? EMIT_LIVE : EMIT_DURABLE, &b))
		return;
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (reachable(n) && (!siblings_only || is_sibling(c, n)))
			send_to(c, out, n->out, takes_extensions(c, i) ? b.extended : b.plain,
				after);
	}
}

void
emit_ping_voters(struct cluster *c, struct effects *out)
{
	struct broadcast b;
	if (!broadcast_new(c, out, BUS_PING, EMIT_DURABLE, &b))
		return;
	for (uint32_t i = 1; i < c->high; i++) {
		struct node *n = &c->nodes[i];
		if (!reachable(n) || node_has(n, NODE_PFAIL | NODE_FAIL) ||
		    !(node_votes(n) || is_sibling(c, n)))
			continue;
		send_to(c, out, n->out, takes_extensions(c, i) ? b.extended : b.plain, 0);
		if (n->ping_sent_ms == 0)
			n->ping_sent_ms = c->now_ms;
	}
}

static void
send_all(struct cluster *c, struct effects *out, const struct bus_msg *msg, uint64_t after)
{
	for (uint32_t i = 1; i < c->high; i++) {
		if (reachable(&c->nodes[i]))
			send_to(c, out, c->nodes[i].out, msg, after);
	}
}

bool
emit_fail_all(struct cluster *c, struct effects *out, uint32_t failed)
{
	/* What is left is for the end of the step: votes, a PONG to all, slots. */
	if (out->message_count + EFFECT_ROOM > EFFECT_MESSAGES_MAX ||
	    out->count + c->high > EFFECTS_MAX / 4)
		return false;
	struct bus_msg *msg = new_message(c, out, BUS_FAIL, EMIT_DURABLE);
	ASSERT(msg != NULL);
	msg->failed = c->nodes[failed].id;
	send_all(c, out, msg, 0);
	return true;
}

void
emit_auth_request_all(struct cluster *c, struct effects *out, bool force_ack)
{
	struct bus_msg *msg = new_message(c, out, BUS_AUTH_REQUEST, EMIT_LIVE);
	if (msg == NULL)
		return;
	if (force_ack)
		msg->head.message_flags |= BUS_FORCE_ACK;
	send_all(c, out, msg, persist_number(c));
}

void
emit_auth_request(struct cluster *c, struct effects *out, uint32_t node, bool force_ack)
{
	struct bus_msg *msg = new_message(c, out, BUS_AUTH_REQUEST, EMIT_LIVE);
	if (msg == NULL)
		return;
	if (force_ack)
		msg->head.message_flags |= BUS_FORCE_ACK;
	send_to(c, out, c->nodes[node].out, msg, persist_covers(c));
}

void
emit_vote(struct cluster *c, struct effects *out, uint32_t node)
{
	struct bus_msg *msg = new_message(c, out, BUS_AUTH_ACK, EMIT_LIVE);
	if (msg != NULL)
		send_to(c, out, c->nodes[node].out, msg, persist_number(c));
}

void
emit_update(struct cluster *c, struct effects *out, uint32_t to, uint32_t about)
{
	if (!c->nodes[to].out_up)
		return;
	/* Of ourselves only what is on disk (cluster.h C3). */
	if (about == 0 && !node_id_is_nobody(&c->durable.replica_of))
		return;
	struct bus_msg *msg = new_message(c, out, BUS_UPDATE, EMIT_DURABLE);
	if (msg == NULL)
		return;
	const struct node *n = &c->nodes[about];
	msg->update.id = n->id;
	msg->update.config_epoch = about == 0 ? c->durable.config_epoch : n->config_epoch;
	msg->update.slots = about == 0 ? c->durable.slots : n->slots;
	for (unsigned i = 0; i < SLOT_BITMAP_SIZE; i++)
		msg->update.slots.bytes[i] &= (uint8_t)~c->not_claiming.bytes[i]; /* spec A20 */
	send_to(c, out, c->nodes[to].out, msg, 0);
	emit_trace(c, out, TRACE_UPDATE_SENT, to, about);
}

void
emit_mfstart(struct cluster *c, struct effects *out, uint32_t node)
{
	struct bus_msg *msg = new_message(c, out, BUS_MFSTART, EMIT_DURABLE);
	if (msg != NULL && c->nodes[node].out_up)
		send_to(c, out, c->nodes[node].out, msg, 0);
}
