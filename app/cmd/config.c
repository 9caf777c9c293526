/* app/cmd/config.c - directives: a row per live one (type, place in struct config, range), a text per stored one.
 *
 * Aliases (slave-*, *-ziplist-*) are rows of their own in the stored table: nothing there has an effect, so they need not agree.
 */
#include "app/cmd/config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/cmd/config_internal.h"
#include "proto/base/glob.h"
#include "proto/base/number.h"

#define ERROR_MAX 160

enum { HZ_MIN = 1, HZ_MAX = 500 };

enum kind { KIND_BOOL, KIND_U16, KIND_U32, KIND_I64, KIND_MEMORY, KIND_TEXT, KIND_SPECIAL };

struct row {
	const char *name;
	enum kind kind;
	bool immutable;
	size_t offset, size;
	int64_t min, max;
	const char *initial;
};

#define FIELD(field) offsetof(struct config, field), sizeof(((struct config *)0)->field)

static const struct row rows[] = {
	{"bind",			      KIND_TEXT,    true,  FIELD(bind),                            0,       0,         "*"         },
	{"port",			      KIND_U16,     true,  FIELD(port),                            1,       65535,     "6379"      },
	{"ip",				KIND_SPECIAL, true,  FIELD(ip),                              0,       0,         ""          },
	{"gateway",			   KIND_SPECIAL, true,  FIELD(gateway),                         0,       0,         ""          },
	{"maxclients",			KIND_U32,     true,  FIELD(maxclients),                      1,       1000000,   "10000"     },
	{"timeout",			   KIND_U32,     false, FIELD(timeout_s),                       0,       INT_MAX,   "0"         },
	{"tcp-keepalive",                     KIND_U32,     false, FIELD(tcp_keepalive_s),                 0,       INT_MAX,   "300"       },
	{"mtu",			       KIND_U32,     true,  FIELD(mtu),                             0,       9600,      "0"         },
	{"profile",			   KIND_TEXT,    true,  FIELD(profile),                         0,       0,         ""          },
	{"profile-dir",                       KIND_TEXT,    true,  FIELD(profile_dir),                     0,       0,         ""          },
	{"idle-mode",			 KIND_SPECIAL, true,  FIELD(idle_mode),                       0,       0,         ""          },
	{"net-impair",			KIND_TEXT,    true,  FIELD(net_impair),                      0,       0,         ""          },
	{"rx-mbufs",			  KIND_U32,     true,  FIELD(rx_mbufs),                        0,       1 << 24,   "0"         },
	{"proto-max-bulk-len",                KIND_MEMORY,  false, FIELD(proto_max_bulk_len),              1 << 20, INT64_MAX,
	 "536870912"														       },
	{"client-query-buffer-limit",         KIND_MEMORY,  false, FIELD(client_query_buffer_limit),       1 << 20,
	 INT64_MAX,													    "1073741824"},
	{"client-output-buffer-limit",        KIND_SPECIAL, false, FIELD(client_output_limit),             0,       0,
	 "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"                                                             },
	{"maxmemory",			 KIND_MEMORY,  false, FIELD(maxmemory),                       0,       INT64_MAX, "0"         },
	{"maxmemory-policy",                  KIND_SPECIAL, false, FIELD(maxmemory_policy),                0,       0,         "noeviction"},
	{"maxmemory-samples",                 KIND_U32,     false, FIELD(maxmemory_samples),               1,       INT_MAX,   "5"         },
	{"lfu-log-factor",                    KIND_U32,     false, FIELD(lfu_log_factor),                  0,       INT_MAX,   "10"        },
	{"lfu-decay-time",                    KIND_U32,     false, FIELD(lfu_decay_time),                  0,       INT_MAX,   "1"         },
	{"replica-ignore-maxmemory",          KIND_BOOL,    false, FIELD(replica_ignore_maxmemory),        0,       0,
	 "yes"															     },
	{"lazyfree-lazy-user-flush",          KIND_BOOL,    false, FIELD(lazyfree_lazy_user_flush),        0,       0,         "no"        },
	{"hz",				KIND_U32,     false, FIELD(hz),                              0,       INT_MAX,   "10"        },
	{"requirepass",                       KIND_TEXT,    false, FIELD(requirepass),                     0,       0,         ""          },
	{"protected-mode",                    KIND_BOOL,    false, FIELD(protected_mode),                  0,       0,         "yes"       },
	{"enable-debug-command",              KIND_BOOL,    true,  FIELD(enable_debug_command),            0,       0,         "no"        },
	{"cluster-enabled",                   KIND_BOOL,    true,  FIELD(cluster_enabled),                 0,       0,         "no"        },
	{"cluster-port",                      KIND_U16,     true,  FIELD(cluster_port),                    0,       65535,     "0"         },
	{"cluster-config-file",               KIND_TEXT,    true,  FIELD(cluster_config_file),             0,       0,         "nodes.conf"},
	{"cluster-node-timeout",              KIND_U32,     false, FIELD(cluster_node_timeout_ms),         1,       INT_MAX,
	 "15000"															   },
	{"cluster-nodes-max",                 KIND_U32,     true,  FIELD(cluster_nodes_max),               16,      4096,      "1024"      },
	{"cluster-announce-ip",               KIND_TEXT,    false, FIELD(cluster_announce_ip),             0,       0,         ""          },
	{"cluster-announce-port",             KIND_U16,     false, FIELD(cluster_announce_port),           0,       65535,     "0"         },
	{"cluster-announce-bus-port",         KIND_U16,     false, FIELD(cluster_announce_bus_port),       0,       65535,
	 "0"															       },
	{"cluster-announce-hostname",         KIND_TEXT,    false, FIELD(cluster_announce_hostname),       0,       0,         ""          },
	{"cluster-preferred-endpoint-type",   KIND_TEXT,    false,
	 FIELD(cluster_preferred_endpoint_type),							   0,       0,         "ip"        },
	{"cluster-replica-validity-factor",   KIND_U32,     false, FIELD(cluster_replica_validity_factor),
	 0,													 INT_MAX,   "10"        },
	{"cluster-migration-barrier",         KIND_U32,     false, FIELD(cluster_migration_barrier),       0,       INT_MAX,
	 "1"															       },
	{"cluster-allow-replica-migration",   KIND_BOOL,    false,
	 FIELD(cluster_allow_replica_migration),							   0,       0,         "yes"       },
	{"cluster-require-full-coverage",     KIND_BOOL,    false, FIELD(cluster_require_full_coverage),   0,
	 0,														    "yes"       },
	{"cluster-replica-no-failover",       KIND_BOOL,    false, FIELD(cluster_replica_no_failover),     0,       0,
	 "no"															      },
	{"cluster-allow-reads-when-down",     KIND_BOOL,    false, FIELD(cluster_allow_reads_when_down),   0,
	 0,														    "no"        },
	{"cluster-fast-suspicion",            KIND_BOOL,    false, FIELD(cluster_fast_suspicion),          0,       0,         "no"        },
	{"cluster-fast-election",             KIND_BOOL,    false, FIELD(cluster_fast_election),           0,       0,         "no"        },
	{"cluster-self-fencing",              KIND_BOOL,    false, FIELD(cluster_self_fencing),            0,       0,         "no"        },
	{"cluster-ping-interval",             KIND_U32,     false, FIELD(cluster_ping_interval_ms),        0,       INT_MAX,
	 "0"															       },
	{"masterauth",			KIND_TEXT,    false, FIELD(masterauth),                      0,       0,         ""          },
	{"masteruser",			KIND_TEXT,    false, FIELD(masteruser),                      0,       0,         ""          },
	{"repl-backlog-size",                 KIND_MEMORY,  false, FIELD(repl_backlog_size),               1,       INT64_MAX,
	 "1048576"															 },
	{"repl-ping-replica-period",          KIND_U32,     false, FIELD(repl_ping_replica_period_s),      1,       INT_MAX,
	 "10"															      },
	{"repl-timeout",                      KIND_U32,     false, FIELD(repl_timeout_s),                  1,       INT_MAX,   "60"        },
	{"replica-read-only",                 KIND_BOOL,    false, FIELD(replica_read_only),               0,       0,         "yes"       },
	{"replica-serve-stale-data",          KIND_BOOL,    false, FIELD(replica_serve_stale_data),        0,       0,
	 "yes"															     },
	{"min-replicas-to-write",             KIND_U32,     false, FIELD(min_replicas_to_write),           0,       INT_MAX,   "0"         },
	{"min-replicas-max-lag",              KIND_U32,     false, FIELD(min_replicas_max_lag_s),          0,       INT_MAX,   "10"        },
	{"queues",			    KIND_U16,     true,  FIELD(queues),                          0,       16,        "0"         },
	{"dir",			       KIND_TEXT,    false, FIELD(dir),                             0,       0,         "."         },
	{"dbfilename",			KIND_TEXT,    false, FIELD(dbfilename),                      0,       0,         "dump.rdb"  },
	{"logfile",			   KIND_TEXT,    true,  FIELD(logfile),                         0,       0,         ""          },
	{"loglevel",			  KIND_SPECIAL, false, FIELD(loglevel),                        0,       0,         "notice"    },
	{"slowlog-log-slower-than",           KIND_I64,     false, FIELD(slowlog_log_slower_than),         -1,      INT64_MAX,
	 "10000"															   },
	{"latency-monitor-threshold",         KIND_I64,     false, FIELD(latency_monitor_threshold),       0,
	 INT64_MAX,													    "0"         },
	{"latency-tracking-info-percentiles", KIND_TEXT,    false, FIELD(latency_percentiles),             0,       0,
	 "50 99 99.9"														      },
	{"latency-tracking",                  KIND_BOOL,    false, FIELD(latency_tracking),                0,       0,         "yes"       },
	{"slowlog-max-len",                   KIND_I64,     false, FIELD(slowlog_max_len),                 0,       INT64_MAX, "128"       },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

struct stored_text {
	char text[CONFIG_TEXT_MAX];
};

/* ---- values ---- */

/* A refusal that repeats the user's word stays one line: quotes may carry any byte into it. */
static void
one_line(char *error)
{
	for (char *p = error; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static enum config_result
bad(char *error, const char *reason)
{
	snprintf(error, ERROR_MAX, "%s", reason);
	return CONFIG_BAD_VALUE;
}

static bool
parse_integer(const char *text, int64_t *value)
{
	return number_parse((const uint8_t *)text, strlen(text), value);
}

/* redis.conf's units: 1k is 1000, 1kb is 1024. */
static bool
parse_memory(const char *text, int64_t *value)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = {
		{"",   1         },
                {"b",  1         },
                {"k",  1000      },
                {"kb", 1 << 10   },
		{"m",  1000000   },
                {"mb", 1 << 20   },
                {"g",  1000000000},
                {"gb", 1ll << 30 }
        };
	char *end;
	errno = 0;
	int64_t n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || n < 0)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(end, units[i].unit) == 0)
			return !__builtin_mul_overflow(n, units[i].factor, value);
	return false;
}

