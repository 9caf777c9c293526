/* proto/resp/reply.c - one state per kind of byte that may come next.
 *
 *     MARKER --"+-("--> LINE ----CR----> LINE_FEED ----LF----> (value ends)
 *            --"$!="--> HEADER --size--> PAYLOAD --all--> PAYLOAD_CR --> PAYLOAD_LF --> (value ends)
 *            --others-> HEADER --------> (value ends, or an aggregate is entered)
 *
 * A header that lies in one piece of input, nearly every one, is read where it lies. A text's end is only reported when its
 * CR LF has been seen: if the cut falls there, the last token is an empty span.
 */
#include "proto/resp/reply.h"

#include "proto/base/assert.h"
#include "proto/base/number.h"

enum reader_state {
	READ_MARKER,
	READ_HEADER,
	READ_LINE,
	READ_LINE_FEED,
	READ_PAYLOAD,
	READ_PAYLOAD_CR,
	READ_PAYLOAD_LF,
};

static void
skip(struct span *in, size_t count)
{
	in->at += count;
	in->len -= count;
}

/* A value is complete. True: and with it the whole reply. */
static bool
value_ended(struct reply_reader *r)
{
	r->state = READ_MARKER;
	while (r->depth > 0) {
		struct reply_level *level = &r->levels[r->depth - 1];
		DASSERT(level->left > 0);
		if (--level->left > 0)
			return false;
		bool attribute = level->attribute;
		r->depth--;
		if (attribute) /* what it is about comes now */
			return false;
	}
	return true;
}

static enum reply_status
give_value(struct reply_reader *r, enum reply_kind kind, int64_t value, struct reply_token *out)
{
	*out = (struct reply_token){
		.kind = kind, .depth = r->depth, .first = true, .last = true, .value = value};
	out->done = value_ended(r);
	return REPLY_TOKEN;
}

static enum reply_status
give_text(struct reply_reader *r, struct span text, bool last, struct reply_token *out)
{
	*out = (struct reply_token){.kind = (enum reply_kind)r->kind,
				    .depth = r->depth,
				    .first = !r->begun,
				    .last = last,
				    .value = r->size,
				    .text = text};
	r->begun = true;
	if (last)
		out->done = value_ended(r);
	return REPLY_TOKEN;
}

/* ---- headers ---- */

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(struct span s, size_t from)
{
	size_t n = 0;
	while (from + n < s.len && is_digit(s.at[from + n]))
		n++;
	return n;
}

