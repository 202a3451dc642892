/* SPDX-License-Identifier: BSD-3-Clause */
/* operator.c - crash, down, reload and calls by hand at random moments. */
#include "sim.h"

#define DOWN_US 3000000

void
operator_init(struct sim *s)
{
	s->operator_left = s->scenario->operator.actions;
	if (s->operator_left > 0)
		network_alarm(&s->network, s->start + sim_below(s, 1000000), NETWORK_OPERATOR, 0);
}

/* A place that is in use, if one is found soon. */
static uint32_t
some_place(struct sim *s)
{
	const struct stack *stack = s->host.oracle.stack;
	uint32_t places = stack_places(stack), place = sim_below(s, places);
	struct stack_connection c;

	for (uint32_t i = 0; i < places && !stack_connection_at(stack, place, &c); i++)
		place = (place + 1) % places;
	return place;
}

static void
do_one(struct sim *s, uint8_t what)
{
	struct oracle *o = &s->host.oracle;
	uint64_t mask = seed_next(s->draw);
	uint32_t turned = sim_below(s, host_row_count);

	if (what == OPERATOR_CRASHES)
		oracle_crash(o, s->now);
	else if (what == OPERATOR_TAKES_DOWN)
		oracle_set_reach(o, sim_below(s, 2) ? STACK_DOWN : STACK_DOWN_ARP);
	else if (what == OPERATOR_RELOADS)
		host_reload(&s->host, HOST_ALL_ROWS, turned);
	else if (what == OPERATOR_REDUCES)
		host_reload(&s->host, mask, turned);
	else
		oracle_call(o, some_place(s), host_call(sim_below(s, 1000)), s->now);
}

void
operator_act(struct sim *s)
{
	const struct operator_plan *plan = &s->scenario->operator;
	uint8_t what = (uint8_t)(1u << sim_below(s, 5));
	uint64_t next = s->now + 1 + sim_below(s, 2 * plan->interval_us);

	oracle_set_reach(&s->host.oracle, STACK_UP);
	while (!(what & plan->does))
		what = (uint8_t)(1u << sim_below(s, 5));
	if (--s->operator_left == 0 || sim_is_quiet(s)) {
		host_reload(&s->host, HOST_ALL_ROWS, 0);
		return;
	}
	do_one(s, what);
	if (what == OPERATOR_TAKES_DOWN)
		next = s->now + 1 + sim_below(s, DOWN_US);
	network_alarm(&s->network, next, NETWORK_OPERATOR, 0);
}
