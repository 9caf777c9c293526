/* tests/unit/app/net/test_conn.c - the byte queues against flat arrays: what goes in comes out, and every mbuf goes back. */
#include "app/net/conn.h"

#include <stdlib.h>
#include <string.h>

#include "app/net/stack_internal.h"
#include "proto/base/prng.h"
#include "proto/resp/writer.h"
#include "tests/unit/app/net/eal.h"
#include "tests/unit/runner.h"

#define POOL_MBUFS  4095
#define STREAM_SIZE 200000u
#define ROUNDS      20
#define HEADERS     54

static struct rte_mempool *pool;
static uint8_t stream[STREAM_SIZE];

struct fixture {
	struct stack *stack;
	struct conn conn;
	unsigned baseline;
};

static void
open_conn(struct fixture *f, uint16_t mss)
{
	memset(&f->conn, 0, sizeof(f->conn));
	f->baseline = rte_mempool_avail_count(pool);
	f->stack = calloc(1, sizeof(*f->stack));
	ck_assert_ptr_nonnull(f->stack);
	f->stack->config.pool = pool;
	f->conn.stack = f->stack;
	f->conn.flags = CONN_IN_USE | CONN_ON_DIRTY; /* no list to be put on */
	f->conn.tcp.snd_mss = mss;
	f->conn.tx_front = 0xfffff000u; /* stream offsets wrap */
	f->conn.tcp.rcv_nxt = 0xfffff000u;
}

static void
close_conn(struct fixture *f)
{
	conn_drop_queues(&f->conn);
	ck_assert_uint_eq(conn_queued(&f->conn), 0);
	ck_assert_uint_eq(conn_unread(&f->conn), 0);
	ck_assert_uint_eq(rte_mempool_avail_count(pool), f->baseline);
	free(f->stack);
}

/* ---- send ---- */

static unsigned released;

static void
release(void *owner, void *object)
{
	ck_assert_ptr_eq(owner, &released);
	ck_assert_ptr_nonnull(object);
	released++;
}

static void
check_queued(struct conn *conn, struct prng *prng, uint32_t acked, uint32_t written)
{
	static uint8_t copy[STREAM_SIZE];
	uint32_t queued = written - acked;
	ck_assert_uint_eq(conn_queued(conn), queued);
	if (queued == 0)
		return;
	uint32_t from = (uint32_t)prng_below(prng, queued);
	uint32_t len = 1 + (uint32_t)prng_below(prng, queued - from);
	conn_copy_queued(conn, from, len, copy);
	ck_assert_mem_eq(copy, stream + acked + from, len);
	struct rte_mbuf *m = conn_chunk_exactly(conn, from, len);
	if (m != NULL)
		ck_assert_mem_eq(chunk_of(m)->at, stream + acked + from, len);
}

static uint32_t
write_some(struct conn *conn, struct prng *prng, uint32_t written)
{
	uint8_t *at, *end;
	uint32_t left = STREAM_SIZE - written;
	uint32_t need = 1 + (uint32_t)prng_below(prng, RESP_ROOM_MAX);
	ck_assert(conn_room(conn, need, &at, &end));
	ck_assert_uint_ge((uint64_t)(end - at), need);
	uint32_t n = (uint32_t)prng_below(prng, (uint64_t)(end - at) + 1);
	n = n < left ? n : left;
	memcpy(at, stream + written, n);
	conn_commit(conn, at + n);
	return n;
}

START_TEST(what_is_queued_by_any_mixture_of_calls_is_what_is_sent)
{
	struct prng prng;
	prng_seed(&prng, 11);
	for (unsigned round = 0; round < ROUNDS; round++) {
		static const uint16_t sizes[] = {88, 536, 1460};
		struct fixture f;
		uint32_t acked = 0, written = 0;
		unsigned referenced = 0;
		released = 0;
		open_conn(&f, sizes[round % 3]);
		while (acked < STREAM_SIZE) {
			uint32_t left = STREAM_SIZE - written;
			if (left > 0 && prng_below(&prng, 4) == 0) {
				uint32_t n =
					1 + (uint32_t)prng_below(&prng, left < 9000 ? left : 9000);
				ck_assert(conn_reference(&f.conn,
							 (struct span){stream + written, n},
							 release, &released, stream));
				referenced++;
				written += n;
			} else if (left > 0) {
				written += write_some(&f.conn, &prng, written);
			}
			check_queued(&f.conn, &prng, acked, written);
			uint32_t part = (uint32_t)prng_below(&prng, written - acked + 1);
			if (prng_below(&prng, 3) == 0 || left == 0) {
				part = left == 0 && part == 0 ? written - acked : part;
				conn_release_acked(&f.conn, part);
				acked += part;
			}
			check_queued(&f.conn, &prng, acked, written);
		}
		ck_assert_uint_eq(released, referenced);
		close_conn(&f);
	}
}
END_TEST

