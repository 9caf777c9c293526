/* proto/inet/tcp_state.h - how struct tcp is laid out. For those who embed one and for tcp_*.c; others use tcp.h.
 *
 * Sequence space, ours above and the peer's below:
 *
 *     snd_una           send_at              snd_nxt                 data end (+ FIN)
 *     ---|== in flight ====|== to send again ===|== not sent yet ======|
 *     ---|== read or kept ==|== may be sent to us ==|
 *                        rcv_nxt                 rcv_edge
 *
 * send_at is snd_nxt, except that a retransmit timeout moves it back to snd_una.
 *
 * Invariants, asserted by tcp_check():
 * S1  snd_una <= send_at <= snd_nxt.
 * S2  rcv_nxt <= rcv_edge.
 * S3  Out-of-order runs are sorted, apart from each other, and inside (rcv_nxt, rcv_edge].
 * S4  snd_una != snd_nxt: the retransmit timer runs, or the SYN is still owed.
 * S5  A delayed ACK is owed exactly while its timer runs.
 * S6  The FIN has been sent only if it was asked for, and then snd_nxt is behind it.
 * S7  CLOSED: no timer runs, and nothing but a RST is owed.
 * S8  snd_mss is at least TCP_MSS_FLOOR, and the congestion window at least one segment.
 * S9  A board covers [snd_una, send_at). CLOSED and TIME-WAIT have no side.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/cc.h"
#include "proto/inet/rtt.h"
#include "proto/inet/tcp.h"
#include "proto/inet/tcp_side.h"

#define TCP_MSS_FLOOR       88  /* CVE-2019-11479: a peer may not make us send crumbs */
#define TCP_MTU_FLOOR       552 /* a forged "too big" cannot ask for less; as Linux's min_pmtu */
#define TCP_MSS_DEFAULT     536 /* RFC 9293 MUST-15 */
#define TCP_WSCALE_MAX      14
#define TCP_BACKOFF_MAX     16     /* doublings; rto_max_us ends them earlier */
#define TCP_BACKOFF_DOUBTED 2      /* doublings that a slow path may explain */
#define TCP_CHALLENGE_US    500000 /* one challenge or out-of-window ACK in this time */
#define TCP_TS_AGE_US       (24ull * 86400 * 1000000) /* RFC 7323 5.5 */
#define TCP_TS_SIZE         12                        /* of every segment, with its padding */
#define TCP_DUP_ACKS_MAX    3 /* duplicate ACKs sent in one round: enough for a fast retransmit */
#define TCP_WINDOW_UNSCALED 65535u

enum tcp_owed {
	TCP_OWE_ACK = 1,         /* now */
	TCP_OWE_ACK_LATER = 2,   /* at ack_at_us, or on the next segment */
	TCP_OWE_SYN = 4,         /* SYN, or SYN-ACK in SYN-RECEIVED */
	TCP_OWE_RST = 8,         /* at rst_seq */
	TCP_OWE_RETRANSMIT = 16, /* the first unacknowledged segment */
	TCP_OWE_PROBE = 32,      /* whatever the window says: a byte, or what fits */
	TCP_OWE_KEEPALIVE = 64,
	TCP_OWE_TAIL_PROBE =
		128, /* new bytes if there are any, else the last segment again (RFC 8985 7.3) */
};

enum tcp_mark {
	TCP_MARK_CLOSING = 1, /* tcp_close(): a FIN follows the queue */
	TCP_MARK_FIN_SENT = 2,
	TCP_MARK_FIN_SEEN = 4, /* the peer's FIN is at rcv_fin, not in order yet */
	TCP_MARK_ORPHAN = 8,
	TCP_MARK_PASSIVE = 16,
	TCP_MARK_SCALED = 32,  /* the peer's SYN had a window scale */
	TCP_MARK_RST_ACK = 64, /* the owed RST carries an ACK */
	TCP_MARK_TIMING = 128, /* timed_seq and timed_at_us hold a round trip in progress */
	TCP_MARK_TIMESTAMPS = 256,
	TCP_MARK_SACK = 512,       /* both ends report what they hold */
	TCP_MARK_PROBED = 1024,    /* a tail probe is out, up to probe_end */
	TCP_MARK_PROBE_OLD = 2048, /* and it held bytes that had been sent before */
	TCP_MARK_DOUBT =
		4096, /* something was sent again at doubt_ts; was that needed? (RFC 3522) */
	TCP_MARK_PEER_SLOW =
		8192, /* it was seen to delay ACKs for longer than config->peer_delay_us */
};

struct tcp {
	/* What every arriving segment needs. */
	uint8_t state;    /* enum tcp_state; written by tcp_set_state() only */
	uint8_t owed;     /* enum tcp_owed */
	uint16_t marks;   /* enum tcp_mark */
	uint8_t dup_acks; /* duplicate ACKs owed for out-of-order segments */
	uint8_t reorder_mult; /* in quarters of a round trip, what reordering is waited for; 0: none was seen */
	uint8_t snd_wscale; /* shift of the windows we receive */
	uint8_t rcv_wscale; /* shift of the windows we send */
	uint16_t snd_mss;   /* payload bytes of our largest segment */
	tcp_seq rcv_nxt;
	tcp_seq rcv_edge; /* right edge of the window promised; T3: never moves left */
	tcp_seq snd_una;
	tcp_seq snd_nxt;
	tcp_seq send_at;
	uint32_t snd_wnd; /* scaled */
	tcp_seq snd_wl1, snd_wl2;
	uint32_t snd_wnd_max;
	tcp_seq acked_to; /* the ACK we sent last */
	uint32_t unread;  /* bytes the reader holds in order */
	uint32_t timed_seq;
	uint32_t ts_recent;    /* RFC 7323 4.3; TCP_MARK_TIMESTAMPS */
	uint32_t ts_offset;    /* of our own timestamps from the clock */
	struct tcp_side *side; /* NULL: nothing is missing, either way */
	/* Timers, and what every departing segment needs. */
	uint64_t
		retransmit_at_us; /* RTO, tail probe, RACK's timer, or persist timer while the window is shut */
	uint64_t ack_at_us;
	uint64_t life_at_us; /* keepalive, orphan in FIN-WAIT-2, end of TIME-WAIT */
	uint64_t heard_at_us;
	uint64_t timed_at_us;
	const struct tcp_config *config; /* must outlive the connection */
	struct cc cc;
	struct rtt rtt;
	uint8_t retries; /* expiries of the retransmit timer without progress */
	uint8_t backoff;
	uint8_t probes; /* keepalive probes without an answer */
	tcp_seq rst_seq;
	tcp_seq iss;
	tcp_seq rcv_fin;          /* TCP_MARK_FIN_SEEN */
	uint32_t doubt_ts;        /* TCP_MARK_DOUBT */
	tcp_seq probe_end;        /* TCP_MARK_PROBED */
	uint64_t challenge_at_us; /* the next challenge ACK is not allowed before */
};
_Static_assert(sizeof(struct tcp) <= 256, "a connection is to fit in 512 bytes");
