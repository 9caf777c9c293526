/* tests/sim/cluster/net.c - connections as ordered lanes. Segments are not modelled: a frame arrives whole, or later. Splitting
 * frames anywhere is the business of the control lcore's framing and of its own tests. */
#include "tests/sim/cluster/net.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/world.h"

#define LINK_BUCKETS 64u
#define MILLION      1000000u

struct frame *
frame_new(uint32_t len)
{
	struct frame *frame = malloc(sizeof(*frame) + len);
	ASSERT(frame != NULL);
	frame->refs = 1;
	frame->len = len;
	return frame;
}

void
frame_drop(struct frame *frame)
{
	if (frame != NULL && --frame->refs == 0)
		free(frame);
}

static void
conn_drop(struct conn *conn)
{
	ASSERT(conn->refs > 0);
	if (--conn->refs > 0)
		return;
	for (int side = 0; side < 2; side++) {
		struct stalled *at = conn->lanes[side].first;
		while (at != NULL) {
			struct stalled *next = at->next;
			frame_drop(at->frame);
			free(at);
			at = next;
		}
	}
	free(conn);
}

void
net_let_go(struct conn *conn)
{
	conn_drop(conn);
}

void
net_init_host(struct host *h)
{
	h->links = calloc(LINK_BUCKETS, sizeof(*h->links));
	ASSERT(h->links != NULL);
}

void
net_free_host(struct world *w, struct host *h)
{
	net_drop_all(w, h, true);
	free(h->links);
}

static struct conn_end **
link_bucket(const struct host *h, bus_link link)
{
	/* Ours are even and theirs odd: both bits of the choice come from above. */
	return &h->links[(link >> 1 ^ (link & 1) << 5) % LINK_BUCKETS];
}

static struct conn_end *
link_find(const struct host *h, bus_link link)
{
	struct conn_end *end = *link_bucket(h, link);
	while (end != NULL && end->link != link)
		end = end->next;
	return end;
}

static void
link_open(struct host *h, struct conn *conn, uint8_t side, bus_link link)
{
	struct conn_end *end = &conn->ends[side];
	struct conn_end **bucket = link_bucket(h, link);
	*end = (struct conn_end){conn, h->index, link, side, true, *bucket};
	*bucket = end;
	conn->refs++;
}

static void
link_shut(struct world *w, struct conn_end *end)
{
	ASSERT(end->open);
	struct conn_end **at = link_bucket(&w->hosts[end->host], end->link);
	while (*at != end)
		at = &(*at)->next;
	*at = end->next;
	end->open = false;
	conn_drop(end->conn);
}

bool
net_blocked(const struct world *w, uint32_t from, uint32_t to)
{
	return w->hosts[from].machine_down || w->hosts[to].machine_down ||
	       w->cut[(size_t)from * w->host_count + to] > 0;
}

static uint64_t
net_latency_us(struct world *w)
{
	uint64_t jitter = w->jitter_us > 0 ? prng_below(&w->net_prng, w->jitter_us) : 0;
	return w->latency_us + jitter;
}

static bool
net_lost(struct world *w)
{
	return w->loss_per_million > 0 && prng_below(&w->net_prng, MILLION) < w->loss_per_million;
}

/* Behind the others; the first one starts the timer. */
static void
lane_stall(struct world *w, struct conn *conn, uint8_t to, enum net_item item, struct frame *frame)
{
	struct lane *lane = &conn->lanes[to];
	struct stalled *stalled = calloc(1, sizeof(*stalled));
	ASSERT(stalled != NULL);
	stalled->item = item;
	stalled->frame = frame;
	if (lane->first == NULL) {
		lane->tail = &lane->first;
		lane->rto_us = NET_RTO_US;
		lane->since_us = w->now_us;
		conn->refs++;
		world_push(w, (struct event){.due_us = w->now_us + lane->rto_us,
					     .kind = EVENT_RETRY,
					     .side = to,
					     .host = HOST_NONE,
					     .conn = conn});
	}
	*lane->tail = stalled;
	lane->tail = &stalled->next;
}

static void
lane_fly(struct world *w, struct conn *conn, uint8_t to, enum net_item item, struct frame *frame)
{
	struct lane *lane = &conn->lanes[to];
	uint64_t due_us = w->now_us + net_latency_us(w);
	if (due_us < lane->last_us)
		due_us = lane->last_us;
	lane->last_us = due_us;
	conn->refs++;
	world_push(w, (struct event){.due_us = due_us,
				     .kind = EVENT_ARRIVE,
				     .side = to,
				     .item = (uint8_t)item,
				     .host = conn->ends[to].host,
				     .conn = conn,
				     .frame = frame});
}

