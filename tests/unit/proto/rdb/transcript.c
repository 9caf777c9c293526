/* tests/unit/proto/rdb/transcript.c - one line an event: its name, and what the event's row in reader.h says it carries. */
#include "tests/unit/proto/rdb/transcript.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOMS_MAX 1024

static void
transcript_add(struct transcript *t, const void *bytes, size_t len)
{
	if (t->size - t->len < len + 1) {
		t->size = (t->len + len + 1) * 2;
		t->text = realloc(t->text, t->size);
		ck_assert_ptr_nonnull(t->text);
	}
	memcpy(t->text + t->len, bytes, len);
	t->len += len;
	t->text[t->len] = '\0';
}

bool
transcript_has(const struct transcript *t, const char *text)
{
	return memmem(t->text, t->len, text, strlen(text)) != NULL;
}

static void
transcript_word(struct transcript *t, const char *name, uint64_t number)
{
	char line[80];
	int len = snprintf(line, sizeof(line), " %s=%llu", name, (unsigned long long)number);
	transcript_add(t, line, (size_t)len);
}

static void
transcript_bytes(struct transcript *t, const char *name, struct span bytes)
{
	transcript_word(t, name, bytes.len);
	transcript_add(t, ":", 1);
	if (bytes.at != NULL && bytes.len > 0)
		transcript_add(t, bytes.at, bytes.len);
	else if (bytes.len > 0)
		transcript_add(t, "?", 1);
}

static bool
transcript_is(enum rdb_event event, const enum rdb_event *set, size_t count)
{
	while (count > 0)
		if (set[--count] == event)
			return true;
	return false;
}

static void
transcript_event(struct transcript *t, const struct rdb_reader *r, enum rdb_event event)
{
	const struct rdb_item *item = &r->item;
	uint64_t bits;
	transcript_add(t, rdb_event_name(event), strlen(rdb_event_name(event)));
	if (transcript_is(event, (enum rdb_event[]){RDB_AUX, RDB_KEY, RDB_BAD_TYPE}, 3))
		transcript_bytes(t, "key", item->key);
	if (event == RDB_KEY) {
		transcript_word(t, "type", item->type);
		transcript_word(t, "expire", (uint64_t)item->expire_ms);
		transcript_word(t, "idle", item->idle_s);
		transcript_word(t, "freq", (uint64_t)item->freq);
	}
	if (transcript_is(
		    event,
		    (enum rdb_event[]){RDB_AUX, RDB_FUNCTION, RDB_STRING, RDB_ID, RDB_SCORE_TEXT},
		    5))
		transcript_bytes(t, "bytes", item->bytes);
	if (transcript_is(event,
			  (enum rdb_event[]){RDB_VERSION, RDB_SELECT, RDB_RESIZE, RDB_NUMBER,
					     RDB_COUNT, RDB_SLOT_INFO, RDB_MODULE_AUX},
			  7))
		transcript_word(t, "number", item->number);
	if (transcript_is(event, (enum rdb_event[]){RDB_RESIZE, RDB_SLOT_INFO}, 2))
		transcript_word(t, "second", item->numbers[1]);
	if (event == RDB_SCORE) {
		memcpy(&bits, &item->score, sizeof(bits));
		transcript_word(t, "score", bits);
	}
	if (event == RDB_TIME)
		transcript_word(t, "time", (uint64_t)item->time_ms);
	if (event == RDB_FILE_END)
		transcript_word(t, "checked", item->checked);
	transcript_add(t, "\n", 1);
}

static void
transcript_keep_value(struct transcript *t, const struct rdb_item *item)
{
	if (t->wanted == NULL || item->type != RDB_TYPE_STRING ||
	    item->key.len != strlen(t->wanted) ||
	    memcmp(item->key.at, t->wanted, item->key.len) != 0)
		return;
	free(t->value);
	t->value = malloc(item->bytes.len + 1);
	memcpy(t->value, item->bytes.at, item->bytes.len);
	t->value_len = item->bytes.len;
	t->value_found = true;
}

static bool
transcript_ended(const struct reading *reading, enum rdb_event event)
{
	return event >= RDB_FILE_END || (reading->one_value && event == RDB_VALUE_END);
}

struct transcript_rooms { /* blocks the reader asked for: kept to the end, as a key may lie in one */
	void *blocks[ROOMS_MAX];
	size_t count;
};

/* The reader asks for a block: it gets one, or none where the reading refuses them. */
static void
transcript_room(struct transcript *t, const struct reading *reading, struct rdb_reader *r,
		struct transcript_rooms *rooms)
{
	ck_assert_uint_le(r->item.number, reading->limits.string_max);
	t->rooms++;
	void *block = reading->refuse_rooms ? NULL : malloc(r->item.number);
	if (block != NULL) {
		ck_assert_uint_lt(rooms->count, ROOMS_MAX);
		rooms->blocks[rooms->count++] = block;
	}
	rdb_reader_room(r, block);
}

/* Reads one piece; true: it goes on with the next one. */
static bool
transcript_piece(struct transcript *t, const struct reading *reading, struct rdb_reader *r,
		 struct span in, struct transcript_rooms *rooms)
{
	for (;;) {
		enum rdb_event event = rdb_read(r, &in);
		if (event == RDB_MORE) {
			ck_assert_uint_eq(in.len, 0);
			return true;
		}
		if (event == RDB_ROOM) {
			transcript_room(t, reading, r, rooms);
			continue;
		}
		transcript_event(t, r, event);
		if (event == RDB_STRING)
			transcript_keep_value(t, &r->item);
		if (transcript_ended(reading, event)) {
			t->last = event;
			ck_assert_int_eq(rdb_read(r, &in), event);
			return false;
		}
	}
}

void
transcript_read(struct transcript *t, const struct reading *reading)
{
	struct rdb_reader r;
	struct transcript_rooms *rooms = calloc(1, sizeof(*rooms));
	uint8_t *scratch = malloc(reading->scratch);
	size_t at = 0, piece = reading->first;
	bool more = true;
	t->len = 0;
	t->rooms = 0;
	t->last = RDB_MORE;
	if (reading->one_value)
		rdb_reader_init_value(&r, &reading->limits, reading->type, reading->dialect,
				      SPAN("key"));
	else
		rdb_reader_init(&r, &reading->limits, scratch, reading->scratch);
	while (more && at < reading->bytes.len) {
		if (piece == 0 || piece > reading->bytes.len - at)
			piece = reading->bytes.len - at;
		uint8_t *copy = malloc(piece);
		memcpy(copy, reading->bytes.at + at, piece);
		more = transcript_piece(t, reading, &r, (struct span){copy, piece}, rooms);
		free(copy);
		at += piece;
		piece = reading->rest;
	}
	t->used = rdb_reader_used(&r);
	while (rooms->count > 0)
		free(rooms->blocks[--rooms->count]);
	free(rooms);
	free(scratch);
}

void
transcript_free(struct transcript *t)
{
	free(t->text);
	free(t->value);
	*t = (struct transcript){0};
}
