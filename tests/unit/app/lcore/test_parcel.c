/* tests/unit/app/lcore/test_parcel.c - replies inline, in parts and by reference: the same bytes as into one buffer, and all memory back.
 *
 * A script of random replies is written twice: into a parcel, and into a flat buffer. Then again with every single allocation refused.
 */
#include "app/lcore/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/prng.h"
#include "tests/unit/app/store/limited.h"
#include "tests/unit/runner.h"

#define FLAT_MAX    ((size_t)1 << 20)
#define REPLIES_MAX 24
#define SEEDS       60
#define BULK_MAX    40000

static struct limited home, server; /* memory of the two lcores */
static uint8_t bytes[BULK_MAX], flat[FLAT_MAX], found[FLAT_MAX];
static unsigned referenced, released;

static void
release(void *owner, void *object)
{
	ck_assert_ptr_eq(owner, &released);
	ck_assert_ptr_eq(object, bytes);
	released++;
}

static bool
flat_room(struct resp_writer *w, size_t need)
{
	if (w->at == NULL) {
		w->at = flat;
		w->end = flat + sizeof(flat);
	}
	return (size_t)(w->end - w->at) >= need;
}

static void
write_script(struct resp_writer *w, uint64_t seed, bool count)
{
	struct prng prng;
	prng_seed(&prng, seed);
	for (uint64_t left = prng_below(&prng, REPLIES_MAX); left > 0; left--) {
		size_t len = prng_below(&prng, seed % 3 == 0 ? BULK_MAX : 600);
		struct span span = {bytes, len};
		switch (prng_below(&prng, 4)) {
		case 0:
			resp_integer(w, (int64_t)len);
			break;
		case 1:
			resp_bulk(w, span);
			break;
		case 2:
			resp_array(w, 1);
			resp_simple(w, "in an array");
			break;
		default:
			referenced += count;
			resp_bulk_reference(w, span, release, &released, bytes);
			break;
		}
	}
}

static size_t
flat_script(uint64_t seed)
{
	static const struct resp_sink sink = {flat_room, NULL};
	struct resp_writer w = {.sink = &sink, .protocol = 2};
	write_script(&w, seed, false);
	ck_assert(!w.failed);
	return w.at == NULL ? 0 : (size_t)(w.at - flat);
}

/* What the parcel carries, in order; gives its parts back. */
static size_t
unpack(struct parcel *p, unsigned *parts)
{
	size_t len = p->inline_len;
	ck_assert_uint_le(len, PARCEL_INLINE);
	memcpy(found, p->bytes, len);
	*parts = 0;
	for (struct parcel_part *part = p->parts.first; part != NULL;) {
		struct parcel_part *next = part->next;
		ck_assert_uint_eq(part->lcore, 3);
		ck_assert_uint_le(len + part->bytes.len, FLAT_MAX);
		if (part->bytes.len > 0)
			memcpy(found + len, part->bytes.at, part->bytes.len);
		len += part->bytes.len;
		ck_assert(next != NULL || p->parts.last == part);
		parcel_part_free(part);
		part = next;
		(*parts)++;
	}
	return len;
}

static void
setup(void)
{
	limited_init(&home);
	limited_init(&server);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)('a' + i % 23);
	referenced = released = 0;
}

static void
check_memory(void)
{
	ck_assert_uint_eq(home.table.used, 0);
	ck_assert_uint_eq(server.table.used, 0);
	ck_assert_uint_eq(released, referenced);
}

START_TEST(a_parcel_carries_what_was_written)
{
	setup();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		unsigned parts;
		size_t expected = flat_script(seed);
		referenced = released = 0;
		struct parcel *p = parcel_create(&home.table, 1);
		ck_assert_ptr_nonnull(p);
		p->session.protocol = 2;
		parcel_open(p, 3, &server.table);
		write_script(&p->writer, seed, true);
		parcel_close(p);
		ck_assert(!p->writer.failed);
		ck_assert_uint_eq(unpack(p, &parts), expected);
		ck_assert(expected == 0 || memcmp(found, flat, expected) == 0);
		parcel_free(&home.table, p);
		check_memory();
	}
}
END_TEST

