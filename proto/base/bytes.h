/* proto/base/bytes.h - integers at any alignment: be is the wire's order (most significant byte first), le that of RDB files.
 *
 * No bounds are checked here: the caller has done that, or reads through proto/base/cursor.h.
 */
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint16_t
load_be16(const uint8_t *at)
{
	uint16_t raw;
	memcpy(&raw, at, sizeof(raw));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? raw : __builtin_bswap16(raw);
}

static inline uint32_t
load_be32(const uint8_t *at)
{
	uint32_t raw;
	memcpy(&raw, at, sizeof(raw));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? raw : __builtin_bswap32(raw);
}

static inline uint64_t
load_be64(const uint8_t *at)
{
	return (uint64_t)load_be32(at) << 32 | load_be32(at + 4);
}

static inline void
store_be16(uint8_t *at, uint16_t value)
{
	uint16_t raw = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? value : __builtin_bswap16(value);
	memcpy(at, &raw, sizeof(raw));
}

static inline void
store_be32(uint8_t *at, uint32_t value)
{
	uint32_t raw = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? value : __builtin_bswap32(value);
	memcpy(at, &raw, sizeof(raw));
}

static inline void
store_be64(uint8_t *at, uint64_t value)
{
	store_be32(at, (uint32_t)(value >> 32));
	store_be32(at + 4, (uint32_t)value);
}

static inline uint16_t
load_le16(const uint8_t *at)
{
	return __builtin_bswap16(load_be16(at));
}

static inline uint32_t
load_le32(const uint8_t *at)
{
	return __builtin_bswap32(load_be32(at));
}

static inline uint64_t
load_le64(const uint8_t *at)
{
	uint64_t raw;
	memcpy(&raw, at, sizeof(raw));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? raw : __builtin_bswap64(raw);
}

static inline void
store_le16(uint8_t *at, uint16_t value)
{
	store_be16(at, __builtin_bswap16(value));
}

static inline void
store_le32(uint8_t *at, uint32_t value)
{
	store_be32(at, __builtin_bswap32(value));
}

static inline void
store_le64(uint8_t *at, uint64_t value)
{
	store_le32(at, (uint32_t)value);
	store_le32(at + 4, (uint32_t)(value >> 32));
}
