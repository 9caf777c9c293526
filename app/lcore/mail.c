/* app/lcore/mail.c - rings of values (rte_ring with 24-byte elements), so that mail owns no memory. */
#include "app/lcore/mail.h"

#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include "proto/base/assert.h"

_Static_assert(sizeof(struct mail) == 24, "rte_ring copies multiples of four bytes");
_Static_assert((MAIL_RING_SIZE & (MAIL_RING_SIZE - 1)) == 0, "rte_ring wants a power of two");

struct post_office {
	unsigned lcores;
	struct rte_ring *rings[MAIL_LCORES_MAX][MAIL_LCORES_MAX]; /* [to][from] */
	struct idle *idles[MAIL_LCORES_MAX];
};

struct post_office *
post_office_create(unsigned lcores, struct idle *const *idles)
{
	ASSERT(lcores <= MAIL_LCORES_MAX);
	struct post_office *office = rte_zmalloc("post office", sizeof(*office), 0);
	if (office == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	office->lcores = lcores;
	for (unsigned to = 0; to < lcores; to++) {
		office->idles[to] = idles[to];
		for (unsigned from = 0; from < lcores; from++) {
			char name[RTE_RING_NAMESIZE];
			if (to == from)
				continue;
			snprintf(name, sizeof(name), "mail_%u_%u", from, to);
			office->rings[to][from] =
				rte_ring_create_elem(name, sizeof(struct mail), MAIL_RING_SIZE,
						     SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
			if (office->rings[to][from] == NULL) {
				post_office_destroy(office);
				return NULL;
			}
		}
	}
	return office;
}

void
post_office_destroy(struct post_office *office)
{
	if (office == NULL)
		return;
	for (unsigned to = 0; to < office->lcores; to++)
		for (unsigned from = 0; from < office->lcores; from++)
			rte_ring_free(office->rings[to][from]);
	rte_free(office);
}

bool
mail_send(struct post_office *office, unsigned from, unsigned to, enum mail_kind kind, uint64_t a,
	  uint64_t b)
{
	struct mail mail = {.kind = kind, .from = from, .a = a, .b = b};
	if (rte_ring_sp_enqueue_elem(office->rings[to][from], &mail, sizeof(mail)) != 0)
		return false;
	idle_wake(office->idles[to]);
	return true;
}

unsigned
mail_receive(struct post_office *office, unsigned to, struct mail *out, unsigned max)
{
	unsigned count = 0;
	for (unsigned from = 0; from < office->lcores && count < max; from++)
		if (from != to)
			count +=
				rte_ring_sc_dequeue_burst_elem(office->rings[to][from], &out[count],
							       sizeof(*out), max - count, NULL);
	return count;
}

bool
mail_waiting(const struct post_office *office, unsigned to)
{
	for (unsigned from = 0; from < office->lcores; from++)
		if (from != to && !rte_ring_empty(office->rings[to][from]))
			return true;
	return false;
}
