/* app/net/stack_input.c - frames in: check, find the connection, feed its TCP machine.
 *
 *     burst of <= STACK_BURST_MAX --> packet_parse() each --> flow lookup of all --> prefetch --> tcp_input() each, in order
 *
 * The three passes hide one another's cache misses. A connection is never freed in here, so what the
 * lookup found stays valid for the burst; a flow that was not found is looked up once more, because an earlier segment of the
 * burst may have opened it.
 */
#include <rte_ether.h>
#include <rte_prefetch.h>

#include "app/net/stack_internal.h"
#include "proto/inet/cookie.h"
#include "proto/inet/isn.h"

#define PREFETCH_AHEAD 4

struct burst {
	uint16_t count; /* TCP segments */
	struct rte_mbuf *mbufs[STACK_BURST_MAX];
	struct packet packets[STACK_BURST_MAX];
	struct flow_key keys[STACK_BURST_MAX];
	hash_sig_t hashes[STACK_BURST_MAX];
	void *found[STACK_BURST_MAX];
};

static struct packet_vouched
vouched_by_device(const struct rte_mbuf *m)
{
	uint64_t flags = m->ol_flags;
	return (struct packet_vouched){
		.ip_checksum = (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		.l4_checksum = (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	};
}

/* ---- frames that are not TCP ---- */

/* The connection that an error speaks of; NULL: none. */
static struct conn *
icmp_conn(const struct stack *stack, const struct icmp_error *error)
{
	struct flow_key key = {.remote = error->remote,
			       .local = error->local,
			       .remote_port = error->remote_port,
			       .local_port = error->local_port};
	void *data;
	if (rte_hash_lookup_with_hash_data(stack->flows, &key, flow_hash(stack, &key), &data) < 0 ||
	    flow_is_time_wait(data))
		return NULL;
	return data;
}

static void
icmp_unreachable(struct stack *stack, const struct icmp_error *error)
{
	struct conn *conn = icmp_conn(stack, error);
	/* RFC 5927 6: a hard error ends an attempt to connect, never an established connection. */
	if (conn == NULL || conn->tcp.state != TCP_SYN_SENT || error->seq != conn->tcp.snd_una)
		return;
	tcp_abort(&conn->tcp);
	conn->head.end = TCP_EVENT_REFUSED;
	stack_conn_dirty(conn);
}

static void
icmp_too_big(struct stack *stack, const struct icmp_error *error)
{
	struct conn *conn = icmp_conn(stack, error);
	if (conn == NULL || !tcp_path_mtu(&conn->tcp, error->mtu, error->seq, stack->now_us))
		return;
	stack->counters.path_mtu++;
	stack_conn_dirty(conn);
}

/* Takes m over. */
static void
icmp_in(struct stack *stack, struct rte_mbuf *m, const struct packet *packet)
{
	struct icmp_error error;
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	const struct packet_host *host = &stack->config.host;
	enum icmp_kind kind = icmp_parse(frame + packet->payload_offset, packet->payload_len,
					 host->address, &error);
	uint16_t len = (uint16_t)(packet->payload_offset + packet->payload_len);
	if (kind == ICMP_ECHO_REQUEST &&
	    !icmp_allow(&stack->icmp_bucket, &stack->prng, stack->now_us))
		kind = ICMP_DROP_RATE;
	stack->counters.icmp[kind]++;
	if (kind == ICMP_TCP_UNREACHABLE)
		icmp_unreachable(stack, &error);
	if (kind == ICMP_TCP_TOO_BIG)
		icmp_too_big(stack, &error);
	if (kind != ICMP_ECHO_REQUEST || m->nb_segs > 1 ||
	    !icmp_echo_reply(frame, len, host->mac.bytes, host->address)) {
		rte_pktmbuf_free(m);
		return;
	}
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - len));
	m->ol_flags = 0;
	if (neighbour_resolve(stack, m, packet->source))
		stack_control_push(stack, m);
}

/* ---- segments without a connection ---- */

