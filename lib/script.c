/* SPDX-License-Identifier: BSD-3-Clause */
/* script.c - socket calls from text to steps. design.md, "The idea". Knows no
 * connections: what a call does is not here. */
#include "script.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX INT32_MAX /* bytes of a read, and milliseconds */
#define SHOWN_MAX  60        /* characters of a wrong call that its error repeats */
#define CALLS                                                                                      \
	"accept, read [N|all], write \"TEXT\", write @FILE, echo, sleep TIME, timeout TIME,"       \
	" shutdown, linger 0, close, hang"

/* What comes after the name of a call. */
enum argument { NOTHING, AMOUNT, TEXT, TIME, ZERO };

static const struct {
	const char *name;
	enum argument argument;
} SPELLED[] = {
	[SCRIPT_ACCEPT] = {"accept", NOTHING},     [SCRIPT_READ] = {"read", AMOUNT},
	[SCRIPT_READ_ANY] = {"read", AMOUNT},      [SCRIPT_READ_ALL] = {"read", AMOUNT},
	[SCRIPT_WRITE] = {"write", TEXT},          [SCRIPT_ECHO] = {"echo", NOTHING},
	[SCRIPT_SLEEP] = {"sleep", TIME},          [SCRIPT_TIMEOUT] = {"timeout", TIME},
	[SCRIPT_SHUTDOWN] = {"shutdown", NOTHING}, [SCRIPT_LINGER] = {"linger", ZERO},
	[SCRIPT_CLOSE] = {"close", NOTHING},       [SCRIPT_HANG] = {"hang", NOTHING},
	[SCRIPT_EXIT] = {"(exit)", NOTHING}, /* the end of a script: nobody writes it */
};

const char *
script_call_name(enum script_call call)
{
	return SPELLED[call].name;
}

/* A stretch of text that ends where length says. */
struct word {
	const char *text;
	size_t length;
};

/* What was compiled so far. */
struct progress {
	uint32_t timeout_ms;
	bool accepted;
	bool shut;
	const char *last; /* name of the call after which nothing can come */
};

/* Where an error goes, and which call it is about. */
struct complaint {
	char *text;
	size_t size;
	char call[SHOWN_MAX + 4]; /* printable, and short */
};

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes the first word off *rest; its length is 0 when there is none. */
static struct word
take_word(const char **rest)
{
	struct word word;
	const char *p = *rest;

	while (is_space(*p))
		p++;
	word.text = p;
	while (*p != '\0' && !is_space(*p))
		p++;
	word.length = (size_t)(p - word.text);
	*rest = p;
	return word;
}

static bool
word_is(struct word word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

/* Reads digits at the beginning of word; returns how many, 0 if there are none or they come to more
 * than NUMBER_MAX. */
static size_t
take_number(struct word word, uint32_t *number)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < word.length && word.text[i] >= '0' && word.text[i] <= '9'; i++) {
		value = value * 10 + (uint64_t)(word.text[i] - '0');
		if (value > NUMBER_MAX)
			return 0;
	}
	*number = (uint32_t)value;
	return i;
}

static int
parse_time(struct word word, uint32_t *ms)
{
	uint32_t number;
	uint64_t value;
	struct word unit = word;
	size_t digits = take_number(word, &number);

	if (digits == 0)
		return -1;
	unit.text += digits;
	unit.length -= digits;
	if (word_is(unit, "ms") || (unit.length == 0 && number == 0))
		value = number;
	else if (word_is(unit, "s"))
		value = UINT64_C(1000) * number;
	else if (word_is(unit, "m"))
		value = UINT64_C(60000) * number;
	else
		return -1;
	if (value > NUMBER_MAX)
		return -1;
	*ms = (uint32_t)value;
	return 0;
}

int
script_time_parse(const char *text, uint32_t *ms)
{
	return parse_time((struct word){text, strlen(text)}, ms);
}

/* Keeps the call for the error: without spaces around it, in one line, and not too long. */
static void
quote(struct complaint *complaint, const char *call)
{
	size_t length, shown;

	while (is_space(*call))
		call++;
	length = strlen(call);
	while (length > 0 && is_space(call[length - 1]))
		length--;
	shown = length > SHOWN_MAX ? SHOWN_MAX : length;
	for (size_t i = 0; i < shown; i++)
		complaint->call[i] = call[i] >= ' ' && call[i] <= '~' ? call[i] : '?';
	strcpy(complaint->call + shown, length > shown ? "..." : "");
}

__attribute__((format(printf, 2, 3))) static int
refuse(struct complaint *complaint, const char *format, ...)
{
	const int length = snprintf(complaint->text, complaint->size, "\"%s\"", complaint->call);
	va_list args;

	if (length >= 0 && (size_t)length < complaint->size) {
		va_start(args, format);
		vsnprintf(complaint->text + length, complaint->size - (size_t)length, format, args);
		va_end(args);
	}
	return -1;
}

static int
parse_amount(struct complaint *complaint, struct word word, struct script_step *step)
{
	if (word.length == 0) {
		step->call = SCRIPT_READ_ANY;
	} else if (word_is(word, "all")) {
		step->call = SCRIPT_READ_ALL;
	} else if (take_number(word, &step->arg) == word.length && step->arg > 0) {
		step->call = SCRIPT_READ;
	} else {
		return refuse(complaint,
			      ": N must be a number of bytes, 1 to %d: read, read N or read all",
			      NUMBER_MAX);
	}
	return 0;
}

