/* cluster/render.c - CLUSTER NODES, INFO, REPLICAS and LINKS.
 *
 * A text is written twice, first only to count it: a RESP string says its length before its bytes, and 4096 lines are more
 * than anybody wants to keep a buffer for.
 */
#include "cluster/render.h"

#include "cluster/node_line.h"
#include "proto/resp/writer.h"

typedef void (*put_function)(struct text *t, const struct cluster *c,
			     const struct cluster_facts *facts);

static void
reply_text(put_function put, const struct cluster *c, const struct cluster_facts *facts,
	   struct resp_writer *w)
{
	struct text count = text_count(), reply = text_reply(w);
	put(&count, c, facts);
	bool verbatim = w->protocol == 3;
	text_word(&reply, verbatim ? "=" : "$");
	text_number(&reply, verbatim ? count.len + 4 : count.len);
	text_word(&reply, verbatim ? "\r\ntxt:" : "\r\n");
	put(&reply, c, facts);
	text_word(&reply, "\r\n");
}

/* ---- NODES, REPLICAS ---- */

void
render_nodes_text(struct text *t, const struct cluster *c, const struct cluster_facts *facts)
{
	for (uint32_t i = 0; i < c->high; i++) {
		if (!c->nodes[i].in_use)
			continue;
		node_line(t, c, &c->nodes[i], facts);
		text_word(t, "\n");
	}
}

void
render_nodes(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w)
{
	reply_text(render_nodes_text, c, facts, w);
}

static bool
is_replica_of(const struct cluster *c, uint32_t replica, uint32_t primary)
{
	return c->nodes[replica].in_use && c->nodes[replica].primary == primary;
}

void
render_replicas(const struct cluster *c, uint32_t node, const struct cluster_facts *facts,
		struct resp_writer *w)
{
	size_t count = 0;
	for (uint32_t i = 0; i < c->high; i++)
		count += is_replica_of(c, i, node);
	resp_array(w, count);
	for (uint32_t i = 0; i < c->high; i++) {
		if (!is_replica_of(c, i, node))
			continue;
		struct text length = text_count(), reply = text_reply(w);
		node_line(&length, c, &c->nodes[i], facts);
		text_word(&reply, "$");
		text_number(&reply, length.len);
		text_word(&reply, "\r\n");
		node_line(&reply, c, &c->nodes[i], facts);
		text_word(&reply, "\r\n");
	}
}

/* ---- INFO ---- */

static void
put_count(struct text *t, const char *name, uint64_t value)
{
	text_word(t, name);
	text_word(t, ":");
	text_number(t, value);
	text_word(t, "\r\n");
}

static void
put_slot_counts(struct text *t, const struct cluster *c)
{
	unsigned assigned = 0, pfail = 0, fail = 0;
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if (c->owner[s] == NODE_NONE)
			continue;
		unsigned flags = c->nodes[c->owner[s]].flags;
		assigned++;
		if ((flags & NODE_FAIL) != 0)
			fail++;
		else if ((flags & NODE_PFAIL) != 0)
			pfail++;
	}
	put_count(t, "cluster_slots_assigned", assigned);
	put_count(t, "cluster_slots_ok", assigned - pfail - fail);
	put_count(t, "cluster_slots_pfail", pfail);
	put_count(t, "cluster_slots_fail", fail);
}

/* Types that were never met are left out. */
static void
put_message_counts(struct text *t, const uint64_t counts[BUS_TYPE_COUNT], const char *direction)
{
	static const char *const names[BUS_TYPE_COUNT] = {
		[BUS_PING] = "ping",
		[BUS_PONG] = "pong",
		[BUS_MEET] = "meet",
		[BUS_FAIL] = "fail",
		[BUS_PUBLISH] = "publish",
		[BUS_AUTH_REQUEST] = "auth-req",
		[BUS_AUTH_ACK] = "auth-ack",
		[BUS_UPDATE] = "update",
		[BUS_MFSTART] = "mfstart",
		[BUS_MODULE] = "module",
		[BUS_PUBLISH_SHARD] = "publishshard",
	};
	uint64_t total = 0;
	for (unsigned type = 0; type < BUS_TYPE_COUNT; type++) {
		if (counts[type] == 0)
			continue;
		total += counts[type];
		text_word(t, "cluster_stats_messages_");
		text_word(t, names[type]);
		put_count(t, direction, counts[type]);
	}
	text_word(t, "cluster_stats_messages");
	put_count(t, direction, total);
}

void
render_info_text(struct text *t, const struct cluster *c, const struct cluster_facts *facts)
{
	(void)facts;
	text_word(t, c->health.ok ? "cluster_state:ok\r\n" : "cluster_state:fail\r\n");
	put_slot_counts(t, c);
	put_count(t, "cluster_known_nodes", c->node_count);
	put_count(t, "cluster_size", c->voter_count);
	put_count(t, "cluster_current_epoch", c->live.current_epoch);
	put_count(t, "cluster_my_epoch", node_epoch(c, &c->nodes[0]));
	put_message_counts(t, c->counters.sent, "_sent");
	put_message_counts(t, c->counters.received, "_received");
	/* cluster-link-sendbuf-limit: we have none to exceed. */
	put_count(t, "total_cluster_links_buffer_limit_exceeded", 0);
}

void
render_info(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w)
{
	reply_text(render_info_text, c, facts, w);
}

/* ---- LINKS ---- */

static void
reply_link(const struct node *n, bool outbound, const struct cluster_facts *facts,
	   struct resp_writer *w)
{
	/* When the peer connected to us is not kept: it did not before we knew it. */
	uint64_t since_ms = outbound ? n->out_created_ms : n->created_ms;
	uint64_t age_ms = facts->now_ms > since_ms ? facts->now_ms - since_ms : 0;
	resp_map(w, 6);
	resp_bulk_text(w, "direction");
	resp_bulk_text(w, outbound ? "to" : "from");
	resp_bulk_text(w, "node");
	resp_bulk(w, (struct span){n->id.bytes, NODE_ID_LEN});
	resp_bulk_text(w, "create-time");
	resp_integer(w, (int64_t)(facts->unix_ms > age_ms ? facts->unix_ms - age_ms : 0));
	resp_bulk_text(w, "events");
	resp_bulk_text(w, outbound && !n->out_up ? "" : "r");
	resp_bulk_text(w, "send-buffer-allocated");
	resp_integer(w, 0);
	resp_bulk_text(w, "send-buffer-used");
	resp_integer(w, 0);
}

void
render_links(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w)
{
	size_t count = 0;
	for (uint32_t i = 0; i < c->high; i++)
		if (c->nodes[i].in_use)
			count += (c->nodes[i].out != 0) + (c->nodes[i].in != 0);
	resp_array(w, count);
	for (uint32_t i = 0; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (n->in_use && n->out != 0)
			reply_link(n, true, facts, w);
		if (n->in_use && n->in != 0)
			reply_link(n, false, facts, w);
	}
}
