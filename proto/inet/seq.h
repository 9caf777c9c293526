/* proto/inet/seq.h - sequence numbers, which wrap (RFC 9293 3.4). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint32_t tcp_seq; /* compare with seq_lt() and friends, never with < */

static inline bool
seq_lt(tcp_seq a, tcp_seq b)
{
	return (int32_t)(a - b) < 0;
}
static inline bool
seq_le(tcp_seq a, tcp_seq b)
{
	return (int32_t)(a - b) <= 0;
}
