/* SPDX-License-Identifier: BSD-3-Clause */
/* script.h - a listener's socket calls, compiled. Knows no connections. design.md, "The idea". */
#ifndef RIPOSTE_SCRIPT_H
#define RIPOSTE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_call {
	SCRIPT_ACCEPT,
	SCRIPT_READ,     /* arg: bytes to wait for, 1 .. 2^31 - 1 */
	SCRIPT_READ_ANY, /* read: whatever comes next */
	SCRIPT_READ_ALL, /* read all: until the FIN */
	SCRIPT_WRITE,    /* arg: bytes at text */
	SCRIPT_ECHO,     /* sends back what comes, until the FIN */
	SCRIPT_SLEEP,    /* arg: milliseconds */
	SCRIPT_TIMEOUT,  /* arg: milliseconds; nothing to do, later reads carry it */
	SCRIPT_SHUTDOWN,
	SCRIPT_LINGER, /* linger 0 */
	SCRIPT_CLOSE,
	SCRIPT_HANG, /* never makes another call */
	SCRIPT_EXIT, /* the end of the script: what an exiting process does */
};

struct script_step {
	uint8_t call;      /* enum script_call */
	bool keeps;        /* this call or a later one is echo: text that comes has to be kept */
	uint16_t listener; /* index of the listener whose script this is */
	uint32_t arg;
	uint32_t timeout_ms; /* reads, echo, hang: SO_RCVTIMEO in force, 0: none */
	const uint8_t
		*text; /* of a write; of one of a file NULL until the caller has set it and arg */
	const char *file; /* the name behind @; NULL: text was written out */
};

/* Steps over all listeners: a connection holds its step in 16 bits, of which the stack wants some
 * for itself. */
#define SCRIPT_STEPS_MAX 65471

#define SCRIPT_WRITE_MAX (64u << 20) /* bytes of one write */

/* Compiles count calls of one listener to steps, which has room for room of them, and returns how
 * many were written: one a call and one for the end (SCRIPT_EXIT; SCRIPT_HANG for an empty script,
 * which never accepts). On error -1, error (of error_size bytes) says in one line which call is
 * wrong and what would be right, and *which is the call's index. Units: ms, s, m. The calls must
 * live as long as the steps, which point into them. */
int script_compile(const char *const *calls, size_t count, uint16_t listener,
		   struct script_step *steps, size_t room, char *error, size_t error_size,
		   size_t *which);

/* Compiles one call by itself, whatever came before it; step->listener, keeps and timeout_ms are
 * the caller's. -1 and error as above. */
int script_compile_call(const char *call, struct script_step *step, char *error, size_t error_size);

/* The name of a call, "read". */
const char *script_call_name(enum script_call call);

/* Writes the call of a step as a script spells it ("read 4096", "sleep 20s") and returns text. What
 * a write says is shown as it would stand in the configuration's quotes but for those, and cut with
 * "..." if size is too small. */
const char *script_print(const struct script_step *step, char *text, size_t size);

/* Reads a time such as "110ms", "20s", "2m" or "0" to milliseconds: digits and a unit, at most
 * 2^31 - 1 ms. 0 on success; -1 if text is no such time. */
int script_time_parse(const char *text, uint32_t *ms);

#endif
