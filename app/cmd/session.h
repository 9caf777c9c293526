/* app/cmd/session.h - what the server remembers about one client. The connection layer embeds it.
 *
 * Sessions of a lcore are linked in id order of arrival, so that CLIENT LIST can walk them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/base/span.h"

struct server;
struct command;

#define SESSION_NAME_MAX 64
#define SESSION_ADDRESS_MAX                                                                        \
	24 /* "255.255.255.255:65535" and its zero: a hundred thousand idle ones are paid for */

enum session_flag {
	SESSION_AUTHENTICATED = 1,
	SESSION_CLOSE_AFTER_REPLY =
		2,             /* QUIT, protocol error: FIN once what is queued has been sent */
	SESSION_CLOSE_NOW = 4, /* CLIENT KILL: drop it without waiting */
	SESSION_NO_EVICT = 8,
	SESSION_READONLY = 16,
	SESSION_ASKING = 32,
	SESSION_REPLY_OFF = 64,   /* CLIENT REPLY OFF */
	SESSION_REPLY_SKIP = 128, /* of this command */
	SESSION_REPLY_SKIP_NEXT = 256,
	SESSION_NO_TOUCH = 512,
	SESSION_REPLICA = 2048,        /* PSYNC was sent: gets the stream */
	SESSION_WAITING = 4096,        /* in WAIT */
	SESSION_UNBLOCKED = 8192,      /* CLIENT UNBLOCK: its WAIT ends */
	SESSION_UNBLOCK_ERROR = 16384, /* and is answered with an error */
	SESSION_PRIMARY = 1024, /* our primary's stream: obeyed whatever slots and roles say */
};

struct session {
	TAILQ_ENTRY(session) link;
	uint64_t id;
	uint64_t created_ms, active_ms;
	const struct command *last_command;
	uint32_t flags;   /* enum session_flag */
	uint8_t protocol; /* 2 or 3 */
	uint32_t db;
	uint16_t replica_port; /* REPLCONF listening-port */
	uint8_t replica_capa;  /* REPLCONF capa: 1 eof, 2 psync2 */
	/* From the server's allocator; NULL: none. The name has any length, the others are below SESSION_NAME_MAX. */
	char *name, *lib_name, *lib_version;
	char address[SESSION_ADDRESS_MAX], local_address[SESSION_ADDRESS_MAX];
	uint64_t commands, bytes_in, bytes_out;
	uint64_t input_held,
		output_held; /* bytes buffered for it, kept current by the connection layer */
};

TAILQ_HEAD(session_list, session);

void session_open(struct server *server, struct session *session, const char *address,
		  const char *local_address, uint64_t now_ms);
/* Sets one of a session's three names. An empty one: none. False: no memory, the old one stays. */
bool session_rename(struct server *server, char **name, struct span to);
void session_close(struct server *server, struct session *session);
