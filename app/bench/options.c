/* app/bench/options.c - "--name value" pairs from a table; whoever adds an option adds one row, and a line to the help. */
#include "app/bench/options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char bench_options_help[] =
	"  --server 10.77.0.2[:6379]  whom to ask (required)\n"
	"  --connections 64           connections\n"
	"  --active N                 only N of them send, drawn anew each second\n"
	"  --addresses 1              of ours, from --ip on; one has about 28 000 ports\n"
	"  --flood R                  beside it, R SYNs per second from addresses in "
	"198.18.0.0/15 that never\n"
	"                             go on; the server needs --gateway, to have a way back\n"
	"  --pipeline 1               requests sent together on each; the next ones go when all "
	"are answered\n"
	"  --rate R                   open loop: R requests per second are due, evenly; at most "
	"--pipeline\n"
	"                             unanswered per connection; latency counts from when one was "
	"due\n"
	"  --seconds 5                measured time; or --requests N\n"
	"  --warm-up 0.2              seconds of the same before it\n"
	"  --load                     first SET every key once; --load-only: nothing else\n"
	"  --keys 1000000             size of the key range, random keys of it\n"
	"  --key-size 16              bytes\n"
	"  --value-size 64            bytes, or a range, e.g. 16-1024: each key has its own size\n"
	"  --mix 100:0                GET:SET\n"
	"  --seed 1                   the same seed asks for the same keys\n"
	"  --json                     one JSON object instead of text\n"
	"  --quiet                    no line per second on standard error\n"
	"\n"
	"Error replies, -MOVED among them, and missing keys are counted. A wrong, broken or "
	"missing reply\n"
	"fails the run: exit status 1.\n";

enum kind { FLAG, U16, U32, U64, REAL, ADDRESS, CIDR, SERVER, SIZES, MIX };

struct option {
	const char *name;
	size_t offset;
	double min, max;
	enum kind kind;
	bool stack_only;
};

#define AT(member) offsetof(struct bench_options, member)
static const struct option options[] = {
	{"--help",        AT(help),            0,                  0,                     FLAG,    false},
	{"--ip",          AT(ip),              0,                  0,                     CIDR,    true },
	{"--gateway",     AT(gateway),         0,                  0,                     ADDRESS, true },
	{"--mtu",         AT(mtu),             576,                9216,                  U16,     true },
	{"--server",      AT(server),          0,                  0,                     SERVER,  false},
	{"--connections", AT(connections),     1,                  BENCH_CONNECTIONS_MAX, U32,     false},
	{"--active",      AT(active),          1,                  BENCH_CONNECTIONS_MAX, U32,     false},
	{"--addresses",   AT(addresses),       1,                  BENCH_ADDRESSES_MAX,   U32,     true },
	{"--flood",       AT(flood),           1,                  1e8,                   REAL,    true },
	{"--pipeline",    AT(pipeline),        1,                  BENCH_PIPELINE_MAX,    U32,     false},
	{"--keys",        AT(keys),            1,                  4e9,                   U32,     false},
	{"--key-size",    AT(key_size),        BENCH_KEY_SIZE_MIN, BENCH_KEY_SIZE_MAX,    U32,     false},
	{"--value-size",  AT(value_min),       1,                  BENCH_VALUE_SIZE_MAX,  SIZES,   false},
	{"--mix",         AT(get_share),       0,                  1e9,                   MIX,     false},
	{"--rate",        AT(rate),            1,                  1e9,                   REAL,    false},
	{"--seed",        AT(seed),            0,                  1e18,                  U64,     false},
	{"--seconds",     AT(seconds),         0.01,               86400,                 REAL,    false},
	{"--warm-up",     AT(warm_up_seconds), 0,                  86400,                 REAL,    false},
	{"--requests",    AT(requests),        1,                  1e18,                  U64,     false},
	{"--load",        AT(load),            0,                  0,                     FLAG,    false},
	{"--load-only",   AT(load_only),       0,                  0,                     FLAG,    false},
	{"--json",        AT(json),            0,                  0,                     FLAG,    false},
	{"--quiet",       AT(quiet),           0,                  0,                     FLAG,    false},
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* A number that ends at *end, within the option's range. */
static bool
read_number(const struct option *option, const char *text, double *out, char **end)
{
	errno = 0;
	*out = strtod(text, end);
	return *end != text && errno == 0 && isfinite(*out) && *out >= option->min &&
	       *out <= option->max;
}

static bool
read_address(const char *text, uint32_t *out, const char **end)
{
	uint32_t address = 0;
	for (unsigned i = 0; i < 4; i++) {
		char *after;
		unsigned long byte = strtoul(text, &after, 10);
		if (*text < '0' || *text > '9' || byte > 255 || (i < 3 && *after != '.'))
			return false;
		address = address << 8 | (uint32_t)byte;
		text = i < 3 ? after + 1 : after;
	}
	*out = address;
	*end = text;
	return true;
}

/* address[mark number], the number within [1, max]. */
static bool
read_address_and(const char *text, char mark, unsigned long max, uint32_t *address,
		 unsigned long *number)
{
	const char *at;
	char *end;
	if (!read_address(text, address, &at))
		return false;
	if (*at == '\0')
		return true;
	if (*at != mark)
		return false;
	*number = strtoul(at + 1, &end, 10);
	return at[1] >= '0' && at[1] <= '9' && *end == '\0' && *number >= 1 && *number <= max;
}

static bool
read_sizes(struct bench_options *o, const struct option *option, const char *text)
{
	double min, max;
	char *end;
	if (!read_number(option, text, &min, &end))
		return false;
	max = min;
	if (*end == '-' && !read_number(option, end + 1, &max, &end))
		return false;
	o->value_min = (uint32_t)min;
	o->value_max = (uint32_t)max;
	return *end == '\0' && min <= max;
}

static bool
read_mix(struct bench_options *o, const struct option *option, const char *text)
{
	double get, set;
	char *end;
	if (!read_number(option, text, &get, &end) || *end != ':' ||
	    !read_number(option, end + 1, &set, &end) || *end != '\0' || get + set <= 0)
		return false;
	o->get_share = get / (get + set);
	return true;
}

static bool
read_scalar(void *field, const struct option *option, const char *text)
{
	double number;
	char *end;
	if (!read_number(option, text, &number, &end) || *end != '\0')
		return false;
	if (option->kind == U16)
		*(uint16_t *)field = (uint16_t)number;
	else if (option->kind == U32)
		*(uint32_t *)field = (uint32_t)number;
	else if (option->kind == U64)
		*(uint64_t *)field = (uint64_t)number;
	else
		*(double *)field = number;
	return option->kind == REAL || number == floor(number);
}

static bool
read_value(struct bench_options *o, const struct option *option, const char *text)
{
	unsigned long number = 24;
	const char *end;
	void *field = (char *)o + option->offset;
	switch (option->kind) {
	case ADDRESS:
		return read_address(text, (uint32_t *)field, &end) && *end == '\0';
	case CIDR:
		if (!read_address_and(text, '/', 32, &o->ip, &number))
			return false;
		o->netmask = UINT32_MAX << (32 - number);
		return true;
	case SERVER:
		number = o->port;
		if (!read_address_and(text, ':', UINT16_MAX, &o->server, &number))
			return false;
		o->port = (uint16_t)number;
		return true;
	case SIZES:
		return read_sizes(o, option, text);
	case MIX:
		return read_mix(o, option, text);
	case FLAG:
	case U16:
	case U32:
	case U64:
	case REAL:
		break;
	}
	return read_scalar(field, option, text);
}

static const struct option *
find(const char *name, bool stack)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].name, name) == 0 && (stack || !options[i].stack_only))
			return &options[i];
	return NULL;
}

