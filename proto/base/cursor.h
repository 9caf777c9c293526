/* proto/base/cursor.h - reading and writing of wire bytes that cannot leave their bounds.
 *
 * A cursor that is asked for more than there is fails, and stays failed: reads answer 0 and writes
 * change nothing from then on. So a decoder reads all its fields and asks cursor_get_ok() once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor_in {
	const uint8_t *at, *end;
	bool failed;
};

struct cursor_out {
	uint8_t *start, *at, *end;
	bool failed;
};

struct cursor_in cursor_in(const void *bytes, size_t len);
bool cursor_get_ok(const struct cursor_in *in);
size_t cursor_get_left(const struct cursor_in *in);
uint8_t cursor_get_u8(struct cursor_in *in);
uint16_t cursor_get_u16(struct cursor_in *in);
uint32_t cursor_get_u32(struct cursor_in *in);
uint64_t cursor_get_u64(struct cursor_in *in);
/* The next len bytes where they lie; NULL, and failed, if there are fewer. */
const uint8_t *cursor_get_bytes(struct cursor_in *in, size_t len);

struct cursor_out cursor_out(void *bytes, size_t size);
bool cursor_put_ok(const struct cursor_out *out);
/* Bytes written so far. */
size_t cursor_put_len(const struct cursor_out *out);
void cursor_put_u8(struct cursor_out *out, uint8_t value);
void cursor_put_u16(struct cursor_out *out, uint16_t value);
void cursor_put_u32(struct cursor_out *out, uint32_t value);
void cursor_put_u64(struct cursor_out *out, uint64_t value);
void cursor_put_bytes(struct cursor_out *out, const void *bytes, size_t len);
/* A field of size bytes: as much of bytes as there is, then zeros. len > size fails. */
void cursor_put_padded(struct cursor_out *out, const void *bytes, size_t len, size_t size);
