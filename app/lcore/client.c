/* app/lcore/client.c - a client's input buffer and output window. */
#include "app/lcore/client.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/assert.h"

static struct client *
client_of(struct resp_writer *w)
{
	return (struct client *)((char *)w - offsetof(struct client, writer));
}

/* ---- output ---- */

static void
block_release(void *owner, void *object)
{
	struct allocator *a = owner;
	size_t *block = object;
	a->release(a, block, *block);
}

/* A block begins with its own size, so that release needs no more than its address. */
static bool
block_open(struct client *client)
{
	struct allocator *a = client->allocator;
	size_t *block = a->alloc(a, CLIENT_BLOCK_SIZE);
	if (block == NULL)
		return false;
	*block = CLIENT_BLOCK_SIZE;
	client->block = (uint8_t *)block;
	client->writer.at = client->block + sizeof(size_t);
	client->writer.end = client->block + CLIENT_BLOCK_SIZE;
	return true;
}

static bool
block_close(struct client *client)
{
	struct allocator *a = client->allocator;
	size_t len = (size_t)(client->writer.at - client->block) - sizeof(size_t);
	size_t *block = (size_t *)client->block;
	client->block = NULL;
	if (len == 0) {
		block_release(a, block);
		return true;
	}
	if (len < CLIENT_BLOCK_SIZE / 2) {
		size_t *smaller = a->resize(a, block, CLIENT_BLOCK_SIZE, len + sizeof(size_t));
		if (smaller != NULL) {
			block = smaller;
			*block = len + sizeof(size_t);
		}
	}
	struct span bytes = {(const uint8_t *)(block + 1), len};
	if (conn_reference(client->conn, bytes, block_release, a, block))
		return true;
	block_release(a, block);
	return false;
}

bool
client_flush(struct client *client)
{
	struct resp_writer *w = &client->writer;
	bool done = true;
	if (client->block != NULL)
		done = block_close(client);
	else if (w->at != NULL)
		conn_commit(client->conn, w->at);
	w->at = w->end = NULL;
	if (!done)
		w->failed = true;
	client->session.output_held = conn_queued(client->conn);
	return !w->failed;
}

static bool
output_allowed(const struct client *client)
{
	uint32_t queued = conn_queued(client->conn);
	return queued < CLIENT_QUEUED_MAX &&
	       (client->output_limit == 0 || queued <= client->output_limit);
}

static bool
sink_room(struct resp_writer *w, size_t need)
{
	struct client *client = client_of(w);
	if (!client_flush(client) || !output_allowed(client))
		return false;
	if (conn_queued(client->conn) > CLIENT_DIRECT_MAX)
		return block_open(client);
	return conn_room(client->conn, (uint32_t)need, &w->at, &w->end) || block_open(client);
}

static bool
sink_reference(struct resp_writer *w, struct span bytes, void (*release)(void *owner, void *object),
	       void *owner, void *object)
{
	struct client *client = client_of(w);
	return client_flush(client) && output_allowed(client) &&
	       conn_reference(client->conn, bytes, release, owner, object);
}

static const struct resp_sink client_sink = {sink_room, sink_reference};

/* ---- input ---- */

struct span
client_source(struct client *client)
{
	if (client->input != NULL)
		return (struct span){client->input + client->input_from,
				     client->input_len - client->input_from};
	return conn_peek(client->conn);
}

static void
input_free(struct client *client)
{
	client->allocator->release(client->allocator, client->input, client->input_size);
	client->input = NULL;
	client->input_from = client->input_len = client->input_size = 0;
	client->session.input_held = 0;
}

void
client_take(struct client *client)
{
	size_t taken = client->taken;
	client->taken = 0;
	if (taken == 0)
		return;
	if (client->input == NULL) {
		conn_consume(client->conn, (uint32_t)taken);
		return;
	}
	client->input_from += taken;
	if (client->input_from == client->input_len)
		input_free(client);
}

static void
input_compact(struct client *client)
{
	if (client->input_from == 0)
		return;
	client->input_len -= client->input_from;
	memmove(client->input, client->input + client->input_from, client->input_len);
	client->input_from = 0;
}

static bool
input_reserve(struct client *client, size_t size)
{
	if (size <= client->input_size)
		return true;
	struct allocator *a = client->allocator;
	uint8_t *larger = a->resize(a, client->input, client->input_size, size);
	if (larger == NULL)
		return false;
	client->input = larger;
	client->input_size = size;
	client->session.input_held = size;
	return true;
}

bool
client_collect(struct client *client, size_t want, size_t limit)
{
	input_compact(client);
	for (;;) {
		struct span next = conn_peek(client->conn);
		if (next.len == 0)
			return true;
		size_t len = client->input_len + next.len;
		size_t size = want > len ? want : len;
		if (size > client->input_size && want <= len)
			size = len < CLIENT_INPUT_MIN ? CLIENT_INPUT_MIN : len + len / 2;
		if (len > limit || !input_reserve(client, size))
			return false;
		memcpy(client->input + client->input_len, next.at, next.len);
		client->input_len = len;
		conn_consume(client->conn, (uint32_t)next.len);
	}
}

/* ---- life ---- */

static void
address_text(char text[SESSION_ADDRESS_MAX], uint32_t address, uint16_t port)
{
	snprintf(text, SESSION_ADDRESS_MAX, "%u.%u.%u.%u:%u", address >> 24, address >> 16 & 255,
		 address >> 8 & 255, address & 255, port);
}

struct client *
client_open(struct server *server, struct allocator *allocator, struct conn *conn,
	    uint32_t local_address, uint64_t now_ms)
{
	struct client *client = allocator->alloc(allocator, sizeof(*client));
	const struct conn_head *head = conn_head(conn);
	char remote[SESSION_ADDRESS_MAX], local[SESSION_ADDRESS_MAX];
	if (client == NULL)
		return NULL;
	memset(client, 0, sizeof(*client));
	client->conn = conn;
	client->allocator = allocator;
	client->writer.sink = &client_sink;
	client->output_limit = server_config(server)->client_output_limit;
	address_text(remote, head->remote_address, head->remote_port);
	address_text(local, local_address, head->local_port);
	session_open(server, &client->session, remote, local, now_ms);
	return client;
}

void
client_free(struct server *server, struct client *client)
{
	struct allocator *a = client->allocator;
	if (client->block != NULL)
		block_release(a, client->block);
	if (client->input != NULL)
		input_free(client);
	session_close(server, &client->session);
	a->release(a, client, sizeof(*client));
}
