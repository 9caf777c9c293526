/* proto/base/crc64.h - the checksum of RDB files and of DUMP payloads.
 *
 * CRC-64 with the polynomial of D. Jones, 0xad93d23594c935a9, bits reflected, start and end without inversion;
 * "123456789" gives 0xe9c6d914c4b8d9ca.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The checksum of what gave crc, followed by these bytes. It begins with 0. */
uint64_t crc64(uint64_t crc, const void *bytes, size_t len);