/* Takes the reference of frame. */
static void
lane_put(struct world *w, struct conn *conn, uint8_t to, enum net_item item, struct frame *frame)
{
	uint32_t from = conn->ends[!to].host, host = conn->ends[to].host;
	if (item == ITEM_RESET) { /* sent once, lost if it meets trouble */
		if (!net_blocked(w, from, host))
			lane_fly(w, conn, to, item, frame);
	} else if (conn->lanes[to].first != NULL || net_blocked(w, from, host) || net_lost(w))
		lane_stall(w, conn, to, item, frame);
	else
		lane_fly(w, conn, to, item, frame);
}

/* "10.<generation>.<high>.<low>": the host that has this address now. */
static uint32_t
net_host_at(const struct world *w, const char *ip, uint16_t cport)
{
	for (uint32_t i = 0; cport == WORLD_CPORT && i < w->host_count; i++)
		if (strcmp(w->hosts[i].ip, ip) == 0)
			return i;
	return HOST_NONE;
}

bool
net_connect(struct world *w, struct host *h, bus_link link, const char *ip, uint16_t cport)
{
	uint32_t to = net_host_at(w, ip, cport);
	if (to == HOST_NONE)
		return false;
	struct conn *conn = calloc(1, sizeof(*conn));
	ASSERT(conn != NULL && link_find(h, link) == NULL);
	link_open(h, conn, 0, link);
	conn->ends[1] = (struct conn_end){.conn = conn, .host = to, .side = 1};
	conn->refs++;
	world_push(w, (struct event){.due_us = w->now_us + net_latency_us(w),
				     .kind = EVENT_SYN,
				     .host = to,
				     .conn = conn});
	return true;
}

bool
net_send(struct world *w, struct host *h, bus_link link, struct frame *frame)
{
	struct conn_end *end = link_find(h, link);
	if (end == NULL) {
		frame_drop(frame);
		return false;
	}
	w->counts.frames++;
	w->counts.bytes += frame->len;
	h->frames_sent++;
	h->bytes_sent += frame->len;
	if (w->duplicate_per_million > 0 &&
	    prng_below(&w->net_prng, MILLION) < w->duplicate_per_million) {
		frame->refs++;
		lane_put(w, end->conn, !end->side, ITEM_DATA, frame);
	}
	lane_put(w, end->conn, !end->side, ITEM_DATA, frame);
	return true;
}

uint32_t
net_peer(const struct world *w, const struct host *h, bus_link link)
{
	(void)w;
	const struct conn_end *end = link_find(h, link);
	return end == NULL ? HOST_NONE : end->conn->ends[!end->side].host;
}

unsigned
net_link_count(const struct host *h)
{
	unsigned count = 0;
	for (unsigned bucket = 0; bucket < LINK_BUCKETS; bucket++)
		for (const struct conn_end *end = h->links[bucket]; end != NULL; end = end->next)
			count++;
	return count;
}

void
net_close(struct world *w, struct host *h, bus_link link)
{
	struct conn_end *end = link_find(h, link);
	if (end == NULL)
		return;
	lane_put(w, end->conn, !end->side, ITEM_CLOSE, NULL);
	link_shut(w, end);
}

void
net_drop_all(struct world *w, struct host *h, bool silent)
{
	for (unsigned bucket = 0; bucket < LINK_BUCKETS; bucket++)
		while (h->links[bucket] != NULL) {
			struct conn_end *end = h->links[bucket];
			if (!silent)
				lane_put(w, end->conn, !end->side, ITEM_RESET, NULL);
			link_shut(w, end);
		}
}

/* The host's process learns that its link is gone. */
static void
net_down(struct world *w, struct conn_end *end)
{
	struct host *h = &w->hosts[end->host];
	struct cluster_event event = {.kind = CLUSTER_LINK_DOWN, .link = end->link};
	link_shut(w, end);
	host_event(w, h, &event);
}

bool
net_break_one(struct world *w, struct host *h, bool half)
{
	unsigned from = (unsigned)prng_below(&w->fault_prng, LINK_BUCKETS);
	for (unsigned i = 0; i < LINK_BUCKETS; i++) {
		struct conn_end *end = h->links[(from + i) % LINK_BUCKETS];
		if (end == NULL)
			continue;
		struct conn_end *other = &end->conn->ends[!end->side];
		end->conn->refs++;
		struct conn *conn = end->conn;
		net_down(w, end);
		if (!half && other->open && host_running(&w->hosts[other->host]))
			net_down(w, other);
		conn_drop(conn);
		return true;
	}
	return false;
}

