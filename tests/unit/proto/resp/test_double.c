/* tests/unit/proto/resp/test_double.c - "%.17g", checked against the C library's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/prng.h"
#include "proto/resp/double.h"
#include "tests/unit/runner.h"

#define SEED         20240229
#define RANDOM_COUNT 60000

static const char *
format(double value)
{
	static char text[DOUBLE_TEXT_MAX + 1];
	memset(text, '#', sizeof(text));
	size_t len = double_format(value, text);
	ck_assert_uint_le(len, DOUBLE_TEXT_MAX);
	text[len] = '\0';
	return text;
}

START_TEST(doubles_are_written_as_redis_7_0_writes_them)
{
	static const struct {
		double value;
		const char *expected; /* ZSCORE of redis-server 7.0.15 */
	} lines[] = {
		{0,		       "0"		       },
		{-0.0,                    "-0"                      },
		{1,		       "1"		       },
		{-1,		      "-1"                      },
		{1.5,                     "1.5"                     },
		{3.14,                    "3.1400000000000001"      },
		{0.1,                     "0.10000000000000001"     },
		{0.1 + 0.2,               "0.30000000000000004"     },
		{100,                     "100"                     },
		{2.5e10,                  "25000000000"             },
		{1e15,                    "1000000000000000"        },
		{9007199254740991,        "9007199254740991"        },
		{9007199254740992,        "9007199254740992"        },
		{1e16,                    "10000000000000000"       },
		{99999999999999984.0,     "99999999999999984"       },
		{1e17,                    "1e+17"                   },
		{1e20,                    "1e+20"                   },
		{4611686018427387904.0,   "4.6116860184273879e+18"  },
		{-9223372036854775808.0,  "-9.2233720368547758e+18" },
		{1e300,                   "1.0000000000000001e+300" },
		{1.7976931348623157e308,  "1.7976931348623157e+308" },
		{-1.7976931348623157e308, "-1.7976931348623157e+308"},
		{0.0001,                  "0.0001"                  },
		{0.00001,                 "1.0000000000000001e-05"  },
		{-0.5,                    "-0.5"                    },
		{5e-324,                  "4.9406564584124654e-324" },
		{2.2250738585072014e-308, "2.2250738585072014e-308" },
		{INFINITY,                "inf"                     },
		{-INFINITY,               "-inf"                    },
		{NAN,                     "nan"                     },
		{-NAN,                    "nan"                     },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_str_eq(format(lines[i].value), lines[i].expected);
}
END_TEST

static void
check_against_library(double value)
{
	char expected[64];
	snprintf(expected, sizeof(expected), "%.17g", value);
	ck_assert_str_eq(format(value), expected);
}

START_TEST(halves_are_rounded_to_even)
{
	static const struct {
		double value;
		const char *expected;
	} lines[] = {
		{1125899906842624.25,  "1125899906842624.2" },
		{1125899906842624.75,  "1125899906842624.8" },
		{562949953421312.125,  "562949953421312.12" },
		{562949953421312.375,  "562949953421312.38" },
		{-562949953421312.375, "-562949953421312.38"},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		check_against_library(lines[i].value);
		ck_assert_str_eq(format(lines[i].value), lines[i].expected);
	}
}
END_TEST

START_TEST(powers_of_two_and_ten_agree_with_the_library)
{
	for (int e = -1074; e <= 1023; e++) {
		check_against_library(ldexp(1, e));
		check_against_library(nextafter(ldexp(1, e), 0));
		check_against_library(-nextafter(ldexp(1, e), INFINITY));
	}
	for (int e = -323; e <= 308; e++) {
		check_against_library(pow(10, e));
		check_against_library(nextafter(pow(10, e), 0));
	}
}
END_TEST

START_TEST(random_doubles_agree_with_the_library)
{
	struct prng prng;
	prng_seed(&prng, SEED);
	for (int i = 0; i < RANDOM_COUNT; i++) {
		uint64_t bits = prng_next(&prng);
		double value;
		memcpy(&value, &bits, sizeof(value));
		if (isnan(value))
			continue;
		check_against_library(value);
		check_against_library((double)(int64_t)prng_next(&prng) /
				      (double)(1ull << prng_below(&prng, 64)));
		check_against_library((double)prng_below(&prng, 10000000) / 1000);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES("resp double", doubles_are_written_as_redis_7_0_writes_them,
			 halves_are_rounded_to_even, powers_of_two_and_ten_agree_with_the_library,
			 random_doubles_agree_with_the_library);
}
