/* tests/unit/cluster/test_step.c - whole nodes meet, agree, fail and are replaced (spec H1 to H6). */
#include "tests/unit/runner.h"

#include "cluster/forget.h"
#include "cluster/manual.h"
#include "cluster/role.h"
#include "cluster/slots.h"
#include "cluster/step.h"
#include "tests/unit/cluster/town.h"

START_TEST(strangers_meet_through_one_and_all_know_each_other)
{
	struct town *t = town_new(6);
	town_mesh(t);
	town_run(t, 10000);
	ck_assert_uint_eq(town_traced(t, TRACE_PFAIL), 0);
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned j = 0; j < 6; j++) {
			const struct node *n = town_see(t, i, j);
			ck_assert(i == j ||
				  (n->out_up && n->in != 0 && !node_has(n, NODE_HANDSHAKE)));
		}
	}
	/* Epochs 0 collided until all differ (spec A24). */
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(t->nodes[i].c->nodes[0].config_epoch,
					  t->nodes[j].c->nodes[0].config_epoch);
	}
	town_free(t);
}
END_TEST

START_TEST(three_primaries_with_replicas_are_ok_and_stay_so)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	uint64_t fails = town_traced(t, TRACE_STATE_FAIL);
	town_run(t, 30000);
	ck_assert_uint_eq(town_traced(t, TRACE_STATE_FAIL), fails);
	ck_assert_uint_eq(town_traced(t, TRACE_PFAIL), 0);
	for (unsigned i = 3; i < 6; i++)
		ck_assert(view_same_shard(t->nodes[0].c, town_index(t, 0, i),
					  town_index(t, 0, i - 3)));
	town_free(t);
}
END_TEST

START_TEST(a_killed_primary_is_replaced_by_its_replica)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	uint64_t killed_ms = t->now_ms;
	town_kill(t, 0);
	ck_assert(town_run_until(t, 3, TRACE_WON, 10000));
	ck_assert_uint_le(t->now_ms - killed_ms, 4 * TOWN_TIMEOUT);
	town_run(t, 3000);
	ck_assert_uint_eq(t->nodes[3].histories, 1);
	ck_assert_uint_eq(t->nodes[3].role_of, NODE_NONE);
	for (unsigned i = 1; i < 6; i++) {
		ck_assert(t->nodes[i].c->health.ok);
		ck_assert_uint_eq(t->nodes[i].c->owner[0], town_index(t, i, 3));
		ck_assert(node_has(town_see(t, i, 0), NODE_FAIL));
	}
	ck_assert_uint_eq(town_traced(t, TRACE_WON), 1);
	ck_assert_uint_eq(town_traced(t, TRACE_VOTE), 2);
	town_free(t);
}
END_TEST

START_TEST(an_isolated_primary_stops_and_follows_its_replacement_when_it_returns)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	t->nodes[0].keys[7] = 1;
	town_isolate(t, 0, true);
	town_run(t, 8000);
	ck_assert(!t->nodes[0].c->health.ok);
	ck_assert_uint_eq(t->nodes[0].c->health.reason, HEALTH_MINORITY);
	ck_assert(node_is_primary(&t->nodes[3].c->nodes[0]));
	town_isolate(t, 0, false);
	town_run(t, 8000);
	const struct node *back = &t->nodes[0].c->nodes[0];
	ck_assert(node_is_replica(back));
	ck_assert_uint_eq(back->primary, town_index(t, 0, 3));
	ck_assert_uint_eq(t->nodes[0].role_of, town_index(t, 0, 3));
	ck_assert_uint_eq(t->nodes[0].dropped_slots, 0); /* O3 */
	for (unsigned i = 0; i < 6; i++) {
		ck_assert(t->nodes[i].c->health.ok);
		ck_assert_uint_eq(t->nodes[i].c->owner[0], town_index(t, i, 3));
	}
	town_free(t);
}
END_TEST

START_TEST(a_manual_failover_swaps_the_roles_without_a_fail)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	t->nodes[0].offset = 500;
	t->nodes[3].offset = 499;
	struct effects *out = town_begin(t, 3);
	ck_assert_int_eq(manual_start(t->nodes[3].c, MANUAL_DEFAULT, out), MANUAL_STARTED);
	town_end(t, 3);
	town_run(t, 300);
	ck_assert(t->nodes[0].paused);
	ck_assert_uint_eq(town_traced(t, TRACE_WON), 0);
	t->nodes[3].offset = 500;
	town_run(t, 300);
	ck_assert_uint_eq(town_traced(t, TRACE_WON), 1);
	ck_assert(!t->nodes[0].paused);
	ck_assert(node_is_replica(&t->nodes[0].c->nodes[0]));
	ck_assert(node_is_primary(&t->nodes[3].c->nodes[0]));
	ck_assert_uint_eq(town_traced(t, TRACE_FAIL), 0);
	town_run(t, 3000);
	for (unsigned i = 0; i < 6; i++)
		ck_assert(t->nodes[i].c->health.ok);
	town_free(t);
}
END_TEST

