/* app/cmd/command_table.c - the rows. Arity, flags, keys and categories are Redis 7.0's. */
#include "app/cmd/command.h"

#define W  COMMAND_WRITE
#define R  COMMAND_READONLY
#define M  COMMAND_DENYOOM
#define F  COMMAND_FAST
#define A  COMMAND_ADMIN
#define LS (COMMAND_LOADING | COMMAND_STALE)
#define N  COMMAND_NOSCRIPT
#define U  COMMAND_NO_AUTH
#define B  COMMAND_ALLOW_BUSY
#define X  COMMAND_NO_MULTI
#define L  COMMAND_NO_ASYNC_LOADING
#define ST COMMAND_STALE
#define C  COMMAND_CONTAINER
#define K  COMMAND_ASKING

const struct command command_table[] = {
	{"append",         cmd_append,      3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"asking",         cmd_asking,      1,  F,                  0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"auth",           cmd_auth,        -2, N | LS | F | U | B, 0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"bitcount",       cmd_bitcount,    -2, R,                  1, 1,  1, SCOPE_SLOT,    "@read @bitmap @slow"             },
	{"bitfield",       cmd_bitfield,    -2, W | M,              1, 1,  1, SCOPE_SLOT,    "@write @bitmap @slow"            },
	{"bitfield_ro",    cmd_bitfield,    -2, R | F,              1, 1,  1, SCOPE_SLOT,    "@read @bitmap @fast"             },
	{"bitop",          cmd_bitop,       -4, W | M,              2, -1, 1, SCOPE_SLOT,    "@write @bitmap @slow"            },
	{"bitpos",         cmd_bitpos,      -3, R,                  1, 1,  1, SCOPE_SLOT,    "@read @bitmap @slow"             },
	{"client",         cmd_client,      -2, 0,                  0, 0,  0, SCOPE_FANOUT,  "@slow"                           },
	{"cluster",        cmd_cluster,     -2, LS | C,             0, 0,  0, SCOPE_CONN,    "@slow"                           },
	{"command",        cmd_command,     -1, LS,                 0, 0,  0, SCOPE_CONN,    "@slow @connection"               },
	{"config",         cmd_config,      -2, 0,                  0, 0,  0, SCOPE_FANOUT,  "@slow"                           },
	{"copy",           cmd_copy,        -3, W | M,              1, 2,  1, SCOPE_SLOT,    "@keyspace @write @slow"          },
	{"dbsize",         cmd_dbsize,      1,  R | F,              0, 0,  0, SCOPE_FANOUT,  "@keyspace @read @fast"           },
	{"debug",          cmd_debug,       -2, A | N | LS,         0, 0,  0, SCOPE_BARRIER, "@admin @slow @dangerous"         },
	{"decr",           cmd_decr,        2,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"decrby",         cmd_decrby,      3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"del",            cmd_del,         -2, W,                  1, -1, 1, SCOPE_SLOT,    "@keyspace @write @slow"          },
	{"dump",           cmd_dump,        2,  R,                  1, 1,  1, SCOPE_SLOT,    "@keyspace @read @slow"           },
	{"echo",           cmd_echo,        2,  LS | F,             0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"exists",         cmd_exists,      -2, R | F,              1, -1, 1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"expire",         cmd_expire,      -3, W | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"expireat",       cmd_expireat,    -3, W | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"expiretime",     cmd_expiretime,  2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"flushall",       cmd_flushall,    -1, W,                  0, 0,  0, SCOPE_BARRIER,
	 "@keyspace @write @slow @dangerous"										   },
	{"flushdb",        cmd_flushall,    -1, W,                  0, 0,  0, SCOPE_BARRIER,
	 "@keyspace @write @slow @dangerous"										   },
	{"get",            cmd_get,         2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@read @string @fast"             },
	{"getbit",         cmd_getbit,      3,  R | F,              1, 1,  1, SCOPE_SLOT,    "@read @bitmap @fast"             },
	{"getdel",         cmd_getdel,      2,  W | F,              1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"getex",          cmd_getex,       -2, W | F,              1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"getrange",       cmd_getrange,    4,  R,                  1, 1,  1, SCOPE_SLOT,    "@read @string @slow"             },
	{"getset",         cmd_getset,      3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"hello",          cmd_hello,       -1, N | LS | F | U | B, 0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"incr",           cmd_incr,        2,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"incrby",         cmd_incrby,      3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"incrbyfloat",    cmd_incrbyfloat, 3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"info",           cmd_info,        -1, LS,                 0, 0,  0, SCOPE_FANOUT,  "@slow @dangerous"                },
	{"keys",           cmd_keys,        2,  R,                  0, 0,  0, SCOPE_FANOUT,  "@keyspace @read @slow @dangerous"},
	{"lcs",            cmd_lcs,         -3, R,                  1, 2,  1, SCOPE_SLOT,    "@read @string @slow"             },
	{"memory",         cmd_memory,      -2, R | C,              2, 2,  1, SCOPE_SLOT,    "@slow"                           },
	{"mget",           cmd_mget,        -2, R | F,              1, -1, 1, SCOPE_SLOT,    "@read @string @fast"             },
	{"mset",           cmd_mset,        -3, W | M,              1, -1, 2, SCOPE_SLOT,    "@write @string @slow"            },
	{"msetnx",         cmd_msetnx,      -3, W | M,              1, -1, 2, SCOPE_SLOT,    "@write @string @slow"            },
	{"object",         cmd_object,      -2, R | C,              2, 2,  1, SCOPE_SLOT,    "@slow"                           },
	{"persist",        cmd_persist,     2,  W | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"pexpire",        cmd_pexpire,     -3, W | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"pexpireat",      cmd_pexpireat,   -3, W | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"pexpiretime",    cmd_pexpiretime, 2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"ping",           cmd_ping,        -1, F,                  0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"psetex",         cmd_psetex,      4,  W | M,              1, 1,  1, SCOPE_SLOT,    "@write @string @slow"            },
	{"pttl",           cmd_pttl,        2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"quit",           cmd_quit,        -1, N | LS | F | U | B, 0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"psync",          cmd_replication, -3, A | N | X | L,      0, 0,  0, SCOPE_CONN,
	 "@admin @slow @dangerous"											     },
	{"randomkey",      cmd_randomkey,   1,  R,                  0, 0,  0, SCOPE_FANOUT,  "@keyspace @read @slow"           },
	{"readonly",       cmd_readonly,    1,  LS | F,             0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"readwrite",      cmd_readwrite,   1,  LS | F,             0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"rename",         cmd_rename,      3,  W,                  1, 2,  1, SCOPE_SLOT,    "@keyspace @write @slow"          },
	{"renamenx",       cmd_renamenx,    3,  W | F,              1, 2,  1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"replconf",       cmd_replication, -1, A | N | LS | B,     0, 0,  0, SCOPE_CONN,
	 "@admin @slow @dangerous"											     },
	{"replicaof",      cmd_replicaof,   3,  A | N | ST | L,     0, 0,  0, SCOPE_CONN,
	 "@admin @slow @dangerous"											     },
	{"reset",          cmd_reset,       1,  N | LS | F | U | B, 0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"restore",        cmd_restore,     -4, W | M,              1, 1,  1, SCOPE_SLOT,
	 "@keyspace @write @slow @dangerous"										   },
	{"restore-asking", cmd_restore,     -4, W | M | K,          1, 1,  1, SCOPE_SLOT,
	 "@keyspace @write @slow @dangerous"										   },
	{"role",           cmd_replication, 1,  N | LS | F,         0, 0,  0, SCOPE_BARRIER, "@admin @fast @dangerous"         },
	{"scan",           cmd_scan,        -2, R,                  0, 0,  0, SCOPE_FANOUT,  "@keyspace @read @slow"           },
	{"select",         cmd_select,      2,  LS | F,             0, 0,  0, SCOPE_CONN,    "@fast @connection"               },
	{"set",            cmd_set,         -3, W | M,              1, 1,  1, SCOPE_SLOT,    "@write @string @slow"            },
	{"setbit",         cmd_setbit,      4,  W | M,              1, 1,  1, SCOPE_SLOT,    "@write @bitmap @slow"            },
	{"setex",          cmd_setex,       4,  W | M,              1, 1,  1, SCOPE_SLOT,    "@write @string @slow"            },
	{"setnx",          cmd_setnx,       3,  W | M | F,          1, 1,  1, SCOPE_SLOT,    "@write @string @fast"            },
	{"setrange",       cmd_setrange,    4,  W | M,              1, 1,  1, SCOPE_SLOT,    "@write @string @slow"            },
	{"shutdown",       cmd_shutdown,    -1, A | N | LS | B | X, 0, 0,  0, SCOPE_BARRIER,
	 "@admin @slow @dangerous"											     },
	{"slaveof",        cmd_replicaof,   3,  A | N | ST | L,     0, 0,  0, SCOPE_CONN,
	 "@admin @slow @dangerous"											     },
	{"strlen",         cmd_strlen,      2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@read @string @fast"             },
	{"substr",         cmd_getrange,    4,  R,                  1, 1,  1, SCOPE_SLOT,    "@read @string @slow"             },
	{"sync",           cmd_replication, 1,  A | N | X | L,      0, 0,  0, SCOPE_CONN,    "@admin @slow @dangerous"         },
	{"time",           cmd_time,        1,  LS | F,             0, 0,  0, SCOPE_CONN,    "@fast"                           },
	{"touch",          cmd_touch,       -2, R | F,              1, -1, 1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"ttl",            cmd_ttl,         2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"type",           cmd_type,        2,  R | F,              1, 1,  1, SCOPE_SLOT,    "@keyspace @read @fast"           },
	{"unlink",         cmd_del,         -2, W | F,              1, -1, 1, SCOPE_SLOT,    "@keyspace @write @fast"          },
	{"wait",           cmd_replication, 3,  N,                  0, 0,  0, SCOPE_CONN,    "@slow @connection"               },
};

const unsigned command_count = sizeof(command_table) / sizeof(command_table[0]);
