/* app/cmd/text.c - one vsnprintf for all who write INFO. */
#include "app/cmd/text.h"

#include <stdarg.h>
#include <stdio.h>

void
text_add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	size_t room = t->size - t->len;
	int n = vsnprintf(t->at + t->len, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		t->len += (size_t)n;
}
