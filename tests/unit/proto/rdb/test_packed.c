/* tests/unit/proto/rdb/test_packed.c - listpacks, intsets and ziplists: every form, every truncation, every flipped bit. */
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rdb/intset.h"
#include "proto/rdb/listpack.h"
#include "proto/rdb/ziplist.h"

struct kind {
	const char *name;
	enum packed_status (*check)(struct span blob, uint32_t *count);
	bool (*next)(struct span blob, size_t *at, struct packed_entry *out);
};

static const struct kind listpack = {"listpack", listpack_check, listpack_next};
static const struct kind intset = {"intset", intset_check, intset_next};
static const struct kind ziplist = {"ziplist", ziplist_check, ziplist_next};

#define TEXT_SIZE 2048

/* All entries in words: strings in quotes, integers without; long strings by their length. */
static enum packed_status
describe(const struct kind *kind, struct span blob, char text[TEXT_SIZE])
{
	uint32_t count, seen = 0;
	size_t at = 0, len = 0;
	struct packed_entry entry;
	text[0] = '\0';
	/* A heap block of exactly its size, so that a sanitizer sees a step beyond. */
	uint8_t *copy = malloc(blob.len + (blob.len == 0));
	if (blob.len > 0)
		memcpy(copy, blob.at, blob.len);
	blob.at = copy;
	enum packed_status status = kind->check(blob, &count);
	while (status == PACKED_OK && kind->next(blob, &at, &entry)) {
		char digits[NUMBER_SIZE_MAX];
		struct span s = packed_text(&entry, digits);
		const char *quote = entry.is_integer ? "" : "'";
		if (len + 64 < TEXT_SIZE && s.len > 40)
			len += (size_t)snprintf(text + len, TEXT_SIZE - len, "(%zu) ", s.len);
		else if (len + 64 < TEXT_SIZE)
			len += (size_t)snprintf(text + len, TEXT_SIZE - len, "%s%.*s%s ", quote,
						(int)s.len, (const char *)s.at, quote);
		seen++;
	}
	if (status == PACKED_OK)
		ck_assert_uint_eq(seen, count);
	free(copy);
	return status;
}

struct example {
	const struct kind *kind;
	struct span blob;
	const char *expected;
};

/* Bytes in octal, as C's hexadecimal ones run into letters that follow. */
static const struct example examples[] = {
	{&listpack, SPAN("\007\000\000\000\000\000\377"),                                          ""            },
	{&listpack, SPAN("\014\000\000\000\002\000\201\146\002\001\001\377"),                      "'f' 1 "      },
	{&listpack, SPAN("\014\000\000\000\377\377\201\146\002\001\001\377"),                      "'f' 1 "      },
	{&listpack, SPAN("\015\000\000\000\003\000\000\001\177\001\200\001\377"),                  "0 127 '' "   },
	{&listpack,
	 SPAN("\023\000\000\000\004\000\337\377\002\300\200\002\317\377\002\320\000\002\377"),
	 "-1 128 4095 -4096 "										    },
	{&listpack,
	 SPAN("\031\000\000\000\004\000\361\000\200\003\362\377\377\177\004\362\000\000\200\004\361"
	      "\377\177\003\377"),
	 "-32768 8388607 -8388608 32767 "									},
	{&listpack,
	 SPAN("\041\000\000\000\003\000\363\000\000\000\200\005\364\000\000\000\000\000\000\000\200"
	      "\011\364\377\377\377\377\377\377\377\177\011\377"),
	 "-2147483648 -9223372036854775808 9223372036854775807 "                                                 },
	{&listpack,
	 SPAN("\217\001\000\000\003\000\277\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\100\340\100\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\102\341\000\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171"
	      "\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\171\002\202"
	      "\377"),
	 "(63) (64) (256) "										      },
	{&listpack,
	 SPAN("\023\000\000\000\002\000\340\001\170\003\360\002\000\000\000\170\171\007\377"),
	 "'x' 'xy' "											     },
	{&intset,   SPAN("\002\000\000\000\003\000\000\000\000\200\377\377\007\000"),              "-32768 -1 7 "},
	{&intset,   SPAN("\004\000\000\000\001\000\000\000\000\000\000\200"),                      "-2147483648 "},
	{&intset,
	 SPAN("\010\000\000\000\002\000\000\000\000\000\000\000\000\000\000\200\377\377\377\377\377"
	      "\377\377\177"),
	 "-9223372036854775808 9223372036854775807 "							     },
	{&ziplist,  SPAN("\013\000\000\000\012\000\000\000\000\000\377"),                          ""            },
	{&ziplist,  SPAN("\020\000\000\000\015\000\000\000\002\000\000\001\141\003\363\377"),
	 "'a' 2 "												},
	{&ziplist,  SPAN("\020\000\000\000\015\000\000\000\377\377\000\001\141\003\363\377"),
	 "'a' 2 "												},
	{&ziplist,
	 SPAN("\024\000\000\000\015\000\000\000\002\000\000\001\141\376\003\000\000\000\363\377"),
	 "'a' 2 "												},
	{&ziplist,
	 SPAN("\033\000\000\000\025\000\000\000\005\000\000\361\002\375\002\376\200\003\300\000\200"
	      "\004\360\377\377\177\377"),
	 "0 12 -128 -32768 8388607 "									     },
	{&ziplist,
	 SPAN("\035\000\000\000\032\000\000\000\003\000\000\320\000\000\000\200\006\340\000\000\000"
	      "\000\000\000\000\200\012\000\377"),
	 "-2147483648 -9223372036854775808 '' "								  },
	{&ziplist,
	 SPAN("\110\001\000\000\104\001\000\000\003\000\000\101\054\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170"
	      "\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\170\376\057"
	      "\001\000\000\200\000\000\000\001\172\013\100\000\377"),
	 "(300) 'z' '' "											 },
};
#define EXAMPLE_COUNT (sizeof(examples) / sizeof(examples[0]))

