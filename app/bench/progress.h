/* app/bench/progress.h - a line a second on standard error, from a thread that is not the load's. */
#pragma once

struct load;

/* Returns when the load is over. Sleeps: rte_eal_wait_lcore() would spin, perhaps on the load's own core. */
void progress_wait(struct load *load);
