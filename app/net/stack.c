/* app/net/stack.c - life of a stack and of its connections: tables, lists, timers, TIME-WAIT.
 *
 * A connection is in at most one list of each kind: ready (news for the user) and dirty (tcp_output() is to be asked). Its timer node is moved
 * lazily: an acknowledgement that moves a deadline back leaves the node where it is, and the node moves when the old slot
 * fires (spec 5.4). So the wheel costs nothing per segment.
 */
#include <rte_errno.h>
#include <rte_malloc.h>

#include "app/net/chunk.h"
#include "app/net/stack_internal.h"
#include "proto/base/assert.h"
#include "proto/inet/isn.h"

#define PORT_FIRST 32768u /* RFC 6056 leaves the range to us; as Linux's ip_local_port_range */

/* Keyed by multiplication into 128 bits (folded): an outsider cannot choose colliding tuples, and a lookup spends five
 * cycles on it. Rejected: CRC32C, whose collisions do not depend on the key; siphash, four times the cost. */
uint32_t
flow_hash(const struct stack *stack, const struct flow_key *key)
{
	uint64_t addresses, ports;
	memcpy(&addresses, key, sizeof(addresses));
	ports = (uint64_t)key->remote_port << 16 | key->local_port;
	unsigned __int128 product = (unsigned __int128)(addresses ^ stack->config.secret[0]) *
				    ((ports * 0x9e3779b97f4a7c15ull) ^ stack->config.secret[1]);
	return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

static struct rte_hash *
flows_create(const char *name, const struct stack_config *config)
{
	struct rte_hash_parameters parameters = {
		.name = name,
		.entries = config->conn_max + config->time_wait_max + 64,
		.key_len = sizeof(struct flow_key),
		.socket_id = config->socket_id,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	return rte_hash_create(&parameters);
}

struct stack *
stack_create(const char *name, const struct stack_config *config)
{
	struct stack *stack =
		rte_zmalloc_socket("stack", sizeof(*stack), RTE_CACHE_LINE_SIZE, config->socket_id);
	if (stack == NULL)
		return NULL;
	stack->config = *config;
	if (config->half_open_max == 0)
		stack->config.half_open_max = config->conn_max / 4;
	stack->flows = flows_create(name, config);
	stack->conns = rte_zmalloc_socket("conns", sizeof(struct conn) * config->conn_max,
					  RTE_CACHE_LINE_SIZE, config->socket_id);
	stack->time_waits =
		rte_zmalloc_socket("time_waits", sizeof(struct time_wait) * config->time_wait_max,
				   RTE_CACHE_LINE_SIZE, config->socket_id);
	uint32_t sides = config->conn_max / STACK_SIDES_SHARE + STACK_SIDES_MIN;
	stack->side_memory = rte_malloc_socket("tcp_sides", sizeof(struct tcp_side) * sides,
					       RTE_CACHE_LINE_SIZE, config->socket_id);
	if (stack->flows == NULL || stack->conns == NULL || stack->time_waits == NULL ||
	    stack->side_memory == NULL) {
		stack_destroy(stack);
		rte_errno = ENOMEM;
		return NULL;
	}
	tcp_side_pool_init(&stack->sides, stack->side_memory, sides);
	stack->config.tcp.sides = &stack->sides;
	TAILQ_INIT(&stack->ready);
	STAILQ_INIT(&stack->dirty);
	STAILQ_INIT(&stack->free);
	for (uint32_t i = 0; i < config->conn_max; i++)
		STAILQ_INSERT_TAIL(&stack->free, &stack->conns[i], dirty_link);
	wheel_init(&stack->wheel, 0);
	prng_seed(&stack->prng, config->seed);
	arp_cache_init(&stack->arp, config->host.mac.bytes, config->host.address);
	return stack;
}

void
stack_destroy(struct stack *stack)
{
	for (uint32_t i = 0; stack->conns != NULL && i < stack->config.conn_max; i++)
		if (stack->conns[i].flags & CONN_IN_USE)
			conn_drop_queues(&stack->conns[i]);
	while (stack->control_count > 0) {
		rte_pktmbuf_free(stack->control[stack->control_first]);
		stack->control_first = (stack->control_first + 1) % STACK_CONTROL_MAX;
		stack->control_count--;
	}
	neighbour_drop_all(stack);
	rte_hash_free(stack->flows);
	rte_free(stack->conns);
	rte_free(stack->time_waits);
	rte_free(stack->side_memory);
	rte_free(stack);
}

/* ---- listeners ---- */

static struct listener *
listener_find(struct stack *stack, uint16_t port)
{
	for (unsigned i = 0; i < STACK_LISTENERS_MAX; i++)
		if (stack->listeners[i].port == port)
			return &stack->listeners[i];
	return NULL;
}

bool
stack_listen(struct stack *stack, uint16_t port, void *user)
{
	if (port == 0 || listener_find(stack, port) != NULL)
		return false;
	struct listener *l = listener_find(stack, 0);
	if (l == NULL)
		return false;
	*l = (struct listener){.port = port, .user = user};
	return true;
}

void
stack_unlisten(struct stack *stack, uint16_t port)
{
	struct listener *l = port != 0 ? listener_find(stack, port) : NULL;
	if (l != NULL)
		l->port = 0;
}

/* ---- lists ---- */

void
stack_conn_ready(struct conn *conn, uint8_t events)
{
	if (conn->flags & CONN_RELEASED)
		return;
	conn->head.events |= events;
	if (conn->flags & CONN_ON_READY)
		return;
	conn->flags |= CONN_ON_READY;
	TAILQ_INSERT_TAIL(&conn->stack->ready, conn, ready_link);
}

void
stack_conn_dirty(struct conn *conn)
{
	if (conn->flags & (CONN_ON_DIRTY | CONN_ENDED))
		return;
	conn->flags |= CONN_ON_DIRTY;
	STAILQ_INSERT_TAIL(&conn->stack->dirty, conn, dirty_link);
}

struct conn *
stack_next_ready(struct stack *stack)
{
	struct conn *conn = TAILQ_FIRST(&stack->ready);
	if (conn == NULL)
		return NULL;
	TAILQ_REMOVE(&stack->ready, conn, ready_link);
	conn->flags &= (uint16_t)~CONN_ON_READY;
	return conn;
}

void
stack_control_push(struct stack *stack, struct rte_mbuf *m)
{
	if (stack->control_count == STACK_CONTROL_MAX) {
		stack->counters.no_mbuf++;
		rte_pktmbuf_free(m);
		return;
	}
	uint32_t last = (stack->control_first + stack->control_count++) % STACK_CONTROL_MAX;
	stack->control[last] = m;
}

/* ---- connections ---- */

void
stack_flow_key(const struct conn *conn, struct flow_key *key)
{
	*key = (struct flow_key){.remote = conn->head.remote_address,
				 .local = conn->stack->config.host.address,
				 .remote_port = conn->head.remote_port,
				 .local_port = conn->head.local_port};
}

struct conn *
stack_conn_new(struct stack *stack, const struct flow_key *key, void *user)
{
	struct conn *conn = STAILQ_FIRST(&stack->free);
	if (conn == NULL ||
	    rte_hash_add_key_with_hash_data(stack->flows, key, flow_hash(stack, key), conn) < 0) {
		stack->counters.conn_full++;
		return NULL;
	}
	STAILQ_REMOVE_HEAD(&stack->free, dirty_link);
	memset(conn, 0, sizeof(*conn));
	conn->stack = stack;
	conn->flags = CONN_IN_USE;
	conn->timer_at_us = TCP_NEVER;
	conn->arp_generation = stack->arp.generation - 1;
	conn->head = (struct conn_head){.user = user,
					.remote_address = key->remote,
					.remote_port = key->remote_port,
					.local_port = key->local_port};
	conn->flow = (struct packet_flow){.source_mac = stack->config.host.mac,
					  .source = key->local,
					  .destination = key->remote,
					  .source_port = key->local_port,
					  .destination_port = key->remote_port,
					  .ttl = 64};
	stack->conn_count++;
	return conn;
}

static void
conn_free(struct conn *conn)
{
	struct stack *stack = conn->stack;
	if (conn->flags & CONN_ON_READY)
		TAILQ_REMOVE(&stack->ready, conn, ready_link);
	ASSERT((conn->flags & CONN_ON_DIRTY) == 0 && conn->timer_at_us == TCP_NEVER);
	conn_drop_queues(conn);
	conn->flags = 0;
	STAILQ_INSERT_HEAD(&stack->free, conn, dirty_link);
	stack->conn_count--;
}

void
stack_conn_not_half_open(struct conn *conn)
{
	if ((conn->flags & CONN_HALF_OPEN) == 0)
		return;
	conn->flags &= (uint16_t)~CONN_HALF_OPEN;
	conn->stack->half_open--;
}

/* Called by stack_output() only for a connection that is off the dirty list, and by input paths through it: a connection
 * that ends is always freed outside of stack_input(), so lookups made for a whole burst stay valid. */
void
stack_conn_end(struct conn *conn, uint8_t reason)
{
	struct stack *stack = conn->stack;
	struct flow_key key;
	if (conn->flags & CONN_ENDED)
		return;
	conn->flags |= CONN_ENDED;
	conn->head.end = reason;
	stack_conn_not_half_open(conn);
	if (conn->timer_at_us != TCP_NEVER) {
		wheel_cancel(&stack->wheel, &conn->timer);
		conn->timer_at_us = TCP_NEVER;
	}
	stack_flow_key(conn, &key);
	if (conn->tcp.state == TCP_TIME_WAIT)
		stack_time_wait_add(stack, conn);
	else
		rte_hash_del_key_with_hash(stack->flows, &key, flow_hash(stack, &key));
	if (conn->flags & CONN_RELEASED)
		conn_free(conn);
	else
		stack_conn_ready(conn, CONN_END);
}

void
stack_conn_rearm(struct conn *conn)
{
	uint64_t at = tcp_next_at(&conn->tcp);
	if (at >= conn->timer_at_us)
		return; /* the node fires first and is moved then; TCP_NEVER is the largest */
	struct wheel *wheel = &conn->stack->wheel;
	if (conn->timer_at_us != TCP_NEVER)
		wheel_cancel(wheel, &conn->timer);
	conn->timer_at_us = at;
	wheel_add(wheel, &conn->timer, at);
}

/* The reply must land on the lcore that asked. */
static bool
port_is_ours(const struct stack *stack, const struct flow_key *key)
{
	struct owner_flow flow = {key->remote, key->local, key->remote_port, key->local_port};
	const struct owner_map *owners = stack->config.owners;
	return owners == NULL || owner_of_flow(owners, &flow) == stack->config.self;
}

static uint16_t
port_choose(struct stack *stack, struct flow_key *key)
{
	const struct owner_map *owners = stack->config.owners;
	bool control = owners != NULL && stack->config.self == 0;
	uint32_t first = control ? OWNER_CONTROL_PORT : PORT_FIRST;
	uint32_t count = control ? 65536 - OWNER_CONTROL_PORT : OWNER_CONTROL_PORT - PORT_FIRST;
	for (unsigned i = 0; i < STACK_PORT_TRIES_MAX; i++) {
		key->local_port =
			(uint16_t)(first + prng_below(&stack->prng, count)); /* RFC 6056 3.3.2 */
		if (listener_find(stack, key->local_port) == NULL && port_is_ours(stack, key) &&
		    rte_hash_lookup_with_hash(stack->flows, key, flow_hash(stack, key)) < 0)
			return key->local_port;
	}
	return 0;
}

struct conn *
stack_connect(struct stack *stack, uint32_t address, uint16_t port, void *user, uint64_t now_us)
{
	struct flow_key key = {
		.remote = address, .local = stack->config.host.address, .remote_port = port};
	if (address == 0 || address >= 0xe0000000u || port_choose(stack, &key) == 0)
		return NULL; /* MUST-46: no group or reserved address */
	struct conn *conn = stack_conn_new(stack, &key, user);
	if (conn == NULL)
		return NULL;
	tcp_seq iss = isn_generate(stack->config.secret, key.local, key.local_port, address, port,
				   now_us);
	tcp_open_active(&conn->tcp, &stack->config.tcp, iss, now_us);
	tcp_set_ts_offset(&conn->tcp, isn_ts_offset(stack->config.secret, key.local, key.local_port,
						    address, port));
	stack_conn_dirty(conn);
	return conn;
}

void
conn_close(struct conn *conn, uint64_t now_us)
{
	tcp_close(&conn->tcp, now_us);
	stack_conn_dirty(conn);
}

void
conn_abort(struct conn *conn)
{
	tcp_abort(&conn->tcp);
	stack_conn_dirty(conn);
}

void
conn_release(struct conn *conn, uint64_t now_us)
{
	conn->flags |= CONN_RELEASED;
	conn->head.user = NULL;
	if (conn->flags & CONN_ENDED) {
		conn_free(conn);
		return;
	}
	if (conn->flags & CONN_ON_READY) {
		TAILQ_REMOVE(&conn->stack->ready, conn, ready_link);
		conn->flags &= (uint16_t)~CONN_ON_READY;
	}
	/* RFC 9293 3.6.1, SHLD-3: the peer must learn that bytes nobody will read were lost. */
	if (conn->rx_bytes > 0)
		tcp_abort(&conn->tcp);
	tcp_close(&conn->tcp, now_us);
	tcp_orphan(&conn->tcp, now_us);
	stack_conn_dirty(conn);
}

void
stack_abort_all(struct stack *stack)
{
	for (uint32_t i = 0; i < stack->config.conn_max; i++)
		if ((stack->conns[i].flags & (CONN_IN_USE | CONN_ENDED)) == CONN_IN_USE)
			conn_abort(&stack->conns[i]);
}

/* ---- TIME-WAIT ---- */

void
stack_time_wait_remove(struct stack *stack, struct time_wait *w)
{
	rte_hash_del_key_with_hash(stack->flows, &w->key, flow_hash(stack, &w->key));
	w->used = false;
	stack->time_wait_count--;
}

/* A ring in order of entering: the oldest makes room (spec 6, 24). Taking over the connection's place in the flow table is
 * one overwrite of its data. */
void
stack_time_wait_add(struct stack *stack, const struct conn *conn)
{
	uint32_t index = stack->time_wait_next;
	struct time_wait *w = &stack->time_waits[index];
	stack->time_wait_next = (index + 1) % stack->config.time_wait_max;
	if (w->used) {
		stack_time_wait_remove(stack, w);
		stack->time_wait_oldest = stack->time_wait_next;
	}
	if (stack->time_wait_count == 0)
		stack->time_wait_oldest = index;
	stack_flow_key(conn, &w->key);
	w->used = true;
	tcp_time_wait_from(&conn->tcp, stack->now_us, &w->tcp);
	stack->time_wait_count++;
	void *data = (void *)((uintptr_t)w | 1);
	int rc = rte_hash_add_key_with_hash_data(stack->flows, &w->key, flow_hash(stack, &w->key),
						 data);
	ASSERT(rc >= 0);
}

static void
time_wait_tick(struct stack *stack)
{
	for (unsigned i = 0; i < STACK_BURST_MAX && stack->time_wait_count > 0; i++) {
		struct time_wait *w = &stack->time_waits[stack->time_wait_oldest];
		if (w->used && w->tcp.until_us > stack->now_us)
			return; /* a FIN seen again may have moved it: those behind wait for it */
		if (w->used)
			stack_time_wait_remove(stack, w);
		stack->time_wait_oldest =
			(stack->time_wait_oldest + 1) % stack->config.time_wait_max;
	}
}

static uint64_t
time_wait_next_at(const struct stack *stack)
{
	const struct time_wait *w = &stack->time_waits[stack->time_wait_oldest];
	if (stack->time_wait_count == 0)
		return UINT64_MAX;
	return w->used ? w->tcp.until_us : stack->now_us;
}

/* ---- time ---- */

void
stack_tick(struct stack *stack, uint64_t now_us)
{
	struct wheel_node *node;
	stack->now_us = now_us;
	while ((node = wheel_advance(&stack->wheel, now_us)) != NULL) {
		struct conn *conn = (struct conn *)((char *)node - offsetof(struct conn, timer));
		conn->timer_at_us = TCP_NEVER;
		stack_conn_dirty(conn);
	}
	time_wait_tick(stack);
	neighbour_tick(stack);
}

uint64_t
stack_next_at(const struct stack *stack)
{
	if (!TAILQ_EMPTY(&stack->ready) || !STAILQ_EMPTY(&stack->dirty) || stack->control_count > 0)
		return stack->now_us;
	uint64_t at = wheel_next_at(&stack->wheel);
	uint64_t others[] = {time_wait_next_at(stack), arp_next_at(&stack->arp)};
	for (unsigned i = 0; i < 2; i++)
		if (others[i] < at)
			at = others[i];
	return at;
}

const struct stack_counters *
stack_counters(const struct stack *stack)
{
	return &stack->counters;
}

uint32_t
stack_conn_count(const struct stack *stack)
{
	return stack->conn_count;
}

static uint32_t
list_bytes(struct rte_mbuf *m, bool send)
{
	uint32_t bytes = 0;
	for (; m != NULL; m = chunk_of(m)->next)
		bytes += send ? chunk_of(m)->len : m->data_len;
	return bytes;
}

void
stack_check(const struct stack *stack)
{
	uint32_t used = 0, half_open = 0;
	for (uint32_t i = 0; i < stack->config.conn_max; i++) {
		const struct conn *conn = &stack->conns[i];
		if ((conn->flags & CONN_IN_USE) == 0)
			continue;
		used++;
		half_open += (conn->flags & CONN_HALF_OPEN) != 0;
		tcp_check(&conn->tcp);
		ASSERT(list_bytes(conn->rx_first, false) == conn->rx_bytes);
		uint32_t queued = list_bytes(conn->tx_first, true);
		uint32_t front = conn->tx_first != NULL
					 ? conn->tx_front - chunk_of(conn->tx_first)->position
					 : 0;
		ASSERT(queued == conn->tx_bytes + front);
		/* T4: what is outstanding has a timer, unless it is about to be looked at. */
		if ((conn->flags & (CONN_ENDED | CONN_ON_DIRTY)) == 0)
			ASSERT(conn->timer_at_us <= tcp_next_at(&conn->tcp));
	}
	ASSERT(used == stack->conn_count);
	ASSERT(half_open == stack->half_open);
}
