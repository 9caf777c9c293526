/* app/cmd/config_internal.h - what config.c and its table of stored directives share. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct config_stored {
	const char *name, *value;
	bool immutable;
};

extern const struct config_stored config_stored[];
extern const size_t config_stored_count;
