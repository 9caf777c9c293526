/* proto/resp/double.c - seventeen correctly rounded digits of a double.
 *
 * A double is m * 2^e. For e < 0 that is m * 5^-e / 10^-e, so its decimal digits are those of one integer in both cases,
 * at most 767 of them, and rounding half to even at the seventeenth is exact because all that follow are known. The usual
 * fast methods (Ryu, Grisu) are for the shortest text that reads back; Redis 7.0 does not print that one. Scores that
 * are whole numbers never come this far.
 */
#include "proto/resp/double.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/base/number.h"

#define PRECISION 17
#define FIXED_EXPONENT_MIN                                                                         \
	(-4) /* %g writes smaller ones, and those from PRECISION on, as d.ddde+xx */
#define MANTISSA_BITS      52
#define EXPONENT_BIAS      1075               /* of the mantissa taken as a whole number */
#define WHOLE_MAX          9007199254740992.0 /* 2^53 */
#define LARGE_WORDS        80                 /* 2^53 * 5^1074 has 2547 bits */
#define DECIMAL_DIGITS_MAX 768
#define CHUNK              1000000000u /* the decimal digits are taken out nine by nine */
#define CHUNK_DIGITS       9
#define FIVE_STEP          1220703125u /* 5^13 */
#define FIVE_STEP_EXPONENT 13

struct large { /* a whole number, lowest word first; the highest one is not zero */
	uint32_t words[LARGE_WORDS];
	uint32_t count;
};

struct decimal { /* d.dddd * 10^exponent */
	char digits[PRECISION];
	uint32_t count; /* without zeros at the end; at least 1 */
	int exponent;
};

static void
large_multiply(struct large *n, uint32_t factor)
{
	uint64_t carry = 0;
	for (uint32_t i = 0; i < n->count; i++) {
		carry += (uint64_t)n->words[i] * factor;
		n->words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry > 0) {
		ASSERT(n->count < LARGE_WORDS);
		n->words[n->count++] = (uint32_t)carry;
	}
}

/* Answers the remainder. */
static uint32_t
large_divide(struct large *n, uint32_t divisor)
{
	uint64_t rest = 0;
	for (uint32_t i = n->count; i-- > 0;) {
		rest = rest << 32 | n->words[i];
		n->words[i] = (uint32_t)(rest / divisor);
		rest %= divisor;
	}
	while (n->count > 0 && n->words[n->count - 1] == 0)
		n->count--;
	return (uint32_t)rest;
}

/* mantissa > 0; the answer's digits, with the decimal point moved to their end, are those of mantissa * 2^exponent. */
static void
large_from(struct large *n, uint64_t mantissa, int exponent)
{
	n->words[0] = (uint32_t)mantissa;
	n->words[1] = (uint32_t)(mantissa >> 32);
	n->count = n->words[1] != 0 ? 2 : 1;
	for (; exponent >= 31; exponent -= 31)
		large_multiply(n, 1u << 31);
	if (exponent > 0)
		large_multiply(n, 1u << exponent);
	for (; exponent <= -FIVE_STEP_EXPONENT; exponent += FIVE_STEP_EXPONENT)
		large_multiply(n, FIVE_STEP);
	for (; exponent < 0; exponent++)
		large_multiply(n, 5);
}

/* All digits, highest first, without leading zeros. Answers how many. */
static size_t
large_digits(struct large *n, char digits[DECIMAL_DIGITS_MAX])
{
	char *at = digits + DECIMAL_DIGITS_MAX;
	while (n->count > 0) {
		uint32_t chunk = large_divide(n, CHUNK);
		for (int i = 0; i < CHUNK_DIGITS && (chunk > 0 || n->count > 0); i++) {
			ASSERT(at > digits);
			*--at = (char)('0' + chunk % 10);
			chunk /= 10;
		}
	}
	size_t count = (size_t)(digits + DECIMAL_DIGITS_MAX - at);
	memmove(digits, at, count);
	return count;
}