START_TEST(forced_and_taken_failovers_need_no_primary)
{
	static const enum manual_form forms[] = {MANUAL_FORCE, MANUAL_TAKEOVER};
	for (unsigned i = 0; i < 2; i++) {
		struct town *t = town_new(6);
		town_found(t, 3);
		town_kill(t, 0);
		struct effects *out = town_begin(t, 3);
		ck_assert_int_eq(manual_start(t->nodes[3].c, forms[i], out), MANUAL_STARTED);
		town_end(t, 3);
		town_run(t, 500);
		ck_assert(node_is_primary(&t->nodes[3].c->nodes[0]));
		ck_assert_uint_eq(t->nodes[1].c->owner[0], town_index(t, 1, 3));
		ck_assert_uint_eq(town_traced(t, TRACE_VOTE), forms[i] == MANUAL_FORCE ? 2 : 0);
		town_free(t);
	}
}
END_TEST

START_TEST(a_spare_replica_moves_to_the_orphan)
{
	struct town *t = town_new(7); /* node 6: second replica of node 0 */
	town_found(t, 3);
	ck_assert_uint_eq(town_see(t, 0, 6)->primary, 0);
	town_kill(t, 4); /* the only replica of node 1 */
	town_run(t, 15000);
	ck_assert_uint_eq(town_traced(t, TRACE_MIGRATED), 1);
	unsigned moved = town_see(t, 2, 3)->primary == town_index(t, 2, 1) ? 3 : 6;
	ck_assert_uint_eq(town_see(t, 2, moved)->primary, town_index(t, 2, 1));
	town_free(t);
}
END_TEST

START_TEST(fast_options_replace_a_dead_primary_soon_after_the_timeout)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	for (unsigned i = 0; i < 6; i++) {
		struct cluster_config *config = cluster_config(t->nodes[i].c);
		config->node_timeout_ms = 500;
		config->fast_election = config->fast_suspicion = config->self_fencing = true;
		config->ping_interval_ms = 50;
	}
	town_run(t, 5000);
	for (unsigned i = 0; i < 6; i++)
		ck_assert(t->nodes[i].c->health.ok);
	uint64_t killed_ms = t->now_ms;
	town_kill(t, 0);
	ck_assert(town_run_until(t, 3, TRACE_WON, 10000));
	ck_assert_uint_ge(t->now_ms - killed_ms, 500 - 50);
	ck_assert_uint_le(t->now_ms - killed_ms, 600);
	town_free(t);
}
END_TEST

START_TEST(a_slow_disk_delays_votes_but_no_heartbeat)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	for (unsigned i = 0; i < 6; i++)
		t->nodes[i].save_ms = 500;
	town_kill(t, 0);
	ck_assert(town_run_until(t, 3, TRACE_WON, 10000));
	ck_assert_uint_eq(town_see(t, 3, 1)->flags & (NODE_PFAIL | NODE_FAIL), 0);
	ck_assert(!slots_served_here(t->nodes[3].c, 0)); /* O2 */
	town_run(t, 3000);
	ck_assert(slots_served_here(t->nodes[3].c, 0));
	ck_assert_uint_eq(town_traced(t, TRACE_PFAIL), 5); /* of node 0, by each of the others */
	town_free(t);
}
END_TEST

START_TEST(a_node_whose_data_lcores_stand_still_is_replaced)
{
	struct town *t = town_new(6);
	town_found(t, 3);
	t->nodes[0].data_alive = false;
	ck_assert(town_run_until(t, 3, TRACE_WON, 10000));
	t->nodes[0].data_alive = true;
	town_run(t, 5000);
	ck_assert(node_is_replica(&t->nodes[0].c->nodes[0]));
	town_free(t);
}
END_TEST

int
main(void)
{
	return RUN_CASES("step", strangers_meet_through_one_and_all_know_each_other,
			 three_primaries_with_replicas_are_ok_and_stay_so,
			 a_killed_primary_is_replaced_by_its_replica,
			 an_isolated_primary_stops_and_follows_its_replacement_when_it_returns,
			 a_manual_failover_swaps_the_roles_without_a_fail,
			 forced_and_taken_failovers_need_no_primary,
			 a_spare_replica_moves_to_the_orphan,
			 fast_options_replace_a_dead_primary_soon_after_the_timeout,
			 a_slow_disk_delays_votes_but_no_heartbeat,
			 a_node_whose_data_lcores_stand_still_is_replaced);
}
