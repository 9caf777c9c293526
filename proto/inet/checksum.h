/* proto/inet/checksum.h - the Internet checksum (RFC 1071): a one's complement sum of 16-bit words.
 *
 *     sum = checksum_pseudo(...)          0 where there is no pseudo-header
 *     sum = checksum_add(sum, at, len)    any number of pieces
 *     checksum_store(field, sum)          or checksum_holds(sum), with the field summed as it came
 *
 * A running sum counts words in memory order, so that it needs no byte swap (RFC 1071 2 (B)). Every piece but the last has an
 * even length.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len);
/* The IPv4 pseudo-header of TCP and UDP (RFC 9293 3.1); arguments in host order. */
uint64_t checksum_pseudo(uint32_t source, uint32_t destination, uint8_t protocol, uint16_t len);

static inline uint16_t
checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* All bytes, checksum field included, add up to minus zero. */
static inline bool
checksum_holds(uint64_t sum)
{
	return checksum_fold(sum) == 0xffff;
}

/* Write the checksum of what was summed while the field was zero. */
static inline void
checksum_store(uint8_t *field, uint64_t sum)
{
	uint16_t raw = (uint16_t)~checksum_fold(sum);
	memcpy(field, &raw, sizeof(raw));
}

/* The folded sum itself: what a device that completes checksums wants to find of the pseudo-header. */
static inline void
checksum_store_raw(uint8_t *field, uint64_t sum)
{
	uint16_t raw = checksum_fold(sum);
	memcpy(field, &raw, sizeof(raw));
}
