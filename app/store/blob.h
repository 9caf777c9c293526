/* app/store/blob.h - large immutable values, counted references. One lcore. */
#pragma once
#include "app/store/allocator.h"
#include "app/store/entry.h"

/* One reference; bytes are the caller's to fill. NULL: no memory. */
struct blob *blob_create(struct allocator *a, size_t len);
static inline struct blob *
blob_hold(struct blob *blob)
{
	blob->references++;
	return blob;
}
/* owner: the struct allocator. The signature is that of struct resp_sink's release. */
void blob_release(void *owner, void *blob);
