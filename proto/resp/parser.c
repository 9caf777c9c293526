/* proto/resp/parser.c - requests: RESP arrays of bulk strings, and inline commands.
 *
 * One loop walks an array and fills argv as it goes; that is all that happens to a command which is here whole, and no
 * byte of a bulk string is looked at. If bytes run out, position and walked say where to go on; spans stored so far may
 * point to memory that has moved, so when the last argument is here the headers, not the bulk strings, are walked once more. Storing
 * offsets instead of spans would save that second walk and cost every command a pass over its argv.
 *
 * Deviations from Redis 7.0, which all make the answer independent of how bytes were cut into reads:
 *   - A line is too long if its first 64 KB + 1 bytes hold no line end. Redis asks for that only when a read leaves
 *     the line unfinished, so it takes a longer line that came in one piece.
 *   - A zero byte is a byte. Redis searches line ends with strchr(), stops at it and waits for 64 KB.
 */
#include "proto/resp/parser.h"

#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/number.h"

#define UNAUTHENTICATED_ARGS_MAX 10
#define UNAUTHENTICATED_BULK_MAX 16384
#define QUICK_DIGITS_MAX                                                                           \
	9               /* lengths up to 999 999 999 are read without a search for the line end */
#define LINE_END_SIZE 2 /* CR and any byte: Redis does not look at the second one */

struct args {
	struct span *at;
	uint32_t max;
};

/* ---- lines that hold a number ---- */

/* The one writer of position: what was scanned belongs to one line. */
static inline void
move_to(struct resp_parser *p, size_t position)
{
	if (p->position != position)
		p->scanned = 0;
	p->position = position;
}

/* Offset of the CR of the line at p->position. RESP_WIDE: there is none within the limit. */
static enum resp_status
find_line_end(struct resp_parser *p, struct span in, size_t *end)
{
	const uint8_t *line = in.at + p->position;
	size_t left = in.len - p->position;
	size_t window = left < RESP_INLINE_MAX + 1 ? left : RESP_INLINE_MAX + 1;
	DASSERT(p->scanned <= window);
	const uint8_t *cr = memchr(line + p->scanned, '\r', window - p->scanned);
	if (cr == NULL) {
		p->scanned = (uint32_t)window;
		return window > RESP_INLINE_MAX ? RESP_WIDE : RESP_MORE;
	}
	p->scanned = (uint32_t)(cr - line);
	if (left - p->scanned < LINE_END_SIZE)
		return RESP_MORE;
	*end = p->position + p->scanned;
	return RESP_OK;
}

/* "*<count>": the count, which may be zero or less. Moves position behind the line. */
static enum resp_status
read_array_header(struct resp_parser *p, const struct resp_limits *limits, struct span in,
		  int64_t *count)
{
	size_t end;
	enum resp_status status = find_line_end(p, in, &end);
	if (status != RESP_OK)
		return status == RESP_WIDE ? RESP_BAD_MBULK_TOO_BIG : status;
	if (!number_parse(in.at + 1, end - 1, count) || *count > (int64_t)RESP_ARGS_MAX)
		return RESP_BAD_MBULK_LEN;
	if (limits->unauthenticated && *count > UNAUTHENTICATED_ARGS_MAX)
		return RESP_BAD_MBULK_UNAUTH;
	move_to(p, end + LINE_END_SIZE);
	return RESP_OK;
}

/* "$<size>", any way it can be written. Moves position behind the line. */
static enum resp_status
read_bulk_header(struct resp_parser *p, const struct resp_limits *limits, struct span in,
		 uint64_t *size)
{
	size_t end;
	int64_t value;
	enum resp_status status = find_line_end(p, in, &end);
	if (status != RESP_OK)
		return status == RESP_WIDE ? RESP_BAD_BULK_TOO_BIG : status;
	if (in.at[p->position] != '$') {
		p->offender = in.at[p->position];
		return RESP_BAD_DOLLAR;
	}
	size_t digits = p->position + 1;
	if (!number_parse(in.at + digits, end - digits, &value) || value < 0 ||
	    (uint64_t)value > limits->bulk_max)
		return RESP_BAD_BULK_LEN;
	if (limits->unauthenticated && value > UNAUTHENTICATED_BULK_MAX)
		return RESP_BAD_BULK_UNAUTH;
	*size = (uint64_t)value;
	move_to(p, end + LINE_END_SIZE);
	return RESP_OK;
}

/* A marker and a plain number, as all clients write them. Answers the bytes used; 0: not so, or not all here. */
static inline size_t
quick_header(const uint8_t *at, size_t left, uint8_t marker, uint64_t *value)
{
	if (left < 4 || at[0] != marker)
		return 0;
	uint64_t number = (uint64_t)at[1] - '0';
	if (number > 9)
		return 0;
	*value = number;
	if (at[2] == '\r')
		return 4;
	if (number == 0 || left < QUICK_DIGITS_MAX + 3)
		return 0;
	for (size_t i = 2; i <= QUICK_DIGITS_MAX; i++) {
		uint64_t digit = (uint64_t)at[i] - '0';
		if (digit > 9)
			return 0;
		number = number * 10 + digit;
		if (at[i + 1] == '\r') {
			*value = number;
			return i + 3;
		}
	}
	return 0;
}

