/* proto/base/cursor.c - one function on each side compares with the end; all others go through it. */
#include "proto/base/cursor.h"

#include <string.h>

#include "proto/base/bytes.h"

struct cursor_in
cursor_in(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	return (struct cursor_in){.at = at, .end = at + len};
}

bool
cursor_get_ok(const struct cursor_in *in)
{
	return !in->failed;
}

size_t
cursor_get_left(const struct cursor_in *in)
{
	return in->failed ? 0 : (size_t)(in->end - in->at);
}

const uint8_t *
cursor_get_bytes(struct cursor_in *in, size_t len)
{
	if (in->failed || (size_t)(in->end - in->at) < len) {
		in->failed = true;
		return NULL;
	}
	const uint8_t *bytes = in->at;
	in->at += len;
	return bytes;
}

uint8_t
cursor_get_u8(struct cursor_in *in)
{
	const uint8_t *at = cursor_get_bytes(in, 1);
	return at == NULL ? 0 : *at;
}

uint16_t
cursor_get_u16(struct cursor_in *in)
{
	const uint8_t *at = cursor_get_bytes(in, 2);
	return at == NULL ? 0 : load_be16(at);
}

uint32_t
cursor_get_u32(struct cursor_in *in)
{
	const uint8_t *at = cursor_get_bytes(in, 4);
	return at == NULL ? 0 : load_be32(at);
}

uint64_t
cursor_get_u64(struct cursor_in *in)
{
	const uint8_t *at = cursor_get_bytes(in, 8);
	return at == NULL ? 0 : load_be64(at);
}

struct cursor_out
cursor_out(void *bytes, size_t size)
{
	uint8_t *at = bytes;
	return (struct cursor_out){.start = at, .at = at, .end = at + size};
}

bool
cursor_put_ok(const struct cursor_out *out)
{
	return !out->failed;
}

size_t
cursor_put_len(const struct cursor_out *out)
{
	return (size_t)(out->at - out->start);
}

/* Room for len bytes, already counted as written; NULL, and failed, if there is none. */
static uint8_t *
room(struct cursor_out *out, size_t len)
{
	if (out->failed || (size_t)(out->end - out->at) < len) {
		out->failed = true;
		return NULL;
	}
	uint8_t *at = out->at;
	out->at += len;
	return at;
}

void
cursor_put_u8(struct cursor_out *out, uint8_t value)
{
	uint8_t *at = room(out, 1);
	if (at != NULL)
		*at = value;
}

void
cursor_put_u16(struct cursor_out *out, uint16_t value)
{
	uint8_t *at = room(out, 2);
	if (at != NULL)
		store_be16(at, value);
}

void
cursor_put_u32(struct cursor_out *out, uint32_t value)
{
	uint8_t *at = room(out, 4);
	if (at != NULL)
		store_be32(at, value);
}

void
cursor_put_u64(struct cursor_out *out, uint64_t value)
{
	uint8_t *at = room(out, 8);
	if (at != NULL)
		store_be64(at, value);
}

void
cursor_put_bytes(struct cursor_out *out, const void *bytes, size_t len)
{
	uint8_t *at = room(out, len);
	if (at != NULL && len > 0)
		memcpy(at, bytes, len);
}

void
cursor_put_padded(struct cursor_out *out, const void *bytes, size_t len, size_t size)
{
	if (len > size) {
		out->failed = true;
		return;
	}
	uint8_t *at = room(out, size);
	if (at == NULL)
		return;
	if (len > 0)
		memcpy(at, bytes, len);
	memset(at + len, 0, size - len);
}
