/* cluster/election.c - bids. Everything that may be due is looked at by election_run(), at each tick and whenever a vote, a FAIL or
 * a manual failover makes it worth while; there is no other path from one state to the next.
 *
 * The lock between two attempts counts from start_at_ms of the last (spec A28): a voter of Redis or Valkey 8.0 would refuse an
 * earlier one in silence (A32).
 */
#include "cluster/election.h"

#include "cluster/emit.h"
#include "cluster/role.h"
#include "cluster/view.h"
#include "proto/base/assert.h"

static uint64_t
data_age_ms(const struct cluster *c)
{
	uint64_t age = c->now_ms - c->facts->primary_link_ms, timeout = c->config.node_timeout_ms;
	return age > timeout ? age - timeout : age;
}

static bool
data_is_too_old(const struct cluster *c)
{
	const struct cluster_config *config = &c->config;
	uint64_t limit = config->repl_ping_period_s * (uint64_t)1000 +
			 config->node_timeout_ms * config->replica_validity_factor;
	return config->replica_validity_factor != 0 && data_age_ms(c) > limit;
}

enum election_refusal
election_decide(const struct cluster *c, bool manual)
{
	const struct node *me = &c->nodes[0];
	if (!node_is_replica(me))
		return ELECTION_NOT_A_REPLICA;
	if (me->primary == NODE_NONE)
		return ELECTION_PRIMARY_UNKNOWN;
	const struct node *primary = &c->nodes[me->primary];
	if (!node_has(primary, NODE_FAIL) && !manual)
		return ELECTION_PRIMARY_ALIVE;
	if (primary->slot_count == 0)
		return ELECTION_PRIMARY_EMPTY;
	if (!c->facts->data_alive)
		return ELECTION_DATA_STALLED;
	if (manual)
		return ELECTION_ALLOWED;
	if (c->config.replica_no_failover)
		return ELECTION_SWITCHED_OFF;
	if (c->facts->offset == 0 || !persist_role_is_durable(c))
		return ELECTION_NEVER_SYNCED;
	return data_is_too_old(c) ? ELECTION_DATA_TOO_OLD : ELECTION_ALLOWED;
}

uint32_t
election_rank(const struct cluster *c)
{
	const struct node *me = &c->nodes[0];
	uint32_t rank = 0;
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		/* One that is itself FAIL will not bid; Redis counts it. */
		if (!n->in_use || !node_is_replica(n) || n->primary != me->primary ||
		    node_has(n, NODE_NOFAILOVER | NODE_FAIL))
			continue;
		bool tie_lost = n->offset == c->facts->offset &&
				node_id_compare(&n->id, &me->id) < 0; /* Valkey 8.0 */
		rank += n->offset > c->facts->offset || tie_lost;
	}
	return rank;
}

uint32_t
election_shard_rank(const struct cluster *c)
{
	const struct node_id *mine = &c->nodes[0].shard_id;
	uint64_t recent_ms = c->config.node_timeout_ms * c->config.replica_validity_factor;
	uint32_t rank = 0;
	for (uint32_t i = 1; i < c->high; i++) {
		const struct node *n = &c->nodes[i];
		if (!n->in_use || !node_votes(n) || !node_has(n, NODE_FAIL) ||
		    n->replica_count == 0)
			continue;
		if (i == c->nodes[0].primary ||
		    (recent_ms != 0 && c->now_ms - n->fail_ms > recent_ms))
			continue;
		rank += node_id_compare(&n->shard_id, mine) < 0;
	}
	return rank;
}

uint64_t
election_timeout_ms(const struct cluster *c)
{
	uint64_t timeout = 2 * c->config.node_timeout_ms;
	uint64_t least = c->config.fast_election ? ELECTION_FAST_TIMEOUT_MS : ELECTION_TIMEOUT_MS;
	return timeout > least ? timeout : least;
}

uint64_t
election_retry_ms(const struct cluster *c)
{
	return c->config.fast_election ? election_timeout_ms(c) : 2 * election_timeout_ms(c);
}

