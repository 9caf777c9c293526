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

tcp_seq
isn_generate(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
	     uint16_t remote_port, uint64_t now_us)
{
	uint8_t key[SIPHASH_KEY_SIZE], flow[12];
	put_le(put_le(key, secret[0], 8), secret[1], 8);
	uint8_t *at = put_le(put_le(flow, local, 4), local_port, 2);
	at = put_le(put_le(at, remote, 4), remote_port, 2);
	return (tcp_seq)(now_us / ISN_TICK_US) + (tcp_seq)siphash24(key, flow, (size_t)(at - flow));
}
