/* tests/stress/stream.c - several appenders and readers of one stream (app/lcore/stream.h M1-M4).
 *
 * A record tells its lcore, its number among that lcore's, its length, and fills the rest with a byte made of these: whoever reads bytes
 * of two times, or half a record, sees it. Readers that are slow fall behind on purpose and begin again where records begin.
 */
#include "app/lcore/stream.h"

#include <sched.h>
#include <string.h>

#include "proto/base/prng.h"
#include "tests/stress/threads.h"

#define WRITERS    3
#define READERS    2
#define RECORDS    12000 /* of each writer; together several rounds of the ring */
#define HEAD       16
#define RECORD_MAX 700
#define PIECE      3000

struct run {
	struct stream stream;
	_Alignas(64) uint8_t ring[STREAM_SIZE_MIN];
	_Atomic unsigned writers_done;
	_Atomic uint64_t
		latest; /* offset behind some whole record: where who fell behind begins again */
	_Atomic uint64_t fast_at; /* where the reader is that tries to keep up */
	_Atomic uint64_t records_read, laps;
};

struct record {
	uint32_t mark, lcore, number, len;
};

static uint8_t
filling(const struct record *r, uint32_t i)
{
	return (uint8_t)(r->lcore * 31 + r->number * 7 + i);
}

static void
write_records(struct run *run, unsigned self)
{
	uint8_t bytes[RECORD_MAX];
	struct prng prng;
	prng_seed(&prng, self);
	for (uint32_t n = 0; n < RECORDS; n++) {
		struct record r = {.mark = 0x5ec04d, .lcore = self, .number = n};
		r.len = HEAD + (uint32_t)prng_below(&prng, RECORD_MAX - HEAD);
		memcpy(bytes, &r, HEAD);
		for (uint32_t i = HEAD; i < r.len; i++)
			bytes[i] = filling(&r, i);
		uint64_t behind = stream_append(&run->stream, self, (struct span){bytes, r.len});
		atomic_store(&run->latest, behind);
		/* One reader always finds something; the other is overtaken. */
		while (behind > atomic_load(&run->fast_at) + run->stream.size / 4 * 3)
			sched_yield();
	}
	atomic_fetch_add(&run->writers_done, 1);
}

struct reader {
	uint64_t at;
	int64_t last[WRITERS + 1]; /* number of the last record seen of each */
	uint8_t buffer[PIECE];
};

/* Checks the whole records of len bytes; answers their length. */
static size_t
check_records(struct run *run, struct reader *r, size_t len)
{
	size_t from = 0;
	while (len - from >= HEAD) {
		struct record record;
		memcpy(&record, r->buffer + from, HEAD);
		THREADS_CHECK(record.mark == 0x5ec04d && record.lcore >= 1 &&
			      record.lcore <= WRITERS);
		THREADS_CHECK(record.len >= HEAD && record.len < RECORD_MAX);
		if (record.len > len - from)
			break;
		for (uint32_t i = HEAD; i < record.len; i++)
			THREADS_CHECK(r->buffer[from + i] == filling(&record, i));
		int64_t *last = &r->last[record.lcore];
		THREADS_CHECK(*last == -1 || (int64_t)record.number == *last + 1); /* M1 */
		*last = record.number;
		from += record.len;
		atomic_fetch_add(&run->records_read, 1);
	}
	return from;
}

static void
begin_again(struct run *run, struct reader *r)
{
	r->at = atomic_load(&run->latest);
	for (unsigned i = 1; i <= WRITERS; i++)
		r->last[i] = -1; /* what comes next is not known */
	atomic_fetch_add(&run->laps, 1);
}

static void /* NOLINTNEXTLINE(readability-function-size): each check is a level of its macro */
read_records(struct run *run, unsigned self)
{
	struct reader r = {.at = 0};
	struct prng prng;
	prng_seed(&prng, self);
	for (unsigned i = 1; i <= WRITERS; i++)
		r.last[i] = -1;
	for (;;) {
		bool over = atomic_load(&run->writers_done) == WRITERS;
		uint64_t committed = stream_committed(&run->stream);
		size_t len = committed > r.at ? (size_t)(committed - r.at) : 0;
		len = len < PIECE ? len : PIECE;
		/* Half of the readers stay at the oldest end, where overwriting happens. */
		uint64_t lag = committed - r.at;
		if (self % 2 == 0 && !over && lag < run->stream.size - 2 * PIECE) {
			sched_yield();
			continue;
		}
		if (len > 0 && !stream_read(&run->stream, r.at, r.buffer, len)) {
			THREADS_CHECK(r.at <
				      stream_oldest(&run->stream)); /* M3: not without cause */
			begin_again(run, &r);
			continue;
		}
		size_t whole = check_records(run, &r, len);
		r.at += whole;
		if (self % 2 != 0)
			atomic_store(&run->fast_at, r.at);
		if (over && whole == 0)
			break;
	}
	THREADS_CHECK(r.at ==
		      stream_end(&run->stream)); /* everything was committed, in whole records */
}

static void
body(void *owner, unsigned self)
{
	if (self <= WRITERS)
		write_records(owner, self);
	else
		read_records(owner, self);
}

/* ---- M4: a writer that lost its core in the middle ---- */

struct lap {
	struct stream stream;
	_Alignas(64) uint8_t ring[STREAM_SIZE_MIN];
	_Atomic bool filled;
};

#define SLOW_LEN 1000u

/* Lcore 1 stands in stream_append() between its add and its bytes; lcore 2 comes round the ring. */
static void
lap_body(void *owner, unsigned self)
{
	static uint8_t bytes[STREAM_SIZE_MIN / 2];
	struct lap *lap = owner;
	if (self == 2) {
		for (unsigned i = 0; i < 2; i++)
			stream_append(&lap->stream, 2, (struct span){bytes, sizeof(bytes)});
		atomic_store(&lap->filled, true);
		return;
	}
	while (stream_end(&lap->stream) < SLOW_LEN + lap->stream.size)
		sched_yield();
	for (unsigned i = 0; i < 50; i++) { /* were it not held up, it would be through by then */
		usleep(10000);
		THREADS_CHECK(!atomic_load(&lap->filled));
	}
	THREADS_CHECK(stream_committed(&lap->stream) == 0);
	atomic_store(&lap->stream.writing[1].from, UINT64_MAX);
}

int
main(void)
{
	static struct run run;
	static struct lap lap;
	stream_init(&run.stream, run.ring, sizeof(run.ring));
	threads_run(&run, WRITERS + READERS, body);
	THREADS_CHECK(atomic_load(&run.records_read) > 0);
	printf("%lu records read, %lu times fallen behind\n", atomic_load(&run.records_read),
	       atomic_load(&run.laps));
	stream_init(&lap.stream, lap.ring, sizeof(lap.ring));
	atomic_store(&lap.stream.writing[1].from, 0);
	atomic_store(&lap.stream.end, SLOW_LEN);
	threads_run(&lap, 2, lap_body);
	THREADS_CHECK(stream_committed(&lap.stream) == stream_end(&lap.stream));
	return 0;
}
