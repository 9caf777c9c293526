/* app/control/disk.c - two rings of pointers and a thread between them.
 *
 * The lock is the one that redis-server takes on its nodes.conf (flock, spec A38), so that neither starts on the other's file. As
 * a file that is replaced takes its lock with it, the new one is locked before it gets the name.
 */
#include "app/control/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_ring.h>

#include "app/env/idle.h"

/* For tests of what must not wait: how long every fsync takes longer. */
#define DELAY_VARIABLE   "POLLIS_TEST_FSYNC_DELAY_MS"
#define LOCK_ATTEMPTS    10
#define NODES_FILE_MAX   (64ul << 20)
#define RING_FLAGS       (RING_F_SP_ENQ | RING_F_SC_DEQ)
#define CACHE_LINE_BYTES 64

struct disk {
	struct rte_ring *todo, *done;
	struct idle *waker;
	int event_fd;
	_Atomic bool stopping;
	pthread_t thread;
};

static struct rte_ring *
ring_new(const char *name)
{
	ssize_t size = rte_ring_get_memsize(DISK_JOBS_MAX);
	struct rte_ring *ring =
		aligned_alloc(CACHE_LINE_BYTES, ((size_t)size + CACHE_LINE_BYTES - 1) /
							CACHE_LINE_BYTES * CACHE_LINE_BYTES);
	if (ring != NULL && rte_ring_init(ring, name, DISK_JOBS_MAX, RING_FLAGS) < 0) {
		free(ring);
		return NULL;
	}
	return ring;
}

static void *
help(void *owner)
{
	struct disk *disk = owner;
	uint64_t ignored;
	void *job;
	while (read(disk->event_fd, &ignored, sizeof(ignored)) > 0 || errno == EINTR) {
		while (rte_ring_sc_dequeue(disk->todo, &job) == 0) {
			((struct disk_job *)job)->run(job);
			/* Never full: as many places as jobs may be under way. */
			rte_ring_sp_enqueue(disk->done, job);
			idle_wake(disk->waker);
		}
		if (atomic_load_explicit(&disk->stopping, memory_order_acquire))
			break;
	}
	return NULL;
}

static void
wake_helper(struct disk *disk)
{
	uint64_t one = 1;
	while (write(disk->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

struct disk *
disk_create(struct idle *waker)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	if (disk == NULL)
		return NULL;
	disk->waker = waker;
	disk->todo = ring_new("disk_todo");
	disk->done = ring_new("disk_done");
	disk->event_fd = eventfd(0, EFD_CLOEXEC);
	int rc = disk->todo == NULL || disk->done == NULL ? ENOMEM : 0;
	if (rc == 0 && disk->event_fd < 0)
		rc = errno;
	if (rc == 0)
		rc = pthread_create(&disk->thread, NULL, help, disk);
	if (rc == 0) {
		pthread_setname_np(disk->thread, "pollis-disk");
		return disk;
	}
	free(disk->todo);
	free(disk->done);
	if (disk->event_fd >= 0)
		close(disk->event_fd);
	free(disk);
	errno = rc;
	return NULL;
}

void
disk_destroy(struct disk *disk)
{
	if (disk == NULL)
		return;
	atomic_store_explicit(&disk->stopping, true, memory_order_release);
	wake_helper(disk);
	pthread_join(disk->thread, NULL);
	close(disk->event_fd);
	free(disk->todo);
	free(disk->done);
	free(disk);
}

bool
disk_submit(struct disk *disk, struct disk_job *job)
{
	/* Both rings and the job at work together hold no more than the second has room for. */
	if (rte_ring_count(disk->todo) + rte_ring_count(disk->done) + 1 >= DISK_JOBS_MAX - 1 ||
	    rte_ring_sp_enqueue(disk->todo, job) != 0)
		return false;
	wake_helper(disk);
	return true;
}

struct disk_job *
disk_done(struct disk *disk)
{
	void *job;
	return rte_ring_sc_dequeue(disk->done, &job) == 0 ? job : NULL;
}

bool
disk_waiting(const struct disk *disk)
{
	return rte_ring_count(disk->done) > 0;
}

/* ---- replacing a file ---- */

int
disk_sync(int fd)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
	const char *delay = getenv(DELAY_VARIABLE);
	if (delay != NULL) {
		long ms = strtol(delay, NULL, 10);
		struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
		nanosleep(&pause, NULL);
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

int
disk_write_all(int fd, const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
disk_sync_directory(const char *path)
{
	char copy[DISK_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	snprintf(copy, sizeof(copy), "%.*s", (int)len, path);
	int fd = open(len == 0 ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

void
disk_run_replace(struct disk_job *job)
{
	struct disk_replace *r = (struct disk_replace *)job;
	char temporary[DISK_PATH_MAX + 32];
	snprintf(temporary, sizeof(temporary), "%s.tmp-%d", r->path, (int)getpid());
	int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		job->result = -errno;
		return;
	}
	int rc = disk_write_all(fd, r->text, r->len);
	if (rc == 0)
		rc = disk_sync(fd);
	if (rc == 0 && r->lock_fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, r->path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temporary);
		close(fd);
		job->result = rc;
		return;
	}
	if (r->lock_fd >= 0) {
		close(r->lock_fd);
		r->lock_fd = fd;
	} else {
		close(fd);
	}
	job->result = disk_sync_directory(r->path);
}

/* ---- at start ---- */

/* Somebody may replace the file between our open() and flock(): then we hold the lock of one that nobody sees. */
static bool
is_still_at(int fd, const char *path)
{
	struct stat ours, named;
	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

enum disk_lock
disk_lock_file(const char *path, int *fd)
{
	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (*fd < 0)
			return DISK_LOCK_FAILED;
		if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
			bool held = errno == EWOULDBLOCK;
			int saved = errno;
			close(*fd);
			errno = saved;
			return held ? DISK_LOCK_HELD : DISK_LOCK_FAILED;
		}
		if (is_still_at(*fd, path))
			return DISK_LOCKED;
		close(*fd);
	}
	return DISK_LOCK_HELD;
}

void *
disk_read_file(int fd, size_t *len)
{
	struct stat stat;
	if (fstat(fd, &stat) < 0)
		return NULL;
	if (stat.st_size < 0 || (size_t)stat.st_size > NODES_FILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	uint8_t *text = malloc((size_t)stat.st_size + 1);
	*len = 0;
	while (text != NULL && *len < (size_t)stat.st_size) {
		ssize_t n = pread(fd, text + *len, (size_t)stat.st_size - *len, (off_t)*len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return text;
}
