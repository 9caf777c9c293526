/* app/cmd/bits.h - a string as a row of bits, and integers of any width in it.
 *
 *     byte 0          byte 1
 *     7 6 5 4 3 2 1 0 7 6 5 ...    bit 0 is the most significant of the first byte, as in SETBIT
 *
 * B1  Bits behind the end of a string are zero for readers; writers bring room first.
 * Pure: no server, no memory of its own. Ranges are first and last bit, both included.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"

uint64_t bits_count(struct span bytes, uint64_t first, uint64_t last); /* last < 8 * bytes.len */
/* The first bit that is value (0 or 1); -1: none. last < 8 * bytes.len */
int64_t bits_find(struct span bytes, unsigned value, uint64_t first, uint64_t last);

struct bit_field {
	bool is_signed;
	uint8_t width; /* 1 to 64; unsigned: to 63 */
	uint64_t offset;
};

enum bit_overflow { BIT_WRAP, BIT_SATURATE, BIT_FAIL };

int64_t bits_read(struct span bytes, const struct bit_field *field);
void bits_write(uint8_t *bytes, const struct bit_field *field, int64_t value);
/* What the field holds after start + by. start of an unsigned field is taken modulo 2^64. False: it does not fit and BIT_FAIL says to
 * leave it. */
bool bits_add(const struct bit_field *field, enum bit_overflow overflow, int64_t start, int64_t by,
	      int64_t *out) __attribute__((warn_unused_result));
