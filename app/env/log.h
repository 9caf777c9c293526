/* app/env/log.h - the server's log, one line each in Redis's format: "pid:role date level message".
 *
 * Control lcore and start-up only: writing may wait. Goes through rte_log, so --log-level and rte_openlog_stream() apply.
 */
#pragma once
#include <stdarg.h>

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

/* level: redis.conf's word. Lines below it are not written. */
void log_set_level(const char *level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_line(LOG_NOTICE, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
