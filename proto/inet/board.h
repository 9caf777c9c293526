/* proto/inet/board.h - what became of each byte in flight, from the first sign of a loss until nothing is missing: the sender's
 * scoreboard (RFC 2018, 6675) with the times that RACK compares (RFC 8985 5.1).
 *
 *     una              runs[0].end       runs[1].end      runs[2].end = what was sent last
 *     ---|== lost =========|== sacked =======|== in flight ===|
 *
 * B1  Runs stand in order, are not empty, and cover [una, end) without a gap.
 * B2  sacked and lost count the bytes marked so; no run is both.
 * B3  There are never more than BOARD_RUNS_MAX of them. A report that needs more room is not noted: its bytes count as in flight
 *     until the hole before them is filled (CVE-2019-11478). Sending never fails: near the limit, runs share the later time.
 * B4  Work per call is bounded by BOARD_RUNS_MAX, whatever a peer reports.
 *
 * A connection without losses has no board. What was in flight when it began is one run that left in order of sequence numbers at
 * a guessed time; RACK breaks ties by sequence number, so that the guess moves no decision between them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/ranges.h"
#include "proto/inet/tcp.h"

#define BOARD_RUNS_MAX 64
#define BOARD_RESERVE  4 /* runs kept free for what we send */

enum board_mark {
	BOARD_SACKED = 1,
	BOARD_LOST = 2,    /* to be sent again */
	BOARD_AGAIN = 4,   /* was sent again: its acknowledgement is ambiguous (Karn) */
	BOARD_GUESSED = 8, /* sent_us is a guess */
};

struct board_run {
	tcp_seq end;
	uint32_t sent_us; /* low bits of the clock: compare by difference */
	uint8_t marks;    /* enum board_mark */
};

struct board {
	tcp_seq una;
	uint32_t sacked, lost; /* bytes */
	uint8_t count;         /* 0: there is no board */
	struct board_run runs[BOARD_RUNS_MAX];
};

/* What one segment told; the first two are given, the rest is found out. */
struct board_news {
	uint32_t now_us, min_rtt_us;
	uint32_t delivered; /* bytes not known to have arrived before */
	bool dated;         /* the next three are of the delivered byte that was sent last */
	bool measured;      /* that byte was sent once, at a known time */
	uint32_t sent_us;
	tcp_seq end;
	bool reordered; /* something sent once arrived after something that was sent later */
};

/* What RACK knows: the delivered byte that was sent last (RFC 8985 5.2). */
struct board_rack {
	uint32_t sent_us;
	tcp_seq end;
	uint32_t rtt_us;
	uint32_t window_us; /* how much later than its turn a segment may come */
};

/* [una, end) is in flight, since about sent_us. */
void board_begin(struct board *b, tcp_seq una, tcp_seq end, uint32_t sent_us);
static inline tcp_seq
board_end(const struct board *b)
{
	return b->count > 0 ? b->runs[b->count - 1].end : b->una;
}
/* Bytes that are in the network as far as is known (RFC 6675 "pipe"). */
static inline uint32_t
board_pipe(const struct board *b)
{
	return board_end(b) - b->una - b->sacked - b->lost;
}
/* SND.UNA is una now. Below b->una: changes nothing; what lies beyond the end, too, is forgotten. */
void board_ack(struct board *b, tcp_seq una, struct board_news *news);
/* The peer holds [left, right); what lies outside the board is cut off. */
void board_sack(struct board *b, tcp_seq left, tcp_seq right, struct board_news *news);
/* sent was sent now: begins at the end (new bytes), or lies inside (again). Times closer than grain_us may share a run. */
void board_sent(struct board *b, struct range sent, uint32_t now_us, uint32_t grain_us);
/* RFC 8985 6.2 step 5: marks what is late as lost and answers how many bytes. *wait_us: when the next may become so; 0: none. */
uint32_t board_detect(struct board *b, const struct board_rack *rack, uint32_t now_us,
		      uint32_t *wait_us);
/* The first run that is lost; false: none. */
bool board_first_lost(const struct board *b, struct range *lost);
/* After a timeout: all is lost, reports included (RFC 2018 8: a peer may drop what it has reported). */
void board_lose_all(struct board *b);
/* Nothing was lost after all: what waits to be sent again is in flight. */
void board_lose_none(struct board *b);
/* Asserts B1 to B3. */
void board_check(const struct board *b);
