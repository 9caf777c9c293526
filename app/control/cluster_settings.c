/* app/control/cluster_settings.c - directives (spec I) as the cluster's core reads them. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/control/cluster_node_state.h"

#define MANUAL_FAILOVER_TIMEOUT_MS 5000 /* spec J */
#define BLACKLIST_TTL_S            60
#define BUS_PORT_OFFSET            10000

static enum endpoint_type
endpoint_type(const char *word)
{
	if (strcmp(word, "hostname") == 0)
		return ENDPOINT_HOSTNAME;
	return strcmp(word, "unknown-endpoint") == 0 ? ENDPOINT_UNKNOWN : ENDPOINT_IP;
}

static void
announce(const struct config *config, struct cluster_config *out)
{
	struct in_addr own = {.s_addr = htonl(config->ip)};
	uint16_t cport = config->cluster_port != 0 ? config->cluster_port
						   : (uint16_t)(config->port + BUS_PORT_OFFSET);
	out->port =
		config->cluster_announce_port != 0 ? config->cluster_announce_port : config->port;
	out->cport =
		config->cluster_announce_bus_port != 0 ? config->cluster_announce_bus_port : cport;
	if (config->cluster_announce_ip[0] != '\0')
		snprintf(out->ip, sizeof(out->ip), "%.*s", BUS_IP_LEN - 1,
			 config->cluster_announce_ip);
	else
		inet_ntop(AF_INET, &own, out->ip, sizeof(out->ip));
	snprintf(out->hostname, sizeof(out->hostname), "%s", config->cluster_announce_hostname);
}

void
cluster_settings(const struct config *config, struct cluster_config *out)
{
	*out = (struct cluster_config){
		.node_timeout_ms = config->cluster_node_timeout_ms,
		.replica_validity_factor = config->cluster_replica_validity_factor,
		.repl_ping_period_s = config->repl_ping_replica_period_s,
		.migration_barrier = config->cluster_migration_barrier,
		.manual_failover_timeout_ms = MANUAL_FAILOVER_TIMEOUT_MS,
		.blacklist_ttl_s = BLACKLIST_TTL_S,
		.allow_replica_migration = config->cluster_allow_replica_migration,
		.require_full_coverage = config->cluster_require_full_coverage,
		.replica_no_failover = config->cluster_replica_no_failover,
		.allow_reads_when_down = config->cluster_allow_reads_when_down,
		.allow_pubsub_when_down = true,
		.preferred_endpoint = endpoint_type(config->cluster_preferred_endpoint_type),
		.fast_suspicion = config->cluster_fast_suspicion,
		.fast_election = config->cluster_fast_election,
		.self_fencing = config->cluster_self_fencing,
		.ping_interval_ms = config->cluster_ping_interval_ms,
	};
	announce(config, out);
}
