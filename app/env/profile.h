/* app/env/profile.h - what is known of a driver beyond what its device reports: one file of drivers-config/, as values.
 *
 *     drivers-config/<name>.conf --profile_find()--> text --profile_parse()--> struct profile --> port_plan()
 *
 * P1  A file states every directive once: what it leaves out is a refusal, not a default that nobody sees.
 * P2  A profile can only narrow what a device reports: an offload that the device lacks stays off.
 * Grammar as redis.conf's: a name, then words, one directive a line; # begins a comment line.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_NAME_MAX  32
#define PROFILE_NOTE_MAX  96
#define PROFILE_ERROR_MAX 256
#define PROFILE_RING_MAX  32768
#define PROFILE_MTU_MAX   9600

struct profile {
	char driver[PROFILE_NAME_MAX];    /* as rte_eth_dev_info reports it; "any" fits all */
	char tested_on[PROFILE_NOTE_MAX]; /* "nothing yet" where that is so */
	bool adaptive;                    /* idle-mode, where the configuration leaves it open */
	bool rx_interrupts;               /* its descriptors wake epoll; without, adaptive naps */
	bool mac_apart; /* the kernel's side of the device has the port's own MAC: take another */
	bool rss;       /* takes an RSS mq_mode; without, flows are handed over in software */
	uint16_t rx_ring, tx_ring;         /* wanted; the device's limits come first */
	uint16_t queues_max;               /* 0: as many as the device has */
	uint16_t mtu_max;                  /* 0: what the device reports */
	uint64_t rx_offloads, tx_offloads; /* RTE_ETH_*_OFFLOAD_*: those that may be used */
};

enum profile_result {
	PROFILE_OK,
	PROFILE_ABSENT,     /* no such file */
	PROFILE_UNREADABLE, /* there, but it cannot be read, or is longer than any profile */
	PROFILE_UNKNOWN,    /* a directive that no profile has */
	PROFILE_BAD_VALUE,
	PROFILE_TWICE,      /* a directive is stated twice */
	PROFILE_INCOMPLETE, /* a directive is missing (P1) */
	PROFILE_MISMATCH,   /* it is another driver's */
	PROFILE_RESULT_COUNT,
};

/* For a driver that has no file: small rings, nothing but what every device can do. */
void profile_default(struct profile *profile, const char *driver);
/* Pure. *line: where it failed, 0 for the whole. error: one clear line on anything but PROFILE_OK. */
enum profile_result profile_parse(struct profile *profile, const char *text, size_t len, int *line,
				  char error[PROFILE_ERROR_MAX]);
/* dir "": where the build or the installation put drivers-config/. name "": the driver's own; if that has no file, *profile is the
 * default and the result PROFILE_ABSENT, which the caller may take. Start-up only: reads a file. */
enum profile_result profile_find(struct profile *profile, const char *dir, const char *name,
				 const char *driver, char error[PROFILE_ERROR_MAX]);
