/* tests/diff/cluster_repl.c - a view and cluster_command() behind standard input, to be compared with a redis-server.
 *
 *     CLUSTER NODES         a line of words: the command; answers its reply in RESP
 *     HELLO 3               the protocol of replies from now on
 *     !load FILE            the view is what that nodes.conf says       !save FILE    nodes.conf as we would write it
 *     !keys SLOT COUNT      so many keys are in the slot                !linked       all peers are connected
 *     !synced               all replicas have data                      !tick MS      time passes
 *
 * Each answer is "<bytes>\n" and so many bytes. Persists are on disk at once. Links that we are asked to open never come up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/nodes_file.h"
#include "proto/resp/writer.h"

#define NODES_MAX 64
#define WORDS_MAX 20000
#define LINE_MAX  (256ul * 1024)
#define REPLY_MAX (4ul * 1024 * 1024)

struct repl {
	struct cluster *c;
	struct cluster_facts facts;
	struct cluster_config config;
	uint32_t keys[SLOT_COUNT];
	struct effects effects;
	struct span words[WORDS_MAX];
	char line[LINE_MAX], file[LINE_MAX];
	uint8_t reply[REPLY_MAX];
	uint8_t protocol;
};

static bool
no_room(struct resp_writer *w, size_t need)
{
	(void)w;
	(void)need;
	return false;
}

static void
say(const char *text)
{
	printf("%zu\n%s", strlen(text), text);
}

static void
step(struct repl *r, enum cluster_event_kind kind, uint64_t number)
{
	struct cluster_event event = {.kind = kind, .number = number};
	cluster_step(r->c, &event, &r->facts, &r->effects);
}

/* A persist that was asked for is done, as long as one asks. */
static void
carry_out(struct repl *r)
{
	for (unsigned i = 0; i < r->effects.count; i++) {
		if (r->effects.list[i].kind == EFFECT_PERSIST) {
			step(r, CLUSTER_PERSISTED, r->effects.list[i].number);
			i = UINT32_MAX; /* from the first effect of that step */
		}
	}
}

static void
command(struct repl *r, uint32_t count)
{
	static const struct resp_sink sink = {.room = no_room};
	struct resp_writer w = {.at = r->reply,
				.end = r->reply + REPLY_MAX,
				.sink = &sink,
				.protocol = r->protocol};
	cluster_command(r->c, r->words, count, &r->facts, &w, &r->effects);
	size_t len = (size_t)(w.at - r->reply);
	printf("%zu\n", w.failed ? 0 : len);
	fwrite(r->reply, 1, w.failed ? 0 : len, stdout);
	carry_out(r);
	cluster_check(r->c);
}

static void
load(struct repl *r, const char *path)
{
	uint32_t line;
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		say(strerror(errno));
		return;
	}
	size_t len = fread(r->file, 1, LINE_MAX, f);
	fclose(f);
	cluster_format(r->c, NODES_MAX, &r->config, 1, r->facts.now_ms);
	enum nodes_file_status status =
		nodes_file_read(r->c, (struct span){(uint8_t *)r->file, len}, &line);
	say(status == NODES_FILE_OK ? "OK" : nodes_file_status_text(status));
}

static void
save(struct repl *r, const char *path)
{
	FILE *f = fopen(path, "w");
	if (f == NULL) {
		say(strerror(errno));
		return;
	}
	size_t len = nodes_file_write(r->c, &r->facts, r->file, LINE_MAX);
	fwrite(r->file, 1, len, f);
	say(fclose(f) == 0 ? "OK" : "not written");
}

static void
set_peers(struct repl *r, bool linked)
{
	struct cluster *c = r->c;
	for (uint32_t i = 1; i < c->high; i++) {
		if (linked && view_has(c, i)) {
			view_set_out(c, i, view_new_link(c, i));
			c->nodes[i].out_up = true;
		}
		if (!linked)
			c->nodes[i].offset = 1;
	}
	if (!linked)
		r->facts.offset = 1;
	say("OK");
}

static void
directive(struct repl *r, char *text)
{
	char *word = strtok(text, " ");
	const char *first = strtok(NULL, " "), *second = strtok(NULL, " ");
	if (word == NULL)
		return;
	if (strcmp(word, "!load") == 0 && first != NULL) {
		load(r, first);
	} else if (strcmp(word, "!save") == 0 && first != NULL) {
		save(r, first);
	} else if (strcmp(word, "!keys") == 0 && first != NULL && second != NULL) {
		r->keys[strtoul(first, NULL, 10) % SLOT_COUNT] =
			(uint32_t)strtoul(second, NULL, 10);
		say("OK");
	} else if (strcmp(word, "!linked") == 0) {
		set_peers(r, true);
	} else if (strcmp(word, "!synced") == 0) {
		set_peers(r, false);
	} else if (strcmp(word, "!tick") == 0 && first != NULL) {
		r->facts.now_ms += strtoul(first, NULL, 10);
		step(r, CLUSTER_TICK, 0);
		carry_out(r);
		say("OK");
	} else {
		say("no such directive");
	}
}

static void
line(struct repl *r)
{
	r->line[strcspn(r->line, "\r\n")] = '\0';
	if (r->line[0] == '!') {
		directive(r, r->line);
		return;
	}
	uint32_t count = 0;
	for (char *word = strtok(r->line, " "); word != NULL && count < WORDS_MAX;
	     word = strtok(NULL, " "))
		r->words[count++] = (struct span){(uint8_t *)word, strlen(word)};
	if (count == 2 && strcmp(r->line, "HELLO") == 0) {
		r->protocol = r->words[1].at[0] == '3' ? 3 : 2;
		say("OK");
	} else if (count > 0) {
		command(r, count);
	}
}

int
main(int argc, char **argv)
{
	struct repl *r = calloc(1, sizeof(*r));
	void *mem = malloc(cluster_size(NODES_MAX));
	if (r == NULL || mem == NULL) {
		free(mem);
		free(r);
		return 1;
	}
	r->protocol = 2;
	r->facts = (struct cluster_facts){.now_ms = 100000,
					  .unix_ms = 1795350813889,
					  .data_alive = true,
					  .slot_keys = r->keys};
	r->config = (struct cluster_config){
		.node_timeout_ms = 15000,
		.replica_validity_factor = 10,
		.migration_barrier = 1,
		.manual_failover_timeout_ms = 5000,
		.blacklist_ttl_s = 60,
		.allow_replica_migration = true,
		.require_full_coverage = true,
		.port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 6379)};
	r->config.cport = (uint16_t)(r->config.port + 10000);
	if (argc > 2)
		snprintf(r->config.hostname, sizeof(r->config.hostname), "%s", argv[2]);
	r->c = cluster_format(mem, NODES_MAX, &r->config, 1, r->facts.now_ms);
	while (fgets(r->line, LINE_MAX, stdin) != NULL) {
		line(r);
		fflush(stdout);
	}
	free(mem);
	free(r);
	return 0;
}
