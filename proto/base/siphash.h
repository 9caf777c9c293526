/* proto/base/siphash.h - a keyed hash that a peer without the key cannot steer (SipHash-2-4, Aumasson and Bernstein).
 *
 * For initial sequence numbers and whatever else must not be guessed; too slow for hashing keys of the store.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash24(const uint8_t key[SIPHASH_KEY_SIZE], const void *data, size_t len);
