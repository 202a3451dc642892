/* SPDX-License-Identifier: BSD-3-Clause */
/* script.c - compiles a listener's socket calls. design.md, "The idea". Knows no connections and no
 * configuration: calls are text. */
#include "script.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ARG_MAX_VALUE UINT32_C(0x7fffffff) /* of bytes and of milliseconds */
#define QUOTED_MAX    40                   /* of a wrong call, characters shown */

enum argument { NO_ARGUMENT, BYTES, TIME, ZERO };

static const struct call {
	const char *word;
	const char *usage;
	enum argument argument;
	enum script_call call;
} CALLS[] = {
	{"accept", "accept", NO_ARGUMENT, SCRIPT_ACCEPT},
	{"read", "read [N|all]", BYTES, SCRIPT_READ},
	{"sleep", "sleep TIME", TIME, SCRIPT_SLEEP},
	{"timeout", "timeout TIME", TIME, SCRIPT_TIMEOUT},
	{"shutdown", "shutdown", NO_ARGUMENT, SCRIPT_SHUTDOWN},
	{"linger", "linger 0", ZERO, SCRIPT_LINGER},
	{"close", "close", NO_ARGUMENT, SCRIPT_CLOSE},
	{"hang", "hang", NO_ARGUMENT, SCRIPT_HANG},
};

#define CALL_COUNT (sizeof(CALLS) / sizeof(CALLS[0]))

/* Not terminated: a part of a call's text. */
struct word {
	const char *at;
	size_t length;
};

struct compiler {
	const char *text; /* the call in hand */
	bool accepted, shut_down;
	enum script_call ended; /* SCRIPT_CLOSE or SCRIPT_HANG; SCRIPT_EXIT: not yet */
	uint32_t timeout_ms;
	char *error;
	size_t error_size;
};

/* Writes the call in hand, quoted, and what is wrong with it; returns -1. */
static int __attribute__((format(printf, 2, 3)))
refuse(const struct compiler *c, const char *format, ...)
{
	char quoted[QUOTED_MAX + 1], problem[256];
	size_t length = 0;
	va_list arguments;

	/* One line, whatever the configuration's escapes put into the call. */
	for (; length < QUOTED_MAX && c->text[length] != '\0'; length++) {
		char ch = c->text[length];

		quoted[length] = ch >= ' ' && ch <= '~' ? ch : '?';
	}
	quoted[length] = '\0';
	va_start(arguments, format);
	vsnprintf(problem, sizeof(problem), format, arguments);
	va_end(arguments);
	snprintf(c->error, c->error_size, "\"%s%s\"%s", quoted,
		 c->text[length] == '\0' ? "" : "...", problem);
	return -1;
}

/* "accept, read [N|all], ..." */
static const char *
list_calls(char *list, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < CALL_COUNT; i++) {
		int wrote = snprintf(list + length, size - length, "%s%s", i == 0 ? "" : ", ",
				     CALLS[i].usage);

		assert(wrote > 0 && (size_t)wrote < size - length);
		length += (size_t)wrote;
	}
	return list;
}

static struct word
next_word(const char **at)
{
	static const char BLANK[] = " \t\r\n";
	struct word w;

	w.at = *at + strspn(*at, BLANK);
	w.length = strcspn(w.at, BLANK);
	*at = w.at + w.length;
	return w;
}

static bool
word_is(struct word w, const char *text)
{
	return w.length == strlen(text) && memcmp(w.at, text, w.length) == 0;
}

/* Takes the digits that w begins with; -1 if there are none or they make more than ARG_MAX_VALUE.
 */
static int
take_number(struct word *w, uint32_t *number)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (; digits < w->length && w->at[digits] >= '0' && w->at[digits] <= '9'; digits++) {
		value = value * 10 + (uint64_t)(w->at[digits] - '0');
		if (value > ARG_MAX_VALUE)
			return -1;
	}
	w->at += digits;
	w->length -= digits;
	*number = (uint32_t)value;
	return digits > 0 ? 0 : -1;
}

