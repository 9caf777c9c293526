/* tests/sim/cluster/setup.c - how a cluster comes to be: by an operator's commands, or from files that already name everybody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/world.h"

#define SETUP_LINE_MAX   256u
#define SETUP_STEP_US    50000u
#define SETUP_US         60000000ull
#define BOOT_US_PER_HOST 1000u

static unsigned
first_slot(const struct world *w, uint32_t shard)
{
	return (unsigned)((uint64_t)shard * SLOT_COUNT / w->options.shards);
}

static void
new_ids(struct world *w)
{
	static const char digits[] = "0123456789abcdef";
	for (uint32_t i = 0; i < w->host_count; i++)
		for (unsigned j = 0; j < NODE_ID_LEN; j++)
			w->hosts[i].id.bytes[j] =
				(uint8_t)digits[w->options.steady ? (i + 1) % 16
								  : prng_below(&w->disk_prng, 16)];
}

static size_t
roster_line(const struct world *w, const struct host *h, bool myself, char *at)
{
	uint32_t shard = h->index % w->options.shards;
	bool primary = h->index < w->options.shards;
	char slots[32] = "";
	if (primary)
		(void)snprintf(slots, sizeof(slots), " %u-%u", first_slot(w, shard),
			       first_slot(w, shard + 1) - 1);
	const char *of = primary ? "-" : (const char *)w->hosts[shard].id.bytes;
	int len = snprintf(at, SETUP_LINE_MAX, "%.40s %s:%u@%u %s%s %.*s 0 0 %u connected%s\n",
			   (const char *)h->id.bytes, h->ip, WORLD_PORT, WORLD_CPORT,
			   myself ? "myself," : "", primary ? "master" : "slave",
			   primary ? 1 : NODE_ID_LEN, of, shard + 1, slots);
	ASSERT(len > 0 && (unsigned)len < SETUP_LINE_MAX);
	return (size_t)len;
}

/* The nodes.conf of a cluster that has been running. */
static void
write_roster(const struct world *w, struct host *h)
{
	size_t room = ((size_t)w->host_count + 1) * SETUP_LINE_MAX, len = 0;
	h->disk.text = malloc(room);
	ASSERT(h->disk.text != NULL);
	for (uint32_t i = 0; i < w->host_count; i++)
		len += roster_line(w, &w->hosts[i], i == h->index, h->disk.text + len);
	len += (size_t)snprintf(h->disk.text + len, SETUP_LINE_MAX,
				"vars currentEpoch %u lastVoteEpoch 0\n", w->options.shards);
	h->disk.len = len;
	h->disk.facts = disk_parse(h->disk.text, len);
}

static void
boot_one(struct world *w, uint64_t index)
{
	host_boot(w, &w->hosts[index]);
}

void
setup_boot_all(struct world *w)
{
	for (uint32_t i = 0; i < w->host_count; i++)
		world_later(w, (uint64_t)i * BOOT_US_PER_HOST, boot_one, i);
	world_run(w, w->now_us + (uint64_t)w->host_count * BOOT_US_PER_HOST);
}

static bool
all_known(struct world *w)
{
	for (uint32_t i = 0; i < w->host_count; i++)
		for (uint32_t j = 0; j < w->host_count; j++)
			if (view_find(w->hosts[i].cluster, &w->hosts[j].id) == NODE_NONE)
				return false;
	return true;
}

static void
command(struct world *w, uint32_t index, const char *format, unsigned a, unsigned b)
{
	char text[WORLD_TEXT_MAX];
	(void)snprintf(text, sizeof(text), format, a, b);
	if (!host_command(w, &w->hosts[index], text) || !host_replied_ok(w))
		world_violate(w, VIOLATION_SAFETY, "setup: n%u refuses %s", index + 1, text);
}

static void
meet_all(struct world *w)
{
	for (uint32_t i = 0; i < w->options.shards; i++) {
		command(w, i, "CLUSTER ADDSLOTSRANGE %u %u", first_slot(w, i),
			first_slot(w, i + 1) - 1);
		command(w, i, "CLUSTER SET-CONFIG-EPOCH %u", i + 1, 0);
	}
	for (uint32_t i = 1; i < w->host_count; i++) {
		char text[WORLD_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "CLUSTER MEET %s %u", w->hosts[i].ip,
			       WORLD_PORT);
		(void)host_command(w, &w->hosts[0], text);
	}
}

static void
replicate_all(struct world *w)
{
	for (uint32_t i = w->options.shards; i < w->host_count; i++) {
		char text[WORLD_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "CLUSTER REPLICATE %.40s",
			       (const char *)w->hosts[i % w->options.shards].id.bytes);
		if (!host_command(w, &w->hosts[i], text) || !host_replied_ok(w))
			world_violate(w, VIOLATION_SAFETY, "setup: n%u refuses %s", i + 1, text);
	}
}

bool
setup_create(struct world *w)
{
	if (w->options.known) {
		new_ids(w);
		for (uint32_t i = 0; i < w->host_count; i++)
			write_roster(w, &w->hosts[i]);
		setup_boot_all(w);
	} else {
		setup_boot_all(w);
		meet_all(w);
		if (!world_run_until(w, SETUP_US, SETUP_STEP_US, all_known))
			return false;
		replicate_all(w);
	}
	return world_run_until(w, SETUP_US, SETUP_STEP_US, check_agreed);
}
