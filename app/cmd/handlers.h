/* app/cmd/handlers.h - what runs a command, by file: a line here for each handler that a row of command_table.c names. */
#pragma once

struct server;
struct call;
struct resp_writer;

#define HANDLER(name)                                                                              \
	void cmd_##name(struct server *server, struct call *call, struct resp_writer *w)
/* cmd_acl.c */
HANDLER(acl);
/* cmd_connection.c */
HANDLER(ping);
HANDLER(echo);
HANDLER(select);
HANDLER(quit);
HANDLER(reset);
HANDLER(auth);
HANDLER(hello);
HANDLER(client);
/* cmd_replication.c */
HANDLER(replication);
HANDLER(replicaof);
/* cmd_cluster.c */
HANDLER(cluster);
HANDLER(asking);
HANDLER(readonly);
HANDLER(readwrite);
/* cmd_string.c */
HANDLER(get);
HANDLER(set);
HANDLER(setnx);
HANDLER(setex);
HANDLER(psetex);
HANDLER(getset);
HANDLER(getdel);
HANDLER(getex);
HANDLER(mget);
HANDLER(mset);
HANDLER(msetnx);
HANDLER(append);
HANDLER(strlen);
HANDLER(getrange);
HANDLER(setrange);
HANDLER(incr);
HANDLER(decr);
HANDLER(incrby);
HANDLER(decrby);
HANDLER(incrbyfloat);
/* cmd_bitmap.c */
HANDLER(getbit);
HANDLER(setbit);
HANDLER(bitcount);
HANDLER(bitpos);
HANDLER(bitop);
HANDLER(bitfield);
/* cmd_lcs.c */
HANDLER(lcs);
/* cmd_key.c */
HANDLER(copy);
HANDLER(rename);
HANDLER(renamenx);
HANDLER(object);
HANDLER(dump);
HANDLER(restore);
/* cmd_generic.c */
HANDLER(del);
HANDLER(exists);
HANDLER(touch);
HANDLER(expire);
HANDLER(pexpire);
HANDLER(expireat);
HANDLER(pexpireat);
HANDLER(ttl);
HANDLER(pttl);
HANDLER(expiretime);
HANDLER(pexpiretime);
HANDLER(persist);
HANDLER(type);
HANDLER(keys);
HANDLER(scan);
HANDLER(randomkey);
HANDLER(dbsize);
HANDLER(flushall);
/* cmd_memory.c */
HANDLER(memory);
/* cmd_server.c */
HANDLER(config);
HANDLER(time);
HANDLER(shutdown);
HANDLER(lolwut);
HANDLER(bgsave);
HANDLER(save);
HANDLER(lastsave);
HANDLER(move);
HANDLER(swapdb);
/* cmd_command.c, cmd_info.c, cmd_debug.c, cmd_function.c */
HANDLER(command);
HANDLER(info);
HANDLER(debug);
HANDLER(function);
/* slowlog.c */
HANDLER(slowlog);
HANDLER(latency);
