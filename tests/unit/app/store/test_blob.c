/* tests/unit/app/store/test_blob.c - counted references, and the libc allocator's own count. */
#include "app/store/blob.h"

#include <string.h>

#include "tests/unit/app/store/limited.h"
#include "tests/unit/runner.h"

START_TEST(the_last_reference_gives_the_memory_back)
{
	struct allocator a;
	allocator_init_libc(&a);
	struct blob *blob = blob_create(&a, 5000);
	ck_assert_ptr_nonnull(blob);
	memset(blob->bytes, 'x', blob->len);
	ck_assert_uint_eq(a.used, sizeof(struct blob) + 5000);
	ck_assert_ptr_eq(blob_hold(blob), blob);
	blob_release(&a, blob);
	ck_assert_uint_eq(blob->references, 1);
	ck_assert_uint_eq(blob->bytes[4999], 'x');
	blob_release(&a, blob);
	ck_assert_uint_eq(a.used, 0);
}
END_TEST

START_TEST(a_refusal_is_null_and_counts_nothing)
{
	struct limited l;
	limited_init(&l);
	l.refuse_all = true;
	ck_assert_ptr_null(blob_create(&l.table, 10));
	ck_assert_uint_eq(l.table.used, 0);
}
END_TEST

START_TEST(the_libc_allocator_counts_what_is_out)
{
	struct allocator a;
	allocator_init_libc(&a);
	void *at = a.resize(&a, NULL, 0, 10);
	ck_assert_uint_eq(a.used, 10);
	at = a.resize(&a, at, 10, 100);
	ck_assert_uint_eq(a.used, 100);
	at = a.resize(&a, at, 100, 7);
	ck_assert_uint_eq(a.used, a.usable(&a, 7));
	a.release(&a, at, 7);
	a.release(&a, NULL, 7);
	ck_assert_uint_eq(a.used, 0);
}
END_TEST

int
main(void)
{
	return RUN_CASES("blob", the_last_reference_gives_the_memory_back,
			 a_refusal_is_null_and_counts_nothing,
			 the_libc_allocator_counts_what_is_out);
}
