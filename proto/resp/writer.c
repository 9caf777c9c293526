/* proto/resp/writer.c - replies in RESP2 or RESP3.
 *
 * Each reply of a few bytes, a short bulk string included, asks for room once and is then written straight through. What is
 * longer is poured in pieces, each of which fills the window it meets before another one is asked for.
 */
#include "proto/resp/writer.h"

#include <stdarg.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/number.h"
#include "proto/resp/double.h"
#include "proto/resp/format.h"

#define NUMBER_MAX       20
#define HEADER_MAX       (1 + NUMBER_MAX + 2) /* a type, a number, CRLF */
#define SHORT_BULK_MAX   256                  /* beyond it the rest of a window is worth filling */
#define SHORT_BULK_FRAME 8                    /* "$256" CRLF ... CRLF */

/* ---- room ---- */

static bool
room_refill(struct resp_writer *w, size_t need)
{
	DASSERT(need <= RESP_ROOM_MAX);
	if (w->failed)
		return false;
	if (!w->sink->room(w, need)) {
		w->failed = true;
		return false;
	}
	DASSERT((size_t)(w->end - w->at) >= need);
	return true;
}

/* W1 */
static inline bool
room(struct resp_writer *w, size_t need)
{
	if (__builtin_expect(!w->failed && (size_t)(w->end - w->at) >= need, true))
		return true;
	return room_refill(w, need);
}

/* Bytes of any number. */
static void
pour(struct resp_writer *w, const uint8_t *at, size_t len)
{
	while (len > 0) {
		if (w->failed || w->at == w->end)
			if (!room_refill(w, len < RESP_ROOM_MAX ? len : RESP_ROOM_MAX))
				return;
		size_t space = (size_t)(w->end - w->at);
		size_t piece = len < space ? len : space;
		memcpy(w->at, at, piece);
		w->at += piece;
		at += piece;
		len -= piece;
	}
}

/* ---- pieces that fit a window; the caller has made room ---- */

static inline uint8_t *
put_crlf(uint8_t *at)
{
	at[0] = '\r';
	at[1] = '\n';
	return at + 2;
}

static inline uint8_t *
put_number(uint8_t *at, int64_t value)
{
	if (value >= 0 && value < 100) {
		if (value >= 10)
			*at++ = (uint8_t)('0' + value / 10);
		*at++ = (uint8_t)('0' + value % 10);
		return at;
	}
	return at + number_format(value, (char *)at);
}

static inline uint8_t *
put_header(uint8_t *at, char type, int64_t value)
{
	*at = (uint8_t)type;
	return put_crlf(put_number(at + 1, value));
}

static inline void
write_header(struct resp_writer *w, char type, int64_t value)
{
	if (room(w, HEADER_MAX))
		w->at = put_header(w->at, type, value);
}

/* Fewer bytes than RESP_ROOM_MAX, whole. */
static inline void
write_short(struct resp_writer *w, const char *bytes, size_t len)
{
	if (!room(w, len))
		return;
	memcpy(w->at, bytes, len);
	w->at += len;
}

static inline void
write_crlf(struct resp_writer *w)
{
	if (room(w, 2))
		w->at = put_crlf(w->at);
}

static void
write_bulk(struct resp_writer *w, const uint8_t *at, size_t len)
{
	if (len <= SHORT_BULK_MAX) {
		if (!room(w, len + SHORT_BULK_FRAME))
			return;
		uint8_t *to = put_header(w->at, '$', (int64_t)len);
		if (len > 0)
			memcpy(to, at, len);
		w->at = put_crlf(to + len);
		return;
	}
	write_header(w, '$', (int64_t)len);
	pour(w, at, len);
	write_crlf(w);
}

/* ---- one line of text, whatever it is made of ---- */

struct line {
	size_t blanks; /* line ends met that are not yet known to be inside the text */
	bool begun;
};

