/* tests/scenario/scenario.c - plays the stories of this folder: commands, and below each the full trace of what it led to.
 *
 *     kill n1             a command; the world is that of tests/sim/cluster, with fixed delays
 *     run 3000
 *     ----
 *        2.301 n4 pfail n1
 *
 * Without --rewrite what happens must be what the file says. With it the file is written anew: commit that only if you understand
 * what caused every difference.
 *
 *     scenario [--rewrite] FILE...        exit status: 0 as written, 1 otherwise
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/assert.h"
#include "tests/scenario/story.h"

#define FILE_MAX  (1u << 20)
#define LINES_MAX 20000u

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		return NULL;
	}
	char *text = malloc(FILE_MAX);
	ASSERT(text != NULL);
	size_t len = fread(text, 1, FILE_MAX - 1, file);
	text[len] = '\0';
	(void)fclose(file);
	return text;
}

/* The next line, ended in place; NULL: there is none. */
static char *
next_line(char **at)
{
	if (**at == '\0')
		return NULL;
	char *line = *at, *end = strchr(line, '\n');
	*at = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* Plays text, and writes what the file should say. False: a command that nobody knows. */
static bool
play(char *text, const char *path, struct output *out)
{
	struct story *story = story_new(out);
	unsigned number = 0;
	bool good = true, output = false;
	for (char *line; good && (line = next_line(&text)) != NULL;) {
		number++;
		if (output && line[0] != '\0')
			continue; /* what was written there before */
		output = false;
		if (strcmp(line, "----") == 0) {
			output_line(out, "----");
			story_flush(story);
			output = true;
			continue;
		}
		output_line(out, line);
		good = line[0] == '\0' || line[0] == '#' || story_command(story, line);
	}
	if (!good)
		fprintf(stderr, "%s:%u: no such command, or one that cannot be done\n", path,
			number);
	if (good && !story_end(story, path))
		good = false;
	story_free(story);
	return good;
}

/* The first line that differs, for a person. */
static void
show_difference(const char *path, char *expected, char *found)
{
	for (unsigned number = 1;; number++) {
		char *a = next_line(&expected), *b = next_line(&found);
		if (a != NULL && b != NULL && strcmp(a, b) == 0)
			continue;
		fprintf(stderr, "%s:%u: expected \"%s\"\n%s:%u: found    \"%s\"\n", path, number,
			a == NULL ? "(end)" : a, path, number, b == NULL ? "(end)" : b);
		return;
	}
}

static bool
rewrite(const char *path, const struct output *out)
{
	FILE *file = fopen(path, "w");
	if (file == NULL) {
		perror(path);
		return false;
	}
	bool written = fwrite(out->text, 1, out->len, file) == out->len;
	return fclose(file) == 0 && written;
}

static bool
one_file(const char *path, bool again)
{
	char *text = read_file(path), *played = text == NULL ? NULL : strdup(text);
	struct output out = {0};
	bool good = played != NULL && play(played, path, &out);
	if (good && again) {
		good = rewrite(path, &out);
	} else if (good && strcmp(text, out.text) != 0) {
		show_difference(path, text, out.text);
		good = false;
	}
	free(text);
	free(played);
	free(out.text);
	return good;
}

int
main(int argc, char **argv)
{
	bool again = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
	int status = 0;
	if (argc < 2 + again) {
		fprintf(stderr, "usage: scenario [--rewrite] FILE...\n");
		return 1;
	}
	for (int i = 1 + again; i < argc; i++)
		status |= !one_file(argv[i], again);
	return status;
}
