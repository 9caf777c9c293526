/* proto/inet/cookie.c - what a connection needs of a SYN, in the 32 bits of a sequence number and 6 of a timestamp. */
#include "proto/inet/cookie.h"

#include "proto/base/bytes.h"
#include "proto/base/siphash.h"
#include "proto/inet/tcp_state.h"

#define COUNT_SHIFT  30
#define COUNT_MASK   3u
#define MSS_SHIFT    27
#define MSS_MASK     7u
#define HASH_MASK    ((1u << MSS_SHIFT) - 1)
#define TS_BITS      6
#define TS_MASK      ((1u << TS_BITS) - 1)
#define TS_WSCALE    0xfu /* 15: none was offered */
#define TS_SACK      0x10u
#define WSCALE_NONE  15
#define COOKIE_TICKS 2 /* this one and the one before */

/* What links have: the greatest that is not above the peer's counts. */
static const uint16_t sizes[MSS_MASK + 1] = {TCP_MSS_FLOOR, 536,  1200, 1360,
					     1440,          1460, 4312, 8960};

/* tick: whole, not only the two bits of it that travel. timed: the peer sends timestamps. */
static uint32_t
hash(const struct cookie_secret *secret, const struct cookie_flow *flow, uint64_t tick, tcp_seq irs,
     uint8_t size_and_timed)
{
	uint8_t key[SIPHASH_KEY_SIZE], text[26];
	store_le64(key, secret->key[0]);
	store_le64(key + 8, secret->key[1]);
	store_le32(text, flow->local);
	store_le32(text + 4, flow->remote);
	store_le16(text + 8, flow->local_port);
	store_le16(text + 10, flow->remote_port);
	store_le32(text + 12, irs);
	store_le64(text + 16, tick);
	text[24] = size_and_timed;
	text[25] = 'c';
	return (uint32_t)siphash24(key, text, sizeof(text)) & HASH_MASK;
}

static uint8_t
size_index(uint16_t mss)
{
	uint8_t index = 0;
	while (index < MSS_MASK && sizes[index + 1] <= mss)
		index++;
	return index;
}

static uint8_t
mixed(uint8_t index, bool timed)
{
	return (uint8_t)(index << 1 | timed);
}

/* The newest timestamp that is not ahead of the clock and ends in these bits. */
static uint32_t
ts_with(uint32_t now, uint32_t bits)
{
	uint32_t value = (now & ~TS_MASK) | bits;
	return (int32_t)(value - now) > 0 ? value - (TS_MASK + 1) : value;
}

void
cookie_answer(const struct cookie_secret *secret, const struct cookie_flow *flow,
	      const struct tcp_config *config, const struct tcp_segment *syn, uint64_t now_us,
	      struct tcp_segment *answer)
{
	const struct tcp_options *offered = &syn->options;
	uint64_t tick = now_us / COOKIE_TICK_US;
	bool timed = config->timestamps && offered->has_timestamp;
	uint8_t index = size_index(offered->mss != 0 ? offered->mss : TCP_MSS_DEFAULT);
	*answer = (struct tcp_segment){.flags = TCP_SYN | TCP_ACK, .ack = syn->seq + 1};
	answer->seq = ((uint32_t)tick & COUNT_MASK) << COUNT_SHIFT | (uint32_t)index << MSS_SHIFT |
		      hash(secret, flow, tick, syn->seq, mixed(index, timed));
	uint32_t room = config->rcv_buffer;
	answer->window = (uint16_t)(room < TCP_WINDOW_UNSCALED ? room : TCP_WINDOW_UNSCALED);
	answer->options.mss = config->mss;
	answer->options.wscale = TCP_WSCALE_ABSENT;
	if (!timed)
		return;
	bool scaled = offered->wscale != TCP_WSCALE_ABSENT,
	     sack = config->sack && offered->sack_permitted;
	uint32_t bits = scaled ? offered->wscale & TS_WSCALE : WSCALE_NONE;
	bits |= sack ? TS_SACK : 0;
	answer->options.has_timestamp = true;
	answer->options.ts_value = ts_with((uint32_t)(now_us / 1000) + secret->ts_offset, bits);
	answer->options.ts_echo = offered->ts_value;
	answer->options.sack_permitted = sack;
	if (scaled)
		answer->options.wscale = config->wscale;
}

/* The tick whose low bits a cookie has, and which is not in the future. */
static uint64_t
tick_of(tcp_seq cookie, uint64_t now_tick)
{
	return now_tick - (((uint32_t)now_tick - (cookie >> COUNT_SHIFT)) & COUNT_MASK);
}

enum cookie_verdict
cookie_check(const struct cookie_secret *secret, const struct cookie_flow *flow,
	     const struct tcp_segment *ack, uint64_t now_us, struct tcp_segment *syn)
{
	tcp_seq cookie = ack->ack - 1, irs = ack->seq - 1;
	uint64_t now_tick = now_us / COOKIE_TICK_US, tick = tick_of(cookie, now_tick);
	uint8_t index = (uint8_t)(cookie >> MSS_SHIFT & MSS_MASK);
	bool timed = ack->options.has_timestamp;
	if (tick > now_tick ||
	    (cookie & HASH_MASK) != hash(secret, flow, tick, irs, mixed(index, timed)))
		return COOKIE_FORGED;
	if (now_tick - tick >= COOKIE_TICKS)
		return COOKIE_STALE;
	*syn = (struct tcp_segment){.flags = TCP_SYN, .seq = irs, .window = ack->window};
	syn->options.mss = sizes[index];
	syn->options.wscale = TCP_WSCALE_ABSENT;
	if (!timed)
		return COOKIE_GOOD;
	uint32_t bits = ack->options.ts_echo & TS_MASK;
	syn->options.has_timestamp = true;
	syn->options.ts_value = ack->options.ts_value;
	syn->options.sack_permitted = (bits & TS_SACK) != 0;
	if ((bits & TS_WSCALE) != WSCALE_NONE)
		syn->options.wscale = bits & TS_WSCALE;
	return COOKIE_GOOD;
}
