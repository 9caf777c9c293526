/* tests/unit/cluster/reply.h - a view in memory of its own and a reply as a string, for tests of text. */
#pragma once
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/view.h"
#include "proto/resp/writer.h"

#define REPLY_SIZE (1024ul * 1024)

struct reply {
	struct resp_writer w; /* first: the sink finds the rest behind it */
	uint8_t bytes[REPLY_SIZE];
};

static inline bool
reply_room(struct resp_writer *w, size_t need)
{
	return (size_t)(w->end - w->at) >= need;
}

static inline void
reply_begin(struct reply *r, uint8_t protocol)
{
	static const struct resp_sink sink = {.room = reply_room};
	r->w = (struct resp_writer){.at = r->bytes,
				    .end = r->bytes + REPLY_SIZE - 1,
				    .sink = &sink,
				    .protocol = protocol};
}

/* With its zero. */
static inline const char *
reply_text(struct reply *r)
{
	ck_assert(!r->w.failed);
	*r->w.at = '\0';
	return (const char *)r->bytes;
}

static inline struct cluster *
view_new(uint32_t nodes_max, const struct cluster_config *config)
{
	void *mem = malloc(cluster_size(nodes_max));
	ck_assert_ptr_nonnull(mem);
	return cluster_format(mem, nodes_max, config, 1, 1000);
}

/* "a" becomes an id of forty of them. */
static inline struct node_id
id_of(char c)
{
	struct node_id id;
	memset(id.bytes, c, sizeof(id.bytes));
	return id;
}

static inline struct span
span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}
