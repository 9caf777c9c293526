/* cluster/render.h - the view as the replies that clients, redis-cli and operators read (spec D1, D3), as Redis 7.0 words them.
 *
 *     NODES INFO       text, RESP3: verbatim    SLOTS SHARDS LINKS    arrays, RESP3: with maps
 *     REPLICAS         lines
 *
 * Nodes come in the order of the view; Redis's order is that of a hash table.
 * facts: as for a step; now_ms and unix_ms turn our instants into wall-clock time.
 */
#pragma once
#include "cluster/text.h"
#include "cluster/view.h"

/* The texts themselves, for NODES and INFO and for whoever wants them elsewhere. */
void render_nodes_text(struct text *t, const struct cluster *c, const struct cluster_facts *facts);
void render_info_text(struct text *t, const struct cluster *c, const struct cluster_facts *facts);

void render_nodes(const struct cluster *c, const struct cluster_facts *facts,
		  struct resp_writer *w);
void render_info(const struct cluster *c, const struct cluster_facts *facts, struct resp_writer *w);
/* The replicas of a primary, a line each. */
void render_replicas(const struct cluster *c, uint32_t node, const struct cluster_facts *facts,
		     struct resp_writer *w);
/* Sizes of send buffers are 0: they belong to the connections, which this folder does not know. */
void render_links(const struct cluster *c, const struct cluster_facts *facts,
		  struct resp_writer *w);
/* A range per run of slots with one owner; replicas that are not FAIL and have data (spec D1). */
void render_slots(const struct cluster *c, const struct cluster_facts *facts,
		  struct resp_writer *w);
/* A shard per primary, as Redis 7.0 (later ones go by shard id). */
void render_shards(const struct cluster *c, const struct cluster_facts *facts,
		   struct resp_writer *w);
