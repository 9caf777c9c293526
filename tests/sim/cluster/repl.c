/* tests/sim/cluster/repl.c - replication as far as a cluster's decisions see it: offsets, their lag, and how old a copy is.
 *
 * Nothing is scheduled: both ends are brought up to date when one of them is looked at (before each of its steps, every 100 ms at
 * least). A replica copies its primary's offset while both processes run and packets pass both ways; the link of a primary
 * that was killed goes down at once, that of one behind a cut goes silent.
 */
#include "tests/sim/cluster/world.h"

#define REPL_CONNECT_US_MIN 50000u
#define REPL_CONNECT_US     600000u
#define REPL_LAG_US         20000u
#define REPL_TIMEOUT_US     60000000ull
#define US_PER_S            1000000ull

static bool
repl_reachable(const struct world *w, const struct host *h, const struct host *primary)
{
	return host_running(primary) && !h->repl_cut && !primary->data_dead &&
	       !net_blocked(w, h->index, primary->index) &&
	       !net_blocked(w, primary->index, h->index);
}

static void
repl_update_primary(const struct world *w, struct host *h)
{
	struct replication *r = &h->repl;
	uint64_t passed_us = w->now_us - r->updated_us;
	bool writes = h->cluster->health.ok && h->cluster->nodes[0].slot_count > 0 &&
		      host_now_ms(w, h) >= r->pause_until_ms;
	if (writes)
		r->offset += r->rate * passed_us / US_PER_S;
}

static void
repl_go_down(const struct world *w, struct replication *r)
{
	r->up = false;
	r->since_us = w->now_us;
	r->connect_us = 0;
}

/* A replica whose link is up. */
static void
repl_update_up(const struct world *w, struct host *h, const struct host *primary)
{
	struct replication *r = &h->repl;
	if (repl_reachable(w, h, primary)) {
		r->io_us = w->now_us;
		uint64_t behind = primary->repl.rate * REPL_LAG_US / US_PER_S;
		bool paused = host_now_ms(w, primary) < primary->repl.pause_until_ms;
		uint64_t to = paused || primary->repl.offset < behind
				      ? primary->repl.offset
				      : primary->repl.offset - behind;
		if (to > r->offset)
			r->offset = to;
	} else if ((!primary->alive && !primary->machine_down) /* its kernel said so */ ||
		   w->now_us - r->io_us > REPL_TIMEOUT_US) {
		repl_go_down(w, r);
	}
}

static void
repl_update_replica(struct world *w, struct host *h)
{
	struct replication *r = &h->repl;
	uint32_t index = world_find(w, &r->primary_id);
	if (index == HOST_NONE || index == h->index) {
		if (r->up)
			repl_go_down(w, r);
		return;
	}
	struct host *primary = &w->hosts[index];
	if (host_running(primary) && primary->repl.primary == HOST_NONE)
		repl_update(w, primary);
	if (r->up) {
		repl_update_up(w, h, primary);
		return;
	}
	bool serves = repl_reachable(w, h, primary) && (primary->repl.primary == HOST_NONE ||
							(primary->repl.up && primary->repl.synced));
	if (!serves) {
		r->connect_us = 0;
	} else if (r->connect_us == 0) {
		r->connect_us = w->now_us + REPL_CONNECT_US_MIN;
		if (!w->options.steady)
			r->connect_us += prng_below(&w->disk_prng, REPL_CONNECT_US);
	} else if (w->now_us >= r->connect_us) {
		r->up = r->synced = true;
		r->io_us = w->now_us;
		r->offset = primary->repl.offset;
	}
}

void
repl_update(struct world *w, struct host *h)
{
	if (h->repl.updated_us == w->now_us)
		return;
	if (h->repl.primary == HOST_NONE)
		repl_update_primary(w, h);
	else
		repl_update_replica(w, h);
	h->repl.updated_us = w->now_us;
}

void
repl_follow(struct world *w, struct host *h, const struct node_id *primary)
{
	struct replication *r = &h->repl;
	repl_update(w, h);
	r->updated_us = w->now_us;
	if (primary == NULL) {
		r->primary = HOST_NONE;
		r->up = false;
		r->pause_until_ms = 0;
		return;
	}
	r->primary_id = *primary;
	r->primary = world_find(w, primary);
	if (r->primary == HOST_NONE)
		r->primary = h->index; /* nobody we know: a replica that finds no primary */
	r->pause_until_ms = 0;
	repl_go_down(w, r);
}

void
repl_forget(struct world *w, struct host *h)
{
	struct replication *r = &h->repl;
	/* Its snapshot on disk is not modelled: a process begins without data and syncs in full. */
	*r = (struct replication){.primary = HOST_NONE,
				  .rate = r->rate,
				  .since_us = w->now_us,
				  .updated_us = w->now_us};
}

uint64_t
repl_age_ms(const struct world *w, const struct host *h)
{
	const struct replication *r = &h->repl;
	return (w->now_us - (r->up ? r->io_us : r->since_us)) / US_PER_MS;
}
