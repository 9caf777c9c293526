/* tests/sim/cluster/disk.c - see disk.h. Its parser is not the node's: what it checks must not check itself. */
#include "tests/sim/cluster/disk.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/nodes_file.h"
#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/world.h"

#define DISK_TEXT_MAX   (4u << 20)
#define DISK_TEXT_SPARE 4096u
#define DISK_US_MIN     200u
#define DISK_US_SPREAD  1800u
#define DISK_US_STEADY  1000u
#define DISK_AGAIN_US   100000u

struct field {
	const char *at;
	size_t len;
};

static bool
field_is(struct field field, const char *word)
{
	return field.len == strlen(word) && memcmp(field.at, word, field.len) == 0;
}

static bool
field_has(struct field field, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i + len <= field.len; i++)
		if (memcmp(field.at + i, word, len) == 0)
			return true;
	return false;
}

static uint64_t
field_number(const char *at, const char *end, const char **after)
{
	uint64_t value = 0;
	while (at < end && *at >= '0' && *at <= '9')
		value = value * 10 + (uint64_t)(*at++ - '0');
	if (after != NULL)
		*after = at;
	return value;
}

/* The next word of the line; len 0: there is none. */
static struct field
field_next(const char **at, const char *end)
{
	while (*at < end && **at == ' ')
		(*at)++;
	struct field field = {*at, 0};
	while (*at < end && **at != ' ')
		(*at)++;
	field.len = (size_t)(*at - field.at);
	return field;
}

static void
parse_slots(const char *at, const char *end, struct slot_bitmap *slots)
{
	memset(slots, 0, sizeof(*slots));
	for (;;) {
		struct field field = field_next(&at, end);
		if (field.len == 0)
			return;
		if (field.at[0] == '[')
			continue;
		const char *after;
		uint64_t first = field_number(field.at, field.at + field.len, &after), last = first;
		if (after < field.at + field.len && *after == '-')
			last = field_number(after + 1, field.at + field.len, NULL);
		for (uint64_t slot = first; slot <= last && slot < SLOT_COUNT; slot++)
			slot_bitmap_set(slots, (unsigned)slot, true);
	}
}

struct line {
	struct field id, flags, primary, epoch;
	const char *slots, *end;
};

static struct line
parse_line(const char *at, const char *end)
{
	struct line line = {.end = end};
	line.id = field_next(&at, end);
	(void)field_next(&at, end);
	line.flags = field_next(&at, end);
	line.primary = field_next(&at, end);
	(void)field_next(&at, end);
	(void)field_next(&at, end);
	line.epoch = field_next(&at, end);
	(void)field_next(&at, end);
	line.slots = at;
	return line;
}

static void
parse_vars(struct disk_facts *facts, const char *at, const char *end)
{
	for (;;) {
		struct field name = field_next(&at, end);
		struct field value = field_next(&at, end);
		if (value.len == 0)
			return;
		if (field_is(name, "currentEpoch"))
			facts->current_epoch = field_number(value.at, value.at + value.len, NULL);
		if (field_is(name, "lastVoteEpoch"))
			facts->last_vote_epoch = field_number(value.at, value.at + value.len, NULL);
	}
}

static void
parse_own(struct disk_facts *facts, const struct line *line)
{
	facts->valid = line->id.len == NODE_ID_LEN;
	if (!facts->valid)
		return;
	memcpy(facts->id.bytes, line->id.at, NODE_ID_LEN);
	facts->primary = field_has(line->flags, "master");
	if (line->primary.len == NODE_ID_LEN)
		memcpy(facts->replica_of.bytes, line->primary.at, NODE_ID_LEN);
	facts->config_epoch = field_number(line->epoch.at, line->epoch.at + line->epoch.len, NULL);
	parse_slots(line->slots, line->end, &facts->slots);
}

