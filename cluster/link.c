/* cluster/link.c - connections and heartbeats. A node is pinged when its last PONG is older than the interval and no ping waits;
 * the random ping of every second keeps gossip moving when nothing else does.
 */
#include "cluster/link.h"

#include "cluster/emit.h"
#include "cluster/failure.h"
#include "cluster/handshake.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static uint64_t
retry_ms(const struct cluster *c)
{
	uint64_t retry = c->config.node_timeout_ms / 10;
	if (retry < LINK_RETRY_MS_MIN)
		return LINK_RETRY_MS_MIN;
	return retry < LINK_RETRY_MS_MAX ? retry : LINK_RETRY_MS_MAX;
}

uint64_t
link_handshake_timeout_ms(const struct cluster *c)
{
	uint64_t timeout = c->config.node_timeout_ms;
	return timeout > LINK_HANDSHAKE_MS_MIN ? timeout : LINK_HANDSHAKE_MS_MIN;
}

uint64_t
link_ping_interval_ms(const struct cluster *c)
{
	return c->config.ping_interval_ms != 0 ? c->config.ping_interval_ms
					       : c->config.node_timeout_ms / 2;
}

void
link_on_up(struct cluster *c, bus_link link, const char *own_ip, struct effects *out)
{
	uint32_t node = view_by_link(c, link);
	if (node == NODE_NONE || c->nodes[node].out != link || c->nodes[node].out_up) {
		emit_close(out, link); /* it was given up meanwhile */
		return;
	}
	c->nodes[node].out_up = true;
	handshake_learn_own_ip(c, own_ip, false);
	/* A ping that waited since an earlier connection goes out on this one, or its answer would never come. */
	c->nodes[node].ping_owed = !emit_ping(c, out, node, false);
	election_ask_again(c, node, out);
}

void
link_on_down(struct cluster *c, bus_link link)
{
	uint32_t node = view_by_link(c, link);
	if (node == NODE_NONE)
		return; /* K3 */
	struct node *n = &c->nodes[node];
	if (n->in == link) {
		view_set_in(c, node, 0);
		return;
	}
	bool refused = !n->out_up;
	view_set_out(c, node, 0);
	/* Spec A6: who cannot even be called is silent from now on. */
	if (refused && n->ping_sent_ms == 0 && !node_has(n, NODE_HANDSHAKE) && c->facts->data_alive)
		n->ping_sent_ms = c->now_ms;
	if (c->config.ping_interval_ms != 0 && n->connect_at_ms < c->tick_at_ms)
		c->tick_at_ms = n->connect_at_ms > c->now_ms ? n->connect_at_ms : c->now_ms;
}

void
link_bind_in(struct cluster *c, uint32_t node, bus_link link, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if ((link & 1) == 0 || n->in == link || view_by_link(c, link) != NODE_NONE)
		return;
	emit_close(out, n->in);
	view_set_in(c, node, link);
}

void
link_close_out(struct cluster *c, uint32_t node, struct effects *out)
{
	emit_close(out, c->nodes[node].out);
	view_set_out(c, node, 0);
	c->nodes[node].connect_at_ms = c->now_ms;
}

static void
connect_node(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	bus_link link = view_new_link(c, node);
	view_set_out(c, node, link);
	n->connect_at_ms = c->now_ms + retry_ms(c);
	struct effect *effect = emit_add(out, EFFECT_CONNECT);
	effect->link = link;
	effect->node = node;
}

/* Spec A9: half the timeout without an answer on a connection that is old enough to have carried one. Stock nodes wait for ever while
 * the peer's own frames arrive: an answer that a half-open connection lost would never come, and a FAIL never be cleared. We
 * give such a connection two timeouts.
 */
static bool
is_stuck(const struct cluster *c, const struct node *n)
{
	uint64_t now = c->now_ms, timeout = c->config.node_timeout_ms;
	if (n->out == 0 || n->ping_sent_ms == 0 || now - n->out_created_ms <= timeout)
		return false;
	bool silent =
		now - n->ping_sent_ms > timeout / 2 && now - n->data_received_ms > timeout / 2;
	return silent ||
	       (now - n->ping_sent_ms > 2 * timeout && now - n->out_created_ms > 2 * timeout);
}