static int
parse_time(struct word w, uint32_t *ms)
{
	bool bare_zero = word_is(w, "0");
	uint32_t number, unit;

	if (take_number(&w, &number) < 0)
		return -1;
	if (word_is(w, "ms") || bare_zero)
		unit = 1;
	else if (word_is(w, "s"))
		unit = 1000;
	else if (word_is(w, "m"))
		unit = 60 * 1000;
	else
		return -1;
	if (number > ARG_MAX_VALUE / unit)
		return -1;
	*ms = number * unit;
	return 0;
}

int
script_time_parse(const char *text, uint32_t *ms)
{
	return parse_time((struct word){text, strlen(text)}, ms);
}

static int
parse_argument(const struct compiler *c, const struct call *call, struct word argument,
	       struct script_step *step)
{
	switch (call->argument) {
	case NO_ARGUMENT:
		if (argument.length == 0)
			return 0;
		return refuse(c, ": %s takes no argument", call->word);
	case BYTES:
		if (argument.length == 0) {
			step->call = SCRIPT_READ_ANY;
			return 0;
		}
		if (word_is(argument, "all")) {
			step->call = SCRIPT_READ_ALL;
			return 0;
		}
		if (take_number(&argument, &step->arg) == 0 && argument.length == 0 &&
		    step->arg > 0)
			return 0;
		return refuse(c,
			      ": it is read N, N from 1 to %" PRIu32 " bytes, or read, or read all",
			      ARG_MAX_VALUE);
	case TIME:
		if (parse_time(argument, &step->arg) == 0)
			return 0;
		return refuse(
			c, ": %s takes a time such as 100ms, 20s, 2m or 0, at most %" PRIu32 "ms",
			call->word, ARG_MAX_VALUE);
	case ZERO:
		if (word_is(argument, "0"))
			return 0;
		return refuse(c, ": it is linger 0, which makes close send RST");
	}
	return 0;
}

/* Reads the call in hand as if it stood alone. */
static int
parse_call(const struct compiler *c, struct script_step *step)
{
	const char *at = c->text;
	struct word name = next_word(&at), argument = next_word(&at);
	char list[128];

	for (size_t i = 0; i < CALL_COUNT; i++) {
		if (!word_is(name, CALLS[i].word))
			continue;
		step->call = (uint8_t)CALLS[i].call;
		if (parse_argument(c, &CALLS[i], argument, step) < 0)
			return -1;
		if (next_word(&at).length > 0)
			return refuse(c, ": too many words, it is %s", CALLS[i].usage);
		return 0;
	}
	if (word_is(name, "write") || word_is(name, "echo"))
		return refuse(c, ": this version has no %.*s, only %s", (int)name.length, name.at,
			      list_calls(list, sizeof(list)));
	return refuse(c, " is no socket call: %s", list_calls(list, sizeof(list)));
}

/* May the call in hand stand where it does? */
static int
check_order(struct compiler *c, const struct script_step *step)
{
	enum script_call call = (enum script_call)step->call;
	const char *ended = c->ended == SCRIPT_CLOSE ? "close" : "hang";

	if (c->ended != SCRIPT_EXIT)
		return refuse(c, " comes after %s and is never reached: nothing follows %s", ended,
			      ended);
	switch (call) {
	case SCRIPT_ACCEPT:
		if (c->accepted)
			return refuse(c, " again: a script serves one connection, accept it once");
		c->accepted = true;
		return 0;
	case SCRIPT_SLEEP:
		return 0;
	case SCRIPT_HANG:
		c->ended = call;
		return 0;
	case SCRIPT_READ:
	case SCRIPT_READ_ANY:
	case SCRIPT_READ_ALL:
	case SCRIPT_TIMEOUT:
	case SCRIPT_SHUTDOWN:
	case SCRIPT_LINGER:
	case SCRIPT_CLOSE:
		break;
	case SCRIPT_EXIT:
		assert(false && "no call is spelled so");
	}
	if (!c->accepted)
		return refuse(c, " needs a connection: put accept before it "
				 "(only sleep and hang can come earlier)");
	if (call == SCRIPT_SHUTDOWN) {
		if (c->shut_down)
			return refuse(c, " again: the FIN is sent already, shut down once");
		c->shut_down = true;
	}
	if (call == SCRIPT_CLOSE)
		c->ended = call;
	return 0;
}

