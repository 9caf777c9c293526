/* app/control/publish.h - the view as data lcores read it: the slot table (app/store/slot_table.h).
 *
 * LOCAL and MIGRATING only what slots_served_here(); what is decided but not yet on disk is UNOWNED.
 */
#pragma once
#include <stdbool.h>

struct cluster;
struct config;
struct slot_table;

/* True: a data lcore has lost something it served until now, or must ask elsewhere for some of it: fence before that is revealed. */
bool publish_slots(struct slot_table *t, const struct cluster *c, const struct config *config);
