/* proto/base/glob.c - every element but a star takes exactly one byte. So when something after a star does not fit, only the latest star
 * needs to take one byte more: an earlier one could gain nothing that the latest cannot. That bounds the work; trying
 * every star against every suffix, by recursion, is exponential.
 */
#include "proto/base/glob.h"

static uint8_t
lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool
same(uint8_t a, uint8_t b, bool nocase)
{
	return a == b || (nocase && lower(a) == lower(b));
}

static bool
in_range(uint8_t first, uint8_t last, uint8_t byte, bool nocase)
{
	if (first > last) {
		uint8_t swap = first;
		first = last;
		last = swap;
	}
	if (nocase) {
		first = lower(first);
		last = lower(last);
		byte = lower(byte);
	}
	return byte >= first && byte <= last;
}

/* p: behind the '['. Moves it behind the set; true: byte belongs there. */
static bool
match_set(struct span *p, uint8_t byte, bool nocase)
{
	const uint8_t *at = p->at, *end = p->at + p->len;
	bool negated = at < end && *at == '^';
	bool found = false;
	at += negated;
	while (at < end && *at != ']') {
		if (end - at >= 2 && at[0] == '\\') {
			found |= at[1] == byte;
			at += 2;
		} else if (end - at >= 3 && at[1] == '-') {
			found |= in_range(at[0], at[2], byte, nocase);
			at += 3;
		} else {
			found |= same(at[0], byte, nocase);
			at++;
		}
	}
	at += at < end; /* the bracket */
	*p = (struct span){at, (size_t)(end - at)};
	return found != negated;
}

/* The element in front, which is no star, against one byte; moves p behind it. */
static bool
match_one(struct span *p, uint8_t byte, bool nocase)
{
	uint8_t c = *p->at++;
	p->len--;
	if (c == '?')
		return true;
	if (c == '[')
		return match_set(p, byte, nocase);
	if (c == '\\' && p->len > 0) {
		c = *p->at++;
		p->len--;
	}
	return same(c, byte, nocase);
}

bool
glob_match(struct span pattern, struct span text, bool nocase)
{
	if (text.len == 0)
		return pattern.len == 0;
	bool starred = false;
	struct span retry = pattern;   /* behind the latest star */
	size_t position = 0, from = 0; /* from: where its elements were last tried */
	while (position < text.len) {
		if (pattern.len > 0 && *pattern.at == '*') {
			pattern.at++;
			pattern.len--;
			starred = true;
			retry = pattern;
			from = position;
		} else if (pattern.len > 0 && match_one(&pattern, text.at[position], nocase)) {
			position++;
		} else if (starred) {
			pattern = retry;
			position = ++from;
		} else {
			return false;
		}
	}
	while (pattern.len > 0 && *pattern.at == '*') {
		pattern.at++;
		pattern.len--;
	}
	return pattern.len == 0;
}
