/* app/lcore/wire.h - the port as all lcores of a node share it: whoever polls a queue hands each frame to its owner.
 *
 *     queue 0..Q-1 --try-lock--> rx_burst --owner_of_frame()--> mine: to the caller
 *                                                               another's: its ring (SPSC, one per ordered pair), and wake it
 *                                                               ARP: a copy to each
 *
 * W1  A lcore polls the queue it is assigned; it also polls any queue that has not been polled for WIRE_STALE_US while its
 *     lcore is awake: a lcore that is busy elsewhere delays its own frames, not its neighbours'.
 * W2  Nobody waits for a queue: a lock that is taken is tried again on the next turn. Frames to send wait in the lcore's outbox.
 * W3  A ring or outbox that is full loses the frame, as a wire does, and counts it.
 * With as many queues as lcores and hardware that spreads flows as owner.h does, nothing is handed on.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/env/idle.h"
#include "app/env/port.h"
#include "app/lcore/mail.h"
#include "app/net/owner.h"

#define WIRE_RING_SIZE  1024 /* frames under way from one lcore to another; a power of two */
#define WIRE_OUTBOX_MAX 512
#define WIRE_STALE_US   100

struct wire_counters { /* written by its lcore */
	uint64_t handed_on, ring_full, outbox_full, stale_polls, locked;
};

struct wire_lcore {
	_Alignas(64) uint16_t queue;
	bool has_queue; /* it is this queue's regular poller */
	uint32_t outbox_count;
	struct wire_counters counters;
	struct rte_mbuf *outbox[WIRE_OUTBOX_MAX];
};

struct wire_queue {
	_Alignas(64) atomic_flag locked;
	_Atomic uint64_t polled_us;
	unsigned poller; /* its regular lcore */
};

struct wire {
	struct port *port;
	struct owner_map owners;
	unsigned lcores; /* control (0) and data */
	unsigned first;  /* lowest lcore that takes part: 0, or 1 where control has no stack */
	struct rte_ring *rings[MAIL_LCORES_MAX][MAIL_LCORES_MAX]; /* [to][from] */
	struct idle *idles[MAIL_LCORES_MAX];
	struct wire_queue queues[PORT_QUEUES_MAX];
	struct wire_lcore at[MAIL_LCORES_MAX];
};

/* idles as in mail.h. 0 or negative errno. Main lcore. */
int wire_init(struct wire *wire, struct port *port, const struct owner_map *owners, unsigned lcores,
	      struct idle *const *idles);
void wire_close(struct wire *wire);
/* Frames for lcore self, at most max >= 2 * the port's burst. *polled: the queue gave some, for whomever. */
uint16_t wire_receive(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t max,
		      uint64_t now_us);
/* Takes all frames over. count 0 tries the outbox again. */
void wire_send(struct wire *wire, unsigned self, struct rte_mbuf **frames, uint16_t count);
/* Before self sleeps: has anybody handed it a frame, or does its outbox wait? */
bool wire_waiting(const struct wire *wire, unsigned self);
/* Shutdown: what is queued for sending gets a last chance. */
void wire_flush(struct wire *wire, unsigned self);
