/* app/env/log.h - the server's log, one line each in Redis's format: "pid:role date level message".
 *
 * Control lcore and start-up only: writing may wait. Goes through rte_log, so --log-level and rte_openlog_stream() apply.
 */
#pragma once
/* level: redis.conf's word. Lines below it are not written. */
void log_set_level(const char *level);
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
