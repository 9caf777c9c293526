/* app/net/chunk.h - what an mbuf carries beside its bytes while a connection queues it.
 *
 * Lives in the mbuf's private area, so that a queue of mbufs needs no memory of its own. mbuf->next is not used for it: the
 * driver reads that as "one frame in several pieces".
 *
 *     CHUNK_BYTES      payload lies in the mbuf at CHUNK_PAYLOAD_OFFSET; headers are written in front of it when
 *                      it is sent, so a segment that covers exactly one chunk leaves without a copy
 *     CHUNK_REFERENCE  payload lies elsewhere, unchanged until release(); sent by copy, MSS by MSS
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum chunk_kind { CHUNK_BYTES, CHUNK_REFERENCE };

struct chunk {
	struct rte_mbuf *next; /* in its queue; NULL: last */
	const uint8_t *at;     /* first payload byte */
	uint32_t len;
	uint32_t position; /* of the first byte: stream offset (send), sequence number (receive) */
	uint8_t kind;      /* enum chunk_kind */
	bool sealed; /* sent by reference: the driver may still read it, so it is never appended to */
	void (*release)(void *owner, void *object); /* CHUNK_REFERENCE */
	void *owner, *object;
};

#define CHUNK_PRIVATE_SIZE                                                                         \
	64 /* private area of every data mbuf, a multiple of RTE_MBUF_PRIV_ALIGN */
_Static_assert(sizeof(struct chunk) <= CHUNK_PRIVATE_SIZE, "a chunk fits the private area");

/* Ethernet 14, IPv4 20, TCP 60, and 2 so that the IP header is aligned; RTE_PKTMBUF_HEADROOM is 128. */
#define CHUNK_PAYLOAD_OFFSET 96
_Static_assert(CHUNK_PAYLOAD_OFFSET <= RTE_PKTMBUF_HEADROOM, "headers fit in front of a chunk");

static inline struct chunk *
chunk_of(struct rte_mbuf *m)
{
	return (struct chunk *)rte_mbuf_to_priv(m);
}