static bool
ping_is_due(const struct cluster *c, const struct node *n)
{
	return n->out != 0 && n->ping_sent_ms == 0 &&
	       c->now_ms - n->pong_received_ms > link_ping_interval_ms(c);
}

/* Valkey 8.1: it answers us but has never called: it may not know us. Only to those who tell a second MEET from a first. */
static bool
needs_meet(const struct cluster *c, const struct node *n)
{
	return n->out_up && n->in == 0 && node_has(n, NODE_LIGHT_MODULE) &&
	       !node_has(n, NODE_PFAIL | NODE_FAIL) &&
	       c->now_ms - n->in_lost_ms > link_handshake_timeout_ms(c);
}

static bool
tick_ping(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	bool brief = c->config.ping_interval_ms != 0;
	if (n->pong_owed && n->in != 0)
		n->pong_owed = !emit_pong_on(c, out, node, n->in);
	if (n->ping_owed && n->out_up)
		n->ping_owed = !emit_ping(c, out, node, false);
	if (needs_meet(c, n)) {
		n->flags |= NODE_MEET;
		n->in_lost_ms = c->now_ms; /* again after as long */
		return emit_ping(c, out, node, false);
	}
	if (c->manual.state == MANUAL_PAUSED_FOR && c->manual.replica == node && n->out_up)
		return emit_ping(c, out, node, brief);
	return !ping_is_due(c, n) || emit_ping(c, out, node, brief);
}

bool
link_tick_node(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if (!emit_has_room(c, out, 3))
		return false;
	if (node_has(n, NODE_MYSELF) || handshake_expire(c, node, out))
		return true;
	if (node_has(n, NODE_NOADDR)) {
		failure_suspect(c, node, out);
		return true;
	}
	if (n->out == 0 && c->now_ms >= n->connect_at_ms)
		connect_node(c, node, out);
	if (node_has(n, NODE_HANDSHAKE))
		return true;
	if (is_stuck(c, n))
		link_close_out(c, node, out);
	if (c->facts->data_alive)
		tick_ping(c, node, out);
	failure_suspect(c, node, out);
	return true;
}

void
link_tick_random(struct cluster *c, struct effects *out)
{
	uint32_t oldest = NODE_NONE;
	for (unsigned i = 0; i < LINK_RANDOM_PICKS; i++) {
		uint32_t node = (uint32_t)prng_below(&c->prng, c->high);
		const struct node *n = &c->nodes[node];
		if (!n->in_use || !n->out_up || n->ping_sent_ms != 0 ||
		    node_has(n, NODE_MYSELF | NODE_HANDSHAKE))
			continue;
		if (oldest == NODE_NONE || n->pong_received_ms < c->nodes[oldest].pong_received_ms)
			oldest = node;
	}
	if (oldest != NODE_NONE)
		emit_ping(c, out, oldest, false);
}

void
link_on_pong(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	n->pong_on_out = true;
	n->pong_received_ms = c->now_ms;
	if (n->ping_sent_ms > n->acked_ms)
		n->acked_ms = n->ping_sent_ms;
	n->ping_sent_ms = 0;
	n->flags &= (uint16_t)~NODE_MEET;
	failure_on_pong(c, node, out);
}

uint64_t
link_next_at(const struct cluster *c, uint32_t node)
{
	const struct node *n = &c->nodes[node];
	if (node_has(n, NODE_MYSELF | NODE_NOADDR | NODE_HANDSHAKE))
		return UINT64_MAX;
	if (n->out == 0)
		return n->connect_at_ms;
	if (n->ping_sent_ms == 0)
		return n->pong_received_ms + link_ping_interval_ms(c) + 1;
	return node_has(n, NODE_PFAIL | NODE_FAIL) ? UINT64_MAX : failure_suspect_at(c, node);
}
