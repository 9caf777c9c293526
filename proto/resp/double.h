/* proto/resp/double.h - a double as Redis 7.0 replies it: C's "%.17g", byte for byte, without printf and without a locale.
 *
 *     3.14 -> 3.1400000000000001    1e17 -> 1e+17    1e16 -> 10000000000000000    -0.0 -> -0    inf, -inf, nan
 */
#pragma once
#include <stddef.h>

#define DOUBLE_TEXT_MAX 24 /* -1.7976931348623157e+308; no zero at the end */

/* Answers the length. */
size_t double_format(double value, char at[DOUBLE_TEXT_MAX]);