static int
refuse_room(const struct compiler *c)
{
	return refuse(c,
		      " is one step too many: all scripts together have at most %d, one a call and "
		      "one for the end of each",
		      SCRIPT_STEPS_MAX);
}

static bool
is_read(const struct script_step *step)
{
	return step->call == SCRIPT_READ || step->call == SCRIPT_READ_ANY ||
	       step->call == SCRIPT_READ_ALL;
}

int
script_compile(const char *const *calls, size_t count, uint16_t listener, struct script_step *steps,
	       size_t room, char *error, size_t error_size, size_t *which)
{
	struct compiler c = {.ended = SCRIPT_EXIT, .error = error, .error_size = error_size};

	if (room > SCRIPT_STEPS_MAX)
		room = SCRIPT_STEPS_MAX;
	*which = 0;
	if (room == 0) {
		c.text = count > 0 ? calls[0] : "";
		return refuse_room(&c);
	}
	for (size_t i = 0; i < count; i++) {
		struct script_step *step = &steps[i];

		*which = i;
		c.text = calls[i];
		if (room - i < 2) /* itself and the end */
			return refuse_room(&c);
		*step = (struct script_step){.listener = listener};
		if (parse_call(&c, step) < 0 || check_order(&c, step) < 0)
			return -1;
		if (step->call == SCRIPT_TIMEOUT)
			c.timeout_ms = step->arg;
		if (is_read(step))
			step->timeout_ms = c.timeout_ms;
	}
	steps[count] = (struct script_step){
		.call = count > 0 ? SCRIPT_EXIT : SCRIPT_HANG,
		.listener = listener,
	};
	return (int)count + 1;
}

static const char *
print_time(const char *word, uint32_t ms, char *text, size_t size)
{
	if (ms == 0)
		snprintf(text, size, "%s 0", word);
	else if (ms % (60 * 1000) == 0)
		snprintf(text, size, "%s %" PRIu32 "m", word, ms / (60 * 1000));
	else if (ms % 1000 == 0)
		snprintf(text, size, "%s %" PRIu32 "s", word, ms / 1000);
	else
		snprintf(text, size, "%s %" PRIu32 "ms", word, ms);
	return text;
}

const char *
script_print(const struct script_step *step, char *text, size_t size)
{
	const char *fixed = "";

	switch ((enum script_call)step->call) {
	case SCRIPT_READ:
		snprintf(text, size, "read %" PRIu32, step->arg);
		return text;
	case SCRIPT_SLEEP:
		return print_time("sleep", step->arg, text, size);
	case SCRIPT_TIMEOUT:
		return print_time("timeout", step->arg, text, size);
	case SCRIPT_ACCEPT:
		fixed = "accept";
		break;
	case SCRIPT_READ_ANY:
		fixed = "read";
		break;
	case SCRIPT_READ_ALL:
		fixed = "read all";
		break;
	case SCRIPT_SHUTDOWN:
		fixed = "shutdown";
		break;
	case SCRIPT_LINGER:
		fixed = "linger 0";
		break;
	case SCRIPT_CLOSE:
		fixed = "close";
		break;
	case SCRIPT_HANG:
		fixed = "hang";
		break;
	case SCRIPT_EXIT:
		fixed = "exit";
		break;
	}
	snprintf(text, size, "%s", fixed);
	return text;
}
