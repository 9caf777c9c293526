/* tests/sim/cluster/check_agreement.c - K10: once trouble is over, all nodes agree, and the cluster is ok. */
#include <stdio.h>

#include "tests/sim/cluster/check.h"

static const char *
disagree(char *text, const char *format, uint32_t a, uint32_t b)
{
	(void)snprintf(text, WORLD_TEXT_MAX, format, a + 1, b + 1);
	return text;
}

/* What h thinks of other, the host; NULL: right. */
static const char *
check_peer(const struct host *h, const struct host *other, char *text)
{
	const struct cluster *c = h->cluster;
	uint32_t index = view_find(c, &other->id);
	if (index == NODE_NONE)
		return disagree(text, "n%u does not know n%u", h->index, other->index);
	const struct node *seen = &c->nodes[index], *real = &other->cluster->nodes[0];
	if ((seen->flags & (NODE_PFAIL | NODE_FAIL)) != 0)
		return disagree(text, "n%u holds n%u for failing", h->index, other->index);
	if (node_is_primary(seen) != node_is_primary(real))
		return disagree(text, "n%u is wrong about the role of n%u", h->index, other->index);
	bool known = (seen->primary == NODE_NONE) == (real->primary == NODE_NONE);
	if (!known ||
	    (seen->primary != NODE_NONE &&
	     !node_id_equal(&c->nodes[seen->primary].id, &other->cluster->nodes[real->primary].id)))
		return disagree(text, "n%u is wrong about the primary of n%u", h->index,
				other->index);
	if (seen->slot_count != real->slot_count ||
	    memcmp(&seen->slots, &real->slots, sizeof(seen->slots)) != 0)
		return disagree(text, "n%u is wrong about the slots of n%u", h->index,
				other->index);
	if (node_votes(real) && seen->config_epoch != real->config_epoch)
		return disagree(text, "n%u is wrong about the epoch of n%u", h->index,
				other->index);
	return NULL;
}

static const char *
check_own(const struct world *w, const struct host *h, char *text)
{
	const struct cluster *c = h->cluster;
	if (!h->alive || h->paused)
		return disagree(text, "n%u does not run", h->index, 0);
	uint32_t primary = c->nodes[0].primary;
	if (!node_is_primary(&c->nodes[0]) && primary == NODE_NONE)
		return disagree(text, "n%u is a replica of nobody", h->index, 0);
	if (primary != NODE_NONE && !node_is_primary(&c->nodes[primary]))
		return disagree(text, "n%u follows a replica", h->index, 0);
	if (!c->health.ok)
		return disagree(text, "n%u is not ok", h->index, 0);
	if (c->node_count != w->host_count)
		return disagree(text, "n%u knows %u nodes and not all", h->index,
				c->node_count - 1);
	return NULL;
}

const char *
check_disagreement(const struct world *w, char *text)
{
	for (uint32_t i = 0; i < w->host_count; i++) {
		const char *what = check_own(w, &w->hosts[i], text);
		for (uint32_t j = 0; what == NULL && j < w->host_count; j++)
			what = check_peer(&w->hosts[i], &w->hosts[j], text);
		if (what != NULL)
			return what;
	}
	/* Two primaries with one epoch have not seen each other yet. */
	for (uint32_t i = 0; i < w->host_count; i++)
		for (uint32_t j = 0; j < i; j++) {
			const struct node *a = &w->hosts[i].cluster->nodes[0],
					  *b = &w->hosts[j].cluster->nodes[0];
			if (node_votes(a) && node_votes(b) && a->config_epoch == b->config_epoch)
				return disagree(text,
						"n%u and n%u have the same configuration epoch", i,
						j);
		}
	return NULL;
}

bool
check_agreed(struct world *w)
{
	char text[WORLD_TEXT_MAX];
	return check_disagreement(w, text) == NULL;
}
