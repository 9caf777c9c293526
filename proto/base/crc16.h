/* proto/base/crc16.h - the hash that decides where a key lives (cluster spec, "Key distribution model").
 *
 * CRC16 in its XMODEM form: polynomial 0x1021, start 0, bits not reflected; "123456789" gives 0x31c3.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint16_t crc16(const void *bytes, size_t len);
/* Below SLOT_COUNT. Only what stands between the first '{' and the next '}' counts, if there is something ("Hash tags"). */
uint16_t key_slot(const uint8_t *key, size_t len);