static const struct listener *
listener_of(const struct stack *stack, uint16_t port)
{
	for (unsigned i = 0; i < STACK_LISTENERS_MAX; i++)
		if (stack->listeners[i].port == port)
			return &stack->listeners[i];
	return NULL;
}

static void
refuse(struct stack *stack, const struct packet *packet)
{
	struct tcp_segment reset;
	if (!tcp_reset_for(&packet->segment, &reset))
		return;
	if (!icmp_allow(&stack->reset_bucket, &stack->prng, stack->now_us)) {
		stack->counters.resets_limited++; /* spec 6, 32 */
		return;
	}
	stack->counters.resets_sent++;
	stack_reply_segment(stack, packet, &reset);
}

static void
cookie_names(const struct stack *stack, const struct flow_key *key, struct cookie_secret *secret,
	     struct cookie_flow *flow)
{
	const uint64_t *s = stack->config.secret;
	*secret = (struct cookie_secret){
		{s[0], s[1]},
		isn_ts_offset(s, key->local, key->local_port, key->remote, key->remote_port)
        };
	*flow = (struct cookie_flow){key->local, key->remote, key->local_port, key->remote_port};
}

/* Too many are half open: this SYN is answered and forgotten (spec 6, 1). */
static void
answer_with_cookie(struct stack *stack, const struct packet *packet, const struct flow_key *key)
{
	struct cookie_secret secret;
	struct cookie_flow flow;
	struct tcp_segment answer;
	cookie_names(stack, key, &secret, &flow);
	cookie_answer(&secret, &flow, &stack->config.tcp, &packet->segment, stack->now_us, &answer);
	stack->counters.cookies_sent++;
	stack->cookies_until_us = stack->now_us + 2 * COOKIE_TICK_US;
	stack_reply_segment(stack, packet, &answer);
}

