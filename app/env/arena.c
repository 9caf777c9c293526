/* app/env/arena.c - jemalloc's non-standard interface (mallocx) with explicit arena and thread cache. */
#include "app/env/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <jemalloc/jemalloc.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#define PAGE_SIZE 4096u

struct arena {
	extent_hooks_t hooks; /* first: jemalloc hands back its address */
	struct allocator *table;
	uint8_t *reserve; /* what is left of it */
	size_t reserve_left;
	size_t refused_from; /* extents so large or larger were refused lately */
	uint64_t retry_at;   /* ... and are not asked for before; in TSC cycles */
	int socket_id;
	int flags; /* MALLOCX_ARENA and MALLOCX_TCACHE */
	unsigned index, tcache;
};

/* ---- extents ---- */

/* From the reserve first, which is whole pages. */
static void *
take_reserve(struct arena *arena, size_t size, size_t alignment)
{
	size_t gap = (size_t)(-(uintptr_t)arena->reserve & (alignment - 1));
	if (size > arena->reserve_left || gap > arena->reserve_left - size)
		return NULL;
	uint8_t *at = arena->reserve + gap;
	arena->reserve = at + size;
	arena->reserve_left -= gap + size;
	return at;
}

/* When the hugepages are used up every further question costs a lock and system calls: it is asked once a second. */
static void *
take_heap(struct arena *arena, size_t size, size_t alignment)
{
	if (size >= arena->refused_from && rte_rdtsc() < arena->retry_at)
		return NULL;
	void *at = rte_malloc_socket("arena", size, (unsigned)alignment, arena->socket_id);
	if (at != NULL) {
		arena->refused_from = SIZE_MAX;
		return at;
	}
	arena->refused_from = size < arena->refused_from ? size : arena->refused_from;
	arena->retry_at = rte_rdtsc() + rte_get_tsc_hz();
	return NULL;
}

/* The signatures are jemalloc's. NOLINTBEGIN(readability-function-size,readability-non-const-parameter) */

static void *
extent_alloc(extent_hooks_t *hooks, void *new_addr, size_t size, size_t alignment, bool *zero,
	     bool *commit, unsigned arena_index)
{
	struct arena *arena = (struct arena *)hooks;
	(void)arena_index;
	if (new_addr != NULL) /* growing in place is not ours to promise */
		return NULL;
	void *at = take_reserve(arena, size, alignment);
	if (at == NULL)
		at = take_heap(arena, size, alignment);
	if (at == NULL)
		return NULL;
	arena->table->mapped += size;
	if (*zero)
		memset(at, 0, size);
	*commit = true;
	return at;
}

/* True keeps the extent for reuse. */
static bool
extent_dalloc(extent_hooks_t *hooks, void *at, size_t size, bool committed, unsigned arena_index)
{
	(void)hooks, (void)at, (void)size, (void)committed, (void)arena_index;
	return true;
}

/* Extents were split and merged: none is surely what one rte_malloc() gave. They go with the process. */
static void
extent_destroy(extent_hooks_t *hooks, void *at, size_t size, bool committed, unsigned arena_index)
{
	(void)hooks, (void)at, (void)size, (void)committed, (void)arena_index;
}

static bool
extent_refuse(extent_hooks_t *hooks, void *at, size_t size, size_t offset, size_t length,
	      unsigned arena_index)
{
	(void)hooks, (void)at, (void)size, (void)offset, (void)length, (void)arena_index;
	return true;
}

static bool
extent_split(extent_hooks_t *hooks, void *at, size_t size, size_t size_a, size_t size_b,
	     bool committed, unsigned arena_index)
{
	(void)hooks, (void)at, (void)size, (void)size_a, (void)size_b, (void)committed;
	(void)arena_index;
	return false;
}

/* Neighbours may merge wherever they came from, since none is ever given back alone. */
static bool
extent_merge(extent_hooks_t *hooks, void *a, size_t size_a, void *b, size_t size_b, bool committed,
	     unsigned arena_index)
{
	(void)hooks, (void)a, (void)size_a, (void)b, (void)size_b, (void)committed;
	(void)arena_index;
	return false;
}

