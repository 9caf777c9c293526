/* app/control/save.c - nodes.conf: read and locked at start, then replaced by the helper, one save at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>

#include "app/control/cluster_node_state.h"
#include "app/env/log.h"
#include "cluster/nodes_file.h"
#include "proto/base/assert.h"

#define SAVE_FIRST 65536 /* bytes of text: some hundred nodes */

static void
path_of(const struct config *config, char path[DISK_PATH_MAX])
{
	if (config->cluster_config_file[0] == '/')
		snprintf(path, DISK_PATH_MAX, "%s", config->cluster_config_file);
	else
		snprintf(path, DISK_PATH_MAX, "%s/%s", config->dir, config->cluster_config_file);
}

static bool
lock(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX])
{
	struct disk_replace *job = &node->save.job;
	switch (disk_lock_file(job->path, &job->lock_fd)) {
	case DISK_LOCKED:
		return true;
	case DISK_LOCK_HELD:
		snprintf(error, CLUSTER_NODE_ERROR_MAX,
			 "%.180s is used by another node: give each its own cluster-config-file",
			 job->path);
		break;
	case DISK_LOCK_FAILED:
		snprintf(error, CLUSTER_NODE_ERROR_MAX, "cluster-config-file %.160s: %s", job->path,
			 rte_strerror(errno));
		break;
	}
	job->lock_fd = -1;
	return false;
}

static bool
load(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX])
{
	struct disk_replace *job = &node->save.job;
	size_t len;
	uint32_t line;
	uint8_t *text = disk_read_file(job->lock_fd, &len);
	if (text == NULL) {
		snprintf(error, CLUSTER_NODE_ERROR_MAX, "cluster-config-file %.160s: %s", job->path,
			 rte_strerror(errno));
		return false;
	}
	enum nodes_file_status status =
		nodes_file_read(node->cluster, (struct span){text, len}, &line);
	free(text);
	const struct node *me = view_myself(node->cluster);
	if (status == NODES_FILE_OK)
		log_notice("Node configuration loaded, I'm %.*s", NODE_ID_LEN, me->id.bytes);
	else if (status == NODES_FILE_EMPTY)
		log_notice("No cluster configuration found, I'm %.*s", NODE_ID_LEN, me->id.bytes);
	else if (line == 0) /* of the file as a whole */
		snprintf(error, CLUSTER_NODE_ERROR_MAX,
			 "%.110s: %s: restore it, or move it away to start as a new node",
			 job->path, nodes_file_status_text(status));
	else
		snprintf(error, CLUSTER_NODE_ERROR_MAX,
			 "%.110s, line %u: %s: restore it, or move it away to start as a new node",
			 job->path, line, nodes_file_status_text(status));
	return status == NODES_FILE_OK || status == NODES_FILE_EMPTY;
}

bool
save_open(struct cluster_node *node, char error[CLUSTER_NODE_ERROR_MAX])
{
	struct disk_replace *job = &node->save.job;
	job->job.run = disk_run_replace;
	job->lock_fd = -1;
	path_of(node->of.config, job->path);
	node->save.size = SAVE_FIRST;
	node->save.text = calloc(1, SAVE_FIRST);
	if (node->save.text == NULL || !lock(node, error) || !load(node, error))
		return false;
	node->disk = disk_create(node->of.idle);
	if (node->disk == NULL)
		snprintf(error, CLUSTER_NODE_ERROR_MAX, "no thread for the disk: %s",
			 rte_strerror(errno));
	return node->disk != NULL;
}

void
save_close(struct cluster_node *node)
{
	disk_destroy(node->disk);
	if (node->save.job.lock_fd >= 0)
		close(node->save.job.lock_fd);
	free(node->save.text);
}

static void
submit(struct cluster_node *node)
{
	struct save *s = &node->save;
	s->retry_at_ms = 0;
	s->with_helper = disk_submit(node->disk, &s->job.job);
	if (!s->with_helper)
		s->retry_at_ms = node->now_ms + 1;
}

void
save_begin(struct cluster_node *node, uint64_t number, const struct cluster_facts *facts)
{
	struct save *s = &node->save;
	ASSERT(s->number == 0 && !s->with_helper);
	size_t len = nodes_file_write(node->cluster, facts, s->text, s->size);
	if (len > s->size) {
		free(s->text);
		s->size = 2 * len;
		s->text = malloc(s->size);
		ASSERT(s->text != NULL);
		len = nodes_file_write(node->cluster, facts, s->text, s->size);
	}
	s->number = number;
	s->fence = node->fence_asked;
	s->on_disk = false;
	s->job.text = s->text;
	s->job.len = len;
	submit(node);
}

static void
landed(struct cluster_node *node)
{
	struct save *s = &node->save;
	int result = s->job.job.result;
	s->with_helper = false;
	if (result == 0) {
		s->on_disk = true;
		counter_add(&node->counters.saves, 1);
		return;
	}
	counter_add(&node->counters.saves_failed, 1);
	log_warning("%s cannot be written (%s): trying again; until then this node changes nothing "
		    "that others rely on",
		    s->job.path, rte_strerror(-result));
	s->retry_at_ms = node->now_ms + DISK_RETRY_MS;
}

uint64_t
save_turn(struct cluster_node *node)
{
	struct save *s = &node->save;
	struct disk_job *job;
	while ((job = disk_done(node->disk)) != NULL)
		if (job == &s->job.job)
			landed(node);
	if (s->retry_at_ms != 0 && node->now_ms >= s->retry_at_ms)
		submit(node);
	if (s->number == 0 || !s->on_disk || node->fence_answered < s->fence)
		return 0;
	uint64_t number = s->number;
	s->number = 0;
	return number;
}
