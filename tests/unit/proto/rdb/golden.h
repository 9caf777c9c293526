/* tests/unit/proto/rdb/golden.h - files of stock nodes, tests/golden/rdb. */
#pragma once
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/span.h"

#ifndef GOLDEN_RDB /* the build says where it is */
#define GOLDEN_RDB "tests/golden/rdb"
#endif

static const char *const golden[] = {"redis-7.0.15", "redis-7.2.6", "valkey-8.1.7", "valkey-9.1.0"};
#define GOLDEN_COUNT    (sizeof(golden) / sizeof(golden[0]))
#define GOLDEN_SIZE_MAX (1u << 20)

/* A whole file, and a zero behind it. To be freed. */
static inline struct span
read_golden(const char *name, const char *ending)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s.%s", GOLDEN_RDB, name, ending);
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	uint8_t *bytes = calloc(1, GOLDEN_SIZE_MAX);
	size_t len = fread(bytes, 1, GOLDEN_SIZE_MAX, file);
	ck_assert_uint_lt(len, GOLDEN_SIZE_MAX);
	fclose(file);
	return (struct span){bytes, len};
}
