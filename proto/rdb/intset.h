/* proto/rdb/intset.h - a set of integers in one blob, ascending.
 *
 *     | width, 4 | count, 4 | numbers of width bytes each ... |     least significant byte first; width 2, 4 or 8
 */
#pragma once
#include "proto/rdb/packed.h"

enum packed_status intset_check(struct span blob, uint32_t *count)
	__attribute__((warn_unused_result));
bool intset_next(struct span blob, size_t *at, struct packed_entry *out);
