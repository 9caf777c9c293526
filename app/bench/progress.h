/* app/bench/progress.h - a line a second on standard error, from a thread that is not the load's. */
#pragma once

struct load;

/* Returns when the load is over. */
void progress_show(struct load *load);
