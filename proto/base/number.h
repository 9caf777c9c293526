/* proto/base/number.h - integers as decimal text, the only way Redis writes and accepts them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_SIZE_MAX 20 /* "-9223372036854775808" */

/* No terminating zero; answers how many bytes were written, 1 to NUMBER_SIZE_MAX. */
size_t number_format(int64_t value, char at[NUMBER_SIZE_MAX]);
size_t number_format_unsigned(uint64_t value, char at[NUMBER_SIZE_MAX]);

/* True only for what number_format() can have written: no sign but a minus, no space, no leading zero, no "-0", no
 * overflow. *out is untouched otherwise. */
bool number_parse(const uint8_t *at, size_t len, int64_t *out);
