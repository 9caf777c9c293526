/* proto/base/assert.h - two assertions, by what a wrong answer costs.
 *
 * ASSERT  always compiled: control paths, cluster decisions, start-up, structure checks.
 * DASSERT only with -DPOLLIS_DEBUG (debug, sanitizer, simulator and fuzz builds): per packet, per key.
 *
 * An assertion states what only a bug in this program can break. Input from a peer never reaches
 * one: it meets a parser that answers with an enum. The expression has no side effect.
 */
#pragma once

/* Prints "file:line: function: expression" to standard error and aborts. Any thread. */
_Noreturn void assert_failed(const char *file, int line, const char *function,
			     const char *expression);

#define ASSERT(expression)                                                                         \
	((expression) ? (void)0 : assert_failed(__FILE__, __LINE__, __func__, #expression))

#ifdef POLLIS_DEBUG
#define DASSERT(expression) ASSERT(expression)
#else
#define DASSERT(expression) ((void)sizeof((expression) ? 1 : 0))
#endif
