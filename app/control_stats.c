/* SPDX-License-Identifier: BSD-3-Clause */
/* control_stats.c - what riposte has counted, for telemetry. Workers are only read: what is told
 * may be a burst old. */
#include <assert.h>
#include <stdio.h>

#include "control_internal.h"
#include "stats.h"
#include "steer.h"

/* Adds a counter; telemetry has no dot in a name. */
static void
add_counter(struct rte_tel_data *reply, const char *group, const char *name, uint64_t value)
{
	char whole[RTE_TEL_MAX_STRING_LEN];

	snprintf(whole, sizeof(whole), "%s%s", group, name);
	for (char *c = whole; *c != '\0'; c++) {
		if (*c == '.')
			*c = '/';
	}
	reply_number(reply, whole, value);
}

void
control_counters(struct control *c, const char *params, struct rte_tel_data *reply)
{
	struct stats_sums sums = stats_sum(c->workers, c->worker_count);
	struct stack_counter counter;
	uint64_t missed = 0;

	_Static_assert(DROP_COUNT + TCP_RST_COUNT + 64 < RTE_TEL_MAX_DICT_ENTRIES,
		       "every counter has room");
	if (!control_no_params(params, reply))
		return;
	for (unsigned int i = 0; i < c->port_count; i++)
		missed += port_missed(&c->ports[i]);
	rte_tel_data_start_dict(reply);
	for (unsigned int i = 0; stack_counter_at(&sums.stack, i, &counter); i++)
		add_counter(reply, counter.group, counter.name, counter.value);
	add_counter(reply, "", "rx_missed", missed);
	add_counter(reply, "", "tx_dropped", sums.tx_dropped);
	if (STEER_CHECK)
		add_counter(reply, "", "misdirected", sums.misdirected);
	add_counter(reply, "", "connections", sums.connections);
	add_counter(reply, "", "half_open", sums.half_open);
}

static void
fill_worker(const struct control *c, unsigned int number, struct reply_row *row)
{
	const struct worker *w = &c->workers[number];
	const struct stats_sums sums = stats_sum(w, 1);

	reply_row_begin(row);
	reply_row_number(row, "worker", number);
	reply_row_number(row, "lcore", w->lcore);
	reply_row_text(row, "device", w->port->name);
	reply_row_number(row, "queue", w->queue);
	reply_row_number(row, "rx", sums.stack.rx);
	reply_row_number(row, "answered", sums.stack.answered);
	reply_row_number(row, "consumed", sums.stack.consumed);
	reply_row_number(row, "dropped", stats_dropped(&sums.stack));
	reply_row_number(row, "tx", sums.stack.tx);
	reply_row_number(row, "tx_dropped", sums.tx_dropped);
	reply_row_number(row, "connections", sums.connections);
	reply_row_number(row, "half_open", sums.half_open);
}

void
control_workers(struct control *c, const char *params, struct rte_tel_data *reply)
{
	struct reply_page page;
	struct reply_row row;
	uint64_t number;

	if (!control_read_offset(params, &number, reply))
		return;
	reply_page_begin(&page, reply);
	for (; number < c->worker_count; number++) {
		fill_worker(c, (unsigned int)number, &row);
		if (!reply_page_add(&page, &row))
			break;
	}
	reply_page_end(&page);
}
