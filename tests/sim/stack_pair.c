/* tests/sim/stack_pair.c - two whole stacks over a wire that loses, reorders, duplicates, delays and corrupts, from a seed.
 *
 *     client stack --impair--> server stack        virtual time: the clock jumps to the next thing that is due
 *                  <--impair--
 *
 * Connections come and go for at least --seconds of virtual time; each carries a stream of its own both ways, and every byte is
 * known from (seed, connection, direction, offset). Checked after every step: stack_check() of both. At the end: streams whole,
 * no connection left, every mbuf back in its pool, no stall.
 *
 *     sim_stack_pair --seeds 1000 --first 1 [--seconds 60] [--loss 10 --reorder 10 --duplicate 5 --corrupt 1]
 * Exit status: 0 clean, 1 a violation (its seed is printed).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "app/net/chunk.h"
#include "app/net/impair.h"
#include "app/net/stack.h"
#include "proto/base/prng.h"

#define STREAMS_MAX      6 /* connections at a time */
#define STREAM_BYTES_MAX 60000
#define STALL_US         600000000ull /* ten timeouts of sixty seconds in a row: not by these chances */
#define POOL_MBUFS       8191
#define BURST            32
#define FAILED_MAX       5 /* seeds; then it stops */
#define SERVER_ADDRESS   0x0a4d0002u
#define CLIENT_ADDRESS   0x0a4d0001u
#define PORT             6379

struct end { /* one end of one stream pair */
	struct conn *conn;
	uint32_t id;
	uint32_t to_send, sent, to_receive, received;
	uint64_t progress_at_us;
	bool closed, ended;
	struct end *next;
};

struct host {
	struct stack *stack;
	struct rte_mempool *pool;
	struct impair *out; /* frames on their way to the other host */
	struct end *ends;   /* all that exist */
	unsigned end_count;
	bool server;
};

struct sim {
	uint64_t seed, now_us;
	struct prng prng;
	struct host hosts[2]; /* client, server */
	uint32_t opened, finished;
	uint64_t bytes, steps;
	struct impair_counters faults; /* of both directions */
	uint64_t retransmits;
	const char *violation;
};

struct totals {
	uint64_t seeds, failed, streams, bytes, retransmits, virtual_us;
	struct impair_counters faults;
};

static uint64_t sim_us = 60000000; /* streams are opened for so long; then the last ones end */

static struct impair_config faults = {.loss = 1000,
				      .reorder = 1000,
				      .duplicate = 500,
				      .corrupt = 100,
				      .delay_us = 100,
				      .jitter_us = 50};

/* The byte at this place of this stream. */
static uint8_t
stream_byte(uint64_t seed, uint32_t id, bool from_server, uint32_t offset)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + id * 2 + from_server;
	x ^= (uint64_t)(offset / 8) * 0xbf58476d1ce4e5b9ull;
	x ^= x >> 29;
	x *= 0x94d049bb133111ebull;
	return (uint8_t)(x >> (8 * (offset & 7)));
}

static void
violate(struct sim *sim, const char *what)
{
	if (sim->violation == NULL)
		sim->violation = what;
}

static struct end *
end_new(struct sim *sim, struct host *host, struct conn *conn, uint32_t id)
{
	struct end *end = calloc(1, sizeof(*end));
	/* Both lengths follow from seed and id, so that both ends know them. */
	struct prng lengths;
	prng_seed(&lengths, sim->seed ^ ((uint64_t)id << 32));
	uint32_t up = (uint32_t)prng_below(&lengths, STREAM_BYTES_MAX);
	uint32_t down = (uint32_t)prng_below(&lengths, STREAM_BYTES_MAX);
	end->conn = conn;
	end->id = id;
	end->to_send = host->server ? down : up;
	end->to_receive = host->server ? up : down;
	end->progress_at_us = sim->now_us;
	end->next = host->ends;
	host->ends = end;
	host->end_count++;
	return end;
}

static void
end_remove(struct host *host, struct end *end)
{
	struct end **at = &host->ends;
	while (*at != end)
		at = &(*at)->next;
	*at = end->next;
	host->end_count--;
	free(end);
}

/* The client's local port tells the server which stream it is: the low bits of a table the simulator keeps. */
static uint32_t ids_by_port[65536];

