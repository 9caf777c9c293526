/* proto/base/sha1.h - SHA-1 (FIPS 180-4), for DEBUG DIGEST only: two nodes with the same keys must name the same number.
 *
 * Not a secret's friend: SHA-1 is broken where somebody looks for collisions.
 */
#pragma once
#include <stdint.h>

#include "proto/base/span.h"

#define SHA1_SIZE 20u

void sha1(struct span bytes, uint8_t out[SHA1_SIZE]);
