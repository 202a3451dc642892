/* SPDX-License-Identifier: BSD-3-Clause */
/* mailbox.h - orders from the control side to a worker, which carries them out between its bursts:
 * nobody else touches a stack that runs. */
#ifndef RIPOSTE_MAILBOX_H
#define RIPOSTE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "stack.h"

struct worker;

/* The first member of what an order says and brings back. */
struct order {
	/* On the worker's lcore. What it does is bounded: frames are waiting. */
	void (*run)(struct worker *w, struct order *order, stack_us now);
	bool done;
	bool withdrawn; /* the control side's own */
};

struct mailbox {
	_Atomic(struct order *) slot; /* NULL: open and empty */
};

/* The worker's side. */

void mailbox_init(struct mailbox *m); /* it is closed */
void mailbox_open(struct mailbox *m);

/* Whoever waits for an answer learns that there will be none. */
void mailbox_close(struct mailbox *m);

/* Carries out an order. */
void mailbox_serve(struct mailbox *m, struct order *order, struct worker *w, stack_us now);

/* The order that waits, if there is one. */
static inline struct order *
mailbox_look(const struct mailbox *m)
{
	return atomic_load_explicit(&m->slot, memory_order_relaxed);
}

/* The control side, one thread at a time: gives orders[i] to mailboxes[i] and waits until all are
 * done. NULL, or one line that says why not; then none of them was carried out, unless the workers
 * are about to end. Orders are the caller's again in either case. */
const char *mailbox_ask(struct mailbox *const mailboxes[], struct order *const orders[],
			unsigned int count);

#endif
