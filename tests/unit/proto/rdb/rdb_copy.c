/* tests/unit/proto/rdb/rdb_copy.c - reads an RDB file as it would come over a network and writes it again. For tests/interop/test_rdb.py.
 *
 *     rdb_copy [--plain] [--segment N] IN OUT
 *
 * With --plain, what lies in listpacks and intsets is taken out of them: OUT then holds lists, sets, hashes and sorted sets element by
 * element, and a stock node that finds the same DEBUG DIGEST in both has checked our reading of every one. Prints how many keys, and
 * exits 1 with the reason if the file is refused, or if the size counted beforehand is not the size written.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rdb/intset.h"
#include "proto/rdb/listpack.h"
#include "proto/rdb/reader.h"
#include "proto/rdb/writer.h"

#define WINDOW_SIZE  4096u
#define SCRATCH_SIZE 65536u

struct part {
	enum rdb_event event;
	struct span bytes; /* a heap block */
	uint64_t number;
	int64_t time_ms;
	double score;
};

struct value {
	struct rdb_write_key key;
	struct part *parts;
	size_t count, size;
	void *rooms[4]; /* what the reader asked for and the key or a part may lie in */
	size_t rooms_count;
};

struct copy {
	bool plain;
	FILE *out; /* NULL: only counted */
	struct rdb_writer writer;
	uint8_t window[WINDOW_SIZE], pack[SCRATCH_SIZE];
	struct value value;
	uint64_t keys;
};

static void
fail(const char *what)
{
	fprintf(stderr, "rdb_copy: %s\n", what);
	exit(1);
}

/* ---- writing ---- */

static void
flush(struct copy *c)
{
	size_t len = rdb_writer_take(&c->writer);
	if (fwrite(c->window, 1, len, c->out) != len)
		fail("cannot write");
}

static void
all(struct copy *c, bool done)
{
	while (!done) {
		flush(c);
		done = rdb_writer_window(&c->writer, c->window, sizeof(c->window));
	}
}

static void
write_part(struct copy *c, const struct part *p)
{
	struct rdb_writer *w = &c->writer;
	if (p->event == RDB_COUNT || p->event == RDB_NUMBER)
		all(c, rdb_write_number(w, p->number));
	else if (p->event == RDB_STRING)
		all(c, rdb_write_string(w, p->bytes));
	else if (p->event == RDB_SCORE)
		all(c, rdb_write_score(w, p->score));
	else if (p->event == RDB_TIME)
		all(c, rdb_write_time(w, p->time_ms));
	else if (p->event == RDB_ID)
		all(c, rdb_write_id(w, p->bytes.at));
	else
		fail("a part that cannot be written");
}

static uint32_t
blob_count(struct span blob, bool is_intset)
{
	uint32_t count;
	enum packed_status status =
		is_intset ? intset_check(blob, &count) : listpack_check(blob, &count);
	if (status != PACKED_OK)
		fail("a blob that is not sound");
	return count;
}

/* Every second entry of a sorted set is its score. */
static void
write_blob(struct copy *c, struct span blob, bool is_intset, bool scores)
{
	struct packed_entry entry;
	size_t at = 0;
	for (bool score = false;
	     is_intset ? intset_next(blob, &at, &entry) : listpack_next(blob, &at, &entry);
	     score = scores && !score) {
		char digits[NUMBER_SIZE_MAX], text[64] = "";
		struct span s = packed_text(&entry, digits);
		if (!score) {
			all(c, rdb_write_string(&c->writer, s));
			continue;
		}
		memcpy(text, s.at, s.len < sizeof(text) ? s.len : sizeof(text) - 1);
		all(c, rdb_write_score(&c->writer, strtod(text, NULL)));
	}
}

static void
write_quicklist(struct copy *c, const struct value *v)
{
	uint64_t count = 0;
	for (size_t i = 1; i + 1 < v->count; i += 2)
		count += v->parts[i].number == RDB_NODE_PACKED
				 ? blob_count(v->parts[i + 1].bytes, false)
				 : 1;
	all(c, rdb_write_number(&c->writer, count));
	for (size_t i = 1; i + 1 < v->count; i += 2) {
		if (v->parts[i].number == RDB_NODE_PACKED)
			write_blob(c, v->parts[i + 1].bytes, false, false);
		else
			all(c, rdb_write_string(&c->writer, v->parts[i + 1].bytes));
	}
}

/* The type a packed one is unpacked to; the same one: it is none. */
static uint8_t
plain_type(uint8_t type)
{
	switch (type) {
	case RDB_TYPE_LIST_QUICKLIST_2:
		return RDB_TYPE_LIST;
	case RDB_TYPE_SET_INTSET:
	case RDB_TYPE_SET_LISTPACK:
		return RDB_TYPE_SET;
	case RDB_TYPE_HASH_LISTPACK:
		return RDB_TYPE_HASH;
	case RDB_TYPE_ZSET_LISTPACK:
		return RDB_TYPE_ZSET;
	default:
		return type;
	}
}

static void
write_value(struct copy *c)
{
	struct value *v = &c->value;
	uint8_t type = v->key.type;
	c->keys++;
	if (c->plain)
		v->key.type = plain_type(type);
	all(c, rdb_write_key(&c->writer, &v->key));
	if (v->key.type == type) {
		for (size_t i = 0; i < v->count; i++)
			write_part(c, &v->parts[i]);
	} else if (type == RDB_TYPE_LIST_QUICKLIST_2) {
		write_quicklist(c, v);
	} else {
		struct span blob = v->parts[0].bytes;
		uint32_t count = blob_count(blob, type == RDB_TYPE_SET_INTSET);
		bool pairs = type == RDB_TYPE_HASH_LISTPACK || type == RDB_TYPE_ZSET_LISTPACK;
		all(c, rdb_write_number(&c->writer, pairs ? count / 2 : count));
		write_blob(c, blob, type == RDB_TYPE_SET_INTSET, type == RDB_TYPE_ZSET_LISTPACK);
	}
}