static void
send_some(struct sim *sim, struct host *host, struct end *end)
{
	while (end->sent < end->to_send && conn_queued(end->conn) < 32768) {
		uint8_t *at, *limit;
		if (!conn_room(end->conn, 1 + (uint32_t)prng_below(&sim->prng, 400), &at, &limit))
			return;
		while (at < limit && end->sent < end->to_send)
			*at++ = stream_byte(sim->seed, end->id, host->server, end->sent++);
		conn_commit(end->conn, at);
		if (prng_below(&sim->prng, 4) == 0)
			break;
	}
	if (end->sent == end->to_send && !end->closed) {
		end->closed = true;
		conn_close(end->conn, sim->now_us);
	}
}

static void
receive(struct sim *sim, struct host *host, struct end *end)
{
	struct span span;
	while ((span = conn_peek(end->conn)).len > 0) {
		for (size_t i = 0; i < span.len; i++)
			if (span.at[i] !=
			    stream_byte(sim->seed, end->id, !host->server, end->received++))
				violate(sim, "a byte differs");
		sim->bytes += span.len;
		end->progress_at_us = sim->now_us;
		conn_consume(end->conn, (uint32_t)span.len);
	}
	if (end->received > end->to_receive)
		violate(sim, "more bytes than were sent");
}

static void
serve(struct sim *sim, struct host *host)
{
	struct conn *conn;
	while ((conn = stack_next_ready(host->stack)) != NULL) {
		struct conn_head *head = conn_head(conn);
		uint8_t events = head->events;
		head->events = 0;
		if (events & CONN_ACCEPTED)
			head->user = end_new(sim, host, conn, ids_by_port[head->remote_port]);
		struct end *end = head->user;
		if (end == NULL) {
			conn_release(conn, sim->now_us);
			continue;
		}
		receive(sim, host, end);
		if ((events & CONN_PEER_DONE) && end->received != end->to_receive)
			violate(sim, "FIN before the last byte");
		if ((events & CONN_END) == 0) {
			if (events & (CONN_ACCEPTED | CONN_CONNECTED | CONN_WRITABLE))
				end->progress_at_us = sim->now_us;
			if (events &
			    (CONN_ACCEPTED | CONN_CONNECTED | CONN_WRITABLE | CONN_READABLE))
				send_some(sim, host, end);
			continue;
		}
		/* Only one reset is in order: the peer's TIME-WAIT has ended, and our last ACK of its FIN or
		 * its ACK of ours was lost until then. Both streams are whole by then. */
		if ((head->end & (TCP_EVENT_RESET | TCP_EVENT_REFUSED)) &&
		    (!end->closed || end->received != end->to_receive))
			violate(sim, "reset");
		else if ((head->end & TCP_EVENT_TIMEOUT) == 0 && end->received != end->to_receive)
			violate(sim, "closed before the last byte");
		else if (head->end & TCP_EVENT_TIMEOUT)
			violate(sim, "timed out");
		conn_release(conn, sim->now_us);
		sim->finished++;
		end_remove(host, end);
	}
}

static void
open_streams(struct sim *sim)
{
	struct host *client = &sim->hosts[0];
	while (client->end_count < STREAMS_MAX) {
		struct conn *conn =
			stack_connect(client->stack, SERVER_ADDRESS, PORT, NULL, sim->now_us);
		if (conn == NULL)
			return;
		ids_by_port[conn_head(conn)->local_port] = ++sim->opened;
		conn_head(conn)->user = end_new(sim, client, conn, sim->opened);
	}
}

/* Everything the stack wants to send goes on the wire, as a copy: two hosts share no memory. */
static void
transmit(struct sim *sim, struct host *host, struct host *peer)
{
	struct rte_mbuf *frames[BURST];
	uint16_t count;
	do {
		count = stack_output(host->stack, frames, BURST, sim->now_us);
		for (uint16_t i = 0; i < count; i++) {
			struct rte_mbuf *copy =
				rte_pktmbuf_copy(frames[i], peer->pool, 0, UINT32_MAX);
			rte_pktmbuf_free(frames[i]);
			if (copy != NULL)
				impair_push(host->out, &copy, 1, sim->now_us);
		}
	} while (count == BURST);
}

