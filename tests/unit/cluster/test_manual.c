/* tests/unit/cluster/test_manual.c - failovers on command, and replicas that move (spec A35, A36). */
#include "tests/unit/runner.h"

#include "cluster/manual.h"
#include "cluster/migrate.h"
#include "cluster/slots.h"
#include "tests/unit/cluster/hand_ask.h"

/* We replicate b; c votes as well. */
static struct hand *
replica_new(void)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9);
	hand_primary(h, 'c', 10, 19);
	hand_replica(h, 'm', b);
	hand_settle(h);
	return h;
}

static enum manual_refusal
start(struct hand *h, enum manual_form form)
{
	step_begin(h->c, &h->facts, h->out);
	enum manual_refusal refusal = manual_start(h->c, form, h->out);
	step_end(h->c, h->out);
	cluster_check(h->c);
	return refusal;
}

static void
paused(struct hand *h, uint32_t from, uint64_t offset)
{
	struct bus_head *head = hand_frame(h, BUS_PING, from);
	head->message_flags = BUS_PAUSED;
	head->offset = offset;
	hand_deliver(h, from);
}

START_TEST(a_failover_is_refused_for_a_reason)
{
	struct hand *h = replica_new();
	h->c->nodes[1].out_up = false;
	ck_assert_int_eq(start(h, MANUAL_DEFAULT), MANUAL_PRIMARY_DOWN);
	h->c->nodes[1].out_up = true;
	failure_set_flags(h->c, 1, NODE_FAIL);
	ck_assert_int_eq(start(h, MANUAL_DEFAULT), MANUAL_PRIMARY_DOWN);
	ck_assert_int_eq(manual_decide(h->c, MANUAL_FORCE), MANUAL_STARTED);
	ck_assert_int_eq(manual_decide(h->c, MANUAL_TAKEOVER), MANUAL_STARTED);
	view_set_role(h->c, 0, true, NODE_NONE);
	ck_assert_int_eq(manual_decide(h->c, MANUAL_TAKEOVER), MANUAL_PRIMARY_UNKNOWN);
	view_set_role(h->c, 0, false, NODE_NONE);
	ck_assert_int_eq(manual_decide(h->c, MANUAL_FORCE), MANUAL_NOT_A_REPLICA);
	for (unsigned i = 0; i < MANUAL_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(manual_refusal_name((enum manual_refusal)i));
	for (unsigned i = 0; i < MFSTART_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(mfstart_refusal_name((enum mfstart_refusal)i));
	for (unsigned i = 0; i < MANUAL_END_COUNT; i++)
		ck_assert_ptr_nonnull(manual_end_name((enum manual_end)i));
	hand_free(h);
}
END_TEST

START_TEST(the_replica_waits_for_the_offset_at_which_its_primary_stopped)
{
	struct hand *h = replica_new();
	ck_assert_int_eq(start(h, MANUAL_DEFAULT), MANUAL_STARTED);
	ck_assert_uint_eq(hand_sent(h, BUS_MFSTART)->link, h->c->nodes[1].out);
	paused(h, 2, 50); /* not our primary */
	ck_assert(!h->c->manual.offset_known);
	paused(h, 1, 101);
	ck_assert(h->c->manual.offset_known);
	paused(h, 1, 90); /* the first counts */
	ck_assert_uint_eq(h->c->manual.offset, 101);
	hand_tick(h, MANUAL_OFFSET_POLL_MS);
	ck_assert_ptr_null(hand_sent(h, BUS_AUTH_REQUEST));
	ck_assert_uint_eq(cluster_next_at(h->c), h->facts.now_ms + MANUAL_OFFSET_POLL_MS);
	h->facts.offset = 101;
	hand_tick(h, MANUAL_OFFSET_POLL_MS);
	const struct effect *request = hand_sent(h, BUS_AUTH_REQUEST);
	ck_assert_ptr_nonnull(request); /* no delay, whatever the rank */
	ck_assert_uint_eq(request->msg->head.message_flags, BUS_FORCE_ACK);
	hand_free(h);
}
END_TEST

START_TEST(a_paused_frame_nobody_asked_for_is_ignored)
{
	struct hand *h = replica_new();
	paused(h, 1, 100);
	ck_assert_int_eq(h->c->manual.state, MANUAL_IDLE);
	hand_free(h);
}
END_TEST

START_TEST(force_asks_at_once_and_takeover_asks_nobody)
{
	struct hand *h = replica_new();
	h->facts.offset = 0; /* not even data is asked for */
	ck_assert_int_eq(start(h, MANUAL_FORCE), MANUAL_STARTED);
	ck_assert_ptr_null(hand_sent(h, BUS_MFSTART));
	ck_assert_uint_eq(hand_sent(h, BUS_AUTH_REQUEST)->msg->head.message_flags, BUS_FORCE_ACK);
	ck_assert_int_eq(start(h, MANUAL_FORCE),
			 MANUAL_STARTED); /* again: the first is forgotten */
	ck_assert_uint_eq(hand_traced(h, TRACE_MANUAL_ENDED)->number, MANUAL_REPLACED);
	hand_free(h);

	h = replica_new();
	uint64_t epoch = h->c->live.current_epoch;
	ck_assert_int_eq(start(h, MANUAL_TAKEOVER), MANUAL_STARTED);
	ck_assert_ptr_null(hand_sent(h, BUS_AUTH_REQUEST));
	ck_assert_uint_eq(h->c->nodes[0].config_epoch, epoch + 1);
	ck_assert_uint_eq(h->c->owner[0], 0);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->after, hand_find(h, EFFECT_PERSIST, 0)->number);
	ck_assert_ptr_nonnull(hand_traced(h, TRACE_TAKEOVER));
	hand_free(h);
}
END_TEST

START_TEST(a_failover_that_does_not_succeed_ends_in_time)
{
	struct hand *h = replica_new();
	start(h, MANUAL_DEFAULT);
	h->c->nodes[1].pong_received_ms = h->c->nodes[2].pong_received_ms = h->facts.now_ms + 5000;
	hand_tick(h, 5000);
	ck_assert_int_eq(h->c->manual.state, MANUAL_WAIT_OFFSET);
	hand_tick(h, 1);
	ck_assert_uint_eq(hand_traced(h, TRACE_MANUAL_ENDED)->number, MANUAL_TIMED_OUT);
	hand_free(h);
}
END_TEST

/* We are the primary of r. */
static struct hand *
primary_new(void)
{
	struct hand *h = hand_new();
	hand_primary(h, 'm', 0, 9);
	hand_primary(h, 'c', 10, 19);
	hand_replica(h, 'r', 0);
	hand_settle(h);
	return h;
}

START_TEST(a_primary_names_its_offset_when_all_writes_have_stopped)
{
	struct hand *h = primary_new();
	hand_frame(h, BUS_MFSTART, 2);
	hand_deliver(h, 2);
	ck_assert_uint_eq(hand_find(h, EFFECT_PAUSE_WRITES, 0)->number, h->facts.now_ms + 10000);
	ck_assert_ptr_null(hand_sent(h, BUS_PING));
	hand_frame(h, BUS_PING, 1);
	hand_deliver(h, 1);
	ck_assert_uint_eq(hand_sent(h, BUS_PONG)->msg->head.message_flags & BUS_PAUSED, 0); /* M1 */
	ck_assert_uint_eq(cluster_next_at(h->c), h->facts.now_ms + MANUAL_OFFSET_POLL_MS);
	h->facts.writes_paused = true;
	h->facts.offset = 123;
	hand_tick(h, 1);
	const struct effect *ping = hand_sent(h, BUS_PING);
	bool on_mfstart_link = false; /* besides the PING of every tick on ours */
	for (unsigned i = 0; i < h->out->count; i++) {
		const struct effect *e = &h->out->list[i];
		on_mfstart_link =
			on_mfstart_link || (e->kind == EFFECT_SEND && e->link == h->c->nodes[2].in);
	}
	ck_assert(on_mfstart_link);
	ck_assert_uint_eq(ping->msg->head.offset, 123);
	ck_assert_uint_ne(ping->msg->head.message_flags & BUS_PAUSED, 0);
	hand_tick(h, 100); /* and again and again, to the replica only */
	ck_assert_ptr_nonnull(hand_sent(h, BUS_PING));
	hand_frame(h, BUS_PING, 1); /* in every frame, to anybody */
	hand_deliver(h, 1);
	ck_assert_uint_ne(hand_sent(h, BUS_PONG)->msg->head.message_flags & BUS_PAUSED, 0);
	hand_free(h);
}
END_TEST

START_TEST(the_pause_ends_with_the_failover)
{
	struct hand *h = primary_new();
	hand_frame(h, BUS_MFSTART, 2);
	hand_deliver(h, 2);
	h->facts.writes_paused = true;
	hand_tick(h, 1);
	h->facts.now_ms = h->c->manual.deadline_ms;
	hand_tick(h, 0);
	ck_assert_int_eq(h->c->manual.state, MANUAL_PAUSED_FOR);
	hand_tick(h, 1);
	ck_assert_uint_eq(hand_find(h, EFFECT_PAUSE_WRITES, 0)->number, 0);
	ck_assert_uint_eq(hand_traced(h, TRACE_MANUAL_ENDED)->number, MANUAL_TIMED_OUT);
	hand_free(h);

	h = primary_new();
	hand_frame(h, BUS_MFSTART, 2);
	hand_deliver(h, 2);
	struct bus_head *head = hand_frame(h, BUS_PONG, 2); /* r has won */
	head->replica_of = (struct node_id){{0}};
	head->config_epoch = head->current_epoch = 'z';
	hand_deliver(h, 2);
	ck_assert_uint_eq(h->c->nodes[0].primary, 2);
	const struct effect *resume = hand_find(h, EFFECT_PAUSE_WRITES, 0);
	const struct effect *role = hand_find(h, EFFECT_ROLE, 0);
	ck_assert_uint_eq(resume->number, 0);
	ck_assert(role < resume); /* first a replica, and on disk, then writes go on */
	ck_assert_uint_ne(role->after, 0);
	ck_assert_uint_eq(resume->after, role->after);
	ck_assert_uint_eq(hand_traced(h, TRACE_MANUAL_ENDED)->number, MANUAL_ROLE_CHANGED);
	hand_free(h);
}
END_TEST

START_TEST(mfstart_is_for_the_primary_of_its_sender)
{
	struct hand *h = primary_new();
	ck_assert_int_eq(manual_on_mfstart(h->c, 1, h->c->nodes[1].in, h->out),
			 MFSTART_NOT_OUR_REPLICA);
	hand_frame(h, BUS_MFSTART, 1);
	hand_deliver(h, 1);
	ck_assert_int_eq(hand_refused(h), MESSAGE_MFSTART_REFUSED);
	step_begin(h->c, &h->facts, h->out);
	ck_assert_int_eq(manual_on_mfstart(h->c, 2, h->c->nodes[2].in, h->out), MFSTART_PAUSED);
	step_end(h->c, h->out);
	hand_free(h);
	h = replica_new();
	ck_assert_int_eq(manual_on_mfstart(h->c, 2, h->c->nodes[2].in, h->out),
			 MFSTART_NOT_A_PRIMARY);
	hand_free(h);
}
END_TEST

/* We and r replicate b (two healthy ones); c is an orphan that had replicas. */
static struct hand *
spare_new(char other)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 8191), c = hand_primary(h, 'c', 8192, SLOT_COUNT - 1);
	hand_replica(h, 'm', b);
	hand_replica(h, other, b);
	h->c->nodes[c].flags |= NODE_MIGRATE_TO;
	hand_settle(h);
	return h;
}

