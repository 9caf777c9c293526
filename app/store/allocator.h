/* app/store/allocator.h - where a lcore's keys, values and client buffers live.
 *
 * A table of functions, so that the store stays free of EAL: release builds give it a jemalloc arena, sanitizer
 * builds malloc. Not on the per-packet path: a request that creates or grows a value may call it. One lcore each.
 */
#pragma once
#include <stddef.h>

struct allocator {
	void *(*alloc)(struct allocator *a, size_t size); /* NULL: limit or no memory */
	void *(*resize)(struct allocator *a, void *at, size_t old_size,
			size_t size);                                /* at may be NULL */
	void (*release)(struct allocator *a, void *at, size_t size); /* at may be NULL */
	size_t (*usable)(const struct allocator *a, size_t size);    /* what size really takes */
	size_t used;   /* bytes handed out, as usable() counts them */
	size_t mapped; /* bytes got for them, in large pieces */
	void *state;
};

/* malloc and free, counted. */
void allocator_init_libc(struct allocator *a);