static bool
parse_address(const char *text, size_t len, uint32_t *address)
{
	const char *end = text + len;
	uint32_t value = 0;
	for (unsigned i = 0; i < 4; i++) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		const char *stop = dot != NULL && i < 3 ? dot : end;
		int64_t octet;
		if (!number_parse((const uint8_t *)text, (size_t)(stop - text), &octet) ||
		    octet < 0 || octet > 255)
			return false;
		value = value << 8 | (uint32_t)octet;
		if (i < 3 && stop == end)
			return false;
		text = stop + 1;
	}
	*address = value;
	return true;
}

static enum config_result
set_ip(struct config *config, const char *value, char *error)
{
	const char *slash = strchr(value, '/');
	int64_t bits;
	if (slash == NULL || !parse_integer(slash + 1, &bits) || bits < 1 || bits > 30 ||
	    !parse_address(value, (size_t)(slash - value), &config->ip))
		return bad(error, "expected an address with its prefix, e.g. 10.77.0.2/24");
	config->netmask = UINT32_MAX << (32 - bits);
	return CONFIG_OK;
}

/* The next word of a value, in place of its size bytes; NULL: there is none, or it is longer. */
static const char *
next_word(const char *at, char *word, size_t size)
{
	at += strspn(at, " ");
	size_t len = strcspn(at, " ");
	if (len == 0 || len >= size)
		return NULL;
	memcpy(word, at, len);
	word[len] = '\0';
	return at + len;
}

