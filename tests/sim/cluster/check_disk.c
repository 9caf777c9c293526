/* tests/sim/cluster/check_disk.c - K5: what a peer sees is on disk (cluster.h C3).
 *
 * The text on the disk is read by the simulator's own parser (disk.c). Heartbeats show exactly what is durable; a frame that waited
 * for a state may leave when the disk is already further.
 */
#include "tests/sim/cluster/check.h"

static void *
init(const struct world *w)
{
	(void)w;
	return NULL;
}

static void
release(void *state)
{
	(void)state;
}

static bool
is_within(const struct slot_bitmap *shown, const struct slot_bitmap *durable)
{
	for (unsigned i = 0; i < SLOT_BITMAP_SIZE; i++)
		if ((shown->bytes[i] & ~durable->bytes[i]) != 0)
			return false;
	return true;
}

/* NULL, or what is shown and not durable. */
static const char *
revealed(const struct disk_facts *disk, const struct bus_head *head, uint64_t after)
{
	bool primary = node_id_is_nobody(&head->replica_of);
	if (!disk->valid)
		return "a node";
	if (head->current_epoch > disk->current_epoch)
		return "a current epoch";
	if (head->type == BUS_AUTH_ACK && head->current_epoch > disk->last_vote_epoch)
		return "a vote";
	if (after == 0 && primary != disk->primary)
		return "a role";
	if (after == 0 && !primary && !node_id_equal(&head->replica_of, &disk->replica_of))
		return "a primary";
	if (primary && disk->primary && head->config_epoch > disk->config_epoch)
		return "a configuration epoch";
	if (after == 0 && primary && !is_within(&head->slots, &disk->slots))
		return "slots";
	return NULL;
}

static void
on_send(void *state, struct world *w, const struct host *h, const struct bus_head *head,
	uint64_t after, uint32_t to)
{
	(void)state;
	(void)to;
	/* After RESET HARD the new name travels before it is on disk: a crash then brings the old node back, with its own epochs. */
	if (h->disk.facts.valid && !node_id_equal(&head->sender, &h->disk.facts.id))
		return;
	const char *what = revealed(&h->disk.facts, head, after);
	if (what != NULL)
		world_violate(w, VIOLATION_SAFETY,
			      "K5: n%u shows %s that is not on its disk: %s, epoch %llu/%llu, on "
			      "disk %llu/%llu, vote %llu",
			      h->index + 1, what, bus_type_name(head->type),
			      (unsigned long long)head->current_epoch,
			      (unsigned long long)head->config_epoch,
			      (unsigned long long)h->disk.facts.current_epoch,
			      (unsigned long long)h->disk.facts.config_epoch,
			      (unsigned long long)h->disk.facts.last_vote_epoch);
}

const struct checker check_disk = {.name = "disk", .init = init, .free = release, .send = on_send};
