/* proto/inet/tcp_side.c - the pool of sides, and the receiver's half of SACK: what we hold ahead of its turn is told with every ACK
 * (RFC 2018 4), what came twice once (RFC 2883 4). */
#include "proto/inet/tcp_side.h"

#include "proto/base/assert.h"
#include "proto/inet/tcp_internal.h"

#define SACK_HEAD_SIZE  4
#define SACK_BLOCK_SIZE 8

void
tcp_side_pool_init(struct tcp_side_pool *pool, struct tcp_side *sides, uint32_t count)
{
	*pool = (struct tcp_side_pool){.count = count, .free_count = count};
	for (uint32_t i = count; i > 0; i--) {
		sides[i - 1].next_free = pool->free;
		pool->free = &sides[i - 1];
	}
}

struct tcp_side *
tcp_side_need(struct tcp *t)
{
	struct tcp_side_pool *pool = t->config->sides;
	if (t->side != NULL || pool == NULL)
		return t->side;
	struct tcp_side *side = pool->free;
	if (side == NULL) {
		pool->refused++;
		return NULL;
	}
	pool->free = side->next_free;
	pool->free_count--;
	side->board.count = 0;
	side->rto_at_us = side->reorder_at_us = TCP_NEVER;
	side->ooo.count = 0;
	side->again = (struct range){0, 0};
	side->recent_count = 0;
	t->side = side;
	return side;
}

void
tcp_side_drop(struct tcp *t)
{
	struct tcp_side *side = t->side;
	if (side == NULL)
		return;
	struct tcp_side_pool *pool = t->config->sides;
	side->next_free = pool->free;
	pool->free = side;
	pool->free_count++;
	t->side = NULL;
}

void
tcp_side_settle(struct tcp *t)
{
	const struct tcp_side *side = t->side;
	if (side != NULL && side->board.count == 0 && side->ooo.count == 0 &&
	    side->again.left == side->again.right)
		tcp_side_drop(t);
}

void
tcp_note_again(struct tcp *t, tcp_seq left, tcp_seq right)
{
	if ((t->marks & TCP_MARK_SACK) == 0 || t->state == TCP_TIME_WAIT || !seq_lt(left, right))
		return;
	struct tcp_side *side = tcp_side_need(t);
	if (side != NULL)
		side->again = (struct range){left, right};
}

void
tcp_note_recent(struct tcp *t, tcp_seq seq)
{
	struct tcp_side *side = t->side;
	unsigned last =
		side->recent_count < TCP_SACK_RECENT ? side->recent_count++ : TCP_SACK_RECENT - 1;
	for (; last > 0; last--)
		side->recent[last] = side->recent[last - 1];
	side->recent[0] = seq;
}

/* A run is told once, however often it is found. */
static void
add_block(struct tcp_options *options, unsigned first, unsigned max, struct range run)
{
	for (unsigned i = first; i < options->sack_count; i++)
		if (options->sack[i].left == run.left)
			return;
	if (options->sack_count >= max)
		return;
	options->sack[options->sack_count].left = run.left;
	options->sack[options->sack_count].right = run.right;
	options->sack_count++;
}

static unsigned
blocks_max(const struct tcp *t)
{
	return t->marks & TCP_MARK_TIMESTAMPS ? TCP_SACK_BLOCKS_MAX - 1 : TCP_SACK_BLOCKS_MAX;
}

void
tcp_sack_fill(const struct tcp *t, struct tcp_options *options)
{
	const struct tcp_side *side = t->side;
	unsigned max = blocks_max(t), first = 0;
	options->sack_count = 0;
	if (side->again.left != side->again.right) {
		add_block(options, 0, max, side->again);
		first = 1; /* the run around it is told as well */
	}
	for (unsigned r = 0; r < side->recent_count; r++)
		for (unsigned i = 0; i < side->ooo.count; i++)
			if (seq_le(side->ooo.at[i].left, side->recent[r]) &&
			    seq_lt(side->recent[r], side->ooo.at[i].right))
				add_block(options, first, max, side->ooo.at[i]);
	for (unsigned i = 0; i < side->ooo.count; i++)
		add_block(options, first, max, side->ooo.at[i]);
}

uint16_t
tcp_sack_size(const struct tcp *t)
{
	const struct tcp_side *side = t->side;
	if (side == NULL || (t->marks & TCP_MARK_SACK) == 0)
		return 0;
	unsigned blocks = side->ooo.count + (side->again.left != side->again.right);
	unsigned max = blocks_max(t);
	blocks = blocks < max ? blocks : max;
	return (uint16_t)(blocks > 0 ? SACK_HEAD_SIZE + SACK_BLOCK_SIZE * blocks : 0);
}
