/* cluster/names.c - the words of the log, the counters and the scenario texts: an enum value without its prefix, in small letters. */
#include "cluster/ballot.h"
#include "cluster/effect.h"
#include "cluster/election.h"
#include "cluster/failure.h"
#include "cluster/forget.h"
#include "cluster/handshake.h"
#include "cluster/health.h"
#include "cluster/manual.h"
#include "cluster/migrate.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "cluster/step.h"
#include "proto/base/assert.h"

#define NAME_OF(table, value)                                                                      \
	(ASSERT((size_t)(value) < sizeof(table) / sizeof((table)[0]) && (table)[value] != NULL),   \
	 (table)[value])

const char *
cluster_trace_name(enum cluster_trace trace)
{
	static const char *const names[TRACE_COUNT] = {
		[TRACE_NODE_ADDED] = "node_added",
		[TRACE_NODE_REMOVED] = "node_removed",
		[TRACE_PFAIL] = "pfail",
		[TRACE_PFAIL_CLEARED] = "pfail_cleared",
		[TRACE_REPORT] = "report",
		[TRACE_FAIL] = "fail",
		[TRACE_FAIL_TOLD] = "fail_told",
		[TRACE_FAIL_CLEARED] = "fail_cleared",
		[TRACE_ELECTION_WAITING] = "election_waiting",
		[TRACE_ELECTION_ASKING] = "election_asking",
		[TRACE_ELECTION_EXPIRED] = "election_expired",
		[TRACE_ELECTION_REFUSED] = "election_refused",
		[TRACE_VOTE_RECEIVED] = "vote_received",
		[TRACE_VOTE_IGNORED] = "vote_ignored",
		[TRACE_VOTE] = "vote",
		[TRACE_BALLOT_REFUSED] = "ballot_refused",
		[TRACE_WON] = "won",
		[TRACE_TAKEOVER] = "takeover",
		[TRACE_EPOCH_COLLISION] = "epoch_collision",
		[TRACE_EPOCH_BUMP] = "epoch_bump",
		[TRACE_ROLE_CHANGED] = "role_changed",
		[TRACE_DEMOTED] = "demoted",
		[TRACE_UPDATE_SENT] = "update_sent",
		[TRACE_UPDATE_TAKEN] = "update_taken",
		[TRACE_MANUAL_STARTED] = "manual_started",
		[TRACE_MANUAL_ENDED] = "manual_ended",
		[TRACE_MIGRATED] = "migrated",
		[TRACE_STATE_OK] = "state_ok",
		[TRACE_STATE_FAIL] = "state_fail",
		[TRACE_ADDRESS_CHANGED] = "address_changed",
		[TRACE_MESSAGE_REFUSED] = "message_refused",
	};
	return NAME_OF(names, trace);
}

const char *
election_refusal_name(enum election_refusal refusal)
{
	static const char *const names[ELECTION_REFUSAL_COUNT] = {
		[ELECTION_ALLOWED] = "allowed",
		[ELECTION_NOT_A_REPLICA] = "not_a_replica",
		[ELECTION_PRIMARY_UNKNOWN] = "primary_unknown",
		[ELECTION_PRIMARY_ALIVE] = "primary_alive",
		[ELECTION_PRIMARY_EMPTY] = "primary_empty",
		[ELECTION_SWITCHED_OFF] = "switched_off",
		[ELECTION_NEVER_SYNCED] = "never_synced",
		[ELECTION_DATA_TOO_OLD] = "data_too_old",
		[ELECTION_DATA_STALLED] = "data_stalled",
	};
	return NAME_OF(names, refusal);
}

const char *
vote_ignored_name(enum vote_ignored ignored)
{
	static const char *const names[VOTE_IGNORED_COUNT] = {
		[VOTE_COUNTED] = "counted",         [VOTE_NOT_ASKING] = "not_asking",
		[VOTE_NOT_A_VOTER] = "not_a_voter", [VOTE_OTHER_EPOCH] = "other_epoch",
		[VOTE_REPEATED] = "repeated",       [VOTE_SET_FULL] = "set_full",
	};
	return NAME_OF(names, ignored);
}

const char *
ballot_name(enum ballot ballot)
{
	static const char *const names[BALLOT_COUNT] = {
		[BALLOT_GRANTED] = "granted",
		[BALLOT_NOT_A_VOTER] = "not_a_voter",
		[BALLOT_RESTARTING] = "restarting",
		[BALLOT_OLD_EPOCH] = "old_epoch",
		[BALLOT_ALREADY_VOTED] = "already_voted",
		[BALLOT_NOT_A_REPLICA] = "not_a_replica",
		[BALLOT_PRIMARY_UNKNOWN] = "primary_unknown",
		[BALLOT_PRIMARY_ALIVE] = "primary_alive",
		[BALLOT_TOO_SOON] = "too_soon",
		[BALLOT_STALE_SLOTS] = "stale_slots",
		[BALLOT_NO_LINK] = "no_link",
	};
	return NAME_OF(names, ballot);
}

const char *
manual_refusal_name(enum manual_refusal refusal)
{
	static const char *const names[MANUAL_REFUSAL_COUNT] = {
		[MANUAL_STARTED] = "started",
		[MANUAL_NOT_A_REPLICA] = "not_a_replica",
		[MANUAL_PRIMARY_UNKNOWN] = "primary_unknown",
		[MANUAL_PRIMARY_DOWN] = "primary_down",
	};
	return NAME_OF(names, refusal);
}

