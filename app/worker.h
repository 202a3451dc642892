/* SPDX-License-Identifier: BSD-3-Clause */
/* worker.h - one lcore, one queue, one stack. */
#ifndef RIPOSTE_WORKER_H
#define RIPOSTE_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"
#include "port.h"
#include "stack.h"

/* What all workers go by. */
struct worker_orders {
	atomic_bool stop;
	bool poll;             /* --poll: never sleep */
	int64_t clock_zero_us; /* added to CLOCK_MONOTONIC */
};

struct worker {
	const struct worker_orders *orders;
	const struct port *port;
	uint16_t queue;
	unsigned int lcore;
	struct stack *stack;
	size_t stack_size;
	struct mailbox mailbox; /* open while it runs */
	/* Read by the control thread while the worker runs. */
	_Atomic uint64_t idle_us; /* for how long no poll has brought a frame; 0 before the first */
	_Atomic uint64_t tx_dropped;  /* frames that the device would not take */
	_Atomic uint64_t misdirected; /* frames that belong to another queue, in a debug build */
};

/* The time by which workers go: microseconds, of the Unix epoch unless --seed set it to 0 at
 * start; never runs backwards. */
stack_us worker_clock(const struct worker_orders *orders);

/* Makes a worker for a queue of port. conf is completed with the port's part: mac, mtu and
 * offloads. 0, or a negative errno after an error, which has been said. */
int worker_open(struct worker *w, const struct worker_orders *orders, const struct port *port,
		uint16_t queue, unsigned int lcore, const struct stack_conf *conf);

void worker_close(struct worker *w);

/* The burst loop, until orders->stop: a function for rte_eal_remote_launch(). arg is the worker.
 * Returns 0. */
int worker_run(void *arg);

#endif