/* ---- arrays ---- */

/* Walks the arguments from p->position on. RESP_OK: all are here and end at p->position. */
static inline enum resp_status
walk_arguments(struct resp_parser *p, const struct resp_limits *limits, struct span in,
	       struct args to, struct resp_command *out)
{
	uint64_t quick_max = limits->bulk_max;
	size_t at = p->position;
	uint32_t walked = p->walked, argc = p->argc;
	if (limits->unauthenticated && quick_max > UNAUTHENTICATED_BULK_MAX)
		quick_max = UNAUTHENTICATED_BULK_MAX;
	while (walked < argc) {
		uint64_t size;
		size_t used = quick_header(in.at + at, in.len - at, '$', &size);
		if (used == 0 || size > quick_max) {
			move_to(p, at);
			p->walked = walked;
			enum resp_status status = read_bulk_header(p, limits, in, &size);
			if (status != RESP_OK)
				return status;
			used = p->position - at;
		}
		if (in.len - at - used < size + LINE_END_SIZE) {
			move_to(p, at);
			p->walked = walked;
			out->want = at + used + size + LINE_END_SIZE;
			return RESP_MORE;
		}
		if (walked < to.max)
			to.at[walked] = (struct span){in.at + at + used, size};
		at += used + size + LINE_END_SIZE;
		walked++;
	}
	move_to(p, at);
	return RESP_OK;
}

/* RESP_OK with *argc 0: "*0" and below. */
static inline enum resp_status
begin_array(struct resp_parser *p, const struct resp_limits *limits, struct span in)
{
	uint64_t quick;
	size_t used = quick_header(in.at, in.len, '*', &quick);
	if (used > 0 && quick <= UNAUTHENTICATED_ARGS_MAX) {
		move_to(p, used);
		p->argc = (uint32_t)quick;
		return RESP_OK;
	}
	int64_t count;
	enum resp_status status = read_array_header(p, limits, in, &count);
	if (status == RESP_OK)
		p->argc = count > 0 ? (uint32_t)count : 0;
	return status;
}

/* Goes through one array once, from where p stands. RESP_OK leaves p behind the array. */
static inline enum resp_status
parse_array(struct resp_parser *p, const struct resp_limits *limits, struct span in, struct args to,
	    struct resp_command *out)
{
	enum resp_status status;
	if (p->argc == 0) {
		status = begin_array(p, limits, in);
		if (status != RESP_OK)
			return status;
	}
	status = walk_arguments(p, limits, in, to, out);
	if (status == RESP_MORE)
		p->interrupted = true;
	return status;
}

/* ---- inline commands ---- */

struct words { /* the words of a line, one after the other */
	uint8_t *line;
	size_t len;
	size_t at;    /* what is behind it has been read */
	bool rewrite; /* take quotes and escapes away, in place; else the line stays as it is */
	struct span word;
};

enum word { WORD_FOUND, WORD_NONE, WORD_UNBALANCED };

/* As isspace() in the C locale. */
static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A backslash and at least one byte, within double quotes. Answers the bytes used. */
static size_t
unescape(const uint8_t *at, size_t left, uint8_t *c)
{
	static const char names[] = "nrtba", values[] = "\n\r\t\b\a";
	if (at[1] == 'x' && left >= 4 && hex_value(at[2]) >= 0 && hex_value(at[3]) >= 0) {
		*c = (uint8_t)(hex_value(at[2]) << 4 | hex_value(at[3]));
		return 4;
	}
	const char *name = memchr(names, at[1], sizeof(names) - 1);
	*c = name != NULL ? (uint8_t)values[name - names] : at[1];
	return 2;
}

/* One byte of a word, which may be written as several. quote: the open one, or 0. Answers the bytes used. */
static size_t
word_byte(const struct words *w, uint8_t quote, uint8_t *c)
{
	const uint8_t *at = w->line + w->at;
	size_t left = w->len - w->at;
	*c = at[0];
	if (quote == '"' && at[0] == '\\' && left >= 2)
		return unescape(at, left, c);
	if (quote == '\'' && at[0] == '\\' && left >= 2 && at[1] == '\'') {
		*c = '\'';
		return 2;
	}
	return 1;
}

