/* tests/fuzz/fuzz_reply.c - replies: the tokens must not depend on how the bytes were cut.
 *
 *     byte 0      flags, see below
 *     byte 1..2   where to cut
 *     the rest    what a server sends
 *
 * The bytes are read whole and in pieces, each piece a heap block of its own, and both write a transcript with the spans of a text joined;
 * a text that does not end leaves no trace. The transcripts must be equal.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/prng.h"
#include "proto/resp/reply.h"
#include "tests/fuzz/target.h"

#define HEAD_SIZE    3
#define TIGHT        1u /* flags */
#define SINGLE_BYTES 2u
#define PIECE_MAX    24
#define ENTRY_MAX    64 /* what a token adds beside its text */

struct reading {
	struct reply_reader reader;
	struct reply_limits limits;
	uint8_t *transcript; /* large enough for anything that the input can give */
	size_t len;
	size_t kept; /* up to the last complete token */
	size_t text_len;
	bool in_text;
};

static void
record(struct reading *r, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(r->transcript + r->len, bytes, len);
	r->len += len;
}

static void
record_token(struct reading *r, const struct reply_token *t)
{
	ASSERT(t->kind < REPLY_KIND_COUNT);
	ASSERT(t->first != r->in_text);
	ASSERT(!t->done || t->last);
	ASSERT(!t->done || reply_at_start(&r->reader));
	ASSERT(t->depth <= REPLY_DEPTH_MAX);
	if (t->first) {
		uint8_t head[] = {(uint8_t)t->kind, t->depth};
		r->text_len = 0;
		record(r, head, sizeof(head));
		record(r, &t->value, sizeof(t->value));
	}
	record(r, t->text.at, t->text.len);
	r->text_len += t->text.len;
	r->in_text = !t->last;
	if (!t->last)
		return;
	if (t->kind == REPLY_BULK || t->kind == REPLY_BULK_ERROR || t->kind == REPLY_VERBATIM)
		ASSERT(r->text_len == (uint64_t)t->value);
	record(r, &t->done, sizeof(t->done));
	r->kept = r->len;
}

static enum reply_status
read_piece(struct reading *r, const uint8_t *bytes, size_t len)
{
	struct reply_token token;
	enum reply_status status;
	uint8_t *copy = malloc(len);
	ASSERT(copy != NULL);
	memcpy(copy, bytes, len);
	struct span in = {copy, len};
	while ((status = reply_next(&r->reader, &r->limits, &in, &token)) == REPLY_TOKEN) {
		ASSERT(in.at + in.len == copy + len);
		record_token(r, &token);
	}
	ASSERT(status != REPLY_MORE || in.len == 0);
	free(copy);
	return status;
}

static void
read_all(struct reading *r, const uint8_t *bytes, size_t len, struct prng *prng, size_t piece_max)
{
	enum reply_status status = REPLY_MORE;
	for (size_t at = 0; at < len && status == REPLY_MORE;) {
		size_t piece = prng == NULL ? len : 1 + (size_t)prng_below(prng, piece_max);
		piece = piece < len - at ? piece : len - at;
		status = read_piece(r, bytes + at, piece);
		at += piece;
	}
	r->len = r->kept;
	record(r, &status, sizeof(status));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prng prng;
	if (size < HEAD_SIZE)
		return 0;
	size_t len = size - HEAD_SIZE;
	struct reading whole = {
		.limits = {.bulk_max = data[0] & TIGHT ? 8 : 512u << 20,
			   .line_max = data[0] & TIGHT ? 8 : 65536,
			   .count_max = data[0] & TIGHT ? 3 : INT32_MAX},
	};
	struct reading pieces = whole;
	whole.transcript = malloc((len + 1) * ENTRY_MAX);
	pieces.transcript = malloc((len + 1) * ENTRY_MAX);
	ASSERT(whole.transcript != NULL && pieces.transcript != NULL);
	read_all(&whole, data + HEAD_SIZE, len, NULL, 0);
	prng_seed(&prng, (uint64_t)data[1] << 8 | data[2]);
	read_all(&pieces, data + HEAD_SIZE, len, &prng, data[0] & SINGLE_BYTES ? 1 : PIECE_MAX);
	ASSERT(whole.len == pieces.len);
	ASSERT(memcmp(whole.transcript, pieces.transcript, whole.len) == 0);
	free(whole.transcript);
	free(pieces.transcript);
	return 0;
}
