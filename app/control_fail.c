/* SPDX-License-Identifier: BSD-3-Clause */
/* control_fail.c - a host that crashes, that is down, and that is up again. */
#include <string.h>

#include <rte_lcore.h>

#include "control_internal.h"

struct crash_order {
	struct order order;
	uint32_t forgotten;
};

static void
run_crash(struct worker *w, struct order *order, stack_us now)
{
	((struct crash_order *)order)->forgotten = stack_crash(w->stack, now);
}

void
control_crash(struct control *c, const char *params, struct rte_tel_data *reply)
{
	struct crash_order crashes[RTE_MAX_LCORE];
	struct order *orders[RTE_MAX_LCORE];
	uint64_t forgotten = 0;
	const char *error;

	if (!control_no_params(params, reply))
		return;
	for (unsigned int i = 0; i < c->worker_count; i++) {
		crashes[i] = (struct crash_order){.order.run = run_crash};
		orders[i] = &crashes[i].order;
	}
	error = control_ask_all(c, orders);
	if (error != NULL) {
		reply_error(reply, "%s", error);
		return;
	}
	for (unsigned int i = 0; i < c->worker_count; i++)
		forgotten += crashes[i].forgotten;
	rte_tel_data_start_dict(reply);
	reply_number(reply, "forgotten", forgotten);
}

struct reach_order {
	struct order order;
	enum stack_reach reach;
};

static void
run_reach(struct worker *w, struct order *order, stack_us now)
{
	(void)now;
	stack_set_reach(w->stack, ((struct reach_order *)order)->reach);
}

static void
set_reach(struct control *c, enum stack_reach reach, const char *state, struct rte_tel_data *reply)
{
	struct reach_order reaches[RTE_MAX_LCORE];
	struct order *orders[RTE_MAX_LCORE];
	const char *error;

	for (unsigned int i = 0; i < c->worker_count; i++) {
		reaches[i] = (struct reach_order){.order.run = run_reach, .reach = reach};
		orders[i] = &reaches[i].order;
	}
	error = control_ask_all(c, orders);
	if (error != NULL) {
		reply_error(reply, "%s", error);
		return;
	}
	rte_tel_data_start_dict(reply);
	reply_text(reply, "state", state);
}

void
control_down(struct control *c, const char *params, struct rte_tel_data *reply)
{
	if (strcmp(params, "") == 0)
		set_reach(c, STACK_DOWN, "down", reply);
	else if (strcmp(params, "arp") == 0)
		set_reach(c, STACK_DOWN_ARP, "down,arp", reply);
	else
		reply_error(reply, "\"%s\": arp, or no parameter, would be right", params);
}

void
control_up(struct control *c, const char *params, struct rte_tel_data *reply)
{
	if (control_no_params(params, reply))
		set_reach(c, STACK_UP, "up", reply);
}
