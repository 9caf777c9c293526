/* app/lcore/client.h - one RESP client on one connection: what has arrived, and where its replies go.
 *
 *     in place    commands that lie whole in one received mbuf are parsed where they are
 *     input       a command that does not is collected here; the buffer exists only while it does
 *     output      replies are written straight into the connection's chunks; beyond CLIENT_DIRECT_MAX unacknowledged bytes they go to heap
 *                 blocks, so that a client that does not read costs memory, not mbufs
 *
 * C1  Between two turns a client holds no received mbuf, and no buffer unless a command is half here.
 * One lcore.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/cmd/server.h"
#include "app/net/stack.h"
#include "app/store/allocator.h"
#include "proto/resp/parser.h"
#include "proto/resp/writer.h"

#define CLIENT_DIRECT_MAX                                                                          \
	(256u * 1024) /* queued bytes up to which replies go straight into mbufs */
#define CLIENT_BLOCK_SIZE ((size_t)16 * 1024) /* beyond that: heap blocks of this size */
#define CLIENT_QUEUED_MAX (1u << 30) /* most that is ever queued: stream offsets have 32 bits */
#define CLIENT_INPUT_MIN  1024u

enum client_end {
	CLIENT_OPEN,
	CLIENT_END_PEER,   /* FIN, reset or timeout */
	CLIENT_END_QUIT,   /* after a reply: QUIT, protocol error */
	CLIENT_END_KILLED, /* CLIENT KILL, timeout of idle clients */
	CLIENT_END_OUTPUT, /* client-output-buffer-limit, or no memory for replies */
	CLIENT_END_INPUT,  /* client-query-buffer-limit, or no memory for a command */
	CLIENT_END_COUNT,
};

struct client {
	struct session session;
	struct conn *conn;
	struct allocator *allocator;
	struct resp_parser parser;
	struct resp_writer writer;
	uint8_t *input;                           /* NULL: nothing collected */
	size_t input_from, input_len, input_size; /* what is left of it; bytes in use; its memory */
	size_t taken;   /* bytes of the current source that parsed commands used */
	uint8_t *block; /* heap block being written; NULL: writing into the connection */
	uint64_t output_limit;
	bool in_group; /* some of its commands wait for execution */
	struct parcel *
		parcel; /* its commands that run elsewhere; nothing is parsed meanwhile. NULL: none */
	uint8_t protocol_error; /* enum resp_status; RESP_OK: none */
	uint8_t end;            /* enum client_end; not CLIENT_OPEN: linked in serve->closing */
	STAILQ_ENTRY(client) closing_link;
};

/* NULL: no memory. */
struct client *client_open(struct server *server, struct allocator *allocator, struct conn *conn,
			   uint32_t local_address, uint64_t now_ms);
/* Gives back all it holds; the connection is the caller's. */
void client_free(struct server *server, struct client *client);

/* The bytes to parse next: what is collected, else the first unread mbuf; len 0: nothing. */
struct span client_source(struct client *client);
/* Drop the first taken bytes of the source, and sets taken to 0. What follows them stays where it is until client_collect(), or
 * until client_take() has dropped it too. */
void client_take(struct client *client);
/* Collects all that has arrived; want: bytes the command needs at least, 0: unknown. False: no memory, or beyond limit. */
bool client_collect(struct client *client, size_t want, size_t limit);
/* Replies written so far are handed to the connection. False: the writer has failed. */
bool client_flush(struct client *client);
