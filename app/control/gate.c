/* app/control/gate.c - a list: as numbers only grow, what may leave stands at its front. */
#include "app/control/gate.h"

#include <string.h>

void
gate_init(struct gate *gate, struct allocator *allocator)
{
	*gate = (struct gate){.allocator = allocator};
	STAILQ_INIT(&gate->items);
}

void
gate_close(struct gate *gate)
{
	struct gate_item *item;
	while ((item = gate_take(gate, UINT64_MAX)) != NULL)
		gate_free(gate, item);
}

bool
gate_hold(struct gate *gate, const struct effect *effect, struct span frame)
{
	struct allocator *a = gate->allocator;
	if (frame.len > 0 && gate->bytes + frame.len > GATE_BYTES_MAX)
		return false;
	struct gate_item *item = a->alloc(a, sizeof(*item) + frame.len);
	if (item == NULL)
		return false;
	item->effect = *effect;
	item->effect.msg = NULL;
	item->len = (uint32_t)frame.len;
	if (frame.len > 0)
		memcpy(item->frame, frame.at, frame.len);
	STAILQ_INSERT_TAIL(&gate->items, item, next);
	gate->count++;
	gate->bytes += frame.len;
	return true;
}

struct gate_item *
gate_take(struct gate *gate, uint64_t durable)
{
	struct gate_item *item = STAILQ_FIRST(&gate->items);
	while (item != NULL && item->effect.after > durable)
		item = STAILQ_NEXT(item, next);
	if (item == NULL)
		return NULL;
	STAILQ_REMOVE(&gate->items, item, gate_item, next);
	gate->count--;
	gate->bytes -= item->len;
	return item;
}

void
gate_free(struct gate *gate, struct gate_item *item)
{
	gate->allocator->release(gate->allocator, item, sizeof(*item) + item->len);
}
