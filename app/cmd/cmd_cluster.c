/* app/cmd/cmd_cluster.c - the side of cluster mode that data lcores answer themselves: keys of slots, and what a session asks for.
 *
 * All other subcommands of CLUSTER are the control lcore's (cluster/command.c), which has the view.
 */
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/crc16.h"
#include "proto/base/number.h"

#define GET_KEYS_BUCKETS_MAX (1u << 20)

static bool
take_slot(struct span word, uint16_t *slot)
{
	int64_t value;
	if (!number_parse(word.at, word.len, &value) || value < 0 || value >= SLOT_COUNT)
		return false;
	*slot = (uint16_t)value;
	return true;
}

static bool
is_keyslot(const struct call *call)
{
	return span_is(call->argv[1], "keyslot") && call->argc == 3;
}

static bool
is_count_keys(const struct call *call)
{
	return span_is(call->argv[1], "countkeysinslot") && call->argc == 3;
}

static bool
is_get_keys(const struct call *call)
{
	return span_is(call->argv[1], "getkeysinslot") && call->argc == 4;
}

void
cluster_choose_route(const struct server *server, struct call *call)
{
	uint16_t slot;
	call->route = ROUTE_CONTROL;
	if (server->group->slots == NULL || is_keyslot(call)) {
		call->route = ROUTE_HERE;
	} else if (is_count_keys(call) || is_get_keys(call)) {
		call->route = take_slot(call->argv[2], &slot) ? ROUTE_MEMBER : ROUTE_HERE;
		call->member =
			(uint8_t)(call->route == ROUTE_MEMBER ? slot % server->group->count : 0);
	}
}

struct key_list {
	struct resp_writer *w;
	int64_t left;
};

static void
write_key(void *owner, const struct entry *e)
{
	struct key_list *list = owner;
	if (list->left-- > 0)
		resp_bulk(list->w, entry_key(e));
}

static void
get_keys(struct server *server, struct call *call, uint16_t slot, struct resp_writer *w)
{
	int64_t max;
	if (!take_integer(call->argv[3], &max, w))
		return;
	if (max < 0) {
		resp_error(w, "ERR Invalid number of keys");
		return;
	}
	int64_t have = keyspace_slot_count(server->keys, slot);
	struct key_list list = {.w = w, .left = max < have ? max : have};
	resp_array(w, (size_t)list.left);
	keyspace_slot_visit(server->keys, slot, write_key, &list);
}

void
cmd_cluster(struct server *server, struct call *call, struct resp_writer *w)
{
	uint16_t slot;
	if (server->group->slots == NULL) {
		resp_error(w, "ERR This instance has cluster support disabled");
	} else if (is_keyslot(call)) {
		resp_integer(w, key_slot(call->argv[2].at, call->argv[2].len));
	} else if (!take_slot(call->argv[2], &slot)) {
		resp_error(w, "ERR Invalid slot");
	} else if (is_count_keys(call)) {
		resp_integer(w, keyspace_slot_count(server->keys, slot));
	} else {
		get_keys(server, call, slot, w);
	}
}

/* ---- what a session asks for ---- */

static void
change_flag(struct server *server, struct call *call, uint32_t set, uint32_t clear,
	    struct resp_writer *w)
{
	if (server->group->slots == NULL) {
		resp_error(w, "ERR This instance has cluster support disabled");
		return;
	}
	call->session->flags = (call->session->flags & ~clear) | set;
	resp_simple(w, "OK");
}

void
cmd_asking(struct server *server, struct call *call, struct resp_writer *w)
{
	change_flag(server, call, SESSION_ASKING, 0, w);
}

void
cmd_readonly(struct server *server, struct call *call, struct resp_writer *w)
{
	change_flag(server, call, SESSION_READONLY, 0, w);
}

void
cmd_readwrite(struct server *server, struct call *call, struct resp_writer *w)
{
	change_flag(server, call, 0, SESSION_READONLY, w);
}
