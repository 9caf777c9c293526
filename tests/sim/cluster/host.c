/* tests/sim/cluster/host.c - one process: steps its node, carries out the effects in order (cluster.h C2), and can end between
 * any two of them. It stands where the control lcore stands in the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/nodes_file.h"
#include "proto/base/assert.h"
#include "proto/resp/writer.h"
#include "tests/sim/cluster/check.h"
#include "tests/sim/cluster/say.h"
#include "tests/sim/cluster/world.h"

#define CLOCK_MS_SPREAD 1000000u
#define UNIX_MS         1700000000000ull
#define RATE_MAX        100000u
#define RATE_STEADY     1000u
#define ARGUMENTS_MAX   64
#define CHECK_HOSTS_MAX 100 /* beyond, every invariant is looked at only now and then */
#define CHECK_CHANGES   8
#define CHECK_EVERY     256
#define CHECK_RARELY    4096
#define DIGEST_PRIME    0x100000001b3ull

static void
host_address(struct host *h)
{
	(void)snprintf(h->ip, sizeof(h->ip), "10.%u.%u.%u", h->address, (h->index + 1) >> 8,
		       (h->index + 1) & 255);
}

void
host_init(struct world *w, uint32_t index)
{
	struct host *h = &w->hosts[index];
	h->index = index;
	h->address = 1;
	host_address(h);
	h->clock_ms = 1000 + (w->options.steady ? index * 1000ull
						: prng_below(&w->disk_prng, CLOCK_MS_SPREAD));
	h->unix_skew_ms = UNIX_MS;
	h->next_accepted = 1;
	h->held_tail = &h->held;
	h->repl.primary = HOST_NONE;
	h->repl.rate = w->options.steady ? RATE_STEADY : prng_below(&w->disk_prng, RATE_MAX);
	h->cluster = aligned_alloc(64, (cluster_size(w->known_max) + 63) / 64 * 64);
	ASSERT(h->cluster != NULL);
	net_init_host(h);
	uint64_t timeout_ms = w->options.node_timeout_ms;
	h->config = (struct cluster_config){.node_timeout_ms = timeout_ms,
					    .replica_validity_factor = 10,
					    .repl_ping_period_s = 10,
					    .migration_barrier = 1,
					    .manual_failover_timeout_ms = 5000,
					    .blacklist_ttl_s = 60,
					    .allow_replica_migration = true,
					    .require_full_coverage = true,
					    .allow_pubsub_when_down = true,
					    .port = WORLD_PORT,
					    .cport = WORLD_CPORT};
	if (w->options.fast) {
		h->config.fast_suspicion = h->config.fast_election = h->config.self_fencing = true;
		h->config.ping_interval_ms = (uint32_t)(timeout_ms / 5);
	}
}

void
host_free(struct world *w, struct host *h)
{
	(void)w;
	while (h->held != NULL) {
		struct held *next = h->held->next;
		frame_drop(h->held->frame);
		free(h->held);
		h->held = next;
	}
	disk_free(&h->disk);
	free(h->deferred);
	free(h->cluster);
}

uint64_t
host_now_ms(const struct world *w, const struct host *h)
{
	return h->clock_ms + w->now_us / US_PER_MS;
}

static struct cluster_facts
host_facts(struct world *w, struct host *h)
{
	repl_update(w, h);
	uint64_t now_ms = host_now_ms(w, h), age_ms = repl_age_ms(w, h);
	const struct node *myself = &h->cluster->nodes[0];
	return (struct cluster_facts){
		.now_ms = now_ms,
		.unix_ms = w->now_us / US_PER_MS + h->unix_skew_ms,
		.offset = h->repl.primary == HOST_NONE || h->repl.synced ? h->repl.offset : 0,
		.primary_link_up = h->repl.up,
		.primary_link_ms = now_ms - age_ms,
		.data_alive = !h->data_dead,
		.writes_paused = now_ms<h->repl.pause_until_ms, .slot_keys = myself->slot_count> 0
					 ? w->keys
					 : NULL};
}

static void
host_digest(struct world *w, uint64_t value)
{
	w->digest = (w->digest ^ value) * DIGEST_PRIME;
}

