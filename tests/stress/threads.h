/* tests/stress/threads.h - what every stress does: as many threads as it has lcores, a limit in time, one verdict.
 *
 *     threads_run(&run, COUNT, body)   body(run, i) in thread i, i from 1 to COUNT as lcores are numbered
 *     THREADS_CHECK(what)              ends the program when it does not hold: a race has no second look
 */
#pragma once
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX     15
#define THREADS_SECONDS 50 /* a stress that has not ended by then hangs: SIGALRM ends it */

#define THREADS_CHECK(holds)                                                                       \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

struct thread {
	pthread_t id;
	void *run;
	unsigned self;
	void (*body)(void *run, unsigned self);
};

static inline void *
thread_main(void *arg)
{
	struct thread *t = arg;
	t->body(t->run, t->self);
	return NULL;
}

static inline void
threads_run(void *run, unsigned count, void (*body)(void *run, unsigned self))
{
	static struct thread threads[THREADS_MAX];
	THREADS_CHECK(count <= THREADS_MAX);
	alarm(THREADS_SECONDS);
	for (unsigned i = 0; i < count; i++) {
		threads[i] = (struct thread){.run = run, .self = i + 1, .body = body};
		THREADS_CHECK(pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) == 0);
	}
	for (unsigned i = 0; i < count; i++)
		THREADS_CHECK(pthread_join(threads[i].id, NULL) == 0);
	alarm(0);
}
