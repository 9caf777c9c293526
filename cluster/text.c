/* cluster/text.c - where a piece of text goes. */
#include "cluster/text.h"

#include <string.h>

#include "proto/base/number.h"
#include "proto/resp/writer.h"

struct text
text_count(void)
{
	return (struct text){0};
}

struct text
text_buffer(void *at, size_t size)
{
	return (struct text){.at = at, .end = (uint8_t *)at + size};
}

struct text
text_reply(struct resp_writer *w)
{
	return (struct text){.w = w};
}

void
text_put(struct text *t, const void *bytes, size_t len)
{
	t->len += len;
	if (t->w != NULL) {
		resp_raw(t->w, (struct span){bytes, len});
		return;
	}
	size_t room = (size_t)(t->end - t->at);
	size_t fits = len < room ? len : room;
	if (fits == 0)
		return;
	memcpy(t->at, bytes, fits);
	t->at += fits;
}

void
text_word(struct text *t, const char *word)
{
	text_put(t, word, strlen(word));
}

void
text_number(struct text *t, uint64_t value)
{
	char digits[NUMBER_SIZE_MAX];
	text_put(t, digits, number_format_unsigned(value, digits));
}

void
text_id(struct text *t, const struct node_id *id)
{
	text_put(t, id->bytes, sizeof(id->bytes));
}
