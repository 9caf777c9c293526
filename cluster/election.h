/* cluster/election.h - a replica's bid to replace its failed primary.
 *
 *     IDLE --primary FAIL--> WAITING --start_at_ms--> ASKING --quorum--> won: primary, IDLE
 *       ^--------------- auth timeout, primary back, role changed -----------'
 *
 * L1  A replica wins epoch E only with grants for E from a majority of distinct voters: votes are a set bound to an epoch,
 *     not a counter, so that a late, repeated or older grant cannot add up (spec A33, E2 13).
 * L2  The request waits for the epoch it asks for, what a win reveals waits for the win (persist.h).
 * L3  Who asks for an epoch has voted in it, for itself: so the winner of E never makes another's majority for E.
 * L4  A new primary, a new manual failover or a win forgets the attempt (spec A28, Valkey 8.1).
 * Spec A26 to A31, A33, A34.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct effects;
struct bus_head;

#define VOTERS_MAX               1024 /* voting primaries that one election can count */
#define ELECTION_TIMEOUT_MS      2000 /* spec J: max(2T, 2 s) */
#define ELECTION_FAST_TIMEOUT_MS 1000 /* fast_election: max(2T, 1 s), and no longer wait */
#define ELECTION_DELAY_MS        500  /* so that FAIL spreads first (spec A28) */
#define ELECTION_JITTER_MS       500
#define ELECTION_RANK_MS         1000
#define ELECTION_SHARD_RANK_MS   500 /* spec A30 */
#define ELECTION_FAST_RANK_MS    20  /* fast_election: per rank, of either kind */

struct voter_set { /* indexes of distinct nodes; bound to an epoch by its owner */
	uint32_t count;
	uint32_t voters[VOTERS_MAX];
};

enum election_state { ELECTION_IDLE, ELECTION_WAITING, ELECTION_ASKING };

enum election_refusal { /* why a replica does not bid (spec A26, A27) */
			ELECTION_ALLOWED,
			ELECTION_NOT_A_REPLICA,
			ELECTION_PRIMARY_UNKNOWN,
			ELECTION_PRIMARY_ALIVE,
			ELECTION_PRIMARY_EMPTY, /* it serves no slot */
			ELECTION_SWITCHED_OFF,  /* cluster-replica-no-failover */
			ELECTION_NEVER_SYNCED,  /* offset 0: we hold none of its data */
			ELECTION_DATA_TOO_OLD,
			ELECTION_DATA_STALLED, /* our data lcores stand still */
			ELECTION_REFUSAL_COUNT,
};

enum vote_ignored { /* what became of a FAILOVER_AUTH_ACK */
		    VOTE_COUNTED,
		    VOTE_NOT_ASKING,
		    VOTE_NOT_A_VOTER,
		    VOTE_OTHER_EPOCH,
		    VOTE_REPEATED,
		    VOTE_SET_FULL,
		    VOTE_IGNORED_COUNT,
};

struct election {
	enum election_state state;
	uint64_t epoch; /* asked for; 0 unless ASKING */
	struct voter_set votes;
	uint64_t start_at_ms; /* of the last attempt, the base of timeout and retry; 0: none yet */
	uint32_t rank, shard_rank;
	uint8_t refused; /* enum election_refusal, told last */
};

const char *election_refusal_name(enum election_refusal refusal);
const char *vote_ignored_name(enum vote_ignored ignored);

/* Pure: may we bid? manual: a manual failover asks (spec A26: it overrides age and switch). */
enum election_refusal election_decide(const struct cluster *c, bool manual);
/* How many replicas of our primary have more of its data, ties by smaller id (spec A29). */
uint32_t election_rank(const struct cluster *c);
/* How many failed shards go before ours (spec A30). */
uint32_t election_shard_rank(const struct cluster *c);
uint64_t election_timeout_ms(const struct cluster *c);
uint64_t election_retry_ms(const struct cluster *c);
/* A link came up while we ask: that voter has not heard us. */
void election_ask_again(struct cluster *c, uint32_t node, struct effects *out);
/* Whatever is due: schedule, follow the rank, ask, expire, win. */
void election_run(struct cluster *c, struct effects *out);
void election_reset(struct cluster *c);
enum vote_ignored election_on_vote(struct cluster *c, uint32_t voter, const struct bus_head *head,
				   struct effects *out);
/* A peer shows a config epoch that reaches the one we ask for: it has won, ask anew at once (Valkey 8.1, spec A34). */
void election_on_epoch(struct cluster *c, uint64_t config_epoch);
/* Won with epoch, or told to take over: primary in place of ours, with its slots (spec A34). */
void election_take_over(struct cluster *c, uint64_t epoch, struct effects *out);
