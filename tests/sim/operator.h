/* SPDX-License-Identifier: BSD-3-Clause */
/* operator.h - who crashes the host, takes it down, gives it another configuration and makes its
 * applications' calls. design.md, "Control and sight". */
#ifndef RIPOSTE_SIM_OPERATOR_H
#define RIPOSTE_SIM_OPERATOR_H

#include <stdint.h>

struct sim;

/* What it does; bits. */
enum {
	OPERATOR_CRASHES = 0x01,
	OPERATOR_TAKES_DOWN = 0x02,
	OPERATOR_RELOADS = 0x04, /* the same listeners */
	OPERATOR_REDUCES = 0x08, /* other listeners, in another order */
	OPERATOR_CALLS = 0x10,
};

struct operator_plan {
	uint8_t does;
	uint32_t interval_us;
	uint32_t actions;
};

/* Begins, with an alarm for the first action. */
void operator_init(struct sim *s);

/* Its alarm rang: one action. The last one brings back the host as it was. */
void operator_act(struct sim *s);

#endif
