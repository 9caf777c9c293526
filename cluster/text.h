/* cluster/text.h - text of unknown length to where it is wanted, written by one function and never twice in code.
 *
 *     text_count()   nowhere: only len, for replies that must say their length first
 *     text_buffer()  memory of the caller: what fits; len says what was needed
 *     text_reply()   the reply that is being written
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "proto/bus/msg.h"

struct resp_writer;

struct text {
	struct resp_writer *w; /* NULL: to memory, if there is any */
	uint8_t *at, *end;     /* NULL: count only */
	size_t len;            /* bytes put, also those that did not fit */
};

struct text text_count(void);
struct text text_buffer(void *at, size_t size);
struct text text_reply(struct resp_writer *w);

void text_put(struct text *t, const void *bytes, size_t len);
void text_word(struct text *t, const char *word); /* without its zero */
void text_number(struct text *t, uint64_t value);
void text_id(struct text *t, const struct node_id *id);
