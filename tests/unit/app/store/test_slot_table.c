/* tests/unit/app/store/test_slot_table.c - the region's format, words, endpoints of every length, mode bits. Concurrency: tests/stress. */
#include "app/store/slot_table.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/runner.h"

static struct slot_table *
fresh(void)
{
	size_t size = (slot_table_size() + 63) / 64 * 64;
	void *mem = aligned_alloc(64, size);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0xa5, size);
	struct slot_table *t = slot_table_format(mem, size);
	ck_assert_ptr_eq(t, mem);
	return t;
}

START_TEST(a_fresh_table_owns_nothing)
{
	struct slot_table *t = fresh();
	char text[SLOT_ENDPOINT_MAX];
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		uint32_t word = slot_table_get(t, (uint16_t)slot);
		ck_assert_int_eq(slot_word_state(word), SLOT_UNOWNED);
		ck_assert_uint_eq(slot_word_node(word), SLOT_NODE_NONE);
	}
	for (uint32_t node = 0; node < SLOT_TABLE_NODES; node++)
		ck_assert(!slot_table_endpoint(t, node, text));
	ck_assert_uint_eq(slot_table_mode(t), 0);
	ck_assert_uint_eq(atomic_load(&t->generation), 0);
	free(t);
}
END_TEST

START_TEST(only_a_region_of_this_layout_is_attached)
{
	struct slot_table *t = fresh();
	size_t size = slot_table_size();
	ck_assert_ptr_eq(slot_table_attach(t, size), t);
	ck_assert_ptr_null(slot_table_attach(t, size - 1));
	ck_assert_ptr_null(slot_table_attach(NULL, size));
	ck_assert_ptr_null(slot_table_attach((char *)t + 8, size));
	ck_assert_ptr_null(slot_table_format((char *)t + 8, size));
	ck_assert_ptr_null(slot_table_format(t, size - 1));
	t->layout_version++;
	ck_assert_ptr_null(slot_table_attach(t, size));
	t->layout_version--;
	t->magic ^= 1;
	ck_assert_ptr_null(slot_table_attach(t, size));
	free(t);
}
END_TEST

START_TEST(words_keep_state_and_node)
{
	struct slot_table *t = fresh();
	for (unsigned state = SLOT_UNOWNED; state <= SLOT_IMPORTING; state++)
		for (uint32_t node = 0; node <= SLOT_NODE_NONE; node += 257) {
			uint32_t word = slot_word((enum slot_state)state, node);
			ck_assert_int_eq(slot_word_state(word), state);
			ck_assert_uint_eq(slot_word_node(word), node);
		}
	uint32_t word = slot_word(SLOT_LOCAL, 3);
	ck_assert(slot_table_set(t, SLOT_COUNT - 1, word));
	ck_assert(!slot_table_set(t, SLOT_COUNT - 1, word)); /* nothing changed */
	ck_assert_uint_eq(slot_table_get(t, SLOT_COUNT - 1), word);
	ck_assert_int_eq(slot_word_state(slot_table_get(t, SLOT_COUNT - 2)), SLOT_UNOWNED);
	slot_table_publish(t);
	ck_assert_uint_eq(atomic_load(&t->generation), 1);
	free(t);
}
END_TEST

START_TEST(endpoints_of_every_length_are_kept)
{
	struct slot_table *t = fresh();
	char text[SLOT_ENDPOINT_MAX + 1], found[SLOT_ENDPOINT_MAX];
	for (size_t len = SLOT_ENDPOINT_MAX - 1; len > 0;
	     len--) { /* the shorter replaces the longer */
		memset(text, 'a' + (int)(len % 26), len);
		text[len] = '\0';
		ck_assert(slot_table_set_endpoint(t, 5, text));
		ck_assert(!slot_table_set_endpoint(t, 5, text));
		ck_assert(slot_table_endpoint(t, 5, found));
		ck_assert_str_eq(found, text);
		ck_assert_uint_eq(atomic_load(&t->endpoints[5].version) % 2, 0);
	}
	ck_assert(slot_table_set_endpoint(t, 5, ""));
	ck_assert(!slot_table_endpoint(t, 5, found));
	memset(text, 'x', SLOT_ENDPOINT_MAX);
	text[SLOT_ENDPOINT_MAX] = '\0';
	ck_assert(!slot_table_set_endpoint(t, 5, text)); /* one too long */
	ck_assert(!slot_table_set_endpoint(t, SLOT_TABLE_NODES, "a:1"));
	ck_assert(!slot_table_endpoint(t, SLOT_TABLE_NODES, found));
	ck_assert(!slot_table_endpoint(t, SLOT_NODE_NONE, found));
	ck_assert(!slot_table_endpoint(t, 4, found));
	ck_assert(!slot_table_endpoint(t, 6, found));
	free(t);
}
END_TEST

START_TEST(mode_bits_belong_to_two_writers)
{
	const uint32_t control = SLOT_MODE_OK | SLOT_MODE_REPLICA | SLOT_MODE_READS_WHEN_DOWN |
				 SLOT_MODE_STALE_REFUSED;
	const uint32_t link = SLOT_MODE_LINK_UP | SLOT_MODE_LOADING;
	for (uint32_t mode = 0; mode < 64; mode++) {
		struct slot_table *t = fresh();
		slot_table_change_mode(t, mode & link, ~mode & link);
		slot_table_set_mode(t, mode,
				    77); /* what it says of the link's bits does not count */
		ck_assert_uint_eq(slot_table_mode(t), mode);
		ck_assert_uint_eq(atomic_load(&t->primary), 77);
		slot_table_set_mode(t, ~mode & control, SLOT_NODE_NONE);
		ck_assert_uint_eq(slot_table_mode(t), (~mode & control) | (mode & link));
		slot_table_change_mode(t, 0, link);
		ck_assert_uint_eq(slot_table_mode(t), ~mode & control);
		free(t);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("slot_table", a_fresh_table_owns_nothing,
			 only_a_region_of_this_layout_is_attached, words_keep_state_and_node,
			 endpoints_of_every_length_are_kept, mode_bits_belong_to_two_writers);
}
