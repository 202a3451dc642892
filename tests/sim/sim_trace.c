/* SPDX-License-Identifier: BSD-3-Clause */
/* sim_trace.c - the segments of one client, as they happen or, when something did not hold, the
 * last of them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

#define SECOND 1000000u

__attribute__((format(printf, 2, 3))) static void
line(struct sim *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (s->options->tail)
		vsnprintf(s->lines[s->line_count++ % SIM_LINES], SIM_LINE, format, args);
	else
		vprintf(format, args);
	va_end(args);
}

void
sim_trace(struct sim *s, const char *what, const struct segment *g)
{
	const struct client *c;

	if (s->traced == SIM_TRACE_NONE ||
	    (s->traced != SIM_TRACE_ALL && host_client_number(g->family, g->src) != s->traced &&
	     host_client_number(g->family, g->dst) != s->traced))
		return;
	c = &s->clients[s->traced < s->scenario->clients ? s->traced : 0];
	line(s,
	     "# %4" PRIu64 ".%06" PRIu64 " step %" PRIu64
	     " %s %u to %u flags %#04x seq %u (ISS+%u) "
	     "ack %u (ISS+%u) wnd %u text %u options %#x\n",
	     (s->now - s->start) / SECOND, (s->now - s->start) % SECOND, s->step, what, g->sport,
	     g->dport, g->flags, g->seq, g->seq - c->iss, g->ack, g->ack - c->iss, g->wnd, g->text,
	     g->options);
}

void
sim_trace_tail(const struct sim *s)
{
	for (unsigned int i = s->line_count < SIM_LINES ? 0 : s->line_count - SIM_LINES;
	     i < s->line_count; i++)
		fputs(s->lines[i % SIM_LINES], stdout);
}

void
sim_trace_counters(const struct sim *s)
{
	struct stack_counter c;

	if (s->traced == SIM_TRACE_NONE || s->options->tail)
		return;
	for (unsigned int i = 0; stack_counter_at(stack_counters(s->host.oracle.stack), i, &c);
	     i++) {
		if (c.value > 0)
			printf("# %s%s: %" PRIu64 "\n", c.group, c.name, c.value);
	}
}
