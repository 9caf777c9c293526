/* app/control/words.c - one line per decision; what can repeat with every frame is logged at level debug. */
#include "app/control/words.h"

#include "app/env/log.h"
#include "cluster/ballot.h"
#include "cluster/election.h"
#include "cluster/health.h"
#include "cluster/manual.h"
#include "cluster/step.h"
#include "cluster/view.h"
#include "proto/base/number.h"

#define ID(c, i) NODE_ID_LEN, id_of(c, i)

static const char *
id_of(const struct cluster *c, uint32_t node)
{
	static const char nobody[NODE_ID_LEN + 1] = "----------------------------------------";
	return view_has(c, node) ? (const char *)c->nodes[node].id.bytes : nobody;
}

static void
log_failure(const struct cluster *c, const struct effect *e)
{
	switch (e->trace) {
	case TRACE_PFAIL:
		log_verbose("*** NODE %.*s possibly failing", ID(c, e->node));
		break;
	case TRACE_PFAIL_CLEARED:
		log_verbose("Node %.*s is reachable again.", ID(c, e->node));
		break;
	case TRACE_REPORT:
		log_verbose("Node %.*s reported node %.*s as not reachable.",
			    ID(c, (uint32_t)e->number), ID(c, e->node));
		break;
	case TRACE_FAIL:
		log_notice("Marking node %.*s as failing (quorum reached).", ID(c, e->node));
		break;
	case TRACE_FAIL_TOLD:
		log_notice("FAIL message received about %.*s", ID(c, e->node));
		break;
	case TRACE_FAIL_CLEARED:
		log_notice("Clear FAIL state for node %.*s: it is reachable again.",
			   ID(c, e->node));
		break;
	default:
		break;
	}
}

static void
log_election(const struct cluster *c, const struct effect *e, uint64_t offset)
{
	switch (e->trace) {
	case TRACE_ELECTION_WAITING:
		log_notice("Start of election delayed for %lu milliseconds (rank #%u, offset %lu).",
			   e->number, c->election.rank, offset);
		break;
	case TRACE_ELECTION_ASKING:
		log_notice("Starting a failover election for epoch %lu.", e->number);
		break;
	case TRACE_ELECTION_EXPIRED:
		log_notice("Currently unable to failover: Failover attempt expired.");
		break;
	case TRACE_ELECTION_REFUSED:
		log_verbose("Currently unable to failover: %s",
			    election_refusal_name((enum election_refusal)e->number));
		break;
	case TRACE_VOTE_RECEIVED:
		log_verbose("Failover auth granted by %.*s for epoch %lu", ID(c, e->node),
			    e->number);
		break;
	case TRACE_VOTE_IGNORED:
		log_debug("Vote of %.*s ignored: %s", ID(c, e->node),
			  vote_ignored_name((enum vote_ignored)e->number));
		break;
	case TRACE_VOTE:
		log_notice("Failover auth granted to %.*s for epoch %lu", ID(c, e->node),
			   e->number);
		break;
	case TRACE_BALLOT_REFUSED: /* a replica is asked like everybody, and has no say */
		if (e->number != BALLOT_NOT_A_VOTER)
			log_notice("Failover auth denied to %.*s: %s", ID(c, e->node),
				   ballot_name((enum ballot)e->number));
		break;
	case TRACE_WON:
		log_notice("Failover election won: I'm the new master.");
		log_notice("configEpoch set to %lu after successful failover", e->number);
		break;
	case TRACE_TAKEOVER:
		log_notice("Taking over the master (user request).");
		break;
	default:
		break;
	}
}

static void
log_state(const struct cluster *c, const struct effect *e)
{
	switch (e->trace) {
	case TRACE_EPOCH_COLLISION:
		log_verbose("WARNING: configEpoch collision with node %.*s. configEpoch set to %lu",
			    ID(c, e->node), e->number);
		break;
	case TRACE_EPOCH_BUMP:
		log_notice("New configEpoch set to %lu", e->number);
		break;
	case TRACE_ROLE_CHANGED:
		log_notice("Node %.*s is now a %s.", ID(c, e->node),
			   view_has(c, e->node) && node_is_replica(&c->nodes[e->node]) ? "replica"
										       : "master");
		break;
	case TRACE_DEMOTED:
		log_notice("Configuration change detected. Reconfiguring myself as a replica of "
			   "%.*s",
			   ID(c, e->node));
		break;
	case TRACE_MIGRATED:
		log_notice("Migrating to orphaned master %.*s", ID(c, e->node));
		break;
	case TRACE_MANUAL_STARTED:
		log_notice("Manual failover user request accepted.");
		break;
	case TRACE_MANUAL_ENDED:
		log_notice("Manual failover ended: %s",
			   manual_end_name((enum manual_end)e->number));
		break;
	case TRACE_STATE_OK:
		log_notice("Cluster state changed: ok");
		break;
	case TRACE_STATE_FAIL:
		log_notice("Cluster state changed: fail (%s)",
			   health_reason_name((enum health_reason)e->number));
		break;
	default:
		break;
	}
}

static void
log_members(const struct cluster *c, const struct effect *e)
{
	switch (e->trace) {
	case TRACE_NODE_ADDED:
		log_verbose("Node %.*s is known from now on.", ID(c, e->node));
		break;
	case TRACE_NODE_REMOVED:
		log_verbose("A node was removed from the view.");
		break;
	case TRACE_UPDATE_SENT:
		log_verbose("Node %.*s has old slots configuration, sending an UPDATE message.",
			    ID(c, e->node));
		break;
	case TRACE_UPDATE_TAKEN:
		log_verbose("UPDATE message taken about %.*s, epoch %lu.", ID(c, e->node),
			    e->number);
		break;
	case TRACE_ADDRESS_CHANGED:
		log_notice("Address updated for node %.*s, now %s:%u", ID(c, e->node),
			   view_has(c, e->node) ? c->nodes[e->node].ip : "?",
			   view_has(c, e->node) ? c->nodes[e->node].port : 0);
		break;
	case TRACE_MESSAGE_REFUSED:
		log_debug("Frame refused: %s",
			  message_refusal_name((enum message_refusal)e->number));
		break;
	default:
		break;
	}
}

void
words_log(const struct cluster *c, const struct effect *trace, uint64_t offset)
{
	log_failure(c, trace);
	log_election(c, trace, offset);
	log_state(c, trace);
	log_members(c, trace);
}