/* An ACK for nobody may be the answer to a cookie, if any was sent of late (spec 6, 2). NULL: it is not, or there is no room. */
static struct conn *
open_from_cookie(struct stack *stack, const struct packet *packet, const struct flow_key *key,
		 void *user)
{
	const struct tcp_segment *s = &packet->segment;
	struct cookie_secret secret;
	struct cookie_flow flow;
	struct tcp_segment syn;
	if (stack->now_us >= stack->cookies_until_us ||
	    (s->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK)
		return NULL;
	cookie_names(stack, key, &secret, &flow);
	if (cookie_check(&secret, &flow, s, stack->now_us, &syn) != COOKIE_GOOD) {
		stack->counters.cookies_bad++;
		return NULL;
	}
	struct conn *conn = stack_conn_new(stack, key, user);
	if (conn == NULL)
		return NULL;
	stack->counters.cookies_good++;
	conn->flags |= CONN_PASSIVE;
	tcp_open_passive(&conn->tcp, &stack->config.tcp, &syn, s->ack - 1, stack->now_us);
	tcp_set_ts_offset(&conn->tcp, secret.ts_offset);
	return conn;
}

/* RFC 9293 3.10.7.2 (LISTEN) and 3.10.7.1 (CLOSED). iss_floor: not 0 when TIME-WAIT is reopened. */
static void
input_unknown(struct stack *stack, const struct packet *packet, const struct flow_key *key,
	      tcp_seq iss_floor)
{
	const struct tcp_segment *s = &packet->segment;
	const struct listener *l = listener_of(stack, packet->destination_port);
	if (l == NULL)
		stack->counters.no_listener++;
	if (l == NULL || (s->flags & TCP_ACK)) {
		refuse(stack, packet);
		return;
	}
	/* SYN with FIN is treated as a SYN (spec 6, 35); anything else without SYN is dropped. */
	if ((s->flags & (TCP_RST | TCP_SYN)) != TCP_SYN) {
		stack->counters.tcp[TCP_DROP_CLOSED]++;
		return;
	}
	if (stack->half_open >= stack->config.half_open_max) {
		answer_with_cookie(stack, packet, key);
		return;
	}
	struct conn *conn = stack_conn_new(stack, key, l->user);
	if (conn == NULL)
		return; /* the peer tries again (spec 6, 1) */
	tcp_seq iss = isn_generate(stack->config.secret, key->local, key->local_port, key->remote,
				   key->remote_port, stack->now_us);
	if (iss_floor != 0 && seq_lt(iss, iss_floor))
		iss = iss_floor;
	conn->flags |= CONN_PASSIVE | CONN_HALF_OPEN;
	stack->half_open++;
	tcp_open_passive(&conn->tcp, &stack->config.tcp, s, iss, stack->now_us);
	tcp_set_ts_offset(&conn->tcp,
			  isn_ts_offset(stack->config.secret, key->local, key->local_port,
					key->remote, key->remote_port));
	stack_conn_dirty(conn);
}

static void
input_time_wait(struct stack *stack, const struct packet *packet, const struct flow_key *key,
		struct time_wait *w)
{
	struct tcp_segment reply;
	tcp_seq floor;
	switch (tcp_time_wait_input(&w->tcp, &stack->config.tcp, &packet->segment, stack->now_us,
				    &reply)) {
	case TCP_TIME_WAIT_ACK:
		stack_reply_segment(stack, packet, &reply);
		break;
	case TCP_TIME_WAIT_REOPEN:
		floor = w->tcp.snd_nxt + 1;
		stack_time_wait_remove(stack, w);
		input_unknown(stack, packet, key, floor != 0 ? floor : 1);
		break;
	case TCP_TIME_WAIT_END:
		stack_time_wait_remove(stack, w);
		break;
	case TCP_TIME_WAIT_DROP:
		stack->counters.tcp[TCP_DROP_SEQ]++;
		break;
	}
}

/* ---- segments of a connection ---- */

static void
report_events(struct conn *conn, uint8_t events)
{
	struct stack *stack = conn->stack;
	if (events & TCP_EVENT_ESTABLISHED) {
		bool passive = (conn->flags & CONN_PASSIVE) != 0;
		stack_conn_not_half_open(conn);
		uint64_t *counter =
			passive ? &stack->counters.accepted : &stack->counters.connected;
		(*counter)++;
		stack_conn_ready(conn, passive ? CONN_ACCEPTED : CONN_CONNECTED);
	}
	if (events & TCP_EVENT_FIN)
		stack_conn_ready(conn, CONN_PEER_DONE);
	/* How it ended is remembered; stack_output() takes the connection out of the tables. */
	conn->head.end |= events & (TCP_EVENT_RESET | TCP_EVENT_REFUSED);
}

/* Takes m over. */
static void
input_conn(struct conn *conn, struct rte_mbuf *m, const struct packet *packet)
{
	struct stack *stack = conn->stack;
	struct tcp_accept accept;
	enum tcp_drop drop = tcp_input(&conn->tcp, &packet->segment, stack->now_us, &accept);
	stack->counters.tcp[drop]++;
	if (accept.acked > 0) {
		conn_release_acked(conn, accept.acked);
		stack_conn_ready(conn, CONN_WRITABLE);
	}
	if (accept.events & ~(unsigned)TCP_EVENT_ACKED)
		report_events(conn, accept.events);
	if (accept.take > 0 && (conn->flags & CONN_ENDED) == 0) {
		conn_keep(conn, m, packet->payload_offset, &accept);
		if (accept.at == 0)
			stack_conn_ready(conn, CONN_READABLE);
	} else {
		rte_pktmbuf_free(m);
	}
	stack_conn_dirty(conn);
}

/* Takes m over. */
static void
input_segment(struct stack *stack, struct rte_mbuf *m, const struct packet *packet,
	      const struct flow_key *key, void *found)
{
	if (unlikely(found == NULL || flow_is_time_wait(found))) {
		found = NULL;
		rte_hash_lookup_with_hash_data(stack->flows, key, flow_hash(stack, key), &found);
		const struct listener *l = listener_of(stack, packet->destination_port);
		if (found == NULL && l != NULL)
			found = open_from_cookie(stack, packet, key, l->user);
		if (found == NULL)
			input_unknown(stack, packet, key, 0);
		else if (flow_is_time_wait(found))
			input_time_wait(stack, packet, key, flow_time_wait(found));
		if (found == NULL || flow_is_time_wait(found)) {
			rte_pktmbuf_free(m);
			return;
		}
	}
	input_conn(found, m, packet);
}

/* Everything but TCP is dealt with at once; TCP segments are collected. */
static void
burst_add(struct stack *stack, struct burst *b, struct rte_mbuf *m)
{
	struct packet *packet = &b->packets[b->count];
	stack->counters.rx_bytes += m->pkt_len;
	/* Rings are set up so that a frame fits one mbuf; a device that scatters all the same is put right here. */
	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) < 0) {
		stack->counters.packet[PACKET_DROP_SHORT]++;
		rte_pktmbuf_free(m);
		return;
	}
	enum packet_kind kind =
		packet_parse(&stack->config.host, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len,
			     m->pkt_len, vouched_by_device(m), packet);
	stack->counters.packet[kind]++;
	if (likely(kind == PACKET_TCP)) {
		struct flow_key *key = &b->keys[b->count];
		*key = (struct flow_key){.remote = packet->source,
					 .local = packet->destination,
					 .remote_port = packet->source_port,
					 .local_port = packet->destination_port};
		b->hashes[b->count] = flow_hash(stack, key);
		b->mbufs[b->count++] = m;
	} else if (kind == PACKET_ICMP) {
		icmp_in(stack, m, packet);
	} else {
		if (kind == PACKET_ARP)
			neighbour_input(stack, &packet->arp);
		rte_pktmbuf_free(m);
	}
}

