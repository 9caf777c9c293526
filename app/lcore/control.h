/* app/lcore/control.h - the control lcore: signals, wall clock, shutdown. It never waits for a disk, a log or a data lcore. */
#pragma once

struct node;

/* SIGTERM and SIGINT ask for an orderly end, SIGPIPE is ignored. Once per process, before any lcore is launched. 0 or negative errno. */
int control_signals_install(void);
/* Until the node has stopped; its exit status. */
int control_run(struct node *node);
