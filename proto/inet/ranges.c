/* proto/inet/ranges.c - linear search, because the list is four cache lines at most; a tree would cost more than it saves
 * and would need memory. The number of runs is what a peer can make us walk (spec 6, 18). */
#include "proto/inet/ranges.h"

#include "proto/base/assert.h"

static void
remove_at(struct ranges *ranges, unsigned index)
{
	ranges->count--;
	for (unsigned i = index; i < ranges->count; i++)
		ranges->at[i] = ranges->at[i + 1];
}

static void
insert_at(struct ranges *ranges, unsigned index, struct range run)
{
	DASSERT(ranges->count < RANGES_MAX);
	for (unsigned i = ranges->count; i > index; i--)
		ranges->at[i] = ranges->at[i - 1];
	ranges->at[index] = run;
	ranges->count++;
}

enum ranges_answer
ranges_add(struct ranges *ranges, struct range *run, unsigned count_max)
{
	DASSERT(seq_lt(run->left, run->right));
	unsigned i = 0;
	while (i < ranges->count && seq_lt(ranges->at[i].right, run->left))
		i++;
	/* at[i] is the first that ends at or behind run's beginning: it may cover its front. */
	if (i < ranges->count && seq_le(ranges->at[i].left, run->left)) {
		if (seq_le(run->right, ranges->at[i].right))
			return RANGES_COVERED;
		run->left = ranges->at[i].right;
		unsigned next = i + 1;
		if (next < ranges->count && seq_le(ranges->at[next].left, run->right)) {
			run->right = ranges->at[next].left;
			ranges->at[i].right = ranges->at[next].right;
			remove_at(ranges, next);
		} else {
			ranges->at[i].right = run->right;
		}
		return RANGES_ADDED;
	}
	if (i < ranges->count && seq_le(ranges->at[i].left, run->right)) {
		run->right = ranges->at[i].left;
		ranges->at[i].left = run->left;
		return RANGES_ADDED;
	}
	if (ranges->count >= count_max || ranges->count >= RANGES_MAX)
		return RANGES_FULL;
	insert_at(ranges, i, *run);
	return RANGES_ADDED;
}

uint32_t
ranges_take(struct ranges *ranges, tcp_seq from)
{
	if (ranges->count == 0 || ranges->at[0].left != from)
		return 0;
	uint32_t len = ranges->at[0].right - from;
	remove_at(ranges, 0);
	return len;
}

void
ranges_check(const struct ranges *ranges, tcp_seq after, tcp_seq end)
{
	ASSERT(ranges->count <= RANGES_MAX);
	for (unsigned i = 0; i < ranges->count; i++) {
		ASSERT(seq_lt(after, ranges->at[i].left));
		ASSERT(seq_lt(ranges->at[i].left, ranges->at[i].right));
		after = ranges->at[i].right;
	}
	ASSERT(ranges->count == 0 || seq_le(after, end));
}
