/* tests/scenario/story.h - one story: a world, and the commands that a script may give it (README.md lists them). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct world;
struct story;

struct output { /* text that grows; always ends with a zero once something is there */
	char *text;
	size_t len, room;
};

void output_line(struct output *out, const char *line);

struct story *story_new(struct output *out);
/* False: not a command, or one that cannot be done now. What happens waits for story_flush(). */
bool story_command(struct story *story, const char *line);
/* What has happened since the last one, to the output. */
void story_flush(struct story *story);
/* False: a checker found something, which is printed. */
bool story_end(struct story *story, const char *path);
void story_free(struct story *story);
