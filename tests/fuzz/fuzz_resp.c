/* tests/fuzz/fuzz_resp.c - requests: the answer must not depend on how the bytes were cut, nor on the room for argv.
 *
 *     byte 0      flags, see below
 *     byte 1..2   where to cut
 *     the rest    what a client sends
 *
 * The bytes are parsed whole and in pieces, each call on a heap block of exactly the bytes known, and both write a
 * transcript of what came out; the transcripts must be equal. Then every command is written again by the reply
 * writer, through tiny windows, and must parse back to the same arguments.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/prng.h"
#include "proto/resp/parser.h"
#include "proto/resp/writer.h"
#include "tests/fuzz/target.h"

#define HEAD_SIZE       3
#define STRANGER        1u /* flags */
#define SMALL_BULKS     2u
#define NARROW          4u
#define SINGLE_BYTES    8u
#define SMALL_BULK_MAX  20
#define NARROW_ARGV_MAX 2
#define PIECE_MAX       24
#define WINDOW_SPARE    5

struct text { /* grows */
	uint8_t *bytes;
	size_t len, size;
};

static void
text_add(struct text *text, const void *bytes, size_t len)
{
	if (text->size - text->len < len) {
		text->size = (text->len + len) * 2;
		text->bytes = realloc(text->bytes, text->size);
		ASSERT(text->bytes != NULL);
	}
	if (len > 0)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void
text_add_number(struct text *text, uint64_t number)
{
	text_add(text, &number, sizeof(number));
}

/* ---- written again ---- */

struct again {
	struct resp_writer writer; /* first: the sink finds the rest from it */
	uint8_t window[RESP_ROOM_MAX + WINDOW_SPARE];
	struct text text;
};

static bool
again_room(struct resp_writer *w, size_t need)
{
	struct again *again = (struct again *)w;
	ASSERT(need > 0 && need <= RESP_ROOM_MAX);
	if (w->at != NULL)
		text_add(&again->text, again->window, (size_t)(w->at - again->window));
	w->at = again->window;
	w->end = again->window + need + WINDOW_SPARE;
	return true;
}

static const struct resp_sink again_sink = {.room = again_room};

static void
check_written_again(const struct span *argv, uint32_t argc)
{
	static const struct resp_limits no_limits = {.bulk_max = INT64_MAX};
	struct again again = {
		.writer = {.sink = &again_sink, .protocol = 3}
        };
	struct resp_parser parser = {0};
	struct resp_command command;
	struct span *back = malloc(sizeof(*back) * argc);
	ASSERT(back != NULL);
	resp_array(&again.writer, argc);
	for (uint32_t i = 0; i < argc; i++)
		resp_bulk(&again.writer, argv[i]);
	again_room(&again.writer, 1);
	ASSERT(resp_parse(&parser, &no_limits, again.text.bytes, again.text.len, back, argc,
			  &command) == RESP_OK);
	ASSERT(command.argc == argc);
	ASSERT(command.size == again.text.len);
	for (uint32_t i = 0; i < argc; i++)
		ASSERT(span_equal(back[i], argv[i]));
	free(back);
	free(again.text.bytes);
}

/* ---- a client's bytes ---- */

struct feed {
	struct resp_limits limits;
	uint32_t argv_max;
	struct resp_parser parser;
	const uint8_t *bytes; /* from the start of a command */
	size_t len;           /* to the end of all */
	struct text transcript;
};

static void
record(struct feed *feed, const struct resp_command *command, const struct span *argv,
       struct span source)
{
	ASSERT(command->size > 0 && command->size <= source.len);
	text_add_number(&feed->transcript, command->size);
	text_add_number(&feed->transcript, command->argc);
	for (uint32_t i = 0; i < command->argc; i++) {
		ASSERT(argv[i].at >= source.at);
		ASSERT(argv[i].at + argv[i].len <= source.at + command->size);
		text_add_number(&feed->transcript, argv[i].len);
		text_add(&feed->transcript, argv[i].at, argv[i].len);
	}
	if (command->argc > 0)
		check_written_again(argv, command->argc);
}

static void
record_error(struct feed *feed, enum resp_status status)
{
	char text[RESP_TEXT_MAX];
	resp_status_text(&feed->parser, status, text);
	text_add(&feed->transcript, text, strlen(text));
}

/* One call with the first len bytes. */
static enum resp_status
feed_some(struct feed *feed, size_t len)
{
	uint32_t argv_max = feed->argv_max;
	struct resp_command command;
	uint8_t *copy = malloc(len + (len == 0));
	struct span *argv = malloc(sizeof(*argv) * argv_max);
	ASSERT(copy != NULL && argv != NULL);
	memcpy(copy, feed->bytes, len);
	enum resp_status status =
		resp_parse(&feed->parser, &feed->limits, copy, len, argv, argv_max, &command);
	if (status == RESP_WIDE) {
		ASSERT(command.argc > argv_max);
		argv_max = command.argc;
		argv = realloc(argv, sizeof(*argv) * argv_max);
		ASSERT(argv != NULL);
		status = resp_parse(&feed->parser, &feed->limits, copy, len, argv, argv_max,
				    &command);
		ASSERT(status == RESP_OK && command.argc == argv_max);
	}
	if (status == RESP_OK) {
		ASSERT(feed->parser.position == 0 && feed->parser.scanned == 0);
		ASSERT(feed->parser.argc == 0 && !feed->parser.interrupted);
		record(feed, &command, argv, (struct span){copy, len});
		feed->bytes += command.size;
		feed->len -= command.size;
	} else if (status == RESP_MORE) {
		ASSERT(command.want == 0 || command.want > len);
	} else {
		record_error(feed, status);
	}
	free(argv);
	free(copy);
	return status;
}

/* prng NULL: all there is at each call. */
static struct text
feed_all(struct feed feed, struct prng *prng, size_t piece_max)
{
	size_t known = prng == NULL ? feed.len : 0;
	for (;;) {
		size_t before = feed.len;
		enum resp_status status = feed_some(&feed, known);
		if (status == RESP_OK)
			known -= before - feed.len;
		else if (status != RESP_MORE || known == feed.len)
			return feed.transcript;
		else
			known += 1 + (size_t)prng_below(prng, piece_max);
		if (known > feed.len)
			known = feed.len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prng prng;
	if (size < HEAD_SIZE)
		return 0;
	struct feed feed = {
		.limits = {.bulk_max = data[0] & SMALL_BULKS ? SMALL_BULK_MAX : 512u << 20,
			   .unauthenticated = data[0] & STRANGER},
		.argv_max = (uint32_t)size,
		.bytes = data + HEAD_SIZE,
		.len = size - HEAD_SIZE,
	};
	struct text whole = feed_all(feed, NULL, 0);
	if (data[0] & NARROW)
		feed.argv_max = NARROW_ARGV_MAX;
	prng_seed(&prng, (uint64_t)data[1] << 8 | data[2]);
	struct text pieces = feed_all(feed, &prng, data[0] & SINGLE_BYTES ? 1 : PIECE_MAX);
	ASSERT(whole.len == pieces.len);
	ASSERT(whole.len == 0 || memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
	free(whole.bytes);
	free(pieces.bytes);
	return 0;
}
