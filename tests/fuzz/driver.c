/* tests/fuzz/driver.c - main() of a fuzz target in a build without libFuzzer: replays inputs, whole, cut short and changed.
 *
 *     fuzz_resp [--changes N] FILE|FOLDER...
 *
 * Each file is run as it is, at every length up to SHORT_MAX, and with N random changes, which are the same on
 * every run. It ends with the number of inputs run; a finding aborts, after the file's name has been printed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/prng.h"
#include "tests/fuzz/target.h"

#define INPUT_MAX       (1024ul * 1024)
#define SHORT_MAX       512u
#define CHANGES_DEFAULT 500
#define PATH_TEXT_MAX   1024

struct input {
	uint8_t *bytes;
	size_t len;
};

/* At an address of its own, so that a sanitizer sees a read one byte too far. */
static void
run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));
	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
change(struct prng *prng, struct input *copy)
{
	static const uint8_t likely[] = {0,   1,   0x7f, 0x80, 0xff, '0', '1',  '9', '-',
					 '$', '*', '"',  '\'', '\\', ' ', '\r', '\n'};
	for (uint64_t times = 1 + prng_below(prng, 4); times > 0 && copy->len > 0; times--) {
		size_t at = (size_t)prng_below(prng, copy->len);
		uint64_t kind = prng_below(prng, 4);
		if (kind == 0)
			copy->bytes[at] = likely[prng_below(prng, sizeof(likely))];
		else if (kind == 1)
			copy->bytes[at] ^= (uint8_t)(1u << prng_below(prng, 8));
		else if (kind == 2)
			memmove(copy->bytes + at, copy->bytes + at + 1, --copy->len - at);
		else
			copy->bytes[at] = copy->bytes[prng_below(prng, copy->len)];
	}
}

static unsigned long
replay(const struct input *input, unsigned long changes)
{
	struct prng prng;
	struct input copy = {malloc(input->len + 1), 0};
	size_t short_max = input->len < SHORT_MAX ? input->len : SHORT_MAX;
	if (copy.bytes == NULL)
		abort();
	run(input->bytes, input->len);
	for (size_t len = 0; len < short_max; len++)
		run(input->bytes, len);
	prng_seed(&prng, input->len);
	for (unsigned long i = 0; i < changes; i++) {
		memcpy(copy.bytes, input->bytes, input->len);
		copy.len = input->len;
		change(&prng, &copy);
		run(copy.bytes, copy.len);
	}
	free(copy.bytes);
	return 1 + short_max + changes;
}

static unsigned long
replay_file(const char *path, unsigned long changes)
{
	FILE *file = fopen(path, "rb");
	struct input input = {malloc(INPUT_MAX), 0};
	if (file == NULL || input.bytes == NULL) {
		perror(path);
		abort();
	}
	input.len = fread(input.bytes, 1, INPUT_MAX, file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	unsigned long count = replay(&input, changes);
	free(input.bytes);
	return count;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static unsigned long
replay_path(const char *path, unsigned long changes)
{
	struct stat status;
	struct dirent **entries;
	unsigned long count = 0;
	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return replay_file(path, changes);
	int entry_count = scandir(path, &entries, is_visible, alphasort);
	if (entry_count < 0)
		abort();
	for (int i = 0; i < entry_count; i++) {
		char name[PATH_TEXT_MAX];
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		count += replay_file(name, changes);
		free(entries[i]);
	}
	free(entries);
	return count;
}

/* As libFuzzer does: a target may have it. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv); /* NOLINT */

int
main(int argc, char **argv)
{
	unsigned long changes = CHANGES_DEFAULT, count = 0;
	int at = 1;
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc > 2 && strcmp(argv[1], "--changes") == 0) {
		changes = strtoul(argv[2], NULL, 10);
		at = 3;
	}
	for (; at < argc; at++)
		count += replay_path(argv[at], changes);
	printf("%lu inputs\n", count);
	return count > 0 ? 0 : 2; /* a corpus that is not there tests nothing */
}