START_TEST(a_parcel_that_gets_no_memory_says_so_and_leaks_none)
{
	setup();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		size_t expected = flat_script(seed);
		for (uint64_t refused = 1;; refused++) {
			unsigned parts;
			referenced = released = 0;
			struct parcel *p = parcel_create(&home.table, 1);
			p->session.protocol = 2;
			server.refuse_in = refused;
			parcel_open(p, 3, &server.table);
			write_script(&p->writer, seed, true);
			parcel_close(p);
			bool failed = p->writer.failed, reached = server.refuse_in == 0;
			server.refuse_in = 0;
			size_t len = unpack(p, &parts);
			ck_assert_uint_le(len, expected); /* never more than the beginning of it */
			ck_assert(len == 0 || memcmp(found, flat, len) == 0);
			ck_assert(failed == reached);
			ck_assert(failed || len == expected);
			parcel_free(&home.table, p);
			check_memory();
			if (!reached)
				break;
		}
	}
}
END_TEST

START_TEST(small_replies_need_no_part)
{
	setup();
	for (size_t len = 1; len <= 2 * PARCEL_INLINE; len++) {
		unsigned parts;
		struct parcel *p = parcel_create(&home.table, 1);
		p->session.protocol = 2;
		parcel_open(p, 3, &server.table);
		resp_raw(&p->writer, (struct span){bytes, len});
		parcel_close(p);
		ck_assert_uint_eq(unpack(p, &parts), len);
		ck_assert_msg(parts == (len > PARCEL_INLINE), "%zu bytes: %u parts", len, parts);
		parcel_free(&home.table, p);
	}
	check_memory();
}
END_TEST

START_TEST(a_parcel_is_full_at_its_limits)
{
	struct span words[PARCEL_ARGS_MAX + 2];
	struct session session = {.id = 1};
	struct call call = {.session = &session, .argv = words, .argc = 1};
	setup();
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = (struct span){bytes, i};
	struct parcel *p = parcel_create(&home.table, 1);
	for (unsigned i = 0; i < CALL_BATCH_MAX; i++)
		ck_assert(parcel_add(p, &call));
	ck_assert(!parcel_add(p, &call)); /* calls */
	ck_assert_ptr_eq(p->calls[CALL_BATCH_MAX - 1].session, &p->session);
	ck_assert_ptr_eq(p->calls[CALL_BATCH_MAX - 1].argv, &p->args[CALL_BATCH_MAX - 1]);
	parcel_free(&home.table, p);
	p = parcel_create(&home.table, 1);
	call.argc = PARCEL_ARGS_MAX - 1;
	ck_assert(parcel_add(p, &call));
	call.argc = 2;
	ck_assert(!parcel_add(p, &call)); /* arguments */
	call.argc = 1;
	ck_assert(parcel_add(p, &call));
	ck_assert(!parcel_add(p, &call));
	parcel_free(&home.table, p);
	call.argc = PARCEL_ARGS_MAX + 2;
	p = parcel_create(&home.table, call.argc); /* more than others hold: it travels alone */
	ck_assert(parcel_add(p, &call));
	for (uint32_t i = 0; i < call.argc; i++)
		ck_assert_uint_eq(p->calls[0].argv[i].len, i);
	parcel_free(&home.table, p);
	home.refuse_all = true;
	ck_assert_ptr_null(parcel_create(&home.table, 1));
	check_memory();
}
END_TEST

int
main(void)
{
	return RUN_CASES("parcel", a_parcel_carries_what_was_written, small_replies_need_no_part,
			 a_parcel_is_full_at_its_limits,
			 a_parcel_that_gets_no_memory_says_so_and_leaks_none);
}
