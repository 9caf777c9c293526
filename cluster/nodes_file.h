/* cluster/nodes_file.h - nodes.conf: what a node must still know after a crash, as text.
 *
 *     <node line>                     node_line.h, every node that is not in handshake, exactly as Redis 7.0 writes it
 *     vars shard-id:<id> <shard id>   ours: what a line of Redis 7.0 has no place for
 *     vars nodename:<id> <name>       ours
 *     vars currentEpoch <n> lastVoteEpoch <n>
 *
 * F1  Every stock server from Redis 7.0 to Valkey 9.1 loads what we write: the lines are those of 7.0, which later versions
 *     accept because their users upgraded from it, and all skip vars that they do not know. The other way round would not do:
 *     7.0 takes the fields that 7.2 writes behind the host name (shard-id=...) for a part of the name.
 * F2  We load what any of them wrote; fields behind the host name that we do not know are passed over.
 * F3  A file that was cut short at any byte is refused: the epochs stand at its end, and they must be there. Line ends and
 *     zeros behind them are what Redis 7.0 leaves when it is stopped between write and truncate, and are passed over.
 * F4  What is written is the decided state (view.h, live), so it is durable once this text is.
 */
#pragma once
#include "cluster/view.h"

enum nodes_file_status {
	NODES_FILE_OK,
	NODES_FILE_EMPTY,     /* nothing there: a new node */
	NODES_FILE_CUT_SHORT, /* no whole line of epochs at the end */
	NODES_FILE_BAD_LINE,  /* fewer than eight fields */
	NODES_FILE_BAD_ID,
	NODES_FILE_NODE_TWICE,
	NODES_FILE_TOO_MANY_NODES,
	NODES_FILE_BAD_ADDRESS,
	NODES_FILE_BAD_FIELD, /* behind the address: a host name too long, a shard id that is none */
	NODES_FILE_BAD_FLAG,
	NODES_FILE_BAD_ROLE, /* primary and replica, or of ourselves neither */
	NODES_FILE_NO_MYSELF,
	NODES_FILE_MYSELF_TWICE,
	NODES_FILE_BAD_PRIMARY,     /* not an id, itself, or of a node that is no replica */
	NODES_FILE_UNKNOWN_PRIMARY, /* has no line */
	NODES_FILE_BAD_NUMBER,      /* times, epochs */
	NODES_FILE_BAD_SLOT,
	NODES_FILE_SLOT_TWICE,
	NODES_FILE_SLOT_OF_REPLICA,   /* or of a node without a role */
	NODES_FILE_BAD_OPEN_SLOT,     /* not "[slot->-id]" or "[slot-<-id]", or not of ourselves */
	NODES_FILE_UNKNOWN_OPEN_NODE, /* an open slot's other end has no line */
	NODES_FILE_BAD_VARS,
	NODES_FILE_STATUS_COUNT,
};

/* The log's words for it. */
const char *nodes_file_status_text(enum nodes_file_status status);

/* Answers the bytes needed; the text is whole exactly if that is at most size. With size 0 it only counts. */
size_t nodes_file_write(const struct cluster *c, const struct cluster_facts *facts, void *at,
			size_t size);

/* c: as cluster_format() left it. Our ports, names and no-failover are what the configuration says, our address too if it says
 * one; all else is taken from the file. Not OK: *line is where (1 is the first), and c is only good for cluster_format(). */
enum nodes_file_status nodes_file_read(struct cluster *c, struct span text, uint32_t *line);