START_TEST(a_reference_is_released_once_also_when_the_connection_ends_first)
{
	struct fixture f;
	released = 0;
	open_conn(&f, 1460);
	struct span bytes = {stream, 5000};
	ck_assert(conn_reference(&f.conn, bytes, release, &released, stream));
	conn_release_acked(&f.conn, 4999);
	ck_assert_uint_eq(released, 0);
	conn_release_acked(&f.conn, 1);
	ck_assert_uint_eq(released, 1);
	ck_assert(conn_reference(&f.conn, bytes, release, &released, stream));
	close_conn(&f);
	ck_assert_uint_eq(released, 2);
}
END_TEST

START_TEST(a_segment_that_is_exactly_one_chunk_is_found_and_no_other)
{
	struct fixture f;
	uint8_t *at, *end;
	open_conn(&f, 1460);
	ck_assert(conn_room(&f.conn, 100, &at, &end));
	memcpy(at, stream, 100);
	conn_commit(&f.conn, at + 100);
	ck_assert_ptr_nonnull(conn_chunk_exactly(&f.conn, 0, 100));
	ck_assert_ptr_null(conn_chunk_exactly(&f.conn, 0, 99));
	ck_assert_ptr_null(conn_chunk_exactly(&f.conn, 1, 99));
	chunk_of(f.conn.tx_first)->sealed = true; /* it was sent: never appended to again */
	struct rte_mbuf *sent = f.conn.tx_first;
	ck_assert(conn_room(&f.conn, 1, &at, &end));
	ck_assert_ptr_ne(f.conn.tx_last, sent);
	ck_assert_uint_eq(chunk_of(sent)->len, 100);
	close_conn(&f);
}
END_TEST

START_TEST(without_an_mbuf_a_window_is_refused_and_counted)
{
	struct fixture f;
	struct rte_mbuf **taken = calloc(POOL_MBUFS + 1, sizeof(struct rte_mbuf *));
	uint8_t *at, *end;
	unsigned count = 0;
	released = 0;
	open_conn(&f, 1460);
	while ((taken[count] = rte_pktmbuf_alloc(pool)) != NULL)
		count++;
	ck_assert(!conn_room(&f.conn, 1, &at, &end));
	ck_assert(!conn_reference(&f.conn, (struct span){stream, 10}, release, &released, stream));
	ck_assert_uint_eq(f.stack->counters.no_mbuf, 2);
	ck_assert_uint_eq(released, 0);
	conn_commit(&f.conn, NULL); /* nothing was written: nothing happens */
	rte_pktmbuf_free_bulk(taken, count);
	free(taken);
	close_conn(&f);
}
END_TEST

/* ---- receive ---- */

/* A frame with headers, payload stream[at .. at + len) and padding behind it. */
static struct rte_mbuf *
frame_of(uint32_t at, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	ck_assert_ptr_nonnull(m);
	uint8_t *bytes = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(HEADERS + len + 6));
	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 0xee, HEADERS + len + 6);
	memcpy(bytes + HEADERS, stream + at, len);
	return m;
}

/* What the TCP machine would accept of [at, at + len): its first run of bytes that are not here yet. */
static bool
accept_of(const uint8_t *here, uint32_t received, uint32_t at, uint32_t len, struct tcp_accept *a)
{
	memset(a, 0, sizeof(*a));
	while (len > 0 && here[at]) {
		at++;
		len--;
		a->skip++;
	}
	while (a->take < len && !here[at + a->take])
		a->take++;
	if (a->take == 0)
		return false;
	a->at = at - received;
	if (a->at == 0)
		for (a->ready = a->take;
		     received + a->ready < STREAM_SIZE && here[received + a->ready];)
			a->ready++;
	return true;
}