/* "normal 0 0 0 pubsub 32mb 8mb 60": only the hard limit of class normal has an effect. */
static enum config_result
set_output_limit(struct config *config, const char *value, char *error)
{
	char class[16], words[3][24];
	for (const char *at = value; *at != '\0'; at += strspn(at, " ")) {
		int64_t limit, soft, seconds;
		at = next_word(at, class, sizeof(class));
		for (unsigned i = 0; i < 3 && at != NULL; i++)
			at = next_word(at, words[i], sizeof(words[i]));
		if (at == NULL || !parse_memory(words[0], &limit) ||
		    !parse_memory(words[1], &soft) || !parse_integer(words[2], &seconds) ||
		    seconds < 0)
			return bad(error, "Wrong number of arguments in "
					  "buffer limit configuration.");
		if (strcasecmp(class, "normal") == 0)
			config->client_output_limit = (uint64_t)limit;
		else if (strcasecmp(class, "slave") != 0 && strcasecmp(class, "replica") != 0 &&
			 strcasecmp(class, "pubsub") != 0)
			return bad(error, "Invalid client class specified in "
					  "buffer limit configuration.");
	}
	return CONFIG_OK;
}

static enum config_result
set_policy(struct config *config, const char *value, char *error)
{
	enum evict_policy policy = evict_policy_of(value);
	if (policy == EVICT_POLICIES)
		return bad(error, "argument(s) must be one of the following: volatile-lru, "
				  "volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, "
				  "allkeys-lfu, allkeys-random, noeviction");
	config->maxmemory_policy = policy;
	return CONFIG_OK;
}

