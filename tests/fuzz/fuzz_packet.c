/* tests/fuzz/fuzz_packet.c - any bytes as a frame, then whatever the frame leads to: ARP cache, ICMP, echo reply.
 *
 * Checksums are vouched for in one run and made right in another, or the fuzzer would never get past them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "proto/inet/arp_cache.h"
#include "proto/inet/checksum.h"
#include "proto/inet/icmp.h"
#include "proto/inet/packet.h"
#include "tests/fuzz/target.h"

#define FRAME_MAX 4096

static const struct packet_host host = {
	.mac = {{2, 0, 0, 0, 0, 1}}, .address = 0x0a000001, .netmask = 0xffffff00};

static void
check_tcp(const struct packet *p, uint32_t total)
{
	ASSERT(p->l3_offset == 14 && p->l4_offset >= 34 && p->l4_offset <= 74);
	ASSERT(p->payload_offset >= p->l4_offset + 20 && p->payload_offset <= p->l4_offset + 60);
	ASSERT((uint32_t)p->payload_offset + p->payload_len <= total);
	ASSERT(p->payload_len == p->segment.payload_len);
	ASSERT(p->segment.options.sack_count <= TCP_SACK_BLOCKS_MAX);
	ASSERT(p->source != host.address && p->destination == host.address);
}

static void
check_icmp(uint8_t *frame, const struct packet *p, uint32_t len)
{
	struct icmp_error error;
	uint16_t end = (uint16_t)(p->payload_offset + p->payload_len);
	ASSERT(end <= len);
	enum icmp_kind kind =
		icmp_parse(frame + p->payload_offset, p->payload_len, host.address, &error);
	ASSERT(kind < ICMP_KIND_COUNT);
	if (kind != ICMP_ECHO_REQUEST || !icmp_echo_reply(frame, end, host.mac.bytes, host.address))
		return;
	ASSERT(checksum_holds(checksum_add(0, frame + 14, 20)));
	ASSERT(checksum_holds(checksum_add(0, frame + 34, end - 34u)));
}

static void
check_arp(const struct packet *p)
{
	struct arp_cache *cache = malloc(sizeof(*cache));
	struct arp_outcome outcome;
	ASSERT(cache != NULL);
	arp_cache_init(cache, host.mac.bytes, host.address);
	for (uint64_t now = 1; now < 200000000; now += 50000000)
		arp_input(cache, &p->arp, now, &outcome);
	free(cache);
}

static void
parse(const uint8_t *data, size_t size, uint32_t total, struct packet_vouched vouched)
{
	uint8_t *frame = malloc(size > 0 ? size : 1); /* exactly as large: reads beyond are seen */
	struct packet packet;
	ASSERT(frame != NULL);
	if (size > 0)
		memcpy(frame, data, size);
	enum packet_kind kind = packet_parse(&host, frame, (uint16_t)size, total, vouched, &packet);
	ASSERT(kind < PACKET_KIND_COUNT);
	if (kind == PACKET_TCP)
		check_tcp(&packet, total);
	else if (kind == PACKET_ICMP)
		check_icmp(frame, &packet, (uint32_t)size);
	else if (kind == PACKET_ARP)
		check_arp(&packet);
	free(frame);
}

/* To our MAC and our address, every checksum right. */
static void
make_plausible(uint8_t *frame, size_t size)
{
	memcpy(frame, host.mac.bytes, sizeof(host.mac.bytes));
	size_t header = (frame[14] & 15u) * 4, length = (size_t)frame[16] << 8 | frame[17];
	if (frame[12] != 8 || frame[13] != 0 || header < 20 || length < header + 8 ||
	    14 + length > size)
		return;
	memcpy(frame + 30, "\x0a\0\0\1", 4);
	memset(frame + 24, 0, 2);
	checksum_store(frame + 24, checksum_add(0, frame + 14, header));
	uint8_t *l4 = frame + 14 + header;
	if (frame[23] == 1) {
		memset(l4 + 2, 0, 2);
		checksum_store(l4 + 2, checksum_add(0, l4, length - header));
	} else if (length >= header + 20) {
		uint32_t source = (uint32_t)frame[26] << 24 | (uint32_t)frame[27] << 16 |
				  (uint32_t)frame[28] << 8 | frame[29];
		packet_tcp_checksum(l4, (uint16_t)(length - header), source, host.address);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > FRAME_MAX)
		return 0;
	parse(data, size, (uint32_t)size, (struct packet_vouched){false, false});
	parse(data, size, (uint32_t)size, (struct packet_vouched){true, true});
	parse(data, size, (uint32_t)size + 1000, (struct packet_vouched){true, true});
	if (size < 34)
		return 0;
	uint8_t frame[FRAME_MAX];
	memcpy(frame, data, size);
	make_plausible(frame, size);
	parse(frame, size, (uint32_t)size, (struct packet_vouched){false, false});
	return 0;
}
