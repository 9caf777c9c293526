/* app/control/bus.h - the links of the cluster bus: connections of the control lcore's stack as frames in and frames out.
 *
 *     stack --> bus_ready() --> on_event(LINK_ACCEPTED, LINK_UP, MESSAGE, LINK_DOWN)
 *     bus_connect(), bus_send(), bus_close() --> stack
 *
 * U1  Names of links: even ones are given to bus_connect() by the cluster, odd ones are given here to what is accepted. Never reused.
 * U2  A frame that lies whole in one mbuf is decoded there; others are collected, at most BUS_FRAME_MAX each and
 *     BUS_COLLECT_MAX together. A frame that the codec drops is counted and passed over; one that breaks the framing ends its link.
 * U3  bus_connect(), bus_send() and bus_close() may be called from on_event and never call it: what fails in them shows as LINK_DOWN
 *     later, from bus_ready().
 * U4  After bus_close() no event of that link comes.
 * Every refusal is a counter of struct bus_counters. Control lcore only; counters may be read by anybody.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "app/net/stack.h"
#include "cluster/cluster.h"
#include "proto/bus/codec.h"

struct allocator;
struct bus;

#define BUS_COLLECT_MAX (64u << 20) /* bytes of unfinished frames, all links together */
#define BUS_QUEUE_MAX                                                                              \
	(1u << 20) /* bytes that wait for a peer's acknowledgement when the next frame comes */

enum bus_end {                  /* why a link ended that the cluster had not closed */
	       BUS_END_PEER,    /* closed, reset, refused, timed out */
	       BUS_END_FRAMING, /* see enum bus_status */
	       BUS_END_COLLECT, /* U2: no memory */
	       BUS_END_QUEUE,   /* the peer takes nothing: BUS_QUEUE_MAX */
	       BUS_END_NO_MBUF,
	       BUS_END_NO_ROUTE, /* an address that cannot be called, or no connection left */
	       BUS_END_EVICTED, /* accepted, of nobody we know; another called and all places were taken */
	       BUS_END_COUNT,
};

const char *bus_end_name(enum bus_end end);

struct bus_counters {
	_Atomic uint64_t frames[BUS_STATUS_COUNT]; /* received, by what the codec said */
	_Atomic uint64_t ended[BUS_END_COUNT];
	_Atomic uint64_t accepted, connected,
		refused_full; /* refused_full: accepted but no place for one more link */
	_Atomic uint64_t frames_sent, bytes_sent,
		send_forgotten; /* forgotten: to a link that is gone */
	_Atomic uint64_t links;
};

struct bus_options {
	struct stack *stack;
	struct allocator *allocator;
	uint32_t address;   /* ours, host order */
	uint32_t nodes_max; /* places for twice as many links each way */
	void (*on_event)(void *owner, const struct cluster_event *event);
	bool (*is_known)(void *owner, bus_link link); /* has a frame said whose it is? */
	void *owner;
};

/* NULL: no memory (rte_errno). */
struct bus *bus_create(const struct bus_options *options);
void bus_destroy(struct bus *bus);
/* Everything the stack has to tell. */
void bus_ready(struct bus *bus, uint64_t now_us);
void bus_connect(struct bus *bus, bus_link link, const char *ip, uint16_t port, uint64_t now_us);
void bus_close(struct bus *bus, bus_link link);
/* frame is copied. */
void bus_send(struct bus *bus, bus_link link, struct span frame);
/* The frame of a message, valid until the next call with another one; empty: no memory. */
struct span bus_frame_of(struct bus *bus, const struct bus_msg *msg);
/* Messages that were encoded may have changed. */
void bus_forget_frame(struct bus *bus);
const struct bus_counters *bus_counters(const struct bus *bus);
