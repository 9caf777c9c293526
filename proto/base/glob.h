/* proto/base/glob.h - patterns of KEYS, SCAN, CONFIG GET, PSUBSCRIBE.
 *
 *     *  any bytes, none too        [abc] [a-z] [^x]  one byte of a set, or not of it
 *     ?  one byte                   \x                x itself, in a set too
 *
 * As Redis does: a set that is not closed ends with the pattern; a range may be written backwards; an escaped
 * byte in a set is compared as it is even without case; an empty text matches only an empty pattern ("*"
 * alone is all keys to KEYS and SCAN, which do not ask here).
 */
#pragma once
#include <stdbool.h>

#include "proto/base/span.h"

/* At most pattern.len * text.len steps, whatever the pattern. nocase: ASCII letters only. */
bool glob_match(struct span pattern, struct span text, bool nocase);
