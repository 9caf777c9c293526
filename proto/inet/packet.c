/* proto/inet/packet.c - the door. Checks go from the outside in, each header's lengths before its fields, so that a
 * later check may lean on the earlier ones; the order is part of the contract only in that every frame has one answer.
 *
 * The path of a good TCP segment is straight: every test on it is a comparison that fails, options are looked at
 * only if there are any, and bytes are read where they lie. Rejected: a view with accessors that check again.
 */
#include "proto/inet/packet.h"

#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/inet/checksum.h"
#include "proto/inet/options.h"

enum {
	ETHER_SIZE = 14,
	IP_SIZE = 20, /* without options */
	TCP_SIZE = 20,
	ICMP_SIZE = 8,
	ARP_SIZE = ARP_FRAME_SIZE - ETHER_SIZE,
};
_Static_assert(PACKET_TCP_HEADERS_MAX == ETHER_SIZE + IP_SIZE + TCP_SIZE + OPTIONS_SIZE_MAX,
	       "room for the longest headers");

enum { ETHERTYPE_LEAST = 0x600, ETHERTYPE_IPV4 = 0x800, ETHERTYPE_ARP = 0x806 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6 };
enum { IP_OPTION_LOOSE_ROUTE = 131, IP_OPTION_STRICT_ROUTE = 137 }; /* RFC 791 3.1 */

#define IP_DONT_FRAGMENT 0x4000u
#define IP_FRAGMENT      0x3fffu /* more fragments, or an offset */
#define IP_VERSION_4     4u

struct input { /* the arguments of packet_parse(), in one piece */
	const struct packet_host *host;
	const uint8_t *frame;
	uint32_t len, total;
	struct packet_vouched vouched;
};

static bool
is_multicast(uint32_t address)
{
	return address >> 28 == 0xe;
}

static bool
is_broadcast(const struct packet_host *host, uint32_t address)
{
	uint32_t hosts = ~host->netmask; /* /31 and /32 have no broadcast address (RFC 3021) */
	return address == UINT32_MAX || (hosts > 1 && address == (host->address | hosts));
}

/* Addresses that nobody may send from (RFC 1122 3.2.1.3). */
static bool
is_martian(const struct packet_host *host, uint32_t address)
{
	uint32_t net = address >> 24;
	return net == 0 || net == 127 || net >= 224 || is_broadcast(host, address);
}

static enum packet_kind
parse_ip_options(const uint8_t *at, uint32_t size)
{
	struct option_walk walk = {.at = at, .end = at + size};
	struct option option;
	enum option_step step;
	while ((step = option_next(&walk, &option)) == OPTION_FOUND)
		if (option.kind == IP_OPTION_LOOSE_ROUTE || option.kind == IP_OPTION_STRICT_ROUTE)
			return PACKET_DROP_IP_OPTIONS;
	return step == OPTION_BAD ? PACKET_DROP_IP_OPTIONS : PACKET_TCP;
}

/* l4_len: header and data together, as the IP header says. */
static enum packet_kind
parse_tcp(const struct input *in, uint32_t l4_len, struct packet *out)
{
	uint32_t at = out->l4_offset;
	const uint8_t *tcp = in->frame + at;
	if (l4_len < TCP_SIZE || at + TCP_SIZE > in->len)
		return PACKET_DROP_SHORT;
	uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
	if (header < TCP_SIZE || header > l4_len)
		return PACKET_DROP_TCP_HEADER;
	if (at + header > in->len)
		return PACKET_DROP_SHORT;
	if (!in->vouched.l4_checksum) {
		if (at + l4_len > in->len) /* the rest is elsewhere: nobody can answer for it */
			return PACKET_DROP_SHORT;
		uint64_t sum = checksum_pseudo(out->source, out->destination, PROTOCOL_TCP,
					       (uint16_t)l4_len);
		if (!checksum_holds(checksum_add(sum, tcp, l4_len)))
			return PACKET_DROP_TCP_CHECKSUM;
	}
	out->source_port = load_be16(tcp);
	out->destination_port = load_be16(tcp + 2);
	if (out->source_port == 0 || out->destination_port == 0)
		return PACKET_DROP_TCP_PORT;
	struct tcp_segment *s = &out->segment;
	s->seq = load_be32(tcp + 4);
	s->ack = load_be32(tcp + 8);
	s->flags = tcp[13];
	s->window = load_be16(tcp + 14);
	s->payload_len = (uint16_t)(l4_len - header);
	out->payload_offset = (uint16_t)(at + header);
	out->payload_len = s->payload_len;
	if (header == TCP_SIZE)
		tcp_options_none(&s->options);
	else if (!tcp_options_decode(tcp + TCP_SIZE, (uint16_t)(header - TCP_SIZE), &s->options))
		return PACKET_DROP_TCP_OPTIONS;
	return PACKET_TCP;
}

