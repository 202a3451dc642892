/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.h - the control thread: rates while it runs, the end when its time has come; and the
 * counters at exit. */
#ifndef RIPOSTE_STATS_H
#define RIPOSTE_STATS_H

#include <stdint.h>

#include "worker.h"

#define STATS_NEVER UINT32_MAX

/* What the control thread goes by. Times in milliseconds, or STATS_NEVER. */
struct stats_control {
	struct worker_orders *orders; /* stop is set when the run is over */
	const struct worker *workers;
	unsigned int worker_count;
	struct port *ports;
	unsigned int port_count;
	uint32_t for_ms;
	uint32_t exit_idle_ms;
	uint32_t stats_ms;
};

/* Of several workers together. */
struct stats_sums {
	struct stack_counters stack;
	uint64_t tx_dropped;
	uint64_t misdirected;
	uint64_t connections; /* now */
	uint64_t half_open;
};

struct stats_sums stats_sum(const struct worker *workers, unsigned int worker_count);

/* Frames dropped, for whatever reason. */
uint64_t stats_dropped(const struct stack_counters *c);

/* Watches until orders->stop, setting it itself once for_ms has passed or no frame has come to any
 * worker for exit_idle_ms; prints a line of rates every stats_ms. arg is a struct stats_control:
 * the signature is a thread's. */
void *stats_watch(void *arg);

/* Prints the counters of all workers and closed ports together, each that is not zero on its own
 * line as "name: value", and rx always. */
void stats_print(const struct worker *workers, unsigned int worker_count, const struct port *ports,
		 unsigned int port_count);

#endif
