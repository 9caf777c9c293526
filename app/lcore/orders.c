/* app/lcore/orders.c - lists of what waits: parcels for counts or the disk, mails for room. */
#include "app/lcore/orders.h"

#include <arpa/inet.h>
#include <string.h>

#include "app/cmd/command.h"
#include "app/control/cluster_node.h"
#include "app/lcore/data.h"
#include "proto/base/assert.h"

/* ---- mail ---- */

static void
post(struct orders *o, unsigned to, enum mail_kind kind, uint64_t a, uint64_t b)
{
	if (STAILQ_EMPTY(&o->letters) && mail_send(o->office, 0, to, kind, a, b))
		return;
	struct letter *letter = o->allocator.alloc(&o->allocator, sizeof(*letter));
	ASSERT(letter != NULL);
	*letter = (struct letter){
		.to = to, .mail = {.kind = kind, .a = a, .b = b}
        };
	STAILQ_INSERT_TAIL(&o->letters, letter, next);
}

static void
post_all(struct orders *o, enum mail_kind kind, uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < o->data_count; i++)
		post(o, i + 1, kind, a, b);
}

static void
post_waiting(struct orders *o)
{
	struct letter *letter;
	while ((letter = STAILQ_FIRST(&o->letters)) != NULL) {
		const struct mail *m = &letter->mail;
		if (!mail_send(o->office, 0, letter->to, (enum mail_kind)m->kind, m->a, m->b))
			return;
		STAILQ_REMOVE_HEAD(&o->letters, next);
		o->allocator.release(&o->allocator, letter, sizeof(*letter));
	}
}

/* ---- hooks of the cluster node ---- */

static void
hook_fence(void *owner, uint64_t number)
{
	post_all(owner, MAIL_FENCE, number, 0);
}

/* Who replicates is the first data lcore. */
static void
hook_role(void *owner, const struct cluster_role *role)
{
	struct in_addr in = {0};
	if (!role->replica)
		post(owner, 1, MAIL_ROLE, 0, 0);
	else if (inet_pton(AF_INET, role->ip, &in) == 1)
		post(owner, 1, MAIL_ROLE, ntohl(in.s_addr), role->port);
	else
		post(owner, 1, MAIL_ROLE, 0, 1);
}

static void
hook_drop_slots(void *owner, const struct slot_bitmap *slots)
{
	struct orders *o = owner;
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
		if (slot_bitmap_has(slots, slot))
			post(o, slot % o->data_count + 1, MAIL_DROP_SLOT, slot, 0);
}

static void
hook_new_history(void *owner)
{
	post(owner, 1, MAIL_NEW_HISTORY, 0, 0);
}

static void
hook_pause(void *owner, uint64_t until_ms)
{
	struct orders *o = owner;
	uint64_t before = atomic_load_explicit(&o->facts->paused_until_us, memory_order_relaxed);
	uint64_t until_us = until_ms * 1000;
	if (until_ms == 0) {
		post(o, 1, MAIL_RESUME, before, 0);
		return;
	}
	until_us +=
		until_us == before; /* told apart from the one before, whose end may be under way */
	atomic_store_explicit(&o->facts->paused_until_us, until_us, memory_order_release);
}

static void
hook_drop_all(void *owner)
{
	post_all(owner, MAIL_DROP_ALL, 0, 0);
}

/* A lcore that sleeps is woken when half of the time has passed: whoever does not turn then is stuck, whatever it was doing. */
static bool
hook_data_alive(void *owner, uint64_t now_ms)
{
	struct orders *o = owner;
	bool alive = true;
	for (unsigned i = 0; i < o->data_count; i++) {
		const struct data_lcore *d = o->data[i];
		uint64_t turns = data_counter(&d->counters.turns);
		uint64_t timeout_ms = server_config(d->server)->cluster_node_timeout_ms;
		if (turns != o->watched_turns[i] || o->watched_ms[i] == 0) {
			o->watched_turns[i] = turns;
			o->watched_ms[i] = now_ms;
		}
		if (now_ms - o->watched_ms[i] > timeout_ms / 2)
			idle_wake(d->idle);
		alive = alive && now_ms - o->watched_ms[i] <= timeout_ms;
	}
	return alive;
}

static uint64_t
hook_stream_end(void *owner)
{
	const struct orders *o = owner;
	return stream_end(&o->repl->stream);
}

struct cluster_hooks
orders_hooks(struct orders *orders)
{
	return (struct cluster_hooks){
		.owner = orders,
		.fence = hook_fence,
		.role = hook_role,
		.new_history = hook_new_history,
		.pause = hook_pause,
		.drop_slots = hook_drop_slots,
		.drop_all = hook_drop_all,
		.data_alive = hook_data_alive,
		.stream_end = hook_stream_end,
	};
}

/* ---- CLUSTER commands ---- */

