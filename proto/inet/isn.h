/* proto/inet/isn.h - initial sequence numbers that a stranger cannot guess (RFC 6528).
 *
 * A clock of 4 us plus a keyed hash of the connection's four numbers: numbers of one connection's
 * successive lives rise, numbers of different connections tell nothing about each other.
 */
#pragma once
#include <stdint.h>

#include "proto/inet/tcp.h"

/* Addresses and ports in host order. secret: 128 bits from the operating system, drawn at start. */
tcp_seq isn_generate(const uint64_t secret[2], uint32_t local, uint16_t local_port, uint32_t remote,
		     uint16_t remote_port, uint64_t now_us);
/* Where this connection's timestamps begin (RFC 7323 5.4): the same for each of its lives, and no clue to any other. */
uint32_t isn_ts_offset(const uint64_t secret[2], uint32_t local, uint16_t local_port,
		       uint32_t remote, uint16_t remote_port);
