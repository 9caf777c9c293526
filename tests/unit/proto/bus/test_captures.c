/* tests/unit/proto/bus/test_captures.c - frames of stock nodes: each is taken, says what its cluster was, and is written again byte by byte.
 *
 * The committed ones are one of each kind (tests/golden/README.md). With arguments, files of frames to read instead: all the frames
 * of a capture, say; prints how many of each type there were.
 */
#include "tests/unit/proto/bus/frames.h"

#include <stdio.h>

#define CLIENT_PORT_FIRST 17201u /* six nodes on loopback */
#define CLIENT_PORT_LAST  17206u
#define BUS_PORT_OFFSET   10000u

struct totals {
	unsigned types[BUS_TYPE_COUNT];
	unsigned light, gossip, forgotten, shard_ids, hostnames, paused, forced, skipped;
};

static struct bus_gossip room[BUS_GOSSIP_MAX];

static struct frame
read_file(const char *path)
{
	struct frame file = {0};
	FILE *stream = fopen(path, "rb");
	ck_assert_msg(stream != NULL, "%s cannot be opened", path);
	ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
	file.len = (size_t)ftell(stream);
	rewind(stream);
	file.bytes = malloc(file.len + 1);
	ck_assert_uint_eq(fread(file.bytes, 1, file.len, stream), file.len);
	fclose(stream);
	return file;
}

static void
check_head(const struct bus_head *head)
{
	ck_assert(node_id_is_valid(&head->sender));
	ck_assert_uint_ge(head->port, CLIENT_PORT_FIRST);
	ck_assert_uint_le(head->port, CLIENT_PORT_LAST);
	ck_assert_uint_eq(head->cport, head->port + BUS_PORT_OFFSET);
	ck_assert_uint_eq(head->pport, 0);
	ck_assert_str_eq(head->my_ip, "");
	ck_assert((head->flags & NODE_MYSELF) != 0);
	ck_assert(((head->flags & NODE_REPLICA) != 0) == !node_id_is_nobody(&head->replica_of));
}

static void
check_ping(const struct bus_ping *ping, struct totals *totals)
{
	for (unsigned i = 0; i < ping->gossip_count; i++) {
		const struct bus_gossip *entry = &ping->gossip[i];
		ck_assert(node_id_is_valid(&entry->id));
		ck_assert_str_eq(entry->ip, "127.0.0.1");
		ck_assert_uint_eq(entry->cport, entry->port + BUS_PORT_OFFSET);
	}
	if ((ping->extensions & BUS_EXT_HOSTNAME) != 0)
		ck_assert_uint_gt(strlen(ping->hostname), 0);
	if ((ping->extensions & BUS_EXT_SHARD_ID) != 0)
		ck_assert(node_id_is_valid(&ping->shard_id));
	for (unsigned i = 0; i < ping->forgotten_count; i++)
		ck_assert(node_id_is_valid(&ping->forgotten[i].id));
	totals->gossip += ping->gossip_count;
	totals->forgotten += ping->forgotten_count;
	totals->hostnames += (ping->extensions & BUS_EXT_HOSTNAME) != 0;
	totals->shard_ids += (ping->extensions & BUS_EXT_SHARD_ID) != 0;
	totals->skipped += ping->skipped_extensions;
}

static void
check_frame(struct span bytes, struct totals *totals)
{
	struct bus_msg msg;
	uint8_t *exact = malloc(bytes.len);
	memcpy(exact, bytes.at, bytes.len);
	ck_assert_int_eq(bus_decode((struct span){exact, bytes.len}, room, &msg), BUS_OK);
	ck_assert_uint_lt(msg.head.type, BUS_TYPE_COUNT);
	totals->types[msg.head.type]++;
	totals->light += msg.head.light;
	totals->paused += (msg.head.message_flags & BUS_PAUSED) != 0;
	totals->forced += (msg.head.message_flags & BUS_FORCE_ACK) != 0;
	if (!msg.head.light)
		check_head(&msg.head);
	if (msg.head.type == BUS_PING || msg.head.type == BUS_PONG || msg.head.type == BUS_MEET)
		check_ping(&msg.ping, totals);
	struct frame again = encode(&msg);
	ck_assert_uint_eq(again.len, bytes.len);
	ck_assert_mem_eq(again.bytes, bytes.at, bytes.len);
	free(again.bytes);
	free(exact);
}

