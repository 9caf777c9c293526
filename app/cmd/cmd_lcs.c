/* app/cmd/cmd_lcs.c - LCS: the longest common subsequence of two strings.
 *
 *     table[i][j] = how long it is for the first i bytes of a and the first j bytes of b
 *
 * The way back from the far corner gives its bytes, last first, and the ranges that match. It is walked as often as needed (count,
 * then write) instead of remembering it.
 */
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/number.h"

struct lcs {
	struct span a, b;
	uint32_t *table; /* (a.len + 1) * (b.len + 1) */
	size_t size;     /* bytes */
	bool length, ranges, with_length;
	int64_t range_min;
};

static uint32_t *
cell(const struct lcs *l, size_t i, size_t j)
{
	return &l->table[i * (l->b.len + 1) + j];
}

static void
fill(struct lcs *l)
{
	for (size_t i = 0; i <= l->a.len; i++)
		for (size_t j = 0; j <= l->b.len; j++) {
			uint32_t best = 0;
			if (i > 0 && j > 0 && l->a.at[i - 1] == l->b.at[j - 1]) {
				best = *cell(l, i - 1, j - 1) + 1;
			} else if (i > 0 && j > 0) {
				uint32_t up = *cell(l, i - 1, j), left = *cell(l, i, j - 1);
				best = up > left ? up : left;
			}
			*cell(l, i, j) = best;
		}
}

struct lcs_walk {
	size_t i, j; /* what is left of a and b */
};

/* The next run of equal bytes on the way back: a[i .. i + run) and b[j .. j + run). 0: none. */
static size_t
next_run(const struct lcs *l, struct lcs_walk *at)
{
	size_t run = 0;
	while (at->i > 0 && at->j > 0) {
		if (l->a.at[at->i - 1] == l->b.at[at->j - 1]) {
			run++;
			at->i--;
			at->j--;
		} else if (run > 0) {
			break;
		} else if (*cell(l, at->i - 1, at->j) > *cell(l, at->i, at->j - 1)) {
			at->i--;
		} else {
			at->j--;
		}
	}
	return run;
}

static void
reply_range(size_t start, size_t run, struct resp_writer *w)
{
	resp_array(w, 2);
	resp_integer(w, (int64_t)start);
	resp_integer(w, (int64_t)(start + run - 1));
}

/* Counts; writes too if w is not NULL. */
static size_t
walk_ranges(const struct lcs *l, struct resp_writer *w)
{
	struct lcs_walk at = {l->a.len, l->b.len};
	size_t count = 0;
	for (size_t run; (run = next_run(l, &at)) > 0;) {
		if ((int64_t)run < l->range_min)
			continue;
		count++;
		if (w == NULL)
			continue;
		resp_array(w, l->with_length ? 3 : 2);
		reply_range(at.i, run, w);
		reply_range(at.j, run, w);
		if (l->with_length)
			resp_integer(w, (int64_t)run);
	}
	return count;
}

static void
reply_subsequence(struct server *server, const struct lcs *l, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	struct lcs_walk at = {l->a.len, l->b.len};
	size_t len = *cell(l, l->a.len, l->b.len), left = len;
	uint8_t *bytes = a->alloc(a, len + 1);
	if (bytes == NULL) {
		reply_out_of_memory(w);
		return;
	}
	for (size_t run; (run = next_run(l, &at)) > 0;) {
		left -= run;
		memcpy(bytes + left, l->a.at + at.i, run);
	}
	resp_bulk(w, (struct span){bytes, len});
	a->release(a, bytes, len + 1);
}

static bool
take_options(struct call *call, struct lcs *l, struct resp_writer *w)
{
	for (uint32_t i = 3; i < call->argc; i++) {
		struct span word = call->argv[i];
		if (span_is(word, "idx")) {
			l->ranges = true;
		} else if (span_is(word, "len")) {
			l->length = true;
		} else if (span_is(word, "withmatchlen")) {
			l->with_length = true;
		} else if (span_is(word, "minmatchlen") && i + 1 < call->argc) {
			if (!take_integer(call->argv[++i], &l->range_min, w))
				return false;
		} else {
			resp_error(w, ERROR_SYNTAX);
			return false;
		}
	}
	if (l->ranges && l->length)
		resp_error(w, "ERR If you want both the length and indexes, please just use IDX.");
	return !l->ranges || !l->length;
}

/* False: the error has been written. */
static bool
take_table(struct server *server, struct lcs *l, struct resp_writer *w)
{
	struct allocator *a = server->allocator;
	size_t cells;
	if (__builtin_mul_overflow(l->a.len + 1, l->b.len + 1, &cells) ||
	    __builtin_mul_overflow(cells, sizeof(*l->table), &l->size) ||
	    l->size > server->config.proto_max_bulk_len) {
		resp_error(w, "ERR Insufficient memory, transient memory for LCS exceeds "
			      "proto-max-bulk-len");
		return false;
	}
	l->table = a->alloc(a, l->size);
	if (l->table == NULL)
		resp_error(w, "ERR Insufficient memory, failed allocating transient memory for "
			      "LCS");
	return l->table != NULL;
}

void
cmd_lcs(struct server *server, struct call *call, struct resp_writer *w)
{
	struct lcs l = {.range_min = 0};
	const struct entry *a = find_first_key(server, call);
	l.a = a != NULL ? entry_value(a) : SPAN("");
	const struct entry *b = find_key(server, call->argv[2]);
	l.b = b != NULL ? entry_value(b) : SPAN("");
	if (!take_options(call, &l, w) || !take_table(server, &l, w))
		return;
	fill(&l);
	if (l.ranges) {
		resp_map(w, 2);
		resp_bulk_text(w, "matches");
		resp_array(w, walk_ranges(&l, NULL));
		walk_ranges(&l, w);
		resp_bulk_text(w, "len");
		resp_integer(w, *cell(&l, l.a.len, l.b.len));
	} else if (l.length) {
		resp_integer(w, *cell(&l, l.a.len, l.b.len));
	} else {
		reply_subsequence(server, &l, w);
	}
	server->allocator->release(server->allocator, l.table, l.size);
}
