/* tests/sim/cluster/nemesis.h - trouble, drawn from the seed: what breaks, when, for how long; and the operator's commands between.
 *
 *     nemesis_begin() --faults, each of which ends by itself--> nemesis_heal(): all is well from here on
 */
#pragma once
#include "tests/sim/cluster/world.h"

#define NEMESIS_KINDS_MAX 40

struct nemesis_profile {
	uint64_t interval_us; /* mean time between faults */
	bool unsafe;          /* commands that move epochs without consensus too */
	bool rebuild; /* FORGET, RESET, moves to other addresses: an operator repairs at the end */
};

void nemesis_begin(struct world *w, const struct nemesis_profile *profile);
void nemesis_heal(struct world *w);
/* What an operator does about nodes that were forgotten, reset or renamed. For world_run_until(): repairs now and then, true once
 * all agree. */
bool nemesis_repaired(struct world *w);
unsigned nemesis_kinds(void);
const char *nemesis_name(unsigned kind);
/* How often each kind struck, of all worlds since the program began. */
uint64_t nemesis_count(unsigned kind);
