/* SPDX-License-Identifier: BSD-3-Clause */
/* rules.h - what stacks go by, over all configurations that were read: those before the last live
 * on as long as connections of their listeners do. */
#ifndef RIPOSTE_RULES_H
#define RIPOSTE_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "stack.h"

struct rules_range {
	uint32_t first, count;
};

/* One configuration, in its part of the arrays. */
struct rules_set {
	struct rules_set *next;
	struct conf *conf;
	struct rules_range listeners, steps;
	struct listener_index index;
	uint16_t *numbers; /* the index's */
};

/* A connection holds the number of its step alone, and by it finds its listener: all of them are in
 * these two arrays, for the whole run. */
struct rules {
	struct listener *listeners; /* LISTENERS_MAX */
	struct script_step *steps;  /* SCRIPT_STEPS_MAX */
	struct rules_set *sets;     /* the newest first */
};

/* -1 after an error, which has been said. */
int rules_open(struct rules *r);

/* With all configurations in it. */
void rules_close(struct rules *r);

/* Puts conf in the arrays, and takes it over. NULL after an error, which has been said: conf is
 * still the caller's. */
struct rules_set *rules_add(struct rules *r, struct conf *conf);

/* Makes room of a set, which nothing may point into any more; its configuration is freed. */
void rules_drop(struct rules *r, struct rules_set *set);

/* Fills in what set says to a stack, its secrets and the port's part apart. */
void rules_fill(const struct rules *r, const struct rules_set *set, struct stack_conf *to);

#endif
