/* proto/inet/packet.h - one received Ethernet frame, checked once at the door.
 *
 *     frame --> packet_parse() --> PACKET_ARP | PACKET_ICMP | PACKET_TCP   and struct packet, host order
 *                                  PACKET_DROP_*                           silent, counted by name
 *
 * P1  After PACKET_TCP every offset in struct packet lies inside the frame, header lengths are legal, both checksums hold
 *     (or the device has vouched for them), and padding behind the IP length is cut off.
 * RFC 894, 826, 791, 1122 3.2.1, 9293 3.1; spec/tcp.md 2.2 and 6 (9, 10, 26, 28, 39).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/arp.h"
#include "proto/inet/tcp.h"

struct ether_address {
	uint8_t bytes[6];
};

/* What to do with a frame; everything from PACKET_DROP_SHORT on is a counted drop. */
enum packet_kind {
	PACKET_ARP,
	PACKET_ICMP,
	PACKET_TCP,
	PACKET_DROP_SHORT,      /* a header does not fit */
	PACKET_DROP_LLC,        /* 802.3 length instead of an EtherType */
	PACKET_DROP_ETHERTYPE,  /* not ARP, not IPv4 */
	PACKET_DROP_ETHER_DEST, /* unicast to another MAC */
	PACKET_DROP_ARP,        /* malformed ARP */
	PACKET_DROP_IP_VERSION,
	PACKET_DROP_IP_HEADER, /* ihl or total length illegal */
	PACKET_DROP_IP_CHECKSUM,
	PACKET_DROP_IP_DEST,     /* not ours */
	PACKET_DROP_IP_SOURCE,   /* martian: 0/8, 127/8, 224/4, 240/4, broadcast */
	PACKET_DROP_IP_LAND,     /* source is our own address */
	PACKET_DROP_IP_OPTIONS,  /* source route (RFC 7126) or illegal option length */
	PACKET_DROP_IP_FRAGMENT, /* TCP fragments are never taken; ICMP ones neither, yet */
	PACKET_DROP_IP_PROTOCOL, /* neither TCP nor ICMP */
	PACKET_DROP_BROADCAST,   /* TCP to a link or IP broadcast or multicast address (MUST-57) */
	PACKET_DROP_ICMP_SHORT,
	PACKET_DROP_ICMP_CHECKSUM,
	PACKET_DROP_TCP_HEADER, /* data offset < 5 or beyond the segment */
	PACKET_DROP_TCP_CHECKSUM,
	PACKET_DROP_TCP_OPTIONS, /* an option runs past the header */
	PACKET_DROP_TCP_PORT,    /* port 0 */
	PACKET_KIND_COUNT,
};

/* Who we are; host order. */
struct packet_host {
	struct ether_address mac;
	uint32_t address, netmask;
};

/* What the receiving device says it has verified. "Unknown" is not "good". */
struct packet_vouched {
	bool ip_checksum, l4_checksum;
};

struct packet {
	struct ether_address source_mac;
	bool link_broadcast;          /* sent to a group MAC address */
	uint32_t source, destination; /* IPv4, host order */
	uint16_t source_port, destination_port;
	uint16_t l3_offset, l4_offset; /* from the frame's first byte */
	uint16_t payload_offset;       /* TCP payload; ICMP: the message itself */
	uint16_t payload_len;
	struct tcp_segment segment; /* PACKET_TCP; options only looked at when there are any */
	struct arp_packet arp;      /* PACKET_ARP */
};

/* frame: len bytes in one piece. At least the headers must be in one piece; payload may continue elsewhere only if l4
 * is vouched for: total is the frame's whole length. */
enum packet_kind packet_parse(const struct packet_host *host, const uint8_t *frame, uint16_t len,
			      uint32_t total, struct packet_vouched vouched, struct packet *out);
const char *packet_kind_name(enum packet_kind kind);

/* Headers of an outgoing TCP segment, written downwards from the payload. */
#define PACKET_TCP_HEADERS_MAX (14 + 20 + 60)

struct packet_flow { /* what every segment of a connection has in common */
	struct ether_address source_mac, destination_mac;
	uint32_t source, destination;
	uint16_t source_port, destination_port;
	uint8_t ttl, dscp;
};

/* Bytes of Ethernet, IPv4 and TCP headers with these options: 54 without any. */
uint16_t packet_tcp_headers_size(const struct tcp_options *options);
/* Writes them to at[0 .. packet_tcp_headers_size()). Checksum fields: IP is always complete; TCP is
 * the pseudo-header sum if offload, else 0 and packet_tcp_checksum() completes it. DF set, id 0 (RFC 6864). */
void packet_tcp_headers(uint8_t *at, const struct packet_flow *flow, const struct tcp_segment *s,
			bool offload);
/* Complete the checksum of the TCP segment at l4 (header + payload in one piece, l4_len bytes). */
void packet_tcp_checksum(uint8_t *l4, uint16_t l4_len, uint32_t source, uint32_t destination);
