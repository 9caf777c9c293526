/* proto/base/number.c - 64-bit whole numbers as decimal text. */
#include "proto/base/number.h"

#include <string.h>

size_t
number_format(int64_t value, char at[NUMBER_TEXT_MAX])
{
	char digits[NUMBER_TEXT_MAX];
	char *end = digits + sizeof(digits), *to = end;
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do
		*--to = (char)('0' + size % 10);
	while ((size /= 10) > 0);
	if (value < 0)
		*--to = '-';
	memcpy(at, to, (size_t)(end - to));
	return (size_t)(end - to);
}

bool
number_parse(const uint8_t *at, size_t len, int64_t *out)
{
	bool negative = len > 0 && at[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, value = 0;
	size_t i = negative;
	if (len == i || len > NUMBER_TEXT_MAX)
		return false;
	if (at[i] == '0') {
		if (len != 1)
			return false;
		*out = 0;
		return true;
	}
	for (; i < len; i++) {
		uint64_t digit = (uint64_t)at[i] - '0';
		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}
