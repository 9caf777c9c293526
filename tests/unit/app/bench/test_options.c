/* tests/unit/app/bench/test_options.c - the options of a run. */
#include <stdio.h>
#include <string.h>

#include "app/bench/options.h"
#include "tests/unit/runner.h"

#define WORDS_MAX 64

static char error[BENCH_ERROR_MAX];

/* line: words separated by single spaces. */
static bool
read_line(struct bench_options *o, const char *line, bool stack)
{
	static char text[512];
	char *words[WORDS_MAX], *at = text;
	int count = 0;
	snprintf(text, sizeof(text), "%s", line);
	error[0] = '\0';
	while (*at != '\0') {
		words[count++] = at;
		at += strcspn(at, " ");
		if (*at == ' ')
			*at++ = '\0';
	}
	return bench_options_read(o, count, words, stack, error);
}

START_TEST(what_is_not_said_has_a_default)
{
	struct bench_options o;
	ck_assert(read_line(&o, "--ip 10.77.0.1/24 --server 10.77.0.2", true));
	ck_assert_uint_eq(o.ip, 0x0a4d0001);
	ck_assert_uint_eq(o.netmask, 0xffffff00);
	ck_assert_uint_eq(o.server, 0x0a4d0002);
	ck_assert_uint_eq(o.port, 6379);
	ck_assert_uint_eq(o.connections, 64);
	ck_assert_uint_eq(o.keys, 1000000);
	ck_assert_uint_eq(o.value_min, 64);
	ck_assert_uint_eq(o.value_max, 64);
	ck_assert_double_eq(o.get_share, 1);
	ck_assert_double_eq(o.seconds, 5);
	ck_assert(!o.load && !o.json && !o.quiet && !o.help);
}
END_TEST

START_TEST(every_option_is_read)
{
	struct bench_options o;
	ck_assert_msg(
		read_line(&o,
			  "--ip 10.0.0.1/8 --gateway 10.0.0.9 --mtu 9000 --server 10.1.0.2:7000 "
			  "--connections 3 --pipeline 5 --keys 7 --key-size 17 --value-size 3-900 "
			  "--mix 1:3 --rate 2.5 --seed 11 --seconds 0.5 --warm-up 0 --requests 13 "
			  "--load-only --json --quiet",
			  true),
		"%s", error);
	ck_assert_uint_eq(o.netmask, 0xff000000);
	ck_assert_uint_eq(o.gateway, 0x0a000009);
	ck_assert_uint_eq(o.mtu, 9000);
	ck_assert_uint_eq(o.port, 7000);
	ck_assert_uint_eq(o.connections, 3);
	ck_assert_uint_eq(o.pipeline, 5);
	ck_assert_uint_eq(o.keys, 7);
	ck_assert_uint_eq(o.key_size, 17);
	ck_assert_uint_eq(o.value_min, 3);
	ck_assert_uint_eq(o.value_max, 900);
	ck_assert_double_eq(o.get_share, 0.25);
	ck_assert_double_eq(o.rate, 2.5);
	ck_assert_uint_eq(o.seed, 11);
	ck_assert_double_eq(o.seconds, 0.5);
	ck_assert_double_eq(o.warm_up_seconds, 0);
	ck_assert_uint_eq(o.requests, 13);
	ck_assert(o.load && o.load_only && o.json && o.quiet);
}
END_TEST

START_TEST(what_is_wrong_is_refused_with_its_name)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"--ip 10.0.0.1/24",					      "--server is missing"},
		{"--server 10.0.0.2",					     "--ip is missing"    },
		{"--ip 10.0.0.1/24 --server 10.0.0.1",                            "same address"       },
		{"--ip 10.0.0.1/24 --server 10.0.1.1",                            "--gateway"          },
		{"--server 10.0.0.2 --threads 1",                                 "--threads"          },
		{"--server 10.0.0",					       "--server"           },
		{"--server 10.0.0.256",					   "--server"           },
		{"--server 10.0.0.2:0",					   "--server"           },
		{"--server 10.0.0.2:65536",                                       "--server"           },
		{"--server 10.0.0.2x",					    "--server"           },
		{"--ip 10.0.0.1/33 --server 10.0.0.2",                            "--ip"               },
		{"--ip 10.0.0.1/0 --server 10.0.0.2",                             "--ip"               },
		{"--server 10.0.0.2 --pipeline 0",                                "--pipeline"         },
		{"--server 10.0.0.2 --pipeline 4097",                             "--pipeline"         },
		{"--server 10.0.0.2 --pipeline 1.5",                              "--pipeline"         },
		{"--server 10.0.0.2 --pipeline 4x",                               "--pipeline"         },
		{"--server 10.0.0.2 --connections 200001",                        "--connections"      },
		{"--server 10.0.0.2 --key-size 15",                               "--key-size"         },
		{"--server 10.0.0.2 --key-size 251",                              "--key-size"         },
		{"--server 10.0.0.2 --value-size 0",                              "--value-size"       },
		{"--server 10.0.0.2 --value-size 9-8",                            "--value-size"       },
		{"--server 10.0.0.2 --value-size 1048577",                        "--value-size"       },
		{"--server 10.0.0.2 --mix 1",                                     "--mix"              },
		{"--ip 10.0.0.1/8 --server 10.0.0.2 --connections 9 --active 10", "--active"           },
		{"--ip 10.0.0.1/8 --server 10.0.0.2 --addresses 2",               "same address"       },
		{"--ip 10.0.0.1/8 --server 10.0.0.9 --addresses 17",              "--addresses"        },
		{"--server 10.0.0.2 --flood 0",                                   "--flood"            },
		{"--server 10.0.0.2 --mix 0:0",                                   "--mix"              },
		{"--server 10.0.0.2 --rate nan",                                  "--rate"             },
		{"--server 10.0.0.2 --seconds",                                   "--seconds"          },
		{"--server 10.0.0.2 --seconds 0",                                 "--seconds"          },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench_options o;
		ck_assert_msg(!read_line(&o, rows[i].line, true), "'%s' was taken", rows[i].line);
		ck_assert_msg(strstr(error, rows[i].says) != NULL, "'%s': '%s'", rows[i].line,
			      error);
	}
}
END_TEST

START_TEST(kernel_sockets_need_no_address_of_ours)
{
	struct bench_options o;
	ck_assert(read_line(&o, "--server 127.0.0.1:7000 --connections 60000", false));
	ck_assert(!read_line(&o, "--server 127.0.0.1 --flood 5", false));
	ck_assert(!read_line(&o, "--server 127.0.0.1 --ip 127.0.0.2/8", false));
	ck_assert_ptr_nonnull(strstr(error, "--ip"));
}
END_TEST

START_TEST(help_needs_nothing_else)
{
	struct bench_options o;
	ck_assert(read_line(&o, "--help", true));
	ck_assert(o.help);
	ck_assert_ptr_nonnull(strstr(bench_options_help, "--load"));
}
END_TEST

int
main(void)
{
	return RUN_CASES("options", what_is_not_said_has_a_default, every_option_is_read,
			 what_is_wrong_is_refused_with_its_name,
			 kernel_sockets_need_no_address_of_ours, help_needs_nothing_else);
}
