/* tests/bench/path.c - the pure path of a request, without DPDK: parser -> call -> store -> reply writer, in groups as the node forms them.
 *
 *     path get|set COUNT     COUNT requests over KEYS keys of 16 bytes with values of 64, drawn at random
 *
 * Run under callgrind it counts instructions, which no other process disturbs: scripts/bench --instructions runs it for two counts and
 * divides the difference, so that start and loading cost nothing. Every reply is checked by its length; a wrong one ends it with status 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd/command.h"
#include "proto/base/prng.h"
#include "proto/resp/parser.h"
#include "proto/resp/writer.h"

#define KEYS       20000u /* all are in the store; few, because the simulated processor is slow */
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
	struct request requests[KEYS]; /* written beforehand */
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
	for (uint32_t key = 0; key < KEYS; key++) {
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
	}
	call_prefetch(b->server, calls, CALL_BATCH_MAX);
	for (unsigned i = 0; i < CALL_BATCH_MAX; i++)
		call_execute(b->server, &calls[i], &b->writer);
	return (size_t)(b->writer.at - b->replies);
}

/* prng NULL: every key in turn. */
static bool
run(struct bench *b, bool set, uint32_t count, struct prng *prng)
{
	size_t reply = set ? strlen("+OK\r\n") : strlen("$64\r\n\r\n") + VALUE_LEN;
	uint32_t keys[CALL_BATCH_MAX];
	for (uint32_t done = 0; done < count; done += CALL_BATCH_MAX) {
		for (uint32_t i = 0; i < CALL_BATCH_MAX; i++)
			keys[i] = prng != NULL ? (uint32_t)prng_below(prng, KEYS) : done + i;
		if (run_group(b, keys) != reply * CALL_BATCH_MAX)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	static const struct resp_sink sink = {no_room, NULL};
	static struct bench b;
	struct allocator allocator;
	struct config config;
	struct prng prng;
	if (argc != 3 || (strcmp(argv[1], "get") != 0 && strcmp(argv[1], "set") != 0)) {
		fputs("usage: path get|set COUNT\n", stderr);
		return EXIT_FAILURE;
	}
	allocator_init_libc(&allocator);
	if (!config_init(&config))
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
	render(&b, true);
	bool good = run(&b, true, KEYS, NULL);
	render(&b, set);
	good = good && run(&b, set, (uint32_t)strtoul(argv[2], NULL, 10), &prng);
	if (!good)
		fputs("path: a reply is not the one to its request\n", stderr);
	session_close(b.server, &b.session);
	server_destroy(b.server);
	config_free(&config);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
