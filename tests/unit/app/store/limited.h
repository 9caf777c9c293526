/* tests/unit/app/store/limited.h - an allocator that counts calls, knows what is out, and refuses on order. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "app/store/allocator.h"

struct limited {
	struct allocator table; /* first: the functions below cast */
	uint64_t calls;         /* of alloc and resize */
	uint64_t refuse_in;     /* the call, counted from now, that is refused; 0: none */
	bool refuse_all;
};

static inline bool
limited_refuses(struct limited *l)
{
	l->calls++;
	return l->refuse_all || (l->refuse_in > 0 && --l->refuse_in == 0);
}

static inline void *
limited_alloc(struct allocator *a, size_t size)
{
	void *at = limited_refuses((struct limited *)a) ? NULL : malloc(size);
	if (at != NULL)
		a->used += size;
	return at;
}

static inline void *
limited_resize(struct allocator *a, void *at, size_t old_size, size_t size)
{
	void *moved = limited_refuses((struct limited *)a) ? NULL : realloc(at, size);
	if (moved != NULL)
		a->used += size - (at != NULL ? old_size : 0);
	return moved;
}

static inline void
limited_release(struct allocator *a, void *at, size_t size)
{
	if (at != NULL)
		a->used -= size;
	free(at);
}

static inline size_t
limited_usable(const struct allocator *a, size_t size)
{
	(void)a;
	return size;
}

static inline void
limited_init(struct limited *l)
{
	*l = (struct limited){
		.table = {.alloc = limited_alloc,
			  .resize = limited_resize,
			  .release = limited_release,
			  .usable = limited_usable}
        };
}
