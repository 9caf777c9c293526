/* proto/inet/options.c - a list that a peer wrote: every step checks that it moves forward and stays inside.
 *
 * Written options each fill whole 32-bit words, with no-operations in front where they do not: a SYN costs up to four
 * bytes more than the tightest packing, and a reader finds everything aligned.
 */
#include "proto/inet/options.h"

#include "proto/base/bytes.h"

enum { OPTION_EOL = 0, OPTION_NOP = 1 }; /* in IPv4 and in TCP */

enum tcp_option_kind {
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WSCALE = 3,
	TCP_OPTION_SACK_PERMITTED = 4,
	TCP_OPTION_SACK = 5,
	TCP_OPTION_TIMESTAMP = 8,
};

/* What each takes when written, padding included. */
enum {
	MSS_SIZE = 4,
	WSCALE_SIZE = 4,
	SACK_PERMITTED_SIZE = 4,
	TIMESTAMP_SIZE = 12,
	SACK_HEAD_SIZE = 4,
	SACK_BLOCK_SIZE = 8,
};

#define WSCALE_MAX 14 /* RFC 7323 2.3 */
/* no-operation twice, timestamp, length 10: how nearly every stack begins the options of a data segment */
#define ALIGNED_TIMESTAMP 0x0101080au

enum option_step
option_next(struct option_walk *walk, struct option *out)
{
	while (walk->at < walk->end && *walk->at == OPTION_NOP)
		walk->at++;
	if (walk->at == walk->end || *walk->at == OPTION_EOL)
		return OPTION_END;
	size_t left = (size_t)(walk->end - walk->at);
	if (left < 2 || walk->at[1] < 2 || walk->at[1] > left)
		return OPTION_BAD;
	*out = (struct option){
		.kind = walk->at[0],
		.size = (uint8_t)(walk->at[1] - 2),
		.data = walk->at + 2,
	};
	walk->at += walk->at[1];
	return OPTION_FOUND;
}

static void
decode_sack(const struct option *option, struct tcp_options *out)
{
	unsigned count = option->size / SACK_BLOCK_SIZE;
	if (option->size % SACK_BLOCK_SIZE != 0 || count > TCP_SACK_BLOCKS_MAX)
		return;
	const uint8_t *at = option->data;
	for (unsigned i = 0; i < count; i++, at += SACK_BLOCK_SIZE) {
		out->sack[i].left = load_be32(at);
		out->sack[i].right = load_be32(at + 4);
	}
	out->sack_count = (uint8_t)count;
}

static void
decode_timestamp(const uint8_t *data, struct tcp_options *out)
{
	out->has_timestamp = true;
	out->ts_value = load_be32(data);
	out->ts_echo = load_be32(data + 4);
}

static void
decode_one(const struct option *option, struct tcp_options *out)
{
	switch (option->kind) {
	case TCP_OPTION_MSS:
		if (option->size == 2)
			out->mss = load_be16(option->data);
		break;
	case TCP_OPTION_WSCALE:
		if (option->size == 1)
			out->wscale = option->data[0] < WSCALE_MAX ? option->data[0] : WSCALE_MAX;
		break;
	case TCP_OPTION_SACK_PERMITTED:
		if (option->size == 0)
			out->sack_permitted = true;
		break;
	case TCP_OPTION_SACK:
		decode_sack(option, out);
		break;
	case TCP_OPTION_TIMESTAMP:
		if (option->size == 8)
			decode_timestamp(option->data, out);
		break;
	default:
		break;
	}
}

bool
tcp_options_decode(const uint8_t *at, uint16_t len, struct tcp_options *out)
{
	tcp_options_none(out);
	if (len == TIMESTAMP_SIZE && load_be32(at) == ALIGNED_TIMESTAMP) {
		decode_timestamp(at + 4, out);
		return true;
	}
	struct option_walk walk = {.at = at, .end = at + len};
	struct option option;
	for (;;) {
		switch (option_next(&walk, &option)) {
		case OPTION_FOUND:
			decode_one(&option, out);
			break;
		case OPTION_END:
			return true;
		case OPTION_BAD:
			return false;
		}
	}
}

/* All but SACK. */
static uint16_t
fixed_size(const struct tcp_options *options)
{
	unsigned size = 0;
	if (options->mss != 0)
		size += MSS_SIZE;
	if (options->wscale != TCP_WSCALE_ABSENT)
		size += WSCALE_SIZE;
	if (options->sack_permitted)
		size += SACK_PERMITTED_SIZE;
	if (options->has_timestamp)
		size += TIMESTAMP_SIZE;
	return (uint16_t)size;
}

static unsigned
sack_blocks_fitting(const struct tcp_options *options, unsigned used)
{
	unsigned fit = (OPTIONS_SIZE_MAX - SACK_HEAD_SIZE - used) / SACK_BLOCK_SIZE;
	return options->sack_count < fit ? options->sack_count : fit;
}

uint16_t
tcp_options_size(const struct tcp_options *options)
{
	uint16_t size = fixed_size(options);
	unsigned blocks = sack_blocks_fitting(options, size);
	if (blocks > 0)
		size = (uint16_t)(size + SACK_HEAD_SIZE + SACK_BLOCK_SIZE * blocks);
	return size;
}

static uint8_t *
put_head(uint8_t *at, unsigned nops, enum tcp_option_kind kind, unsigned size)
{
	while (nops-- > 0)
		*at++ = OPTION_NOP;
	*at++ = (uint8_t)kind;
	*at++ = (uint8_t)size;
	return at;
}

static uint8_t *
encode_sack(uint8_t *at, const struct tcp_options *options, unsigned blocks)
{
	at = put_head(at, 2, TCP_OPTION_SACK, 2 + SACK_BLOCK_SIZE * blocks);
	for (unsigned i = 0; i < blocks; i++, at += SACK_BLOCK_SIZE) {
		store_be32(at, options->sack[i].left);
		store_be32(at + 4, options->sack[i].right);
	}
	return at;
}

uint16_t
tcp_options_encode(uint8_t *at, const struct tcp_options *options)
{
	uint8_t *start = at;
	unsigned blocks = sack_blocks_fitting(options, fixed_size(options));
	if (options->mss != 0) {
		at = put_head(at, 0, TCP_OPTION_MSS, MSS_SIZE);
		store_be16(at, options->mss);
		at += 2;
	}
	if (options->wscale != TCP_WSCALE_ABSENT) {
		at = put_head(at, 1, TCP_OPTION_WSCALE, 3);
		*at++ = options->wscale;
	}
	if (options->sack_permitted)
		at = put_head(at, 2, TCP_OPTION_SACK_PERMITTED, 2);
	if (options->has_timestamp) {
		at = put_head(at, 2, TCP_OPTION_TIMESTAMP, 10);
		store_be32(at, options->ts_value);
		store_be32(at + 4, options->ts_echo);
		at += 8;
	}
	if (blocks > 0)
		at = encode_sack(at, options, blocks);
	return (uint16_t)(at - start);
}
