/* proto/inet/options.h - the options behind an IPv4 or a TCP header.
 *
 * Both are lists of one-byte options (0: end of list, 1: no operation) and of (kind, length, data) with length
 * counting all three (RFC 791 3.1, RFC 9293 3.2). This is the only place that walks such a list.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/tcp.h"

#define OPTIONS_SIZE_MAX 40 /* behind either header */

struct option_walk {
	const uint8_t *at, *end;
};

struct option {
	uint8_t kind;
	uint8_t size; /* of data */
	const uint8_t *data;
};

enum option_step {
	OPTION_FOUND,
	OPTION_END, /* of the list or of the room for it */
	OPTION_BAD, /* a length below 2, or one that runs past the header */
};

/* Call until it no longer answers OPTION_FOUND: at most OPTIONS_SIZE_MAX times. No-operations are passed over. */
enum option_step option_next(struct option_walk *walk, struct option *out);

/* Most segments have none: inline, for the packet path. */
static inline void
tcp_options_none(struct tcp_options *out)
{
	out->mss = 0;
	out->wscale = TCP_WSCALE_ABSENT;
	out->sack_count = 0;
	out->sack_permitted = false;
	out->has_timestamp = false;
	out->ts_value = 0;
	out->ts_echo = 0;
}

/* Every option of RFC 9293, 7323 and 2018; an unknown one, or a known one of another length, is passed over
 * (MUST-6, MUST-7). False: OPTION_BAD was met. MSS 0 counts as absent; a window scale above 14 counts as 14
 * (RFC 7323 2.3). Which of them mean something in this segment is for the connection to know. */
bool tcp_options_decode(const uint8_t *at, uint16_t len, struct tcp_options *out);

/* Padded to whole words; SACK blocks beyond OPTIONS_SIZE_MAX are left out. */
uint16_t tcp_options_size(const struct tcp_options *options);
/* Writes tcp_options_size() bytes and returns that number. */
uint16_t tcp_options_encode(uint8_t *at, const struct tcp_options *options);
