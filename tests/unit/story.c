/* SPDX-License-Identifier: BSD-3-Clause */
/* story.c - see story.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

static char story[32768];
static size_t length;

void
story_begin(void)
{
	length = 0;
	story[0] = 0;
}

/* A long story loses its older half. */
static void
make_room(void)
{
	if (length < sizeof(story) - 1024)
		return;
	memmove(story, story + length / 2, length - length / 2 + 1);
	length -= length / 2;
}

static void
tell(const char *format, va_list args)
{
	int n;

	make_room();
	n = vsnprintf(story + length, sizeof(story) - length, format, args);
	if (n > 0 && length + (size_t)n < sizeof(story))
		length += (size_t)n;
}

void
story_tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(format, args);
	va_end(args);
}

const char *
story_flags(uint8_t flags)
{
	static const char *const NAMES[8] = {"FIN", "SYN", "RST", "PSH",
					     "ACK", "URG", "ECE", "CWR"};
	static char text[2][40];
	static int turn;
	char *start = text[turn ^= 1];
	char *p = start;
	int i;

	*p = 0;
	for (i = 0; i < 8; i++)
		if (flags & 1 << i)
			p += sprintf(p, "%s%s", p == start ? "" : ",", NAMES[i]);
	return *start ? start : "none";
}

void
story_fail(struct story_where where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(format, args);
	va_end(args);
	fprintf(stderr, "%s\n", story);
	fflush(stderr);
	_fail(where.file, where.line);
	abort();
}

void
story_same(struct story_where where, const char *what, uint64_t want, uint64_t got)
{
	if (want != got)
		story_fail(where,
			   "%s: expected %" PRIu64 " (0x%" PRIx64 "), came %" PRIu64 " (0x%" PRIx64
			   ")",
			   what, want, want, got, got);
}

void
story_true(struct story_where where, const char *what, bool condition)
{
	if (!condition)
		story_fail(where, "expected: %s", what);
}