/* What call_execute() does around a command, for those that have no server here. */
static uint64_t
run_call(struct orders *o, struct parcel *p, const struct call *call)
{
	struct session *session = call->session;
	struct resp_writer bin = {.sink = &call_nowhere, .protocol = session->protocol};
	session->commands++;
	session->last_command = call->command;
	if (session->flags & SESSION_REPLY_SKIP_NEXT) {
		session->flags &= ~(uint32_t)SESSION_REPLY_SKIP_NEXT;
		session->flags |= SESSION_REPLY_SKIP;
	}
	bool silent = (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
	const uint32_t *keys = o->counts_known ? o->slot_keys : NULL;
	uint64_t after = cluster_node_command(o->cluster, call->argv, call->argc, keys,
					      silent ? &bin : &p->writer);
	session->flags &= ~(uint32_t)(SESSION_REPLY_SKIP | SESSION_ASKING);
	o->counts_known = false;
	return after;
}

static void
ask_counts(struct orders *o)
{
	o->counting = true;
	o->counts_missing = o->data_count;
	post_all(o, MAIL_COUNT_KEYS, (uintptr_t)o->slot_keys, 0);
}

/* False: it waits for counts. */
static bool
run_order(struct orders *o, struct order *order)
{
	struct parcel *p = order->parcel;
	while (order->done < p->count && !p->writer.failed) {
		const struct call *call = &p->calls[order->done];
		if (!o->counts_known && cluster_node_wants_keys(call->argv, call->argc)) {
			ask_counts(o);
			return false;
		}
		uint64_t after = run_call(o, p, call);
		order->after = after > order->after ? after : order->after;
		order->done++;
	}
	parcel_close(p);
	return true;
}

static void
run_waiting(struct orders *o)
{
	struct order *order;
	while (!o->counting && (order = STAILQ_FIRST(&o->waiting)) != NULL) {
		if (!run_order(o, order))
			return;
		STAILQ_REMOVE_HEAD(&o->waiting, next);
		STAILQ_INSERT_TAIL(&o->settling, order, next);
	}
}

/* Those that still wait keep their order. */
static void
reply_settled(struct orders *o)
{
	uint64_t durable = cluster_node_durable(o->cluster);
	struct order_list all = STAILQ_HEAD_INITIALIZER(all);
	struct order *order;
	STAILQ_CONCAT(&all, &o->settling);
	while ((order = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, next);
		if (order->after > durable) {
			STAILQ_INSERT_TAIL(&o->settling, order, next);
			continue;
		}
		struct parcel *p = order->parcel;
		p->to = p->home;
		post(o, p->home, MAIL_REPLIES, (uintptr_t)p, 0);
		o->allocator.release(&o->allocator, order, sizeof(*order));
	}
}

static void
take_parcel(struct orders *o, struct parcel *p)
{
	struct order *order = o->allocator.alloc(&o->allocator, sizeof(*order));
	ASSERT(order != NULL);
	*order = (struct order){.parcel = p};
	parcel_open(p, 0, &o->allocator);
	STAILQ_INSERT_TAIL(&o->waiting, order, next);
}

/* ---- the interface ---- */

static void
take_fenced(struct orders *o, const struct mail *mail)
{
	uint64_t all = UINT64_MAX;
	o->fence_seen[mail->from - 1] = mail->a;
	for (unsigned i = 0; i < o->data_count; i++)
		all = o->fence_seen[i] < all ? o->fence_seen[i] : all;
	cluster_node_fenced(o->cluster, all);
}

bool
orders_mail(struct orders *orders, const struct mail *mail)
{
	void *object = (void *)(uintptr_t)mail->a;
	if (mail->kind == MAIL_CALLS) {
		take_parcel(orders, object);
	} else if (mail->kind == MAIL_PART_DONE) {
		parcel_part_free(object);
	} else if (mail->kind == MAIL_FENCED) {
		take_fenced(orders, mail);
	} else if (mail->kind == MAIL_COUNTED) {
		if (--orders->counts_missing > 0)
			return true;
		orders->counting = false;
		orders->counts_known = true;
	} else {
		return false;
	}
	return true;
}

void
orders_turn(struct orders *orders)
{
	post_waiting(orders);
	run_waiting(orders);
	reply_settled(orders);
}

bool
orders_waiting(const struct orders *orders)
{
	return !STAILQ_EMPTY(&orders->letters);
}

void
orders_init(struct orders *orders, struct post_office *office, struct data_lcore *const *data,
	    unsigned data_count)
{
	memset(orders, 0, sizeof(*orders));
	orders->office = office;
	orders->data = data;
	orders->data_count = data_count;
	allocator_init_libc(&orders->allocator);
	STAILQ_INIT(&orders->waiting);
	STAILQ_INIT(&orders->settling);
	STAILQ_INIT(&orders->letters);
}

void
orders_close(struct orders *orders)
{
	struct letter *letter;
	struct order *order;
	STAILQ_CONCAT(&orders->waiting, &orders->settling);
	while ((order = STAILQ_FIRST(&orders->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&orders->waiting, next);
		orders->allocator.release(&orders->allocator, order, sizeof(*order));
	}
	while ((letter = STAILQ_FIRST(&orders->letters)) != NULL) {
		STAILQ_REMOVE_HEAD(&orders->letters, next);
		orders->allocator.release(&orders->allocator, letter, sizeof(*letter));
	}
}
