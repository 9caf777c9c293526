/* proto/base/sha256.h - SHA-256 (FIPS 180-4), as ACL LIST shows passwords. */
#pragma once
#include <stdint.h>

#include "proto/base/span.h"

#define SHA256_SIZE 32u

void sha256(struct span bytes, uint8_t out[SHA256_SIZE]);
