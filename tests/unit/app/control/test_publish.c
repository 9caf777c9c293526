/* tests/unit/app/control/test_publish.c - the view as words of the slot table, and when data lcores must be fenced. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd/config.h"
#include "app/control/publish.h"
#include "app/store/slot_table.h"
#include "cluster/view.h"
#include "proto/base/assert.h"
#include "tests/unit/runner.h"

#define NODES 16
#define SLOT  100

static struct slot_table *table;
static struct cluster *view;
static struct config config;
static uint32_t other;

static void
fresh(void)
{
	struct cluster_config settings = {.node_timeout_ms = 1000, .port = 6379, .ip = "10.0.0.1"};
	size_t size = (cluster_size(NODES) + 63) / 64 * 64;
	size_t table_size = (slot_table_size() + 63) / 64 * 64;
	view = cluster_format(aligned_alloc(64, size), NODES, &settings, 1, 1000);
	table = slot_table_format(aligned_alloc(64, table_size), table_size);
	ck_assert_ptr_nonnull(table);
	struct node_id id;
	memset(id.bytes, 'a', sizeof(id.bytes));
	other = view_add(view, &id, NODE_PRIMARY);
	snprintf(view->nodes[other].ip, BUS_IP_LEN, "10.0.0.2");
	view->nodes[other].port = 7000;
	ck_assert(config_init(&config));
}

static void
done(void)
{
	config_free(&config);
	free(view);
	free(table);
}

static enum slot_state
state(void)
{
	return slot_word_state(slot_table_get(table, SLOT));
}

/* Ours, decided and on disk. */
static void
own(void)
{
	view_set_owner(view, SLOT, 0);
	slot_bitmap_set(&view->durable.slots, SLOT, true);
}

START_TEST(a_slot_is_local_only_when_that_is_on_disk)
{
	fresh();
	ck_assert(!publish_slots(table, view, &config));
	ck_assert_int_eq(state(), SLOT_UNOWNED);
	view_set_owner(view, SLOT, 0);
	ck_assert(!publish_slots(table, view, &config));
	ck_assert_int_eq(state(), SLOT_UNOWNED);
	own();
	ck_assert(!publish_slots(table, view, &config));
	ck_assert_int_eq(state(), SLOT_LOCAL);
	done();
}
END_TEST

START_TEST(a_slot_that_is_taken_away_asks_for_a_fence)
{
	fresh();
	own();
	publish_slots(table, view, &config);
	view_set_owner(view, SLOT, other);
	ck_assert(publish_slots(table, view, &config));
	ck_assert_uint_eq(slot_table_get(table, SLOT), slot_word(SLOT_REMOTE, other));
	ck_assert(!publish_slots(table, view, &config));
	done();
}
END_TEST

START_TEST(a_migrating_slot_asks_for_a_fence_and_its_end_does_not)
{
	fresh();
	own();
	publish_slots(table, view, &config);
	view->migrating_to[SLOT] = other;
	ck_assert(publish_slots(table, view, &config));
	ck_assert_uint_eq(slot_table_get(table, SLOT), slot_word(SLOT_MIGRATING, other));
	view->migrating_to[SLOT] = NODE_NONE;
	ck_assert(!publish_slots(table, view, &config));
	ck_assert_int_eq(state(), SLOT_LOCAL);
	done();
}
END_TEST

START_TEST(an_importing_slot_names_its_owner)
{
	fresh();
	view_set_owner(view, SLOT, other);
	view->importing_from[SLOT] = other;
	ck_assert(!publish_slots(table, view, &config));
	ck_assert_uint_eq(slot_table_get(table, SLOT), slot_word(SLOT_IMPORTING, other));
	done();
}
END_TEST

START_TEST(endpoints_follow_the_preferred_type)
{
	static const struct {
		const char *type, *hostname, *expected;
	} cases[] = {
		{"ip",               "",    "10.0.0.2:7000"},
		{"hostname",         "n.x", "n.x:7000"     },
		{"hostname",         "",    "?:7000"       },
		{"unknown-endpoint", "n.x", ":7000"        },
	};
	char text[SLOT_ENDPOINT_MAX], error[160];
	fresh();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(config_set(&config, "cluster-preferred-endpoint-type",
					    cases[i].type, true, error),
				 CONFIG_OK);
		snprintf(view->nodes[other].hostname, BUS_NAME_MAX, "%s", cases[i].hostname);
		publish_slots(table, view, &config);
		ck_assert(slot_table_endpoint(table, other, text));
		ck_assert_str_eq(text, cases[i].expected);
	}
	done();
}
END_TEST

START_TEST(a_cluster_that_stops_being_ok_asks_for_a_fence)
{
	fresh();
	view->health.ok = true;
	ck_assert(!publish_slots(table, view, &config));
	ck_assert(slot_table_mode(table) & SLOT_MODE_OK);
	view->health.ok = false;
	ck_assert(publish_slots(table, view, &config));
	ck_assert(!(slot_table_mode(table) & SLOT_MODE_OK));
	done();
}
END_TEST

int
main(void)
{
	return RUN_CASES("publish", a_slot_is_local_only_when_that_is_on_disk,
			 a_slot_that_is_taken_away_asks_for_a_fence,
			 a_migrating_slot_asks_for_a_fence_and_its_end_does_not,
			 an_importing_slot_names_its_owner, endpoints_follow_the_preferred_type,
			 a_cluster_that_stops_being_ok_asks_for_a_fence);
}
