/* cluster/gossip.c - the part of a heartbeat that is about others. Seconds on the wire are unix time, ours are monotonic: what is
 * shown is computed from the age, what is read is believed as an age, and a clock that was set changes no decision but this one
 * saving of pings (spec A17).
 */
#include "cluster/gossip.h"

#include "cluster/emit.h"
#include "cluster/failure.h"
#include "cluster/forget.h"
#include "cluster/link.h"
#include "cluster/role.h"
#include "cluster/step.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

/* What we copy of a third node's flags when we first hear of it. */
#define FLAGS_LEARNED                                                                              \
	(NODE_MIGRATE_TO | NODE_NOFAILOVER | NODE_EXTENSIONS | NODE_LIGHT_PUBLISH |                \
	 NODE_LIGHT_MODULE)

static uint32_t
wanted_count(const struct cluster *c, bool brief)
{
	uint32_t wanted = c->node_count / GOSSIP_WANTED_DIVISOR;
	if (wanted < GOSSIP_WANTED_MIN || brief)
		wanted = GOSSIP_WANTED_MIN;
	uint32_t others = c->node_count > 2 ? c->node_count - 2 : 0;
	return wanted < others ? wanted : others;
}

uint32_t
gossip_room(const struct cluster *c)
{
	return wanted_count(c, false) + c->pfail_count;
}

static uint32_t
unix_seconds(const struct cluster *c, uint64_t at_ms)
{
	if (at_ms == 0)
		return 0;
	uint64_t age_ms = c->now_ms - at_ms, now_ms = c->facts->unix_ms;
	return (uint32_t)((now_ms > age_ms ? now_ms - age_ms : 0) / 1000);
}

static void
fill_entry(struct cluster *c, uint32_t node, struct bus_gossip *entry)
{
	struct node *n = &c->nodes[node];
	*entry = (struct bus_gossip){.id = n->id,
				     .ping_sent_s = unix_seconds(c, n->ping_sent_ms),
				     .pong_received_s = unix_seconds(c, n->pong_received_ms),
				     .port = n->port,
				     .cport = n->cport,
				     .pport = n->pport,
				     .flags = n->flags};
	memcpy(entry->ip, n->ip, BUS_IP_LEN);
	n->sampled = c->sampled;
}

static bool
is_eligible(const struct cluster *c, uint32_t node, uint32_t receiver)
{
	const struct node *n = &c->nodes[node];
	if (!n->in_use || node == receiver || n->sampled == c->sampled)
		return false;
	if (node_has(n, NODE_MYSELF | NODE_PFAIL | NODE_HANDSHAKE | NODE_NOADDR))
		return false;
	return n->out != 0 || n->slot_count > 0;
}

uint32_t
gossip_build(struct cluster *c, uint32_t receiver, bool brief, struct bus_gossip *at, uint32_t room)
{
	uint32_t wanted = wanted_count(c, brief), count = 0;
	c->sampled++;
	for (uint32_t tries = GOSSIP_TRIES_FACTOR * wanted;
	     tries > 0 && count < wanted && count < room; tries--) {
		uint32_t node = (uint32_t)prng_below(&c->prng, c->high);
		if (is_eligible(c, node, receiver))
			fill_entry(c, node, &at[count++]);
	}
	uint32_t left = c->pfail_count;
	for (uint32_t i = 1; i < c->high && left > 0 && count < room; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use || !node_has(n, NODE_PFAIL))
			continue;
		left--;
		/* Also without address: another answers where it was, so nobody will ever reach it, and a quorum must hear of that.
		 * Redis says nothing of it, Valkey 8.1 declares it FAIL alone (spec A1).
		 */
		if (!node_has(n, NODE_HANDSHAKE))
			fill_entry(c, i, &at[count++]);
	}
	ASSERT(count <= BUS_GOSSIP_MAX);
	return count;
}

bool
gossip_is_valid(const struct bus_ping *ping)
{
	for (unsigned i = 0; i < ping->gossip_count; i++) {
		if (!node_id_is_valid(&ping->gossip[i].id))
			return false;
	}
	return true;
}

static bool
same_address(const struct node *n, const struct bus_gossip *entry)
{
	return n->port == entry->port && n->cport == entry->cport &&
	       strncmp(n->ip, entry->ip, BUS_IP_LEN) == 0;
}

static void
copy_address(struct node *n, const struct bus_gossip *entry)
{
	memcpy(n->ip, entry->ip, BUS_IP_LEN);
	n->ip[BUS_IP_LEN - 1] = 0;
	n->port = entry->port;
	n->pport = entry->pport;
	n->cport = entry->cport;
}