static void
move_to(struct cluster *c, enum election_state state)
{
	static const uint8_t allowed[] = {
		[ELECTION_IDLE] = 1u << ELECTION_IDLE | 1u << ELECTION_WAITING,
		[ELECTION_WAITING] = 1u << ELECTION_IDLE | 1u << ELECTION_ASKING,
		[ELECTION_ASKING] = 1u << ELECTION_IDLE,
	};
	struct election *e = &c->election;
	ASSERT((allowed[e->state] >> state & 1) != 0);
	e->state = state;
	if (state != ELECTION_ASKING) {
		e->epoch = 0;
		e->votes.count = 0;
	}
}

void
election_reset(struct cluster *c)
{
	move_to(c, ELECTION_IDLE);
	c->election.start_at_ms = 0;
	c->election.refused = ELECTION_ALLOWED;
}

static void
note_refusal(struct cluster *c, enum election_refusal refusal, struct effects *out)
{
	struct election *e = &c->election;
	/* Nothing has been asked yet: nothing is owed to the lock between attempts. */
	if (e->state == ELECTION_WAITING)
		e->start_at_ms = 0;
	move_to(c, ELECTION_IDLE);
	if (e->refused == refusal)
		return;
	e->refused = (uint8_t)refusal;
	if (refusal >= ELECTION_PRIMARY_EMPTY)
		emit_trace(c, out, TRACE_ELECTION_REFUSED, c->nodes[0].primary, refusal);
}

static uint64_t
rank_delay_ms(const struct cluster *c)
{
	const struct election *e = &c->election;
	if (c->config.fast_election)
		return (e->rank + (uint64_t)e->shard_rank) * ELECTION_FAST_RANK_MS;
	return e->rank * (uint64_t)ELECTION_RANK_MS +
	       e->shard_rank * (uint64_t)ELECTION_SHARD_RANK_MS;
}

static void
schedule(struct cluster *c, bool manual, struct effects *out)
{
	struct election *e = &c->election;
	bool again = e->start_at_ms != 0;
	move_to(c, ELECTION_WAITING);
	e->rank = manual ? 0 : election_rank(c);
	e->shard_rank = !manual && c->config.failed_primary_rank ? election_shard_rank(c) : 0;
	e->start_at_ms = c->now_ms + (manual ? 0 : rank_delay_ms(c));
	if (!manual && !c->config.fast_election)
		e->start_at_ms += ELECTION_DELAY_MS + prng_below(&c->prng, ELECTION_JITTER_MS);
	else if (!manual &&
		 again) /* two shards that spoiled each other's attempt must not meet again */
		e->start_at_ms += prng_below(&c->prng, c->config.node_timeout_ms / 4 + 1);
	emit_trace(c, out, TRACE_ELECTION_WAITING, c->nodes[0].primary, e->start_at_ms - c->now_ms);
	if (c->tell == TELL_NOBODY)
		c->tell = TELL_SIBLINGS; /* our offset, for their rank */
}

/* Redis only ever adds delay; Valkey 8 follows the rank both ways, and so do we (spec A29). */
static void
follow_rank(struct cluster *c)
{
	struct election *e = &c->election;
	uint32_t rank = election_rank(c);
	if (rank == e->rank)
		return;
	e->start_at_ms -= rank_delay_ms(c);
	e->rank = rank;
	e->start_at_ms += rank_delay_ms(c);
}

static void
ask(struct cluster *c, bool manual, struct effects *out)
{
	struct election *e = &c->election;
	move_to(c, ELECTION_ASKING);
	ASSERT(c->live.current_epoch < EPOCH_MAX);
	e->epoch = ++c->live.current_epoch;
	/* We have had our say in this epoch: once we have won we are a voter, and a rival's request for the same epoch that comes late
	 * must not find our vote unspent. Redis leaves that open (found by the simulator).
	 */
	c->live.last_vote_epoch = e->epoch;
	emit_auth_request_all(c, out, manual);
	emit_trace(c, out, TRACE_ELECTION_ASKING, c->nodes[0].primary, e->epoch);
	persist_want(c);
}