static enum config_result
set_special(struct config *config, const struct row *row, const char *value, char *error)
{
	if (strcmp(row->name, "ip") == 0)
		return *value == '\0' ? CONFIG_OK : set_ip(config, value, error);
	if (strcmp(row->name, "gateway") == 0)
		return *value == '\0' || parse_address(value, strlen(value), &config->gateway)
			       ? CONFIG_OK
			       : bad(error, "expected an address, e.g. 10.77.0.1");
	if (strcmp(row->name, "client-output-buffer-limit") == 0)
		return set_output_limit(config, value, error);
	if (strcmp(row->name, "maxmemory-policy") == 0)
		return set_policy(config, value, error);
	if (strcmp(row->name, "idle-mode") == 0) {
		if (*value == '\0')
			return CONFIG_OK;
		if (strcasecmp(value, "busy") != 0 && strcasecmp(value, "adaptive") != 0)
			return bad(error, "argument must be 'busy' or 'adaptive'");
		config->idle_mode = strcasecmp(value, "busy") == 0 ? IDLE_BUSY : IDLE_ADAPTIVE;
		config->idle_mode_set = true;
		return CONFIG_OK;
	}
	if (strcasecmp(value, "debug") != 0 && strcasecmp(value, "verbose") != 0 &&
	    strcasecmp(value, "notice") != 0 && strcasecmp(value, "warning") != 0)
		return bad(error, "argument(s) must be one of the following: debug, verbose, "
				  "notice, warning");
	snprintf(config->loglevel, sizeof(config->loglevel), "%s", value);
	return CONFIG_OK;
}

static enum config_result
set_number(void *at, const struct row *row, const char *value, char *error)
{
	int64_t n;
	bool memory = row->kind == KIND_MEMORY;
	if (!(memory ? parse_memory(value, &n) : parse_integer(value, &n)))
		return bad(error, memory ? "argument must be a memory value"
					 : "argument couldn't be parsed into an integer");
	if (n < row->min || n > row->max) {
		snprintf(error, ERROR_MAX,
			 "argument must be between %" PRId64 " and %" PRId64 " inclusive", row->min,
			 row->max);
		return CONFIG_BAD_VALUE;
	}
	if (row->offset == offsetof(struct config, hz)) /* Redis takes any and clips it */
		n = n < HZ_MIN ? HZ_MIN : n > HZ_MAX ? HZ_MAX : n;
	if (row->kind == KIND_U16)
		*(uint16_t *)at = (uint16_t)n;
	else if (row->kind == KIND_U32)
		*(uint32_t *)at = (uint32_t)n;
	else
		*(int64_t *)at = n;
	return CONFIG_OK;
}

