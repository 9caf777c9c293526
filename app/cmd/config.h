/* app/cmd/config.h - every directive of redis.conf that we know: one table, one struct of values.
 *
 *     argv after "--"  --\
 *     --config FILE    ---+--> config_set() --> struct config --> CONFIG GET, CONFIG REWRITE
 *     CONFIG SET       --/
 *
 * Each data lcore has a struct config of its own; CONFIG SET reaches the others as mail. No I/O here: the caller reads and writes
 * files. Names, defaults, ranges and error texts as Redis 7.0's where Redis has the directive.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/store/evict.h"
#include "proto/base/span.h"

#define CONFIG_FILE_PATH_MAX 512 /* of the file itself */
#define CONFIG_TEXT_MAX      256 /* longest value of a text directive, with its zero */

enum idle_mode { IDLE_BUSY, IDLE_ADAPTIVE };

struct config { /* what code reads; directives that are only stored live in config.c's table of texts */
	/* network */
	char bind[CONFIG_TEXT_MAX];
	uint16_t port;
	uint32_t ip, netmask, gateway; /* host order; "ip 10.0.0.2/24", "gateway 10.0.0.1" */
	uint32_t maxclients;
	uint32_t timeout_s, tcp_keepalive_s;
	uint32_t mtu;
	char profile[CONFIG_TEXT_MAX]; /* drivers-config/<profile>.conf; empty: by driver name */
	char profile_dir[CONFIG_TEXT_MAX]; /* empty: where the build has drivers-config/ */
	enum idle_mode idle_mode;
	bool idle_mode_set; /* false: the profile decides */
	char net_impair
		[CONFIG_TEXT_MAX]; /* "loss=5,reorder=10,seed=1": app/net/impair.h; empty: off */
	uint32_t rx_mbufs;         /* 0: computed by port_plan */
	uint16_t queues;           /* 0: as many as data lcores, or what the device has */
	/* protocol */
	uint64_t proto_max_bulk_len;
	uint64_t client_query_buffer_limit;
	uint64_t client_output_limit; /* hard limit of class normal; 0: none */
	/* data */
	uint64_t maxmemory;
	enum evict_policy maxmemory_policy;
	uint32_t maxmemory_samples, lfu_log_factor, lfu_decay_time;
	bool replica_ignore_maxmemory;
	bool lazyfree_lazy_user_flush;
	uint32_t hz;
	/* security */
	char requirepass[CONFIG_TEXT_MAX];
	bool protected_mode;
	bool enable_debug_command;
	/* cluster (spec I); ours: fast_*, self_fencing (cluster/cluster.h) */
	bool cluster_enabled;
	uint16_t cluster_port; /* 0: port + 10000 */
	char cluster_config_file[CONFIG_TEXT_MAX];
	uint32_t cluster_nodes_max; /* ours: places in the view */
	uint32_t cluster_node_timeout_ms, cluster_ping_interval_ms;
	char cluster_announce_ip[CONFIG_TEXT_MAX], cluster_announce_hostname[CONFIG_TEXT_MAX];
	uint16_t cluster_announce_port, cluster_announce_bus_port; /* 0: the real one */
	char cluster_preferred_endpoint_type[CONFIG_TEXT_MAX];
	uint32_t cluster_replica_validity_factor, cluster_migration_barrier;
	bool cluster_allow_replica_migration, cluster_require_full_coverage;
	bool cluster_replica_no_failover, cluster_allow_reads_when_down;
	bool cluster_fast_suspicion, cluster_fast_election, cluster_self_fencing;
	/* replication */
	char masterauth[CONFIG_TEXT_MAX], masteruser[CONFIG_TEXT_MAX];
	uint64_t repl_backlog_size;
	uint32_t repl_ping_replica_period_s, repl_timeout_s;
	bool replica_read_only, replica_serve_stale_data;
	uint32_t min_replicas_to_write, min_replicas_max_lag_s;
	/* files and logs */
	char dir[CONFIG_TEXT_MAX], dbfilename[CONFIG_TEXT_MAX], logfile[CONFIG_TEXT_MAX];
	char loglevel[16];
	int64_t slowlog_log_slower_than;
	int64_t slowlog_max_len;
	int64_t latency_monitor_threshold; /* ms; 0: off */
	bool latency_tracking;
	char latency_percentiles[CONFIG_TEXT_MAX]; /* "50 99 99.9": what INFO latencystats shows */
	char file[CONFIG_FILE_PATH_MAX];           /* what --config named, absolute; empty: none */
	void *stored; /* texts of directives that have no effect here, owned by config.c */
};

enum config_result {
	CONFIG_OK,
	CONFIG_UNKNOWN,   /* no such directive */
	CONFIG_BAD_VALUE, /* reason in error */
	CONFIG_IMMUTABLE, /* CONFIG SET of one that is fixed at start */
	CONFIG_REFUSED,   /* known, not there yet (appendonly yes, tls-port): reason in error */
};

/* Defaults. False: no memory. */
bool config_init(struct config *config);
void config_free(struct config *config);
bool config_copy(struct config *to, const struct config *from);
/* CONFIG_OK, CONFIG_IMMUTABLE or CONFIG_UNKNOWN; *own: the name as we write it. */
enum config_result config_find(struct span name, const char **own);
/* error: one clear line on anything but CONFIG_OK. starting: immutable ones may be set. */
enum config_result config_set(struct config *config, const char *name, const char *value,
			      bool starting, char error[160]);
/* A whole redis.conf text (comments, quotes, several arguments on one line). *line: where it failed. */
enum config_result config_parse(struct config *config, const char *text, size_t len, int *line,
				char error[160]);
/* argv after EAL's "--": --port 6379 --save "" --idle-mode busy ... ; --config FILE is the caller's. */
enum config_result config_parse_args(struct config *config, int argc, char *const *argv,
				     char error[160]);
/* Combinations that cannot start: one clear line. */
enum config_result config_check_start(const struct config *config, char error[160]);

/* Walk directives whose name matches the glob pattern: index from 0, answers the next index or 0 at the end.
 * value needs CONFIG_VALUE_MAX bytes. */
#define CONFIG_VALUE_MAX 1024
size_t config_next(const struct config *config, struct span pattern, size_t index,
		   const char **name, char value[CONFIG_VALUE_MAX]);
/* redis.conf text for CONFIG REWRITE: old text with changed lines replaced in place. Returns its length, or what
 * is needed if it exceeds size. */
size_t config_rewrite(const struct config *config, const char *old, size_t old_len, char *at,
		      size_t size);
