/* tests/unit/app/store/keys.h - keys by number: even ones share a slot by a hash tag, the others are spread. */
#pragma once
#include <stdio.h>

#include "app/store/keyspace.h"

#define NAME_SIZE 24

/* name: where key's bytes stay. */
static inline void
key_for(const struct keyspace *keys, uint32_t n, struct key *key, char name[NAME_SIZE])
{
	int len = snprintf(name, NAME_SIZE, n % 2 == 0 ? "{one}:%u" : "key:%u", n);
	keyspace_key(keys, (struct span){(const uint8_t *)name, (size_t)len}, key);
}

static inline uint32_t
number_of(const struct entry *e)
{
	struct span key = entry_key(e);
	uint32_t n = 0;
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] >= '0' && key.at[i] <= '9')
			n = n * 10 + key.at[i] - '0';
	return n;
}
