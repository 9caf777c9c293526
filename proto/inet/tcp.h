/* proto/inet/tcp.h - one TCP connection as a machine over sequence numbers (RFC 9293).
 *
 *     segment --> tcp_input()  --> struct tcp_accept  which payload bytes to keep, and where
 *     clock   --> tcp_output() --> struct tcp_emit    one segment to build; repeat until false
 *                 tcp_next_at()                       when to call tcp_output() if nothing arrives
 *
 * It never sees payload, packets, addresses or a clock: the caller owns those, and a test is a caller.
 * The caller keeps two byte queues. The send queue starts at SND.UNA: its first byte is the oldest
 * unacknowledged one. The receive side keeps accepted bytes, out-of-order ones by their offset.
 *
 * T1  What tcp_accept says to keep is kept by the caller; it is acknowledged on that promise.
 * T2  First-received bytes win: a segment's bytes are accepted at most once, and at most one contiguous
 *     run of one segment is accepted (the rest is left to be retransmitted).
 * T3  The right edge of the advertised window never moves left, but by the rounding of its scale when the buffer is full; what was
 *     once promised is accepted (RFC 7323 2.4).
 * T4  While bytes, a SYN or a FIN are unacknowledged, or the peer's window is shut on queued bytes,
 *     tcp_next_at() is finite: there is no silent stall.
 * T5  Pure acknowledgements are owed, not sent: tcp_output() emits one per call round, on data where there
 *     is any, so a burst of segments costs one (RFC 9293 3.8.6.3, MUST-58, MUST-59). To a peer without SACK
 *     segments out of order are told one by one, three at most: that many duplicates make it retransmit (RFC 5681 4.2).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/seq.h"
#include "proto/inet/tcp_config.h"

#define TCP_NEVER UINT64_MAX /* no deadline */

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
};

enum tcp_state {
	TCP_CLOSED, /* LISTEN is the caller's: a port with no connection behind it */
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT, /* the caller moves it to a struct tcp_time_wait and frees the rest */
	TCP_STATE_COUNT,
};

/* Why a segment changed nothing: one counter each, produced by one line of tcp_input.c each.
 * The TCP part extends this list; TCP_DROP_COUNT stays last. */
enum tcp_drop {
	TCP_KEPT,
	TCP_DROP_CLOSED,       /* no connection in this state takes it */
	TCP_DROP_SEQ,          /* outside the receive window */
	TCP_DROP_ACK_OLD,      /* ACK below SND.UNA - largest window (RFC 5961 5) */
	TCP_DROP_ACK_FUTURE,   /* ACK above SND.NXT */
	TCP_DROP_NO_ACK,       /* synchronized state and no ACK bit */
	TCP_DROP_RST_SEQ,      /* RST in window but not at RCV.NXT: challenge (RFC 5961 3) */
	TCP_DROP_SYN_IN_SYNC,  /* SYN in a synchronized state: challenge (RFC 5961 4) */
	TCP_DROP_HANDSHAKE,    /* SYN-SENT or SYN-RECEIVED: unacceptable, answered as 3.10.7 says */
	TCP_DROP_OOO_FULL,     /* out-of-order queue at its limit */
	TCP_DROP_DUPLICATE,    /* every byte was here already */
	TCP_DROP_AFTER_FIN,    /* bytes beyond the peer's FIN */
	TCP_DROP_PAWS,         /* older than what was heard before (RFC 7323 5) */
	TCP_DROP_NO_TIMESTAMP, /* none, though they were agreed on (RFC 7323 3.2) */
	TCP_DROP_COUNT,
};

#define TCP_WSCALE_ABSENT   0xff
#define TCP_SACK_BLOCKS_MAX 4

struct tcp_options {
	uint16_t mss;   /* 0: absent */
	uint8_t wscale; /* TCP_WSCALE_ABSENT: absent */
	uint8_t sack_count;
	bool sack_permitted;
	bool has_timestamp;
	uint32_t ts_value, ts_echo;
	struct {
		tcp_seq left, right;
	} sack[TCP_SACK_BLOCKS_MAX];
};

struct tcp_segment { /* a checked header, host order; the payload stays where it is */
	tcp_seq seq, ack;
	uint16_t window; /* as on the wire, unscaled */
	uint16_t payload_len;
	uint8_t flags; /* enum tcp_flag */
	struct tcp_options options;
};

enum tcp_event {
	TCP_EVENT_ESTABLISHED = 1, /* handshake complete */
	TCP_EVENT_FIN = 2,         /* the peer's FIN is in order: nothing more will arrive */
	TCP_EVENT_ACKED = 4,       /* accept.acked > 0: the send queue shrank */
	TCP_EVENT_RESET = 8,       /* the peer reset it; state is TCP_CLOSED */
	TCP_EVENT_REFUSED = 16,    /* SYN answered by RST; state is TCP_CLOSED */
	TCP_EVENT_TIMEOUT =
		32, /* R2 or keepalive gave up; state is TCP_CLOSED. From tcp_output(). */
	TCP_EVENT_CLOSED = 64, /* orderly end; state is TCP_CLOSED or TCP_TIME_WAIT */
};

