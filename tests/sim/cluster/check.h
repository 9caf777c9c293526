/* tests/sim/cluster/check.h - what must hold in every run; each checker is a file of its own and keeps its own books.
 *
 *     check_votes        K1  a voter grants at most one vote per epoch, to one candidate, also across restarts; and only
 *                            when every rule of a grant held
 *     check_wins         K2  who wins an epoch holds grants of that very epoch from a majority of distinct voters; nobody
 *                            else wins it
 *     check_slots        K3  at most one node claims a slot at a configuration epoch
 *     check_epochs       K4  epochs never fall, also across restarts; of two that collide only the smaller id moves
 *     check_disk         K5  nothing that a peer sees is not on disk yet
 *     check_failure      K6  FAIL by quorum rests on reports of distinct voting primaries, none older than two timeouts
 *     check_bids         K7  a replica does not bid with old data, or for a primary that has not failed
 *     check_links        K8  a node has at most one link each way with a peer, and at most two per peer in all
 *     check_chains       K9  nobody follows itself; nobody follows a replica for long
 *     check_agreement    K10 some time after healing all agree on slots, roles and health (liveness)
 *
 * A checker sees what W3 (world.h) says. A violation ends the run.
 */
#pragma once
#include "tests/sim/cluster/world.h"

#define AGREEMENT_MS(timeout_ms)                                                                   \
	(20 * (timeout_ms) + 30000) /* K10; longest seen: see tests/sim/README.md */

struct checker {
	const char *name;
	void *(*init)(const struct world *w);
	void (*free)(void *state);
	void (*boot)(void *state, struct world *w, const struct host *h);
	/* A frame leaves. after: the state that it waited for; 0: none. to: HOST_NONE if the connection is not there any more. */
	void (*send)(void *state, struct world *w, const struct host *h,
		     const struct bus_head *head, uint64_t after, uint32_t to);
	/* A frame is about to be given to h. */
	void (*receive)(void *state, struct world *w, const struct host *h, const struct host *from,
			const struct bus_msg *msg);
	void (*trace)(void *state, struct world *w, const struct host *h,
		      const struct effect *effect);
	void (*persisted)(void *state, struct world *w, const struct host *h);
	/* All effects of a step have run. */
	void (*stepped)(void *state, struct world *w, const struct host *h);
};

extern const struct checker check_votes, check_wins, check_slots, check_epochs, check_disk,
	check_failure, check_bids, check_links, check_chains;

void check_init(struct world *w);
void check_free(struct world *w);
void check_boot(struct world *w, const struct host *h);
void check_send(struct world *w, const struct host *h, const struct bus_head *head, uint64_t after,
		uint32_t to);
void check_receive(struct world *w, const struct host *h, const struct host *from,
		   const struct bus_msg *msg);
void check_trace(struct world *w, const struct host *h, const struct effect *effect);
void check_persisted(struct world *w, const struct host *h);
void check_stepped(struct world *w, const struct host *h);

/* check_agreement.c: NULL, or what is not as it should be. text: where it is written, WORLD_TEXT_MAX bytes. */
const char *check_disagreement(const struct world *w, char *text);
bool check_agreed(struct world *w); /* for world_run_until() */