static void
host_release(struct world *w, struct host *h, const struct bus_head *head,
	     const struct effect *effect, struct frame *frame)
{
	check_send(w, h, head, effect->after, net_peer(w, h, effect->link));
	say_send(w, h, head, effect);
	host_digest(w,
		    w->now_us ^ (uint64_t)frame->len << 32 ^ h->index ^ head->current_epoch << 8);
	(void)net_send(w, h, effect->link, frame);
}

static struct frame *
host_encode(const struct bus_msg *msg)
{
	size_t len = bus_encoded_len(msg);
	ASSERT(len <= BUS_FRAME_MAX);
	struct frame *frame = frame_new((uint32_t)len);
	bus_encode(msg, frame->bytes);
	return frame;
}

static void
host_hold(struct host *h, const struct effect *effect)
{
	struct held *held = calloc(1, sizeof(*held));
	ASSERT(held != NULL);
	held->effect = *effect;
	if (effect->kind == EFFECT_SEND) {
		held->frame = host_encode(effect->msg);
		held->head = effect->msg->head;
	}
	held->effect.msg = NULL;
	*h->held_tail = held;
	h->held_tail = &held->next;
}

static void
host_connect(struct world *w, struct host *h, const struct effect *effect)
{
	const struct node *node = &h->cluster->nodes[effect->node];
	ASSERT((effect->link & 1) == 0 && effect->link != 0);
	if (!net_connect(w, h, effect->link, node->ip, node->cport)) {
		/* Nobody is there: as a connection that the network refuses, one turn later. */
		world_push(w, (struct event){.due_us = w->now_us + US_PER_MS,
					     .kind = EVENT_REFUSED,
					     .host = h->index,
					     .life = h->life,
					     .number = effect->link});
	}
}

static void
host_trace(struct world *w, struct host *h, const struct effect *effect)
{
	w->counts.traced[effect->trace]++;
	if (effect->number < WORLD_ROLES_MAX)
		w->counts.reasons[effect->trace][effect->number]++;
	host_digest(w, w->now_us ^ (uint64_t)effect->trace << 40 ^ (uint64_t)h->index << 32 ^
			       effect->number);
	check_trace(w, h, effect);
	say_trace(w, h, effect);
}

static void
host_do(struct world *w, struct host *h, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_PERSIST:
		disk_persist(w, h, effect->number);
		break;
	case EFFECT_CONNECT:
		host_connect(w, h, effect);
		break;
	case EFFECT_CLOSE:
		net_close(w, h, effect->link);
		break;
	case EFFECT_SEND:
		host_release(w, h, &effect->msg->head, effect, host_encode(effect->msg));
		break;
	case EFFECT_ROLE:
		repl_follow(w, h,
			    effect->node == NODE_NONE ? NULL : &h->cluster->nodes[effect->node].id);
		break;
	case EFFECT_PAUSE_WRITES:
		repl_update(w, h);
		h->repl.pause_until_ms = effect->number;
		break;
	case EFFECT_TRACE:
		host_trace(w, h, effect);
		break;
	case EFFECT_SLOTS:
	case EFFECT_NEW_HISTORY:
	case EFFECT_DROP_SLOT:
	case EFFECT_DROP_ALL:
		say_effect(w, h, effect);
		break;
	}
}

static bool
host_crashes(struct world *w, struct host *h, const char *where)
{
	if (h->crash_after == 0 || --h->crash_after > 0)
		return false;
	say(w, h, "crashes %s", where);
	host_crash(w, h, false);
	return true;
}

/* False: the process has ended on the way. */
static bool
host_run(struct world *w, struct host *h, const struct effects *out)
{
	for (unsigned i = 0; i < out->count; i++) {
		const struct effect *effect = &out->list[i];
		if (effect->kind != EFFECT_TRACE && host_crashes(w, h, "between two effects"))
			return false;
		/* A trace is no act: what has been decided has been decided, whether it waits for the disk or not. */
		if (effect->after > h->disk.done_number && effect->kind != EFFECT_TRACE)
			host_hold(h, effect);
		else
			host_do(w, h, effect);
		if (w->violation != VIOLATION_NONE)
			return false;
	}
	return true;
}

