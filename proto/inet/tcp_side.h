/* proto/inet/tcp_side.h - what a connection needs only while something is missing or came twice, in either direction.
 *
 *     struct tcp --side--> struct tcp_side     what of ours is lost (board), what of theirs came early (ooo) or twice (again)
 *         |                     ^
 *         '--config->sides------'              a pool: taken at the first sign of trouble, given back when all is well
 *
 * So an idle or undisturbed connection is small. The pool may run dry: then bytes ahead of their turn are dropped
 * (TCP_DROP_OOO_FULL), and losses of ours are repaired as for a peer without SACK (RFC 6582). Nothing else depends on it.
 */
#pragma once
#include <stdint.h>

#include "proto/inet/board.h"
#include "proto/inet/ranges.h"

#define TCP_SACK_RECENT 3 /* blocks that fit beside a timestamp */

struct tcp_side {
	struct tcp_side *next_free;
	/* Sending. */
	struct board board; /* count 0: nothing of ours is missing */
	struct board_rack rack;
	uint64_t rto_at_us;      /* the retransmit timer behind RACK's shorter one */
	uint64_t reorder_at_us;  /* RACK's: what is late then is lost; TCP_NEVER: nothing waits */
	uint32_t recover_flight; /* proportional rate reduction (RFC 6937), since recovery began */
	uint32_t delivered, sent;
	uint32_t
		resent; /* bytes sent again that the peer has not called duplicates (RFC 2883); 0 ends the count */
	/* Receiving. */
	struct ranges ooo;
	struct range again; /* came twice, and is to be told (RFC 2883); empty: nothing */
	tcp_seq recent
		[TCP_SACK_RECENT]; /* a byte of the runs that grew last, newest first (RFC 2018 4) */
	uint8_t recent_count;
};

struct tcp_side_pool {
	struct tcp_side *free;
	uint32_t free_count, count;
	uint64_t refused; /* times that it was empty */
};

/* sides: count of them, which the pool uses from now on. */
void tcp_side_pool_init(struct tcp_side_pool *pool, struct tcp_side *sides, uint32_t count);