/* A quote may open anywhere in a word, but closes it: what follows must be white space. */
static enum word
next_word(struct words *w)
{
	uint8_t quote = 0;
	while (w->at < w->len && is_space(w->line[w->at]))
		w->at++;
	if (w->at == w->len)
		return WORD_NONE;
	uint8_t *start = w->line + w->at, *to = start;
	for (; w->at < w->len; to++) {
		uint8_t c = w->line[w->at];
		if (quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
			break;
		if (quote == 0 && (c == '"' || c == '\'')) {
			quote = c;
			w->at++;
			to--;
			continue;
		}
		if (quote != 0 && c == quote) {
			w->at++;
			if (w->at < w->len && !is_space(w->line[w->at]))
				return WORD_UNBALANCED;
			quote = 0;
			break;
		}
		w->at += word_byte(w, quote, &c);
		if (w->rewrite && *to != c)
			*to = c;
	}
	w->word = (struct span){start, (size_t)(to - start)};
	return quote == 0 ? WORD_FOUND : WORD_UNBALANCED;
}

/* The first walk counts and checks, the second one rewrites: a line that has too many words stays whole. */
static enum resp_status
split_line(struct words count, struct args to, uint32_t *argc)
{
	struct words store = count;
	enum word found;
	*argc = 0;
	while ((found = next_word(&count)) == WORD_FOUND)
		++*argc;
	if (found == WORD_UNBALANCED)
		return RESP_BAD_QUOTES;
	if (*argc > to.max)
		return RESP_WIDE;
	store.rewrite = true;
	for (uint32_t i = 0; i < *argc && next_word(&store) == WORD_FOUND; i++)
		to.at[i] = store.word;
	return RESP_OK;
}

static enum resp_status
parse_inline(struct resp_parser *p, uint8_t *bytes, size_t len, struct args to,
	     struct resp_command *out)
{
	size_t window = len < RESP_INLINE_MAX + 1 ? len : RESP_INLINE_MAX + 1;
	const uint8_t *lf = memchr(bytes + p->scanned, '\n', window - p->scanned);
	if (lf == NULL) {
		p->scanned = (uint32_t)window;
		return window > RESP_INLINE_MAX ? RESP_BAD_INLINE_TOO_BIG : RESP_MORE;
	}
	*p = (struct resp_parser){0};
	size_t line_len = (size_t)(lf - bytes);
	out->size = line_len + 1;
	if (line_len > 0 && bytes[line_len - 1] == '\r')
		line_len--;
	return split_line((struct words){.line = bytes, .len = line_len}, to, &out->argc);
}

/* ---- the door ---- */

enum resp_status /* NOLINTNEXTLINE(readability-function-size): seven parameters; each is a scalar or lives elsewhere */
resp_parse(struct resp_parser *p, const struct resp_limits *limits, uint8_t *bytes, size_t len,
	   struct span *argv, uint32_t argv_max, struct resp_command *out)
{
	struct args to = {argv, argv_max};
	*out = (struct resp_command){0};
	if (len == 0)
		return RESP_MORE;
	if (bytes[0] != '*')
		return parse_inline(p, bytes, len, to, out);
	struct span in = {bytes, len};
	bool again = p->interrupted;
	enum resp_status status = parse_array(p, limits, in, to, out);
	if (status != RESP_OK)
		return status;
	uint32_t argc = p->argc;
	size_t size = p->position;
	*p = (struct resp_parser){0};
	if (argc <= argv_max && again) {
		status = parse_array(p, limits, in, to, out);
		if (status != RESP_OK) /* limits have become narrower meanwhile */
			return status;
		*p = (struct resp_parser){0};
	}
	out->argc = argc;
	out->size = size;
	return argc <= argv_max ? RESP_OK : RESP_WIDE;
}

void
resp_status_text(const struct resp_parser *p, enum resp_status status, char text[RESP_TEXT_MAX])
{
	static const char *const reasons[RESP_STATUS_COUNT] = {
		[RESP_BAD_INLINE_TOO_BIG] = "too big inline request",
		[RESP_BAD_MBULK_TOO_BIG] = "too big mbulk count string",
		[RESP_BAD_MBULK_LEN] = "invalid multibulk length",
		[RESP_BAD_MBULK_UNAUTH] = "unauthenticated multibulk length",
		[RESP_BAD_BULK_TOO_BIG] = "too big bulk count string",
		[RESP_BAD_DOLLAR] = "expected '$', got '?'",
		[RESP_BAD_BULK_LEN] = "invalid bulk length",
		[RESP_BAD_BULK_UNAUTH] = "unauthenticated bulk length",
		[RESP_BAD_QUOTES] = "unbalanced quotes in request",
	};
	static const char head[] = "Protocol error: ";
	ASSERT(status < RESP_STATUS_COUNT && reasons[status] != NULL);
	size_t len = strlen(reasons[status]);
	ASSERT(sizeof(head) + len <= RESP_TEXT_MAX);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, reasons[status], len + 1);
	if (status == RESP_BAD_DOLLAR) /* a zero byte would end the text */
		text[sizeof(head) - 1 + len - 2] = (char)(p->offender != 0 ? p->offender : ' ');
}