static uint32_t
read_some(struct conn *conn, struct prng *prng, uint32_t read, uint32_t received)
{
	uint32_t most = (uint32_t)prng_below(prng, received - read + 1);
	while (most > 0) {
		struct span span = conn_peek(conn);
		ck_assert_uint_gt(span.len, 0);
		ck_assert_mem_eq(span.at, stream + read, span.len);
		uint32_t n = span.len < most ? (uint32_t)span.len : most;
		conn_consume(conn, n);
		read += n;
		most -= n;
	}
	ck_assert_uint_eq(conn_unread(conn), received - read);
	return read;
}

START_TEST(segments_in_any_order_and_overlap_are_read_as_the_stream)
{
	static uint8_t here[STREAM_SIZE];
	struct prng prng;
	prng_seed(&prng, 12);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct fixture f;
		uint32_t received = 0, read = 0;
		memset(here, 0, sizeof(here));
		open_conn(&f, 1460);
		while (read < STREAM_SIZE) {
			uint32_t ahead =
				prng_below(&prng, 3) == 0 ? 0 : (uint32_t)prng_below(&prng, 20000);
			uint32_t at = received + ahead;
			at -= received > 300 ? (uint32_t)prng_below(&prng, 300) : 0;
			if (at >= STREAM_SIZE)
				at = received < STREAM_SIZE ? received : STREAM_SIZE - 1;
			uint32_t len = 1 + (uint32_t)prng_below(&prng, 1460);
			len = len < STREAM_SIZE - at ? len : STREAM_SIZE - at;
			struct tcp_accept a;
			if (accept_of(here, received, at, len, &a)) {
				memset(here + at + a.skip, 1, a.take);
				conn_keep(&f.conn, frame_of(at, len), HEADERS, &a);
				received += a.ready;
				f.conn.tcp.rcv_nxt += a.ready;
			}
			read = read_some(&f.conn, &prng, read, received);
		}
		ck_assert_ptr_null(f.conn.ooo_first);
		ck_assert_uint_eq(f.conn.ooo_count, 0);
		ck_assert_uint_eq(conn_peek(&f.conn).len, 0);
		close_conn(&f);
	}
}
END_TEST

START_TEST(tiny_segments_out_of_order_pin_as_many_mbufs_as_their_bytes_need)
{
	struct fixture f;
	open_conn(&f, 1460);
	for (uint32_t i = 0; i < 1000; i++) {
		struct tcp_accept a = {.take = 1, .at = 10 + i};
		conn_keep(&f.conn, frame_of(10 + i, 1), HEADERS, &a);
	}
	ck_assert_uint_le(f.conn.ooo_count, 2);
	ck_assert_uint_ge(rte_mempool_avail_count(pool), f.baseline - 2);
	struct tcp_accept first = {.take = 10, .ready = 1010};
	conn_keep(&f.conn, frame_of(0, 10), HEADERS, &first);
	ck_assert_uint_eq(conn_unread(&f.conn), 1010);
	struct prng prng;
	prng_seed(&prng, 1);
	for (uint32_t read = 0; read < 1010;)
		read = read_some(&f.conn, &prng, read, 1010);
	close_conn(&f);
}
END_TEST

int
main(void)
{
	struct prng prng;
	prng_seed(&prng, 10);
	for (uint32_t i = 0; i < STREAM_SIZE; i++)
		stream[i] = (uint8_t)prng_next(&prng);
	pool = eal_pool(POOL_MBUFS);
	if (pool == NULL)
		return 1;
	return RUN_CASES("conn", what_is_queued_by_any_mixture_of_calls_is_what_is_sent,
			 a_reference_is_released_once_also_when_the_connection_ends_first,
			 a_segment_that_is_exactly_one_chunk_is_found_and_no_other,
			 without_an_mbuf_a_window_is_refused_and_counted,
			 segments_in_any_order_and_overlap_are_read_as_the_stream,
			 tiny_segments_out_of_order_pin_as_many_mbufs_as_their_bytes_need);
}
