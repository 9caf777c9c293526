/* app/lcore/mail.h - what lcores tell one another: a bounded single-producer single-consumer ring per ordered pair.
 *
 *            to 0    to 1    to 2
 *     from 0   -      ring    ring       lcore 0 is control, the others serve data
 *     from 1  ring     -      ring
 *
 * M1  Mail from one lcore to another arrives in the order it was sent.
 * M2  A full ring refuses: the sender keeps the mail and tries again on a later turn. Nothing waits.
 * M3  A sleeping receiver is woken (idle.h); a receiver that polls costs the sender one relaxed load.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "app/env/idle.h"

#define MAIL_LCORES_MAX 16   /* control and fifteen data lcores */
#define MAIL_RING_SIZE  1024 /* a power of two; one less fits */

enum mail_kind {
	MAIL_STOP,     /* control -> data: drain and leave the loop */
	MAIL_STOPPED,  /* data -> control: it has left; a: connections that had to be reset */
	MAIL_SHUTDOWN, /* data -> control: a client asked for SHUTDOWN */
	MAIL_CONFIG_REWRITE, /* data -> control: CONFIG REWRITE; a: struct config * copy, the receiver frees it */
	MAIL_CONFIG_SET,     /* control -> data: a: struct config_change *, shared until answered */
	MAIL_CONFIG_CHANGED, /* data -> control: CONFIG SET; a: struct config *, a copy from rte_malloc(), the receiver frees it */
	MAIL_CALLS,          /* data -> data: a: struct parcel *, to be served and sent back */
	MAIL_REPLIES,        /* data -> data: a: struct parcel *, served */
	MAIL_PART_DONE, /* data -> data: a: struct parcel_part *, to be freed by the lcore it is of */
	MAIL_SNAPSHOT, /* data -> data: a: struct parcel_part * of a snapshot, NULL: b == 1, the sender's share is complete */
	MAIL_ROLE, /* control -> data 1: a: address, b: client port of our primary; both 0: we are a primary; a 0: it has no address yet */
	MAIL_NEW_HISTORY, /* control -> data 1: promoted: the replid shifts */
	MAIL_RESUME, /* control -> data 1: a manual failover is over: the pause that ends at a (us) ends in the next barrier */
	MAIL_DROP_SLOT, /* control -> data: a: slot that was lost: delete its keys */
	MAIL_DROP_ALL,  /* control -> data 1: empty every keyspace */
	MAIL_FENCE,     /* control -> data: answer from a loop boundary; a: number */
	MAIL_FENCED,    /* data -> control: a: number */
	MAIL_COUNT_KEYS, /* control -> data: a: uint32_t [SLOT_COUNT], fill in your slots; b: number */
	MAIL_COUNTED,    /* data -> control: b: number */
	MAIL_KIND_COUNT,
};

struct mail {          /* 24 bytes: the ring copies it */
	uint32_t kind; /* enum mail_kind */
	uint32_t from;
	uint64_t a, b;
};

struct post_office;

/* lcores: control and data together. NULL: no memory (rte_errno). idles[i] wakes lcore i. */
struct post_office *post_office_create(unsigned lcores, struct idle *const *idles);
void post_office_destroy(struct post_office *office);
/* Called by lcore from. False: full (M2). */
bool mail_send(struct post_office *office, unsigned from, unsigned to, enum mail_kind kind,
	       uint64_t a, uint64_t b);
/* Called by lcore to: at most max mails from all others, in turn. */
unsigned mail_receive(struct post_office *office, unsigned to, struct mail *out, unsigned max);
/* Called by lcore to: is there any? Cheap; the last look before it sleeps. */
bool mail_waiting(const struct post_office *office, unsigned to);