static void
pass(struct hand *h, uint64_t ms)
{
	h->facts.now_ms += ms;
	for (uint32_t i = 1; i < h->c->high; i++)
		h->c->nodes[i].pong_received_ms = h->c->nodes[i].data_received_ms = h->facts.now_ms;
	hand_tick(h, 0);
}

START_TEST(a_replica_moves_to_an_orphan_of_five_seconds)
{
	struct hand *h = spare_new('r');
	uint64_t since = h->c->nodes[2].orphaned_ms;
	ck_assert_uint_ne(since, 0);
	pass(h, since + MIGRATE_DELAY_MS - h->facts.now_ms);
	ck_assert_uint_eq(h->c->nodes[0].primary, 1);
	pass(h, 1);
	ck_assert_uint_eq(h->c->nodes[0].primary, 2);
	ck_assert_uint_eq(hand_traced(h, TRACE_MIGRATED)->node, 2);
	hand_free(h);
}
END_TEST

START_TEST(every_reason_to_stay)
{
	struct hand *h = spare_new('r');
	struct cluster *c = h->c;
	uint32_t orphan;
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_TOO_SOON);
	c->now_ms += MIGRATE_DELAY_MS + 1;
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_ALLOWED);
	ck_assert_uint_eq(orphan, 2);
	c->config.allow_replica_migration = false;
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_SWITCHED_OFF);
	c->config.allow_replica_migration = true;
	c->health.ok = false;
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_CLUSTER_FAILS);
	c->health.ok = true;
	c->config.migration_barrier = 2;
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_BARRIER);
	c->config.migration_barrier = 1;
	failure_set_flags(c, 3, NODE_FAIL); /* b keeps one healthy replica: us */
	migrate_count(c);
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_NOT_RICHEST);
	c->nodes[3].flags &= (uint16_t)~NODE_FAIL;
	migrate_count(c);
	c->nodes[2].flags &= (uint16_t)~NODE_MIGRATE_TO; /* it never had one */
	ck_assert_int_eq(migrate_decide(c, &orphan), MIGRATE_NO_ORPHAN);
	hand_free(h);
	h = spare_new('a');
	h->c->now_ms += MIGRATE_DELAY_MS + 1;
	ck_assert_int_eq(migrate_decide(h->c, &orphan), MIGRATE_ANOTHER_GOES);
	view_set_role(h->c, 0, false, NODE_NONE);
	ck_assert_int_eq(migrate_decide(h->c, &orphan), MIGRATE_NOT_A_REPLICA);
	for (unsigned i = 0; i < MIGRATE_REFUSAL_COUNT; i++)
		ck_assert_ptr_nonnull(migrate_refusal_name((enum migrate_refusal)i));
	hand_free(h);
}
END_TEST