static enum config_result
set_row(struct config *config, const struct row *row, const char *value, char *error)
{
	void *at = (char *)config + row->offset;
	switch (row->kind) {
	case KIND_BOOL:
		if (strcasecmp(value, "yes") != 0 && strcasecmp(value, "no") != 0)
			return bad(error, "argument must be 'yes' or 'no'");
		*(bool *)at = strcasecmp(value, "yes") == 0;
		return CONFIG_OK;
	case KIND_TEXT:
		if (strlen(value) >= row->size)
			return bad(error, "argument is too long");
		memcpy(at, value, strlen(value) + 1);
		return CONFIG_OK;
	case KIND_SPECIAL:
		return set_special(config, row, value, error);
	case KIND_U16:
	case KIND_U32:
	case KIND_I64:
	case KIND_MEMORY:
		return set_number(at, row, value, error);
	}
	return CONFIG_UNKNOWN;
}

/* ---- what is not there yet ---- */

/* Accepting these would promise something that does not happen. */
static const struct {
	const char *name, *harmless, *why;
} refusals[] = {
	{"appendonly", "no", "appendonly is not there yet: use appendonly no"                  },
	{"tls-port",   "0",  "TLS is not there yet: leave tls-port at 0"                       },
	{"replicaof",  "",   "replication is not there yet: leave replicaof out"               },
	{"slaveof",    "",   "replication is not there yet: leave slaveof out"                 },
	{"unixsocket", "",   "there is no kernel socket in the data path: leave unixsocket out"},
	{"aclfile",    "",   "ACL files are not there yet: leave aclfile out"                  },
	{"save",       "",   "save points are not there yet: use BGSAVE"                       },
	{"daemonize",  "no",
	 "the node stays in the foreground: use daemonize no and a service manager"            },
};

static bool
is_refused(const char *name, const char *value, char *error)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcasecmp(name, refusals[i].name) == 0 &&
		    strcasecmp(value, refusals[i].harmless) != 0) {
			snprintf(error, ERROR_MAX, "%s", refusals[i].why);
			return true;
		}
	return false;
}

/* ---- the interface ---- */

bool
config_init(struct config *config)
{
	char error[ERROR_MAX];
	memset(config, 0, sizeof(*config));
	struct stored_text *stored = calloc(config_stored_count, sizeof(*stored));
	if (stored == NULL)
		return false;
	config->stored = stored;
	for (size_t i = 0; i < config_stored_count; i++)
		snprintf(stored[i].text, sizeof(stored[i].text), "%s", config_stored[i].value);
	config->idle_mode = IDLE_ADAPTIVE;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (set_row(config, &rows[i], rows[i].initial, error) != CONFIG_OK)
			return false;
	return true;
}

void
config_free(struct config *config)
{
	free(config->stored);
	config->stored = NULL;
}

bool
config_copy(struct config *to, const struct config *from)
{
	struct stored_text *stored = calloc(config_stored_count, sizeof(*stored));
	if (stored == NULL)
		return false;
	memcpy(stored, from->stored, config_stored_count * sizeof(*stored));
	*to = *from;
	to->stored = stored;
	return true;
}

static enum config_result
immutable(char *error)
{
	snprintf(error, ERROR_MAX, "can't set immutable config");
	return CONFIG_IMMUTABLE;
}

static bool
is_name(struct span word, const char *name)
{
	return word.len == strlen(name) && strncasecmp((const char *)word.at, name, word.len) == 0;
}

enum config_result
config_find(struct span name, const char **own)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (is_name(name, rows[i].name)) {
			*own = rows[i].name;
			return rows[i].immutable ? CONFIG_IMMUTABLE : CONFIG_OK;
		}
	for (size_t i = 0; i < config_stored_count; i++)
		if (is_name(name, config_stored[i].name)) {
			*own = config_stored[i].name;
			return config_stored[i].immutable ? CONFIG_IMMUTABLE : CONFIG_OK;
		}
	return CONFIG_UNKNOWN;
}

