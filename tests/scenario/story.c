/* tests/scenario/story.c - the commands of a story, one row each. */
#include "tests/scenario/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/world.h"

#define WORDS_MAX    40u
#define US_PER_SLICE 50000u
#define LATENCY_US   1000u
#define MILLION      1000000u

struct words {
	unsigned count;
	char *at[WORDS_MAX];
	char text[WORLD_TEXT_MAX];
};

struct story {
	struct world *world;
	struct output *out, happened;
};

void
output_line(struct output *out, const char *line)
{
	size_t len = strlen(line);
	if (out->len + len + 2 > out->room) {
		out->room = 2 * (out->len + len + 2);
		out->text = realloc(out->text, out->room);
		ASSERT(out->text != NULL);
	}
	memcpy(out->text + out->len, line, len);
	out->len += len;
	out->text[out->len++] = '\n';
	out->text[out->len] = '\0';
}

static void
on_line(struct world *w, const char *line, void *to)
{
	(void)w;
	output_line(&((struct story *)to)->happened, line);
}

struct story *
story_new(struct output *out)
{
	struct story *story = calloc(1, sizeof(*story));
	ASSERT(story != NULL);
	story->out = out;
	return story;
}

void
story_free(struct story *story)
{
	if (story->world != NULL)
		world_free(story->world);
	free(story->happened.text);
	free(story);
}

void
story_flush(struct story *story)
{
	struct output *happened = &story->happened;
	for (char *at = happened->text; happened->len > 0 && *at != '\0';) {
		char *end = strchr(at, '\n');
		*end = '\0';
		output_line(story->out, at);
		at = end + 1;
	}
	happened->len = 0;
	if (happened->text != NULL)
		happened->text[0] = '\0';
}

bool
story_end(struct story *story, const char *path)
{
	if (story->world == NULL || story->world->violation == VIOLATION_NONE)
		return true;
	fprintf(stderr, "%s: %s\n", path, story->world->violation_text);
	return false;
}

static void
split(struct words *words, const char *line)
{
	(void)snprintf(words->text, sizeof(words->text), "%s", line);
	words->count = 0;
	for (char *at = words->text; *at != '\0' && words->count < WORDS_MAX;) {
		words->at[words->count++] = at;
		at += strcspn(at, " ");
		while (*at == ' ')
			*at++ = '\0';
	}
}

static uint64_t
number_of(const struct words *words, unsigned index)
{
	return index < words->count ? strtoull(words->at[index], NULL, 10) : 0;
}

/* "n3"; NULL: there is none. */
static struct host *
host_named(const struct story *story, const char *name)
{
	unsigned long number = name[0] == 'n' ? strtoul(name + 1, NULL, 10) : 0;
	if (story->world == NULL || number == 0 || number > story->world->host_count)
		return NULL;
	return &story->world->hosts[number - 1];
}

static struct host *
host_at(const struct story *story, const struct words *words, unsigned index)
{
	return index < words->count ? host_named(story, words->at[index]) : NULL;
}

static uint64_t
after_word(const struct words *words, const char *name, uint64_t otherwise)
{
	for (unsigned i = 0; i + 1 < words->count; i++)
		if (strcmp(words->at[i], name) == 0)
			return strtoull(words->at[i + 1], NULL, 10);
	return otherwise;
}

/* cluster primaries P replicas R timeout MS: one that has been running for a while; its beginning is not told. */
static bool
do_cluster(struct story *story, const struct words *words)
{
	uint64_t primaries = after_word(words, "primaries", 3),
		 replicas = after_word(words, "replicas", 0);
	bool fast = words->count > 0 && strcmp(words->at[words->count - 1], "fast") == 0;
	struct world_options options = {.seed = after_word(words, "seed", 1),
					.hosts = (uint32_t)(primaries + replicas),
					.shards = (uint32_t)primaries,
					.node_timeout_ms = after_word(words, "timeout", 1000),
					.latency_us = LATENCY_US,
					.known = true,
					.fast = fast,
					.steady = true};
	if (story->world != NULL || options.hosts > WORLD_HOSTS_MAX || options.shards == 0)
		return false;
	story->world = world_new(&options);
	if (!setup_create(story->world))
		return false;
	world_run(story->world, (story->world->now_us / MILLION + 5) * MILLION);
	story->world->say = on_line;
	story->world->say_to = story;
	story->world->say_frames = true;
	return true;
}

/* nodes N timeout MS: as many that know nobody. */
static bool
do_alone(struct story *story, const struct words *words)
{
	struct world_options options = {.seed = after_word(words, "seed", 1),
					.hosts = (uint32_t)number_of(words, 1),
					.shards = 1,
					.node_timeout_ms = after_word(words, "timeout", 1000),
					.latency_us = LATENCY_US,
					.steady = true};
	if (story->world != NULL || options.hosts == 0 || options.hosts > WORLD_HOSTS_MAX)
		return false;
	story->world = world_new(&options);
	story->world->say = on_line;
	story->world->say_to = story;
	story->world->say_frames = true;
	setup_boot_all(story->world);
	return true;
}

