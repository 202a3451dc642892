/* SPDX-License-Identifier: BSD-3-Clause */
/* mailbox.c - a slot for one order per worker. An order is in the slot until its worker takes it,
 * and TAKEN is there until it is done: so an order that nobody takes can be withdrawn, and one that
 * was taken is waited for, which does not last. */
#include <time.h>

#include "mailbox.h"

#define PATIENCE_NS INT64_C(5000000000) /* a worker sleeps a millisecond at most */
#define LOOK_MIN_NS 20000
#define LOOK_MAX_NS 500000

static struct order closed, taken;
#define CLOSED (&closed)
#define TAKEN  (&taken)

void
mailbox_init(struct mailbox *m)
{
	atomic_init(&m->slot, CLOSED);
}

void
mailbox_open(struct mailbox *m)
{
	atomic_store_explicit(&m->slot, NULL, memory_order_release);
}

void
mailbox_close(struct mailbox *m)
{
	atomic_store_explicit(&m->slot, CLOSED, memory_order_release);
}

void
mailbox_serve(struct mailbox *m, struct order *order, struct worker *w, stack_us now)
{
	/* It may just have been withdrawn. */
	if (!atomic_compare_exchange_strong_explicit(&m->slot, &order, TAKEN, memory_order_acquire,
						     memory_order_relaxed))
		return;
	order->run(w, order, now);
	order->done = true;
	atomic_store_explicit(&m->slot, NULL, memory_order_release);
}

static struct order *
look(const struct mailbox *m)
{
	return atomic_load_explicit(&m->slot, memory_order_acquire);
}

/* Replaces what is in the slot, if that is from. */
static bool
replace(struct mailbox *m, struct order *from, struct order *to)
{
	return atomic_compare_exchange_strong_explicit(&m->slot, &from, to, memory_order_acq_rel,
						       memory_order_acquire);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Until no order of ours is in any slot; false: the time is over first. */
static bool
wait_for(struct mailbox *const mailboxes[], struct order *const orders[], unsigned int count,
	 int64_t until_ns)
{
	long look_ns = LOOK_MIN_NS;

	for (unsigned int i = 0; i < count;) {
		const struct order *const in = look(mailboxes[i]);

		if (in != orders[i] && in != TAKEN) {
			i++;
			continue;
		}
		if (now_ns() > until_ns)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = look_ns}, NULL);
		if (look_ns < LOOK_MAX_NS)
			look_ns *= 2;
	}
	return true;
}

/* All or none: when one has been carried out, the others are put back to be. */
static bool
withdraw(struct mailbox *const mailboxes[], struct order *const orders[], unsigned int count)
{
	bool all = true;

	for (unsigned int i = 0; i < count; i++) {
		orders[i]->withdrawn = replace(mailboxes[i], orders[i], NULL);
		all = all && orders[i]->withdrawn;
	}
	for (unsigned int i = 0; i < count && !all; i++) {
		if (orders[i]->withdrawn)
			replace(mailboxes[i], NULL, orders[i]);
	}
	return all;
}

const char *
mailbox_ask(struct mailbox *const mailboxes[], struct order *const orders[], unsigned int count)
{
	static const char not_running[] =
		"riposte is just starting or ending; once it runs would be right";

	for (unsigned int i = 0; i < count; i++) {
		orders[i]->done = false;
		if (look(mailboxes[i]) == CLOSED)
			return not_running;
	}
	for (unsigned int i = 0; i < count; i++)
		replace(mailboxes[i], NULL, orders[i]);
	if (!wait_for(mailboxes, orders, count, now_ns() + PATIENCE_NS)) {
		if (withdraw(mailboxes, orders, count))
			return "a worker has not looked for orders for 5 s; an lcore of its own "
			       "would be right";
		wait_for(mailboxes, orders, count, INT64_MAX);
	}
	for (unsigned int i = 0; i < count; i++) {
		if (!orders[i]->done)
			return not_running;
	}
	return NULL;
}
