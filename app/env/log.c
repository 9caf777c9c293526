/* app/env/log.c - one line per event through rte_log; the level words are redis.conf's. */
#include "app/env/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_log.h>

#define LOG_LINE_MAX 512

enum level { LEVEL_DEBUG, LEVEL_VERBOSE, LEVEL_NOTICE, LEVEL_WARNING };

static const struct {
	const char *word;
	char mark;
	uint32_t rte_level;
} levels[] = {
	{"debug",   '.', RTE_LOG_DEBUG  },
	{"verbose", '-', RTE_LOG_INFO   },
	{"notice",  '*', RTE_LOG_NOTICE },
	{"warning", '#', RTE_LOG_WARNING},
};

void
log_set_level(const char *level)
{
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(level, levels[i].word) == 0)
			rte_log_set_level(RTE_LOGTYPE_USER1, levels[i].rte_level);
}

static void
log_line(enum level level, const char *format, va_list args)
{
	char text[LOG_LINE_MAX], when[40];
	struct timespec now;
	struct tm tm;
	vsnprintf(text, sizeof(text), format, args);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%d %b %Y %H:%M:%S", &tm);
	rte_log(levels[level].rte_level, RTE_LOGTYPE_USER1, "%d:M %s.%03ld %c %s\n", (int)getpid(),
		when, now.tv_nsec / 1000000, levels[level].mark, text);
}

void
log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_DEBUG, format, args);
	va_end(args);
}

void
log_verbose(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_VERBOSE, format, args);
	va_end(args);
}

void
log_notice(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_NOTICE, format, args);
	va_end(args);
}

void
log_warning(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_WARNING, format, args);
	va_end(args);
}