/* ---- reading ---- */

static struct span
keep(struct span bytes)
{
	uint8_t *copy = malloc(bytes.len + 1);
	if (bytes.len > 0)
		memcpy(copy, bytes.at, bytes.len);
	return (struct span){copy, bytes.len};
}

static void
begin_value(struct copy *c, const struct rdb_item *item)
{
	c->value.key = (struct rdb_write_key){
		.key = keep(item->key),
		.type = item->type,
		.expire_ms = item->expire_ms,
		.idle_s = item->idle_s,
		.freq = item->freq,
	};
}

static void
add_part(struct copy *c, const struct rdb_item *item, enum rdb_event event)
{
	struct value *v = &c->value;
	if (v->count == v->size) {
		v->size = v->size * 2 + 16;
		v->parts = realloc(v->parts, v->size * sizeof(v->parts[0]));
	}
	v->parts[v->count] = (struct part){.event = event,
					   .number = item->number,
					   .time_ms = item->time_ms,
					   .score = item->score};
	if (event == RDB_STRING || event == RDB_ID)
		v->parts[v->count].bytes = keep(item->bytes);
	v->count++;
}

static void
end_value(struct copy *c)
{
	struct value *v = &c->value;
	write_value(c);
	for (size_t i = 0; i < v->count; i++)
		free((void *)v->parts[i].bytes.at);
	free((void *)v->key.key.at);
	v->count = 0;
}

static void
on_event(struct copy *c, const struct rdb_item *item, enum rdb_event event)
{
	struct rdb_writer *w = &c->writer;
	if (event >= RDB_BAD_MAGIC)
		fail(rdb_event_name(event));
	if (event == RDB_VERSION)
		all(c, rdb_write_header(w));
	else if (event == RDB_AUX)
		all(c, rdb_write_aux(w, item->key, item->bytes));
	else if (event == RDB_FUNCTION)
		all(c, rdb_write_function(w, item->bytes));
	else if (event == RDB_SELECT)
		all(c, rdb_write_select(w, item->number));
	else if (event == RDB_RESIZE)
		all(c, rdb_write_resize(w, item->number, item->numbers[1]));
	else if (event == RDB_KEY)
		begin_value(c, item);
	else if (event == RDB_VALUE_END)
		end_value(c);
	else if (event == RDB_FILE_END)
		all(c, rdb_write_end(w));
	else
		add_part(c, item, event);
}

static uint64_t
copy_file(struct copy *c, struct span bytes, size_t segment)
{
	static uint8_t scratch[1024];
	const struct rdb_limits limits = {
		.string_max = RDB_STRING_MAX_DEFAULT, .count_max = UINT32_MAX, .size = bytes.len};
	const struct rdb_writer_options options = {
		.counting = c->out == NULL, .scratch = c->pack, .scratch_size = sizeof(c->pack)};
	struct rdb_reader r;
	enum rdb_event event = RDB_MORE;
	void *room =
		NULL; /* keys fit the scratch memory: it is a part, and copied when it is whole */
	rdb_reader_init(&r, &limits, scratch, sizeof(scratch));
	rdb_writer_init(&c->writer, &options);
	if (c->out != NULL)
		(void)rdb_writer_window(&c->writer, c->window, sizeof(c->window));
	while (event != RDB_FILE_END && bytes.len > 0) {
		size_t len = bytes.len < segment ? bytes.len : segment;
		struct span in = {bytes.at, len};
		bytes.at += len;
		bytes.len -= len;
		while (event != RDB_FILE_END && (event = rdb_read(&r, &in)) != RDB_MORE) {
			if (event == RDB_ROOM) {
				room = realloc(room, r.item.number);
				rdb_reader_room(&r, room);
				continue;
			}
			on_event(c, &r.item, event);
		}
	}
	free(room);
	if (event != RDB_FILE_END)
		fail("the file stops early");
	if (c->out != NULL)
		flush(c);
	return c->writer.total;
}

int
main(int argc, char **argv)
{
	struct copy *c = calloc(1, sizeof(*c));
	size_t segment = 1400;
	int at = 1;
	if (at < argc && strcmp(argv[at], "--plain") == 0)
		c->plain = ++at > 0;
	if (at + 1 < argc && strcmp(argv[at], "--segment") == 0) {
		segment = strtoul(argv[at + 1], NULL, 10);
		at += 2;
	}
	FILE *in = at + 2 == argc && segment > 0 ? fopen(argv[at], "rb") : NULL;
	if (in == NULL)
		fail("usage: rdb_copy [--plain] [--segment N] IN OUT");
	fseek(in, 0, SEEK_END);
	struct span bytes = {NULL, (size_t)ftell(in)};
	uint8_t *file = malloc(bytes.len + 1);
	rewind(in);
	if (fread(file, 1, bytes.len, in) != bytes.len)
		fail("cannot read");
	bytes.at = file;
	uint64_t counted = copy_file(c, bytes, segment);
	c->keys = 0;
	c->out = fopen(argv[at + 1], "wb");
	if (c->out == NULL || copy_file(c, bytes, segment) != counted ||
	    ftell(c->out) != (long)counted)
		fail("the size is not the one counted");
	printf("%llu\n", (unsigned long long)c->keys);
	fclose(c->out);
	fclose(in);
	free(file);
	free(c->value.parts);
	free(c);
	return 0;
}
