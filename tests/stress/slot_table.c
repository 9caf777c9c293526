/* tests/stress/slot_table.c - one writer and several readers of endpoints, words and mode bits (app/store/slot_table.h).
 *
 * Endpoints have lengths from one word to all of them and are made of one letter: a torn one has two. Two lcores write different bits of
 * the mode; neither may lose the other's.
 */
#include "app/store/slot_table.h"

#include <sched.h>
#include <string.h>

#include "proto/base/prng.h"
#include "tests/stress/threads.h"

#define READERS 2
#define CHANGES 40000
#define NODES   2 /* few, so that readers meet the writer */
#define MINE    (SLOT_MODE_LINK_UP | SLOT_MODE_LOADING)

struct run {
	struct slot_table *table;
	_Atomic bool over;
	_Atomic uint64_t reads, changed;
};

static void
control(struct run *run, unsigned self)
{
	struct prng prng;
	prng_seed(&prng, self);
	for (uint32_t i = 0; i < CHANGES; i++) {
		char text[SLOT_ENDPOINT_MAX] = {0};
		uint32_t mode = i % 2 != 0 ? SLOT_MODE_OK | SLOT_MODE_REPLICA : 0;
		memset(text, 'a' + (int)(i % 26), 1 + prng_below(&prng, SLOT_ENDPOINT_MAX - 1));
		slot_table_set_endpoint(run->table, i % NODES, text);
		slot_table_set(run->table, (uint16_t)(i % 8), slot_word(SLOT_REMOTE, i % NODES));
		slot_table_set_mode(run->table, mode, i);
		THREADS_CHECK((slot_table_mode(run->table) & ~(uint32_t)MINE) == mode);
		slot_table_publish(run->table);
	}
	atomic_store(&run->over, true);
}

/* The lcore that has the link to the primary. */
static void
link_owner(struct run *run, unsigned self)
{
	struct prng prng;
	prng_seed(&prng, self);
	while (!atomic_load(&run->over)) {
		uint32_t set = prng_below(&prng, 2) ? SLOT_MODE_LINK_UP : SLOT_MODE_LOADING;
		slot_table_change_mode(run->table, set, MINE & ~set);
		THREADS_CHECK((slot_table_mode(run->table) & MINE) == set);
	}
}

static void /* NOLINTNEXTLINE(readability-function-size): each check is a level of its macro */
reader(struct run *run)
{
	char text[SLOT_ENDPOINT_MAX], last = 0;
	while (!atomic_load(&run->over)) {
		for (uint32_t node = 0; node < NODES; node++) {
			if (!slot_table_endpoint(run->table, node, text))
				continue;
			size_t len = strnlen(text, sizeof(text));
			THREADS_CHECK(len > 0 && len < sizeof(text));
			for (size_t i = 0; i < sizeof(text); i++)
				THREADS_CHECK(text[i] == (i < len ? text[0] : '\0'));
			atomic_fetch_add(&run->changed, text[0] != last);
			last = text[0];
		}
		uint32_t word = slot_table_get(run->table, 3);
		THREADS_CHECK(
			slot_word_state(word) == SLOT_UNOWNED ||
			(slot_word_state(word) == SLOT_REMOTE && slot_word_node(word) < NODES));
		atomic_fetch_add(&run->reads, 1);
	}
}

static void
body(void *owner, unsigned self)
{
	struct run *run = owner;
	if (self == 1)
		control(run, self);
	else if (self == 2)
		link_owner(run, self);
	else
		reader(run);
}

int
main(void)
{
	struct run run = {.over = false};
	size_t size = (slot_table_size() + 63) / 64 * 64;
	void *mem = aligned_alloc(64, size);
	run.table = slot_table_format(mem, size);
	THREADS_CHECK(run.table != NULL);
	threads_run(&run, 2 + READERS, body);
	THREADS_CHECK(atomic_load(&run.table->generation) == CHANGES);
	printf("%lu reads, %lu of them new\n", atomic_load(&run.reads), atomic_load(&run.changed));
	free(mem);
	return 0;
}
