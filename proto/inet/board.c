/* proto/inet/board.c - an array, moved by hand: a board lives for some round trips, most have fewer than ten runs, and all of it is
 * smaller than one list of packets would be. */
#include "proto/inet/board.h"

#include <stddef.h>

#include "proto/base/assert.h"

static inline tcp_seq
run_left(const struct board *b, unsigned i)
{
	return i == 0 ? b->una : b->runs[i - 1].end;
}

static inline bool
in_flight(const struct board_run *run)
{
	return (run->marks & (BOARD_SACKED | BOARD_LOST)) == 0;
}

void
board_begin(struct board *b, tcp_seq una, tcp_seq end, uint32_t sent_us)
{
	DASSERT(seq_lt(una, end));
	b->una = una;
	b->sacked = b->lost = 0;
	b->count = 1;
	b->runs[0] = (struct board_run){.end = end, .sent_us = sent_us, .marks = BOARD_GUESSED};
}

/* ---- runs ---- */

/* The run that holds seq, which is inside the board. */
static unsigned
find(const struct board *b, tcp_seq seq)
{
	unsigned i = 0;
	while (seq_le(b->runs[i].end, seq))
		i++;
	DASSERT(i < b->count);
	return i;
}

/* Makes seq, inside the board or its edge, the border of a run. */
static void
split(struct board *b, tcp_seq seq)
{
	if (seq == b->una || seq == board_end(b))
		return;
	unsigned i = find(b, seq);
	if (run_left(b, i) == seq)
		return;
	DASSERT(b->count < BOARD_RUNS_MAX);
	for (unsigned k = b->count; k > i; k--)
		b->runs[k] = b->runs[k - 1];
	b->count++;
	b->runs[i].end = seq;
}

/* Runs whose difference no longer matters: of what has arrived or is lost, when it was sent. */
static bool
alike(const struct board_run *a, const struct board_run *b)
{
	if (a->marks & b->marks & BOARD_SACKED)
		return true;
	return a->marks == b->marks && ((a->marks & BOARD_LOST) || a->sent_us == b->sent_us);
}

static void
merge(struct board *b)
{
	unsigned kept = 0;
	for (unsigned i = 1; i < b->count; i++) {
		if (alike(&b->runs[kept], &b->runs[i]))
			b->runs[kept].end = b->runs[i].end;
		else
			b->runs[++kept] = b->runs[i];
	}
	if (b->count > 0)
		b->count = (uint8_t)(kept + 1);
}

/* ---- what has arrived ---- */

/* A run, or the front of one, turns out to be delivered. */
static void
note(const struct board_run *run, tcp_seq end, uint32_t len, struct board_news *news)
{
	news->delivered += len;
	uint32_t age_us = news->now_us - run->sent_us;
	bool again = (run->marks & BOARD_AGAIN) != 0;
	/* RFC 8985 6.2 step 2: an answer sooner than any round trip is one to the first transmission. */
	if (again && age_us < news->min_rtt_us)
		return;
	if (news->dated) {
		int32_t later = (int32_t)(run->sent_us - news->sent_us);
		if (later < 0 || (later == 0 && seq_le(end, news->end)))
			return;
	}
	news->dated = true;
	news->measured = !again && (run->marks & BOARD_GUESSED) == 0;
	news->sent_us = run->sent_us;
	news->end = end;
}

/* Something that was sent once, below something that has arrived, comes only now. */
static bool
is_late(const struct board *b, unsigned i)
{
	if (b->runs[i].marks & (BOARD_SACKED | BOARD_AGAIN))
		return false;
	for (unsigned k = i + 1; k < b->count; k++)
		if (b->runs[k].marks & BOARD_SACKED)
			return true;
	return false;
}

static void
uncount(struct board *b, const struct board_run *run, uint32_t len)
{
	if (run->marks & BOARD_SACKED)
		b->sacked -= len;
	if (run->marks & BOARD_LOST)
		b->lost -= len;
}

void
board_ack(struct board *b, tcp_seq una, struct board_news *news)
{
	if (seq_le(una, b->una))
		return;
	unsigned gone = 0;
	tcp_seq left = b->una;
	for (; gone < b->count && seq_lt(left, una); gone++) {
		struct board_run *run = &b->runs[gone];
		tcp_seq end = seq_lt(una, run->end) ? una : run->end;
		if ((run->marks & BOARD_SACKED) == 0) {
			news->reordered |= is_late(b, gone);
			note(run, end, end - left, news);
		}
		uncount(b, run, end - left);
		left = end;
		if (end != run->end)
			break;
	}
	b->una = una;
	b->count = (uint8_t)(b->count - gone);
	for (unsigned i = 0; i < b->count; i++)
		b->runs[i] = b->runs[i + gone];
}

void
board_sack(struct board *b, tcp_seq left, tcp_seq right, struct board_news *news)
{
	tcp_seq end = board_end(b);
	if (seq_lt(left, b->una))
		left = b->una;
	if (seq_lt(end, right))
		right = end;
	if (!seq_lt(left, right))
		return;
	/* What is known at both ends needs no border. */
	unsigned first = find(b, left);
	if (b->runs[first].marks & BOARD_SACKED)
		left = b->runs[first].end;
	if (!seq_lt(left, right))
		return;
	unsigned last = find(b, right - 1);
	if (b->runs[last].marks & BOARD_SACKED)
		right = run_left(b, last);
	bool borders =
		left != run_left(b, find(b, left)) || right != b->runs[find(b, right - 1)].end;
	if (b->count > BOARD_RUNS_MAX - BOARD_RESERVE && (borders || right == end))
		return; /* B3 */
	split(b, left);
	split(b, right);
	for (unsigned i = find(b, left); i < b->count && seq_lt(run_left(b, i), right); i++) {
		struct board_run *run = &b->runs[i];
		uint32_t len = run->end - run_left(b, i);
		if (run->marks & BOARD_SACKED)
			continue;
		news->reordered |= is_late(b, i);
		note(run, run->end, len, news);
		uncount(b, run, len);
		run->marks = (uint8_t)((run->marks | BOARD_SACKED) & ~BOARD_LOST);
		b->sacked += len;
	}
	merge(b);
}