void
net_on_syn(struct world *w, const struct event *event)
{
	struct conn *conn = event->conn;
	struct conn_end *opener = &conn->ends[0];
	struct host *to = &w->hosts[event->host];
	if (!opener->open) {
		conn_drop(conn);
		return;
	}
	if (net_blocked(w, opener->host, to->index) || net_lost(w)) {
		if (event->number + 1 < NET_SYN_TRIES) {
			struct event again = *event;
			again.due_us = w->now_us + (NET_SYN_US << event->number);
			again.number++;
			world_push(w, again);
			return;
		}
		net_down(w, opener);
	} else if (!to->alive) {
		lane_put(w, conn, 0, ITEM_CLOSE,
			 NULL); /* refused; if the answer is lost the SYN comes again */
	} else {
		bus_link link = to->next_accepted;
		to->next_accepted += 2;
		link_open(to, conn, 1, link);
		conn->established = true;
		lane_put(w, conn, 0, ITEM_ACCEPTED, NULL);
		struct cluster_event accepted = {.kind = CLUSTER_LINK_ACCEPTED,
						 .link = link,
						 .ip = w->hosts[opener->host].ip,
						 .own_ip = to->ip};
		host_event(w, to, &accepted);
	}
	conn_drop(conn);
}

/* What the stream holds, cut into frames by its own lengths. */
static void
net_receive(struct world *w, struct conn_end *end, const struct frame *frame)
{
	struct host *h = &w->hosts[end->host];
	struct host *from = &w->hosts[end->conn->ends[!end->side].host];
	struct span bytes = {frame->bytes, frame->len};
	uint32_t len;
	if (bus_frame_len(bytes, &len) != BUS_OK || len != frame->len ||
	    bus_decode(bytes, w->gossip, w->message) != BUS_OK) {
		world_violate(w, VIOLATION_SAFETY, "codec: n%u could not read a frame of n%u",
			      h->index + 1, from->index + 1);
		return;
	}
	struct cluster_event event = {.kind = CLUSTER_MESSAGE,
				      .link = end->link,
				      .msg = w->message,
				      .ip = from->ip,
				      .own_ip = h->ip};
	check_receive(w, h, from, w->message);
	host_event(w, h, &event);
}

void
net_on_arrive(struct world *w, const struct event *event)
{
	struct conn *conn = event->conn;
	struct conn_end *end = &conn->ends[event->side];
	struct host *h = &w->hosts[end->host];
	if (net_blocked(w, conn->ends[!event->side].host, end->host)) {
		if (event->item != ITEM_RESET)
			lane_stall(w, conn, event->side, (enum net_item)event->item, event->frame);
		conn_drop(conn);
		return;
	}
	if (conn->lanes[event->side].first != NULL && event->item != ITEM_RESET) {
		lane_stall(w, conn, event->side, (enum net_item)event->item, event->frame);
		conn_drop(conn);
		return;
	}
	if (!end->open) { /* nobody has this connection any more: its other end hears so */
		if (event->item == ITEM_DATA || event->item == ITEM_ACCEPTED)
			lane_put(w, conn, !event->side, ITEM_CLOSE,
				 NULL); /* as often as it is sent again */
	} else if (event->item == ITEM_DATA) {
		net_receive(w, end, event->frame);
	} else if (event->item == ITEM_ACCEPTED) {
		struct cluster_event up = {
			.kind = CLUSTER_LINK_UP, .link = end->link, .ip = h->ip, .own_ip = h->ip};
		host_event(w, h, &up);
	} else {
		net_down(w, end);
	}
	frame_drop(event->frame);
	conn_drop(conn);
}

void
net_on_retry(struct world *w, const struct event *event)
{
	struct conn *conn = event->conn;
	struct lane *lane = &conn->lanes[event->side];
	uint32_t from = conn->ends[!event->side].host, to = conn->ends[event->side].host;
	if (net_blocked(w, from, to) || net_lost(w)) {
		lane->rto_us =
			lane->rto_us * 2 > NET_RTO_US_MAX ? NET_RTO_US_MAX : lane->rto_us * 2;
		struct conn_end *sender = &conn->ends[!event->side];
		if (w->now_us - lane->since_us < NET_GIVE_UP_US) {
			struct event again = *event;
			again.due_us = w->now_us + lane->rto_us;
			world_push(w, again);
			return;
		}
		if (sender->open && host_running(&w->hosts[from]))
			net_down(w, sender);
	} else {
		struct stalled *at = lane->first;
		lane->first = NULL;
		while (at != NULL) {
			struct stalled *next = at->next;
			lane_fly(w, conn, event->side, at->item, at->frame);
			free(at);
			at = next;
		}
	}
	conn_drop(conn);
}
