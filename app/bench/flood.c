/* app/bench/flood.c - a SYN with an MSS and a window, as a stock client's. */
#include "app/bench/flood.h"

#include <string.h>

#include <rte_mbuf.h>

#define STRANGERS      0xc6120000u /* 198.18.0.0/15, kept for benchmarks (RFC 2544 C.2.2) */
#define STRANGERS_MASK 0x0001ffffu
#define L3_OFFSET      14
#define L4_OFFSET      34

void
flood_init(struct flood *flood, const struct port *port, const struct bench_options *options)
{
	*flood = (struct flood){
		.rate = options->flood, .pool = port->control_pool, .has_mac = options->flood == 0};
	memcpy(flood->flow.source_mac.bytes, port->mac, sizeof(flood->flow.source_mac.bytes));
	flood->flow.destination = options->server;
	flood->flow.destination_port = options->port;
	flood->flow.ttl = 64;
	prng_seed(&flood->prng, options->seed);
}

void
flood_learn(struct flood *flood, const struct rte_mbuf *frame)
{
	uint8_t *mac = flood->flow.destination_mac.bytes;
	if (frame->data_len < L3_OFFSET)
		return;
	memcpy(mac, rte_pktmbuf_mtod(frame, const uint8_t *) + 6, 6);
	flood->has_mac = true;
}

static struct rte_mbuf *
build(struct flood *flood)
{
	uint64_t drawn = prng_next(&flood->prng);
	struct tcp_segment syn = {
		.seq = (uint32_t)drawn,
		.window = 65535,
		.flags = TCP_SYN,
		.options = {.mss = 1460, .wscale = 7, .sack_permitted = true}
        };
	struct rte_mbuf *m = rte_pktmbuf_alloc(flood->pool);
	if (m == NULL)
		return NULL;
	flood->flow.source = STRANGERS | ((uint32_t)(drawn >> 32) & STRANGERS_MASK);
	flood->flow.source_port = (uint16_t)(1024 + (drawn >> 49) % 60000);
	uint16_t size = packet_tcp_headers_size(&syn.options);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, size);
	packet_tcp_headers(at, &flood->flow, &syn, false);
	packet_tcp_checksum(at + L4_OFFSET, (uint16_t)(size - L4_OFFSET), flood->flow.source,
			    flood->flow.destination);
	return m;
}

uint16_t
flood_output(struct flood *flood, struct rte_mbuf **frames, uint16_t max, uint64_t now_us)
{
	uint16_t count = 0;
	if (flood->rate == 0 || !flood->has_mac)
		return 0;
	if (flood->began_us == 0)
		flood->began_us = now_us;
	uint64_t due = (uint64_t)((double)(now_us - flood->began_us) * flood->rate / 1e6);
	for (; count < max && flood->sent + count < due; count++) {
		frames[count] = build(flood);
		if (frames[count] == NULL)
			break;
	}
	flood->sent += count;
	return count;
}
