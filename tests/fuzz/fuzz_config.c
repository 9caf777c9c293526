/* tests/fuzz/fuzz_config.c - redis.conf texts: any bytes are taken or refused in one line, and what was taken survives CONFIG REWRITE.
 *
 * Parsed from a heap block of exactly its size. If it is taken, the text is rewritten over itself and parsed into
 * a fresh configuration: every directive must show the same value in both.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cmd/config.h"
#include "proto/base/assert.h"
#include "tests/fuzz/target.h"

#define ERROR_SIZE 160
#define NAMES_MAX  1000 /* more directives than there are: a walk that does not end is a finding */

static enum config_result
parse(struct config *config, const char *text, size_t len)
{
	char error[ERROR_SIZE];
	int line = 0;
	memset(error, 'x', sizeof(error));
	enum config_result result = config_parse(config, text, len, &line, error);
	if (result != CONFIG_OK) {
		const char *end = memchr(error, '\0', sizeof(error));
		ASSERT(end != NULL && end > error);
		ASSERT(memchr(error, '\n', (size_t)(end - error)) == NULL);
		ASSERT(line >= 1);
	}
	return result;
}

static void
check_same_values(const struct config *a, const struct config *b)
{
	size_t at = 0;
	int names = 0;
	do {
		const char *name_a = NULL, *name_b = NULL;
		char value_a[CONFIG_VALUE_MAX], value_b[CONFIG_VALUE_MAX];
		size_t next = config_next(a, SPAN("*"), at, &name_a, value_a);
		ASSERT(config_next(b, SPAN("*"), at, &name_b, value_b) == next);
		if (next == 0)
			break;
		ASSERT(memchr(value_a, '\0', sizeof(value_a)) != NULL);
		ASSERT(strcmp(name_a, name_b) == 0);
		ASSERT(strcmp(value_a, value_b) == 0);
		at = next;
		names++;
		ASSERT(names < NAMES_MAX);
	} while (at != 0);
	ASSERT(names > 0);
}

/* In two steps, as a caller does who does not know the size. */
static void
check_rewritten(const struct config *config, const char *text, size_t len)
{
	struct config again;
	size_t size = config_rewrite(config, text, len, NULL, 0);
	char *rewritten = malloc(size + (size == 0));
	ASSERT(rewritten != NULL);
	ASSERT(config_rewrite(config, text, len, rewritten, size) == size);
	ASSERT(config_init(&again));
	ASSERT(parse(&again, rewritten, size) == CONFIG_OK);
	check_same_values(config, &again);
	config_free(&again);
	free(rewritten);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config, copy;
	char error[ERROR_SIZE];
	ASSERT(config_init(&config));
	if (parse(&config, (const char *)data, size) == CONFIG_OK) {
		config_check_start(&config, error);
		ASSERT(config_copy(&copy, &config));
		check_same_values(&config, &copy);
		check_rewritten(&copy, (const char *)data, size);
		config_free(&copy);
	}
	config_free(&config);
	return 0;
}