static bool
ends_line(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* CR and LF become spaces, and at both ends of the text nothing, as in Redis. */
static void
line_add(struct resp_writer *w, struct line *line, const uint8_t *at, size_t len)
{
	size_t used = 0;
	while (used < len) {
		size_t run = 0;
		if (ends_line(at[used])) {
			line->blanks += line->begun;
			used++;
			continue;
		}
		for (; line->blanks > 0; line->blanks--)
			write_short(w, " ", 1);
		while (used + run < len && !ends_line(at[used + run]))
			run++;
		pour(w, at + used, run);
		line->begun = true;
		used += run;
	}
}

static void
write_line(struct resp_writer *w, char type, const char *text)
{
	struct line line = {0};
	write_short(w, &type, 1);
	line_add(w, &line, (const uint8_t *)text, strlen(text));
	write_crlf(w);
}

void
resp_simple(struct resp_writer *w, const char *text)
{
	write_line(w, '+', text);
}

void
resp_error(struct resp_writer *w, const char *text)
{
	w->errors++;
	w->error = text;
	write_line(w, '-', text);
}

void
resp_errorf(struct resp_writer *w, const char *format, ...)
{
	struct line line = {0};
	struct format f;
	struct span piece;
	va_list args;
	w->errors++;
	w->error = format;
	va_start(args, format);
	format_begin(&f, format, &args);
	write_short(w, "-", 1);
	while (format_next(&f, &piece))
		line_add(w, &line, piece.at, piece.len);
	write_crlf(w);
	va_end(args);
}

/* ---- scalars ---- */

void
resp_integer(struct resp_writer *w, int64_t value)
{
	write_header(w, ':', value);
}

void
resp_bulk(struct resp_writer *w, struct span bytes)
{
	write_bulk(w, bytes.at, bytes.len);
}

void
resp_bulk_text(struct resp_writer *w, const char *text)
{
	write_bulk(w, (const uint8_t *)text, strlen(text));
}

void
resp_bulk_integer(struct resp_writer *w, int64_t value)
{
	char digits[NUMBER_MAX];
	write_bulk(w, (const uint8_t *)digits, number_format(value, digits));
}

void
resp_bulk_reference(struct resp_writer *w, struct span bytes,
		    void (*release)(void *owner, void *object), void *owner, void *object)
{
	if (bytes.len < RESP_REF_MIN || w->sink->by_reference == NULL) {
		write_bulk(w, bytes.at, bytes.len);
		release(owner, object);
		return;
	}
	write_header(w, '$', (int64_t)bytes.len);
	if (w->failed || !w->sink->by_reference(w, bytes, release, owner, object)) {
		w->failed = true;
		release(owner, object);
		return;
	}
	write_crlf(w);
}

void
resp_verbatim(struct resp_writer *w, const char format[3], struct span bytes)
{
	if (w->protocol < 3) {
		write_bulk(w, bytes.at, bytes.len);
		return;
	}
	write_header(w, '=', (int64_t)bytes.len + 4);
	if (room(w, 4)) {
		memcpy(w->at, format, 3);
		w->at[3] = ':';
		w->at += 4;
	}
	pour(w, bytes.at, bytes.len);
	write_crlf(w);
}

void
resp_double(struct resp_writer *w, double value)
{
	char text[DOUBLE_TEXT_MAX];
	size_t len = double_format(value, text);
	if (w->protocol < 3) {
		write_bulk(w, (const uint8_t *)text, len);
		return;
	}
	if (!room(w, len + 3))
		return;
	w->at[0] = ',';
	memcpy(w->at + 1, text, len);
	w->at = put_crlf(w->at + 1 + len);
}

void
resp_bool(struct resp_writer *w, bool value)
{
	if (w->protocol < 3)
		write_short(w, value ? ":1\r\n" : ":0\r\n", 4);
	else
		write_short(w, value ? "#t\r\n" : "#f\r\n", 4);
}

void
resp_null(struct resp_writer *w)
{
	if (w->protocol < 3)
		write_short(w, "$-1\r\n", 5);
	else
		write_short(w, "_\r\n", 3);
}

void
resp_null_array(struct resp_writer *w)
{
	if (w->protocol < 3)
		write_short(w, "*-1\r\n", 5);
	else
		write_short(w, "_\r\n", 3);
}

/* ---- headers of aggregates ---- */

void
resp_array(struct resp_writer *w, size_t count)
{
	write_header(w, '*', (int64_t)count);
}

void
resp_map(struct resp_writer *w, size_t pairs)
{
	if (w->protocol < 3)
		write_header(w, '*', (int64_t)pairs * 2);
	else
		write_header(w, '%', (int64_t)pairs);
}

void
resp_set(struct resp_writer *w, size_t count)
{
	write_header(w, w->protocol < 3 ? '*' : '~', (int64_t)count);
}

void
resp_push(struct resp_writer *w, size_t count)
{
	write_header(w, w->protocol < 3 ? '*' : '>', (int64_t)count);
}

void
resp_raw(struct resp_writer *w, struct span bytes)
{
	pour(w, bytes.at, bytes.len);
}
