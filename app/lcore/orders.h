/* app/lcore/orders.h - the control lcore between its cluster node and the data lcores: CLUSTER commands in, fences and roles out.
 *
 *     data lcore --MAIL_CALLS--> orders_mail() --> cluster_node_command() --(on disk?)--> --MAIL_REPLIES--> data lcore
 *     cluster node --hooks--> MAIL_FENCE, MAIL_ROLE, MAIL_DROP_SLOT ... --> all data lcores
 *
 * J1  Parcels run in the order they came, one command at a time; one that needs to know how many keys each slot holds waits for
 *     the data lcores' counts, and those behind it wait with it.
 * J2  A reply leaves when the state that it tells of is on disk.
 * J3  What finds a mail ring full is kept in order and sent on a later turn.
 * Control lcore only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/control/cluster_node.h"
#include "app/lcore/mail.h"
#include "app/lcore/parcel.h"
#include "app/store/allocator.h"

struct data_lcore;

struct order { /* a parcel of CLUSTER commands */
	STAILQ_ENTRY(order) next;
	struct parcel *parcel;
	uint32_t done;  /* of its calls */
	uint64_t after; /* J2 */
};

struct letter { /* J3 */
	STAILQ_ENTRY(letter) next;
	struct mail mail;
	unsigned to;
};

STAILQ_HEAD(order_list, order);
STAILQ_HEAD(letter_list, letter);

struct orders {
	struct cluster_node *cluster;
	struct repl_facts *facts;
	const struct repl *repl; /* offsets */
	struct post_office *office;
	struct data_lcore *const *data;
	unsigned data_count;
	struct allocator allocator;
	struct order_list waiting;  /* to run */
	struct order_list settling; /* have run; their reply waits for the disk */
	struct letter_list letters;
	uint64_t fence_seen[MAIL_LCORES_MAX]; /* by data lcore */
	bool counting;
	unsigned counts_missing;
	bool counts_known; /* for the order in front */
	uint64_t watched_ms[MAIL_LCORES_MAX], watched_turns[MAIL_LCORES_MAX];
	uint32_t slot_keys[SLOT_COUNT];
};

/* data: data_count of them, in order, index 1 onwards. */
void orders_init(struct orders *orders, struct post_office *office, struct data_lcore *const *data,
		 unsigned data_count);
void orders_close(struct orders *orders);
/* hooks.owner is orders. */
struct cluster_hooks orders_hooks(struct orders *orders);
/* False: the mail is not ours. */
bool orders_mail(struct orders *orders, const struct mail *mail);
/* Once per turn, after the cluster node's. */
void orders_turn(struct orders *orders);
/* Something waits for room in a mail ring. */
bool orders_waiting(const struct orders *orders);