static void
learn(struct cluster *c, const struct bus_gossip *entry, struct effects *out)
{
	if ((entry->flags & NODE_NOADDR) != 0 || forget_is_banned(c, &entry->id) ||
	    entry->ip[0] == 0 || entry->cport == 0)
		return;
	bool replica = (entry->flags & NODE_REPLICA) != 0;
	uint16_t flags = (uint16_t)((entry->flags & FLAGS_LEARNED) |
				    (replica ? NODE_REPLICA : NODE_PRIMARY));
	uint32_t node = view_add(c, &entry->id, flags);
	if (node == NODE_NONE) {
		emit_trace(c, out, TRACE_MESSAGE_REFUSED, NODE_NONE, MESSAGE_NODES_FULL);
		return;
	}
	copy_address(&c->nodes[node], entry);
	failure_set_flags(c, node, entry->flags & (NODE_PFAIL | NODE_FAIL));
	emit_trace(c, out, TRACE_NODE_ADDED, node, 0);
	persist_want(c);
}

/* Somebody has heard of it later than we: one ping less (spec A17). Not with heartbeats of our own cadence, whose promise is
 * that each of us looks for itself.
 */
static void
adopt_pong(struct cluster *c, struct node *n, const struct bus_gossip *entry)
{
	uint64_t at_ms = (uint64_t)entry->pong_received_s * 1000, unix_ms = c->facts->unix_ms;
	if (n->ping_sent_ms != 0 || n->report_first != NODE_NONE || c->config.ping_interval_ms != 0)
		return;
	if (at_ms > unix_ms + GOSSIP_PONG_TOLERANCE_MS)
		return;
	uint64_t age_ms = at_ms < unix_ms ? unix_ms - at_ms : 0;
	if (age_ms < c->now_ms && c->now_ms - age_ms > n->pong_received_ms)
		n->pong_received_ms = c->now_ms - age_ms;
}

static void
adopt_address(struct cluster *c, uint32_t node, const struct bus_gossip *entry, struct effects *out)
{
	struct node *n = &c->nodes[node];
	if (!node_has(n, NODE_PFAIL | NODE_FAIL) ||
	    (entry->flags & (NODE_NOADDR | NODE_PFAIL | NODE_FAIL)) != 0)
		return;
	if (same_address(n, entry) || entry->ip[0] == 0 || entry->cport == 0)
		return;
	link_close_out(c, node, out);
	copy_address(n, entry);
	n->flags &= (uint16_t)~NODE_NOADDR;
	c->slots_changed = true;
	persist_want(c);
	emit_trace(c, out, TRACE_ADDRESS_CHANGED, node, 0);
	if (node_is_replica(&c->nodes[0]) && c->nodes[0].primary == node)
		emit_role(c, out, node); /* Valkey 8, v#965 */
}

void
gossip_process(struct cluster *c, uint32_t sender, const struct bus_ping *ping, struct effects *out)
{
	if (!gossip_is_valid(ping)) {
		emit_trace(c, out, TRACE_MESSAGE_REFUSED, sender, MESSAGE_BAD_GOSSIP);
		return;
	}
	for (unsigned i = 0; i < ping->gossip_count; i++) {
		const struct bus_gossip *entry = &ping->gossip[i];
		uint32_t node = view_find(c, &entry->id);
		if (node == NODE_NONE) {
			learn(c, entry, out);
			continue;
		}
		if (node == 0)
			continue;
		bool failing = (entry->flags & (NODE_PFAIL | NODE_FAIL)) != 0;
		if (node_votes(&c->nodes[sender])) {
			if (failing)
				failure_report(c, node, sender, out);
			else
				failure_unreport(c, node, sender);
		}
		if (!failing)
			adopt_pong(c, &c->nodes[node], entry);
		adopt_address(c, node, entry, out);
	}
}

static void
take_name(struct cluster *c, char *to, const char *from, bool present)
{
	char name[BUS_NAME_MAX] = {0};
	for (unsigned i = 0; present && i < BUS_NAME_MAX - 1 && from[i] != 0; i++)
		name[i] = from[i];
	if (memcmp(to, name, BUS_NAME_MAX) == 0)
		return;
	memcpy(to, name, BUS_NAME_MAX);
	c->slots_changed = true;
	persist_want(c);
}

void
gossip_process_extensions(struct cluster *c, uint32_t sender, const struct bus_ping *ping,
			  struct effects *out)
{
	struct node *n = &c->nodes[sender];
	take_name(c, n->hostname, ping->hostname, (ping->extensions & BUS_EXT_HOSTNAME) != 0);
	take_name(c, n->nodename, ping->nodename, (ping->extensions & BUS_EXT_NODENAME) != 0);
	if ((ping->extensions & BUS_EXT_SHARD_ID) != 0 && node_id_is_valid(&ping->shard_id))
		role_set_shard(c, sender, &ping->shard_id);
	if ((ping->extensions & BUS_EXT_FORGOTTEN) == 0)
		return;
	for (unsigned i = 0; i < ping->forgotten_count; i++) {
		const struct bus_forgotten *f = &ping->forgotten[i];
		uint32_t node = view_find(c, &f->id);
		if (node != NODE_NONE && node != sender && f->ttl_s > 0)
			forget_node(c, &f->id, f->ttl_s * 1000, out);
	}
}