enum config_result
config_set(struct config *config, const char *name, const char *value, bool starting,
	   char error[ERROR_MAX])
{
	struct stored_text *stored = config->stored;
	error[0] = '\0';
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcasecmp(name, rows[i].name) != 0)
			continue;
		if (rows[i].immutable && !starting)
			return immutable(error);
		if (is_refused(name, value, error))
			return CONFIG_REFUSED;
		return set_row(config, &rows[i], value, error);
	}
	for (size_t i = 0; i < config_stored_count; i++) {
		if (strcasecmp(name, config_stored[i].name) != 0)
			continue;
		if (config_stored[i].immutable && !starting)
			return immutable(error);
		if (is_refused(name, value, error))
			return CONFIG_REFUSED;
		if (strlen(value) >= CONFIG_TEXT_MAX)
			return bad(error, "argument is too long");
		memcpy(stored[i].text, value, strlen(value) + 1);
		return CONFIG_OK;
	}
	snprintf(error, ERROR_MAX, "unknown directive '%.64s'", name);
	one_line(error);
	return CONFIG_UNKNOWN;
}

/* ---- redis.conf and argv ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a backslash inside double quotes. */
static bool
take_escape(const char **at, const char *end, char *c)
{
	static const char from[] = "nrtab", to[] = "\n\r\t\a\b";
	const char *p = *at;
	if (p == end)
		return false;
	const char *known = memchr(from, *p, sizeof(from) - 1);
	if (known != NULL) {
		*c = to[known - from];
	} else if (*p == 'x' && end - p > 2 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
		*c = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
		p += 2;
	} else {
		*c = *p;
	}
	*at = p + 1;
	return true;
}

/* One word of a line, quotes and escapes undone, appended to out. False: unbalanced quotes or no room. */
static bool
take_word(const char **at, const char *end, char *out, size_t size, size_t *len)
{
	const char *p = *at;
	char quote = '\0';
	if (*p == '"' || *p == '\'')
		quote = *p++;
	while (p < end &&
	       (quote != '\0' ? *p != quote : strchr(" \t\r", *p) == NULL || *p == '\0')) {
		char c = *p++;
		if (quote == '"' && c == '\\' && !take_escape(&p, end, &c))
			return false;
		if (*len + 1 >= size || c == '\0')
			return false;
		out[(*len)++] = c;
	}
	if (quote != '\0' && p++ >= end)
		return false;
	*at = p;
	return true;
}

static enum config_result
parse_line(struct config *config, const char *at, const char *end, char *error)
{
	char words[CONFIG_VALUE_MAX];
	size_t len = 0, name_len = 0;
	for (unsigned count = 0;; count++) {
		while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
			at++;
		if (at == end || (count == 0 && *at == '#'))
			break;
		if (count > 1 && len + 1 < sizeof(words))
			words[len++] = ' ';
		if (!take_word(&at, end, words, sizeof(words), &len))
			return bad(error, "unbalanced quotes, or a line that is too long");
		if (count == 0) {
			words[len++] = '\0';
			name_len = len;
		}
	}
	if (name_len == 0)
		return CONFIG_OK;
	words[len] = '\0';
	return config_set(config, words, words + name_len, true, error);
}

enum config_result
config_parse(struct config *config, const char *text, size_t len, int *line, char error[ERROR_MAX])
{
	const char *end = text + len;
	for (*line = 1; text < end; (*line)++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			stop = end;
		enum config_result result = parse_line(config, text, stop, error);
		if (result != CONFIG_OK)
			return result;
		text = stop + 1;
	}
	return CONFIG_OK;
}

