/* app/cmd/command_facts.h - what COMMAND tells of a command and nothing needs for running it: a row per row of command_table.
 *
 * Kept apart, so that the table that runs stays small in the cache. A command without a row here is a mistake that a test finds.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum key_flag { /* what a command does to a key; and whether arguments change that */
		KEY_RO = 1,
		KEY_RW = 2,
		KEY_OW = 4,
		KEY_RM = 8,
		KEY_ACCESS = 16,
		KEY_UPDATE = 32,
		KEY_INSERT = 64,
		KEY_DELETE = 128,
		KEY_VARIABLE = 256,
};

#define KEY_SPECS_MAX 2

struct key_spec {
	uint16_t flags;           /* 0: no more */
	int8_t first, last, step; /* last: from first on; negative: from the end */
};

struct command_facts {
	const char *name, *since, *group;
	const char *tips; /* "request_policy:all_shards ..." */
	const char *summary;
	struct key_spec specs[KEY_SPECS_MAX];
};

/* NULL: there are none. */
const struct command_facts *command_facts_of(const char *name);
