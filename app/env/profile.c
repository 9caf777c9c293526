/* app/env/profile.c - a row per directive of a profile: its name, and the function that takes its words. */
#include "app/env/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "proto/base/number.h"
#include "proto/base/span.h"

#define TEXT_MAX     16384
#define PATH_SIZE    512
#define RING_DEFAULT 256 /* small rings stay in the last-level cache */

/* PROFILE_DIRS, from meson.build: where the source and where the installation have drivers-config/, colon between. */

struct row {
	const char *name, *expected;
	bool (*take)(struct profile *profile, size_t offset, struct span words);
	size_t offset;
};

static bool
span_equals(struct span word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

/* The first word of *rest, which moves behind it. */
static struct span
next_word(struct span *rest)
{
	size_t from = 0, to;
	while (from < rest->len && (rest->at[from] == ' ' || rest->at[from] == '\t'))
		from++;
	to = from;
	while (to < rest->len && rest->at[to] != ' ' && rest->at[to] != '\t')
		to++;
	struct span word = {rest->at + from, to - from};
	*rest = (struct span){rest->at + to, rest->len - to};
	return word;
}

static bool
take_text(struct profile *profile, struct span words, size_t offset, size_t size)
{
	if (words.len == 0 || words.len >= size)
		return false;
	memcpy((char *)profile + offset, words.at, words.len);
	((char *)profile)[offset + words.len] = '\0';
	return true;
}

static bool
take_driver(struct profile *profile, size_t offset, struct span words)
{
	return memchr(words.at, ' ', words.len) == NULL &&
	       take_text(profile, words, offset, PROFILE_NAME_MAX);
}

static bool
take_note(struct profile *profile, size_t offset, struct span words)
{
	return take_text(profile, words, offset, PROFILE_NOTE_MAX);
}

static bool
take_choice(struct profile *profile, size_t offset, struct span words, const char *on,
	    const char *off)
{
	bool *at = (bool *)((char *)profile + offset);
	*at = span_equals(words, on);
	return *at || span_equals(words, off);
}

static bool
take_yes(struct profile *profile, size_t offset, struct span words)
{
	return take_choice(profile, offset, words, "yes", "no");
}

static bool
take_idle(struct profile *profile, size_t offset, struct span words)
{
	return take_choice(profile, offset, words, "adaptive", "busy");
}

static bool
take_number(struct profile *profile, size_t offset, struct span words, int64_t min, int64_t max)
{
	int64_t value;
	if (!number_parse(words.at, words.len, &value) || value < min || value > max)
		return false;
	*(uint16_t *)((char *)profile + offset) = (uint16_t)value;
	return true;
}

static bool
take_ring(struct profile *profile, size_t offset, struct span words)
{
	return take_number(profile, offset, words, 32, PROFILE_RING_MAX);
}

static bool
take_queues(struct profile *profile, size_t offset, struct span words)
{
	return take_number(profile, offset, words, 0, RTE_MAX_QUEUES_PER_PORT);
}

static bool
take_mtu(struct profile *profile, size_t offset, struct span words)
{
	return take_number(profile, offset, words, 0, PROFILE_MTU_MAX);
}

struct offload {
	const char *word;
	uint64_t bit;
};

static bool
take_offloads(uint64_t *out, struct span words, const struct offload known[2])
{
	*out = 0;
	if (span_equals(words, "none"))
		return true;
	struct span word = next_word(&words);
	for (; word.len > 0; word = next_word(&words)) {
		uint64_t bit = 0;
		for (unsigned i = 0; i < 2; i++)
			if (span_equals(word, known[i].word))
				bit = known[i].bit;
		if (bit == 0)
			return false;
		*out |= bit;
	}
	return *out != 0;
}

static bool
take_rx_offloads(struct profile *profile, size_t offset, struct span words)
{
	static const struct offload known[2] = {
		{"ipv4-checksum", RTE_ETH_RX_OFFLOAD_IPV4_CKSUM},
		{"tcp-checksum",  RTE_ETH_RX_OFFLOAD_TCP_CKSUM },
	};
	(void)offset;
	return take_offloads(&profile->rx_offloads, words, known);
}

static bool
take_tx_offloads(struct profile *profile, size_t offset, struct span words)
{
	static const struct offload known[2] = {
		{"ipv4-checksum", RTE_ETH_TX_OFFLOAD_IPV4_CKSUM},
		{"tcp-checksum",  RTE_ETH_TX_OFFLOAD_TCP_CKSUM },
	};
	(void)offset;
	return take_offloads(&profile->tx_offloads, words, known);
}

#define AT(field) offsetof(struct profile, field)
#define OFFLOADS  "none, or ipv4-checksum and tcp-checksum"

static const struct row rows[] = {
	{"driver",        "one word, as the device reports it", take_driver,      AT(driver)       },
	{"tested-on",     "a few words, or: nothing yet",       take_note,        AT(tested_on)    },
	{"idle-mode",     "busy or adaptive",                   take_idle,        AT(adaptive)     },
	{"rx-interrupts", "yes or no",                          take_yes,         AT(rx_interrupts)},
	{"mac-apart",     "yes or no",                          take_yes,         AT(mac_apart)    },
	{"rss",           "yes or no",                          take_yes,         AT(rss)          },
	{"rx-ring",       "32 to 32768",                        take_ring,        AT(rx_ring)      },
	{"tx-ring",       "32 to 32768",                        take_ring,        AT(tx_ring)      },
	{"queues-max",    "0 (the device's) or more",           take_queues,      AT(queues_max)   },
	{"mtu-max",       "0 (the device's) to 9600",           take_mtu,         AT(mtu_max)      },
	{"rx-offloads",   OFFLOADS,                             take_rx_offloads, AT(rx_offloads)  },
	{"tx-offloads",   OFFLOADS,                             take_tx_offloads, AT(tx_offloads)  },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT <= 32, "a bit each in profile_parse()");

void
profile_default(struct profile *profile, const char *driver)
{
	*profile = (struct profile){
		.tested_on = "nothing yet", .rx_ring = RING_DEFAULT, .tx_ring = RING_DEFAULT};
	snprintf(profile->driver, sizeof(profile->driver), "%s", driver);
}

static enum profile_result
parse_line(struct profile *profile, struct span line, uint32_t *stated,
	   char error[PROFILE_ERROR_MAX])
{
	struct span rest = line, name = next_word(&rest);
	if (name.len == 0 || name.at[0] == '#')
		return PROFILE_OK;
	while (rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t'))
		rest = (struct span){rest.at + 1, rest.len - 1};
	while (rest.len > 0 && strchr(" \t\r", rest.at[rest.len - 1]) != NULL)
		rest.len--;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!span_equals(name, rows[i].name))
			continue;
		if (*stated & 1u << i) {
			snprintf(error, PROFILE_ERROR_MAX, "%s is stated twice", rows[i].name);
			return PROFILE_TWICE;
		}
		*stated |= 1u << i;
		if (rows[i].take(profile, rows[i].offset, rest))
			return PROFILE_OK;
		snprintf(error, PROFILE_ERROR_MAX, "%s: expected %s", rows[i].name,
			 rows[i].expected);
		return PROFILE_BAD_VALUE;
	}
	snprintf(error, PROFILE_ERROR_MAX, "unknown directive '%.*s'",
		 (int)(name.len < 40 ? name.len : 40), (const char *)name.at);
	return PROFILE_UNKNOWN;
}

