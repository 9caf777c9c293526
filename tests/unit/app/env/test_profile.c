/* tests/unit/app/env/test_profile.c - profiles are read whole or refused in one line, and those that we ship are whole. */
#include "app/env/profile.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "tests/unit/app/env/devices.h"
#include "tests/unit/runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MAX     4096

static const char whole[] = "# what it is\n"
			    "\n"
			    "driver net_x\n"
			    "tested-on  a bench, twice \r\n"
			    "idle-mode adaptive\n"
			    "\trx-interrupts yes\n"
			    "mac-apart no\n"
			    "rss yes\n"
			    "rx-ring 32\n"
			    "tx-ring 32768\n"
			    "queues-max 0\n"
			    "mtu-max 9600\n"
			    "rx-offloads ipv4-checksum  tcp-checksum\n"
			    "tx-offloads none";

/* From a heap block of exactly its size. */
static enum profile_result
parse(struct profile *profile, const char *text, size_t len, int *line,
      char error[PROFILE_ERROR_MAX])
{
	char *copy = malloc(len + (len == 0));
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	error[0] = '\0';
	enum profile_result result = profile_parse(profile, copy, len, line, error);
	free(copy);
	if (result != PROFILE_OK)
		ck_assert(error[0] != '\0' && strchr(error, '\n') == NULL);
	return result;
}

START_TEST(a_whole_profile_is_read)
{
	struct profile p;
	char error[PROFILE_ERROR_MAX];
	int line;
	ck_assert_msg(parse(&p, whole, strlen(whole), &line, error) == PROFILE_OK, "%d: %s", line,
		      error);
	ck_assert_str_eq(p.driver, "net_x");
	ck_assert_str_eq(p.tested_on, "a bench, twice");
	ck_assert(p.adaptive && p.rx_interrupts && !p.mac_apart && p.rss);
	ck_assert(p.rx_ring == 32 && p.tx_ring == 32768 && p.queues_max == 0 && p.mtu_max == 9600);
	ck_assert_uint_eq(p.rx_offloads, RX_SUMS);
	ck_assert_uint_eq(p.tx_offloads, 0);
}
END_TEST

START_TEST(every_truncation_is_refused_or_the_whole)
{
	struct profile p;
	char error[PROFILE_ERROR_MAX];
	int line;
	for (size_t len = 0; len < strlen(whole); len++)
		ck_assert_int_ne(parse(&p, whole, len, &line, error), PROFILE_OK);
}
END_TEST

/* The text with one line in place of the one that begins as that name; "" takes the line out. */
static size_t
with_line(char text[TEXT_MAX], const char *name, const char *line)
{
	const char *at = strstr(whole, name);
	ck_assert_ptr_nonnull(at);
	size_t rest = strcspn(at, "\n");
	return (size_t)snprintf(text, TEXT_MAX, "%.*s%s%s", (int)(at - whole), whole, line,
				at + rest);
}

START_TEST(what_does_not_fit_is_refused_with_its_line)
{
	static const struct {
		const char *name, *line;
		enum profile_result result;
		int at;
		const char *words;
	} cases[] = {
		{"driver",      "",					 PROFILE_INCOMPLETE, 0,  "driver is missing"        },
		{"tx-offloads", "",					 PROFILE_INCOMPLETE, 0,  "tx-offloads is missing"   },
		{"driver",      "driver a\ndriver a",                       PROFILE_TWICE,      4,  "driver is stated twice"   },
		{"driver",      "speed 10",                                 PROFILE_UNKNOWN,    3,  "unknown directive 'speed'"},
		{"driver",      "Driver net_x",                             PROFILE_UNKNOWN,    3,  "'Driver'"                 },
		{"driver",      "driver",                                   PROFILE_BAD_VALUE,  3,  "driver: expected"         },
		{"driver",      "driver net x",                             PROFILE_BAD_VALUE,  3,  "one word"                 },
		{"driver",      "driver a_name_that_is_longer_than_any_dr", PROFILE_BAD_VALUE,  3,
		 "driver"												      },
		{"idle-mode",   "idle-mode lazy",                           PROFILE_BAD_VALUE,  5,  "busy or adaptive"         },
		{"rss",         "rss maybe",                                PROFILE_BAD_VALUE,  8,  "yes or no"                },
		{"rx-ring",     "rx-ring 31",                               PROFILE_BAD_VALUE,  9,  "32 to 32768"              },
		{"rx-ring",     "rx-ring 32769",                            PROFILE_BAD_VALUE,  9,  "32 to 32768"              },
		{"rx-ring",     "rx-ring 256k",                             PROFILE_BAD_VALUE,  9,  "32 to 32768"              },
		{"mtu-max",     "mtu-max 9601",                             PROFILE_BAD_VALUE,  12, "9600"                     },
		{"mtu-max",     "mtu-max -1",                               PROFILE_BAD_VALUE,  12, "9600"                     },
		{"queues-max",  "queues-max 1025",                          PROFILE_BAD_VALUE,  11, "queues-max"               },
		{"rx-offloads", "rx-offloads",                              PROFILE_BAD_VALUE,  13, "none, or"                 },
		{"rx-offloads", "rx-offloads lro",                          PROFILE_BAD_VALUE,  13, "none, or"                 },
		{"rx-offloads", "rx-offloads none tcp-checksum",            PROFILE_BAD_VALUE,  13, "none, or"                 },
		{"tx-offloads", "tx-offloads tcp-checksum",                 PROFILE_OK,         0,  ""                         },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct profile p;
		char text[TEXT_MAX], error[PROFILE_ERROR_MAX];
		int line;
		size_t len = with_line(text, cases[i].name, cases[i].line);
		enum profile_result result = parse(&p, text, len, &line, error);
		ck_assert_msg(result == cases[i].result && line == cases[i].at, "%s: %d: %d: %s",
			      cases[i].line, result, line, error);
		ck_assert_msg(strstr(error, cases[i].words) != NULL, "%s: %s", cases[i].line,
			      error);
	}
}
END_TEST

