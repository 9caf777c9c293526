/* app/control/publish.c - every word is computed anew at each change: 16384 of them take some tens of microseconds. */
#include "app/control/publish.h"

#include <stdio.h>
#include <string.h>

#include "app/cmd/config.h"
#include "app/store/slot_table.h"
#include "cluster/view.h"

static uint32_t
word_of(const struct cluster *c, uint16_t slot)
{
	uint32_t owner = c->owner[slot];
	if (slots_served_here(c, slot))
		return c->migrating_to[slot] != NODE_NONE
			       ? slot_word(SLOT_MIGRATING, c->migrating_to[slot])
			       : slot_word(SLOT_LOCAL, 0);
	if (owner == NODE_NONE || owner == 0)
		return slot_word(SLOT_UNOWNED, SLOT_NODE_NONE);
	if (c->importing_from[slot] != NODE_NONE && node_is_primary(&c->nodes[0]))
		return slot_word(SLOT_IMPORTING, owner);
	return slot_word(SLOT_REMOTE, owner);
}

/* Every write that the old word allowed, the new one allows, too. */
static bool
keeps_all(uint32_t old, uint32_t new)
{
	if (old == new)
		return true;
	switch (slot_word_state(old)) {
	case SLOT_LOCAL:
		return false;
	case SLOT_MIGRATING:
	case SLOT_IMPORTING:
		return slot_word_state(new) == SLOT_LOCAL;
	case SLOT_UNOWNED:
	case SLOT_REMOTE:
		return true;
	}
	return true;
}

static void
endpoint_text(const struct node *n, const struct config *config, char text[SLOT_ENDPOINT_MAX])
{
	const char *type = config->cluster_preferred_endpoint_type;
	const char *host = n->ip;
	if (strcmp(type, "hostname") == 0)
		host = n->hostname[0] != '\0' ? n->hostname : "?";
	else if (strcmp(type, "unknown-endpoint") == 0)
		host = "";
	snprintf(text, SLOT_ENDPOINT_MAX, "%.*s:%u", BUS_NAME_MAX, host, n->port);
}

static void
publish_endpoints(struct slot_table *t, const struct cluster *c, const struct config *config)
{
	char text[SLOT_ENDPOINT_MAX];
	for (uint32_t i = 0; i < c->high && i < SLOT_TABLE_NODES; i++) {
		if (!c->nodes[i].in_use)
			continue;
		endpoint_text(&c->nodes[i], config, text);
		slot_table_set_endpoint(t, i, text);
	}
}

bool
publish_slots(struct slot_table *t, const struct cluster *c, const struct config *config)
{
	const struct node *me = &c->nodes[0];
	bool replica = node_is_replica(me), taken = false;
	uint32_t before = slot_table_mode(t), mode = 0;
	publish_endpoints(t, c, config);
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		uint32_t old = slot_table_get(t, (uint16_t)slot), new = word_of(c, (uint16_t)slot);
		taken = taken || !keeps_all(old, new);
		slot_table_set(t, (uint16_t)slot, new);
	}
	mode |= c->health.ok ? SLOT_MODE_OK : 0;
	mode |= replica ? SLOT_MODE_REPLICA : 0;
	mode |= config->cluster_allow_reads_when_down ? SLOT_MODE_READS_WHEN_DOWN : 0;
	mode |= config->replica_serve_stale_data ? 0 : SLOT_MODE_STALE_REFUSED;
	slot_table_set_mode(t, mode, replica ? me->primary : SLOT_NODE_NONE);
	slot_table_publish(t);
	return taken || ((before & SLOT_MODE_OK) && !c->health.ok);
}