/* A device's word is about TCP and UDP: ICMP is always summed here, and must lie in one piece. */
static enum packet_kind
parse_icmp(const struct input *in, uint32_t l4_len, struct packet *out)
{
	if (l4_len < ICMP_SIZE || out->l4_offset + l4_len > in->len)
		return PACKET_DROP_ICMP_SHORT;
	if (!checksum_holds(checksum_add(0, in->frame + out->l4_offset, l4_len)))
		return PACKET_DROP_ICMP_CHECKSUM;
	out->payload_offset = out->l4_offset;
	out->payload_len = (uint16_t)l4_len;
	return PACKET_ICMP;
}

/* Who may speak to whom; PACKET_TCP: nothing against it. */
static enum packet_kind
check_addresses(const struct input *in, const struct packet *out, uint8_t protocol)
{
	const struct packet_host *host = in->host;
	if (out->source == host->address)
		return PACKET_DROP_IP_LAND;
	if (is_martian(host, out->source))
		return PACKET_DROP_IP_SOURCE;
	bool to_us = out->destination == host->address;
	if (!to_us && !is_multicast(out->destination) && !is_broadcast(host, out->destination))
		return PACKET_DROP_IP_DEST;
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_ICMP)
		return PACKET_DROP_IP_PROTOCOL;
	return to_us && !out->link_broadcast ? PACKET_TCP : PACKET_DROP_BROADCAST;
}

static enum packet_kind
parse_ipv4(const struct input *in, struct packet *out)
{
	if (in->len < ETHER_SIZE + IP_SIZE)
		return PACKET_DROP_SHORT;
	const uint8_t *ip = in->frame + ETHER_SIZE;
	if (ip[0] >> 4 != IP_VERSION_4)
		return PACKET_DROP_IP_VERSION;
	uint32_t header = (ip[0] & 15u) * 4;
	uint32_t length = load_be16(ip + 2);
	if (header < IP_SIZE || length < header || ETHER_SIZE + length > in->total)
		return PACKET_DROP_IP_HEADER;
	if (ETHER_SIZE + header > in->len)
		return PACKET_DROP_SHORT;
	if (!in->vouched.ip_checksum && !checksum_holds(checksum_add(0, ip, header)))
		return PACKET_DROP_IP_CHECKSUM;
	out->source = load_be32(ip + 12);
	out->destination = load_be32(ip + 16);
	uint8_t protocol = ip[9];
	enum packet_kind kind = check_addresses(in, out, protocol);
	if (kind != PACKET_TCP)
		return kind;
	if (header > IP_SIZE) {
		kind = parse_ip_options(ip + IP_SIZE, header - IP_SIZE);
		if (kind != PACKET_TCP)
			return kind;
	}
	if ((load_be16(ip + 6) & IP_FRAGMENT) != 0)
		return PACKET_DROP_IP_FRAGMENT;
	out->l3_offset = ETHER_SIZE;
	out->l4_offset = (uint16_t)(ETHER_SIZE + header);
	return protocol == PROTOCOL_TCP ? parse_tcp(in, length - header, out)
					: parse_icmp(in, length - header, out);
}

static enum packet_kind
parse_arp(const struct input *in, struct packet *out)
{
	if (in->len < ARP_FRAME_SIZE)
		return PACKET_DROP_SHORT;
	return arp_decode(in->frame + ETHER_SIZE, ARP_SIZE, &out->arp) ? PACKET_ARP
								       : PACKET_DROP_ARP;
}

enum packet_kind
packet_parse(const struct packet_host *host, const uint8_t *frame, uint16_t len, uint32_t total,
	     struct packet_vouched vouched, struct packet *out)
{
	DASSERT(total >= len);
	if (len < ETHER_SIZE)
		return PACKET_DROP_SHORT;
	out->link_broadcast = (frame[0] & 1) != 0;
	if (!out->link_broadcast && memcmp(frame, host->mac.bytes, sizeof(host->mac.bytes)) != 0)
		return PACKET_DROP_ETHER_DEST;
	memcpy(out->source_mac.bytes, frame + 6, sizeof(out->source_mac.bytes));
	const struct input in = {
		.host = host, .frame = frame, .len = len, .total = total, .vouched = vouched};
	uint16_t type = load_be16(frame + 12);
	if (type == ETHERTYPE_IPV4)
		return parse_ipv4(&in, out);
	if (type == ETHERTYPE_ARP)
		return parse_arp(&in, out);
	return type < ETHERTYPE_LEAST ? PACKET_DROP_LLC : PACKET_DROP_ETHERTYPE;
}