void
election_ask_again(struct cluster *c, uint32_t node, struct effects *out)
{
	/* Only as long as nothing newer is decided: the request is for the epoch it was made for. */
	if (c->election.state != ELECTION_ASKING || c->election.epoch != c->live.current_epoch ||
	    node_has(&c->nodes[node], NODE_HANDSHAKE))
		return;
	emit_auth_request(c, out, node, c->manual.state == MANUAL_CAN_START);
}

void
election_take_over(struct cluster *c, uint64_t epoch, struct effects *out)
{
	struct node *me = view_myself(c);
	uint32_t old = me->primary;
	ASSERT(node_is_replica(me) && old != NODE_NONE);
	if (c->manual.state != MANUAL_IDLE)
		manual_end(c, MANUAL_WON, out);
	role_lead(c, out);
	if (epoch > me->config_epoch)
		me->config_epoch = epoch;
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		if (c->owner[slot] == old)
			view_set_owner(c, (uint16_t)slot, 0);
	}
	ASSERT(c->nodes[old].slot_count == 0);
	persist_want(c);
}

static bool
try_win(struct cluster *c, struct effects *out)
{
	struct election *e = &c->election;
	if (e->votes.count < view_quorum(c))
		return false;
	uint64_t epoch = e->epoch;
	emit_trace(c, out, TRACE_WON, 0, epoch);
	election_take_over(c, epoch, out);
	return true;
}

void
election_run(struct cluster *c, struct effects *out)
{
	struct election *e = &c->election;
	bool manual = c->manual.state == MANUAL_CAN_START;
	enum election_refusal refusal = election_decide(c, manual);
	if (refusal != ELECTION_ALLOWED) {
		note_refusal(c, refusal, out);
		return;
	}
	e->refused = ELECTION_ALLOWED;
	if (e->state == ELECTION_ASKING && try_win(c, out))
		return;
	if (e->state != ELECTION_IDLE && c->now_ms > e->start_at_ms &&
	    c->now_ms - e->start_at_ms > election_timeout_ms(c)) {
		emit_trace(c, out, TRACE_ELECTION_EXPIRED, c->nodes[0].primary, e->epoch);
		move_to(c, ELECTION_IDLE);
	}
	bool may_retry = e->start_at_ms == 0 || c->now_ms > e->start_at_ms + election_retry_ms(c);
	if (e->state == ELECTION_IDLE && may_retry)
		schedule(c, manual, out);
	if (e->state == ELECTION_WAITING && !manual)
		follow_rank(c);
	if (e->state == ELECTION_WAITING && c->now_ms >= e->start_at_ms)
		ask(c, manual, out);
}

static enum vote_ignored
judge_vote(const struct cluster *c, uint32_t voter, const struct bus_head *head)
{
	const struct election *e = &c->election;
	if (e->state != ELECTION_ASKING)
		return VOTE_NOT_ASKING;
	if (!node_votes(&c->nodes[voter]))
		return VOTE_NOT_A_VOTER;
	if (head->current_epoch != e->epoch)
		return VOTE_OTHER_EPOCH;
	for (uint32_t i = 0; i < e->votes.count; i++) {
		if (e->votes.voters[i] == voter)
			return VOTE_REPEATED;
	}
	return e->votes.count == VOTERS_MAX ? VOTE_SET_FULL : VOTE_COUNTED;
}

enum vote_ignored
election_on_vote(struct cluster *c, uint32_t voter, const struct bus_head *head,
		 struct effects *out)
{
	struct election *e = &c->election;
	enum vote_ignored ignored = judge_vote(c, voter, head);
	if (ignored != VOTE_COUNTED) {
		emit_trace(c, out, TRACE_VOTE_IGNORED, voter, ignored);
		return ignored;
	}
	e->votes.voters[e->votes.count++] = voter;
	c->failover_wanted = true;
	emit_trace(c, out, TRACE_VOTE_RECEIVED, voter, e->epoch);
	return VOTE_COUNTED;
}

void
election_on_epoch(struct cluster *c, uint64_t config_epoch)
{
	if (c->election.state != ELECTION_ASKING || config_epoch < c->election.epoch)
		return;
	election_reset(c);
	c->failover_wanted = true;
}
