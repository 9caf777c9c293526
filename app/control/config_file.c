/* app/control/config_file.c - runs on the helper: may wait, may use the libc heap. */
#include "app/control/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cmd/config.h"

/* A file that is gone is written anew. NULL: errno. */
static char *
read_old(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	*len = 0;
	if (fd < 0)
		return errno == ENOENT ? calloc(1, 1) : NULL;
	char *text = disk_read_file(fd, len);
	int error = errno;
	close(fd);
	errno = error;
	return text;
}

void
config_file_run(struct disk_job *disk_job)
{
	struct config_file_job *job = (struct config_file_job *)disk_job;
	const char *path = job->config->file;
	struct disk_replace replace = {.lock_fd = -1};
	size_t old_len;
	char *old = read_old(path, &old_len);
	disk_job->result = -ENOMEM;
	if (old == NULL) {
		disk_job->result = -errno;
		return;
	}
	size_t len = config_rewrite(job->config, old, old_len, NULL, 0);
	char *text = malloc(len + 1);
	if (text != NULL) {
		config_rewrite(job->config, old, old_len, text, len);
		snprintf(replace.path, sizeof(replace.path), "%s", path);
		replace.text = text;
		replace.len = len;
		disk_run_replace(&replace.job);
		disk_job->result = replace.job.result;
	}
	free(text);
	free(old);
}
