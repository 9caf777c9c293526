/* app/lcore/rdb_file.c - saving: parts of a snapshot become jobs of a helper thread, in the order they come. */
#include "app/lcore/rdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd/command.h"
#include "app/cmd/text.h"
#include "app/env/log.h"
#include "app/lcore/repl.h"
#include "proto/base/assert.h"
#include "proto/base/bytes.h"
#include "proto/base/crc64.h"
#include "proto/rdb/writer.h"

#define HEADER_MAX 256

void
rdb_file_path(char path[DISK_PATH_MAX], const char *dir, const char *name)
{
	size_t len = strlen(dir);
	bool here = name[0] == '/' || len == 0 || (len == 1 && dir[0] == '.');
	const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";
	snprintf(path, DISK_PATH_MAX, "%s%s%s", here ? "" : dir, here ? "" : slash, name);
}

/* ---- on the helper ---- */

static int
write_summed(struct rdb_file *file, const uint8_t *at, size_t len)
{
	file->crc = crc64(file->crc, at, len);
	file->total += len;
	return disk_write_all(file->fd, at, len);
}

static void
run_part(struct disk_job *job)
{
	struct rdb_file_job *j = (struct rdb_file_job *)job;
	struct rdb_file *file = j->file;
	if (file->error == 0 && file->fd < 0) {
		file->fd = open(file->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		file->error = file->fd < 0 ? -errno : 0;
	}
	if (file->error == 0)
		file->error = write_summed(file, j->part->bytes.at, j->part->bytes.len);
	job->result = file->error;
}

static int
finish(struct rdb_file *file)
{
	uint8_t end[1] = {RDB_OP_END}, sum[8];
	int rc = write_summed(file, end, sizeof(end));
	store_le64(sum, file->crc);
	if (rc == 0)
		rc = disk_write_all(file->fd, sum, sizeof(sum));
	if (rc == 0)
		rc = disk_sync(file->fd);
	if (rc == 0 && rename(file->temporary, file->path) < 0)
		rc = -errno;
	return rc == 0 ? disk_sync_directory(file->path) : rc;
}

static void
run_end(struct disk_job *job)
{
	struct rdb_file_job *j = (struct rdb_file_job *)job;
	struct rdb_file *file = j->file;
	int rc = file->error;
	if (rc == 0)
		rc = j->keep && file->fd >= 0 ? finish(file) : -ENOMEM;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	if (rc < 0) {
		unlink(file->temporary);
		log_warning("Background saving error: %s: %s", file->path, strerrordesc_np(-rc));
	} else {
		log_notice("DB saved on disk: %s, %lu bytes", file->path, file->total + 8);
	}
	job->result = rc;
}

/* ---- data lcore 1 ---- */

uint64_t
rdb_file_changes(const struct repl *repl)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < repl->lcores; i++)
		sum += keyspace_counters(repl->group->members[i]->keys)->changes;
	return sum;
}

static bool
put_header(struct repl_lcore *first)
{
	/* Of no lcore's share: what is under way there is counted. */
	struct parcel_part *part = parcel_part_create(first->allocator, 0, HEADER_MAX);
	struct rdb_writer w;
	if (part == NULL)
		return false;
	rdb_writer_init(&w, &(struct rdb_writer_options){0});
	bool whole =
		rdb_writer_window(&w, (uint8_t *)(part + 1), HEADER_MAX) && rdb_write_header(&w) &&
		rdb_write_aux(&w, SPAN("redis-ver"), SPAN("7.0.15")) &&
		rdb_write_aux_number(&w, SPAN("redis-bits"), 64) &&
		rdb_write_aux_number(&w, SPAN("ctime"), (int64_t)(first->server->unix_ms / 1000)) &&
		rdb_write_select(&w, 0);
	ASSERT(whole);
	part->bytes.len = rdb_writer_take(&w);
	parcel_parts_add(&first->node->file.parts, part);
	return true;
}

static bool
under_way(const struct rdb_file *file)
{
	return file->taking || file->ending || file->jobs_under_way > 0;
}

static void
begin(struct repl_lcore *first)
{
	struct repl *repl = first->node;
	struct rdb_file *file = &repl->file;
	const struct config *config = server_config(first->server);
	rdb_file_path(file->path, config->dir, config->dbfilename);
	char name[64];
	snprintf(name, sizeof(name), "temp-%d.rdb", (int)getpid());
	rdb_file_path(file->temporary, config->dir, name);
	file->fd = -1;
	file->error = 0;
	file->crc = file->total = 0;
	file->scheduled = false;
	file->cut_at_us = first->now_us;
	file->changes_at_cut = rdb_file_changes(repl);
	file->taking = true;
	file->failed = !put_header(first);
	repl->snapshot_sender = first->self;
	repl->snapshot_shares = snapshot_begin(first);
	file->failed |= repl->snapshot_shares < repl->lcores;
	if (repl->snapshot_shares > 0)
		return;
	repl->snapshot_sender = 0;
	file->taking = false;
	file->ending = true;
}

