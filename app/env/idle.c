/* app/env/idle.c - epoll over rx descriptors and one eventfd. */
#include "app/env/idle.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_pause.h>

int
idle_init(struct idle *idle)
{
	*idle = (struct idle){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
			      .event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (idle->epoll_fd < 0 || idle->event_fd < 0)
		return -errno;
	return idle_add_fd(idle, idle->event_fd);
}

void
idle_close(struct idle *idle)
{
	if (idle->epoll_fd > 0)
		close(idle->epoll_fd);
	if (idle->event_fd > 0)
		close(idle->event_fd);
	idle->epoll_fd = idle->event_fd = -1;
}

int
idle_add_fd(struct idle *idle, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(idle->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void
idle_nap_only(struct idle *idle)
{
	idle->naps = true;
}

void
idle_wait(struct idle *idle, uint64_t sleep_us, bool (*work_waiting)(void *), void *owner)
{
	struct epoll_event events[4];
	uint64_t ignored;
	if (idle->spins < IDLE_SPINS) {
		idle->spins++;
		rte_pause();
		return;
	}
	if (sleep_us > IDLE_SLEEP_MAX_US)
		sleep_us = IDLE_SLEEP_MAX_US;
	if (idle->naps && sleep_us > IDLE_NAP_US)
		sleep_us = IDLE_NAP_US;
	atomic_store_explicit(&idle->asleep, true, memory_order_seq_cst);
	if (sleep_us > 0 && !work_waiting(owner)) {
		struct timespec timeout = {.tv_sec = (time_t)(sleep_us / 1000000),
					   .tv_nsec = (long)(sleep_us % 1000000) * 1000};
		int n = epoll_pwait2(idle->epoll_fd, events, 4, &timeout, NULL);
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == idle->event_fd &&
			    read(idle->event_fd, &ignored, sizeof(ignored)) < 0)
				continue;
	}
	atomic_store_explicit(&idle->asleep, false, memory_order_relaxed);
}

void
idle_wake(struct idle *idle)
{
	uint64_t one = 1;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&idle->asleep, memory_order_seq_cst) &&
	    write(idle->event_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it wakes anyway */
}
