/* app/env/secret.c - getrandom(2) until the whole of it is there. */
#include "app/env/secret.h"

#include <errno.h>
#include <sys/random.h>

int
secret_fill(void *at, size_t size)
{
	ssize_t n = getrandom(at, size, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}
