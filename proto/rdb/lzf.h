/* proto/rdb/lzf.h - LZF data made plain as it arrives, into memory that holds the whole result.
 *
 *     000lllll                       l + 1 bytes as they are follow
 *     lllooooo          oooooooo     l + 2 bytes once more, from o + 1 bytes back; l 1 to 6
 *     111ooooo llllllll oooooooo     l + 9 bytes once more
 *
 * liblzf (which the writer packs with) needs all its input in one piece, so a compressed value would be kept twice.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No more than this comes out per byte put in: three bytes make 264. */
#define LZF_RATIO_MAX 88u

enum lzf_phase { LZF_CONTROL, LZF_LITERALS, LZF_LENGTH, LZF_OFFSET };

struct lzf {
	uint8_t *at; /* the result; size bytes of room */
	size_t size, filled;
	enum lzf_phase phase;
	uint32_t distance, run; /* of the reference, or literals, being read */
};

void lzf_begin(struct lzf *z, uint8_t *at, size_t size);
/* False: the data refers to what is before the result, or does not fit. Then z is of no more use. */
bool lzf_feed(struct lzf *z, const uint8_t *bytes, size_t len) __attribute__((warn_unused_result));
/* The result is full, and the data stops where it may. */
bool lzf_ended(const struct lzf *z);
