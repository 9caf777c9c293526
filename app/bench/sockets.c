/* app/bench/sockets.c - pollis-bench-sockets OPTIONS: the same load over the kernel's TCP, to measure a peer with the same ruler.
 *
 * One thread, non-blocking sockets, epoll: one read and one write per connection and batch, as a server of that kind does itself. Ticks are
 * nanoseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/bench/load.h"
#include "app/bench/progress.h"
#include "app/bench/report.h"

#define EVENTS_MAX  256
#define INPUT_SIZE  65536
#define OPEN_AHEAD  128 /* connections asked for and not answered */
#define NANOSECONDS 1000000000ull
#define FILES_SPARE 32

struct socket_conn {
	int fd;
	bool connected, waits; /* waits: the kernel's buffer is full, EPOLLOUT is asked for */
	size_t from, to;       /* of out: written by us, not yet taken by the kernel */
	uint8_t *out;
};

struct client {
	struct load *load;
	int epoll_fd;
	struct socket_conn *conns;
	uint32_t opened;
	uint8_t input[INPUT_SIZE];
};

static uint64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static void
lost(struct client *client, const char *what)
{
	char text[LOAD_TEXT_MAX];
	snprintf(text, sizeof(text), "%s: %s", what, strerrordesc_np(errno));
	load_lost(client->load, text);
}

static void
watch(struct client *client, uint32_t c, int how, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = c};
	if (epoll_ctl(client->epoll_fd, how, client->conns[c].fd, &event) < 0)
		lost(client, "epoll_ctl");
}

static void
open_some(struct client *client)
{
	const struct bench_options *o = client->load->options;
	const int on = 1;
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(o->port),
				 .sin_addr.s_addr = htonl(o->server)};
	while (client->opened < o->connections &&
	       client->opened < client->load->connected + OPEN_AHEAD) {
		struct socket_conn *conn = &client->conns[client->opened];
		conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (conn->fd < 0 || (connect(conn->fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
				     errno != EINPROGRESS)) {
			lost(client, "connect");
			return;
		}
		setsockopt(conn->fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
		watch(client, client->opened, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
		client->opened++;
	}
}

static void
flush(struct client *client, uint32_t c)
{
	struct socket_conn *conn = &client->conns[c];
	bool full = false;
	while (conn->from < conn->to && !full) {
		ssize_t n =
			send(conn->fd, conn->out + conn->from, conn->to - conn->from, MSG_NOSIGNAL);
		full = n < 0 && errno == EAGAIN;
		if (n < 0 && !full) {
			lost(client, "send");
			return;
		}
		conn->from += n > 0 ? (size_t)n : 0;
	}
	if (!full)
		conn->from = conn->to = 0;
	if (full != conn->waits)
		watch(client, c, EPOLL_CTL_MOD, EPOLLIN | (full ? EPOLLOUT : 0u));
	conn->waits = full;
}

static void
on_writable(struct client *client, uint32_t c)
{
	struct socket_conn *conn = &client->conns[c];
	socklen_t size = sizeof(errno);
	if (conn->connected) {
		flush(client, c);
		return;
	}
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &errno, &size) < 0 || errno != 0) {
		lost(client, "connect");
		return;
	}
	conn->connected = true;
	watch(client, c, EPOLL_CTL_MOD, EPOLLIN);
	load_connected(client->load, now_ns());
}

static void
on_readable(struct client *client, uint32_t c)
{
	ssize_t n;
	do {
		n = recv(client->conns[c].fd, client->input, INPUT_SIZE, 0);
		if (n > 0)
			load_take(client->load, c, (struct span){client->input, (size_t)n},
				  now_ns());
	} while (n == INPUT_SIZE);
	if (n == 0)
		load_lost(client->load, "the server closed a connection");
	else if (n < 0 && errno != EAGAIN)
		lost(client, "recv");
}

static void
send_due(struct client *client)
{
	uint32_t c, count;
	uint64_t now = now_ns();
	while ((count = load_next(client->load, now, &c)) > 0) {
		struct socket_conn *conn = &client->conns[c];
		for (; count > 0; count--)
			conn->to += load_render(client->load, c, now, conn->out + conn->to);
		flush(client, c);
	}
}

static void
turn(struct client *client)
{
	struct epoll_event events[EVENTS_MAX];
	struct load *load = client->load;
	/* Open loop: polled, since what is due next is microseconds away. */
	int wait_ms = load->options->rate > 0 || load->phase == LOAD_CONNECT ? 0 : 10;
	int n = epoll_wait(client->epoll_fd, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < n && !load_over(load); i++) {
		uint32_t c = events[i].data.u32;
		if (events[i].events & EPOLLOUT)
			on_writable(client, c);
		if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			on_readable(client, c);
	}
	load_tick(load, now_ns());
	if (load->phase == LOAD_CONNECT)
		open_some(client);
	else
		send_due(client);
}

static void *
client_main(void *argument)
{
	struct client *client = argument;
	while (!load_over(client->load))
		turn(client);
	load_tick(client->load, now_ns()); /* shows the end */
	return NULL;
}

static int
fail(const char *error)
{
	fprintf(stderr, "pollis-bench-sockets: %s\n", error);
	return EXIT_FAILURE;
}

static bool
prepare(struct client *client)
{
	const struct load *load = client->load;
	uint32_t n = load->options->connections;
	size_t size = (size_t)load->pending_max * load->workload.request_max;
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < n + FILES_SPARE) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->conns = calloc(n, sizeof(*client->conns));
	uint8_t *out = malloc(size * n);
	if (client->epoll_fd < 0 || client->conns == NULL || out == NULL) {
		free(out);
		return false;
	}
	for (uint32_t c = 0; c < n; c++)
		client->conns[c].out = out + c * size;
	return true;
}

static int
run(const struct bench_options *options)
{
	static struct client client;
	pthread_t thread;
	client.load = load_create(options, NANOSECONDS);
	if (client.load == NULL || !prepare(&client))
		return fail("no memory: ask for fewer connections or less pipelining");
	if (pthread_create(&thread, NULL, client_main, &client) != 0)
		return fail("no thread");
	progress_wait(client.load);
	pthread_join(thread, NULL);
	if (options->json)
		report_json(client.load);
	else
		report_text(client.load);
	int status = client.load->phase == LOAD_DONE ? EXIT_SUCCESS : fail(client.load->failure);
	for (uint32_t c = 0; c < client.opened; c++)
		close(client.conns[c].fd);
	close(client.epoll_fd);
	free(client.conns[0].out);
	free(client.conns);
	load_destroy(client.load);
	return status;
}

int
main(int argc, char **argv)
{
	struct bench_options options;
	char error[BENCH_ERROR_MAX];
	if (!bench_options_read(&options, argc - 1, argv + 1, false, error))
		return fail(error);
	if (options.help) {
		puts("usage: pollis-bench-sockets --server ADDRESS[:PORT] [OPTIONS]\n\n"
		     "pollis-bench over the kernel's TCP, to measure other servers with the same "
		     "ruler.\n\n"
		     "OPTIONS");
		fputs(bench_options_help, stdout);
		return EXIT_SUCCESS;
	}
	return run(&options);
}
