/* SPDX-License-Identifier: BSD-3-Clause */
/* say.h - what the program tells its user on stderr, one line at a time, and its exit statuses. */
#ifndef RIPOSTE_SAY_H
#define RIPOSTE_SAY_H

#include <stdarg.h>
#include <stddef.h>

/* design.md, "The program". */
enum {
	EXIT_AS_ASKED = 0,
	EXIT_CONFIGURATION = 1,
	EXIT_COMMAND_LINE = 2,
	EXIT_DEVICE = 3, /* or memory */
	EXIT_INTERNAL = 4,
};

/* "riposte: ...". It is one line whatever the arguments hold: control characters become '?'. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "FILE:LINE: ...", and without a line (0) "FILE: ...". */
void say_at(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* From now on the first line that this thread says goes to line (of size bytes, "" meanwhile), and
 * nothing to stderr, until say_release(). */
void say_catch(char *line, size_t size);
void say_release(void);

#endif
