/* proto/inet/isn.c - ISN = M + F(local address, local port, remote address, remote port, secret), RFC 6528 3. */
#include "proto/inet/isn.h"

#include "proto/base/siphash.h"

#define ISN_TICK_US 4

static uint8_t *
put_le(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
	return at + size;
}

/* use: what for, so that one number tells nothing of the other. */
static uint64_t
keyed(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
      uint16_t remote_port, uint8_t use)
{
	uint8_t key[SIPHASH_KEY_SIZE], flow[13];
	put_le(put_le(key, secret[0], 8), secret[1], 8);
	uint8_t *at = put_le(put_le(flow, local, 4), local_port, 2);
	at = put_le(put_le(at, remote, 4), remote_port, 2);
	*at++ = use;
	return siphash24(key, flow, (size_t)(at - flow));
}

tcp_seq
isn_generate(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
	     uint16_t remote_port, uint64_t now_us)
{
	return (tcp_seq)(now_us / ISN_TICK_US) +
	       (tcp_seq)keyed(secret, local, local_port, remote, remote_port, 'n');
}

uint32_t
isn_ts_offset(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
	      uint16_t remote_port)
{
	return (uint32_t)keyed(secret, local, local_port, remote, remote_port, 't');
}
