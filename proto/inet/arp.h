/* proto/inet/arp.h - ARP (RFC 826) for Ethernet and IPv4: the packet, and the cache as a machine.
 *
 *                 arp_resolve: unknown           reply
 *     (no entry) ---------------------> PENDING --------> REACHABLE --reachable_us--> STALE
 *                                         | request at most once a second, 3 times      | used: unicast request
 *                                         '--> FAILED, kept a while: no flood <---------'
 *
 * A1  Learns only from frames that answer a pending request or speak to our own address (spec 6, 33).
 * A2  At most one request per destination and second (RFC 1122 2.3.2.1).
 * The cache knows addresses, not packets: who waits for an entry is the caller's business (a pending mbuf
 * list per entry index, newest ARP_QUEUE_MAX kept).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct ether_address;

#define ARP_CACHE_MAX 256 /* entries; the longest unused one makes room */
#define ARP_QUEUE_MAX 4   /* packets that may wait for one address */
#define ARP_FRAME_SIZE 42 /* 14 Ethernet + 28 ARP; the driver pads */

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
	uint16_t operation;
	uint8_t sender_mac[6], target_mac[6];
	uint32_t sender, target; /* IPv4, host order */
};

/* at: 28 bytes. False: not Ethernet/IPv4 ARP, or an operation we do not know. */
bool arp_decode(const uint8_t *at, uint16_t len, struct arp_packet *out);
/* A whole frame of ARP_FRAME_SIZE bytes. */
void arp_encode_frame(uint8_t at[ARP_FRAME_SIZE], const uint8_t destination_mac[6],
		      const struct arp_packet *arp);

struct arp_cache; /* laid out in proto/inet/arp_cache.h */
