/* proto/inet/arp.c - ARP packets: eight bytes that never change, then four addresses (RFC 826). */
#include "proto/inet/arp.h"

#include <string.h>

#include "proto/base/bytes.h"

enum { ARP_SIZE = 28, ETHER_SIZE = 14, MAC_SIZE = 6 };

#define ETHERTYPE_ARP 0x0806
/* hardware type Ethernet, protocol type IPv4, their address lengths */
#define ARP_HEAD UINT64_C(0x000108000604)

bool
arp_decode(const uint8_t *at, uint16_t len, struct arp_packet *out)
{
	if (len < ARP_SIZE)
		return false;
	uint64_t head = (uint64_t)load_be32(at) << 16 | load_be16(at + 4);
	out->operation = load_be16(at + 6);
	if (head != ARP_HEAD || (out->operation != ARP_REQUEST && out->operation != ARP_REPLY))
		return false;
	memcpy(out->sender_mac, at + 8, MAC_SIZE);
	out->sender = load_be32(at + 14);
	memcpy(out->target_mac, at + 18, MAC_SIZE);
	out->target = load_be32(at + 24);
	return (out->sender_mac[0] & 1) == 0;
}

void
arp_encode_frame(uint8_t at[ARP_FRAME_SIZE], const uint8_t destination_mac[6],
		 const struct arp_packet *arp)
{
	memcpy(at, destination_mac, MAC_SIZE);
	memcpy(at + 6, arp->sender_mac, MAC_SIZE);
	store_be16(at + 12, ETHERTYPE_ARP);
	at += ETHER_SIZE;
	store_be16(at, (uint16_t)(ARP_HEAD >> 32));
	store_be32(at + 2, (uint32_t)ARP_HEAD);
	store_be16(at + 6, arp->operation);
	memcpy(at + 8, arp->sender_mac, MAC_SIZE);
	store_be32(at + 14, arp->sender);
	memcpy(at + 18, arp->target_mac, MAC_SIZE);
	store_be32(at + 24, arp->target);
}
