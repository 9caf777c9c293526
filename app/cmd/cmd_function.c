/* app/cmd/cmd_function.c - FUNCTION of a node that has no libraries: what redis-cli asks of a node that joins a cluster. */
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "proto/rdb/dump.h"

#define WORD_SHOWN_MAX 256u

/* A payload of no libraries is a footer alone: version, then the checksum of the version. */
static void
function_dump(struct server *server, struct call *call, struct resp_writer *w)
{
	uint8_t payload[RDB_DUMP_FOOTER_SIZE];
	(void)server, (void)call;
	store_le16(payload, RDB_VERSION_WRITTEN);
	store_le64(payload + 2, crc64(0, payload, 2));
	resp_bulk(w, (struct span){payload, sizeof(payload)});
}

static bool
is_intact(struct span payload)
{
	if (payload.len < RDB_DUMP_FOOTER_SIZE)
		return false;
	const uint8_t *footer = payload.at + payload.len - RDB_DUMP_FOOTER_SIZE;
	return rdb_version_known(RDB_DIALECT_REDIS, load_le16(footer)) &&
	       load_le64(footer + 2) == crc64(0, payload.at, payload.len - sizeof(uint64_t));
}

static void
function_restore(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (call->argc > 4) {
		reply_subcommand_syntax(w, call);
	} else if (call->argc == 4 && !span_is(call->argv[3], "append") &&
		   !span_is(call->argv[3], "replace") && !span_is(call->argv[3], "flush")) {
		resp_error(w, "ERR Wrong restore policy given, value should be either FLUSH, "
			      "APPEND or REPLACE.");
	} else if (!is_intact(call->argv[2])) {
		resp_error(w, "ERR DUMP payload version or checksum are wrong");
	} else if (call->argv[2].len > RDB_DUMP_FOOTER_SIZE &&
		   call->argv[2].at[0] != RDB_OP_FUNCTION) {
		resp_error(w, "ERR given type is not a function");
	} else if (call->argv[2].len > RDB_DUMP_FOOTER_SIZE) {
		resp_error(w, "ERR this node runs no functions: only an empty payload can be "
			      "restored");
	} else {
		resp_simple(w, "OK");
	}
}

static void
function_flush(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	if (call->argc > 3)
		reply_subcommand_syntax(w, call);
	else if (call->argc == 3 && !span_is(call->argv[2], "sync") &&
		 !span_is(call->argv[2], "async"))
		resp_error(w, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
	else
		resp_simple(w, "OK");
}

/* Line ends become spaces and stay, where other errors drop them. */
static void
reply_unknown_argument(struct span word, struct resp_writer *w)
{
	char text[WORD_SHOWN_MAX + 1];
	size_t len = word.len < WORD_SHOWN_MAX ? word.len : WORD_SHOWN_MAX;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(word.at[i] == '\r' || word.at[i] == '\n' ? ' ' : word.at[i]);
	text[len] = '\0';
	resp_errorf(w, "ERR Unknown argument %s", text);
}

static void
function_list(struct server *server, struct call *call, struct resp_writer *w)
{
	bool with_code = false, by_name = false;
	(void)server;
	for (uint32_t i = 2; i < call->argc; i++) {
		struct span word = call->argv[i];
		if (!with_code && span_is(word, "withcode")) {
			with_code = true;
		} else if (!by_name && span_is(word, "libraryname")) {
			if (++i == call->argc) {
				resp_error(w, "ERR library name argument was not given");
				return;
			}
			by_name = true;
		} else {
			reply_unknown_argument(word, w);
			return;
		}
	}
	resp_array(w, 0);
}

static void
function_delete(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_error(w, "ERR Library not found");
}

void
cmd_function(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"delete",  function_delete,  3 },
                {"dump",    function_dump,    2 },
		{"flush",   function_flush,   -2},
                {"list",    function_list,    -2},
		{"restore", function_restore, -3},
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
