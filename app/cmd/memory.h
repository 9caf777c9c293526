/* app/cmd/memory.h - what a server holds, and how it makes room: maxmemory and its policies.
 *
 *     call_execute(DENYOOM) --> memory_make_room() --> evict_choose(own keys) --> DEL into the feed --> delete
 *     once per turn         --> memory_tick()      --> the same, for what calls left over: maxmemory was lowered, others wrote
 *
 * V1  Room is made before the command that needs it runs, and replicas hear of it in that order.
 * V2  A lcore evicts its own keys only. One that has none left goes on as long as another has some, whose next turn evicts them.
 * V3  A turn evicts at most EVICT_TURN_MAX entries, and beyond that as many as its commands bring bytes: it stays short.
 * V4  A replica evicts nothing by itself, unless replica-ignore-maxmemory says no; what its primary sends is never refused.
 * V5  While a manual failover waits for our offset to stand still, nothing is evicted between commands.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct server;
struct call;
struct server_group;

#define EVICT_TURN_MAX 256u

/* Bytes of keys, values and buffers: this lcore's; or, inside a barrier, all lcores'. */
uint64_t memory_used(const struct server *server);
uint64_t memory_used_by_all(const struct server_group *group);
/* What was got for that from the hugepages. Inside a barrier. */
uint64_t memory_mapped_by_all(const struct server_group *group);
/* False: the call is to be refused. */
bool memory_make_room(struct server *server, const struct call *call);
/* maxmemory, its policy or their figures may have changed. */
void memory_config_changed(struct server *server);
/* Once per turn. */
void memory_tick(struct server *server);
