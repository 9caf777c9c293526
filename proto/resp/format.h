/* proto/resp/format.h - a printf format taken apart into pieces, for error texts of any length without a buffer.
 *
 *     "no such user '%s' (%d)"  -->  "no such user '"  "ann"  "' ("  "7"  ")"
 *
 * It knows %s %.Ns %.*s %c %d %u, the last two also with l, ll and z, and %%. No width, no flags. Any other conversion
 * is a bug of the caller and aborts.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

#include "proto/base/span.h"

struct format {
	const char *at;   /* what is left of the format */
	char scratch[20]; /* the piece last answered, if it was made here */
	va_list *args;
};

/* args: started by the caller, who ends it when done. */
void format_begin(struct format *f, const char *text, va_list *args);
/* False: that was all. The piece is valid until the next call; it may be empty. */
bool format_next(struct format *f, struct span *piece);
