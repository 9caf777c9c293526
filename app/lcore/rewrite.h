/* app/lcore/rewrite.h - CONFIG REWRITE: a helper thread reads, changes and replaces the file; no lcore waits for the disk.
 *
 *     data lcore --MAIL_CALLS: parcel with a copy of its configuration--> rewrite_mail() --job--> helper: read, config_rewrite(),
 *     data lcore <--MAIL_REPLIES-- rewrite_turn() <------------------------------------done------ temp, fsync, rename
 *
 * R1  One file at a time, in the order the commands came; the answer leaves when the file is on disk.
 * R2  What is written is what the asking lcore's CONFIG GET says at that moment: the copy is its own (parcel.config).
 * Control lcore only.
 */
#pragma once
#include <stdbool.h>

#include "app/control/config_file.h"
#include "app/lcore/mail.h"
#include "app/lcore/parcel.h"

struct rewrite {
	struct disk *disk; /* NULL: the node has no file */
	struct post_office *office;
	struct allocator allocator;
	struct parcel_list waiting; /* the first one is under way, if any is */
	struct parcel_list answered;
	bool under_way;
	struct config_file_job job;
};

/* False: no thread (errno). Nothing is done without config->file. */
bool rewrite_open(struct rewrite *rewrite, const struct config *config, struct post_office *office,
		  struct idle *waker);
void rewrite_close(struct rewrite *rewrite);
/* False: the mail is not ours. */
bool rewrite_mail(struct rewrite *rewrite, const struct mail *mail);
void rewrite_turn(struct rewrite *rewrite);
bool rewrite_waiting(const struct rewrite *rewrite);
