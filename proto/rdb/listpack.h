/* proto/rdb/listpack.h - a list of short strings and integers in one blob, since Redis 7 in all small collections and in streams.
 *
 *     | total size, 4 | count, 2 | entry | entry ... | 0xff |     both least significant byte first; count 65535: unknown
 *
 *     entry: | form and data | size of that, to be read backwards |
 *     forms: 0nnnnnnn | 10llllll bytes | 110nnnnn nnnnnnnn | 1110llll llllllll bytes | f0 l4 bytes | f1 n2 | f2 n3 | f3 n4 | f4 n8
 */
#pragma once
#include "proto/rdb/packed.h"

enum packed_status listpack_check(struct span blob, uint32_t *count)
	__attribute__((warn_unused_result));
bool listpack_next(struct span blob, size_t *at, struct packed_entry *out);
