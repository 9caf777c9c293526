/* tests/sim/cluster/net.h - connections between hosts, as TCP shows them to a program: ordered lanes that delay, stall and break.
 *
 *     side 0 (opened it) ---- lane to 1 ---->  side 1 (accepted it)
 *                        <--- lane to 0 ----
 *
 * Loss and cuts never lose bytes of a living connection: the lane stalls and tries again with the backoff of a
 * retransmission timer. A process that ends resets its connections, but a reset is sent once: where it is lost the other
 * end stays half-open until it sends something. A machine without power answers nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/cluster.h"

struct world;
struct host;
struct event;

#define NET_RTO_US     200000ull
#define NET_RTO_US_MAX 8000000ull
#define NET_GIVE_UP_US 60000000ull /* a lane that stalled this long breaks its connection */
#define NET_SYN_US     1000000ull
#define NET_SYN_TRIES  6

enum net_item { ITEM_DATA, ITEM_ACCEPTED, ITEM_CLOSE, ITEM_RESET };

struct frame { /* one encoded message; a broadcast shares it */
	uint32_t refs, len;
	uint8_t bytes[];
};

struct stalled {
	struct stalled *next;
	enum net_item item;
	struct frame *frame;
};

struct lane {             /* towards one side */
	uint64_t last_us; /* nothing may overtake what arrives then */
	struct stalled *first, **tail;
	uint64_t rto_us, since_us;
};

struct conn_end {
	struct conn *conn;
	uint32_t host;
	bus_link link;
	uint8_t side;
	bool open;             /* its process has it; only then is it in host->links */
	struct conn_end *next; /* in its bucket there */
};

struct conn {
	struct conn_end ends[2];
	struct lane lanes[2];
	uint32_t refs; /* open ends and events under way */
	bool established;
};

struct frame *frame_new(uint32_t len);
void frame_drop(struct frame *frame);

void net_init_host(struct host *h);
void net_free_host(struct world *w, struct host *h);
/* False: there is nobody of that name; the caller reports the link down. */
bool net_connect(struct world *w, struct host *h, bus_link link, const char *ip, uint16_t cport);
/* False: the host has no such link. Takes a reference of the frame. */
bool net_send(struct world *w, struct host *h, bus_link link, struct frame *frame);
/* The host at the other end; HOST_NONE: no such link. */
uint32_t net_peer(const struct world *w, const struct host *h, bus_link link);
unsigned net_link_count(const struct host *h);
void net_close(struct world *w, struct host *h, bus_link link);
/* The process has ended: resets, or with silent nothing. */
void net_drop_all(struct world *w, struct host *h, bool silent);
/* Fault: both ends of one of its links get a reset; or with half only its own does. False: it has none. */
bool net_break_one(struct world *w, struct host *h, bool half);
/* An event that held it will not run. */
void net_let_go(struct conn *conn);
bool net_blocked(const struct world *w, uint32_t from, uint32_t to);

void net_on_syn(struct world *w, const struct event *event);
void net_on_arrive(struct world *w, const struct event *event);
void net_on_retry(struct world *w, const struct event *event);
