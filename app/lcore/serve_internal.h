/* app/lcore/serve_internal.h - what serve.c (clients, parsing, groups) and away.c (commands that run elsewhere) need of each other. */
#pragma once
#include "app/lcore/serve.h"

enum pump {
	PUMP_FULL,      /* the group is full: run it and go on */
	PUMP_EXHAUSTED, /* the source is used up */
	PUMP_STARVED,   /* a command begins that is not all here */
	PUMP_WIDE,      /* a command with very many arguments */
	PUMP_BROKEN,    /* protocol error */
	PUMP_PARKED,    /* its next commands run elsewhere */
};

bool serve_runs_here(const struct serve *serve, const struct call *call);
/* The stricter of CLIENT PAUSE and a manual failover. */
enum pause_level serve_pause_level(const struct serve *serve);
bool serve_client_stopped(const struct client *client);
/* Ended when this turn's groups have run; the first reason stays. */
void serve_mark_end(struct serve *serve, struct client *client, enum client_end end);
void serve_end_marked(struct serve *serve, uint64_t now_us);
/* Its protocol error is told, then it ends. */
void serve_end_broken(struct serve *serve, struct client *client);
void serve_run_group(struct serve *serve);
/* The next command of the source. Its arguments lie at the free end of serve->args. */
enum resp_status serve_parse(struct serve *serve, struct client *client, struct span source,
			     struct call *call, struct resp_command *command);
/* Everything that can be done for the client now. */
void serve_pump(struct serve *serve, struct client *client);

/* away.c. The client's earlier commands run first; then it waits, with its arguments where they are (R2). */
enum pump serve_park(struct serve *serve, struct client *client, const struct call *call,
		     const struct resp_command *command);