static bool
do_run(struct story *story, const struct words *words)
{
	if (story->world == NULL)
		return false;
	world_run(story->world, story->world->now_us + number_of(words, 1) * US_PER_MS);
	return true;
}

/* agree MS: until all agree, at most so long. */
static bool
do_agree(struct story *story, const struct words *words)
{
	struct world *w = story->world;
	char text[WORLD_TEXT_MAX];
	if (w == NULL)
		return false;
	if (world_run_until(w, number_of(words, 1) * US_PER_MS, US_PER_SLICE, check_agreed))
		world_say(w, "all agree");
	else
		world_say(w, "not all agree: %s", check_disagreement(w, text));
	return true;
}

static bool
do_kill(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h != NULL)
		host_crash(story->world, h, strcmp(words->at[0], "power-off") == 0);
	return h != NULL;
}

static bool
do_start(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h != NULL)
		host_restart(story->world, h);
	return h != NULL;
}

static bool
do_pause(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h == NULL)
		return false;
	if (strcmp(words->at[0], "stop") == 0)
		host_pause(story->world, h);
	else
		host_resume(story->world, h);
	return true;
}

static bool
do_move(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h == NULL || h->alive)
		return false;
	host_move(h);
	return true;
}

/* cut n1 n2: nothing passes from n1 to n2. */
static bool
do_cut(struct story *story, const struct words *words)
{
	const struct host *from = host_at(story, words, 1), *to = host_at(story, words, 2);
	if (from == NULL || to == NULL)
		return false;
	story->world->cut[(size_t)from->index * story->world->host_count + to->index] = 1;
	return true;
}

/* part n1 n4: nothing passes between these and the others. */
static bool
do_part(struct story *story, const struct words *words)
{
	struct world *w = story->world;
	bool inside[WORLD_HOSTS_MAX] = {false};
	for (unsigned i = 1; i < words->count; i++) {
		const struct host *h = host_at(story, words, i);
		if (h == NULL)
			return false;
		inside[h->index] = true;
	}
	for (uint32_t from = 0; w != NULL && from < w->host_count; from++)
		for (uint32_t to = 0; to < w->host_count; to++)
			if (inside[from] != inside[to])
				w->cut[(size_t)from * w->host_count + to] = 1;
	return w != NULL;
}

static bool
do_heal(struct story *story, const struct words *words)
{
	(void)words;
	struct world *w = story->world;
	if (w != NULL)
		memset(w->cut, 0, (size_t)w->host_count * w->host_count);
	return w != NULL;
}

/* slow-disk n1 MS: every write takes so long; 0: no more. */
static bool
do_slow_disk(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h == NULL)
		return false;
	h->disk.slow_us = number_of(words, 2) * US_PER_MS;
	h->disk.slow_until_us = h->disk.slow_us > 0 ? UINT64_MAX : 0;
	return true;
}

/* crash-after n1 K: it ends when it is about to do its K-th effect from now. */
static bool
do_crash_after(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h != NULL)
		h->crash_after = number_of(words, 2);
	return h != NULL;
}

/* repl-cut n1 / repl-heal n1: its replication stream stands still, the bus does not. */
static bool
do_repl(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h != NULL)
		h->repl_cut = strcmp(words->at[0], "repl-cut") == 0;
	return h != NULL;
}

/* data-stop n1 / data-go n1: one of its data lcores stands still, as its watchdog says. */
static bool
do_data(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h != NULL)
		h->data_dead = strcmp(words->at[0], "data-stop") == 0;
	return h != NULL;
}

/* writes n1 N: so many bytes of writes per second while it is a primary. */
static bool
do_writes(struct story *story, const struct words *words)
{
	struct host *h = host_at(story, words, 1);
	if (h == NULL)
		return false;
	repl_update(story->world, h);
	h->repl.rate = number_of(words, 2);
	return true;
}

/* twice PERCENT: so many frames arrive twice. */
static bool
do_twice(struct story *story, const struct words *words)
{
	if (story->world == NULL)
		return false;
	story->world->duplicate_per_million = (uint32_t)(number_of(words, 1) * MILLION / 100);
	return true;
}

/* "$n3" stands for its id, "@n3" for its address and port. */
static bool
expand(const struct story *story, const char *line, char *text)
{
	size_t len = 0;
	while (*line != '\0' && len + 64 < WORLD_TEXT_MAX) {
		if (*line != '$' && *line != '@') {
			text[len++] = *line++;
			continue;
		}
		const struct host *h = host_named(story, line + 1);
		if (h == NULL)
			return false;
		len += (size_t)(*line == '$'
					? snprintf(text + len, 64, "%.40s",
						   (const char *)h->id.bytes)
					: snprintf(text + len, 64, "%s %u", h->ip, WORLD_PORT));
		line += strcspn(line, " ");
	}
	text[len] = '\0';
	return true;
}

