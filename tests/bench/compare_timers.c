/* SPDX-License-Identifier: BSD-3-Clause */
/* compare_timers.c - timers are armed for within a minute, armed anew for another time, disarmed,
 * and armed once more for within a second, after which all are due. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_debug.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_timer.h>

#include "compare.h"
#include "conn_store.h"
#include "timer_wheel.h"

#define MINUTE_MS 60000u
#define SECOND_MS 1000u

/* When the i-th timer is due, in milliseconds from now: another time each turn. */
static uint32_t
due(uint32_t i, uint32_t turn, uint32_t within)
{
	return 1 + (uint32_t)((uint64_t)((i + 1) * (2 * turn + 2654435761u)) * within >> 32);
}

static void
arm_ours(struct timer_wheel *w, struct conn4 *conns, uint32_t count, uint32_t turn, uint32_t within)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t which = compare_shuffled(i, count, turn);

		conns[which].tcp.timer.tcp_ms =
			within == 0 ? 0 : timer_node_at(w->now_ms, due(which, turn, within));
		timer_wheel_update(w, which);
	}
}

void
compare_our_wheel(uint32_t count)
{
	struct timer_wheel *w = compare_take(sizeof(*w));
	struct conn4 *conns = compare_take(count * sizeof(*conns));
	const struct timer_nodes nodes = {
		.base = {(uint8_t *)&conns->tcp.timer, NULL},
		.stride = {sizeof(*conns), 0},
		.split = count,
	};
	uint32_t expired = 0;
	uint64_t before;

	timer_wheel_init(w, &nodes, 1000);
	for (uint32_t i = 0; i < count; i++)
		timer_node_init(&conns[i].tcp.timer);
	printf("wheel bytes: %.1f\n",
	       (double)(sizeof(*w) + count * sizeof(struct timer_node)) / count);
	before = compare_ns();
	arm_ours(w, conns, count, 0, MINUTE_MS);
	compare_say("wheel", "arm", count, before);
	before = compare_ns();
	arm_ours(w, conns, count, 1, MINUTE_MS);
	compare_say("wheel", "again", count, before);
	before = compare_ns();
	arm_ours(w, conns, count, 2, 0);
	compare_say("wheel", "disarm", count, before);
	arm_ours(w, conns, count, 3, SECOND_MS);
	before = compare_ns();
	while (timer_wheel_expire(w, 1000 + 2 * SECOND_MS) != TIMER_WHEEL_NONE)
		expired++;
	compare_say("wheel", "expire", count, before);
	if (expired != count)
		rte_exit(EXIT_FAILURE, "our wheel expired %u of %u timers\n", expired, count);
	rte_free(conns);
	rte_free(w);
}

struct other {
	_Alignas(64) struct rte_timer timer;
};

static uint32_t other_expired;

static void
count_it(struct rte_timer *timer, void *arg)
{
	(void)timer;
	(void)arg;
	other_expired++;
}

static void
arm_other(struct other *timers, uint32_t count, uint32_t turn, uint32_t within)
{
	const uint64_t ms = rte_get_timer_hz() / 1000;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t which = compare_shuffled(i, count, turn);

		if (within == 0)
			(void)rte_timer_stop(&timers[which].timer);
		else
			(void)rte_timer_reset(&timers[which].timer, due(which, turn, within) * ms,
					      SINGLE, rte_lcore_id(), count_it, NULL);
	}
}

void
compare_rte_timer(uint32_t count)
{
	struct other *timers = compare_take(count * sizeof(*timers));
	uint64_t before;

	other_expired = 0;
	for (uint32_t i = 0; i < count; i++)
		rte_timer_init(&timers[i].timer);
	printf("rte_timer bytes: %zu.0\n", sizeof(struct rte_timer));
	before = compare_ns();
	arm_other(timers, count, 0, MINUTE_MS);
	compare_say("rte_timer", "arm", count, before);
	before = compare_ns();
	arm_other(timers, count, 1, MINUTE_MS);
	compare_say("rte_timer", "again", count, before);
	before = compare_ns();
	arm_other(timers, count, 2, 0);
	compare_say("rte_timer", "disarm", count, before);
	arm_other(timers, count, 3, SECOND_MS);
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
	before = compare_ns();
	(void)rte_timer_manage();
	compare_say("rte_timer", "expire", count, before);
	if (other_expired != count)
		rte_exit(EXIT_FAILURE, "rte_timer expired %u of %u timers\n", other_expired, count);
	rte_free(timers);
}
