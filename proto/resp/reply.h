/* proto/resp/reply.h - replies, read by whoever is a client: RESP2 and RESP3, resumable over any cut.
 *
 *     bytes --> reply_next() --> REPLY_TOKEN  one piece of a reply; *in has moved behind it
 *                                REPLY_MORE   *in is used up; call again with what comes next
 *                                REPLY_BAD_*  the peer does not speak RESP: close the connection
 *
 *     *2 $5 hello :7    array 2 | text "hello" | integer 7, done
 *
 * P1  Nothing is copied but the digits of a header line that is cut. The payload of a text comes as spans into the bytes given, one or
 *     more, the last one marked: a reply of any size needs no memory.
 * P2  Nothing behind the last token is touched: after FULLRESYNC the caller may read what follows as something else.
 * P3  What comes out does not depend on how the bytes were cut, but for the number of spans of a text.
 *
 * RESP3's streamed strings and aggregates ("$?", "*?") are refused by name: no Redis and no Valkey sends them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"

#define REPLY_DEPTH_MAX 16 /* aggregates within aggregates; COMMAND, the deepest of Redis, has 8 */
#define REPLY_LINE_MAX  40 /* a header, a number or a double: "-1.7976931348623157e+308" is 24 */

enum reply_status {
	REPLY_TOKEN,
	REPLY_MORE,
	REPLY_BAD_TYPE,          /* a reply begins with a byte that means nothing */
	REPLY_BAD_NUMBER,        /* an integer, size or count that is none */
	REPLY_BAD_DOUBLE,        /* a double that is none */
	REPLY_BAD_BOOLEAN,       /* neither #t nor #f */
	REPLY_BAD_NULL,          /* "_" and something */
	REPLY_BAD_BIG_NUMBER,    /* a byte that is no digit */
	REPLY_BAD_LINE_END,      /* CR without LF, or LF without CR */
	REPLY_BAD_LINE_TOO_LONG, /* more than REPLY_LINE_MAX, or a simple text above line_max */
	REPLY_BAD_TEXT_END,      /* no CR LF behind a payload */
	REPLY_BAD_TOO_BIG,       /* a payload above bulk_max */
	REPLY_BAD_TOO_MANY,      /* a count above count_max */
	REPLY_BAD_TOO_DEEP,      /* more than REPLY_DEPTH_MAX */
	REPLY_BAD_STREAMED,      /* "$?" and its kin */
	REPLY_STATUS_COUNT,
};

struct reply_limits {
	uint64_t bulk_max;
	uint32_t line_max;  /* of a simple string, simple error or big number */
	uint32_t count_max; /* of elements or pairs; at most INT32_MAX */
};

enum reply_kind {
	/* Texts: as many tokens as it takes, the last has last set. */
	REPLY_SIMPLE,
	REPLY_ERROR,
	REPLY_BIG_NUMBER,
	REPLY_BULK,
	REPLY_BULK_ERROR,
	REPLY_VERBATIM, /* begins with its format and a colon: "txt:" */
	/* Values: one token. */
	REPLY_INTEGER,
	REPLY_NULL, /* "$-1", "*-1" or "_" */
	REPLY_BOOLEAN,
	REPLY_DOUBLE,
	/* Aggregates: one token, then their elements. */
	REPLY_ARRAY,
	REPLY_SET,
	REPLY_PUSH,
	REPLY_MAP,
	REPLY_ATTRIBUTE, /* pairs about the reply that follows, no element themselves */
	REPLY_KIND_COUNT,
};

struct reply_token {
	enum reply_kind kind;
	uint8_t depth; /* 0: not within an aggregate */
	bool first;    /* a text begins; true for everything else */
	bool last;     /* a text is complete; true for everything else */
	bool done;     /* a whole reply is complete */
	int64_t value; /* INTEGER; BOOLEAN 0 or 1; size of a bulk text; elements (or pairs) of an aggregate */
	struct span
		text; /* texts: this piece, perhaps empty. DOUBLE: its digits, valid until the next call */
};

struct reply_level {
	uint32_t left; /* elements to come; a map's pair is two */
	bool attribute;
};

struct reply_reader {  /* all zero: at the start of a reply */
	uint8_t state; /* enum reader_state, reply.c */
	uint8_t kind;  /* of the text that is being read */
	uint8_t marker;
	uint8_t depth;
	uint8_t line_len;
	bool begun;    /* a piece of the text was given out */
	uint64_t left; /* payload to come; of a line: bytes seen */
	int64_t size;
	uint8_t line[REPLY_LINE_MAX];
	struct reply_level levels[REPLY_DEPTH_MAX];
};

/* in: the bytes that have come and were not read yet; moved on. After REPLY_BAD_* the reader is of no more use. */
enum reply_status reply_next(struct reply_reader *r, const struct reply_limits *limits,
			     struct span *in, struct reply_token *out)
	__attribute__((warn_unused_result));

/* The counter's and the log's word. */
const char *reply_status_name(enum reply_status status);

/* True between replies, and behind an attribute. */
static inline bool
reply_at_start(const struct reply_reader *r)
{
	return r->state == 0 && r->depth == 0;
}
