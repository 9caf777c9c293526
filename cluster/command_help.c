/* cluster/command_help.c - CLUSTER HELP, in our own words. */
#include "cluster/command.h"
#include "proto/resp/writer.h"

static const char *const lines[] = {
	"CLUSTER <subcommand> [<arg> ...]. Subcommands are:",
	"ADDSLOTS <slot> [<slot> ...]",
	"    Own these slots from now on.",
	"ADDSLOTSRANGE <first> <last> [<first> <last> ...]",
	"    Own these ranges of slots from now on.",
	"BUMPEPOCH",
	"    Raise this node's config epoch above all others.",
	"COUNT-FAILURE-REPORTS <node-id>",
	"    How many primaries report that node as failing.",
	"COUNTKEYSINSLOT <slot>",
	"    How many keys the slot holds here.",
	"DELSLOTS <slot> [<slot> ...]",
	"    Forget who owns these slots.",
	"DELSLOTSRANGE <first> <last> [<first> <last> ...]",
	"    Forget who owns these ranges of slots.",
	"FAILOVER [FORCE|TAKEOVER]",
	"    Make this replica the primary of its shard.",
	"FLUSHSLOTS",
	"    Own no slots any more.",
	"FORGET <node-id>",
	"    Remove a node, and do not learn of it again for a while.",
	"GETKEYSINSLOT <slot> <count>",
	"    Some keys that the slot holds here.",
	"HELP",
	"    This text.",
	"INFO",
	"    State and counters of the cluster.",
	"KEYSLOT <key>",
	"    The slot that the key belongs to.",
	"LINKS",
	"    The connections to and from the other nodes.",
	"MEET <ip> <port> [<bus-port>]",
	"    Join the cluster of the node at that address.",
	"MYID",
	"    The id of this node.",
	"MYSHARDID",
	"    The id of this node's shard.",
	"NODES",
	"    All known nodes, a line each:",
	"    <id> <ip:port@bus-port[,host]> <flags> <primary> <ping> <pong> <epoch> <link> <slot>",
	"REPLICAS <node-id>",
	"    The replicas of a primary, in the form of NODES.",
	"REPLICATE <node-id>",
	"    Become a replica of that primary.",
	"RESET [HARD|SOFT]",
	"    Forget all nodes and slots; HARD: take a new id as well.",
	"SAVECONFIG",
	"    Write the cluster's state to disk now.",
	"SET-CONFIG-EPOCH <epoch>",
	"    Give a new node its first config epoch.",
	"SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)",
	"    Move a slot: open it at both ends, close it, or give it to a node.",
	"SHARDS",
	"    Slots and nodes of every shard.",
	"SLOTS",
	"    Ranges of slots, each with its primary and replicas.",
};

void
command_help(struct order *o)
{
	const size_t count = sizeof(lines) / sizeof(lines[0]);
	resp_array(o->w, count);
	for (size_t i = 0; i < count; i++) {
		resp_raw(o->w, SPAN("+"));
		resp_raw(o->w, (struct span){(const uint8_t *)lines[i], strlen(lines[i])});
		resp_raw(o->w, SPAN("\r\n"));
	}
}