static bool
rounds_up(const char *digits, size_t count)
{
	if (count <= PRECISION || digits[PRECISION] < '5')
		return false;
	if (digits[PRECISION] > '5')
		return true;
	for (size_t i = PRECISION + 1; i < count; i++)
		if (digits[i] != '0')
			return true;
	return (digits[PRECISION - 1] - '0') % 2 == 1; /* half: to even */
}

/* value is finite and above zero. */
static void
decimal_from(struct decimal *d, uint64_t mantissa, int exponent)
{
	struct large n;
	char digits[DECIMAL_DIGITS_MAX];
	while (mantissa % 2 == 0) { /* keeps the large number small for values like 2.5 */
		mantissa /= 2;
		exponent++;
	}
	large_from(&n, mantissa, exponent);
	size_t count = large_digits(&n, digits);
	d->exponent = (int)count - 1 + (exponent < 0 ? exponent : 0);
	d->count = count < PRECISION ? (uint32_t)count : PRECISION;
	memcpy(d->digits, digits, d->count);
	if (rounds_up(digits, count)) {
		while (d->count > 0 && d->digits[d->count - 1] == '9')
			d->count--;
		if (d->count == 0) {
			d->digits[d->count++] = '0';
			d->exponent++;
		}
		d->digits[d->count - 1] = (char)(d->digits[d->count - 1] + 1);
	}
	while (d->count > 1 && d->digits[d->count - 1] == '0')
		d->count--;
}

/* Copies digits with a point after the first whole of them. Answers the end. */
static char *
write_digits(const struct decimal *d, uint32_t whole, char *to)
{
	for (uint32_t i = 0; i < whole || i < d->count; i++) {
		if (i == whole)
			*to++ = '.';
		*to++ = (char)(i < d->count ? d->digits[i] : '0');
	}
	return to;
}

static char *
write_exponent(int exponent, char *to)
{
	*to++ = 'e';
	*to++ = exponent < 0 ? '-' : '+';
	int size = exponent < 0 ? -exponent : exponent;
	if (size >= 100)
		*to++ = (char)('0' + size / 100);
	*to++ = (char)('0' + size / 10 % 10);
	*to++ = (char)('0' + size % 10);
	return to;
}

static char *
decimal_write(const struct decimal *d, char *to)
{
	if (d->exponent < FIXED_EXPONENT_MIN || d->exponent >= PRECISION)
		return write_exponent(d->exponent, write_digits(d, 1, to));
	if (d->exponent >= 0)
		return write_digits(d, (uint32_t)d->exponent + 1, to);
	*to++ = '0';
	*to++ = '.';
	for (int i = -1; i > d->exponent; i--)
		*to++ = '0';
	memcpy(to, d->digits, d->count);
	return to + d->count;
}

/* Answers the end; there is no zero. */
static char *
write_word(char *to, const char *word)
{
	while (*word != '\0')
		*to++ = *word++;
	return to;
}

size_t
double_format(double value, char at[DOUBLE_TEXT_MAX])
{
	uint64_t bits;
	char *to = at;
	memcpy(&bits, &value, sizeof(bits));
	uint64_t mantissa = bits & ((1ull << MANTISSA_BITS) - 1);
	int biased = (int)(bits >> MANTISSA_BITS & 0x7ff);
	if (biased == 0x7ff && mantissa != 0) {
		return (size_t)(write_word(at, "nan") - at);
	}
	if (bits >> 63 != 0)
		*to++ = '-';
	if (biased == 0x7ff) {
		return (size_t)(write_word(to, "inf") - at);
	}
	double size = value < 0 ? -value : value;
	if (size < WHOLE_MAX && size == (double)(int64_t)size) /* zero, too: the sign is written */
		return (size_t)(to - at) + number_format((int64_t)size, to);
	struct decimal d;
	if (biased == 0)
		decimal_from(&d, mantissa, 1 - EXPONENT_BIAS);
	else
		decimal_from(&d, mantissa | 1ull << MANTISSA_BITS, biased - EXPONENT_BIAS);
	return (size_t)(decimal_write(&d, to) - at);
}
