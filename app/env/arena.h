/* app/env/arena.h - the release build's allocator: a jemalloc arena per lcore whose extents come from the EAL heap.
 *
 * So keys, values and reply blocks lie in hugepages that a device can read, a lcore shares no lock with another, and the EAL's
 * memory is the hard limit: what does not fit is refused, never swapped. Purging and giving back to the kernel are refused, because
 * hugepages are ours anyway; decay times are 0, so that freed pages are coalesced at once.
 */
#pragma once
#include "app/store/allocator.h"

/* socket_id: NUMA node of the extents. reserve: bytes taken from the hugepages now, so that this arena has them when others have taken all
 * the rest; 0: none. 0, or negative errno (-ENOMEM, -ENOTSUP: jemalloc without arenas). Before the lcore starts;
 * the allocator is used by one lcore. */
int arena_allocator_init(struct allocator *a, int socket_id, size_t reserve);
/* Forgets all it holds; the EAL heap gets the memory back when the process ends. */
void arena_allocator_close(struct allocator *a);
