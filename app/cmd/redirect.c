/* app/cmd/redirect.c - the order of questions is that of Redis 7.0: unowned, cross slot, down, open slots, owner. */
#include "app/cmd/redirect.h"

#include "app/cmd/command.h"
#include "app/store/slot_table.h"
#include "proto/base/crc16.h"

struct keys { /* of one call */
	uint32_t first, last, step, count;
};

static struct keys
keys_in(const struct call *call)
{
	struct keys k = {.first = (uint32_t)call->command->first_key,
			 .step = (uint32_t)call->command->key_step};
	k.last = call->command->last_key < 0 ? call->argc - 1 : (uint32_t)call->command->last_key;
	k.count = (k.last - k.first) / k.step + 1;
	return k;
}

static bool
in_one_slot(const struct call *call, const struct keys *k)
{
	for (uint32_t i = k->first + k->step; i <= k->last; i += k->step)
		if (key_slot(call->argv[i].at, call->argv[i].len) != call->key.slot)
			return false;
	return true;
}

static uint32_t
missing_keys(struct server *server, const struct call *call, const struct keys *k)
{
	uint32_t missing = 0;
	for (uint32_t i = k->first; i <= k->last; i += k->step)
		missing += find_key(server, call->argv[i]) == NULL;
	return missing;
}

/* The cluster is down: what may run all the same. */
static enum redirect
check_state(const struct call *call, uint32_t mode)
{
	if (mode & SLOT_MODE_OK)
		return REDIRECT_NONE;
	if ((mode & SLOT_MODE_READS_WHEN_DOWN) == 0)
		return REDIRECT_DOWN;
	return call->command->flags & COMMAND_WRITE ? REDIRECT_DOWN_READS_ONLY : REDIRECT_NONE;
}

static bool
asking(const struct call *call)
{
	return (call->session->flags & SESSION_ASKING) || (call->command->flags & COMMAND_ASKING);
}

/* A READONLY client reads from a replica of the slot's owner. */
static bool
replica_may_read(const struct server *server, const struct call *call, uint32_t word)
{
	const struct slot_table *t = server->group->slots;
	return (slot_table_mode(t) & SLOT_MODE_REPLICA) &&
	       (call->session->flags & SESSION_READONLY) &&
	       (call->command->flags & COMMAND_READONLY) &&
	       slot_word_node(word) == atomic_load_explicit(&t->primary, memory_order_relaxed);
}

static enum redirect
check_slot(struct server *server, const struct call *call, const struct keys *k, uint32_t word)
{
	uint32_t missing;
	switch (slot_word_state(word)) {
	case SLOT_LOCAL:
		return REDIRECT_NONE;
	case SLOT_MIGRATING:
		missing = missing_keys(server, call, k);
		if (missing == 0)
			return REDIRECT_NONE;
		return missing == k->count ? REDIRECT_ASK : REDIRECT_TRY_AGAIN;
	case SLOT_IMPORTING:
		if (!asking(call))
			return REDIRECT_MOVED;
		return k->count > 1 && missing_keys(server, call, k) > 0 ? REDIRECT_TRY_AGAIN
									 : REDIRECT_NONE;
	case SLOT_REMOTE:
		return replica_may_read(server, call, word) ? REDIRECT_NONE : REDIRECT_MOVED;
	case SLOT_UNOWNED:
		break;
	}
	return REDIRECT_UNOWNED;
}

static void
write_error(const struct server *server, const struct call *call, enum redirect redirect,
	    uint32_t word, struct resp_writer *w)
{
	static const char *const texts[REDIRECT_COUNT] = {
		[REDIRECT_UNOWNED] = "CLUSTERDOWN Hash slot not served",
		[REDIRECT_CROSS_SLOT] = "CROSSSLOT Keys in request don't hash to the same slot",
		[REDIRECT_DOWN] = "CLUSTERDOWN The cluster is down",
		[REDIRECT_DOWN_READS_ONLY] =
			"CLUSTERDOWN The cluster is down and only accepts read commands",
		[REDIRECT_TRY_AGAIN] = "TRYAGAIN Multiple keys request during rehashing of slot",
	};
	char endpoint[SLOT_ENDPOINT_MAX];
	if (texts[redirect] != NULL) {
		resp_error(w, texts[redirect]);
		return;
	}
	/* A node whose address is not known yet: the client keeps the one it has. */
	if (!slot_table_endpoint(server->group->slots, slot_word_node(word), endpoint))
		endpoint[0] = '\0';
	if (redirect == REDIRECT_ASK)
		resp_errorf(w, "ASK %u %s", call->key.slot, endpoint);
	else
		resp_errorf(w, "MOVED %u %s", call->key.slot, endpoint);
}

enum redirect
redirect_check(struct server *server, const struct call *call, struct resp_writer *w)
{
	const struct slot_table *t = server->group->slots;
	uint32_t word = slot_table_get(t, call->key.slot);
	uint32_t mode = slot_table_mode(t);
	/* The common case, decided by two loads: ours, whole, and one key. */
	if (slot_word_state(word) == SLOT_LOCAL && (mode & SLOT_MODE_OK) &&
	    call->command->first_key == call->command->last_key)
		return REDIRECT_NONE;
	struct keys k = keys_in(call);
	enum redirect redirect = REDIRECT_NONE;
	if (slot_word_state(word) == SLOT_UNOWNED)
		redirect = REDIRECT_UNOWNED;
	else if (!in_one_slot(call, &k))
		redirect = REDIRECT_CROSS_SLOT;
	else
		redirect = check_state(call, mode);
	if (redirect == REDIRECT_NONE)
		redirect = check_slot(server, call, &k, word);
	if (redirect != REDIRECT_NONE)
		write_error(server, call, redirect, word, w);
	return redirect;
}