/* Did the step change what nodes.conf or the data lcores know, or only talk? */
static bool
is_notable(const struct effects *out)
{
	for (unsigned i = 0; i < out->count; i++)
		if (out->list[i].kind == EFFECT_PERSIST || out->list[i].kind == EFFECT_SLOTS)
			return true;
	return false;
}

/* Looking at every invariant costs more than all else: after a change at some changes, drawn by their number, otherwise rarely. */
static void
host_check(struct world *w, const struct host *h, bool notable)
{
	check_stepped(w, h);
	uint64_t every = w->host_count > CHECK_HOSTS_MAX ? CHECK_RARELY
			 : notable                       ? CHECK_CHANGES
							 : CHECK_EVERY;
	if (w->counts.steps % every == 0)
		cluster_check(h->cluster);
}

/* After a step or command: effects, then the next tick. */
static void
host_after(struct world *w, struct host *h)
{
	w->counts.steps++;
	h->id = h->cluster->nodes[0].id;
	bool notable = is_notable(w->effects);
	if (!host_run(w, h, w->effects))
		return;
	host_check(w, h, notable);
	uint64_t next_ms = cluster_next_at(h->cluster), now_ms = host_now_ms(w, h);
	if (next_ms <= now_ms)
		next_ms = now_ms + 1;
	uint64_t due_us = (next_ms - h->clock_ms) * US_PER_MS;
	if (h->tick_us == due_us)
		return;
	h->tick_us = due_us;
	world_push(w, (struct event){.due_us = due_us,
				     .kind = EVENT_TICK,
				     .host = h->index,
				     .life = h->life,
				     .number = ++h->tick_number});
}

void
host_event(struct world *w, struct host *h, const struct cluster_event *event)
{
	ASSERT(h->alive && w->stepping == 0);
	struct cluster_event next = *event;
	for (;;) {
		struct cluster_facts facts = host_facts(w, h);
		w->stepping = 1;
		cluster_step(h->cluster, &next, &facts, w->effects);
		w->stepping = 0;
		bool more = w->effects->more;
		host_after(w, h);
		if (!more || !h->alive || w->violation != VIOLATION_NONE)
			return;
		next = (struct cluster_event){.kind = CLUSTER_TICK};
	}
}

void
host_tick(struct world *w, struct host *h, uint64_t number)
{
	if (number != h->tick_number)
		return;
	h->tick_us = 0;
	host_event(w, h, &(struct cluster_event){.kind = CLUSTER_TICK});
}

/* State number is on disk: what waited for it goes out in its order, then the node hears of it. */
void
host_persisted(struct world *w, struct host *h, uint64_t number)
{
	struct held **at = &h->held;
	while (*at != NULL) {
		struct held *held = *at;
		if (host_crashes(w, h, "between two effects that waited for its disk"))
			return;
		if (held->effect.after > number) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		if (*at == NULL)
			h->held_tail = at;
		if (held->effect.kind == EFFECT_SEND)
			host_release(w, h, &held->head, &held->effect, held->frame);
		else
			host_do(w, h, &held->effect);
		free(held);
		if (w->violation != VIOLATION_NONE)
			return;
	}
	struct cluster_event event = {.kind = CLUSTER_PERSISTED, .number = number};
	host_event(w, h, &event);
}

static void
host_load(struct world *w, struct host *h)
{
	uint32_t line = 0;
	struct span text = {(const uint8_t *)h->disk.text, h->disk.len};
	enum nodes_file_status status = nodes_file_read(h->cluster, text, &line);
	if (status != NODES_FILE_OK)
		world_violate(w, VIOLATION_SAFETY,
			      "disk: n%u cannot read its nodes.conf, line %u: %s", h->index + 1,
			      line, nodes_file_status_text(status));
}

/* A new node's first text is written before it opens its port. */
static void
host_first_text(struct world *w, struct host *h)
{
	char first[4096];
	struct cluster_facts facts = {.now_ms = host_now_ms(w, h), .data_alive = true};
	size_t len = nodes_file_write(h->cluster, &facts, first, sizeof(first));
	ASSERT(len <= sizeof(first));
	h->disk.text = malloc(len);
	ASSERT(h->disk.text != NULL);
	memcpy(h->disk.text, first, len);
	h->disk.len = len;
	h->disk.facts = disk_parse(h->disk.text, len);
}