START_TEST(entries_of_every_form)
{
	char text[TEXT_SIZE];
	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		enum packed_status status = describe(examples[i].kind, examples[i].blob, text);
		ck_assert_msg(status == PACKED_OK && strcmp(text, examples[i].expected) == 0,
			      "%s %zu: %d %s", examples[i].kind->name, i, status, text);
	}
}
END_TEST

START_TEST(what_is_wrong_has_a_name)
{
	static const struct {
		const struct kind *kind;
		struct span blob;
		enum packed_status expected;
	} cases[] = {
		{&listpack, SPAN(""),								 PACKED_BAD_SIZE },
		{&listpack, SPAN("\014\000\000\000\002\000"),                                         PACKED_BAD_SIZE },
		{&listpack, SPAN("\014\000\000\000\002\000\201\146\002\001\001\377\377"),
		 PACKED_BAD_SIZE										      },
		{&listpack, SPAN("\011\000\000\000\002\000\001\001\377"),                             PACKED_BAD_COUNT},
		{&listpack, SPAN("\011\000\000\000\000\000\001\001\377"),                             PACKED_BAD_COUNT},
		{&listpack, SPAN("\012\000\000\000\001\000\365\001\000\377"),                         PACKED_BAD_ENTRY},
		{&listpack, SPAN("\012\000\000\000\001\000\205\170\001\377"),                         PACKED_BAD_ENTRY},
		{&listpack, SPAN("\012\000\000\000\001\000\364\170\001\377"),                         PACKED_BAD_ENTRY},
		{&listpack, SPAN("\016\000\000\000\001\000\360\377\377\377\377\170\005\377"),
		 PACKED_BAD_ENTRY										     },
		{&listpack, SPAN("\011\000\000\000\001\000\001\002\377"),                             PACKED_BAD_BACK },
		{&listpack, SPAN("\011\000\000\000\001\000\200\377\377"),                             PACKED_BAD_BACK },
		{&listpack, SPAN("\010\000\000\000\001\000\001\377"),                                 PACKED_BAD_BACK },
		{&listpack, SPAN("\011\000\000\000\001\000\001\001\000"),                             PACKED_BAD_END  },
		{&listpack, SPAN("\012\000\000\000\001\000\001\001\377\377"),                         PACKED_BAD_END  },
		{&intset,   SPAN("\002\000\000\000\001\000\000"),                                     PACKED_BAD_SIZE },
		{&intset,   SPAN("\002\000\000\000\002\000\000\000\001\000"),                         PACKED_BAD_SIZE },
		{&intset,   SPAN("\002\000\000\000\001\000\000\000\001\000\000"),                     PACKED_BAD_SIZE },
		{&intset,   SPAN("\010\000\000\000\000\000\000\040"),                                 PACKED_BAD_SIZE },
		{&intset,   SPAN("\003\000\000\000\001\000\000\000\001\000\000"),                     PACKED_BAD_ENTRY},
		{&intset,   SPAN("\000\000\000\000\000\000\000\000"),                                 PACKED_BAD_ENTRY},
		{&intset,   SPAN("\002\000\000\000\000\000\000\000"),                                 PACKED_BAD_COUNT},
		{&intset,   SPAN("\002\000\000\000\002\000\000\000\001\000\001\000"),
		 PACKED_BAD_ORDER										     },
		{&intset,   SPAN("\002\000\000\000\002\000\000\000\001\000\377\377"),
		 PACKED_BAD_ORDER										     },
		{&ziplist,  SPAN("\020\000\000\000\015\000\000\000\002\000\000\001\141\003\363"),
		 PACKED_BAD_SIZE										      },
		{&ziplist,  SPAN("\012\000\000\000\012\000\000\000\000\000"),                         PACKED_BAD_SIZE },
		{&ziplist,  SPAN("\015\000\000\000\012\000\000\000\000\000\000\361\377"),
		 PACKED_BAD_COUNT										     },
		{&ziplist,  SPAN("\015\000\000\000\012\000\000\000\001\000\000\301\377"),
		 PACKED_BAD_ENTRY										     },
		{&ziplist,
		 SPAN("\021\000\000\000\012\000\000\000\001\000\000\201\000\000\000\000\377"),
		 PACKED_BAD_ENTRY										     },
		{&ziplist,  SPAN("\016\000\000\000\012\000\000\000\001\000\000\005\170\377"),
		 PACKED_BAD_ENTRY										     },
		{&ziplist,
		 SPAN("\021\000\000\000\012\000\000\000\001\000\000\200\377\377\377\377\377"),
		 PACKED_BAD_ENTRY										     },
		{&ziplist,  SPAN("\017\000\000\000\014\000\000\000\002\000\000\361\003\362\377"),
		 PACKED_BAD_BACK										      },
		{&ziplist,  SPAN("\020\000\000\000\012\000\000\000\002\000\000\001\141\003\363\377"),
		 PACKED_BAD_BACK										      },
		{&ziplist,  SPAN("\020\000\000\000\015\000\000\000\002\000\000\001\141\003\363\000"),
		 PACKED_BAD_END										       },
	};
	char text[TEXT_SIZE];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum packed_status status = describe(cases[i].kind, cases[i].blob, text);
		ck_assert_msg(status == cases[i].expected, "%s %zu: %d", cases[i].kind->name, i,
			      status);
	}
}
END_TEST