/* ---- what is sent ---- */

static bool
may_share(const struct board *b, const struct board_run *run, uint32_t now_us, uint32_t grain_us)
{
	return now_us - run->sent_us <= grain_us || b->count >= BOARD_RUNS_MAX - 1;
}

static void
sent_new(struct board *b, tcp_seq end, uint32_t now_us, uint32_t grain_us)
{
	if (b->count > 0) {
		struct board_run *last = &b->runs[b->count - 1];
		bool plain = last->marks == 0 && may_share(b, last, now_us, grain_us);
		if (plain || b->count == BOARD_RUNS_MAX) {
			uint32_t len = end - last->end;
			if (last->marks & BOARD_LOST)
				b->lost += len;
			if (last->marks & BOARD_SACKED)
				b->sacked += len;
			last->end = end;
			return;
		}
	}
	b->runs[b->count++] = (struct board_run){.end = end, .sent_us = now_us};
}

static void
sent_again(struct board *b, struct range sent, uint32_t now_us, uint32_t grain_us)
{
	unsigned i = find(b, sent.left);
	struct board_run *before = i > 0 ? &b->runs[i - 1] : NULL;
	bool whole = b->count >
		     BOARD_RUNS_MAX - 2; /* no room for two borders: the whole run counts as sent */
	if (!whole) {
		split(b, sent.left);
		split(b, sent.right);
		i = find(b, sent.left);
		before = i > 0 ? &b->runs[i - 1] : NULL;
	}
	for (; i < b->count && seq_lt(run_left(b, i), sent.right); i++) {
		struct board_run *run = &b->runs[i];
		if (run->marks & BOARD_SACKED)
			continue;
		uncount(b, run, run->end - run_left(b, i));
		run->marks = BOARD_AGAIN;
		run->sent_us = now_us;
		if (before != NULL && before->marks == BOARD_AGAIN && before + 1 == run) {
			if (now_us - before->sent_us <= grain_us)
				run->sent_us = before->sent_us;
			else if (b->count > BOARD_RUNS_MAX - BOARD_RESERVE)
				before->sent_us = now_us;
		}
		before = run;
	}
	merge(b);
}

void
board_sent(struct board *b, struct range sent, uint32_t now_us, uint32_t grain_us)
{
	DASSERT(seq_lt(sent.left, sent.right) && seq_le(b->una, sent.left));
	tcp_seq end = board_end(b);
	if (sent.left == end) {
		sent_new(b, sent.right, now_us, grain_us);
		return;
	}
	DASSERT(seq_le(sent.right, end));
	sent_again(b, sent, now_us, grain_us);
}

/* ---- what is lost ---- */

static bool
sent_before(const struct board_run *run, const struct board_rack *rack)
{
	int32_t later = (int32_t)(rack->sent_us - run->sent_us);
	return later > 0 || (later == 0 && seq_lt(run->end, rack->end));
}

uint32_t
board_detect(struct board *b, const struct board_rack *rack, uint32_t now_us, uint32_t *wait_us)
{
	uint32_t lost = 0;
	*wait_us = 0;
	for (unsigned i = 0; i < b->count; i++) {
		struct board_run *run = &b->runs[i];
		if (!in_flight(run) || !sent_before(run, rack))
			continue;
		int32_t left_us = (int32_t)(run->sent_us + rack->rtt_us + rack->window_us - now_us);
		if (left_us > 0) {
			if ((uint32_t)left_us > *wait_us)
				*wait_us = (uint32_t)left_us;
			continue;
		}
		run->marks |= BOARD_LOST;
		lost += run->end - run_left(b, i);
	}
	b->lost += lost;
	if (lost > 0)
		merge(b);
	return lost;
}

bool
board_first_lost(const struct board *b, struct range *lost)
{
	if (b->lost == 0)
		return false;
	unsigned i = 0;
	while ((b->runs[i].marks & BOARD_LOST) == 0)
		i++;
	*lost = (struct range){run_left(b, i), b->runs[i].end};
	return true;
}

void
board_lose_all(struct board *b)
{
	if (b->count == 0)
		return;
	b->runs[0].end = board_end(b);
	b->runs[0].marks = BOARD_LOST | BOARD_AGAIN;
	b->count = 1;
	b->sacked = 0;
	b->lost = b->runs[0].end - b->una;
}

void
board_lose_none(struct board *b)
{
	for (unsigned i = 0; i < b->count; i++)
		b->runs[i].marks &= (uint8_t)~BOARD_LOST;
	b->lost = 0;
	merge(b);
}

void
board_check(const struct board *b)
{
	ASSERT(b->count <= BOARD_RUNS_MAX);
	uint32_t sacked = 0, lost = 0;
	for (unsigned i = 0; i < b->count; i++) {
		const struct board_run *run = &b->runs[i];
		ASSERT(seq_lt(run_left(b, i), run->end)); /* B1 */
		ASSERT((run->marks & (BOARD_SACKED | BOARD_LOST)) != (BOARD_SACKED | BOARD_LOST));
		sacked += run->marks & BOARD_SACKED ? run->end - run_left(b, i) : 0;
		lost += run->marks & BOARD_LOST ? run->end - run_left(b, i) : 0;
	}
	ASSERT(sacked == b->sacked && lost == b->lost); /* B2 */
}
