/* app/control/disk.h - the one thread that waits for disks, so that the control lcore never does.
 *
 *     control lcore  disk_submit(job) --ring--> helper: job->run(job) --ring, wake--> disk_done() : job, with its result
 *
 * K1  Jobs run one at a time, in the order they came. A job belongs to the helper from disk_submit() until disk_done() gives it back.
 * K2  disk_submit() and disk_done() make no system call but the wake-up of a sleeping thread, and never wait.
 * K3  disk_replace: readers of the path see the old text or the new one, whole, whenever the machine stops; result 0 means that
 *     text and name are on disk.
 * What a job does is its run(): replacing a file is here, others (RDB files) bring their own.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;
struct idle;

#define DISK_JOBS_MAX 64 /* under way at once; a power of two, one less fits */
#define DISK_PATH_MAX 600

struct disk_job {
	void (*run)(struct disk_job *job); /* on the helper; sets result */
	int result;                        /* 0 or negative errno */
};

struct disk_replace { /* job first */
	struct disk_job job;
	char path[DISK_PATH_MAX];
	const void *text;
	size_t len;
	int lock_fd; /* flock()ed descriptor of the file at path; moves along to the new file. -1: none */
};

/* waker: woken when a job is done. NULL: no memory or no thread (errno). */
struct disk *disk_create(struct idle *waker);
/* Waits for what is under way. */
void disk_destroy(struct disk *disk);
/* False: full, try again later. */
bool disk_submit(struct disk *disk, struct disk_job *job);
/* The next finished job; NULL: none. */
struct disk_job *disk_done(struct disk *disk);
/* Is there a finished job? */
bool disk_waiting(const struct disk *disk);

/* run() of struct disk_replace. */
void disk_run_replace(struct disk_job *job);

/* For jobs of others: 0 or negative errno. sync_directory: of the file at path. */
int disk_write_all(int fd, const uint8_t *at, size_t len);
int disk_sync(int fd);
int disk_sync_directory(const char *path);

enum disk_lock { DISK_LOCKED, DISK_LOCK_HELD, DISK_LOCK_FAILED };
/* At start, may wait: opens (creates) path and locks it for as long as *fd is open. FAILED: errno. */
enum disk_lock disk_lock_file(const char *path, int *fd);
/* At start, may wait: the whole file in memory to be free()d. NULL: errno. */
void *disk_read_file(int fd, size_t *len);
