/* SPDX-License-Identifier: BSD-3-Clause */
/* host_rows.c - the listeners of the host under test, and what they write. design.md, "The failures
 * it can show". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define ALL UINT32_MAX

const struct host_row host_rows[] = {
	{"sink", {"accept", "read all", "close"}, .up_to = HOST_CLEAN, .limit = ALL},
	{"half-read",
	 {"accept", "read 4096", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = 4096,
	 .beyond = HOST_RESET},
	{"closes at once",
	 {"accept", "close"},
	 .up_to = HOST_CLEAN,
	 .beyond = HOST_RESET,
	 .ends_alone = true},
	{"aborts",
	 {"accept", "linger 0", "close"},
	 .up_to = HOST_RESET,
	 .limit = ALL,
	 .ends_alone = true},
	{"half-close",
	 {"accept", "shutdown", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"impatient",
	 {"accept", "timeout 100ms", "read", "close"},
	 .up_to = HOST_EITHER,
	 .limit = ALL,
	 .ends_alone = true},
	{"impatient at the end",
	 {"accept", "read 10", "timeout 30s", "read all", "close"},
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"slow",
	 {"accept", "sleep 2s", "read all", "close"},
	 .receive_buffer = 3000,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"unread",
	 {"accept", "sleep 100ms", "close"},
	 .up_to = HOST_CLEAN,
	 .beyond = HOST_RESET,
	 .ends_alone = true},
	{"never accepts", {NULL}, .backlog = 3, .up_to = HOST_NEVER, .limit = ALL},
	{"hangs",
	 {"accept", "read 100", "hang"},
	 .receive_buffer = 2000,
	 .up_to = HOST_NEVER,
	 .limit = ALL},
	{"slow SYN-ACK",
	 {"accept", "read all", "close"},
	 .syn_ack_delay_ms = 110,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"handshake timeout",
	 {"accept", "sleep 1s", "close"},
	 .syn_ack_delay_ms = 20,
	 .handshake_timeout_ms = 100,
	 .up_to = HOST_EITHER,
	 .limit = ALL,
	 .ends_alone = true},
	{"cookies",
	 {"accept", "read all", "close"},
	 .cookies = COOKIES_ALWAYS,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"scaled",
	 {"accept", "read 1000", "sleep 10ms", "read", "sleep 300ms", "read all", "close"},
	 .receive_buffer = 1000001,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"small",
	 {"accept", "read 50", "sleep 40ms", "shutdown", "sleep 40ms", "read all", "close"},
	 .receive_buffer = 64,
	 .cookies = COOKIES_NEVER,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"a coin's toss",
	 {"accept", "linger 0", "close"},
	 .percent = 50,
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"... and its other side",
	 {"accept", "read all"},
	 .above = true,
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"only three", {"accept", "read all"}, .first = 3, .up_to = HOST_EITHER, .limit = ALL},
	{"accepts late",
	 {"sleep 200ms", "accept", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"a queue of one",
	 {"sleep 200ms", "accept", "read all", "close"},
	 .backlog = 1,
	 .cookies = COOKIES_NEVER,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"exits before it accepts",
	 {"sleep 100ms"},
	 .up_to = HOST_RESET,
	 .limit = ALL,
	 .ends_alone = true},
	/* Those that write. @N stands for N bytes. */
	{"greets",
	 {"accept", "read", "write \"220 ready\r\n\"", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"answers", {"accept", "read all", "write @300"}, .up_to = HOST_CLEAN, .limit = ALL},
	{"pours",
	 {"accept", "write @100000", "close"},
	 .up_to = HOST_CLEAN,
	 .beyond = HOST_RESET,
	 .ends_alone = true},
	{"pours and waits",
	 {"accept", "write @100000", "shutdown", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"pours and aborts",
	 {"accept", "write @30000", "linger 0", "close"},
	 .up_to = HOST_RESET,
	 .limit = ALL,
	 .ends_alone = true},
	{"pours now and then",
	 {"accept", "write @5000", "sleep 300ms", "write @20000", "sleep 1s", "write @1",
	  "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"blocks",
	 {"accept", "write @40000", "write @3", "write @9000", "shutdown", "read all"},
	 .send_buffer = 2000,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"blocks on each byte",
	 {"accept", "read 10", "write @3000", "close"},
	 .send_buffer = 1,
	 .up_to = HOST_CLEAN,
	 .limit = 10,
	 .beyond = HOST_RESET},
	{"echo", {"accept", "echo", "close"}, .up_to = HOST_CLEAN, .limit = ALL},
	{"small echo",
	 {"accept", "echo", "close"},
	 .receive_buffer = 1500,
	 .send_buffer = 700,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"tiny echo",
	 {"accept", "echo", "close"},
	 .receive_buffer = 64,
	 .send_buffer = 10,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"echo between writes",
	 {"accept", "write @700", "echo", "write @1900", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"late echo",
	 {"accept", "sleep 1s", "read 20", "echo", "close"},
	 .receive_buffer = 5000,
	 .cookies = COOKIES_ALWAYS,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"impatient echo",
	 {"accept", "timeout 200ms", "echo", "close"},
	 .up_to = HOST_EITHER,
	 .limit = ALL},
};
const unsigned int host_row_count = sizeof(host_rows) / sizeof(host_rows[0]);

unsigned int
host_row_named(const char *name)
{
	for (unsigned int row = 0; row < host_row_count; row++) {
		if (strcmp(host_rows[row].name, name) == 0)
			return row;
	}
	fprintf(stderr, "%s is no row's name\n", name);
	abort();
}

uint16_t
host_port(unsigned int row)
{
	while (row < host_row_count && host_rows[row].above)
		row--;
	return (uint16_t)(HOST_PORT + row);
}

static struct host_stream streams[HOST_ROWS];
static uint8_t texts[HOST_ROWS][HOST_TEXT_MAX];
static bool filled[HOST_ROWS];

/* What a row's application does in order, as far as it is seen in its stream of text. */
static void
walk(unsigned int row, struct script_step *steps, int count)
{
	struct host_stream *stream = &streams[row];
	uint32_t read = 0;

	*stream = (struct host_stream){.text = texts[row]};
	for (int i = 0; i < count; i++) {
		struct script_step *step = &steps[i];
		uint8_t *at = texts[row] + stream->length;

		if (step->call == SCRIPT_READ)
			read += step->arg;
		if (step->call == SCRIPT_ECHO) {
			stream->echoes = true;
			stream->echo_at = stream->length;
			stream->echo_skip = read;
		}
		if (step->call != SCRIPT_WRITE)
			continue;
		if (step->file != NULL)
			step->arg = (uint32_t)strtoul(step->file, NULL, 10);
		if (step->arg > HOST_TEXT_MAX - stream->length)
			abort();
		for (uint32_t j = 0; j < step->arg && !filled[row]; j++)
			at[j] = step->file ? segment_byte(~(stream->length + j)) : step->text[j];
		step->text = at;
		stream->length += step->arg;
	}
	filled[row] = true;
}

int
host_compile(unsigned int row, uint16_t number, struct script_step *steps, size_t room)
{
	char error[128];
	size_t calls = 0, which;
	int count;

	while (calls < HOST_CALLS && host_rows[row].calls[calls] != NULL)
		calls++;
	count = script_compile(host_rows[row].calls, calls, number, steps, room, error,
			       sizeof(error), &which);
	if (count < 0) {
		fprintf(stderr, "%s: %s\n", host_rows[row].name, error);
		abort();
	}
	walk(row, steps, count);
	return count;
}

const struct host_stream *
host_stream(unsigned int row)
{
	return &streams[row];
}

static const char *const calls[] = {
	"accept",
	"read",
	"read 10",
	"read 4096",
	"read all",
	"write \"by hand\"",
	"write \"\"",
	"write \"a longer line that somebody has typed, with an end\r\n\"",
	"echo",
	"sleep 50ms",
	"sleep 3s",
	"timeout 200ms",
	"shutdown",
	"linger 0",
	"close",
	"hang",
	"write \"0123456789012345678901234567890123456789012345678901234567890123456789\"",
};

const char *
host_call(uint32_t number)
{
	return calls[number % (sizeof(calls) / sizeof(calls[0]))];
}