/* n3 CLUSTER ...: a command to a node. */
static bool
do_tell(struct story *story, const char *line)
{
	struct host *h = host_named(story, line);
	char text[WORLD_TEXT_MAX];
	const char *command = strchr(line, ' ');
	return h != NULL && command != NULL && expand(story, command + 1, text) &&
	       host_command(story->world, h, text);
}

static void
say_slots(const struct slot_bitmap *slots, char *text, size_t size)
{
	size_t len = 0;
	text[0] = '\0';
	for (unsigned slot = 0; slot < SLOT_COUNT && len + 16 < size; slot++) {
		if (!slot_bitmap_has(slots, slot))
			continue;
		unsigned last = slot;
		while (last + 1 < SLOT_COUNT && slot_bitmap_has(slots, last + 1))
			last++;
		len += (size_t)snprintf(text + len, size - len, last > slot ? " %u-%u" : " %u",
					slot, last);
		slot = last;
	}
}

static void
say_node(struct story *story, const struct cluster *c, uint32_t index)
{
	struct world *w = story->world;
	const struct node *node = &c->nodes[index];
	char name[16], primary[16] = "", slots[WORLD_TEXT_MAX / 2];
	say_slots(&node->slots, slots, sizeof(slots));
	if (node->primary != NODE_NONE)
		(void)world_name(w, &c->nodes[node->primary].id, primary);
	world_say(w, "  %s %s%s epoch %llu%s%s%s", world_name(w, &node->id, name),
		  node_is_primary(node) ? "primary" : "replica of ", primary,
		  (unsigned long long)node->config_epoch,
		  (node->flags & NODE_FAIL) != 0 ? " FAIL" : "",
		  (node->flags & NODE_PFAIL) != 0 ? " PFAIL" : "", slots);
}

/* view n3: what it knows of everybody, itself first. */
static bool
do_view(struct story *story, const struct words *words)
{
	const struct host *h = host_at(story, words, 1);
	if (h == NULL || !h->alive)
		return false;
	const struct cluster *c = h->cluster;
	world_say(story->world, "n%u: %s, epoch %llu, last vote %llu", h->index + 1,
		  c->health.ok ? "ok" : "fail", (unsigned long long)c->live.current_epoch,
		  (unsigned long long)c->live.last_vote_epoch);
	for (uint32_t i = 0; i < c->high; i++)
		if (c->nodes[i].in_use)
			say_node(story, c, i);
	return true;
}

/* roles: everybody about itself. */
static bool
do_roles(struct story *story, const struct words *words)
{
	(void)words;
	if (story->world == NULL)
		return false;
	for (uint32_t i = 0; i < story->world->host_count; i++) {
		const struct host *h = &story->world->hosts[i];
		if (h->alive)
			say_node(story, h->cluster, 0);
		else
			world_say(story->world, "  n%u is down", i + 1);
	}
	return true;
}

/* set DIRECTIVE VALUE: on every node. */
static bool
do_set(struct story *story, const struct words *words)
{
	struct world *w = story->world;
	if (w == NULL || words->count != 3)
		return false;
	for (uint32_t i = 0; i < w->host_count; i++) {
		struct cluster_config *config = cluster_config(w->hosts[i].cluster);
		uint32_t value = (uint32_t)number_of(words, 2);
		if (strcmp(words->at[1], "cluster-migration-barrier") == 0)
			config->migration_barrier = value;
		else if (strcmp(words->at[1], "cluster-replica-validity-factor") == 0)
			config->replica_validity_factor = value;
		else if (strcmp(words->at[1], "repl-ping-replica-period") == 0)
			config->repl_ping_period_s = value;
		else if (strcmp(words->at[1], "cluster-allow-replica-migration") == 0)
			config->allow_replica_migration = value != 0;
		else
			return false;
		w->hosts[i].config = *config;
	}
	return true;
}

static const struct verb {
	const char *name;
	bool (*act)(struct story *story, const struct words *words);
} verbs[] = {
	{"cluster",     do_cluster    },
	{"alone",       do_alone      },
	{"run",         do_run        },
	{"agree",       do_agree      },
	{"kill",        do_kill       },
	{"power-off",   do_kill       },
	{"start",       do_start      },
	{"stop",        do_pause      },
	{"continue",    do_pause      },
	{"move",        do_move       },
	{"cut",         do_cut        },
	{"part",        do_part       },
	{"heal",        do_heal       },
	{"slow-disk",   do_slow_disk  },
	{"crash-after", do_crash_after},
	{"repl-cut",    do_repl       },
	{"repl-heal",   do_repl       },
	{"data-stop",   do_data       },
	{"data-go",     do_data       },
	{"writes",      do_writes     },
	{"twice",       do_twice      },
	{"set",         do_set        },
	{"view",        do_view       },
	{"roles",       do_roles      },
};

bool
story_command(struct story *story, const char *line)
{
	struct words words;
	split(&words, line);
	for (unsigned i = 0; words.count > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, words.at[0]) == 0)
			return verbs[i].act(story, &words);
	return do_tell(story, line);
}
