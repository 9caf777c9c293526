/* proto/base/number.h - 64-bit whole numbers as decimal text, strictly: one text per number, as Redis wants them on the wire.
 *
 *     taken:   0  7  -12  9223372036854775807        refused:  +7  07  -0  " 7"  7.0  (empty)  9223372036854775808
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX 20 /* -9223372036854775808; no zero at the end */

/* Answers the length. */
size_t number_format(int64_t value, char at[NUMBER_TEXT_MAX]);
/* False: not exactly what number_format() writes for some value; *out is then unchanged. */
bool number_parse(const uint8_t *at, size_t len, int64_t *out);
