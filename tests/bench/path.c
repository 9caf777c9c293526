/* tests/bench/path.c - the pure path of a request, without DPDK: parser -> call -> store -> reply writer, in groups as the node forms them.
 *
 *     path get|set COUNT [KEYS]     COUNT requests over KEYS keys of 16 bytes with values of 64, drawn at random
 *
 * Prints nanoseconds per request, of the best of SLICES slices; memory as the node has it with GLIBC_TUNABLES=glibc.malloc.hugetlb=1.
 * Run under callgrind it counts instructions, which no other process disturbs: scripts/bench --instructions runs it for two counts and
 * divides the difference, so that start and loading cost nothing. Every reply is checked by its length; a wrong one ends it with status 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cmd/command.h"
#include "proto/base/prng.h"
#include "proto/resp/parser.h"
#include "proto/resp/writer.h"

#define KEYS       20000u /* all are in the store; few, because the simulated processor is slow */
#define KEYS_MAX   1000000u
#define SLICES     20
#define KEY_LEN    16u
#define VALUE_LEN  64u
#define REQUEST    160u
#define REPLY_ROOM ((size_t)CALL_BATCH_MAX * RESP_ROOM_MAX)

struct request {
	uint8_t bytes[REQUEST];
	size_t len;
};

struct bench {
	struct server *server;
	struct session session;
	struct resp_writer writer;
	struct resp_parser parser;
	struct request *requests; /* one for each key, written beforehand */
	uint32_t keys;
	uint8_t replies[REPLY_ROOM];
};

static bool
no_room(struct resp_writer *w, size_t need)
{
	(void)w, (void)need;
	return false; /* the window holds a whole group's replies */
}

static void
render(struct bench *b, bool set)
{
	for (uint32_t key = 0; key < b->keys; key++) {
		struct request *r = &b->requests[key];
		char *text = (char *)r->bytes;
		int len = snprintf(text, REQUEST, "*%d\r\n$3\r\n%s\r\n$%u\r\n%0*x\r\n", set ? 3 : 2,
				   set ? "SET" : "GET", KEY_LEN, (int)KEY_LEN, key);
		if (set)
			len += snprintf(text + len, REQUEST - (size_t)len, "$%u\r\n%0*x\r\n",
					VALUE_LEN, (int)VALUE_LEN, key);
		r->len = (size_t)len;
	}
}

/* What serve.c does with a full group, one request to a source. Answers the bytes of the replies. */
static size_t
run_group(struct bench *b, const uint32_t *keys)
{
	static const struct resp_limits limits = {.bulk_max = 1u << 20};
	struct span argv[CALL_BATCH_MAX][4];
	struct call calls[CALL_BATCH_MAX];
	b->writer.at = b->replies;
	b->writer.end = b->replies + sizeof(b->replies);
	for (unsigned i = 0; i < CALL_BATCH_MAX; i++) {
		struct resp_command command;
		struct request *r = &b->requests[keys[i]];
		if (resp_parse(&b->parser, &limits, r->bytes, r->len, argv[i], 4, &command) !=
		    RESP_OK)
			return 0;
		calls[i] = (struct call){
			.session = &b->session, .argv = argv[i], .argc = command.argc};
		call_identify(b->server, &calls[i]);
		calls[i].follows = i > 0;
	}
	call_prefetch(b->server, calls, CALL_BATCH_MAX);
	for (unsigned i = 0; i < CALL_BATCH_MAX; i++)
		call_execute(b->server, &calls[i], &b->writer);
	return (size_t)(b->writer.at - b->replies);
}

/* The keys of the next group; their requests are fetched while this one runs, as a device has put a frame into the cache. prng NULL:
 * every key in turn. */
static void
draw(struct bench *b, uint32_t *keys, uint32_t from, struct prng *prng)
{
	for (uint32_t i = 0; i < CALL_BATCH_MAX; i++) {
		keys[i] = prng != NULL ? (uint32_t)prng_below(prng, b->keys) : from + i;
		if (keys[i] >= b->keys)
			keys[i] = 0;
		for (size_t at = 0; at < REQUEST; at += 64)
			__builtin_prefetch(&b->requests[keys[i]].bytes[at]);
	}
}

static bool
run(struct bench *b, bool set, uint32_t count, struct prng *prng)
{
	size_t reply = set ? strlen("+OK\r\n") : strlen("$64\r\n\r\n") + VALUE_LEN;
	uint32_t keys[2][CALL_BATCH_MAX];
	draw(b, keys[0], 0, prng);
	for (uint32_t group = 0; group * CALL_BATCH_MAX < count; group++) {
		draw(b, keys[(group + 1) % 2], (group + 1) * CALL_BATCH_MAX, prng);
		if (run_group(b, keys[group % 2]) != reply * CALL_BATCH_MAX)
			return false;
	}
	return true;
}

static double
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int
main(int argc, char **argv)
{
	static const struct resp_sink sink = {no_room, NULL};
	static struct bench b;
	struct allocator allocator;
	struct config config;
	struct prng prng;
	b.keys = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : KEYS;
	if (argc < 3 || argc > 4 || (strcmp(argv[1], "get") != 0 && strcmp(argv[1], "set") != 0)) {
		fputs("usage: path get|set COUNT [KEYS]\n", stderr);
		return EXIT_FAILURE;
	}
	allocator_init_libc(&allocator);
	b.requests = b.keys > 0 && b.keys <= KEYS_MAX ? calloc(b.keys, sizeof(*b.requests)) : NULL;
	if (b.requests == NULL || !config_init(&config))
		return EXIT_FAILURE;
	struct server_options options = {.config = &config,
					 .allocator = &allocator,
					 .unix_ms = 1700000000000,
					 .now_us = 1000000,
					 .version = "bench"};
	b.server = server_create(&options);
	if (b.server == NULL)
		return EXIT_FAILURE;
	b.writer.sink = &sink;
	session_open(b.server, &b.session, "127.0.0.1:1", "127.0.0.1:2", 1000);
	prng_seed(&prng, 1);
	bool set = strcmp(argv[1], "set") == 0;
	uint32_t slice = (uint32_t)strtoul(argv[2], NULL, 10) / SLICES;
	render(&b, true);
	bool good = run(&b, true, b.keys, NULL);
	render(&b, set);
	double best = 1e9;
	for (unsigned i = 0; i < SLICES && good; i++) {
		double begun = now_ns();
		good = run(&b, set, slice, &prng);
		double each = (now_ns() - begun) / slice;
		best = each < best ? each : best;
	}
	printf("%s: %.1f ns\n", argv[1], best);
	if (!good)
		fputs("path: a reply is not the one to its request\n", stderr);
	session_close(b.server, &b.session);
	server_destroy(b.server);
	config_free(&config);
	free(b.requests);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