/* [-+] digits [. digits] [e [-+] digits], inf, -inf, nan; never an empty run of digits. */
static bool
is_double(struct span s)
{
	size_t at = s.len > 0 && (s.at[0] == '-' || s.at[0] == '+');
	struct span rest = {s.at + at, s.len - at};
	if (span_equal(rest, SPAN("inf")) || span_equal(rest, SPAN("nan")))
		return true;
	size_t n = digits(s, at);
	if (n == 0)
		return false;
	at += n;
	if (at < s.len && s.at[at] == '.') {
		n = digits(s, at + 1);
		if (n == 0)
			return false;
		at += n + 1;
	}
	if (at < s.len && (s.at[at] | 0x20) == 'e') {
		at += 1 + (at + 1 < s.len && (s.at[at + 1] == '-' || s.at[at + 1] == '+'));
		n = digits(s, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == s.len;
}

static enum reply_status
enter(struct reply_reader *r, enum reply_kind kind, int64_t count, struct reply_token *out)
{
	bool attribute = kind == REPLY_ATTRIBUTE;
	bool pairs = attribute || kind == REPLY_MAP;
	if (count > 0 && r->depth == REPLY_DEPTH_MAX)
		return REPLY_BAD_TOO_DEEP;
	if (count == 0 && !attribute)
		return give_value(r, kind, 0, out);
	*out = (struct reply_token){
		.kind = kind, .depth = r->depth, .first = true, .last = true, .value = count};
	r->state = READ_MARKER;
	if (count > 0)
		r->levels[r->depth++] = (struct reply_level){
			.left = (uint32_t)count * (pairs ? 2 : 1), .attribute = attribute};
	return REPLY_TOKEN;
}

static enum reply_status
on_count(struct reply_reader *r, const struct reply_limits *limits, struct span line,
	 struct reply_token *out)
{
	static const enum reply_kind kinds[] = {
		['*'] = REPLY_ARRAY, ['~'] = REPLY_SET,       ['>'] = REPLY_PUSH,
		['%'] = REPLY_MAP,   ['|'] = REPLY_ATTRIBUTE,
	};
	int64_t count;
	if (!number_parse(line.at, line.len, &count))
		return REPLY_BAD_NUMBER;
	if (count == -1 && r->marker == '*')
		return give_value(r, REPLY_NULL, 0, out);
	if (count < 0)
		return REPLY_BAD_NUMBER;
	if (count > (int64_t)limits->count_max || count > INT32_MAX)
		return REPLY_BAD_TOO_MANY;
	return enter(r, kinds[r->marker], count, out);
}

/* REPLY_MORE: go on with the payload. */
static enum reply_status
on_size(struct reply_reader *r, const struct reply_limits *limits, struct span line,
	struct reply_token *out)
{
	int64_t size;
	if (!number_parse(line.at, line.len, &size))
		return REPLY_BAD_NUMBER;
	if (size == -1 && r->marker == '$')
		return give_value(r, REPLY_NULL, 0, out);
	if (size < 0)
		return REPLY_BAD_NUMBER;
	if ((uint64_t)size > limits->bulk_max)
		return REPLY_BAD_TOO_BIG;
	r->kind = r->marker == '$'   ? REPLY_BULK
		  : r->marker == '!' ? REPLY_BULK_ERROR
				     : REPLY_VERBATIM;
	r->size = size;
	r->left = (uint64_t)size;
	r->begun = false;
	r->state = READ_PAYLOAD;
	return REPLY_MORE;
}

static enum reply_status
on_header(struct reply_reader *r, const struct reply_limits *limits, struct span line,
	  struct reply_token *out)
{
	int64_t integer;
	if (line.len > 0 && line.at[0] == '?' && r->marker != ':' && r->marker != '#' &&
	    r->marker != ',' && r->marker != '_')
		return REPLY_BAD_STREAMED;
	switch (r->marker) {
	case ':':
		if (!number_parse(line.at, line.len, &integer))
			return REPLY_BAD_NUMBER;
		return give_value(r, REPLY_INTEGER, integer, out);
	case '_':
		return line.len == 0 ? give_value(r, REPLY_NULL, 0, out) : REPLY_BAD_NULL;
	case '#':
		if (line.len != 1 || (line.at[0] != 't' && line.at[0] != 'f'))
			return REPLY_BAD_BOOLEAN;
		return give_value(r, REPLY_BOOLEAN, line.at[0] == 't', out);
	case ',':
		if (!is_double(line))
			return REPLY_BAD_DOUBLE;
		give_value(r, REPLY_DOUBLE, 0, out);
		out->text = line;
		return REPLY_TOKEN;
	case '$':
	case '!':
	case '=':
		return on_size(r, limits, line, out);
	default:
		return on_count(r, limits, line, out);
	}
}

/* A header line that is cut: its bytes are collected, CR included. */
static enum reply_status
collect_header(struct reply_reader *r, struct span *in, struct span *line)
{
	while (in->len > 0) {
		uint8_t c = in->at[0];
		bool after_cr = r->line_len > 0 && r->line[r->line_len - 1] == '\r';
		if (after_cr != (c == '\n'))
			return REPLY_BAD_LINE_END;
		skip(in, 1);
		if (after_cr) {
			*line = (struct span){r->line, r->line_len - 1u};
			return REPLY_TOKEN;
		}
		if (r->line_len == REPLY_LINE_MAX)
			return REPLY_BAD_LINE_TOO_LONG;
		r->line[r->line_len++] = c;
	}
	return REPLY_MORE;
}

/* The line up to CR LF, where it lies if it is here whole. REPLY_TOKEN: it is. */
static enum reply_status
take_header(struct reply_reader *r, struct span *in, struct span *line)
{
	if (r->line_len == 0) {
		size_t max = in->len < REPLY_LINE_MAX ? in->len : REPLY_LINE_MAX;
		size_t n = 0;
		while (n < max && in->at[n] > '\r')
			n++;
		if (n < max && n + 1 < in->len && in->at[n] == '\r' && in->at[n + 1] == '\n') {
			*line = (struct span){in->at, n};
			skip(in, n + 2);
			return REPLY_TOKEN;
		}
	}
	return collect_header(r, in, line);
}

/* ---- texts ---- */

static enum reply_status
check_line(const struct reply_reader *r, struct span piece)
{
	if (r->kind != REPLY_BIG_NUMBER)
		return memchr(piece.at, '\n', piece.len) == NULL ? REPLY_TOKEN : REPLY_BAD_LINE_END;
	for (size_t i = 0; i < piece.len; i++) { /* the first bad byte decides (P3) */
		bool sign = !r->begun && i == 0 && (piece.at[0] == '-' || piece.at[0] == '+');
		if (piece.at[i] == '\n')
			return REPLY_BAD_LINE_END;
		if (!is_digit(piece.at[i]) && !sign)
			return REPLY_BAD_BIG_NUMBER;
	}
	return REPLY_TOKEN;
}

/* A simple string, simple error or big number. in is not empty. */
static enum reply_status
on_line(struct reply_reader *r, const struct reply_limits *limits, struct span *in,
	struct reply_token *out)
{
	const uint8_t *cr = memchr(in->at, '\r', in->len);
	struct span piece = {in->at, cr != NULL ? (size_t)(cr - in->at) : in->len};
	size_t room = limits->line_max - r->left;
	enum reply_status status =
		check_line(r, (struct span){piece.at, piece.len < room ? piece.len : room});
	if (status != REPLY_TOKEN)
		return status;
	if (piece.len > room) /* after the check: the answer does not depend on the cut (P3) */
		return REPLY_BAD_LINE_TOO_LONG;
	r->left += piece.len;
	skip(in, piece.len + (cr != NULL));
	if (cr == NULL)
		return give_text(r, piece, false, out);
	r->state = READ_LINE_FEED;
	if (in->len == 0)
		return piece.len > 0 ? give_text(r, piece, false, out) : REPLY_MORE;
	if (in->at[0] != '\n')
		return REPLY_BAD_LINE_END;
	skip(in, 1);
	return give_text(r, piece, true, out);
}

static enum reply_status
on_payload(struct reply_reader *r, struct span *in, struct reply_token *out)
{
	size_t n = in->len < r->left ? in->len : (size_t)r->left;
	struct span piece = {in->at, n};
	r->left -= n;
	skip(in, n);
	if (r->left > 0)
		return n > 0 ? give_text(r, piece, false, out) : REPLY_MORE;
	r->state = READ_PAYLOAD_CR;
	if (in->len < 2)
		return n > 0 ? give_text(r, piece, false, out) : REPLY_MORE;
	if (in->at[0] != '\r' || in->at[1] != '\n')
		return REPLY_BAD_TEXT_END;
	skip(in, 2);
	return give_text(r, piece, true, out);
}

/* A text whose payload is given out and whose end came later. */
static enum reply_status
on_end(struct reply_reader *r, struct span *in, struct reply_token *out)
{
	if (r->state == READ_PAYLOAD_CR) {
		if (in->at[0] != '\r')
			return REPLY_BAD_TEXT_END;
		skip(in, 1);
		r->state = READ_PAYLOAD_LF;
		return REPLY_MORE;
	}
	if (in->at[0] != '\n')
		return r->state == READ_LINE_FEED ? REPLY_BAD_LINE_END : REPLY_BAD_TEXT_END;
	skip(in, 1);
	return give_text(r, (struct span){in->at, 0}, true, out);
}

/* ---- the door ---- */

static enum reply_status
on_marker(struct reply_reader *r, struct span *in)
{
	r->marker = in->at[0];
	r->line_len = 0;
	r->begun = false;
	r->left = 0;
	r->size = 0;
	switch (r->marker) {
	case '+':
		r->kind = REPLY_SIMPLE;
		r->state = READ_LINE;
		break;
	case '-':
		r->kind = REPLY_ERROR;
		r->state = READ_LINE;
		break;
	case '(':
		r->kind = REPLY_BIG_NUMBER;
		r->state = READ_LINE;
		break;
	case '$':
	case '!':
	case '=':
	case ':':
	case '_':
	case '#':
	case ',':
	case '*':
	case '~':
	case '>':
	case '%':
	case '|':
		r->state = READ_HEADER;
		break;
	default:
		return REPLY_BAD_TYPE;
	}
	skip(in, 1);
	return REPLY_MORE;
}

static enum reply_status
step(struct reply_reader *r, const struct reply_limits *limits, struct span *in,
     struct reply_token *out)
{
	struct span line;
	enum reply_status status;
	switch ((enum reader_state)r->state) {
	case READ_MARKER:
		return on_marker(r, in);
	case READ_HEADER:
		status = take_header(r, in, &line);
		return status == REPLY_TOKEN ? on_header(r, limits, line, out) : status;
	case READ_LINE:
		return on_line(r, limits, in, out);
	case READ_PAYLOAD:
		return on_payload(r, in, out);
	case READ_LINE_FEED:
	case READ_PAYLOAD_CR:
	case READ_PAYLOAD_LF:
		return on_end(r, in, out);
	}
	ASSERT(false);
	return REPLY_BAD_TYPE;
}

enum reply_status
reply_next(struct reply_reader *r, const struct reply_limits *limits, struct span *in,
	   struct reply_token *out)
{
	enum reply_status status = REPLY_MORE;
	while (in->len > 0 && status == REPLY_MORE)
		status = step(r, limits, in, out);
	return status;
}

const char *
reply_status_name(enum reply_status status)
{
	static const char *const names[REPLY_STATUS_COUNT] = {
		[REPLY_TOKEN] = "token",
		[REPLY_MORE] = "more",
		[REPLY_BAD_TYPE] = "bad_type",
		[REPLY_BAD_NUMBER] = "bad_number",
		[REPLY_BAD_DOUBLE] = "bad_double",
		[REPLY_BAD_BOOLEAN] = "bad_boolean",
		[REPLY_BAD_NULL] = "bad_null",
		[REPLY_BAD_BIG_NUMBER] = "bad_big_number",
		[REPLY_BAD_LINE_END] = "bad_line_end",
		[REPLY_BAD_LINE_TOO_LONG] = "bad_line_too_long",
		[REPLY_BAD_TEXT_END] = "bad_text_end",
		[REPLY_BAD_TOO_BIG] = "bad_too_big",
		[REPLY_BAD_TOO_MANY] = "bad_too_many",
		[REPLY_BAD_TOO_DEEP] = "bad_too_deep",
		[REPLY_BAD_STREAMED] = "bad_streamed",
	};
	return status < REPLY_STATUS_COUNT ? names[status] : "unknown";
}