struct disk_facts
disk_parse(const char *text, size_t len)
{
	struct disk_facts facts;
	memset(&facts, 0, sizeof(facts));
	for (const char *at = text, *end = text + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		const char *rest = at;
		if (field_is(field_next(&rest, stop), "vars"))
			parse_vars(&facts, rest, stop);
		struct line line = parse_line(at, stop);
		if (field_has(line.flags, "myself"))
			parse_own(&facts, &line);
		at = stop + 1;
	}
	return facts;
}

static char *
disk_render(const struct world *w, const struct host *h, size_t *len)
{
	struct cluster_facts facts = {.now_ms = host_now_ms(w, h),
				      .unix_ms = host_now_ms(w, h) + h->unix_skew_ms,
				      .data_alive = true};
	/* Most texts are about as long as the last one. */
	size_t room = h->disk.len + DISK_TEXT_SPARE;
	char *text = malloc(room);
	ASSERT(text != NULL);
	*len = nodes_file_write(h->cluster, &facts, text, room);
	ASSERT(*len < DISK_TEXT_MAX);
	if (*len > room) {
		free(text);
		text = malloc(*len);
		ASSERT(text != NULL);
		size_t again = nodes_file_write(h->cluster, &facts, text, *len);
		ASSERT(again == *len);
	}
	return text;
}

static uint64_t
disk_time_us(struct world *w, const struct disk *disk)
{
	bool slow = w->now_us < disk->slow_until_us;
	if (w->options.steady)
		return slow ? disk->slow_us : DISK_US_STEADY;
	uint64_t time_us = DISK_US_MIN + prng_below(&w->disk_prng, DISK_US_SPREAD);
	return slow ? time_us + prng_below(&w->disk_prng, disk->slow_us + 1) : time_us;
}

void
disk_persist(struct world *w, struct host *h, uint64_t number)
{
	struct disk *disk = &h->disk;
	if (disk->flying_number != 0) {
		world_violate(w, VIOLATION_SAFETY,
			      "C4: n%u began persist %llu while %llu was under way", h->index + 1,
			      (unsigned long long)number, (unsigned long long)disk->flying_number);
		return;
	}
	w->counts.persists++;
	disk->flying_text = disk_render(w, h, &disk->flying_len);
	disk->flying_number = number;
	uint64_t due_us = w->now_us + disk_time_us(w, disk);
	world_push(w, (struct event){.due_us = due_us,
				     .kind = EVENT_PERSISTED,
				     .host = h->index,
				     .life = h->life,
				     .number = number});
}

/* The rename: from here on a crash leaves the new text. */
static void
disk_rename(struct disk *disk)
{
	free(disk->text);
	disk->text = disk->flying_text;
	disk->len = disk->flying_len;
	disk->facts = disk_parse(disk->text, disk->len);
	disk->flying_text = NULL;
	disk->flying_number = 0;
}

void
disk_done(struct world *w, struct host *h, uint64_t number)
{
	struct disk *disk = &h->disk;
	ASSERT(disk->flying_number == number);
	if (w->now_us < disk->broken_until_us) {
		world_push(w, (struct event){.due_us = w->now_us + DISK_AGAIN_US,
					     .kind = EVENT_PERSISTED,
					     .host = h->index,
					     .life = h->life,
					     .number = number});
		return;
	}
	disk_rename(disk);
	disk->done_number = number;
	check_persisted(w, h);
	host_persisted(w, h, number);
}

void
disk_crash(struct world *w, struct host *h)
{
	struct disk *disk = &h->disk;
	disk->done_number = 0;
	if (disk->flying_number == 0)
		return;
	if (w->now_us >= disk->broken_until_us && prng_below(&w->disk_prng, 2) == 0) {
		disk_rename(disk);
		return;
	}
	free(disk->flying_text);
	disk->flying_text = NULL;
	disk->flying_number = 0;
}

void
disk_free(struct disk *disk)
{
	free(disk->text);
	free(disk->flying_text);
}
