#include "app/env/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_log.h>

#define LOG_LINE_MAX 512

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

void
log_line(enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_MAX], when[40];
	struct timespec now;
	struct tm tm;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%d %b %Y %H:%M:%S", &tm);
	rte_log(levels[level].rte_level, RTE_LOGTYPE_USER1, "%d:M %s.%03ld %c %s\n", (int)getpid(),
		when, now.tv_nsec / 1000000, levels[level].mark, text);
}
