/* tests/unit/app/control/test_disk.c - jobs, their results and their order (disk.h K1 to K3); the lock of a configuration file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "app/control/disk.h"
#include "app/env/idle.h"
#include "tests/unit/runner.h"

#define WAIT_MS 5000

static struct idle idle;
static char folder[] = "/tmp/pollis-test-disk-XXXXXX";

static uint64_t
now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct disk *
start(void)
{
	snprintf(folder, sizeof(folder),
		 "/tmp/pollis-test-disk-XXXXXX"); /* the last case's name is used up */
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(idle_init(&idle), 0);
	struct disk *disk = disk_create(&idle);
	ck_assert_ptr_nonnull(disk);
	return disk;
}

static void
stop(struct disk *disk)
{
	char command[64];
	disk_destroy(disk);
	idle_close(&idle);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static struct disk_job *
wait_done(struct disk *disk)
{
	uint64_t until = now_ms() + WAIT_MS;
	struct disk_job *job = NULL;
	while ((job = disk_done(disk)) == NULL && now_ms() < until)
		usleep(100);
	return job;
}

static struct disk_replace
replacement(const char *name, const char *text, int lock_fd)
{
	struct disk_replace r = {
		.job = {.run = disk_run_replace, .result = -1},
		.text = text,
		.len = strlen(text),
		.lock_fd = lock_fd
        };
	snprintf(r.path, sizeof(r.path), "%s/%s", folder, name);
	return r;
}

static void
expect_text(const char *path, const char *text)
{
	size_t len;
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	char *read = disk_read_file(fd, &len);
	close(fd);
	ck_assert_ptr_nonnull(read);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_mem_eq(read, text, len);
	free(read);
}

START_TEST(a_file_is_replaced_and_no_other_file_is_left)
{
	struct disk *disk = start();
	struct disk_replace r = replacement("nodes.conf", "one", -1);
	char entries[64];
	for (int i = 0; i < 2; i++) {
		r.text = i == 0 ? "one" : "two and more";
		r.len = strlen(r.text);
		ck_assert(disk_submit(disk, &r.job));
		ck_assert_ptr_eq(wait_done(disk), &r.job);
		ck_assert_int_eq(r.job.result, 0);
		expect_text(r.path, r.text);
	}
	snprintf(entries, sizeof(entries), "test $(ls %s | wc -l) = 1", folder);
	ck_assert_int_eq(system(entries), 0);
	stop(disk);
}
END_TEST

START_TEST(a_failure_is_a_result_and_leaves_the_old_text)
{
	struct disk *disk = start();
	struct disk_replace r = replacement("no-such-folder/nodes.conf", "one", -1);
	ck_assert(disk_submit(disk, &r.job));
	ck_assert_ptr_eq(wait_done(disk), &r.job);
	ck_assert_int_eq(r.job.result, -ENOENT);
	stop(disk);
}
END_TEST

static void
run_note(struct disk_job *job)
{
	static int ran;
	job->result = ran++;
}

START_TEST(jobs_run_and_come_back_in_order_and_too_many_are_refused)
{
	struct disk *disk = start();
	static struct disk_job jobs[DISK_JOBS_MAX];
	unsigned taken = 0, back = 0;
	for (; taken < DISK_JOBS_MAX; taken++) {
		jobs[taken].run = run_note;
		if (!disk_submit(disk, &jobs[taken]))
			break;
	}
	ck_assert_uint_gt(taken, DISK_JOBS_MAX / 2);
	ck_assert_uint_lt(taken, DISK_JOBS_MAX); /* none was taken back meanwhile */
	for (; back < taken; back++) {
		ck_assert_ptr_eq(wait_done(disk), &jobs[back]);
		ck_assert_int_eq(jobs[back].result, (int)back);
	}
	ck_assert_ptr_null(disk_done(disk));
	ck_assert(!disk_waiting(disk));
	stop(disk);
}
END_TEST

START_TEST(a_slow_disk_delays_the_result_and_not_the_caller)
{
	ck_assert_int_eq(setenv("POLLIS_TEST_FSYNC_DELAY_MS", "300", 1), 0);
	struct disk *disk = start();
	struct disk_replace r = replacement("nodes.conf", "one", -1);
	uint64_t before = now_ms();
	ck_assert(disk_submit(disk, &r.job));
	ck_assert_ptr_null(disk_done(disk));
	ck_assert_uint_lt(now_ms() - before, 150);
	ck_assert_ptr_eq(wait_done(disk), &r.job);
	ck_assert_uint_ge(now_ms() - before, 300);
	ck_assert_int_eq(r.job.result, 0);
	stop(disk);
}
END_TEST

START_TEST(a_locked_file_is_held_and_the_lock_moves_to_what_replaces_it)
{
	struct disk *disk = start();
	struct disk_replace r = replacement("nodes.conf", "one", -1);
	int other;
	ck_assert_int_eq(disk_lock_file(r.path, &r.lock_fd), DISK_LOCKED);
	ck_assert_int_eq(disk_lock_file(r.path, &other), DISK_LOCK_HELD);
	ck_assert(disk_submit(disk, &r.job));
	ck_assert_ptr_eq(wait_done(disk), &r.job);
	ck_assert_int_eq(r.job.result, 0);
	expect_text(r.path, "one");
	ck_assert_int_eq(disk_lock_file(r.path, &other), DISK_LOCK_HELD);
	close(r.lock_fd);
	ck_assert_int_eq(disk_lock_file(r.path, &other), DISK_LOCKED);
	close(other);
	stop(disk);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_a_failure)
{
	int fd;
	ck_assert_int_eq(disk_lock_file("/no-such-folder/nodes.conf", &fd), DISK_LOCK_FAILED);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int
main(void)
{
	return RUN_CASES("disk", a_file_is_replaced_and_no_other_file_is_left,
			 a_failure_is_a_result_and_leaves_the_old_text,
			 jobs_run_and_come_back_in_order_and_too_many_are_refused,
			 a_slow_disk_delays_the_result_and_not_the_caller,
			 a_locked_file_is_held_and_the_lock_moves_to_what_replaces_it,
			 a_file_that_cannot_be_opened_is_a_failure);
}
