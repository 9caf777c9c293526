/* app/control/bus.c - links: a table of places, a hash from names to places, two lists of what the end of a turn settles. */
#include "app/control/bus.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_malloc.h>

#include "app/store/allocator.h"
#include "proto/base/assert.h"
#include "proto/resp/writer.h"

#define COLLECT_FIRST 4096 /* most frames of a small cluster fit */
#define ADDRESS_TEXT  16
#define EVICT_LOOKS   64

enum link_state {
	LINK_FREE,
	LINK_CONNECTING,
	LINK_OPEN,
	LINK_FAILED, /* LINK_DOWN is owed */
	LINK_CLOSED, /* forgotten; conn is released at the end of the turn */
};

struct link {
	bus_link id;
	enum link_state state;
	struct conn *conn; /* NULL: there never was one */
	char ip[ADDRESS_TEXT];
	uint8_t *held; /* a frame that is not whole yet */
	uint32_t held_len, held_size;
	uint32_t need; /* its length; 0: not known yet */
	STAILQ_ENTRY(link) next;
};

STAILQ_HEAD(link_list, link);

struct bus {
	struct bus_options of;
	struct rte_hash *by_id;
	uint32_t places;
	uint64_t now_us;
	bus_link next_accepted;
	uint32_t accepted_now, collected, evict_at;
	struct link_list free, failed, closed;
	char own_ip[ADDRESS_TEXT];
	const struct bus_msg *encoded; /* whose frame is in frame */
	uint8_t *frame;
	size_t frame_len, frame_size;
	struct bus_counters counters;
	struct bus_msg msg;
	struct bus_gossip gossip[BUS_GOSSIP_MAX];
	struct link links[];
};

