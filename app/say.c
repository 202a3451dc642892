/* SPDX-License-Identifier: BSD-3-Clause */
/* say.c - one line on stderr, whatever it is made of. */
#include <stdio.h>

#include "say.h"

#define LINE_MAX_LENGTH 1024

/* Where this thread's next line goes instead of stderr. */
static _Thread_local struct {
	char *line;
	size_t size;
} caught;

void
say_catch(char *line, size_t size)
{
	line[0] = '\0';
	caught.line = line;
	caught.size = size;
}

void
say_release(void)
{
	caught.line = NULL;
}

/* In one write, so that lines of several threads do not mix. */
static void
say_line(const char *prefix, const char *format, va_list args)
{
	char line[LINE_MAX_LENGTH];
	int length;

	length = snprintf(line, sizeof(line), "%s", prefix);
	if (length > 0 && (size_t)length < sizeof(line))
		vsnprintf(line + length, sizeof(line) - (size_t)length, format, args);
	for (char *c = line; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	}
	if (caught.line == NULL)
		fprintf(stderr, "%s\n", line);
	else if (caught.line[0] == '\0')
		snprintf(caught.line, caught.size, "%s", line);
}

void
say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_line("riposte: ", format, args);
	va_end(args);
}

void
say_at(const char *file, int line, const char *format, ...)
{
	char prefix[LINE_MAX_LENGTH];
	va_list args;

	if (line > 0)
		snprintf(prefix, sizeof(prefix), "%s:%d: ", file, line);
	else
		snprintf(prefix, sizeof(prefix), "%s: ", file);
	va_start(args, format);
	say_line(prefix, format, args);
	va_end(args);
}