static void
turn(struct sim *sim, unsigned who)
{
	struct host *host = &sim->hosts[who], *peer = &sim->hosts[1 - who];
	struct rte_mbuf *frames[BURST];
	uint16_t count = impair_pop(peer->out, frames, BURST, sim->now_us);
	stack_input(host->stack, frames, count, sim->now_us);
	stack_tick(host->stack, sim->now_us);
	serve(sim, host);
	transmit(sim, host, peer);
	stack_check(host->stack);
}

static uint64_t
next_at(const struct sim *sim)
{
	uint64_t at = UINT64_MAX;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t a = stack_next_at(sim->hosts[i].stack);
		uint64_t b = impair_next_at(sim->hosts[i].out);
		at = a < at ? a : at;
		at = b < at ? b : at;
	}
	return at;
}

static void
check_stalls(struct sim *sim)
{
	for (unsigned i = 0; i < 2; i++)
		for (struct end *e = sim->hosts[i].ends; e != NULL; e = e->next)
			if (sim->now_us - e->progress_at_us > STALL_US)
				violate(sim, "a stream stalled");
}

static void
host_open(struct sim *sim, unsigned who, struct rte_mempool *pool)
{
	struct host *host = &sim->hosts[who];
	struct stack_config config = {
		.host = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(who + 1)}},
			 .address = who == 0 ? CLIENT_ADDRESS : SERVER_ADDRESS,
			 .netmask = 0xffffff00u},
		.mtu = 1500,
		.pool = pool,
		.control = pool,
		.conn_max = 256,
		.time_wait_max = 4096,
		.secret = {sim->seed * 77 + who,                                            sim->seed ^ 0x5bd1e995                               },
		.seed = sim->seed + who,
		.socket_id = SOCKET_ID_ANY,
	};
	struct impair_config wire = faults;
	wire.seed = sim->seed * 2 + who;
	tcp_config_defaults(&config.tcp, config.mtu);
	host->pool = pool;
	host->server = who == 1;
	host->stack = stack_create(who == 0 ? "client" : "server", &config);
	host->out = impair_create(&wire, pool);
	if (host->stack == NULL || host->out == NULL) {
		fprintf(stderr, "no memory: %s\n", rte_strerror(rte_errno));
		exit(1);
	}
}

static void
run(struct sim *sim)
{
	while (sim->violation == NULL) {
		bool more = sim->now_us < sim_us;
		if (more)
			open_streams(sim);
		turn(sim, 0);
		turn(sim, 1);
		sim->steps++;
		if (!more && stack_conn_count(sim->hosts[0].stack) == 0 &&
		    stack_conn_count(sim->hosts[1].stack) == 0)
			break;
		check_stalls(sim);
		uint64_t at = next_at(sim);
		if (at == UINT64_MAX && !more) {
			violate(sim, "connections left and nothing is due");
			break;
		}
		/* At least a microsecond passes: a turn is not free. */
		sim->now_us = at > sim->now_us ? at : sim->now_us + 1;
		if (sim->now_us > sim_us + 2 * STALL_US)
			violate(sim, "did not end");
	}
}

static void
faults_add(struct impair_counters *to, const struct impair_counters *from)
{
	to->frames += from->frames;
	to->lost += from->lost;
	to->duplicated += from->duplicated;
	to->reordered += from->reordered;
	to->corrupted += from->corrupted;
	to->full += from->full;
}

/* A fault that was asked for and never happened would make the run prove less than it says. */
static void
check_faults(struct sim *sim)
{
	const struct impair_counters *f = &sim->faults;
	if ((faults.loss > 0 && f->lost == 0) || (faults.duplicate > 0 && f->duplicated == 0) ||
	    (faults.reorder > 0 && f->reordered == 0) || (faults.corrupt > 0 && f->corrupted == 0))
		violate(sim, "a kind of fault never happened");
	if (f->full > 0)
		violate(sim, "the wire was full: packets without bound");
}

static void
close_hosts(struct sim *sim)
{
	for (unsigned i = 0; i < 2; i++) {
		struct host *host = &sim->hosts[i];
		sim->retransmits += stack_counters(host->stack)->retransmits;
		faults_add(&sim->faults, impair_counters(host->out));
		impair_destroy(host->out);
		stack_destroy(host->stack);
		while (host->ends != NULL)
			end_remove(host, host->ends);
	}
}