static void
burst_find(struct stack *stack, struct burst *b)
{
	const void *keys[STACK_BURST_MAX];
	uint64_t hits = 0;
	for (unsigned i = 0; i < b->count; i++)
		keys[i] = &b->keys[i];
	if (b->count > 0)
		rte_hash_lookup_with_hash_bulk_data(stack->flows, keys, b->hashes, b->count, &hits,
						    b->found);
	for (unsigned i = 0; i < b->count; i++) {
		if ((hits & (UINT64_C(1) << i)) == 0) {
			b->found[i] = NULL;
			continue;
		}
		const struct conn *conn = (struct conn *)((uintptr_t)b->found[i] & ~(uintptr_t)1);
		rte_prefetch0(conn);
		rte_prefetch0(&conn->tcp);
		rte_prefetch0((const char *)&conn->tcp + RTE_CACHE_LINE_SIZE);
	}
}

/* The headers, and as much of a small payload: the checksum reads all of it. Of a long one the hardware sees the direction. */
static inline void
prefetch_frame(const struct rte_mbuf *m)
{
	const char *at = rte_pktmbuf_mtod(m, const char *);
	rte_prefetch0(at);
	rte_prefetch0(at + RTE_CACHE_LINE_SIZE);
	rte_prefetch0(at + (size_t)2 * RTE_CACHE_LINE_SIZE);
}

static void
input_burst(struct stack *stack, struct rte_mbuf **packets, uint16_t count)
{
	struct burst b;
	b.count = 0;
	for (unsigned i = 0; i < PREFETCH_AHEAD && i < count; i++)
		prefetch_frame(packets[i]);
	for (unsigned i = 0; i < count; i++) {
		if (i + PREFETCH_AHEAD < count)
			prefetch_frame(packets[i + PREFETCH_AHEAD]);
		burst_add(stack, &b, packets[i]);
	}
	burst_find(stack, &b);
	for (unsigned i = 0; i < b.count; i++)
		input_segment(stack, b.mbufs[i], &b.packets[i], &b.keys[i], b.found[i]);
}

void
stack_input(struct stack *stack, struct rte_mbuf **packets, uint16_t count, uint64_t now_us)
{
	stack->now_us = now_us;
	stack->counters.rx_packets += count;
	for (uint16_t done = 0; done < count;) {
		uint16_t part = (uint16_t)(count - done);
		if (part > STACK_BURST_MAX)
			part = STACK_BURST_MAX;
		input_burst(stack, packets + done, part);
		done = (uint16_t)(done + part);
	}
}
