/* app/env/secret.h - random bytes from the kernel, for keys of hashes and sequence numbers. Start-up only. */
#pragma once
#include <stddef.h>

/* 0 or negative errno. */
int secret_fill(void *at, size_t size);
