/* app/bench/options.h - what a run is asked to do. Start-up only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define BENCH_ERROR_MAX       256
#define BENCH_CONNECTIONS_MAX 200000
#define BENCH_ADDRESSES_MAX   16
#define BENCH_PIPELINE_MAX    4096
#define BENCH_KEY_SIZE_MIN    16 /* sixteen hexadecimal digits name a key */
#define BENCH_KEY_SIZE_MAX    250
#define BENCH_VALUE_SIZE_MAX  (1u << 20)

struct bench_options {
	uint32_t ip, netmask, gateway; /* host order; ours. Not for kernel sockets */
	uint16_t mtu;
	uint32_t server;
	uint16_t port;
	uint32_t connections, pipeline;
	uint32_t
		addresses; /* of ours, from ip on: connections take turns. Not for kernel sockets */
	uint32_t active;   /* so many of the connections send, drawn anew each second; 0: all */
	double flood; /* SYNs per second from strangers, beside the load; 0: none. Not for kernel sockets */
	uint32_t keys, key_size, value_min, value_max;
	double get_share; /* of the requests; the others are SET */
	double rate;      /* requests per second that are due: open loop. 0: closed loop */
	uint64_t seed;
	double seconds, warm_up_seconds;
	uint64_t requests; /* 0: until seconds have passed */
	bool load;         /* SET every key once, first */
	bool load_only;
	bool quiet; /* no progress */
	bool json;  /* standard output has the JSON object instead of the text */
	bool help;
};

/* stack: on our own stack, which needs an address. False: one clear line in error. */
bool bench_options_read(struct bench_options *o, int argc, char **argv, bool stack,
			char error[BENCH_ERROR_MAX]);
/* The text of the OPTIONS. */
extern const char bench_options_help[];
