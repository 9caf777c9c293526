/* tests/fuzz/fuzz_options.c - any bytes as the options of a TCP or an IPv4 header; what was understood is written and read
 * again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/inet/options.h"
#include "tests/fuzz/target.h"

/* Every step goes forward and hands out bytes inside the list. */
static void
walk(const uint8_t *bytes, size_t size)
{
	struct option_walk list = {.at = bytes, .end = bytes + size};
	struct option option;
	const uint8_t *last = bytes;
	unsigned steps = 0;
	while (option_next(&list, &option) == OPTION_FOUND) {
		ASSERT(list.at >= last + 2 && list.at <= list.end);
		ASSERT(option.data >= bytes && option.data + option.size == list.at);
		steps++;
		ASSERT(steps <= size / 2);
		last = list.at;
	}
	ASSERT(list.at <= list.end);
}

static void
write_and_read_again(const struct tcp_options *options)
{
	uint8_t bytes[OPTIONS_SIZE_MAX];
	struct tcp_options again;
	uint16_t size = tcp_options_size(options);
	ASSERT(size <= sizeof(bytes) && size % 4 == 0);
	ASSERT(tcp_options_encode(bytes, options) == size);
	ASSERT(tcp_options_decode(bytes, size, &again));
	ASSERT(again.mss == options->mss && again.wscale == options->wscale);
	ASSERT(again.sack_permitted == options->sack_permitted);
	ASSERT(again.has_timestamp == options->has_timestamp);
	ASSERT(again.sack_count <= options->sack_count);
	if (again.has_timestamp)
		ASSERT(again.ts_value == options->ts_value && again.ts_echo == options->ts_echo);
	for (unsigned i = 0; i < again.sack_count; i++)
		ASSERT(again.sack[i].left == options->sack[i].left &&
		       again.sack[i].right == options->sack[i].right);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 256)
		return 0;
	uint8_t *bytes = malloc(size > 0 ? size : 1); /* exactly as large: reads beyond are seen */
	struct tcp_options options;
	ASSERT(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	walk(bytes, size);
	bool good = tcp_options_decode(bytes, (uint16_t)size, &options);
	ASSERT(options.sack_count <= TCP_SACK_BLOCKS_MAX);
	ASSERT(options.wscale <= 14 || options.wscale == TCP_WSCALE_ABSENT);
	if (good)
		write_and_read_again(&options);
	free(bytes);
	return 0;
}