struct tcp_accept {
	uint16_t skip, take; /* payload bytes to pass over, then to keep; take 0: none */
	uint32_t
		at; /* offset of the kept bytes from the next byte the reader expects; 0: in order */
	uint32_t
		ready; /* bytes now in order, beginning with these: take + what was waiting behind */
	uint32_t acked; /* bytes of the send queue that may be released from its front */
	uint8_t events; /* enum tcp_event */
};

struct tcp_emit {
	struct tcp_segment head;
	uint32_t from;   /* offset in the send queue of head.payload_len bytes */
	bool retransmit; /* these bytes were sent before */
};

struct tcp; /* laid out in proto/inet/tcp_state.h, so that a connection can embed it */

/* config must outlive the connection. A SYN has arrived at a listening port. iss: initial send sequence number (RFC 6528, isn.h).
 * Leaves it in SYN-RECEIVED with a SYN-ACK owed. */
void tcp_open_passive(struct tcp *t, const struct tcp_config *config, const struct tcp_segment *syn,
		      tcp_seq iss, uint64_t now_us);
/* Leaves it in SYN-SENT with a SYN owed. */
void tcp_open_active(struct tcp *t, const struct tcp_config *config, tcp_seq iss, uint64_t now_us);

/* Where our timestamps begin: secret, or they tell how long we have been up; the same for the same pair of addresses and ports, so
 * that they grow from one connection to the next (RFC 7323 5.4, 7.1). Before the first tcp_output(). */
void tcp_set_ts_offset(struct tcp *t, uint32_t offset);

/* RFC 9293 3.10.7.3 and 3.10.7.4, steps in its order. Fills *out in every case. Replies that the RFC
 * asks for (ACK, challenge ACK, RST) are owed, and come from tcp_output(). */
enum tcp_drop tcp_input(struct tcp *t, const struct tcp_segment *s, uint64_t now_us,
			struct tcp_accept *out);

/* A router says that segments longer than mtu do not get through (RFC 1191); seq: of the segment it quotes; mtu 0: it does not say how long
 * they may be. True: seq is in flight (RFC 5927 4) and our segments become shorter; what is in flight is sent again, and that is no sign of
 * congestion. Never below TCP_MTU_FLOOR. */
bool tcp_path_mtu(struct tcp *t, uint16_t mtu, tcp_seq seq, uint64_t now_us);

/* queued: bytes in the send queue, from SND.UNA on. Repeat until false; each true is one segment that
 * the caller now sends. events: enum tcp_event that timers brought about (TIMEOUT, CLOSED) are added to it,
 * whatever the answer; the caller clears it before the round. */
bool tcp_output(struct tcp *t, uint32_t queued, uint64_t now_us, struct tcp_emit *out,
		uint8_t *events);

/* When tcp_output() has something to do if nothing arrives and nothing is queued; TCP_NEVER: nothing. */
uint64_t tcp_next_at(const struct tcp *t);

/* The reader took bytes, or keeps fewer than it may: how many bytes it holds unread (in order, not yet
 * consumed). May owe a window update (RFC 9293 3.8.6.2.2). Call before tcp_output(). */
void tcp_set_unread(struct tcp *t, uint32_t unread);

/* No more bytes will be queued: a FIN follows what is queued. From ESTABLISHED, SYN-RECEIVED or
 * CLOSE-WAIT; elsewhere it changes nothing. */
void tcp_close(struct tcp *t, uint64_t now_us);
/* The user has gone: closes too (SYN-SENT ends at once); data that arrives now is refused with RST (RFC 9293 3.6.1, SHLD-3), and FIN-WAIT-2 ends after
 * fin_wait_2_us. */
void tcp_orphan(struct tcp *t, uint64_t now_us);
/* Throw it away: owes one RST where the RFC asks for one (3.10.5), then TCP_CLOSED. */
void tcp_abort(struct tcp *t);

/* Asserts every invariant listed in tcp_state.h. */
void tcp_check(const struct tcp *t);

/* RST for a segment that belongs to nobody (RFC 9293 3.10.7.1). False: it gets none (it was a RST). */
bool tcp_reset_for(const struct tcp_segment *s, struct tcp_segment *reset);

/* What remains of a connection in TIME-WAIT (RFC 9293 3.10.7.4, RFC 6191). */
struct tcp_time_wait {
	tcp_seq snd_nxt, rcv_nxt;
	uint32_t ts_recent, ts_offset;
	uint16_t window;
	bool timestamps;
	uint64_t until_us;
};

enum tcp_time_wait_answer {
	TCP_TIME_WAIT_DROP,
	TCP_TIME_WAIT_ACK, /* send *reply */
	TCP_TIME_WAIT_REOPEN, /* a new SYN beyond the old numbers: treat as LISTEN; iss above snd_nxt */
	TCP_TIME_WAIT_END, /* its time is over: forget it. A RST does not end it (RFC 1337) */
};

void tcp_time_wait_from(const struct tcp *t, uint64_t now_us, struct tcp_time_wait *out);
enum tcp_time_wait_answer tcp_time_wait_input(struct tcp_time_wait *w,
					      const struct tcp_config *config,
					      const struct tcp_segment *s, uint64_t now_us,
					      struct tcp_segment *reply);

const char *tcp_state_name(enum tcp_state state); /* "ESTABLISHED" */
const char *tcp_drop_name(enum tcp_drop drop);    /* "seq": counter and log word */
