/* app/lcore/rewrite.c - parcels in line for one file. */
#include "app/lcore/rewrite.h"

#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "app/cmd/command.h"
#include "app/env/log.h"

/* What call_execute() does around a command, for one that has no server here. */
static void
answer(struct rewrite *r, struct parcel *p, int result)
{
	struct session *session = p->calls[0].session;
	bool silent = (session->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP_NEXT)) != 0;
	struct resp_writer bin = {.sink = &call_nowhere, .protocol = session->protocol};
	parcel_open(p, 0, &r->allocator);
	struct resp_writer *w = silent ? &bin : &p->writer;
	session->commands++;
	session->last_command = p->calls[0].command;
	session->flags &= ~(uint32_t)(SESSION_REPLY_SKIP_NEXT | SESSION_ASKING);
	if (result == 0)
		resp_simple(w, "OK");
	else
		resp_errorf(w, "ERR Rewriting config file: %s", rte_strerror(-result));
	parcel_close(p);
	p->to = p->home;
	STAILQ_INSERT_TAIL(&r->answered, p, link);
}

static void
finish(struct rewrite *r, int result)
{
	struct parcel *p = STAILQ_FIRST(&r->waiting);
	STAILQ_REMOVE_HEAD(&r->waiting, link);
	r->under_way = false;
	if (result == 0)
		log_warning("CONFIG REWRITE executed with success.");
	else
		log_warning("CONFIG REWRITE failed: %s", rte_strerror(-result));
	answer(r, p, result);
}

static void
begin(struct rewrite *r)
{
	struct parcel *p = STAILQ_FIRST(&r->waiting);
	if (r->under_way || p == NULL)
		return;
	r->job = (struct config_file_job){.job.run = config_file_run, .config = p->config};
	r->under_way = p->config != NULL && disk_submit(r->disk, &r->job.job);
	if (p->config == NULL) /* the asking lcore had no memory for its copy */
		finish(r, -ENOMEM);
}

bool
rewrite_mail(struct rewrite *rewrite, const struct mail *mail)
{
	struct parcel *p = (struct parcel *)(uintptr_t)mail->a;
	if (mail->kind != MAIL_CALLS || p->calls[0].route != ROUTE_REWRITE)
		return false;
	STAILQ_INSERT_TAIL(&rewrite->waiting, p, link);
	return true;
}

void
rewrite_turn(struct rewrite *rewrite)
{
	struct disk_job *done;
	struct parcel *p;
	if (rewrite->disk == NULL)
		return;
	while ((done = disk_done(rewrite->disk)) != NULL)
		finish(rewrite, done->result);
	begin(rewrite);
	while ((p = STAILQ_FIRST(&rewrite->answered)) != NULL) {
		if (!mail_send(rewrite->office, 0, p->home, MAIL_REPLIES, (uintptr_t)p, 0))
			return;
		STAILQ_REMOVE_HEAD(&rewrite->answered, link);
	}
}

bool
rewrite_waiting(const struct rewrite *rewrite)
{
	return rewrite->disk != NULL &&
	       (disk_waiting(rewrite->disk) || !STAILQ_EMPTY(&rewrite->answered) ||
		(!rewrite->under_way && !STAILQ_EMPTY(&rewrite->waiting)));
}

bool
rewrite_open(struct rewrite *rewrite, const struct config *config, struct post_office *office,
	     struct idle *waker)
{
	memset(rewrite, 0, sizeof(*rewrite));
	STAILQ_INIT(&rewrite->waiting);
	STAILQ_INIT(&rewrite->answered);
	rewrite->office = office;
	allocator_init_libc(&rewrite->allocator);
	if (config->file[0] == '\0')
		return true;
	rewrite->disk = disk_create(waker);
	return rewrite->disk != NULL;
}

void
rewrite_close(struct rewrite *rewrite)
{
	if (rewrite->disk != NULL)
		disk_destroy(rewrite->disk);
}
