/* proto/base/number.c - two digits per division, from the end; one pass with two overflow checks at the last digit. */
#include "proto/base/number.h"

#include <string.h>

static const char pairs[] = "00010203040506070809"
			    "10111213141516171819"
			    "20212223242526272829"
			    "30313233343536373839"
			    "40414243444546474849"
			    "50515253545556575859"
			    "60616263646566676869"
			    "70717273747576777879"
			    "80818283848586878889"
			    "90919293949596979899";

static unsigned
digits_of(uint64_t value)
{
	unsigned digits = 1;
	for (; value >= 10000; value /= 10000)
		digits += 4;
	return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

static size_t
put_digits(uint64_t value, char *at)
{
	unsigned size = digits_of(value);
	char *end = at + size;
	while (value >= 100) {
		end -= 2;
		memcpy(end, &pairs[value % 100 * 2], 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(end - 2, &pairs[value * 2], 2);
	else
		end[-1] = (char)('0' + value);
	return size;
}

size_t
number_format_unsigned(uint64_t value, char at[NUMBER_SIZE_MAX])
{
	return put_digits(value, at);
}

size_t
number_format(int64_t value, char at[NUMBER_SIZE_MAX])
{
	if (value >= 0)
		return put_digits((uint64_t)value, at);
	at[0] = '-';
	return 1 + put_digits(0 - (uint64_t)value, at + 1);
}

/* Up to 20 digits, the first not 0. */
static bool
parse_magnitude(const uint8_t *at, size_t len, uint64_t *out)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)at[i] - '0';
		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool
number_parse(const uint8_t *at, size_t len, int64_t *out)
{
	if (len == 1 && at[0] == '0') {
		*out = 0;
		return true;
	}
	if (len == 0 || len > NUMBER_SIZE_MAX)
		return false;
	bool negative = at[0] == '-';
	at += negative;
	len -= negative;
	uint64_t magnitude;
	uint64_t most = (uint64_t)INT64_MAX + negative;
	if (len == 0 || at[0] == '0' || !parse_magnitude(at, len, &magnitude) || magnitude > most)
		return false;
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}
