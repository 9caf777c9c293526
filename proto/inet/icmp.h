/* proto/inet/icmp.h - ICMP for IPv4 (RFC 792, 1122 3.2.2, 1191, 5927): echo, and what errors say of a TCP flow.
 *
 * Pure: the rate of replies is limited by a token bucket whose jitter comes from the caller's prng
 * (CVE-2020-25705).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/prng.h"

enum icmp_kind {
	ICMP_ECHO_REQUEST,    /* answer it: icmp_echo_reply() */
	ICMP_TCP_UNREACHABLE, /* hard codes 2, 3: abort in SYN-SENT only (RFC 5927) */
	ICMP_TCP_SOFT, /* codes 0, 1, 5, time exceeded, parameter problem: never abort (MUST-56) */
	ICMP_TCP_TOO_BIG, /* code 4: path MTU in *mtu, if the embedded sequence number is in flight */
	ICMP_DROP_TYPE,   /* not of interest; source quench too (MUST-55) */
	ICMP_DROP_SHORT,
	ICMP_DROP_EMBEDDED, /* an error about something that is not our TCP */
	ICMP_DROP_RATE,
	ICMP_KIND_COUNT,
};

struct icmp_error { /* the flow an error speaks of; host order, from our point of view */
	uint32_t local, remote;
	uint16_t local_port, remote_port;
	uint32_t seq;
	uint16_t mtu; /* ICMP_TCP_TOO_BIG: 0 if the router did not say (RFC 1191) */
};

struct icmp_bucket {
	uint32_t tokens;
	uint64_t refill_at_us;
};

/* message: the ICMP message, checksum already checked by packet_parse(). */
enum icmp_kind icmp_parse(const uint8_t *message, uint16_t len, uint32_t our_address,
			  struct icmp_error *out);
/* True: a reply may go out now. About 1,000 a second with jitter. */
bool icmp_allow(struct icmp_bucket *bucket, struct prng *prng, uint64_t now_us);
/* Turns the echo request frame (Ethernet, IPv4 with header of ihl bytes, ICMP; len bytes in all, padding cut)
 * into its reply in place: addresses swapped, source = our address, TTL 64, checksums right, options removed
 * by returning false if there are any. */
bool icmp_echo_reply(uint8_t *frame, uint16_t len, const uint8_t our_mac[6], uint32_t our_address);
const char *icmp_kind_name(enum icmp_kind kind);
