/* SPDX-License-Identifier: BSD-3-Clause */
/* story.h - what has happened in a scenario so far: told when a check of it fails. */
#ifndef RIPOSTE_TEST_STORY_H
#define RIPOSTE_TEST_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* The line of a scenario. */
struct story_where {
	const char *file;
	int line;
};
#define HERE ((struct story_where){__FILE__, __LINE__})

#define SAME(WANT, GOT) story_same(HERE, #GOT, (WANT), (GOT))
#define TRUE(CONDITION) story_true(HERE, #CONDITION, (CONDITION))
#define FAIL(...)       story_fail(HERE, __VA_ARGS__)

/* Forgets what was told. */
void story_begin(void);
void story_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "SYN,ACK": good until the next call but one. */
const char *story_flags(uint8_t flags);

/* The test fails here: prints the story and why. */
void story_fail(struct story_where where, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void story_same(struct story_where where, const char *what, uint64_t want, uint64_t got);
void story_true(struct story_where where, const char *what, bool condition);

#endif