const char *
rdb_file_save(struct repl_lcore *first, bool *schedule)
{
	struct rdb_file *file = &first->node->file;
	if (under_way(file))
		return "ERR Background save already in progress";
	if (first->node->snapshot_sender == 0) {
		begin(first);
		*schedule = false;
		return NULL;
	}
	if (!*schedule)
		return "ERR Another child process is active (RDB?): can't BGSAVE right now. Use "
		       "BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
	file->scheduled = true;
	return NULL;
}

bool
rdb_file_wants_barrier(const struct repl_lcore *l)
{
	return l->self == 1 && l->node->file.scheduled && l->node->snapshot_sender == 0;
}

void
rdb_file_act(struct repl_lcore *l)
{
	if (rdb_file_wants_barrier(l) && !under_way(&l->node->file))
		begin(l);
}

void
rdb_file_part(struct repl_lcore *first, struct parcel_part *part)
{
	parcel_parts_add(&first->node->file.parts, part);
}

void
rdb_file_share_end(struct repl_lcore *first, bool failed)
{
	struct repl *repl = first->node;
	repl->file.failed |= failed;
	if (--repl->snapshot_shares > 0)
		return;
	repl->snapshot_sender = 0;
	repl->file.taking = false;
	repl->file.ending = true;
}

static struct rdb_file_job *
job_take(struct rdb_file *file)
{
	for (unsigned i = 0; i < RDB_FILE_JOBS; i++)
		if (!file->jobs[i].in_use)
			return &file->jobs[i];
	return NULL;
}

/* False: no room now. part NULL: the end. */
static bool
submit(struct rdb_file *file, struct parcel_part *part)
{
	struct rdb_file_job *j = job_take(file);
	if (j == NULL)
		return false;
	*j = (struct rdb_file_job){.job = {.run = part != NULL ? run_part : run_end},
				   .file = file,
				   .part = part,
				   .in_use = true,
				   .keep = !file->failed};
	if (!disk_submit(file->disk, &j->job)) {
		j->in_use = false;
		return false;
	}
	file->jobs_under_way++;
	return true;
}

static void
on_saved(struct repl_lcore *l, int result)
{
	struct rdb_file *file = &l->node->file;
	file->last_failed = result < 0;
	file->last_took_s = (l->now_us - file->cut_at_us) / 1000000;
	if (result < 0)
		return;
	file->saved_at_s = l->server->unix_ms / 1000;
	file->changes_saved = file->changes_at_cut;
}

bool
rdb_file_turn(struct repl_lcore *l)
{
	struct rdb_file *file = &l->node->file;
	struct rdb_file_job *j;
	bool busy = false;
	if (l->self != 1 || !under_way(file))
		return false;
	while ((j = (struct rdb_file_job *)disk_done(file->disk)) != NULL) {
		busy = true;
		j->in_use = false;
		file->jobs_under_way--;
		if (j->part != NULL && j->part->lcore == 0)
			parcel_part_free(j->part);
		else if (j->part != NULL)
			replica_part_used(l, j->part);
		else
			on_saved(l, j->job.result);
	}
	while (file->parts.first != NULL) {
		struct parcel_part *part = file->parts.first, *next = part->next;
		if (!submit(file, part))
			return busy;
		file->parts.first = next;
		busy = true;
	}
	if (file->ending && submit(file, NULL))
		file->ending = false;
	return busy;
}

bool
rdb_file_waiting(const struct rdb_file *file)
{
	return file->jobs_under_way > 0 && disk_waiting(file->disk);
}

uint64_t
rdb_file_saved_at_s(const struct repl_lcore *l)
{
	return l->node->file.saved_at_s;
}

size_t /* NOLINTNEXTLINE(readability-non-const-parameter): written to through a struct */
rdb_file_info(const struct repl_lcore *l, char *at, size_t size)
{
	const struct rdb_file *file = &l->node->file;
	struct text out = {.at = at, .size = size};
	text_add(&out, "rdb_changes_since_last_save:%lu\r\nrdb_bgsave_in_progress:%d\r\n",
		 rdb_file_changes(l->node) - file->changes_saved, under_way(file));
	text_add(&out, "rdb_last_save_time:%lu\r\nrdb_last_bgsave_status:%s\r\n", file->saved_at_s,
		 file->last_failed ? "err" : "ok");
	text_add(&out, "rdb_last_bgsave_time_sec:%lu\r\n", file->last_took_s);
	return out.len;
}

void
rdb_file_close(struct rdb_file *file)
{
	disk_destroy(file->disk);
	file->disk = NULL;
	if (file->fd < 0)
		return;
	close(file->fd);
	unlink(file->temporary);
	file->fd = -1;
}
