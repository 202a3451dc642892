/* SPDX-License-Identifier: BSD-3-Clause */
/* script_print.c - steps back to the text of socket calls. */
#include <stdio.h>
#include <string.h>

#include "script.h"

/* The text of a write as libconfuse's double quotes would have it, "..." at the end if it is cut.
 */
static void
print_write(char *text, size_t size, const char *name, const struct script_step *step)
{
	static const char escaped[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	size_t at;

	if (step->file != NULL) {
		snprintf(text, size, "%s @%s", name, step->file);
		return;
	}
	at = (size_t)snprintf(text, size, "%s \"", name);
	for (uint32_t i = 0; i < step->arg; i++) {
		const char c = (char)step->text[i];
		const char *found = c != '\0' ? strchr(escaped, c) : NULL;

		/* The longest escape, the dots, the quote and the end. */
		if (at + 4 + 5 > size) {
			snprintf(text + at, size > at ? size - at : 0, "...\"");
			return;
		}
		if (found != NULL)
			at += (size_t)snprintf(text + at, size - at, "\\%c",
					       letters[found - escaped]);
		else if (c < ' ' || c > '~')
			at += (size_t)snprintf(text + at, size - at, "\\x%02x", (uint8_t)c);
		else
			text[at++] = c;
	}
	snprintf(text + at, size > at ? size - at : 0, "\"");
}

/* A time in the largest unit that it is a multiple of. */
static void
print_time(char *text, size_t size, const char *name, uint32_t ms)
{
	if (ms == 0)
		snprintf(text, size, "%s 0", name);
	else if (ms % 60000 == 0)
		snprintf(text, size, "%s %um", name, ms / 60000);
	else if (ms % 1000 == 0)
		snprintf(text, size, "%s %us", name, ms / 1000);
	else
		snprintf(text, size, "%s %ums", name, ms);
}

const char *
script_print(const struct script_step *step, char *text, size_t size)
{
	const char *name = script_call_name((enum script_call)step->call);

	switch ((enum script_call)step->call) {
	case SCRIPT_READ:
		snprintf(text, size, "%s %u", name, step->arg);
		break;
	case SCRIPT_READ_ALL:
		snprintf(text, size, "%s all", name);
		break;
	case SCRIPT_SLEEP:
	case SCRIPT_TIMEOUT:
		print_time(text, size, name, step->arg);
		break;
	case SCRIPT_LINGER:
		snprintf(text, size, "%s 0", name);
		break;
	case SCRIPT_WRITE:
		print_write(text, size, name, step);
		break;
	case SCRIPT_ECHO:
	case SCRIPT_ACCEPT:
	case SCRIPT_READ_ANY:
	case SCRIPT_SHUTDOWN:
	case SCRIPT_CLOSE:
	case SCRIPT_HANG:
	case SCRIPT_EXIT:
		snprintf(text, size, "%s", name);
		break;
	}
	return text;
}
