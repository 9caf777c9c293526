/* app/bench/workload.h - which bytes are asked for: keys, values, requests, and whether a value is the right one.
 *
 *     key i      sixteen hexadecimal digits of a permutation of i, then dots: spread over all slots, never twice the same
 *     value i    eight bytes made from i, then a fixed pattern, as long as i says
 *
 * So a GET's answer can be checked without remembering what was SET. Nothing here allocates after workload_init().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/bench/options.h"
#include "proto/base/span.h"

enum workload_op { WORKLOAD_GET, WORKLOAD_SET, WORKLOAD_INFO };

struct workload {
	uint32_t keys, key_size, value_min, value_span;
	uint32_t request_max; /* bytes of the longest request */
	uint64_t seed;
	char get_head[40], set_head[40]; /* up to the key */
	uint32_t get_head_len, set_head_len;
	uint8_t *pattern; /* value_max bytes */
	char digits[256][2];
};

/* False: no memory. */
bool workload_init(struct workload *w, const struct bench_options *o);
void workload_free(struct workload *w);
uint32_t workload_value_size(const struct workload *w, uint32_t key);
/* Writes one request, at most request_max bytes. Answers the bytes. */
size_t workload_request(const struct workload *w, enum workload_op op, uint32_t key, uint8_t *at);
/* True: piece is what lies at offset in the value of key. */
bool workload_value_is(const struct workload *w, uint32_t key, uint32_t offset, struct span piece);
