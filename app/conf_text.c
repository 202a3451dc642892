/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_text.c - reads the file and goes over it before libconfuse does: that counts a line with a
 * comment three times, skips characters that begin no token, and takes the end of the file for the
 * end of a string or section. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_text.h"
#include "say.h"

#define FILE_SIZE_MAX ((size_t)16 << 20)

/* The place in the text, which ends with '\0'. */
struct scan {
	const char *file;
	char *at;
	int line;
	int depth; /* of braces */
	int open_line;
};

ssize_t
conf_text_read_up_to(int fd, void *to, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, (char *)to + length, size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

static char *
load(const char *file)
{
	char *text = malloc(FILE_SIZE_MAX + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (text != NULL && fd >= 0)
		length = conf_text_read_up_to(fd, text, FILE_SIZE_MAX);
	if (length < 0)
		say_at(file, 0, "cannot be read: %s; a configuration file would be right",
		       strerror(errno));
	if (fd >= 0)
		close(fd);
	if (length == (ssize_t)FILE_SIZE_MAX) {
		say_at(file, 0, "is too long; a configuration has less than 16 MiB");
		length = -1;
	}
	if (length < 0) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	if (memchr(text, '\0', (size_t)length) != NULL) {
		say_at(file, 0, "is not text; a configuration file would be right");
		free(text);
		return NULL;
	}
	return text;
}

static void
advance(struct scan *s)
{
	s->line += *s->at == '\n';
	s->at++;
}

/* Makes length bytes blanks, but for the ends of lines. */
static void
blank(struct scan *s, size_t length)
{
	for (; length > 0; length--) {
		if (*s->at != '\n')
			*s->at = ' ';
		advance(s);
	}
}

/* Is this an escape of the zero byte? In double quotes, "\0", "\x00" and what is between. */
static bool
is_zero(const char *at)
{
	const size_t octal = strspn(at + 1, "0"), hex = at[1] == 'x' ? strspn(at + 2, "0") : 0;

	if (at[0] != '\\')
		return false;
	/* At most three octal digits are one escape, and two hexadecimal ones. */
	if (octal > 0)
		return octal >= 3 || strchr("1234567", at[1 + octal]) == NULL ||
		       at[1 + octal] == '\0';
	return hex >= 2 || (hex == 1 && !isxdigit((unsigned char)at[3]));
}

static bool
skip_string(struct scan *s)
{
	const char quote = *s->at;
	const int begin = s->line;

	advance(s);
	while (*s->at != quote) {
		/* A variable of the environment, whose end libconfuse seeks in all of the file. */
		if (quote == '"' && s->at[0] == '$' && s->at[1] == '{' &&
		    s->at[strcspn(s->at, "}\"\n")] != '}') {
			say_at(s->file, s->line,
			       "this ${ has no end; a } in the same string or \\$ would be right");
			return false;
		}
		if (quote == '"' && is_zero(s->at)) {
			say_at(s->file, s->line,
			       "a string ends at its zero byte; write @FILE would be right for "
			       "what "
			       "has one");
			return false;
		}
		if (s->at[0] == '\\' && s->at[1] != '\0')
			advance(s);
		if (*s->at == '\0') {
			say_at(s->file, begin,
			       "this string has no end; a closing %c would be right", quote);
			return false;
		}
		advance(s);
	}
	advance(s);
	return true;
}

static bool
refuse(const struct scan *s)
{
	say_at(s->file, s->line,
	       "unexpected '%c'; KEY = VALUE or KEY = { VALUE, VALUE } would be right, with a "
	       "VALUE "
	       "that holds it in quotes",
	       *s->at);
	return false;
}

static bool
blank_comment(struct scan *s)
{
	const char *end;

	if (s->at[0] == '#' || s->at[1] == '/') {
		blank(s, strcspn(s->at, "\n"));
		return true;
	}
	end = strstr(s->at + 2, "*/");
	if (end == NULL) {
		say_at(s->file, s->line, "this comment has no end; a closing */ would be right");
		return false;
	}
	blank(s, (size_t)(end + 2 - s->at));
	return true;
}

/* One token, blank or comment. */
static bool
scan_next(struct scan *s)
{
	/* What ends a word in libconfuse, and '|', by which a key reaches into other sections. */
	static const char ends[] = " #\"'\t\n\r={}()+,*|";

	switch (*s->at) {
	case '"':
	case '\'':
		return skip_string(s);
	case '#':
		return blank_comment(s);
	case '/':
		if (s->at[1] == '/' || s->at[1] == '*')
			return blank_comment(s);
		break;
	case '{':
		if (s->depth++ == 0)
			s->open_line = s->line;
		break;
	case '}':
		s->depth -= s->depth > 0;
		break;
	case '\r': /* of a file from elsewhere */
		blank(s, 1);
		return true;
	case '+':
		if (s->at[1] != '=')
			return refuse(s);
		break;
	case '$':
		if (s->at[1] == '{')
			return refuse(s);
		break;
	case '*':
	case '|':
		return refuse(s);
	default:
		break;
	}
	if (strchr(ends, *s->at) != NULL)
		advance(s);
	else
		s->at += strcspn(s->at, ends);
	return true;
}

int
conf_text_read(const char *file, struct conf_text *text)
{
	struct scan s = {.file = file, .line = 1};

	text->text = load(file);
	if (text->text == NULL)
		return -1;
	s.at = text->text;
	while (*s.at != '\0') {
		if (!scan_next(&s)) {
			free(text->text);
			return -1;
		}
	}
	text->open_line = s.depth > 0 ? s.open_line : 0;
	return 0;
}
