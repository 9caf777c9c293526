/* app/cmd/memory.c - counting, and evicting until it fits. */
#include "app/cmd/memory.h"

#include "app/cmd/command.h"

#define BYTES_PER_VICTIM 128u /* V3: so many bytes of a command pay for one more */
#define CALL_VICTIMS_MIN 2u

uint64_t
memory_used(const struct server *server)
{
	uint64_t used = server->allocator->used;
	return server->data == server->allocator ? used : used + server->data->used;
}

uint64_t
memory_used_by_all(const struct server_group *group)
{
	uint64_t used = 0;
	for (unsigned i = 0; i < group->count; i++)
		used += memory_used(group->members[i]);
	return used;
}

uint64_t
memory_mapped_by_all(const struct server_group *group)
{
	uint64_t mapped = 0;
	for (unsigned i = 0; i < group->count; i++) {
		const struct server *m = group->members[i];
		mapped += m->allocator->mapped;
		mapped += m->data == m->allocator ? 0 : m->data->mapped;
	}
	return mapped;
}

/* A lcore that is alone needs no estimate. */
static uint64_t
used_by_all_about(struct server *server)
{
	uint64_t used = memory_used(server);
	uint64_t taken = budget_settle(&server->group->budget, &server->credit, used);
	return server->group->count == 1 ? used : taken;
}

static bool
is_over(struct server *server)
{
	return server->config.maxmemory > 0 && used_by_all_about(server) > server->config.maxmemory;
}

static bool
is_exempt(const struct server *server) /* V4 */
{
	return server->config.replica_ignore_maxmemory && server_is_replica(server);
}

/* False: there is none. */
static bool
evict_one(struct server *server)
{
	const struct config *config = &server->config;
	const struct entry *e = evict_choose(server->keys, config->maxmemory_policy,
					     config->maxmemory_samples, &server->access);
	struct key key;
	budget_set_poor(&server->group->budget, server->member, e == NULL);
	if (e == NULL)
		return false;
	feed_delete(server, entry_key(e));
	keyspace_key(server->keys, entry_key(e), &key);
	keyspace_delete(server->keys, &key, 0); /* at time 0 nothing has expired: this one goes */
	server->counters.evicted_keys++;
	return true;
}

static bool
all_are_poor(const struct server_group *group)
{
	uint32_t all = (UINT32_C(1) << group->count) - 1;
	return (atomic_load_explicit(&group->budget.poor, memory_order_relaxed) & all) == all;
}

/* Whatever is left over, memory_tick() goes on with. */
static bool
evict_for_call(struct server *server, const struct call *call)
{
	uint64_t most = CALL_VICTIMS_MIN;
	for (uint32_t i = 1; i < call->argc; i++)
		most += call->argv[i].len / BYTES_PER_VICTIM;
	while (is_over(server)) {
		if (server->turn_victims < EVICT_TURN_MAX)
			server->turn_victims++;
		else if (most-- == 0)
			break;
		if (!evict_one(server)) {
			server->wants |= SERVER_WANT_EVICTION; /* V2 */
			return !all_are_poor(server->group);
		}
	}
	server->over = is_over(server);
	return true;
}

bool
memory_make_room(struct server *server, const struct call *call)
{
	if (server->config.maxmemory == 0 || !is_over(server))
		return true;
	bool from_primary = (call->session->flags & SESSION_PRIMARY) != 0;
	if (is_exempt(server))
		return true;
	if (server->config.maxmemory_policy == EVICT_NOTHING)
		return from_primary;
	return evict_for_call(server, call) || from_primary;
}

void
memory_config_changed(struct server *server)
{
	const struct config *config = &server->config;
	server->access.frequency = evict_by_frequency(config->maxmemory_policy);
	server->access.log_factor = config->lfu_log_factor;
	server->access.decay_min = config->lfu_decay_time;
	server->over = true;       /* looked at in the next turn */
	used_by_all_about(server); /* the others must know of us */
}

void
memory_tick(struct server *server)
{
	bool evicts = server->config.maxmemory_policy != EVICT_NOTHING && !is_exempt(server) &&
		      !server->stands_still;
	server->over = is_over(server) && evicts; /* and settles the budget, for the peak */
	if (!evicts)
		budget_set_poor(&server->group->budget, server->member, false);
	while (server->over && server->turn_victims++ < EVICT_TURN_MAX)
		server->over = evict_one(server) && is_over(server);
}