static void
simulate(uint64_t seed, struct rte_mempool *pool, bool quiet, struct totals *t)
{
	struct sim sim = {.seed = seed};
	prng_seed(&sim.prng, seed);
	unsigned baseline = rte_mempool_avail_count(pool);
	host_open(&sim, 0, pool);
	host_open(&sim, 1, pool);
	stack_listen(sim.hosts[1].stack, PORT, NULL);
	run(&sim);
	close_hosts(&sim);
	if (sim.violation == NULL && rte_mempool_avail_count(pool) != baseline)
		violate(&sim, "mbufs are missing");
	if (sim.violation == NULL && sim.bytes == 0)
		violate(&sim, "nothing was transferred");
	check_faults(&sim);
	if (!quiet || sim.violation != NULL)
		printf("seed %lu: %.1f virtual s, %u streams, %lu bytes, %lu lost, %lu reordered, "
		       "%lu "
		       "duplicated, %lu corrupted, %lu retransmits: %s\n",
		       seed, (double)sim.now_us / 1e6, sim.opened, sim.bytes, sim.faults.lost,
		       sim.faults.reordered, sim.faults.duplicated, sim.faults.corrupted,
		       sim.retransmits, sim.violation != NULL ? sim.violation : "ok");
	t->seeds++;
	t->failed += sim.violation != NULL;
	t->streams += sim.opened;
	t->bytes += sim.bytes;
	t->retransmits += sim.retransmits;
	t->virtual_us += sim.now_us;
	faults_add(&t->faults, &sim.faults);
}

static int
usage(void)
{
	puts("sim_stack_pair [--seeds N] [--first S] [--seconds N] [--loss %] [--reorder %] "
	     "[--duplicate %] "
	     "[--corrupt %] [--verbose]\n"
	     "Two TCP/IP stacks over a faulty wire in virtual time. Non-zero exit and the seed on "
	     "a violation.");
	return 0;
}

struct options {
	uint64_t seeds, first;
	bool quiet;
};

/* False: one that we do not know, or --help. */
static bool
take_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"seeds",     1, NULL, 'n'},
                {"first",     1, NULL, 'f'},
                {"seconds",   1, NULL, 's'},
		{"loss",      1, NULL, 'l'},
                {"reorder",   1, NULL, 'r'},
                {"duplicate", 1, NULL, 'd'},
		{"corrupt",   1, NULL, 'c'},
                {"verbose",   0, NULL, 'v'},
                {"help",      0, NULL, 'h'},
		{NULL,        0, NULL, 0  }
        };
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint32_t chance = optarg != NULL ? (uint32_t)(strtod(optarg, NULL) * 100) : 0;
		uint64_t number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
		switch (c) {
		case 'n':
			o->seeds = number;
			break;
		case 'f':
			o->first = number;
			break;
		case 's':
			sim_us = number * 1000000;
			break;
		case 'l':
			faults.loss = chance;
			break;
		case 'r':
			faults.reorder = chance;
			break;
		case 'd':
			faults.duplicate = chance;
			break;
		case 'c':
			faults.corrupt = chance;
			break;
		case 'v':
			o->quiet = false;
			break;
		default:
			return false;
		}
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct options o = {.seeds = 20, .first = 1, .quiet = true};
	if (!take_options(argc, argv, &o))
		return usage();
	char *eal[] = {"sim",
		       "--no-huge",
		       "-m",
		       "256",
		       "--no-pci",
		       "--no-shconf",
		       "--no-telemetry",
		       "--log-level",
		       "error",
		       "-l",
		       "0",
		       NULL};
	if (rte_eal_init(11, eal) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("wire", POOL_MBUFS, 0, CHUNK_PRIVATE_SIZE,
					RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	struct totals t = {.seeds = 0};
	for (uint64_t seed = o.first; seed < o.first + o.seeds && t.failed < FAILED_MAX; seed++)
		simulate(seed, pool, o.quiet, &t);
	printf("%lu seeds, %.0f virtual s, %lu streams, %lu bytes, %lu frames (%lu retransmits); "
	       "%lu lost, "
	       "%lu reordered, %lu duplicated, %lu corrupted; %lu seeds failed\n",
	       t.seeds, (double)t.virtual_us / 1e6, t.streams, t.bytes, t.faults.frames,
	       t.retransmits, t.faults.lost, t.faults.reordered, t.faults.duplicated,
	       t.faults.corrupted, t.failed);
	return t.failed != 0;
}
