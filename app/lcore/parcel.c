/* app/lcore/parcel.c - replies collected away from their connection: first in the parcel, then in parts. */
#include "app/lcore/parcel.h"

#include <string.h>

#include "proto/base/assert.h"

static struct parcel *
parcel_of(struct resp_writer *w)
{
	return (struct parcel *)((char *)w - offsetof(struct parcel, writer));
}

static size_t
size_of(uint32_t args)
{
	return sizeof(struct parcel) + args * sizeof(struct span);
}

struct parcel *
parcel_create(struct allocator *allocator, uint32_t args)
{
	uint32_t room = args > PARCEL_ARGS_MAX ? args : PARCEL_ARGS_MAX;
	struct parcel *p = allocator->alloc(allocator, size_of(room));
	if (p == NULL)
		return NULL;
	p->args_size = room;
	p->count = p->args_used = p->inline_len = 0;
	p->parts = (struct parcel_parts){NULL, NULL};
	p->config = NULL;
	return p;
}

void
parcel_free(struct allocator *allocator, struct parcel *p)
{
	allocator->release(allocator, p, size_of(p->args_size));
}

bool
parcel_add(struct parcel *p, const struct call *call)
{
	if (p->count == CALL_BATCH_MAX || call->argc > p->args_size - p->args_used)
		return false;
	struct span *argv = &p->args[p->args_used];
	memcpy(argv, call->argv, call->argc * sizeof(*argv));
	p->args_used += call->argc;
	p->calls[p->count] = *call;
	p->calls[p->count].argv = argv;
	p->calls[p->count].session = &p->session;
	p->count++;
	return true;
}

/* ---- the sink ---- */

/* What was written so far belongs to the inline bytes or to the last part. */
static void
settle(struct parcel *p)
{
	struct resp_writer *w = &p->writer;
	if (w->at == NULL)
		return;
	if (p->parts.last == NULL)
		p->inline_len = (uint32_t)(w->at - p->bytes);
	else
		p->parts.last->bytes.len = (size_t)(w->at - p->parts.last->bytes.at);
	w->at = w->end = NULL;
}

static struct parcel_part *
part_add(struct parcel *p, size_t room)
{
	struct parcel_part *part = parcel_part_create(p->allocator, p->lcore, room);
	if (part != NULL)
		parcel_parts_add(&p->parts, part);
	return part;
}

static bool
sink_room(struct resp_writer *w, size_t need)
{
	struct parcel *p = parcel_of(w);
	settle(p);
	if (p->parts.first == NULL && p->inline_len + need <= PARCEL_INLINE) {
		w->at = p->bytes + p->inline_len;
		w->end = p->bytes + PARCEL_INLINE;
		return true;
	}
	/* Between two referenced values there are only a few bytes of protocol. */
	size_t room = p->parts.last != NULL && p->parts.last->release != NULL ? need : PARCEL_PART;
	struct parcel_part *part = part_add(p, room);
	if (part == NULL)
		return false;
	w->at = (uint8_t *)(part + 1);
	w->end = w->at + room;
	return true;
}

static bool
sink_reference(struct resp_writer *w, struct span bytes, void (*release)(void *owner, void *object),
	       void *owner, void *object)
{
	struct parcel *p = parcel_of(w);
	settle(p);
	struct parcel_part *part = part_add(p, 0);
	if (part == NULL)
		return false;
	part->bytes = bytes;
	part->release = release;
	part->owner = owner;
	part->object = object;
	return true;
}

static const struct resp_sink parcel_sink = {sink_room, sink_reference};

void
parcel_open(struct parcel *p, unsigned lcore, struct allocator *allocator)
{
	p->lcore = lcore;
	p->allocator = allocator;
	p->writer = (struct resp_writer){.sink = &parcel_sink, .protocol = p->session.protocol};
}

void
parcel_close(struct parcel *p)
{
	settle(p);
}

struct parcel_part *
parcel_part_create(struct allocator *allocator, unsigned lcore, size_t room)
{
	size_t size = sizeof(struct parcel_part) + room;
	struct parcel_part *part = allocator->alloc(allocator, size);
	if (part == NULL)
		return NULL;
	*part = (struct parcel_part){
		.lcore = lcore,
		.allocator = allocator,
		.size = size,
		.bytes = {(const uint8_t *)(part + 1), 0}
        };
	return part;
}

void
parcel_parts_add(struct parcel_parts *parts, struct parcel_part *part)
{
	ASSERT(parts->first == NULL || parts->last != NULL);
	part->next = NULL;
	if (parts->first == NULL) /* who takes from the front leaves last as it is */
		parts->first = part;
	else
		parts->last->next = part;
	parts->last = part;
}

void
parcel_part_free(struct parcel_part *part)
{
	if (part->release != NULL)
		part->release(part->owner, part->object);
	part->allocator->release(part->allocator, part, part->size);
}