static void
count(_Atomic uint64_t *counter, uint64_t more)
{
	/* One writer: a load and a store, no locked instruction. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

const char *
bus_end_name(enum bus_end end)
{
	static const char *const names[BUS_END_COUNT] = {
		[BUS_END_PEER] = "peer",       [BUS_END_FRAMING] = "framing",
		[BUS_END_COLLECT] = "collect", [BUS_END_QUEUE] = "queue",
		[BUS_END_NO_MBUF] = "no_mbuf", [BUS_END_NO_ROUTE] = "no_route",
		[BUS_END_EVICTED] = "evicted",
	};
	ASSERT(end < BUS_END_COUNT);
	return names[end];
}

static void
address_text(uint32_t address, char text[ADDRESS_TEXT])
{
	struct in_addr in = {.s_addr = htonl(address)};
	inet_ntop(AF_INET, &in, text, ADDRESS_TEXT);
}

struct bus *
bus_create(const struct bus_options *options)
{
	uint32_t places = 4 * options->nodes_max;
	struct rte_hash_parameters hash = {
		.name = "bus_links",
		.entries = 2 * places,
		.key_len = sizeof(bus_link),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
	};
	struct bus *bus = rte_zmalloc("bus", sizeof(*bus) + places * sizeof(struct link),
				      RTE_CACHE_LINE_SIZE);
	if (bus == NULL)
		return NULL;
	bus->of = *options;
	bus->places = places;
	bus->next_accepted = 1;
	address_text(options->address, bus->own_ip);
	STAILQ_INIT(&bus->free);
	STAILQ_INIT(&bus->failed);
	STAILQ_INIT(&bus->closed);
	for (uint32_t i = 0; i < places; i++)
		STAILQ_INSERT_TAIL(&bus->free, &bus->links[i], next);
	bus->by_id = rte_hash_create(&hash);
	if (bus->by_id == NULL) {
		rte_free(bus);
		return NULL;
	}
	return bus;
}

void
bus_destroy(struct bus *bus)
{
	if (bus == NULL)
		return;
	struct allocator *a = bus->of.allocator;
	for (uint32_t i = 0; i < bus->places; i++)
		a->release(a, bus->links[i].held, bus->links[i].held_size);
	a->release(a, bus->frame, bus->frame_size);
	rte_hash_free(bus->by_id);
	rte_free(bus);
}

const struct bus_counters *
bus_counters(const struct bus *bus)
{
	return &bus->counters;
}

/* ---- places ---- */

static struct link *
link_find(struct bus *bus, bus_link id)
{
	void *place;
	return rte_hash_lookup_data(bus->by_id, &id, &place) >= 0 ? place : NULL;
}

static struct link *
link_new(struct bus *bus, bus_link id, uint32_t address)
{
	struct link *link = STAILQ_FIRST(&bus->free);
	if (link == NULL)
		return NULL;
	if (rte_hash_add_key_data(bus->by_id, &id, link) != 0)
		return NULL;
	STAILQ_REMOVE_HEAD(&bus->free, next);
	*link = (struct link){.id = id};
	address_text(address, link->ip);
	count(&bus->counters.links, 1);
	return link;
}

static bool
is_live(const struct link *link)
{
	return link->state == LINK_CONNECTING || link->state == LINK_OPEN;
}

static void
link_fail(struct bus *bus, struct link *link, enum bus_end end)
{
	if (!is_live(link))
		return;
	link->state = LINK_FAILED;
	count(&bus->counters.ended[end], 1);
	STAILQ_INSERT_TAIL(&bus->failed, link, next);
}

static void
link_forget(struct bus *bus, struct link *link)
{
	rte_hash_del_key(bus->by_id, &link->id);
	link->state = LINK_CLOSED;
	STAILQ_INSERT_TAIL(&bus->closed, link, next);
}

static void
link_free(struct bus *bus, struct link *link)
{
	struct allocator *a = bus->of.allocator;
	a->release(a, link->held, link->held_size);
	bus->collected -= link->held_size;
	if (link->conn != NULL) {
		conn_consume(link->conn, conn_unread(link->conn));
		conn_release(link->conn, bus->now_us);
	}
	bus->accepted_now -= link->id & 1;
	*link = (struct link){.state = LINK_FREE};
	STAILQ_INSERT_HEAD(&bus->free, link, next);
	atomic_store_explicit(&bus->counters.links,
			      atomic_load_explicit(&bus->counters.links, memory_order_relaxed) - 1,
			      memory_order_relaxed);
}

/* ---- receiving ---- */

static void
report(struct bus *bus, const struct link *link, enum cluster_event_kind kind)
{
	struct cluster_event event = {
		.kind = kind, .link = link->id, .ip = link->ip, .own_ip = bus->own_ip};
	if (kind == CLUSTER_LINK_UP)
		event.ip = bus->own_ip;
	if (kind == CLUSTER_MESSAGE)
		event.msg = &bus->msg;
	bus->of.on_event(bus->of.owner, &event);
}

static void
deliver(struct bus *bus, const struct link *link, struct span frame)
{
	enum bus_status status = bus_decode(frame, bus->gossip, &bus->msg);
	count(&bus->counters.frames[status], 1);
	if (status == BUS_OK)
		report(bus, link, CLUSTER_MESSAGE);
}

static void
break_off(struct bus *bus, struct link *link, enum bus_status status)
{
	count(&bus->counters.frames[status], 1);
	link_fail(bus, link, BUS_END_FRAMING);
}

/* Answers how many bytes were used: a frame, or none. */
static uint32_t
take_in_place(struct bus *bus, struct link *link, struct span at)
{
	uint32_t len;
	enum bus_status status = bus_frame_len(at, &len);
	if (status == BUS_MORE || (status == BUS_OK && len > at.len))
		return 0;
	if (status != BUS_OK) {
		break_off(bus, link, status);
		return 0;
	}
	deliver(bus, link, (struct span){at.at, len});
	return len;
}

static bool
make_room(struct bus *bus, struct link *link, uint32_t need)
{
	struct allocator *a = bus->of.allocator;
	uint32_t size = COLLECT_FIRST;
	while (size < need)
		size *= 2;
	if (size <= link->held_size)
		return true;
	if (bus->collected + size - link->held_size > BUS_COLLECT_MAX)
		return false;
	uint8_t *held = a->resize(a, link->held, link->held_size, size);
	if (held == NULL)
		return false;
	bus->collected += size - link->held_size;
	link->held = held;
	link->held_size = size;
	return true;
}

/* Enough of a frame is there to know its length, or is not. */
static void
learn_length(struct bus *bus, struct link *link)
{
	uint32_t len;
	enum bus_status status = bus_frame_len((struct span){link->held, link->held_len}, &len);
	if (status == BUS_MORE)
		return;
	if (status != BUS_OK)
		break_off(bus, link, status);
	else if (!make_room(bus, link, len))
		link_fail(bus, link, BUS_END_COLLECT);
	else
		link->need = len;
}

static void
end_collected(struct bus *bus, struct link *link)
{
	struct allocator *a = bus->of.allocator;
	deliver(bus, link, (struct span){link->held, link->need});
	link->held_len = link->need = 0;
	if (link->held_size <= COLLECT_FIRST)
		return;
	a->release(a, link->held, link->held_size); /* a long one is rare */
	bus->collected -= link->held_size;
	link->held = NULL;
	link->held_size = 0;
}

/* No frame is shorter than BUS_LIGHT_HEAD_SIZE, so that many bytes never reach into the next one. */
static uint32_t
collect(struct bus *bus, struct link *link, struct span at)
{
	uint32_t goal = link->need != 0 ? link->need : BUS_LIGHT_HEAD_SIZE;
	uint32_t n = goal - link->held_len;
	if (n > at.len)
		n = (uint32_t)at.len;
	if (!make_room(bus, link, link->held_len + n)) {
		link_fail(bus, link, BUS_END_COLLECT);
		return 0;
	}
	memcpy(link->held + link->held_len, at.at, n);
	link->held_len += n;
	if (link->need == 0)
		learn_length(bus, link);
	else if (link->held_len == link->need)
		end_collected(bus, link);
	return n;
}

static void
read_link(struct bus *bus, struct link *link)
{
	while (is_live(link)) {
		struct span at = conn_peek(link->conn);
		if (at.len == 0)
			return;
		uint32_t used = link->held_len == 0 ? take_in_place(bus, link, at) : 0;
		if (used == 0 && is_live(link))
			used = collect(bus, link, at);
		conn_consume(link->conn, used);
	}
}

/* Places are taken by callers that nobody knows: one of those goes, so that a peer can come. A few are looked at each time. */
static void
evict_stranger(struct bus *bus)
{
	for (unsigned i = 0; i < EVICT_LOOKS; i++) {
		struct link *link = &bus->links[bus->evict_at++ % bus->places];
		if ((link->id & 1) == 0 || link->state != LINK_OPEN ||
		    bus->of.is_known(bus->of.owner, link->id))
			continue;
		conn_abort(link->conn);
		link_fail(bus, link, BUS_END_EVICTED);
		return;
	}
}

/* Half of the places are for those who call us: the other half is enough for all whom we call. */
static void
accept_link(struct bus *bus, struct conn *conn)
{
	struct link *link = NULL;
	conn_head(conn)->user = NULL;
	if (bus->accepted_now < bus->places / 2)
		link = link_new(bus, bus->next_accepted, conn_head(conn)->remote_address);
	if (link == NULL) {
		count(&bus->counters.refused_full, 1);
		evict_stranger(bus);
		conn_abort(conn);
		conn_release(conn, bus->now_us);
		return;
	}
	bus->next_accepted += 2;
	bus->accepted_now++;
	link->conn = conn;
	link->state = LINK_OPEN;
	conn_head(conn)->user = link;
	count(&bus->counters.accepted, 1);
	report(bus, link, CLUSTER_LINK_ACCEPTED);
}

static void
ready_conn(struct bus *bus, struct conn *conn)
{
	struct conn_head *head = conn_head(conn);
	uint8_t events = head->events;
	head->events = 0;
	if ((events & CONN_ACCEPTED) && !(events & CONN_END)) {
		accept_link(bus, conn);
		if (head->user == NULL)
			return;
	}
	struct link *link = head->user;
	if (link == NULL) {
		if (events & CONN_END)
			conn_release(conn, bus->now_us);
		return;
	}
	if ((events & CONN_CONNECTED) && link->state == LINK_CONNECTING) {
		link->state = LINK_OPEN;
		count(&bus->counters.connected, 1);
		report(bus, link, CLUSTER_LINK_UP);
	}
	if (events & CONN_READABLE)
		read_link(bus, link);
	if (events & (CONN_PEER_DONE | CONN_END))
		link_fail(bus, link, BUS_END_PEER);
}

static void
settle(struct bus *bus)
{
	struct link *link;
	while ((link = STAILQ_FIRST(&bus->failed)) != NULL) {
		STAILQ_REMOVE_HEAD(&bus->failed, next);
		link_forget(bus, link);
		report(bus, link, CLUSTER_LINK_DOWN);
	}
	while ((link = STAILQ_FIRST(&bus->closed)) != NULL) {
		STAILQ_REMOVE_HEAD(&bus->closed, next);
		link_free(bus, link);
	}
}

void
bus_ready(struct bus *bus, uint64_t now_us)
{
	struct conn *conn;
	bus->now_us = now_us;
	while ((conn = stack_next_ready(bus->of.stack)) != NULL)
		ready_conn(bus, conn);
	settle(bus);
}

/* ---- what the cluster asks for ---- */

void
bus_connect(struct bus *bus, bus_link id, const char *ip, uint16_t port, uint64_t now_us)
{
	struct in_addr in = {0};
	bool parsed = inet_pton(AF_INET, ip, &in) == 1;
	struct link *link = link_new(bus, id, ntohl(in.s_addr));
	ASSERT((id & 1) == 0);
	if (link == NULL) {
		count(&bus->counters.ended[BUS_END_NO_ROUTE], 1);
		return; /* twice as many places as nodes: the cluster's own timeout sees to the rest */
	}
	link->state = LINK_CONNECTING;
	if (parsed && port != 0)
		link->conn = stack_connect(bus->of.stack, ntohl(in.s_addr), port, link, now_us);
	if (link->conn == NULL)
		link_fail(bus, link, BUS_END_NO_ROUTE);
}

void
bus_close(struct bus *bus, bus_link id)
{
	struct link *link = link_find(bus, id);
	if (link == NULL)
		return;
	if (link->state == LINK_FAILED)
		STAILQ_REMOVE(&bus->failed, link, link, next);
	link_forget(bus, link);
}

static bool
queue_frame(struct conn *conn, struct span frame)
{
	while (frame.len > 0) {
		uint8_t *at, *end;
		uint32_t need = frame.len < RESP_ROOM_MAX ? (uint32_t)frame.len : RESP_ROOM_MAX;
		if (!conn_room(conn, need, &at, &end))
			return false;
		size_t n = (size_t)(end - at) < frame.len ? (size_t)(end - at) : frame.len;
		memcpy(at, frame.at, n);
		conn_commit(conn, at + n);
		frame.at += n;
		frame.len -= n;
	}
	return true;
}

void
bus_send(struct bus *bus, bus_link id, struct span frame)
{
	struct link *link = link_find(bus, id);
	if (link == NULL || link->state != LINK_OPEN) {
		count(&bus->counters.send_forgotten, 1);
		return;
	}
	if (conn_queued(link->conn) > BUS_QUEUE_MAX) {
		link_fail(bus, link, BUS_END_QUEUE);
		return;
	}
	if (!queue_frame(link->conn, frame)) {
		conn_abort(
			link->conn); /* a part of a frame must not be followed by another frame */
		link_fail(bus, link, BUS_END_NO_MBUF);
		return;
	}
	count(&bus->counters.frames_sent, 1);
	count(&bus->counters.bytes_sent, frame.len);
}

struct span
bus_frame_of(struct bus *bus, const struct bus_msg *msg)
{
	struct allocator *a = bus->of.allocator;
	if (bus->encoded == msg)
		return (struct span){bus->frame, bus->frame_len};
	size_t len = bus_encoded_len(msg);
	bus->encoded = NULL;
	if (len > BUS_FRAME_MAX)
		return (struct span){NULL, 0};
	if (len > bus->frame_size) {
		uint8_t *frame = a->resize(a, bus->frame, bus->frame_size, len);
		if (frame == NULL)
			return (struct span){NULL, 0};
		bus->frame = frame;
		bus->frame_size = len;
	}
	bus_encode(msg, bus->frame);
	bus->encoded = msg;
	bus->frame_len = len;
	return (struct span){bus->frame, len};
}

void
bus_forget_frame(struct bus *bus)
{
	bus->encoded = NULL;
}
