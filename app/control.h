/* SPDX-License-Identifier: BSD-3-Clause */
/* control.h - what an operator sees and does while riposte runs: the commands /riposte/... of
 * DPDK's telemetry. design.md, "Control and sight". */
#ifndef RIPOSTE_CONTROL_H
#define RIPOSTE_CONTROL_H

#include "rules.h"
#include "worker.h"

#define CONTROL_CURSORS 16 /* more than telemetry has clients */

/* Where a page of connections ended. */
struct control_cursor {
	uint64_t offset; /* live connections before it; 0: none is kept */
	unsigned int worker;
	uint32_t place;
	stack_us until; /* later it is not the same any more */
};

struct control {
	/* The caller's. */
	struct worker *workers;
	unsigned int worker_count;
	const struct port *ports;
	unsigned int port_count;
	struct rules *rules;
	struct rules_set *current; /* by which the workers go */
	struct stack_conf secrets; /* what a configuration says nothing of */
	const char *file;

	/* Control's own. */
	bool v4, v6; /* owned at start: there is memory for them */
	struct control_cursor cursors[CONTROL_CURSORS];
	unsigned int next_cursor;
};

/* Commands are answered from now on. Once in a process; -1 after an error, which has been said. */
int control_open(struct control *c);

/* No command is under way afterwards, and none touches c any more. */
void control_close(void);

#endif
