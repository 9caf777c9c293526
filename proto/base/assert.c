/* proto/base/assert.c - the end of a run whose own rules were broken. */
#include "proto/base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
say(const char *text)
{
	/* write(2): nothing is buffered, nothing allocated, whatever state the process is in. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

_Noreturn void
assert_failed(const char *file, int line, const char *function, const char *expression)
{
	char digits[12];
	char *at = &digits[sizeof(digits) - 1];
	*at = '\0';
	do {
		*--at = (char)('0' + line % 10);
		line /= 10;
	} while (line > 0 && at > digits);
	say(file);
	say(":");
	say(at);
	say(": ");
	say(function);
	say(": assertion failed: ");
	say(expression);
	say("\n");
	abort();
}
