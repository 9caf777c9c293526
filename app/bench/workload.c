/* app/bench/workload.c - requests are memcpy of prepared heads, a key and a value; nothing is formatted per request. */
#include "app/bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/number.h"

#define STAMP_SIZE 8 /* of a value: the bytes made from the key */

static const char info[] = "*2\r\n$4\r\nINFO\r\n$4\r\ndpdk\r\n";

/* A permutation of the 64-bit numbers (the finalizer of splitmix64). */
static inline uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

bool
workload_init(struct workload *w, const struct bench_options *o)
{
	static const char hexadecimal[] = "0123456789abcdef";
	*w = (struct workload){
		.keys = o->keys,
		.key_size = o->key_size,
		.value_min = o->value_min,
		.value_span = o->value_max - o->value_min + 1,
		.seed = mix(o->seed),
	};
	w->get_head_len = (uint32_t)snprintf(w->get_head, sizeof(w->get_head),
					     "*2\r\n$3\r\nGET\r\n$%u\r\n", o->key_size);
	w->set_head_len = (uint32_t)snprintf(w->set_head, sizeof(w->set_head),
					     "*3\r\n$3\r\nSET\r\n$%u\r\n", o->key_size);
	w->request_max = w->set_head_len + o->key_size + 3 + NUMBER_SIZE_MAX + 2 + o->value_max + 2;
	if (o->get_share >= 1 && !o->load) /* small requests fit more of a frame */
		w->request_max = w->get_head_len + o->key_size + 2;
	if (w->request_max < sizeof(info))
		w->request_max = sizeof(info);
	w->pattern = malloc(o->value_max);
	if (w->pattern == NULL)
		return false;
	for (uint32_t i = 0; i < o->value_max; i++)
		w->pattern[i] = (uint8_t)('a' + i % 26);
	for (unsigned i = 0; i < 256; i++) {
		w->digits[i][0] = hexadecimal[i >> 4];
		w->digits[i][1] = hexadecimal[i & 15];
	}
	return true;
}

void
workload_free(struct workload *w)
{
	free(w->pattern);
}

uint32_t
workload_value_size(const struct workload *w, uint32_t key)
{
	if (w->value_span == 1)
		return w->value_min;
	return w->value_min + (uint32_t)(mix(key + 0x9e3779b97f4a7c15ull) % w->value_span);
}

static inline uint8_t *
put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *
put_key(const struct workload *w, uint32_t key, uint8_t *at)
{
	uint64_t name = mix(key ^ w->seed);
	for (size_t i = 0; i < sizeof(name); i++) {
		memcpy(at + 2 * i, w->digits[name & 255], 2);
		name >>= 8;
	}
	memset(at + 2 * sizeof(name), '.', w->key_size - 2 * sizeof(name));
	return at + w->key_size;
}

static uint8_t *
put_value(const struct workload *w, uint32_t key, uint8_t *at)
{
	uint32_t size = workload_value_size(w, key);
	uint64_t stamp = mix(key);
	uint32_t head = size < STAMP_SIZE ? size : STAMP_SIZE;
	at = put(at, &stamp, head);
	return put(at, w->pattern + head, size - head);
}

size_t
workload_request(const struct workload *w, enum workload_op op, uint32_t key, uint8_t *at)
{
	uint8_t *start = at;
	char digits[NUMBER_SIZE_MAX];
	switch (op) {
	case WORKLOAD_GET:
		at = put(at, w->get_head, w->get_head_len);
		at = put_key(w, key, at);
		break;
	case WORKLOAD_SET:
		at = put(at, w->set_head, w->set_head_len);
		at = put_key(w, key, at);
		at = put(at, "\r\n$", 3);
		at = put(at, digits, number_format_unsigned(workload_value_size(w, key), digits));
		at = put(at, "\r\n", 2);
		at = put_value(w, key, at);
		break;
	case WORKLOAD_INFO:
		return (size_t)(put(at, info, sizeof(info) - 1) - start);
	}
	return (size_t)(put(at, "\r\n", 2) - start);
}

bool
workload_value_is(const struct workload *w, uint32_t key, uint32_t offset, struct span piece)
{
	if (offset < STAMP_SIZE) {
		uint64_t stamp = mix(key);
		size_t head = STAMP_SIZE - offset < piece.len ? STAMP_SIZE - offset : piece.len;
		if (memcmp(piece.at, (uint8_t *)&stamp + offset, head) != 0)
			return false;
		piece.at += head;
		piece.len -= head;
		offset += (uint32_t)head;
	}
	return piece.len == 0 || memcmp(piece.at, w->pattern + offset, piece.len) == 0;
}
