/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.c - the control thread: rates while it runs, the end when its time has come; and the
 * counters at exit. Workers are only read: what is printed may be a burst old. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stats.h"

#define TICK_MS 10
#define LINK_MS 200 /* between looks at the links */

struct stats_sums
stats_sum(const struct worker *workers, unsigned int worker_count)
{
	struct stats_sums sums = {0};

	for (unsigned int i = 0; i < worker_count; i++) {
		stack_counters_add(&sums.stack, stack_counters(workers[i].stack));
		sums.tx_dropped +=
			atomic_load_explicit(&workers[i].tx_dropped, memory_order_relaxed);
		sums.misdirected +=
			atomic_load_explicit(&workers[i].misdirected, memory_order_relaxed);
		sums.connections += stack_connections(workers[i].stack);
		sums.half_open += stack_half_open(workers[i].stack);
	}
	return sums;
}

uint64_t
stats_dropped(const struct stack_counters *c)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < DROP_COUNT; i++)
		n += c->dropped[i];
	return n;
}

/* One line: rates since last, over us microseconds. */
static void
print_rates(const struct stats_sums *now, const struct stats_sums *last, uint64_t us)
{
	double s = (double)us / 1e6;

	printf("rx %.0f/s  answered %.0f/s  consumed %.0f/s  dropped %.0f/s  tx %.0f/s  "
	       "connections %" PRIu64 "\n",
	       (double)(now->stack.rx - last->stack.rx) / s,
	       (double)(now->stack.answered - last->stack.answered) / s,
	       (double)(now->stack.consumed - last->stack.consumed) / s,
	       (double)(stats_dropped(&now->stack) - stats_dropped(&last->stack)) / s,
	       (double)(now->stack.tx - last->stack.tx) / s, now->connections);
	fflush(stdout);
}

/* For how long no worker has had a frame, by their own polls: one that has not come to poll yet, on
 * a busy machine, is not idle. */
static uint64_t
idle_us(const struct stats_control *control)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < control->worker_count; i++) {
		uint64_t us =
			atomic_load_explicit(&control->workers[i].idle_us, memory_order_relaxed);

		least = us < least ? us : least;
	}
	return least;
}

static bool
passed(uint64_t since_us, uint64_t now_us, uint32_t ms)
{
	return ms != STATS_NEVER && now_us >= since_us + UINT64_C(1000) * ms;
}

void *
stats_watch(void *arg)
{
	const struct stats_control *control = arg;
	struct worker_orders *orders = control->orders;
	uint64_t start = worker_clock(orders);
	uint64_t printed = start, watched = start;
	struct stats_sums last = {0};

	while (!atomic_load_explicit(&orders->stop, memory_order_relaxed)) {
		uint64_t now;

		nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
		now = worker_clock(orders);
		if (passed(printed, now, control->stats_ms)) {
			struct stats_sums sums = stats_sum(control->workers, control->worker_count);

			print_rates(&sums, &last, now - printed);
			last = sums;
			printed = now;
		}
		if (passed(watched, now, LINK_MS)) {
			for (unsigned int i = 0; i < control->port_count; i++)
				port_watch_link(&control->ports[i]);
			watched = now;
		}
		if (passed(start, now, control->for_ms) ||
		    passed(0, idle_us(control), control->exit_idle_ms))
			atomic_store_explicit(&orders->stop, true, memory_order_relaxed);
	}
	return NULL;
}

static void
print_counter(const char *group, const char *name, uint64_t value)
{
	if (value != 0 || strcmp(name, "rx") == 0)
		printf("%s%s: %" PRIu64 "\n", group, name, value);
}

void
stats_print(const struct worker *workers, unsigned int worker_count, const struct port *ports,
	    unsigned int port_count)
{
	struct stats_sums sums = stats_sum(workers, worker_count);
	uint64_t missed = 0, lost = 0;
	struct stack_counter counter;

	for (unsigned int i = 0; i < port_count; i++) {
		missed += ports[i].missed;
		lost += ports[i].lost;
	}
	for (unsigned int i = 0; stack_counter_at(&sums.stack, i, &counter); i++)
		print_counter(counter.group, counter.name, counter.value);
	print_counter("", "rx_missed", missed);
	print_counter("", "tx_dropped", sums.tx_dropped);
	print_counter("", "misdirected", sums.misdirected);
	print_counter("", "mbufs_in_use", lost);
	fflush(stdout);
}
