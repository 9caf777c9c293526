/* app/store/blob.c - one piece of memory per value: count, length, bytes. */
#include "app/store/blob.h"

#include "proto/base/assert.h"

struct blob *
blob_create(struct allocator *a, size_t len)
{
	struct blob *blob = a->alloc(a, sizeof(*blob) + len);
	if (blob == NULL)
		return NULL;
	blob->references = 1;
	blob->len = len;
	return blob;
}

void
blob_release(void *owner, void *object)
{
	struct allocator *a = owner;
	struct blob *blob = object;
	ASSERT(blob->references > 0);
	if (--blob->references == 0)
		a->release(a, blob, sizeof(*blob) + blob->len);
}
