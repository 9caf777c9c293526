/* app/control/config_file.h - CONFIG REWRITE's work on the helper thread: read the file, change its lines, replace it whole. */
#pragma once
#include "app/control/disk.h"

struct config;

struct config_file_job { /* job first */
	struct disk_job job;
	const struct config *config; /* its file is the one; stands still until the job is done */
};

/* run(): a file that is gone is written anew. */
void config_file_run(struct disk_job *job);
