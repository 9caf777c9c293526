/* proto/resp/writer.h - replies in RESP2 or RESP3, straight into the memory they are sent from.
 *
 * The writer owns a window [at, end) of the connection's output. When it runs out, the sink is asked for another:
 * in the node that is the next mbuf, in a test a growing buffer.
 *
 * W1  A reply is complete or the writer is failed: after a sink refuses, nothing more is written and
 *     failed stays true until the owner clears it (the connection is closed).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"

#define RESP_ROOM_MAX 512u /* most bytes ever asked for in one piece */
#define RESP_REF_MIN                                                                               \
	(16ul * 1024) /* a bulk string from this size on is sent by reference if it can be */

struct resp_writer;

struct resp_sink {
	/* Takes what was written (up to w->at) and gives a window of at least need bytes, need <= RESP_ROOM_MAX.
	 * False: no memory. */
	bool (*room)(struct resp_writer *w, size_t need);
	/* Takes what was written, then bytes that stay unchanged until release(owner, object) is called,
	 * once, on the same lcore. False: not taken, release is not called. NULL: the sink only copies. */
	bool (*by_reference)(struct resp_writer *w, struct span bytes,
			     void (*release)(void *owner, void *object), void *owner, void *object);
};

struct resp_writer {
	uint8_t *at, *end;
	const struct resp_sink *sink;
	uint8_t protocol; /* 2 or 3 */
	bool failed;
	uint32_t errors;   /* how many were written */
	const char *error; /* the text or format of the last, which begins with its code */
};

/* +text and -text, e.g. "ERR syntax error". CR and LF become spaces; at both ends of text they are dropped. */
void resp_simple(struct resp_writer *w, const char *text);
void resp_error(struct resp_writer *w, const char *text);
/* Of any length. Knows the conversions of format.h: %s %.Ns %.*s %c %d %u (also l, ll, z) %%. */
void resp_errorf(struct resp_writer *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void resp_integer(struct resp_writer *w, int64_t value);
void resp_bulk(struct resp_writer *w, struct span bytes);
void resp_bulk_text(struct resp_writer *w, const char *text);
void resp_bulk_integer(struct resp_writer *w,
		       int64_t value); /* the decimal text as a bulk string */
/* release(owner, object) is called exactly once in every case: at once if the bytes were copied or the writer has failed. */
void resp_bulk_reference(struct resp_writer *w, struct span bytes,
			 void (*release)(void *owner, void *object), void *owner, void *object);
void resp_verbatim(struct resp_writer *w, const char format[3],
		   struct span bytes);       /* RESP2: bulk */
void resp_null(struct resp_writer *w);       /* RESP2: $-1  RESP3: _ */
void resp_null_array(struct resp_writer *w); /* RESP2: *-1  RESP3: _ */
void resp_array(struct resp_writer *w, size_t count);
void resp_map(struct resp_writer *w, size_t pairs);      /* RESP2: array of 2 * pairs */
void resp_set(struct resp_writer *w, size_t count);      /* RESP2: array */
void resp_push(struct resp_writer *w, size_t count);     /* RESP2: array */
void resp_double(struct resp_writer *w, double value);   /* RESP2: bulk string */
void resp_bool(struct resp_writer *w, bool value);       /* RESP2: :0 or :1 */
void resp_raw(struct resp_writer *w, struct span bytes); /* already encoded */