static struct totals
check_file(const char *path)
{
	struct totals totals = {0};
	struct frame file = read_file(path);
	struct span rest = {file.bytes, file.len};
	while (rest.len > 0) {
		uint32_t len = 0;
		ck_assert_int_eq(bus_frame_len(rest, &len), BUS_OK);
		ck_assert_uint_le(len, rest.len);
		check_frame((struct span){rest.at, len}, &totals);
		rest.at += len;
		rest.len -= len;
	}
	free(file.bytes);
	return totals;
}

static unsigned
heartbeats(const struct totals *totals)
{
	return totals->types[BUS_PING] + totals->types[BUS_PONG] + totals->types[BUS_MEET];
}

static struct totals
check_version(const char *path)
{
	struct totals totals = check_file(path);
	ck_assert_uint_ge(heartbeats(&totals), 100);
	ck_assert_uint_ge(totals.types[BUS_MEET], 2);
	ck_assert_uint_ge(totals.types[BUS_FAIL], 1);
	ck_assert_uint_ge(totals.types[BUS_PUBLISH], 1);
	ck_assert_uint_ge(totals.types[BUS_AUTH_REQUEST], 2);
	ck_assert_uint_ge(totals.types[BUS_AUTH_ACK], 2);
	ck_assert_uint_eq(totals.types[BUS_MFSTART], 1);
	ck_assert_uint_ge(totals.gossip, 200);
	ck_assert_uint_ge(totals.paused, 1);
	ck_assert_uint_ge(totals.forced, 1);
	ck_assert_uint_eq(totals.skipped, 0);
	return totals;
}

START_TEST(redis_7_0_announces_hostnames_only)
{
	struct totals totals = check_version(GOLDEN "/bus-redis-7.0.15.bin");
	ck_assert_uint_eq(totals.hostnames, heartbeats(&totals));
	ck_assert_uint_eq(totals.shard_ids, 0);
	ck_assert_uint_eq(totals.forgotten, 0);
	ck_assert_uint_eq(totals.types[BUS_UPDATE], 1);
	ck_assert_uint_eq(totals.light, 0);
}
END_TEST

START_TEST(redis_7_2_announces_its_shard_from_the_first_frame)
{
	struct totals totals = check_version(GOLDEN "/bus-redis-7.2.6.bin");
	ck_assert_uint_eq(totals.shard_ids, heartbeats(&totals));
	ck_assert_uint_gt(totals.forgotten, 0);
	ck_assert_uint_eq(totals.types[BUS_UPDATE], 1);
	ck_assert_uint_eq(totals.light, 0);
}
END_TEST

START_TEST(valkey_8_1_keeps_extensions_from_strangers_and_publishes_light)
{
	struct totals totals = check_version(GOLDEN "/bus-valkey-8.1.7.bin");
	ck_assert_uint_lt(totals.shard_ids, heartbeats(&totals));
	ck_assert_uint_gt(totals.shard_ids, 0);
	ck_assert_uint_gt(totals.forgotten, 0);
	ck_assert_uint_eq(totals.light, totals.types[BUS_PUBLISH]);
}
END_TEST

START_TEST(valkey_9_1_keeps_extensions_from_strangers_and_publishes_light)
{
	struct totals totals = check_version(GOLDEN "/bus-valkey-9.1.0.bin");
	ck_assert_uint_lt(totals.shard_ids, heartbeats(&totals));
	ck_assert_uint_gt(totals.shard_ids, 0);
	ck_assert_uint_gt(totals.forgotten, 0);
	ck_assert_uint_eq(totals.light, totals.types[BUS_PUBLISH]);
}
END_TEST

static const char *given; /* a file of an argument */

START_TEST(every_frame_of_the_file_is_written_again_byte_by_byte)
{
	struct totals totals = check_file(given);
	printf("%s:", given);
	for (unsigned type = 0; type < BUS_TYPE_COUNT; type++)
		printf(" %s %u", bus_type_name(type), totals.types[type]);
	printf("; light %u, gossip %u, forgotten %u, shard ids %u, skipped %u\n", totals.light,
	       totals.gossip, totals.forgotten, totals.shard_ids, totals.skipped);
}
END_TEST

int
main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++) {
		given = argv[i];
		failed |= RUN_CASES("bus_captures",
				    every_frame_of_the_file_is_written_again_byte_by_byte);
	}
	if (argc > 1)
		return failed;
	return RUN_CASES("bus_captures", redis_7_0_announces_hostnames_only,
			 redis_7_2_announces_its_shard_from_the_first_frame,
			 valkey_8_1_keeps_extensions_from_strangers_and_publishes_light,
			 valkey_9_1_keeps_extensions_from_strangers_and_publishes_light);
}
