/* proto/inet/isn.c - ISN = M + F(local address, local port, remote address, remote port, secret), RFC 6528 3. */
#include "proto/inet/isn.h"

#include "proto/base/bytes.h"
#include "proto/base/siphash.h"

#define ISN_TICK_US 4

/* use: what for, so that one number tells nothing of the other. */
static uint64_t
keyed(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
      uint16_t remote_port, uint8_t use)
{
	uint8_t key[SIPHASH_KEY_SIZE], flow[13];
	store_le64(key, secret[0]);
	store_le64(key + 8, secret[1]);
	store_le32(flow, local);
	store_le16(flow + 4, local_port);
	store_le32(flow + 6, remote);
	store_le16(flow + 10, remote_port);
	flow[12] = use;
	return siphash24(key, flow, sizeof(flow));
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
