/* app/lcore/parcel.h - a run of one client's commands on its way to another lcore, and their replies on the way back.
 *
 *     home lcore                                   serving lcore
 *     parcel_create, parcel_add ... --MAIL_CALLS-->   runs the calls; replies go into the parcel
 *     parcel_deliver             <--MAIL_REPLIES---   (or, ROUTE_BARRIER, home runs it itself while all stand still)
 *       parts it sends by reference --MAIL_PART_DONE--> gives their memory back
 *
 * Q1  Arguments stay where they arrived, at home: the client is parked until the parcel is back, so nothing moves them.
 * Q2  The session travels as a copy; what a command may change in it comes back with parcel_deliver().
 * Q3  Memory is given back by the lcore whose allocator it is of: the parcel by home, parts of replies by the one that served.
 * Replies up to PARCEL_INLINE bytes lie in the parcel itself and cost no second mail.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/cmd/server.h"
#include "app/store/allocator.h"
#include "proto/resp/writer.h"

#define PARCEL_ARGS_MAX 64   /* of all its calls; a command with more travels alone */
#define PARCEL_INLINE   1024 /* bytes of replies */
#define PARCEL_PART     ((size_t)16 * 1024)

struct client;

struct parcel_part { /* more of the replies, in order */
	struct parcel_part *next;
	struct span bytes;
	unsigned lcore; /* whose memory this is */
	struct allocator *allocator;
	void (*release)(void *owner, void *object); /* NULL: bytes follow the part */
	void *owner, *object;
	size_t size; /* of the part's memory */
};

struct parcel_parts { /* in order */
	struct parcel_part *first, *last;
};

struct parcel {
	STAILQ_ENTRY(parcel) link; /* waits for room in a mail ring */
	struct client *client;     /* home only */
	unsigned home, to;
	struct session session;
	struct resp_writer writer;
	uint32_t inline_len;
	struct parcel_parts parts;
	unsigned lcore; /* that serves */
	struct allocator *allocator;
	/* WAIT: answered when so many replicas have acknowledged wait_offset, or at wait_until_us. */
	uint64_t wait_offset, wait_until_us;
	int64_t wait_count;
	struct config *config; /* CONFIG REWRITE: home's, a copy; NULL: none */
	uint32_t count, args_used, args_size;
	struct call calls[CALL_BATCH_MAX];
	uint8_t bytes[PARCEL_INLINE];
	struct span args[]; /* args_size */
};

STAILQ_HEAD(parcel_list, parcel);

/* args: at least so many fit. NULL: no memory. Home. */
struct parcel *parcel_create(struct allocator *allocator, uint32_t args);
void parcel_free(struct allocator *allocator, struct parcel *parcel);
/* False: full. The call's arguments are copied as spans. */
bool parcel_add(struct parcel *parcel, const struct call *call);
/* The serving lcore: where replies go from now on. */
void parcel_open(struct parcel *parcel, unsigned lcore, struct allocator *allocator);
void parcel_close(struct parcel *parcel);
/* A part of lcore's with room for so many bytes behind it, none of them counted yet. NULL: no memory. */
struct parcel_part *parcel_part_create(struct allocator *allocator, unsigned lcore, size_t room);
void parcel_parts_add(struct parcel_parts *parts, struct parcel_part *part);
/* The lcore whose part it is. */
void parcel_part_free(struct parcel_part *part);
