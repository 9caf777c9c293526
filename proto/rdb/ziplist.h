/* proto/rdb/ziplist.h - what listpacks were before Redis 7; only read.
 *
 *     | total size, 4 | offset of last entry, 4 | count, 2 | entry | entry ... | 0xff |     least significant byte first
 *
 *     entry: | size of the entry before: one byte, or fe and 4 | form and data |
 *     forms: 00llllll bytes | 01llllll llllllll bytes | 80 l4 bytes | c0 n2 | d0 n4 | e0 n8 | f0 n3 | fe n1 | 1111nnnn, n - 1
 *            (these lengths alone have their most significant byte first)
 */
#pragma once
#include "proto/rdb/packed.h"

enum packed_status ziplist_check(struct span blob, uint32_t *count)
	__attribute__((warn_unused_result));
bool ziplist_next(struct span blob, size_t *at, struct packed_entry *out);
