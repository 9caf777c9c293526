/* app/lcore/errands.c - errands of the cluster on a data lcore. */
#include "app/lcore/errands.h"

#include "app/cmd/command.h"
#include "app/control/cluster_node.h"
#include "app/lcore/data.h"

static bool
is_mine(const struct data_lcore *d, unsigned slot)
{
	return slot % d->lcores == d->index - 1;
}

static void
count_keys(struct data_lcore *d, uint32_t *slot_keys)
{
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		if (is_mine(d, slot))
			slot_keys[slot] = keyspace_slot_count(d->server->keys, (uint16_t)slot);
}

bool
errands_mail(struct data_lcore *d, const struct mail *mail, uint64_t now_us)
{
	(void)now_us;
	if (mail->kind == MAIL_FENCE) {
		d->errands.fence_asked = mail->a;
		d->errands.fence_turns = 0;
	} else if (mail->kind == MAIL_COUNT_KEYS) {
		count_keys(d, (uint32_t *)(uintptr_t)mail->a);
		d->errands.counts_owed++;
	} else if (mail->kind == MAIL_DROP_SLOT) {
		keyspace_slot_clear(d->server->keys, (uint16_t)mail->a);
	} else if (mail->kind == MAIL_DROP_ALL) {
		keyspace_clear(d->server->keys);
	} else {
		return false;
	}
	return true;
}

bool
errands_settle(struct data_lcore *d, bool mail_left)
{
	struct errands *r = &d->errands;
	if (r->counts_owed > 0 && mail_send(d->office, d->index, 0, MAIL_COUNTED, 0, 0))
		r->counts_owed--;
	bool passed = !mail_left || r->fence_turns++ >= ERRANDS_FENCE_TURNS;
	if (passed && r->fence_answered != r->fence_asked &&
	    mail_send(d->office, d->index, 0, MAIL_FENCED, r->fence_asked, 0))
		r->fence_answered = r->fence_asked;
	return r->counts_owed > 0 || r->fence_answered != r->fence_asked;
}
