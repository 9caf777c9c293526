/* app/cmd/redirect.h - may this lcore serve a command's keys, or where does the client have to go (spec D2)?
 *
 * Asked on the lcore that owns the first key's slot, right before the command runs: whether a key is here decides between serving,
 * -ASK and -TRYAGAIN. Pure but for the keyspace it looks into.
 */
#pragma once
#include <stdbool.h>

#include "app/cmd/server.h"

enum redirect {
	REDIRECT_NONE, /* serve it */
	REDIRECT_UNOWNED,
	REDIRECT_CROSS_SLOT,
	REDIRECT_DOWN,
	REDIRECT_DOWN_READS_ONLY,
	REDIRECT_ASK,
	REDIRECT_TRY_AGAIN,
	REDIRECT_MOVED,
	REDIRECT_COUNT,
};

/* Writes the error unless REDIRECT_NONE. The call has a command and key; the server's group has a slot table. */
enum redirect redirect_check(struct server *server, const struct call *call, struct resp_writer *w);
