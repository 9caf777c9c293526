/* app/store/allocator.c - the allocator table over malloc and free, for sanitizer builds and tests. */
#include "app/store/allocator.h"

#include <malloc.h>
#include <stdlib.h>

static size_t
libc_usable(const struct allocator *a, size_t size)
{
	(void)a;
	return size;
}

static void *
libc_alloc(struct allocator *a, size_t size)
{
	void *at = malloc(size);
	if (at != NULL)
		a->mapped = a->used += size;
	return at;
}

static void *
libc_resize(struct allocator *a, void *at, size_t old_size, size_t size)
{
	void *moved = realloc(at, size);
	if (moved != NULL)
		a->mapped = a->used += size - (at != NULL ? old_size : 0);
	return moved;
}

static void
libc_release(struct allocator *a, void *at, size_t size)
{
	if (at == NULL)
		return;
	a->mapped = a->used -= size;
	free(at);
}

void
allocator_init_libc(struct allocator *a)
{
	*a = (struct allocator){.alloc = libc_alloc,
				.resize = libc_resize,
				.release = libc_release,
				.usable = libc_usable};
}