/* NOLINTEND(readability-function-size,readability-non-const-parameter) */

static const extent_hooks_t hooks_template = {
	.alloc = extent_alloc,
	.dalloc = extent_dalloc,
	.destroy = extent_destroy,
	.commit = extent_refuse,
	.decommit = extent_refuse,
	.purge_lazy = extent_refuse,
	.purge_forced = extent_refuse,
	.split = extent_split,
	.merge = extent_merge,
};

/* ---- the allocator table ---- */

static size_t
arena_usable(const struct allocator *a, size_t size)
{
	return nallocx(size, ((const struct arena *)a->state)->flags);
}

static void *
arena_alloc(struct allocator *a, size_t size)
{
	const struct arena *arena = a->state;
	void *at = mallocx(size, arena->flags);
	if (at != NULL)
		a->used += nallocx(size, arena->flags);
	return at;
}

static void
arena_release(struct allocator *a, void *at, size_t size)
{
	const struct arena *arena = a->state;
	if (at == NULL)
		return;
	a->used -= nallocx(size, arena->flags);
	sdallocx(at, size, arena->flags);
}

static void *
arena_resize(struct allocator *a, void *at, size_t old_size, size_t size)
{
	const struct arena *arena = a->state;
	if (at == NULL)
		return arena_alloc(a, size);
	void *moved = rallocx(at, size, arena->flags);
	if (moved != NULL)
		a->used += nallocx(size, arena->flags) - nallocx(old_size, arena->flags);
	return moved;
}

static int
set_decay(const struct arena *arena, const char *name)
{
	size_t mib[3], count = 3;
	ssize_t at_once = 0;
	if (mallctlnametomib(name, mib, &count) != 0)
		return -ENOTSUP;
	mib[1] = arena->index;
	return -mallctlbymib(mib, count, NULL, NULL, &at_once, sizeof(at_once));
}

int
arena_allocator_init(struct allocator *a, int socket_id, size_t reserve)
{
	struct arena *arena = rte_zmalloc_socket("arena state", sizeof(*arena), 0, socket_id);
	extent_hooks_t *hooks;
	size_t size = sizeof(arena->index);
	if (arena == NULL)
		return -ENOMEM;
	arena->hooks = hooks_template;
	arena->socket_id = socket_id;
	arena->table = a;
	arena->refused_from = SIZE_MAX;
	a->mapped = 0;
	if (reserve > 0) {
		arena->reserve = rte_malloc_socket("reserve", reserve, PAGE_SIZE, socket_id);
		arena->reserve_left = reserve;
		if (arena->reserve == NULL) {
			rte_free(arena);
			return -ENOMEM;
		}
	}
	hooks = &arena->hooks;
	if (mallctl("arenas.create", &arena->index, &size, &hooks, sizeof(hooks)) != 0 ||
	    mallctl("tcache.create", &arena->tcache, &size, NULL, 0) != 0) {
		rte_free(arena->reserve);
		rte_free(arena);
		return -ENOTSUP;
	}
	arena->flags = MALLOCX_ARENA(arena->index) | MALLOCX_TCACHE(arena->tcache);
	int rc = set_decay(arena, "arena.0.dirty_decay_ms");
	if (rc == 0)
		rc = set_decay(arena, "arena.0.muzzy_decay_ms");
	*a = (struct allocator){.alloc = arena_alloc,
				.resize = arena_resize,
				.release = arena_release,
				.usable = arena_usable,
				.mapped = a->mapped,
				.state = arena};
	return rc;
}

void
arena_allocator_close(struct allocator *a)
{
	struct arena *arena = a->state;
	size_t mib[3], count = 3;
	if (arena == NULL)
		return;
	mallctl("tcache.destroy", NULL, NULL, &arena->tcache, sizeof(arena->tcache));
	if (mallctlnametomib("arena.0.destroy", mib, &count) == 0) {
		mib[1] = arena->index;
		mallctlbymib(mib, count, NULL, NULL, NULL, 0);
	}
	a->state = NULL;
}
