/* tests/sim/cluster/say.h - what happens, one line each: "  12.345 n3 votes for n5, epoch 7". Silent unless somebody reads. */
#pragma once
#include "tests/sim/cluster/world.h"

void say(struct world *w, const struct host *h, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void say_trace(struct world *w, const struct host *h, const struct effect *effect);
/* With w->say_frames: frames but heartbeats. */
void say_send(struct world *w, const struct host *h, const struct bus_head *head,
	      const struct effect *effect);
void say_effect(struct world *w, const struct host *h, const struct effect *effect);
/* The word for the number of a trace that carries a reason; NULL: it carries none. */
const char *say_reason(enum cluster_trace trace, uint64_t number);
