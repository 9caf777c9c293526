/* cluster/node_line.c - a node as a line of text. */
#include "cluster/node_line.h"

#include <string.h>

/* Eight bytes of a bitmap at a time: most of 4096 nodes own nothing, and this is asked of each. */
#define WORD_SLOTS 64u

static uint64_t
word_at(const struct slot_bitmap *map, unsigned word)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < 8; i++)
		bits |= (uint64_t)map->bytes[word * 8 + i] << (8 * i);
	return bits;
}

/* The first slot at or behind from whose bit is wanted; SLOT_COUNT: none. */
static unsigned
slot_seek(const struct slot_bitmap *map, unsigned from, bool wanted)
{
	while (from < SLOT_COUNT) {
		uint64_t bits = word_at(map, from / WORD_SLOTS);
		if (!wanted)
			bits = ~bits;
		bits &= UINT64_MAX << from % WORD_SLOTS;
		if (bits != 0)
			return from / WORD_SLOTS * WORD_SLOTS + (unsigned)__builtin_ctzll(bits);
		from = (from / WORD_SLOTS + 1) * WORD_SLOTS;
	}
	return SLOT_COUNT;
}

bool
slot_range_next(const struct slot_bitmap *map, unsigned from, struct slot_range *out)
{
	unsigned first = slot_seek(map, from, true);
	if (first >= SLOT_COUNT)
		return false;
	*out = (struct slot_range){first, slot_seek(map, first, false) - 1};
	return true;
}

uint64_t
node_epoch(const struct cluster *c, const struct node *n)
{
	return n->primary != NODE_NONE ? c->nodes[n->primary].config_epoch : n->config_epoch;
}

static void
put_flags(struct text *t, unsigned flags)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{NODE_MYSELF,     "myself"    },
                {NODE_PRIMARY,    "master"    },
		{NODE_REPLICA,    "slave"     },
                {NODE_PFAIL,      "fail?"     },
		{NODE_FAIL,       "fail"      },
                {NODE_HANDSHAKE,  "handshake" },
		{NODE_NOADDR,     "noaddr"    },
                {NODE_NOFAILOVER, "nofailover"},
	};
	bool any = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & names[i].flag) == 0)
			continue;
		if (any)
			text_word(t, ",");
		text_word(t, names[i].name);
		any = true;
	}
	if (!any)
		text_word(t, "noflags");
}

/* A monotonic instant as unix ms. */
static void
put_instant(struct text *t, uint64_t at_ms, const struct cluster_facts *facts)
{
	uint64_t age = facts->now_ms > at_ms ? facts->now_ms - at_ms : 0;
	text_word(t, " ");
	text_number(t, at_ms == 0 || age > facts->unix_ms ? 0 : facts->unix_ms - age);
}

static void
put_slots(struct text *t, const struct slot_bitmap *slots)
{
	struct slot_range range;
	for (unsigned from = 0; slot_range_next(slots, from, &range); from = range.last + 1) {
		text_word(t, " ");
		text_number(t, range.first);
		if (range.last != range.first) {
			text_word(t, "-");
			text_number(t, range.last);
		}
	}
}

static void
put_open_slot(struct text *t, unsigned slot, const char *arrow, const struct node *peer)
{
	text_word(t, " [");
	text_number(t, slot);
	text_word(t, arrow);
	text_id(t, &peer->id);
	text_word(t, "]");
}

static void
put_open_slots(struct text *t, const struct cluster *c)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if (c->migrating_to[s] != NODE_NONE)
			put_open_slot(t, s, "->-", &c->nodes[c->migrating_to[s]]);
		else if (c->importing_from[s] != NODE_NONE)
			put_open_slot(t, s, "-<-", &c->nodes[c->importing_from[s]]);
	}
}

void
node_line(struct text *t, const struct cluster *c, const struct node *n,
	  const struct cluster_facts *facts)
{
	bool myself = (n->flags & NODE_MYSELF) != 0;
	text_id(t, &n->id);
	text_word(t, " ");
	text_word(t, n->ip);
	text_word(t, ":");
	text_number(t, n->port);
	text_word(t, "@");
	text_number(t, n->cport);
	if (n->hostname[0] != '\0') {
		text_word(t, ",");
		text_word(t, n->hostname);
	}
	text_word(t, " ");
	put_flags(t, n->flags);
	text_word(t, " ");
	if (n->primary != NODE_NONE)
		text_id(t, &c->nodes[n->primary].id);
	else
		text_word(t, "-");
	put_instant(t, n->ping_sent_ms, facts);
	put_instant(t, n->pong_received_ms, facts);
	text_word(t, " ");
	text_number(t, node_epoch(c, n));
	text_word(t, myself || n->out_up ? " connected" : " disconnected");
	if (n->slot_count > 0)
		put_slots(t, &n->slots);
	if (myself)
		put_open_slots(t, c);
}
