/* app/cmd/cmd_acl.c - ACL as far as it goes with one user: default, who may do everything, with or without a password.
 *
 * What would make, change or try other users is refused in one line each: nothing is accepted that does not happen.
 */
#include <stdio.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/sha256.h"

#define HASH_TEXT      (2 * SHA256_SIZE)
#define NAME_SHOWN_MAX 128 /* of what is unknown, as Redis */

static const char *const categories[] = {
	"keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
	"string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
	"fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

/* Passwords are shown hashed, as in Redis. */
static void
password_hash(const struct server *server, char text[HASH_TEXT + 1])
{
	const char *password = server->config.requirepass;
	uint8_t hash[SHA256_SIZE];
	sha256((struct span){(const uint8_t *)password, strlen(password)}, hash);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", hash[i]);
}

static bool
has_password(const struct server *server)
{
	return server->config.requirepass[0] != '\0';
}

static void
acl_whoami(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_bulk_text(w, "default");
}

static void
acl_users(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_array(w, 1);
	resp_bulk_text(w, "default");
}

static void
acl_list(struct server *server, struct call *call, struct resp_writer *w)
{
	char hash[HASH_TEXT + 1], line[HASH_TEXT + 64];
	(void)call;
	password_hash(server, hash);
	snprintf(line, sizeof(line), "user default on %s%s ~* &* +@all",
		 has_password(server) ? "#" : "nopass", has_password(server) ? hash : "");
	resp_array(w, 1);
	resp_bulk_text(w, line);
}

static bool
is_default(struct span name)
{
	return name.len == 7 && memcmp(name.at, "default", 7) == 0;
}

static void
acl_getuser(struct server *server, struct call *call, struct resp_writer *w)
{
	char hash[HASH_TEXT + 1];
	if (!is_default(call->argv[2])) {
		resp_null(w);
		return;
	}
	resp_map(w, 6);
	resp_bulk_text(w, "flags");
	resp_set(w, has_password(server) ? 1 : 2);
	resp_bulk_text(w, "on");
	if (!has_password(server))
		resp_bulk_text(w, "nopass");
	resp_bulk_text(w, "passwords");
	resp_array(w, has_password(server));
	if (has_password(server)) {
		password_hash(server, hash);
		resp_bulk_text(w, hash);
	}
	resp_bulk_text(w, "commands");
	resp_bulk_text(w, "+@all");
	resp_bulk_text(w, "keys");
	resp_bulk_text(w, "~*");
	resp_bulk_text(w, "channels");
	resp_bulk_text(w, "&*");
	resp_bulk_text(w, "selectors");
	resp_array(w, 0);
}

/* Whether one of "@write @string @fast" is the category. */
static bool
is_of_category(const struct command *c, struct span category)
{
	for (const char *p = c->categories; *p != '\0';) {
		size_t len = strcspn(p, " ");
		if (len == category.len + 1 && memcmp(p + 1, category.at, category.len) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

static void
acl_cat(struct server *server, struct call *call, struct resp_writer *w)
{
	size_t count = sizeof(categories) / sizeof(categories[0]), matches = 0;
	bool known = false;
	(void)server;
	if (call->argc > 3) {
		reply_subcommand_syntax(w, call);
		return;
	}
	if (call->argc == 2) {
		resp_array(w, count);
		for (size_t i = 0; i < count; i++)
			resp_bulk_text(w, categories[i]);
		return;
	}
	struct span name = call->argv[2];
	for (size_t i = 0; i < count; i++)
		known |= span_is(name, categories[i]);
	if (!known) {
		resp_errorf(w, "ERR Unknown category '%.*s'",
			    (int)(name.len < NAME_SHOWN_MAX ? name.len : NAME_SHOWN_MAX),
			    (const char *)name.at);
		return;
	}
	for (unsigned i = 0; i < command_count; i++)
		matches += is_of_category(&command_table[i], name);
	resp_array(w, matches);
	for (unsigned i = 0; i < command_count; i++)
		if (is_of_category(&command_table[i], name))
			resp_bulk_text(w, command_table[i].name);
}

static void
acl_deluser(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	for (uint32_t i = 2; i < call->argc; i++)
		if (is_default(call->argv[i])) {
			resp_error(w, "ERR The 'default' user cannot be removed");
			return;
		}
	resp_integer(w, 0); /* there is no other */
}

static void
acl_file(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server, (void)call;
	resp_error(w,
		   "ERR This Redis instance is not configured to use an ACL file. You may want to "
		   "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
		   "(assuming you have a Redis configuration file set) in order to store users in "
		   "the Redis configuration.");
}

static void
acl_not_yet(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)server;
	resp_errorf(
		w,
		"ERR ACL %.*s is not there yet: there is the default user alone, see requirepass",
		(int)call->argv[1].len, (const char *)call->argv[1].at);
}

void
cmd_acl(struct server *server, struct call *call, struct resp_writer *w)
{
	static const struct subcommand subcommands[] = {
		{"cat",     acl_cat,     -2},
                {"deluser", acl_deluser, -3},
		{"dryrun",  acl_not_yet, -4},
                {"genpass", acl_not_yet, -2},
		{"getuser", acl_getuser, 3 },
                {"list",    acl_list,    2 },
		{"load",    acl_file,    2 },
                {"log",     acl_not_yet, -2},
		{"save",    acl_file,    2 },
                {"setuser", acl_not_yet, -3},
		{"users",   acl_users,   2 },
                {"whoami",  acl_whoami,  2 },
	};
	run_subcommand(subcommands, sizeof(subcommands) / sizeof(subcommands[0]), server, call, w);
}
