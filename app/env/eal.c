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
	{"Cannot get hugepage information",
	 "no hugepages: run scripts/hugepages --reserve 1024, or start with --no-huge -m 512"                                  },
	{"No free hugepages",
	 "no free hugepages: run scripts/hugepages --reserve 1024, or start with --no-huge -m 512"                             },
	{"Cannot init memory",
	 "EAL cannot get its memory: run scripts/hugepages --reserve 1024, or start with --no-huge "
	 "-m 512"													      },
	{"Cannot create lock on",
	 "another process uses this --file-prefix: stop it, or choose another --file-prefix"                                   },
	{"Cannot open /dev/net/tun",
	 "/dev/net/tun is missing or not allowed: modprobe tun, and run as root or with "
	 "CAP_NET_ADMIN"												       },
	{"Unable to create TAP interface",  "the tap interface cannot be created: is its name "
					   "taken? run as root or with CAP_NET_ADMIN"},
	{"failed to create",                "a --vdev cannot be created: see its arguments in drivers-config/"                 },
	{"invalid core",                    "-l or --lcores names a core that this machine has not"                            },
	{"unrecognized option",             "EAL does not know an option before \"--\""                                        },
	{"Permission denied",               "permission denied: run as root, or see drivers-config/README.md"                  },
};

static void
explain(const char *noise, int code, char error[EAL_ERROR_MAX])
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strstr(noise, causes[i].said) != NULL) {
			snprintf(error, EAL_ERROR_MAX, "EAL does not start: %s", causes[i].means);
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
	free(noise);
	if (taken < 0)
		return -rte_errno;
	int rc = find_lcores(lcores, error);
	if (rc == 0 && rte_eth_dev_count_avail() == 0) {
		snprintf(error, EAL_ERROR_MAX,
			 "no port: give EAL one, e.g. --vdev net_tap0,iface=dtap0 "
			 "(drivers-config/)");
		rc = -ENODEV;
	}
	if (rc < 0) {
		rte_eal_cleanup();
		return rc;
	}
	/* argv[taken] is what EAL left of the program's name; the options follow "--". */
	return taken + 1;
}
