/* SPDX-License-Identifier: BSD-3-Clause */
/* worker.c - the burst loop: receive, let the stack answer in place, send, see to timers, and sleep
 * when there is nothing to do. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "mbuf_frame.h"
#include "memory.h"
#include "say.h"
#include "steer.h"
#include "worker.h"

#define TX_TRIES    64 /* before frames that the device does not take are dropped */
#define SEND_BURSTS 4  /* of what no frame asked for, before the next look at those that came */

/* Idle: so many empty polls without sleeping, then sleeps that grow. */
#define IDLE_POLLS   128
#define IDLE_GROW    16 /* sleeps of one length */
#define SLEEP_MIN_US 20u
#define SLEEP_MAX_US 1000u

_Static_assert(PORT_BURST <= STACK_BURST_MAX, "a burst of the device fits the stack's");

stack_us
worker_clock(const struct worker_orders *orders)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (stack_us)(t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000 + orders->clock_zero_us);
}

int
worker_open(struct worker *w, const struct worker_orders *orders, const struct port *port,
	    uint16_t queue, unsigned int lcore, const struct stack_conf *conf)
{
	struct stack_conf mine = *conf;
	stack_us now = worker_clock(orders);
	void *memory;

	memcpy(mine.mac, port->mac, sizeof(mine.mac));
	mine.mtu = port->mtu;
	mine.tx_offload = port->tx_offload;
	*w = (struct worker){
		.orders = orders,
		.port = port,
		.queue = queue,
		.lcore = lcore,
		.stack_size = stack_bytes(&mine),
	};
	mailbox_init(&w->mailbox);
	memory = memory_take(w->stack_size, port->node, "a worker's table");
	if (memory == NULL)
		return -ENOMEM;
	w->stack = stack_init(memory, &mine, now);
	return 0;
}

void
worker_close(struct worker *w)
{
	memory_give(w->stack, w->stack_size);
	w->stack = NULL;
}

static void
transmit(struct worker *w, struct rte_mbuf **mbufs, uint16_t count)
{
	uint16_t sent = 0;

	for (unsigned int tries = 0; sent < count && tries < TX_TRIES; tries++) {
		if (tries > 0)
			rte_pause();
		sent = (uint16_t)(sent + rte_eth_tx_burst(w->port->id, w->queue, mbufs + sent,
							  (uint16_t)(count - sent)));
	}
	if (sent == count)
		return;
	rte_pktmbuf_free_bulk(mbufs + sent, (unsigned int)(count - sent));
	atomic_fetch_add_explicit(&w->tx_dropped, (uint64_t)(count - sent), memory_order_relaxed);
}

/* A burst that came: replies go out in the buffers of the frames that asked for them. */
static void
answer(struct worker *w, struct rte_mbuf **mbufs, uint16_t count, stack_us now)
{
	struct stack_frame frames[PORT_BURST];
	struct rte_mbuf *replies[PORT_BURST], *silent[PORT_BURST];
	uint16_t reply_count = 0, silent_count = 0;

	if (STEER_CHECK)
		steer_check(w, mbufs, count);
	for (uint16_t i = 0; i < count; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
		frame_of(mbufs[i], &frames[i]);
	}
	stack_burst(w->stack, frames, count, now);
	for (uint16_t i = 0; i < count; i++) {
		if (frames[i].length > 0) {
			frame_to_mbuf(&frames[i], w->port->tx_offload, mbufs[i]);
			replies[reply_count++] = mbufs[i];
		} else {
			silent[silent_count++] = mbufs[i];
		}
	}
	if (reply_count > 0)
		transmit(w, replies, reply_count);
	if (silent_count > 0)
		rte_pktmbuf_free_bulk(silent, silent_count);
}

/* Sends what no frame asked for, but no more than a few bursts of it: frames are waiting, the ACKs
 * of what was sent among them. True: some is left, as is all of it while there are no buffers. */
static bool
send_pending(struct worker *w)
{
	struct rte_mbuf *mbufs[PORT_BURST];

	for (unsigned int bursts = 0; bursts < SEND_BURSTS; bursts++) {
		unsigned int pending = stack_pending(w->stack);
		uint16_t count = (uint16_t)RTE_MIN(pending, (unsigned int)PORT_BURST);
		uint16_t made = 0;
		struct stack_frame frame;

		if (count == 0)
			return false;
		if (rte_pktmbuf_alloc_bulk(w->port->pool, mbufs, count) != 0)
			return true;
		for (; made < count; made++) {
			frame_of(mbufs[made], &frame);
			if (!stack_output(w->stack, &frame))
				break;
			frame_to_mbuf(&frame, w->port->tx_offload, mbufs[made]);
		}
		if (made < count)
			rte_pktmbuf_free_bulk(mbufs + made, (unsigned int)(count - made));
		if (made > 0)
			transmit(w, mbufs, made);
	}
	return stack_pending(w->stack) > 0;
}

/* Sleeps a little longer the longer nothing has come, but not past the next timer. */
static void
idle(const struct worker *w, uint32_t empty_polls, stack_us now)
{
	uint32_t us = SLEEP_MIN_US;
	uint32_t sleeps;

	if (w->orders->poll || empty_polls < IDLE_POLLS) {
		rte_pause();
		return;
	}
	sleeps = empty_polls - IDLE_POLLS;
	us = sleeps / IDLE_GROW < 6 ? SLEEP_MIN_US << sleeps / IDLE_GROW : SLEEP_MAX_US;
	us = stack_idle_us(w->stack, now, us);
	if (us > 0)
		nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

int
worker_run(void *arg)
{
	struct worker *w = arg;
	struct rte_mbuf *mbufs[PORT_BURST];
	stack_us last_rx = worker_clock(w->orders);
	uint32_t empty_polls = 0;

	/* Sleeps end when they should, not 50 microseconds later. */
	(void)prctl(PR_SET_TIMERSLACK, 1);
	mailbox_open(&w->mailbox);
	while (!atomic_load_explicit(&w->orders->stop, memory_order_relaxed)) {
		uint16_t count = rte_eth_rx_burst(w->port->id, w->queue, mbufs, PORT_BURST);
		stack_us now = worker_clock(w->orders);
		struct order *order = mailbox_look(&w->mailbox);

		if (count > 0) {
			answer(w, mbufs, count, now);
			last_rx = now;
			empty_polls = 0;
		}
		atomic_store_explicit(&w->idle_us, now - last_rx, memory_order_relaxed);
		stack_tick(w->stack, now);
		if (send_pending(w))
			empty_polls = 0;
		/* What was said is said before an order can take it back. */
		if (order != NULL) {
			mailbox_serve(&w->mailbox, order, w, now);
			empty_polls = 0; /* the next one seldom is far */
		} else if (count == 0) {
			idle(w, empty_polls, now);
			if (empty_polls < UINT32_MAX)
				empty_polls++;
		}
	}
	mailbox_close(&w->mailbox);
	return 0;
}