void
host_boot(struct world *w, struct host *h)
{
	ASSERT(!h->alive);
	h->alive = true;
	h->paused = h->machine_down = h->restarting = false;
	h->life++;
	h->crash_after = 0;
	h->tick_us = 0;
	cluster_format(h->cluster, w->known_max, &h->config, prng_next(&w->disk_prng),
		       host_now_ms(w, h));
	if (h->disk.text != NULL)
		host_load(w, h);
	else
		host_first_text(w, h);
	h->id = h->cluster->nodes[0].id;
	repl_forget(w, h);
	uint32_t primary = h->cluster->nodes[0].primary;
	if (primary != NODE_NONE)
		repl_follow(w, h, &h->cluster->nodes[primary].id);
	check_boot(w, h);
	host_event(w, h, &(struct cluster_event){.kind = CLUSTER_TICK});
}

void
host_crash(struct world *w, struct host *h, bool power)
{
	if (!h->alive)
		return;
	say(w, h, power ? "loses power" : "is killed");
	w->counts.crashes++;
	h->alive = false;
	h->data_dead = false;
	if (h->paused)
		host_resume(w, h);
	net_drop_all(w, h, power);
	h->machine_down = power;
	disk_crash(w, h);
	while (h->held != NULL) {
		struct held *next = h->held->next;
		frame_drop(h->held->frame);
		free(h->held);
		h->held = next;
	}
	h->held_tail = &h->held;
}

void
host_restart(struct world *w, struct host *h)
{
	if (h->alive)
		return;
	say(w, h, "starts");
	host_boot(w, h);
}

void
host_pause(struct world *w, struct host *h)
{
	(void)w;
	if (!h->alive || h->paused)
		return;
	say(w, h, "stands still");
	h->paused = true;
}

void
host_resume(struct world *w, struct host *h)
{
	if (!h->paused)
		return;
	say(w, h, "goes on");
	h->paused = false;
	for (unsigned i = 0; i < h->deferred_count; i++) {
		h->deferred[i].due_us = w->now_us;
		world_push(w, h->deferred[i]);
	}
	h->deferred_count = 0;
}

void
host_move(struct host *h)
{
	ASSERT(!h->alive);
	h->address++;
	host_address(h);
}

static bool
reply_room(struct resp_writer *writer, size_t need)
{
	/* The writer's end never moves: the whole reply fits or is refused. */
	return (size_t)(writer->end - writer->at) >= need;
}

static uint32_t
split(const char *text, struct span *argv)
{
	uint32_t argc = 0;
	while (*text != '\0' && argc < ARGUMENTS_MAX) {
		size_t len = strcspn(text, " ");
		if (len > 0)
			argv[argc++] = (struct span){(const uint8_t *)text, len};
		text += len + strspn(text + len, " ");
	}
	return argc;
}

bool
host_command(struct world *w, struct host *h, const char *text)
{
	static const struct resp_sink sink = {.room = reply_room};
	if (!host_running(h))
		return false;
	struct span argv[ARGUMENTS_MAX];
	uint32_t argc = split(text, argv);
	struct resp_writer writer = {
		.at = w->reply, .end = w->reply + WORLD_REPLY_MAX, .sink = &sink, .protocol = 2};
	struct cluster_facts facts = host_facts(w, h);
	say(w, h, "is told %s", text);
	w->stepping = 1;
	cluster_command(h->cluster, argv, argc, &facts, &writer, w->effects);
	w->stepping = 0;
	w->reply_len = (size_t)(writer.at - w->reply);
	if (w->reply_len > 0 && w->reply[0] == '-')
		say(w, h, "refuses: %.*s", (int)(w->reply_len - 3), (const char *)w->reply + 1);
	host_after(w, h);
	return true;
}

bool
host_replied_ok(const struct world *w)
{
	return w->reply_len > 0 && w->reply[0] != '-';
}