START_TEST(who_may_be_given_a_replica_is_flagged)
{
	struct hand *h = hand_new();
	uint32_t b = hand_primary(h, 'b', 0, 9), r = hand_replica(h, 'r', b);
	hand_settle(h);
	ck_assert(hand_flagged(h, b, NODE_MIGRATE_TO)); /* it has one */
	uint32_t c = hand_primary(h, 'c', 10, 19);
	ck_assert(hand_flagged(
		h, c, NODE_MIGRATE_TO)); /* its first slot came where others have replicas */
	view_set_role(h->c, r, true, c);
	hand_tick(h, 1);
	ck_assert(!hand_flagged(h, b, NODE_MIGRATE_TO)); /* its last one left */
	hand_free(h);
}
END_TEST

int
main(void)
{
	return RUN_CASES("manual", a_failover_is_refused_for_a_reason,
			 the_replica_waits_for_the_offset_at_which_its_primary_stopped,
			 a_paused_frame_nobody_asked_for_is_ignored,
			 force_asks_at_once_and_takeover_asks_nobody,
			 a_failover_that_does_not_succeed_ends_in_time,
			 a_primary_names_its_offset_when_all_writes_have_stopped,
			 the_pause_ends_with_the_failover, mfstart_is_for_the_primary_of_its_sender,
			 a_replica_moves_to_an_orphan_of_five_seconds, every_reason_to_stay,
			 who_may_be_given_a_replica_is_flagged);
}
