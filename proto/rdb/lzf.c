/* proto/rdb/lzf.c - one control byte at a time; between two bytes of input everything known is in struct lzf. */
#include "proto/rdb/lzf.h"

#include <string.h>

#include "proto/base/assert.h"

#define CONTROL_LITERALS 32u /* control bytes below announce that many, and one */
#define LENGTH_FOLLOWS   7u
#define REFERENCE_MIN    2u

void
lzf_begin(struct lzf *z, uint8_t *at, size_t size)
{
	*z = (struct lzf){.size = size};
	z->at = at;
}

/* Source and target may overlap: then what is written is read again, as a run of one byte is made. */
static bool
repeat(struct lzf *z)
{
	DASSERT(z->distance > 0);
	if (z->distance > z->filled || z->run > z->size - z->filled)
		return false;
	uint8_t *to = z->at + z->filled;
	const uint8_t *from = to - z->distance;
	if (z->distance >= z->run)
		memcpy(to, from, z->run);
	else
		for (uint32_t i = 0; i < z->run; i++)
			to[i] = from[i];
	z->filled += z->run;
	z->phase = LZF_CONTROL;
	return true;
}

static void
control(struct lzf *z, uint8_t byte)
{
	if (byte < CONTROL_LITERALS) {
		z->run = byte + 1u;
		z->phase = LZF_LITERALS;
		return;
	}
	z->run = byte >> 5;
	z->distance = (byte & 0x1fu) << 8;
	z->phase = z->run == LENGTH_FOLLOWS ? LZF_LENGTH : LZF_OFFSET;
	z->run += REFERENCE_MIN;
}

static bool
literals(struct lzf *z, const uint8_t **at, const uint8_t *end)
{
	size_t take = z->run;
	if (take > (size_t)(end - *at))
		take = (size_t)(end - *at);
	if (take > z->size - z->filled)
		return false;
	memcpy(z->at + z->filled, *at, take);
	*at += take;
	z->filled += take;
	z->run -= (uint32_t)take;
	if (z->run == 0)
		z->phase = LZF_CONTROL;
	return true;
}

bool
lzf_feed(struct lzf *z, const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = bytes + len;
	while (at < end) {
		switch (z->phase) {
		case LZF_CONTROL:
			control(z, *at++);
			break;
		case LZF_LITERALS:
			if (!literals(z, &at, end))
				return false;
			break;
		case LZF_LENGTH:
			z->run += *at++;
			z->phase = LZF_OFFSET;
			break;
		case LZF_OFFSET:
			z->distance += *at++ + 1u;
			if (!repeat(z))
				return false;
			break;
		}
	}
	return true;
}

bool
lzf_ended(const struct lzf *z)
{
	return z->phase == LZF_CONTROL && z->filled == z->size;
}
