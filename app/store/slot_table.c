/* app/store/slot_table.c - the shared region of slot ownership. */
#include "app/store/slot_table.h"

#include <string.h>

#define MAGIC 0x706f6c6c69732d73ull /* "pollis-s" */

_Static_assert(sizeof(struct slot_endpoint) == 8 + SLOT_ENDPOINT_MAX, "bump the layout version");
_Static_assert(SLOT_ENDPOINT_MAX % 8 == 0, "read as words");

size_t
slot_table_size(void)
{
	return sizeof(struct slot_table);
}

static bool
fits(const void *mem, size_t size)
{
	return mem != NULL && size >= sizeof(struct slot_table) &&
	       (uintptr_t)mem % _Alignof(struct slot_table) == 0;
}

struct slot_table *
slot_table_format(void *mem, size_t size)
{
	struct slot_table *t = mem;
	if (!fits(mem, size))
		return NULL;
	memset(mem, 0, sizeof(*t));
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		atomic_init(&t->words[i], slot_word(SLOT_UNOWNED, SLOT_NODE_NONE));
	atomic_init(&t->primary, SLOT_NODE_NONE);
	t->layout_version = SLOT_TABLE_VERSION;
	t->magic = MAGIC;
	return t;
}

struct slot_table *
slot_table_attach(void *mem, size_t size)
{
	struct slot_table *t = mem;
	if (!fits(mem, size) || t->magic != MAGIC || t->layout_version != SLOT_TABLE_VERSION)
		return NULL;
	return t;
}

bool
slot_table_set(struct slot_table *t, uint16_t slot, uint32_t word)
{
	if (slot_table_get(t, slot) == word)
		return false;
	atomic_store_explicit(&t->words[slot], word, memory_order_relaxed);
	return true;
}

void
slot_table_set_mode(struct slot_table *t, uint32_t mode, uint32_t primary)
{
	const uint32_t others = SLOT_MODE_LINK_UP | SLOT_MODE_LOADING;
	atomic_store_explicit(&t->primary, primary, memory_order_relaxed);
	slot_table_change_mode(t, mode & ~others, ~mode & ~others);
}

void
slot_table_change_mode(struct slot_table *t, uint32_t set, uint32_t clear)
{
	uint32_t old = atomic_load_explicit(&t->mode, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&t->mode, &old, (old & ~clear) | set,
						      memory_order_release, memory_order_relaxed))
		;
}

bool
slot_table_set_endpoint(struct slot_table *t, uint32_t node, const char *text)
{
	uint64_t words[SLOT_ENDPOINT_MAX / 8] = {0};
	size_t len = strlen(text);
	if (node >= SLOT_TABLE_NODES || len >= SLOT_ENDPOINT_MAX)
		return false;
	memcpy(words, text, len);
	struct slot_endpoint *e = &t->endpoints[node];
	bool same = true;
	for (unsigned i = 0; i < SLOT_ENDPOINT_MAX / 8; i++)
		same &= atomic_load_explicit(&e->text[i], memory_order_relaxed) == words[i];
	if (same)
		return false;
	uint64_t version = atomic_load_explicit(&e->version, memory_order_relaxed);
	/* Whoever sees one of the new words also sees the odd version, and reads again. */
	atomic_store_explicit(&e->version, version + 1, memory_order_relaxed);
	for (unsigned i = 0; i < SLOT_ENDPOINT_MAX / 8; i++)
		atomic_store_explicit(&e->text[i], words[i], memory_order_release);
	atomic_store_explicit(&e->version, version + 2, memory_order_release);
	return true;
}

bool
slot_table_endpoint(const struct slot_table *t, uint32_t node, char text[SLOT_ENDPOINT_MAX])
{
	uint64_t words[SLOT_ENDPOINT_MAX / 8], before, after;
	if (node >= SLOT_TABLE_NODES)
		return false;
	const struct slot_endpoint *e = &t->endpoints[node];
	do {
		before = atomic_load_explicit(&e->version, memory_order_acquire);
		for (unsigned i = 0; i < SLOT_ENDPOINT_MAX / 8; i++)
			words[i] = atomic_load_explicit(&e->text[i], memory_order_acquire);
		after = atomic_load_explicit(&e->version, memory_order_relaxed);
	} while (before != after || before % 2 != 0);
	memcpy(text, words, SLOT_ENDPOINT_MAX);
	return text[0] != '\0';
}

void
slot_table_publish(struct slot_table *t)
{
	atomic_fetch_add_explicit(&t->generation, 1, memory_order_release);
}
