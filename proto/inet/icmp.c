/* proto/inet/icmp.c - a message from the net is a hint: it names a flow, and the caller decides whether that flow can have
 * caused it (RFC 5927 4). Nothing here keeps state but the token bucket.
 */
#include "proto/inet/icmp.h"

#include <string.h>

#include "proto/base/bytes.h"
#include "proto/inet/checksum.h"

enum {
	ETHER_SIZE = 14,
	IP_SIZE = 20,
	ICMP_SIZE = 8,
	EMBEDDED_TCP_SIZE = 8, /* what RFC 792 promises of the segment: ports and sequence number */
};

enum icmp_type {
	ICMP_TYPE_ECHO_REPLY = 0,
	ICMP_TYPE_UNREACHABLE = 3,
	ICMP_TYPE_ECHO_REQUEST = 8,
	ICMP_TYPE_TIME_EXCEEDED = 11,
	ICMP_TYPE_PARAMETER_PROBLEM = 12,
};

enum icmp_code { ICMP_CODE_PROTOCOL = 2, ICMP_CODE_PORT = 3, ICMP_CODE_TOO_BIG = 4 };

#define ICMP_CODE_MAX    15 /* of destination unreachable */
#define PROTOCOL_TCP     6
#define IP_VERSION_4     4
#define IP_DONT_FRAGMENT 0x4000u
#define IP_OFFSET        0x1fffu
#define REPLY_TTL        64

/* About 1,000 replies a second: 8 to 12 of them in 7.5 to 12.5 ms. Without the jitter, a stranger could tell by counting the
 * answers to his own echo requests what others have been sent (CVE-2020-25705). */
enum { BUCKET_TOKENS_MIN = 8, BUCKET_TOKENS_SPREAD = 5 };
enum { BUCKET_PERIOD_MIN_US = 7500, BUCKET_PERIOD_SPREAD_US = 5001 };

static enum icmp_kind
kind_of_unreachable(uint8_t code)
{
	switch (code) {
	case ICMP_CODE_PROTOCOL:
	case ICMP_CODE_PORT:
		return ICMP_TCP_UNREACHABLE;
	case ICMP_CODE_TOO_BIG:
		return ICMP_TCP_TOO_BIG;
	default:
		return code <= ICMP_CODE_MAX ? ICMP_TCP_SOFT : ICMP_DROP_TYPE;
	}
}

static enum icmp_kind
kind_of(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP_TYPE_ECHO_REQUEST:
		return code == 0 ? ICMP_ECHO_REQUEST : ICMP_DROP_TYPE;
	case ICMP_TYPE_UNREACHABLE:
		return kind_of_unreachable(code);
	case ICMP_TYPE_TIME_EXCEEDED:
	case ICMP_TYPE_PARAMETER_PROBLEM:
		return ICMP_TCP_SOFT;
	default:
		return ICMP_DROP_TYPE;
	}
}

/* The head of the packet that the error is about: one that we sent. The router may have cut it, so its length field
 * and checksum say nothing. */
static enum icmp_kind
parse_embedded(const uint8_t *ip, uint16_t len, uint32_t our_address, struct icmp_error *out)
{
	if (len < IP_SIZE + EMBEDDED_TCP_SIZE)
		return ICMP_DROP_SHORT;
	unsigned header = (ip[0] & 15u) * 4;
	if (ip[0] >> 4 != IP_VERSION_4 || header < IP_SIZE)
		return ICMP_DROP_EMBEDDED;
	if (header + EMBEDDED_TCP_SIZE > len)
		return ICMP_DROP_SHORT;
	out->local = load_be32(ip + 12);
	out->remote = load_be32(ip + 16);
	if (ip[9] != PROTOCOL_TCP || (load_be16(ip + 6) & IP_OFFSET) != 0 ||
	    out->local != our_address)
		return ICMP_DROP_EMBEDDED;
	const uint8_t *tcp = ip + header;
	out->local_port = load_be16(tcp);
	out->remote_port = load_be16(tcp + 2);
	out->seq = load_be32(tcp + 4);
	return ICMP_TCP_SOFT;
}

enum icmp_kind
icmp_parse(const uint8_t *message, uint16_t len, uint32_t our_address, struct icmp_error *out)
{
	if (len < ICMP_SIZE)
		return ICMP_DROP_SHORT;
	enum icmp_kind kind = kind_of(message[0], message[1]);
	if (kind == ICMP_ECHO_REQUEST || kind == ICMP_DROP_TYPE)
		return kind;
	enum icmp_kind embedded =
		parse_embedded(message + ICMP_SIZE, (uint16_t)(len - ICMP_SIZE), our_address, out);
	if (embedded != ICMP_TCP_SOFT)
		return embedded;
	out->mtu = kind == ICMP_TCP_TOO_BIG ? load_be16(message + 6) : 0;
	return kind;
}

bool
icmp_allow(struct icmp_bucket *bucket, struct prng *prng, uint64_t now_us)
{
	if (now_us >= bucket->refill_at_us) {
		bucket->tokens =
			BUCKET_TOKENS_MIN + (uint32_t)prng_below(prng, BUCKET_TOKENS_SPREAD);
		bucket->refill_at_us =
			now_us + BUCKET_PERIOD_MIN_US + prng_below(prng, BUCKET_PERIOD_SPREAD_US);
	}
	if (bucket->tokens == 0)
		return false;
	bucket->tokens--;
	return true;
}

bool
icmp_echo_reply(uint8_t *frame, uint16_t len, const uint8_t our_mac[6], uint32_t our_address)
{
	uint8_t *ip = frame + ETHER_SIZE, *icmp = ip + IP_SIZE;
	if (len < ETHER_SIZE + IP_SIZE + ICMP_SIZE || ip[0] != (IP_VERSION_4 << 4 | IP_SIZE / 4) ||
	    icmp[0] != ICMP_TYPE_ECHO_REQUEST)
		return false;
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, our_mac, 6);
	uint32_t asker = load_be32(ip + 12);
	store_be16(ip + 2, (uint16_t)(len - ETHER_SIZE));
	store_be16(ip + 4, 0);
	store_be16(ip + 6, IP_DONT_FRAGMENT);
	ip[8] = REPLY_TTL;
	store_be16(ip + 10, 0);
	store_be32(ip + 12, our_address);
	store_be32(ip + 16, asker);
	checksum_store(ip + 10, checksum_add(0, ip, IP_SIZE));
	icmp[0] = ICMP_TYPE_ECHO_REPLY;
	/* Summed anew: an update by RFC 1624 gives 0 instead of ffff when all else is zero (found by fuzz_packet). */
	store_be16(icmp + 2, 0);
	checksum_store(icmp + 2, checksum_add(0, icmp, len - ETHER_SIZE - IP_SIZE));
	return true;
}

const char *
icmp_kind_name(enum icmp_kind kind)
{
	static const char *const names[ICMP_KIND_COUNT] = {
		[ICMP_ECHO_REQUEST] = "echo_request",
		[ICMP_TCP_UNREACHABLE] = "tcp_unreachable",
		[ICMP_TCP_SOFT] = "tcp_soft",
		[ICMP_TCP_TOO_BIG] = "tcp_too_big",
		[ICMP_DROP_TYPE] = "type",
		[ICMP_DROP_SHORT] = "short",
		[ICMP_DROP_EMBEDDED] = "embedded",
		[ICMP_DROP_RATE] = "rate",
	};
	return (unsigned)kind < ICMP_KIND_COUNT ? names[kind] : "unknown";
}