/* Also where the size it names is made to fit. */
START_TEST(every_truncation_is_refused)
{
	char text[TEXT_SIZE];
	for (size_t i = 0; i < EXAMPLE_COUNT; i++)
		for (size_t len = 0; len < examples[i].blob.len; len++) {
			uint8_t copy[1024];
			memcpy(copy, examples[i].blob.at, len);
			ck_assert_int_ne(describe(examples[i].kind, (struct span){copy, len}, text),
					 PACKED_OK);
			if (examples[i].kind == &intset || len < 4)
				continue;
			memcpy(copy, &(uint32_t){(uint32_t)len}, 4);
			ck_assert_int_ne(describe(examples[i].kind, (struct span){copy, len}, text),
					 PACKED_OK);
		}
}
END_TEST

START_TEST(a_flipped_bit_is_refused_or_makes_another_blob_as_good)
{
	char text[TEXT_SIZE];
	for (size_t i = 0; i < EXAMPLE_COUNT; i++)
		for (size_t bit = 0; bit < examples[i].blob.len * 8; bit++) {
			uint8_t copy[1024];
			memcpy(copy, examples[i].blob.at, examples[i].blob.len);
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			/* describe() asserts that the entries are as many as check() said. */
			(void)describe(examples[i].kind, (struct span){copy, examples[i].blob.len},
				       text);
		}
}
END_TEST

int
main(void)
{
	return RUN_CASES("packed", entries_of_every_form, what_is_wrong_has_a_name,
			 every_truncation_is_refused,
			 a_flipped_bit_is_refused_or_makes_another_blob_as_good);
}
