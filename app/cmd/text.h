/* app/cmd/text.h - a text that grows line by line in memory of fixed size: INFO's sections, here and in the layers above.
 *
 * A piece that does not fit is left out whole: what was written stays well-formed.
 */
#pragma once
#include <stddef.h>

struct text {
	char *at;
	size_t size, len;
};

void __attribute__((format(printf, 2, 3))) text_add(struct text *t, const char *format, ...);
