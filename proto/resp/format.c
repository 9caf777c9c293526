/* proto/resp/format.c - see format.h. */
#include "proto/resp/format.h"

#include <stdint.h>

#include "proto/base/assert.h"
#include "proto/base/number.h"

/* The analyzer cannot see that the caller of format_begin() has started the list. */
/* NOLINTBEGIN(clang-analyzer-valist.Uninitialized) */

enum width { WIDTH_INT, WIDTH_LONG, WIDTH_LONG_LONG, WIDTH_SIZE };

static struct span
format_signed(struct format *f, enum width width)
{
	int64_t value = width == WIDTH_INT         ? va_arg(*f->args, int)
			: width == WIDTH_LONG      ? va_arg(*f->args, long)
			: width == WIDTH_LONG_LONG ? va_arg(*f->args, long long)
						   : va_arg(*f->args, ptrdiff_t);
	return (struct span){(const uint8_t *)f->scratch, number_format(value, f->scratch)};
}

static struct span
format_unsigned(struct format *f, enum width width)
{
	uint64_t value = width == WIDTH_INT         ? va_arg(*f->args, unsigned int)
			 : width == WIDTH_LONG      ? va_arg(*f->args, unsigned long)
			 : width == WIDTH_LONG_LONG ? va_arg(*f->args, unsigned long long)
						    : va_arg(*f->args, size_t);
	char *end = f->scratch + sizeof(f->scratch), *at = end;
	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return (struct span){(const uint8_t *)at, (size_t)(end - at)};
}

/* max < 0: to the end of the string. */
static struct span
format_string(struct format *f, int max)
{
	const char *text = va_arg(*f->args, const char *);
	size_t len = max < 0 ? strlen(text) : strnlen(text, (size_t)max);
	return (struct span){(const uint8_t *)text, len};
}

/* ".N" or ".*", if there is one; -1: none. */
static int
read_precision(struct format *f)
{
	int max = 0;
	if (*f->at != '.')
		return -1;
	f->at++;
	if (*f->at == '*') {
		f->at++;
		return va_arg(*f->args, int);
	}
	for (; *f->at >= '0' && *f->at <= '9'; f->at++)
		max = max * 10 + (*f->at - '0');
	return max;
}

static enum width
read_width(struct format *f)
{
	if (*f->at == 'z') {
		f->at++;
		return WIDTH_SIZE;
	}
	if (*f->at != 'l')
		return WIDTH_INT;
	f->at++;
	if (*f->at != 'l')
		return WIDTH_LONG;
	f->at++;
	return WIDTH_LONG_LONG;
}

static struct span
format_conversion(struct format *f)
{
	int max = read_precision(f);
	enum width width = read_width(f);
	char conversion = *f->at++;
	if (conversion == 's' && width == WIDTH_INT)
		return format_string(f, max);
	ASSERT(max < 0);
	if (conversion == 'd')
		return format_signed(f, width);
	if (conversion == 'u')
		return format_unsigned(f, width);
	ASSERT(width == WIDTH_INT);
	ASSERT(conversion == 'c' || conversion == '%');
	f->scratch[0] = (char)(conversion == 'c' ? va_arg(*f->args, int) : '%');
	return (struct span){(const uint8_t *)f->scratch, 1};
}

/* NOLINTEND(clang-analyzer-valist.Uninitialized) */

void
format_begin(struct format *f, const char *text, va_list *args)
{
	f->at = text;
	f->args = args;
}

bool
format_next(struct format *f, struct span *piece)
{
	if (*f->at == '\0')
		return false;
	if (*f->at == '%') {
		f->at++;
		*piece = format_conversion(f);
		return true;
	}
	size_t len = strcspn(f->at, "%");
	*piece = (struct span){(const uint8_t *)f->at, len};
	f->at += len;
	return true;
}