enum config_result
config_parse_args(struct config *config, int argc, char *const *argv, char error[ERROR_MAX])
{
	for (int i = 0; i < argc;) {
		const char *name = argv[i++];
		char value[CONFIG_VALUE_MAX] = "";
		size_t len = 0;
		if (strncmp(name, "--", 2) != 0) {
			snprintf(error, ERROR_MAX,
				 "'%.64s': options are --name value, see pollis --help", name);
			return CONFIG_UNKNOWN;
		}
		for (bool first = true; i < argc && strncmp(argv[i], "--", 2) != 0; i++) {
			len += (size_t)snprintf(value + len, sizeof(value) - len, "%s%s",
						first ? "" : " ", argv[i]);
			if (len >= sizeof(value))
				return bad(error, "an argument is too long");
			first = false;
		}
		char reason[ERROR_MAX];
		enum config_result result = config_set(config, name + 2, value, true, reason);
		if (result != CONFIG_OK) {
			snprintf(error, ERROR_MAX, "--%.40s: %.100s", name + 2, reason);
			return result;
		}
	}
	return CONFIG_OK;
}

enum config_result
config_check_start(const struct config *config, char error[ERROR_MAX])
{
	if (config->ip == 0)
		return bad(error, "ip is missing: give the node an address of its own, e.g. "
				  "--ip 10.77.0.2/24");
	if (config->gateway != 0 && ((config->gateway ^ config->ip) & config->netmask) != 0)
		return bad(error, "gateway is not in the network of ip: see --ip and --gateway");
	return CONFIG_OK;
}

/* ---- CONFIG GET and REWRITE ---- */

static void
put_text(char value[CONFIG_VALUE_MAX], const char *text)
{
	snprintf(value, CONFIG_VALUE_MAX, "%s", text);
}

static void
address_text(char *at, size_t size, uint32_t address)
{
	snprintf(at, size, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		 address & 255);
}

static void
special_text(const struct config *config, const struct row *row, char value[CONFIG_VALUE_MAX])
{
	value[0] = '\0';
	if (strcmp(row->name, "ip") == 0 && config->ip != 0) {
		address_text(value, CONFIG_VALUE_MAX, config->ip);
		snprintf(value + strlen(value), 8, "/%d", __builtin_popcount(config->netmask));
	} else if (strcmp(row->name, "gateway") == 0 && config->gateway != 0) {
		address_text(value, CONFIG_VALUE_MAX, config->gateway);
	} else if (strcmp(row->name, "idle-mode") == 0) {
		put_text(value, config->idle_mode == IDLE_BUSY ? "busy" : "adaptive");
	} else if (strcmp(row->name, "maxmemory-policy") == 0) {
		put_text(value, evict_policy_name(config->maxmemory_policy));
	} else if (strcmp(row->name, "loglevel") == 0) {
		put_text(value, config->loglevel);
	} else if (strcmp(row->name, "client-output-buffer-limit") == 0) {
		snprintf(value, CONFIG_VALUE_MAX,
			 "normal %" PRIu64
			 " 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
			 config->client_output_limit);
	}
}

static void
row_text(const struct config *config, const struct row *row, char value[CONFIG_VALUE_MAX])
{
	const void *at = (const char *)config + row->offset;
	switch (row->kind) {
	case KIND_BOOL:
		put_text(value, *(const bool *)at ? "yes" : "no");
		break;
	case KIND_U16:
		snprintf(value, CONFIG_VALUE_MAX, "%u", *(const uint16_t *)at);
		break;
	case KIND_U32:
		snprintf(value, CONFIG_VALUE_MAX, "%u", *(const uint32_t *)at);
		break;
	case KIND_I64:
	case KIND_MEMORY:
		snprintf(value, CONFIG_VALUE_MAX, "%" PRId64, *(const int64_t *)at);
		break;
	case KIND_TEXT:
		put_text(value, at);
		break;
	case KIND_SPECIAL:
		special_text(config, row, value);
		break;
	}
}

size_t
config_next(const struct config *config, struct span pattern, size_t index, const char **name,
	    char value[CONFIG_VALUE_MAX])
{
	const struct stored_text *stored = config->stored;
	for (; index < ROW_COUNT + config_stored_count; index++) {
		bool live = index < ROW_COUNT;
		size_t s = index - ROW_COUNT;
		*name = live ? rows[index].name : config_stored[s].name;
		struct span text = {(const uint8_t *)*name, strlen(*name)};
		if (!glob_match(pattern, text, true))
			continue;
		if (live)
			row_text(config, &rows[index], value);
		else
			memcpy(value, stored[s].text, strlen(stored[s].text) + 1);
		return index + 1;
	}
	return 0;
}