/* What follows "write": everything between the first quote and the last, or a name behind @. */
static int
parse_text(struct complaint *complaint, const char *text, struct script_step *step)
{
	size_t length;

	while (is_space(*text))
		text++;
	if (text[0] == '@' && text[1] != '\0') {
		step->file = text + 1;
		return 0;
	}
	length = strlen(text);
	while (length > 1 && is_space(text[length - 1]))
		length--;
	if (length < 2 || text[0] != '"' || text[length - 1] != '"')
		return refuse(complaint, ": write \"TEXT\" or write @FILE would be right, in the"
					 " configuration \"write \\\"TEXT\\\"\"");
	if (length - 2 > SCRIPT_WRITE_MAX)
		return refuse(complaint, ": at most %u bytes", SCRIPT_WRITE_MAX);
	step->text = (const uint8_t *)text + 1;
	step->arg = (uint32_t)(length - 2);
	return 0;
}

/* Reads one call as it is written, whatever came before it. */
static int
parse_call(struct complaint *complaint, const char *call, struct script_step *step)
{
	const struct word name = take_word(&call);
	const char *const rest = call;
	const struct word argument = take_word(&call);
	const bool more = take_word(&call).length > 0;
	unsigned int i = 0;

	while (i < SCRIPT_EXIT && !word_is(name, SPELLED[i].name))
		i++;
	if (i == SCRIPT_EXIT)
		return refuse(complaint, " is no socket call: " CALLS);
	if (more && SPELLED[i].argument != TEXT)
		return refuse(complaint, ": too many words for one call: " CALLS);
	*step = (struct script_step){.call = (uint8_t)i};
	switch (SPELLED[i].argument) {
	case NOTHING:
		if (argument.length > 0)
			return refuse(complaint, ": nothing comes after %s", SPELLED[i].name);
		break;
	case AMOUNT:
		return parse_amount(complaint, argument, step);
	case TEXT:
		return parse_text(complaint, rest, step);
	case TIME:
		if (parse_time(argument, &step->arg) < 0)
			return refuse(complaint,
				      ": TIME must be digits and ms, s or m (at most %dms), as in"
				      " %s 20s",
				      NUMBER_MAX, SPELLED[i].name);
		break;
	case ZERO:
		if (!word_is(argument, "0"))
			return refuse(complaint,
				      ": the only linger is SO_LINGER {on, 0}: linger 0");
		break;
	}
	return 0;
}

/* Is SO_RCVTIMEO anything to it? Who hangs may be given calls by hand. */
static bool
uses_timeout(const struct script_step *step)
{
	return step->call == SCRIPT_READ || step->call == SCRIPT_READ_ANY ||
	       step->call == SCRIPT_READ_ALL || step->call == SCRIPT_ECHO ||
	       step->call == SCRIPT_HANG;
}

/* Is the call lawful after those before it? Then they and it are what was compiled so far. */
static int
follow(struct complaint *complaint, struct progress *done, struct script_step *step)
{
	if (done->last != NULL)
		return refuse(complaint, " is never reached: it comes after %s", done->last);
	if (!done->accepted && step->call != SCRIPT_ACCEPT && step->call != SCRIPT_SLEEP &&
	    step->call != SCRIPT_HANG)
		return refuse(complaint, " needs a connection: accept must come before it");
	switch ((enum script_call)step->call) {
	case SCRIPT_ACCEPT:
		if (done->accepted)
			return refuse(complaint, " comes twice: one script serves one connection");
		done->accepted = true;
		break;
	case SCRIPT_WRITE:
	case SCRIPT_ECHO:
		if (done->shut)
			return refuse(complaint, " can send nothing: it comes after shutdown");
		break;
	case SCRIPT_TIMEOUT:
		done->timeout_ms = step->arg;
		break;
	case SCRIPT_SHUTDOWN:
		if (done->shut)
			return refuse(complaint, " comes twice: the FIN is sent once");
		done->shut = true;
		break;
	case SCRIPT_CLOSE:
	case SCRIPT_HANG:
		done->last = SPELLED[step->call].name;
		break;
	case SCRIPT_READ:
	case SCRIPT_READ_ANY:
	case SCRIPT_READ_ALL:
	case SCRIPT_SLEEP:
	case SCRIPT_LINGER:
	case SCRIPT_EXIT:
		break;
	}
	if (uses_timeout(step))
		step->timeout_ms = done->timeout_ms;
	return 0;
}

int
script_compile_call(const char *call, struct script_step *step, char *error, size_t error_size)
{
	struct complaint complaint = {.text = error, .size = error_size};

	quote(&complaint, call);
	return parse_call(&complaint, call, step);
}

/* The text that an echo will send back has to be kept from the beginning. */
static void
mark_kept(struct script_step *steps, size_t count)
{
	bool keeps = false;

	while (count-- > 0) {
		keeps = keeps || steps[count].call == SCRIPT_ECHO;
		steps[count].keeps = keeps;
	}
}

int
script_compile(const char *const *calls, size_t count, uint16_t listener, struct script_step *steps,
	       size_t room, char *error, size_t error_size, size_t *which)
{
	struct complaint complaint = {.text = error, .size = error_size};
	struct progress done = {0};

	for (size_t i = 0; i <= count; i++) {
		*which = i;
		if (i == room) {
			snprintf(error, error_size,
				 "too many calls: all scripts together have at most %d, and each"
				 " script's end counts as one",
				 SCRIPT_STEPS_MAX);
			return -1;
		}
		if (i < count) {
			quote(&complaint, calls[i]);
			if (parse_call(&complaint, calls[i], &steps[i]) < 0 ||
			    follow(&complaint, &done, &steps[i]) < 0)
				return -1;
		} else {
			steps[i] = (struct script_step){.call = count ? SCRIPT_EXIT : SCRIPT_HANG};
		}
		steps[i].listener = listener;
	}
	mark_kept(steps, count + 1);
	return (int)(count + 1);
}
