/* app/env/eal.c - rte_eal_init() explains itself in many lines on a stream of its own; here they are kept, and the one that tells the
 * cause is matched with what to do about it.
 */
#include "app/env/eal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>

#define EAL_NOISE_MAX 8192

static const struct {
	const char *said; /* in EAL's own output */
	const char *means;
} causes[] = {
	{.said = "Cannot get hugepage information",
	 .means = "no hugepages: scripts/hugepages reserve 1024, or start with --no-huge -m 512"                    },
	{.said = "No free hugepages",
	 .means = "no free hugepages: scripts/hugepages reserve 1024, or start with --no-huge -m "
		  "512"											     },
	{.said = "Cannot init memory",
	 .means = "EAL cannot get its memory: scripts/hugepages reserve 1024, or start with "
		  "--no-huge -m 512"										},
	{.said = "Cannot create lock on",
	 .means = "another process uses this --file-prefix: stop it, or choose another "
		  "--file-prefix"										   },
	{.said = "Cannot open /dev/net/tun",
	 .means = "/dev/net/tun is missing or not allowed: modprobe tun, and run as root or with "
		  "CAP_NET_ADMIN"										   },
	{.said = "Unable to create TAP interface",
	 .means = "the tap cannot be created: is its iface= taken? run as root or with "
		  "CAP_NET_ADMIN"										   },
	{.said = "Could not open AF_PACKET",
	 .means = "packet sockets are not allowed: run as root or with CAP_NET_RAW"                                 },
	{.said = "SIOCGIFINDEX",                    .means = "the interface in --vdev is not there: see ip link"    },
	{.said = "backend set up fails",
	 .means = "nobody serves the vhost-user socket in --vdev: start the other end first"                        },
	{.said = "Unable to parse device",
	 .means = "EAL does not know the driver in --vdev: drivers-config/ has the names"                           },
	{.said = "failed to initialize",
	 .means = "a --vdev cannot be used: see its arguments in drivers-config/"                                   },
	{.said = "failed to create",
	 .means = "a --vdev cannot be created: see its arguments in drivers-config/"                                },
	{.said = "invalid core",                    .means = "-l or --lcores names a core that this machine has not"},
	{.said = "unrecognized option",             .means = "EAL does not know an option before \"--\""            },
	{.said = "Permission denied",
	 .means = "permission denied: run as root, or see drivers-config/README.md"                                 },
};

/* What EAL said is one of the known causes: what it means. */
static const char *
known_cause(const char *noise)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strstr(noise, causes[i].said) != NULL)
			return causes[i].means;
	return NULL;
}

static void
explain(const char *noise, int code, char error[EAL_ERROR_MAX])
{
	const char *cause = known_cause(noise);
	if (cause != NULL) {
		snprintf(error, EAL_ERROR_MAX, "EAL does not start: %s", cause);
		return;
	}
	const char *last = strrchr(noise, '\n');
	while (last != NULL && last > noise && last[1] == '\0')
		last = memrchr(noise, '\n', (size_t)(last - noise));
	snprintf(error, EAL_ERROR_MAX, "EAL does not start: %s (%.150s)", rte_strerror(code),
		 last != NULL ? last + 1 : noise);
	error[strcspn(error, "\n")] = '\0';
}

static int
find_lcores(struct eal_lcores *lcores, char error[EAL_ERROR_MAX])
{
	unsigned id;
	lcores->control = rte_get_main_lcore();
	lcores->data_count = 0;
	RTE_LCORE_FOREACH_WORKER (id) {
		if (lcores->data_count == EAL_DATA_LCORES_MAX) {
			snprintf(error, EAL_ERROR_MAX, "at most %d data lcores: give fewer to -l",
				 EAL_DATA_LCORES_MAX);
			return -E2BIG;
		}
		lcores->data[lcores->data_count++] = id;
	}
	if (lcores->data_count > 0)
		return 0;
	snprintf(
		error, EAL_ERROR_MAX,
		"two lcores are needed, control and data: -l 0,1, or --lcores 0@0,1@0 on one core");
	return -EINVAL;
}

/* EAL logs to a stream, and before its log is up to stderr: both end in one temporary file. */
static int
init_quietly(int argc, char **argv, char noise[EAL_NOISE_MAX])
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	if (file == NULL || saved < 0)
		return rte_eal_init(argc, argv);
	dup2(fileno(file), STDERR_FILENO);
	rte_openlog_stream(file);
	int taken = rte_eal_init(argc, argv);
	fflush(file);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rte_openlog_stream(stderr);
	rewind(file);
	size_t n = fread(noise, 1, EAL_NOISE_MAX - 1, file);
	noise[n] = '\0';
	fclose(file);
	return taken;
}

int
eal_start(int argc, char **argv, struct eal_lcores *lcores, char error[EAL_ERROR_MAX])
{
	char *noise = calloc(1, EAL_NOISE_MAX);
	if (noise == NULL)
		return -ENOMEM;
	int taken = init_quietly(argc, argv, noise);
	if (taken < 0)
		explain(noise, rte_errno, error);
	if (taken < 0) {
		free(noise);
		return -rte_errno;
	}
	int rc = find_lcores(lcores, error);
	if (rc == 0 && rte_eth_find_next(0) >= RTE_MAX_ETHPORTS) {
		const char *cause = known_cause(noise);
		snprintf(error, EAL_ERROR_MAX, "no port: %s",
			 cause != NULL ? cause
				       : "give EAL one that is there, e.g. --vdev "
					 "net_tap0,iface=dtap0 (drivers-config/)");
		rc = -ENODEV;
	}
	free(noise);
	if (rc < 0) {
		rte_eal_cleanup();
		return rc;
	}
	/* argv[taken] is what EAL left of the program's name; the options follow "--". */
	return taken + 1;
}