const char *
mfstart_refusal_name(enum mfstart_refusal refusal)
{
	static const char *const names[MFSTART_REFUSAL_COUNT] = {
		[MFSTART_PAUSED] = "paused",
		[MFSTART_NOT_A_PRIMARY] = "not_a_primary",
		[MFSTART_NOT_OUR_REPLICA] = "not_our_replica",
	};
	return NAME_OF(names, refusal);
}

const char *
manual_end_name(enum manual_end end)
{
	static const char *const names[MANUAL_END_COUNT] = {
		[MANUAL_WON] = "won",
		[MANUAL_TIMED_OUT] = "timed_out",
		[MANUAL_REPLACED] = "replaced",
		[MANUAL_ROLE_CHANGED] = "role_changed",
	};
	return NAME_OF(names, end);
}

const char *
health_reason_name(enum health_reason reason)
{
	static const char *const names[HEALTH_REASON_COUNT] = {
		[HEALTH_OK] = "ok",
		[HEALTH_SLOT_UNOWNED] = "slot_unowned",
		[HEALTH_OWNER_FAILED] = "owner_failed",
		[HEALTH_MINORITY] = "minority",
		[HEALTH_FENCED] = "fenced",
		[HEALTH_STARTING] = "starting",
		[HEALTH_REJOINING] = "rejoining",
	};
	return NAME_OF(names, reason);
}

const char *
meet_result_name(enum meet_result result)
{
	static const char *const names[MEET_RESULT_COUNT] = {
		[MEET_STARTED] = "started",
		[MEET_IN_PROGRESS] = "in_progress",
		[MEET_BAD_ADDRESS] = "bad_address",
		[MEET_FULL] = "full",
	};
	return NAME_OF(names, result);
}

const char *
fail_refusal_name(enum fail_refusal refusal)
{
	static const char *const names[FAIL_REFUSAL_COUNT] = {
		[FAIL_TAKEN] = "taken",
		[FAIL_UNKNOWN_NODE] = "unknown_node",
		[FAIL_MYSELF] = "myself",
		[FAIL_ALREADY] = "already",
	};
	return NAME_OF(names, refusal);
}

const char *
update_refusal_name(enum update_refusal refusal)
{
	static const char *const names[UPDATE_REFUSAL_COUNT] = {
		[UPDATE_TAKEN] = "taken",
		[UPDATE_UNKNOWN_NODE] = "unknown_node",
		[UPDATE_MYSELF] = "myself",
		[UPDATE_NOTHING_NEW] = "nothing_new",
	};
	return NAME_OF(names, refusal);
}

const char *
replicate_refusal_name(enum replicate_refusal refusal)
{
	static const char *const names[REPLICATE_REFUSAL_COUNT] = {
		[REPLICATE_ALLOWED] = "allowed",     [REPLICATE_UNKNOWN_NODE] = "unknown_node",
		[REPLICATE_MYSELF] = "myself",       [REPLICATE_A_REPLICA] = "a_replica",
		[REPLICATE_NOT_EMPTY] = "not_empty",
	};
	return NAME_OF(names, refusal);
}

const char *
migrate_refusal_name(enum migrate_refusal refusal)
{
	static const char *const names[MIGRATE_REFUSAL_COUNT] = {
		[MIGRATE_ALLOWED] = "allowed",
		[MIGRATE_SWITCHED_OFF] = "switched_off",
		[MIGRATE_NOT_A_REPLICA] = "not_a_replica",
		[MIGRATE_CLUSTER_FAILS] = "cluster_fails",
		[MIGRATE_BARRIER] = "barrier",
		[MIGRATE_NO_ORPHAN] = "no_orphan",
		[MIGRATE_NOT_RICHEST] = "not_richest",
		[MIGRATE_ANOTHER_GOES] = "another_goes",
		[MIGRATE_TOO_SOON] = "too_soon",
	};
	return NAME_OF(names, refusal);
}

const char *
forget_refusal_name(enum forget_refusal refusal)
{
	static const char *const names[FORGET_REFUSAL_COUNT] = {
		[FORGET_DONE] = "done",       [FORGET_UNKNOWN] = "unknown",
		[FORGET_MYSELF] = "myself",   [FORGET_MY_PRIMARY] = "my_primary",
		[FORGET_ALREADY] = "already",
	};
	return NAME_OF(names, refusal);
}

const char *
message_refusal_name(enum message_refusal refusal)
{
	static const char *const names[MESSAGE_REFUSAL_COUNT] = {
		[MESSAGE_TAKEN] = "taken",
		[MESSAGE_LINK_FORGOTTEN] = "link_forgotten",
		[MESSAGE_UNKNOWN_SENDER] = "unknown_sender",
		[MESSAGE_BAD_ID] = "bad_id",
		[MESSAGE_FROM_MYSELF] = "from_myself",
		[MESSAGE_OWN_REPLICA] = "own_replica",
		[MESSAGE_EPOCH_TOO_GREAT] = "epoch_too_great",
		[MESSAGE_WRONG_ID] = "wrong_id",
		[MESSAGE_LIGHT_UNBOUND] = "light_unbound",
		[MESSAGE_LIGHT_TYPE] = "light_type",
		[MESSAGE_BAD_GOSSIP] = "bad_gossip",
		[MESSAGE_UNKNOWN_TYPE] = "unknown_type",
		[MESSAGE_NODES_FULL] = "nodes_full",
		[MESSAGE_FAIL_REFUSED] = "fail_refused",
		[MESSAGE_UPDATE_REFUSED] = "update_refused",
		[MESSAGE_MFSTART_REFUSED] = "mfstart_refused",
	};
	return NAME_OF(names, refusal);
}
