/* proto/base/crc_table.h - tables of 256 remainders, made by the compiler. For crc16.c and crc64.c only.
 *
 * A CRC is linear: an entry is the sum (xor) of what the single bits of its index leave behind. So eight numbers, for the indexes
 * 1, 2, 4 ... 128, are a whole table.
 */
#pragma once

#define CRC_BIT(i, n, value) ((i) >> (n)&1 ? (value) : 0)
#define CRC_ENTRY(i, a, b, c, d, e, f, g, h)                                                       \
	(CRC_BIT(i, 0, a) ^ CRC_BIT(i, 1, b) ^ CRC_BIT(i, 2, c) ^ CRC_BIT(i, 3, d) ^               \
	 CRC_BIT(i, 4, e) ^ CRC_BIT(i, 5, f) ^ CRC_BIT(i, 6, g) ^ CRC_BIT(i, 7, h))
#define CRC_ENTRIES4(i, ...)                                                                       \
	CRC_ENTRY((i), __VA_ARGS__), CRC_ENTRY((i) + 1, __VA_ARGS__),                              \
		CRC_ENTRY((i) + 2, __VA_ARGS__), CRC_ENTRY((i) + 3, __VA_ARGS__)
#define CRC_ENTRIES16(i, ...)                                                                      \
	CRC_ENTRIES4((i), __VA_ARGS__), CRC_ENTRIES4((i) + 4, __VA_ARGS__),                        \
		CRC_ENTRIES4((i) + 8, __VA_ARGS__), CRC_ENTRIES4((i) + 12, __VA_ARGS__)
#define CRC_ENTRIES64(i, ...)                                                                      \
	CRC_ENTRIES16((i), __VA_ARGS__), CRC_ENTRIES16((i) + 16, __VA_ARGS__),                     \
		CRC_ENTRIES16((i) + 32, __VA_ARGS__), CRC_ENTRIES16((i) + 48, __VA_ARGS__)
#define CRC_TABLE(...)                                                                             \
	CRC_ENTRIES64(0, __VA_ARGS__), CRC_ENTRIES64(64, __VA_ARGS__),                             \
		CRC_ENTRIES64(128, __VA_ARGS__), CRC_ENTRIES64(192, __VA_ARGS__)
