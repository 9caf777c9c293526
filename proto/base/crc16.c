/* proto/base/crc16.c - eight bytes a step: tables[k][b] is what byte b leaves behind when k more bytes have followed it.
 *
 * The compiler makes the tables (crc_table.h). Rejected: tables filled at start (a mutable global), and carry-less multiplication (keys are short).
 */
#include "proto/base/crc16.h"

#include <string.h>

#include "proto/base/crc_table.h"
#include "proto/base/limits.h"

_Static_assert(SLOT_COUNT == 16384, "a slot is the low 14 bits");

static const uint16_t tables[8][256] = {
	{CRC_TABLE(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188)},
	{CRC_TABLE(0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98)},
	{CRC_TABLE(0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a)},
	{CRC_TABLE(0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38)},
	{CRC_TABLE(0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0)},
	{CRC_TABLE(0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420)},
	{CRC_TABLE(0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9)},
	{CRC_TABLE(0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81)},
};

uint16_t
crc16(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint16_t crc = 0;
	for (; len >= 8; len -= 8, at += 8)
		crc = tables[7][at[0] ^ crc >> 8] ^ tables[6][at[1] ^ (crc & 0xff)] ^
		      tables[5][at[2]] ^ tables[4][at[3]] ^ tables[3][at[4]] ^ tables[2][at[5]] ^
		      tables[1][at[6]] ^ tables[0][at[7]];
	for (; len > 0; len--, at++)
		crc = (uint16_t)(crc << 8 ^ tables[0][crc >> 8 ^ *at]);
	return crc;
}

uint16_t
key_slot(const uint8_t *key, size_t len)
{
	const uint8_t *open = len > 0 ? memchr(key, '{', len) : NULL;
	if (open != NULL) {
		const uint8_t *tag = open + 1;
		const uint8_t *close = memchr(tag, '}', len - (size_t)(tag - key));
		if (close != NULL && close > tag) {
			key = tag;
			len = (size_t)(close - tag);
		}
	}
	return crc16(key, len) % SLOT_COUNT;
}