static bool
check(const struct bench_options *o, bool stack, char error[BENCH_ERROR_MAX])
{
	const char *what = NULL;
	if (o->server == 0)
		what = "--server is missing, e.g. --server 10.77.0.2:6379";
	else if (stack && o->ip == 0)
		what = "--ip is missing: our own address, e.g. --ip 10.77.0.1/24";
	else if (stack && o->server - o->ip < o->addresses)
		what = "--ip and --server are the same address";
	else if (o->active > o->connections)
		what = "--active is more than --connections";
	else if (stack && ((o->ip ^ o->server) & o->netmask) != 0 && o->gateway == 0)
		what = "--server is outside the network of --ip: give --gateway";
	if (what != NULL)
		snprintf(error, BENCH_ERROR_MAX, "%s", what);
	return what == NULL;
}

bool
bench_options_read(struct bench_options *o, int argc, char **argv, bool stack,
		   char error[BENCH_ERROR_MAX])
{
	*o = (struct bench_options){
		.port = 6379,
		.connections = 64,
		.addresses = 1,
		.pipeline = 1,
		.keys = 1000000,
		.key_size = 16,
		.value_min = 64,
		.value_max = 64,
		.get_share = 1,
		.seed = 1,
		.seconds = 5,
		.warm_up_seconds = 0.2,
	};
	for (int i = 0; i < argc; i++) {
		const struct option *option = find(argv[i], stack);
		if (option == NULL) {
			snprintf(error, BENCH_ERROR_MAX, "unknown option '%.60s': see --help",
				 argv[i]);
			return false;
		}
		if (option->kind == FLAG) {
			*((bool *)o + option->offset) = true;
			continue;
		}
		if (++i == argc || !read_value(o, option, argv[i])) {
			snprintf(error, BENCH_ERROR_MAX,
				 "%s: '%.60s' is no value for it: see --help", option->name,
				 i < argc ? argv[i] : "");
			return false;
		}
	}
	o->load |= o->load_only;
	return o->help || check(o, stack, error);
}
