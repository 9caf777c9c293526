/* proto/inet/tcp_names.c - words for logs, counters and tests. */
#include "proto/base/assert.h"
#include "proto/inet/tcp.h"

static const char *const state_names[TCP_STATE_COUNT] = {
	[TCP_CLOSED] = "CLOSED",
	[TCP_SYN_SENT] = "SYN-SENT",
	[TCP_SYN_RECEIVED] = "SYN-RECEIVED",
	[TCP_ESTABLISHED] = "ESTABLISHED",
	[TCP_FIN_WAIT_1] = "FIN-WAIT-1",
	[TCP_FIN_WAIT_2] = "FIN-WAIT-2",
	[TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	[TCP_CLOSING] = "CLOSING",
	[TCP_LAST_ACK] = "LAST-ACK",
	[TCP_TIME_WAIT] = "TIME-WAIT",
};

static const char *const drop_names[TCP_DROP_COUNT] = {
	[TCP_KEPT] = "kept",
	[TCP_DROP_CLOSED] = "closed",
	[TCP_DROP_SEQ] = "seq",
	[TCP_DROP_ACK_OLD] = "ack_old",
	[TCP_DROP_ACK_FUTURE] = "ack_future",
	[TCP_DROP_NO_ACK] = "no_ack",
	[TCP_DROP_RST_SEQ] = "rst_seq",
	[TCP_DROP_SYN_IN_SYNC] = "syn_in_sync",
	[TCP_DROP_HANDSHAKE] = "handshake",
	[TCP_DROP_OOO_FULL] = "ooo_full",
	[TCP_DROP_DUPLICATE] = "duplicate",
	[TCP_DROP_AFTER_FIN] = "after_fin",
	[TCP_DROP_PAWS] = "paws",
	[TCP_DROP_NO_TIMESTAMP] = "no_timestamp",
};

const char *
tcp_state_name(enum tcp_state state)
{
	ASSERT(state < TCP_STATE_COUNT);
	return state_names[state];
}

const char *
tcp_drop_name(enum tcp_drop drop)
{
	ASSERT(drop < TCP_DROP_COUNT);
	return drop_names[drop];
}