const char *
packet_kind_name(enum packet_kind kind)
{
	static const char *const names[PACKET_KIND_COUNT] = {
		[PACKET_ARP] = "arp",
		[PACKET_ICMP] = "icmp",
		[PACKET_TCP] = "tcp",
		[PACKET_DROP_SHORT] = "short",
		[PACKET_DROP_LLC] = "llc",
		[PACKET_DROP_ETHERTYPE] = "ethertype",
		[PACKET_DROP_ETHER_DEST] = "ether_dest",
		[PACKET_DROP_ARP] = "bad_arp",
		[PACKET_DROP_IP_VERSION] = "ip_version",
		[PACKET_DROP_IP_HEADER] = "ip_header",
		[PACKET_DROP_IP_CHECKSUM] = "ip_checksum",
		[PACKET_DROP_IP_DEST] = "ip_dest",
		[PACKET_DROP_IP_SOURCE] = "ip_source",
		[PACKET_DROP_IP_LAND] = "ip_land",
		[PACKET_DROP_IP_OPTIONS] = "ip_options",
		[PACKET_DROP_IP_FRAGMENT] = "ip_fragment",
		[PACKET_DROP_IP_PROTOCOL] = "ip_protocol",
		[PACKET_DROP_BROADCAST] = "broadcast",
		[PACKET_DROP_ICMP_SHORT] = "icmp_short",
		[PACKET_DROP_ICMP_CHECKSUM] = "icmp_checksum",
		[PACKET_DROP_TCP_HEADER] = "tcp_header",
		[PACKET_DROP_TCP_CHECKSUM] = "tcp_checksum",
		[PACKET_DROP_TCP_OPTIONS] = "tcp_options",
		[PACKET_DROP_TCP_PORT] = "tcp_port",
	};
	return (unsigned)kind < PACKET_KIND_COUNT ? names[kind] : "unknown";
}

uint16_t
packet_tcp_headers_size(const struct tcp_options *options)
{
	return (uint16_t)(ETHER_SIZE + IP_SIZE + TCP_SIZE + tcp_options_size(options));
}

static void
put_ip_header(uint8_t *ip, const struct packet_flow *flow, uint16_t length)
{
	ip[0] = IP_VERSION_4 << 4 | IP_SIZE / 4;
	ip[1] = (uint8_t)(flow->dscp << 2);
	store_be16(ip + 2, length);
	store_be16(ip + 4, 0);
	store_be16(ip + 6, IP_DONT_FRAGMENT);
	ip[8] = flow->ttl;
	ip[9] = PROTOCOL_TCP;
	store_be16(ip + 10, 0);
	store_be32(ip + 12, flow->source);
	store_be32(ip + 16, flow->destination);
	checksum_store(ip + 10, checksum_add(0, ip, IP_SIZE));
}

void
packet_tcp_headers(uint8_t *at, const struct packet_flow *flow, const struct tcp_segment *s,
		   bool offload)
{
	memcpy(at, flow->destination_mac.bytes, sizeof(flow->destination_mac.bytes));
	memcpy(at + 6, flow->source_mac.bytes, sizeof(flow->source_mac.bytes));
	store_be16(at + 12, ETHERTYPE_IPV4);
	uint8_t *tcp = at + ETHER_SIZE + IP_SIZE;
	store_be16(tcp, flow->source_port);
	store_be16(tcp + 2, flow->destination_port);
	store_be32(tcp + 4, s->seq);
	store_be32(tcp + 8, s->ack);
	unsigned header = TCP_SIZE + tcp_options_encode(tcp + TCP_SIZE, &s->options);
	unsigned l4_len = header + s->payload_len;
	DASSERT(IP_SIZE + l4_len <= UINT16_MAX);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = s->flags;
	store_be16(tcp + 14, s->window);
	store_be32(tcp + 16, 0); /* checksum, and the urgent pointer that we never use */
	if (offload) {
		uint64_t sum = checksum_pseudo(flow->source, flow->destination, PROTOCOL_TCP,
					       (uint16_t)l4_len);
		checksum_store_raw(tcp + 16, sum);
	}
	put_ip_header(at + ETHER_SIZE, flow, (uint16_t)(IP_SIZE + l4_len));
}

void
packet_tcp_checksum(uint8_t *l4, uint16_t l4_len, uint32_t source, uint32_t destination)
{
	uint64_t sum = checksum_pseudo(source, destination, PROTOCOL_TCP, l4_len);
	store_be16(l4 + 16, 0);
	checksum_store(l4 + 16, checksum_add(sum, l4, l4_len));
}
