/* SPDX-License-Identifier: BSD-3-Clause */
/* script_test.h - compiling what is lawful, for the tests of scripts. */
#ifndef RIPOSTE_TEST_SCRIPT_TEST_H
#define RIPOSTE_TEST_SCRIPT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"

#define LISTENER  513
#define CALLS_MAX 12

static inline size_t
count_of(const char *const *calls)
{
	size_t count = 0;

	while (calls[count] != NULL)
		count++;
	return count;
}

static inline void
expect_step(const struct script_step *step, uint8_t call, uint32_t arg, uint32_t timeout_ms)
{
	if (step->call != call || step->arg != arg || step->timeout_ms != timeout_ms ||
	    step->listener != LISTENER)
		fail_msg("expected call %u arg %u timeout %u listener %u, got %u %u %u %u", call,
			 arg, timeout_ms, LISTENER, step->call, step->arg, step->timeout_ms,
			 step->listener);
}

/* Compiles calls, which are lawful, and the end of the script. */
static inline void
compile(struct script_step steps[CALLS_MAX], const char *const *calls)
{
	const size_t count = count_of(calls);
	char error[256] = "";
	size_t which;
	int written;

	memset(steps, 0x5a, CALLS_MAX * sizeof(*steps));
	written = script_compile(calls, count, LISTENER, steps, CALLS_MAX, error, sizeof(error),
				 &which);
	if (written != (int)count + 1)
		fail_msg("expected %zu steps, got %d: %s", count + 1, written, error);
	for (size_t i = count + 1; i < CALLS_MAX; i++)
		assert_int_equal(steps[i].call, 0x5a); /* and not one more was written */
}

#endif
