/* tests/unit/cluster/hand_ask.h - frames that arrive at the node of hand.h, and questions to the effects of its last step. */
#pragma once
#include "tests/unit/cluster/hand.h"

static inline void
hand_receive(struct hand *h, bus_link link)
{
	hand_step(h, &(struct cluster_event){.kind = CLUSTER_MESSAGE,
					     .link = link,
					     .msg = &h->msg,
					     .ip = h->from_ip,
					     .own_ip = "10.0.0.1"});
}

/* h->msg arrives on the link that its type belongs to: a PONG on ours, the rest on theirs. */
static inline void
hand_deliver(struct hand *h, uint32_t from)
{
	const struct node *n = &h->c->nodes[from];
	hand_receive(h, h->msg.head.type == BUS_PONG ? n->out : n->in);
}

static inline const struct effect *
hand_find(const struct hand *h, enum effect_kind kind, unsigned skip)
{
	for (unsigned i = 0; i < h->out->count; i++) {
		if (h->out->list[i].kind == kind && skip-- == 0)
			return &h->out->list[i];
	}
	return NULL;
}

static inline unsigned
hand_count(const struct hand *h, enum effect_kind kind)
{
	unsigned count = 0;
	while (hand_find(h, kind, count) != NULL)
		count++;
	return count;
}

/* The first SEND of this type; NULL: none. */
static inline const struct effect *
hand_sent(const struct hand *h, enum bus_type type)
{
	const struct effect *effect;
	for (unsigned i = 0; (effect = hand_find(h, EFFECT_SEND, i)) != NULL; i++) {
		if (effect->msg->head.type == type)
			return effect;
	}
	return NULL;
}

static inline unsigned
hand_sent_count(const struct hand *h, enum bus_type type)
{
	unsigned count = 0;
	for (unsigned i = 0; i < h->out->count; i++)
		count += h->out->list[i].kind == EFFECT_SEND &&
			 h->out->list[i].msg->head.type == type;
	return count;
}

static inline const struct effect *
hand_traced(const struct hand *h, enum cluster_trace trace)
{
	const struct effect *effect;
	for (unsigned i = 0; (effect = hand_find(h, EFFECT_TRACE, i)) != NULL; i++) {
		if (effect->trace == trace)
			return effect;
	}
	return NULL;
}

/* The refusal of the last frame; MESSAGE_TAKEN: none. */
static inline enum message_refusal
hand_refused(const struct hand *h)
{
	const struct effect *effect = hand_traced(h, TRACE_MESSAGE_REFUSED);
	return effect == NULL ? MESSAGE_TAKEN : (enum message_refusal)effect->number;
}

static inline bool
hand_flagged(const struct hand *h, uint32_t node, unsigned flags)
{
	return (h->c->nodes[node].flags & flags) != 0;
}
