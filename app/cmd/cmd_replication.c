/* app/cmd/cmd_replication.c - commands of replicas and of who waits for them; the node around the server answers (server_hooks). */
#include "app/cmd/command.h"

void
cmd_replication(struct server *server, struct call *call, struct resp_writer *w)
{
	if (server->hooks.replicate != NULL)
		server->hooks.replicate(server->hooks.replication, call, w);
	else
		resp_error(w, "ERR replication needs cluster mode: use cluster-enabled yes");
}

void
cmd_replicaof(struct server *server, struct call *call, struct resp_writer *w)
{
	(void)call;
	if (server->group->slots != NULL)
		resp_error(w, "ERR REPLICAOF not allowed in cluster mode.");
	else
		resp_error(w, "ERR replication needs cluster mode: use cluster-enabled yes");
}
