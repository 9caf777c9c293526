/* app/control/words.h - what the log says of decisions, in redis-server's words where it has them. */
#pragma once
#include <stdint.h>

struct cluster;
struct effect;

/* An EFFECT_TRACE; one that is of interest to nobody but a test writes nothing. offset: how far our data is. */
void words_log(const struct cluster *c, const struct effect *trace, uint64_t offset);
