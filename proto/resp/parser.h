/* proto/resp/parser.h - requests: RESP arrays of bulk strings, and inline commands.
 *
 * It works on contiguous bytes that begin with a command. It copies nothing and may be called again with the same
 * bytes and more behind them, at another address: progress is kept as offsets, so a
 * command that arrives in n pieces is walked at most twice (three times if it is wide), not n times.
 *
 *     bytes --> resp_parse() --> RESP_OK    argv[0..argc) points into bytes, size bytes were used
 *                                RESP_MORE  keep the bytes; want: how many are needed at least
 *                                RESP_WIDE  all here, but argc > argv_max: call again with room for argc spans
 *                                RESP_BAD_* protocol error: reply resp_status_text(), then close
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"

/* Limits and texts as in Redis 7.0 (networking.c's behaviour, spec/commands.md). */
#define RESP_INLINE_MAX (64ul * 1024)
#define RESP_ARGS_MAX   INT32_MAX
#define RESP_TEXT_MAX   64

enum resp_status {
	RESP_OK,
	RESP_MORE,
	RESP_WIDE,
	RESP_BAD_INLINE_TOO_BIG, /* "too big inline request" */
	RESP_BAD_MBULK_TOO_BIG,  /* "too big mbulk count string" */
	RESP_BAD_MBULK_LEN,      /* "invalid multibulk length" */
	RESP_BAD_MBULK_UNAUTH,   /* "unauthenticated multibulk length" */
	RESP_BAD_BULK_TOO_BIG,   /* "too big bulk count string" */
	RESP_BAD_DOLLAR,         /* "expected '$', got 'x'" */
	RESP_BAD_BULK_LEN,       /* "invalid bulk length" */
	RESP_BAD_BULK_UNAUTH,    /* "unauthenticated bulk length" */
	RESP_BAD_QUOTES,         /* "unbalanced quotes in request" */
	RESP_STATUS_COUNT,
};

struct resp_limits {
	uint64_t bulk_max;    /* proto-max-bulk-len */
	bool unauthenticated; /* at most 10 arguments of 16 KB, as Redis refuses strangers */
};

struct resp_parser {      /* all zero: at the start of a command */
	size_t position;  /* offset of the first line not yet walked */
	uint32_t scanned; /* bytes behind position that are known to hold no line end */
	uint32_t argc;    /* arguments announced; 0: header not read yet, or inline */
	uint32_t walked;  /* arguments complete so far */
	uint8_t offender; /* the byte found where '$' was expected */
	bool interrupted; /* argv of an earlier call is lost: walk the headers again at the end */
};

struct resp_command {
	uint32_t
		argc; /* RESP_OK: 0 for an empty line or "*0", which get no reply. RESP_WIDE: what is needed */
	size_t size; /* RESP_OK: bytes used, to be dropped before the next call */
	size_t want; /* RESP_MORE: at least this many bytes from the command's start; 0: unknown */
};

/* Bytes of an inline command may be overwritten when it is complete (quotes and escapes are taken away in place);
 * those of an array never are. RESP_OK and RESP_WIDE leave p at the start of a command; after RESP_BAD_* it is
 * only good for resp_status_text(). */
enum resp_status resp_parse(struct resp_parser *p, const struct resp_limits *limits, uint8_t *bytes,
			    size_t len, struct span *argv, uint32_t argv_max,
			    struct resp_command *out);

/* "Protocol error: ..." without "-ERR " and CRLF; text is ended by a zero. */
void resp_status_text(const struct resp_parser *p, enum resp_status status,
		      char text[RESP_TEXT_MAX]);