/* ---- files ---- */

struct folder {
	char path[64];
};

static void
put_file(const struct folder *folder, const char *name, const char *text, size_t len)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void
check_find(const struct folder *folder, const char *name, const char *driver,
	   enum profile_result expected, const char *words)
{
	struct profile p;
	char error[PROFILE_ERROR_MAX] = "";
	enum profile_result result = profile_find(&p, folder->path, name, driver, error);
	ck_assert_msg(result == expected, "%s for %s: %d: %s", name, driver, result, error);
	ck_assert_msg(strstr(error, words) != NULL && strchr(error, '\n') == NULL, "%s", error);
	if (result == PROFILE_OK || result == PROFILE_ABSENT)
		ck_assert(p.rx_ring >= 32 && p.tx_ring >= 32);
}

START_TEST(a_file_is_found_by_driver_or_by_name)
{
	static char large[32768];
	static const char *const files[] = {"net_x.conf", "mine.conf", "half.conf", "large.conf"};
	struct folder folder = {"/tmp/test_profile.XXXXXX"};
	char path[128];
	ck_assert_ptr_nonnull(mkdtemp(folder.path));
	memset(large, '#', sizeof(large));
	put_file(&folder, "net_x.conf", whole, strlen(whole));
	put_file(&folder, "mine.conf", whole, strlen(whole));
	put_file(&folder, "half.conf", whole, (size_t)(strstr(whole, "rss") - whole));
	put_file(&folder, "large.conf", large, sizeof(large));
	check_find(&folder, "", "net_x", PROFILE_OK, "");
	check_find(&folder, "mine", "net_x", PROFILE_OK, "");
	check_find(&folder, "mine", "net_y", PROFILE_MISMATCH, "is for driver net_x, the port has");
	check_find(&folder, "", "net_y", PROFILE_ABSENT, "no profile net_y.conf");
	check_find(&folder, "none", "net_x", PROFILE_ABSENT, "no profile none.conf");
	check_find(&folder, "../x", "net_x", PROFILE_ABSENT, "no profile ../x.conf");
	check_find(&folder, "half", "net_x", PROFILE_INCOMPLETE, "half.conf:0: ");
	check_find(&folder, "large", "net_x", PROFILE_UNREADABLE, "too long");
	for (size_t i = 0; i < COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder.path, files[i]);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert_int_eq(rmdir(folder.path), 0);
}
END_TEST

START_TEST(every_profile_that_we_ship_is_whole_and_has_its_device)
{
	DIR *dir = opendir(DRIVERS_CONFIG);
	size_t count = 0;
	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		const char *dot = strstr(e->d_name, ".conf");
		struct profile p;
		char driver[64], error[PROFILE_ERROR_MAX];
		if (dot == NULL)
			continue;
		snprintf(driver, sizeof(driver), "%.*s", (int)(dot - e->d_name), e->d_name);
		ck_assert_msg(profile_find(&p, "", "", driver, error) == PROFILE_OK, "%s", error);
		ck_assert_str_eq(p.driver, driver);
		ck_assert_msg(device_info(driver) != NULL, "%s is missing in devices.h", driver);
		count++;
	}
	closedir(dir);
	ck_assert_uint_eq(count, DEVICE_COUNT);
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"profile", a_whole_profile_is_read, every_truncation_is_refused_or_the_whole,
		what_does_not_fit_is_refused_with_its_line, a_file_is_found_by_driver_or_by_name,
		every_profile_that_we_ship_is_whole_and_has_its_device);
}