enum profile_result
profile_parse(struct profile *profile, const char *text, size_t len, int *line,
	      char error[PROFILE_ERROR_MAX])
{
	uint32_t stated = 0;
	const char *end = text + len;
	*profile = (struct profile){.rx_ring = 0};
	for (*line = 1; text < end; (*line)++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			stop = end;
		struct span at = {(const uint8_t *)text, (size_t)(stop - text)};
		enum profile_result result = parse_line(profile, at, &stated, error);
		if (result != PROFILE_OK)
			return result;
		text = stop + 1;
	}
	*line = 0;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if ((stated & 1u << i) == 0) {
			snprintf(error, PROFILE_ERROR_MAX, "%s is missing: %s", rows[i].name,
				 rows[i].expected);
			return PROFILE_INCOMPLETE;
		}
	return PROFILE_OK;
}

/* ---- files ---- */

/* dirs: one folder, or several with a colon between. False: no such file in any of them. */
static bool
find_file(const char *dirs, const char *name, char path[PATH_SIZE])
{
	while (*dirs != '\0') {
		int len = (int)strcspn(dirs, ":");
		int n = snprintf(path, PATH_SIZE, "%.*s/%s.conf", len, dirs, name);
		if (n > 0 && n < PATH_SIZE && access(path, F_OK) == 0)
			return true;
		dirs += len;
		dirs += *dirs == ':';
	}
	return false;
}

static enum profile_result
read_file(struct profile *profile, const char *path, char error[PROFILE_ERROR_MAX])
{
	char reason[PROFILE_ERROR_MAX] = "";
	enum profile_result result = PROFILE_UNREADABLE;
	int line = 0;
	FILE *file = fopen(path, "r");
	char *text = malloc(TEXT_MAX);
	if (file == NULL || text == NULL) {
		snprintf(error, PROFILE_ERROR_MAX, "profile %.120s: %s", path, rte_strerror(errno));
	} else {
		size_t len = fread(text, 1, TEXT_MAX, file);
		if (len == TEXT_MAX || ferror(file))
			snprintf(reason, sizeof(reason), "not a profile: unreadable or too long");
		else
			result = profile_parse(profile, text, len, &line, reason);
		if (result != PROFILE_OK)
			snprintf(error, PROFILE_ERROR_MAX, "profile %.120s:%d: %.100s", path, line,
				 reason);
	}
	free(text);
	if (file != NULL)
		fclose(file);
	return result;
}

enum profile_result
profile_find(struct profile *profile, const char *dir, const char *name, const char *driver,
	     char error[PROFILE_ERROR_MAX])
{
	const char *dirs = dir[0] != '\0' ? dir : PROFILE_DIRS;
	const char *wanted = name[0] != '\0' ? name : driver;
	char path[PATH_SIZE];
	if (strchr(wanted, '/') != NULL || !find_file(dirs, wanted, path)) {
		profile_default(profile, driver);
		snprintf(error, PROFILE_ERROR_MAX,
			 "no profile %.40s.conf in %.120s: see --profile and --profile-dir", wanted,
			 dirs);
		return PROFILE_ABSENT;
	}
	enum profile_result result = read_file(profile, path, error);
	if (result != PROFILE_OK)
		return result;
	if (strcmp(profile->driver, driver) == 0 || strcmp(profile->driver, "any") == 0)
		return PROFILE_OK;
	snprintf(error, PROFILE_ERROR_MAX,
		 "profile %.40s is for driver %s, the port has %.40s: leave --profile out", wanted,
		 profile->driver, driver);
	return PROFILE_MISMATCH;
}
