/* app/lcore/rdb_file.h - the keys of a node in an RDB file: saved while it serves, read before it does.
 *
 *     BGSAVE --barrier--> cut (snapshot.h) --parts of all lcores--> data lcore 1 --jobs--> helper: write ... fsync, rename, fsync directory
 *     start  --> rdb_file_load(): every key to the keyspace of the lcore that owns its slot
 *
 * F1  The file at the path is the old one or the new one, whole, whenever the process or the machine stops.
 * F2  No lcore waits for the disk. The helper is not the one that writes votes: an election must not wait for a snapshot's fsync.
 * F3  A file that cannot be read to its end, checksum included, or that holds what we have not, stops the start: nothing is passed over.
 * Written by data lcore 1, or inside a barrier; what says so is the helper's while jobs are under way.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/control/disk.h"
#include "app/lcore/parcel.h"

#define RDB_FILE_JOBS      32u
#define RDB_FILE_ERROR_MAX 256

struct repl;
struct repl_lcore;
struct server_group;
struct rdb_file;

struct rdb_file_job { /* job first */
	struct disk_job job;
	struct rdb_file *file;
	struct parcel_part *part; /* NULL: the end of the file */
	bool in_use, keep;        /* keep: give it the name; else it is removed */
};

struct rdb_file {
	struct disk *disk;
	bool taking;    /* the snapshot's shares are not complete */
	bool ending;    /* they are; the end was not submitted yet */
	bool failed;    /* no memory for a share */
	bool scheduled; /* BGSAVE SCHEDULE: as soon as no snapshot is under way */
	bool last_failed;
	unsigned jobs_under_way;
	struct parcel_parts parts; /* wait for a job */
	uint64_t changes_saved, changes_at_cut;
	uint64_t saved_at_s, cut_at_us, last_took_s;
	struct rdb_file_job jobs[RDB_FILE_JOBS];
	/* The helper's. */
	int fd; /* -1: none is open */
	int error;
	uint64_t crc, total;
	char path[DISK_PATH_MAX], temporary[DISK_PATH_MAX];
};

/* Inside a barrier. NULL: it has begun, or, *schedule, waits for its turn if it was allowed to; else the error. first: data lcore 1. */
const char *rdb_file_save(struct repl_lcore *first, bool *schedule);
/* Data lcore 1: what the snapshot brings. */
void rdb_file_part(struct repl_lcore *first, struct parcel_part *part);
void rdb_file_share_end(struct repl_lcore *first, bool failed);
/* Each turn of data lcore 1. True: there was something to do. */
bool rdb_file_turn(struct repl_lcore *first);
/* BGSAVE SCHEDULE's time has come; rdb_file_act() is called inside the barrier. */
bool rdb_file_wants_barrier(const struct repl_lcore *l);
void rdb_file_act(struct repl_lcore *l);
/* A job has come back. */
bool rdb_file_waiting(const struct rdb_file *file);
/* LASTSAVE and INFO persistence, inside a barrier. */
uint64_t rdb_file_saved_at_s(const struct repl_lcore *l);
size_t rdb_file_info(const struct repl_lcore *l, char *at, size_t size);

/* At the end: what is half written is removed. */
void rdb_file_close(struct rdb_file *file);
/* Of all keys since the start, counted. */
uint64_t rdb_file_changes(const struct repl *repl);

/* dir and dbfilename. */
void rdb_file_path(char path[DISK_PATH_MAX], const char *dir, const char *name);

enum rdb_file_load { RDB_FILE_LOADED, RDB_FILE_ABSENT, RDB_FILE_BAD };
/* Before the lcores run. Keys whose time is over at now_ms are left out. BAD: one clear line in error. *keys: how many there are. */
enum rdb_file_load rdb_file_load(struct server_group *group, const char *path, uint64_t now_ms,
				 uint64_t *keys, char error[RDB_FILE_ERROR_MAX]);
