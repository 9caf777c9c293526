/* app/net/owner.c - reading just enough of a frame to know whose it is.
 *
 * Whoever owns the frame checks it; so a lie in a header can only choose which lcore drops it.
 */
#include "app/net/owner.h"

#include <rte_thash.h>

#include "proto/base/bytes.h"

#define ETH_SIZE      14u
#define ETH_TYPE      12u
#define TYPE_IPV4     0x0800
#define TYPE_ARP      0x0806
#define IPV4_MIN      20u
#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP  6
#define ICMP_ERROR    8u /* bytes before the packet that an ICMP error quotes */
#define DEFAULT_OWNER 1u

/* The key of Microsoft's RSS specification, which most devices start with. */
static const uint8_t toeplitz_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

unsigned
owner_of_flow(const struct owner_map *map, const struct owner_flow *flow)
{
	if (map->bus_port != 0 && flow->local_port != map->client_port &&
	    (flow->local_port == map->bus_port || flow->local_port >= OWNER_CONTROL_PORT))
		return 0;
	if (map->data_count == 1)
		return 1;
	uint32_t tuple[3] = {flow->remote, flow->local,
			     (uint32_t)flow->remote_port << 16 | flow->local_port};
	return 1 + rte_softrss(tuple, 3, toeplitz_key) % map->data_count;
}

/* at: an IPv4 header with TCP behind it. outgoing: the header is of a packet that we sent (quoted by an ICMP error). */
static bool
read_flow(const uint8_t *at, uint32_t len, bool outgoing, struct owner_flow *flow)
{
	if (len < IPV4_MIN)
		return false;
	uint32_t header = (at[0] & 0x0fu) * 4;
	if (at[0] >> 4 != 4 || header < IPV4_MIN || len < header + 4 || at[9] != PROTOCOL_TCP ||
	    (load_be16(at + 6) & IPV4_FRAGMENT) != 0)
		return false;
	uint32_t source = load_be32(at + 12), destination = load_be32(at + 16);
	uint16_t source_port = load_be16(at + header),
		 destination_port = load_be16(at + header + 2);
	if (outgoing)
		*flow = (struct owner_flow){destination, source, destination_port, source_port};
	else
		*flow = (struct owner_flow){source, destination, source_port, destination_port};
	return true;
}

unsigned
owner_of_frame(const struct owner_map *map, const uint8_t *frame, uint16_t len)
{
	struct owner_flow flow;
	if (len < ETH_SIZE + IPV4_MIN)
		return DEFAULT_OWNER;
	uint16_t type = load_be16(frame + ETH_TYPE);
	if (type == TYPE_ARP)
		return OWNER_EVERYBODY;
	if (type != TYPE_IPV4)
		return DEFAULT_OWNER;
	const uint8_t *ip = frame + ETH_SIZE;
	uint32_t left = len - ETH_SIZE;
	if (read_flow(ip, left, false, &flow))
		return owner_of_flow(map, &flow);
	uint32_t header = (ip[0] & 0x0fu) * 4;
	bool quotes = ip[9] == PROTOCOL_ICMP && left > header + ICMP_ERROR;
	if (quotes && read_flow(ip + header + ICMP_ERROR, left - header - ICMP_ERROR, true, &flow))
		return owner_of_flow(map, &flow);
	return DEFAULT_OWNER;
}
