/* proto/inet/arp.h - ARP (RFC 826) for Ethernet and IPv4: the packet, and the cache as a machine.
 *
 *     (no entry) --wanted--> PENDING --reply, or it asked for us--> REACHABLE
 *     PENDING    --retry_us, up to requests_max broadcast requests, then--> FAILED
 *     FAILED     --failed_us over and wanted--> PENDING      until then: no flood
 *     REACHABLE  --reachable_us over and wanted, or another MAC claims it--> STALE
 *     STALE      --wanted: used as it is, and a unicast request at most every retry_us--> REACHABLE by a reply
 *     STALE      --requests_max of them unanswered and wanted--> PENDING
 *
 * A1  Learns only from frames that answer a pending request or speak to our own address: what others tell each
 *     other, or shout, changes no MAC (at most an entry becomes STALE).
 * A2  At most one request per destination and second (RFC 1122 2.3.2.1).
 * The cache knows addresses, not packets: who waits for an entry is the caller's business (a pending mbuf
 * list per entry index, newest ARP_QUEUE_MAX kept).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct ether_address;

#define ARP_CACHE_MAX  256 /* entries; the longest unused one makes room */
#define ARP_QUEUE_MAX  4   /* packets that may wait for one address */
#define ARP_FRAME_SIZE 42  /* 14 Ethernet + 28 ARP; the driver pads */

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
	uint16_t operation;
	uint8_t sender_mac[6], target_mac[6];
	uint32_t sender, target; /* IPv4, host order */
};

/* at: 28 bytes. False: not Ethernet/IPv4 ARP, an operation we do not know, or a group address as sender. */
bool arp_decode(const uint8_t *at, uint16_t len, struct arp_packet *out);
/* A whole frame of ARP_FRAME_SIZE bytes. */
void arp_encode_frame(uint8_t at[ARP_FRAME_SIZE], const uint8_t destination_mac[6],
		      const struct arp_packet *arp);

struct arp_cache; /* laid out in proto/inet/arp_cache.h */
