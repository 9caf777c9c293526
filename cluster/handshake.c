/* cluster/handshake.c - MEET and addresses. Both sides of a MEET hold the other under a random id until the other's own PONG
 * says who it is; nothing is believed of a stranger in between but the address to call.
 */
#include "cluster/handshake.h"

#include "cluster/emit.h"
#include "cluster/link.h"
#include "cluster/role.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static bool
same_ip(const char *a, const char *b)
{
	return strncmp(a, b, BUS_IP_LEN) == 0;
}

static void
copy_ip(char *to, const char *from)
{
	memset(to, 0, BUS_IP_LEN);
	for (unsigned i = 0; i < BUS_IP_LEN - 1 && from[i] != 0; i++)
		to[i] = from[i];
}

static bool
in_progress(const struct cluster *c, const char *ip, uint16_t port, uint16_t cport)
{
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (n->in_use && node_has(n, NODE_HANDSHAKE) && n->port == port &&
		    n->cport == cport && same_ip(n->ip, ip))
			return true;
	}
	return false;
}

static enum meet_result
begin(struct cluster *c, const char *ip, const struct bus_head *address, uint16_t flags)
{
	if (ip == NULL || ip[0] == 0 || address->port == 0 || address->cport == 0)
		return MEET_BAD_ADDRESS;
	if (in_progress(c, ip, address->port, address->cport))
		return MEET_IN_PROGRESS;
	struct node_id id = view_random_id(c);
	uint32_t node = view_add(c, &id, (uint16_t)(NODE_HANDSHAKE | flags));
	if (node == NODE_NONE)
		return MEET_FULL;
	struct node *n = &c->nodes[node];
	copy_ip(n->ip, ip);
	n->port = address->port;
	n->pport = address->pport;
	n->cport = address->cport;
	return MEET_STARTED;
}

enum meet_result
handshake_start(struct cluster *c, const char *ip, uint16_t port, uint16_t cport)
{
	struct bus_head address = {.port = port, .cport = cport};
	return begin(c, ip, &address, NODE_MEET);
}

/* What a header says of its sender's address: its own word, else where it came from. NULL: nothing. */
static const char *
claimed_ip(const struct cluster_event *event)
{
	const char *mine = event->msg->head.my_ip;
	return mine[0] != 0 ? mine : event->ip;
}

enum meet_result
handshake_on_meet(struct cluster *c, const struct cluster_event *event)
{
	return begin(c, claimed_ip(event), &event->msg->head, 0);
}

static void
set_address(struct cluster *c, uint32_t node, const struct cluster_event *event,
	    struct effects *out)
{
	struct node *n = &c->nodes[node];
	const struct bus_head *head = &event->msg->head;
	const char *ip = claimed_ip(event);
	if (ip == NULL || ip[0] == 0)
		ip = n->ip;
	if (same_ip(n->ip, ip) && n->port == head->port && n->pport == head->pport &&
	    n->cport == head->cport)
		return;
	char kept[BUS_IP_LEN];
	copy_ip(kept, ip);
	copy_ip(n->ip, kept);
	n->port = head->port;
	n->pport = head->pport;
	n->cport = head->cport;
	n->flags &= (uint16_t)~NODE_NOADDR;
	link_close_out(c, node, out);
	emit_trace(c, out, TRACE_ADDRESS_CHANGED, node, 0);
	persist_want(c);
	c->slots_changed = true; /* redirections name the address */
	if (node_is_replica(&c->nodes[0]) && c->nodes[0].primary == node)
		emit_role(c, out, node);
}

void
handshake_update_address(struct cluster *c, uint32_t node, const struct cluster_event *event,
			 struct effects *out)
{
	if (event->link != c->nodes[node].out)
		set_address(c, node, event, out);
}

uint32_t
handshake_on_answer(struct cluster *c, uint32_t temporary, uint32_t sender,
		    const struct cluster_event *event, struct effects *out)
{
	const struct bus_head *head = &event->msg->head;
	if (sender != NODE_NONE) { /* known already: all that is new is perhaps the address */
		if (sender != 0)
			set_address(c, sender, event, out);
		view_remove(c, temporary, out);
		return NODE_NONE;
	}
	struct node *n = &c->nodes[temporary];
	view_rename(c, temporary, &head->sender);
	n->flags &= (uint16_t) ~(NODE_HANDSHAKE | NODE_MEET);
	bool replica = !node_id_is_nobody(&head->replica_of);
	view_set_role(c, temporary, replica, replica ? view_find(c, &head->replica_of) : NODE_NONE);
	n->in_lost_ms = c->now_ms;
	emit_trace(c, out, TRACE_NODE_ADDED, temporary, 0);
	persist_want(c);
	return temporary;
}

void
handshake_on_wrong_id(struct cluster *c, uint32_t node, struct effects *out)
{
	struct node *n = &c->nodes[node];
	link_close_out(c, node, out);
	if (n->ping_sent_ms == 0)
		n->ping_sent_ms =
			c->now_ms; /* whom we cannot call any more is silent: see gossip_build() */
	n->flags |= NODE_NOADDR;
	n->port = n->pport = n->cport = 0;
	memset(n->ip, 0, sizeof(n->ip));
	c->slots_changed = true;
	persist_want(c);
}

bool
handshake_expire(struct cluster *c, uint32_t node, struct effects *out)
{
	const struct node *n = &c->nodes[node];
	if (!node_has(n, NODE_HANDSHAKE) ||
	    c->now_ms - n->created_ms <= link_handshake_timeout_ms(c))
		return false;
	view_remove(c, node, out);
	return true;
}

void
handshake_learn_own_ip(struct cluster *c, const char *own_ip, bool meet)
{
	struct node *me = view_myself(c);
	if (c->config.ip[0] != 0 || own_ip == NULL || own_ip[0] == 0)
		return;
	if ((me->ip[0] != 0 && !meet) || same_ip(me->ip, own_ip))
		return;
	copy_ip(me->ip, own_ip);
	c->slots_changed = true;
	persist_want(c);
}
