/* SPDX-License-Identifier: BSD-3-Clause */
/* control_list.c - listeners and connections, page by page. */
#include <stdio.h>
#include <string.h>

#include "control_internal.h"

#define LISTENERS_A_PAGE 128  /* fewer fit */
#define FOUND_MAX        96   /* connections of one order */
#define SLICE            4096 /* places that one order goes over */
#define CURSOR_US        UINT64_C(5000000)

/* --- listeners --- */

struct state_order {
	struct order order;
	uint32_t first, count;
	struct stack_listener_state states[LISTENERS_A_PAGE];
};

static void
run_state(struct worker *w, struct order *order, stack_us now)
{
	struct state_order *o = (struct state_order *)order;

	(void)now;
	for (uint32_t i = 0; i < o->count; i++)
		o->states[i] = stack_listener_state(w->stack, (uint16_t)(o->first + i));
}

/* Of all workers together. */
struct state_sum {
	uint64_t taken, waiting, alive;
};

static const char *
sum_states(struct control *c, uint32_t first, uint32_t count, struct state_sum *sums)
{
	struct state_order o = {.order.run = run_state, .first = first, .count = count};

	memset(sums, 0, count * sizeof(*sums));
	for (unsigned int w = 0; w < c->worker_count; w++) {
		const char *error = control_ask(c, w, &o.order);

		if (error != NULL)
			return error;
		for (uint32_t i = 0; i < count; i++) {
			sums[i].taken += o.states[i].taken;
			sums[i].waiting += o.states[i].waiting;
			sums[i].alive += o.states[i].alive;
		}
	}
	return NULL;
}

/* Words of a list, as far as a value of a reply goes. */
struct list {
	char text[2 * RTE_TEL_MAX_STRING_LEN];
	size_t length;
};

static void
list_add(struct list *list, const char *word)
{
	if (list->length > RTE_TEL_MAX_STRING_LEN)
		return;
	list->length +=
		(size_t)snprintf(list->text + list->length, sizeof(list->text) - list->length,
				 "%s%.120s", list->length > 0 ? ", " : "", word);
}

static void
fill_listener(const struct control *c, uint32_t number, const struct state_sum *sum,
	      struct reply_row *row)
{
	const struct conf *conf = c->current->conf;
	const struct listener *l = &conf->listeners[number];
	const struct conf_listener *written = &conf->as_written[number];
	struct list ports = {0}, on = {0}, script = {0};
	char text[RTE_TEL_MAX_STRING_LEN];

	for (size_t i = 0; i < l->port_count; i++)
		list_add(&ports, conf_port_print(&l->ports[i], text, sizeof(text)));
	for (size_t i = 0; l->on != NULL && i < written->on.count; i++)
		list_add(&on, conf_addr_print(&written->on.prefixes[i], text, sizeof(text)));
	for (size_t i = 0; i < written->calls; i++)
		list_add(&script, script_print(&conf->steps[l->step + i], text, sizeof(text)));
	reply_row_begin(row);
	reply_row_number(row, "number", number);
	reply_row_text(row, "name", l->name);
	reply_row_text(row, "ports", ports.text);
	reply_row_text(row, "on", l->on != NULL ? on.text : "everything owned");
	reply_row_text(row, "script", script.text);
	reply_row_number(row, "taken", sum->taken);
	reply_row_number(row, "waiting", sum->waiting);
	reply_row_number(row, "alive", sum->alive);
}

void
control_listeners(struct control *c, const char *params, struct rte_tel_data *reply)
{
	const struct rules_range *all = &c->current->listeners;
	struct state_sum sums[LISTENERS_A_PAGE];
	struct reply_page page;
	struct reply_row row;
	const char *error;
	uint64_t offset;
	uint32_t count;

	if (!control_read_offset(params, &offset, reply))
		return;
	if (offset > all->count)
		offset = all->count;
	count = all->count - (uint32_t)offset;
	if (count > LISTENERS_A_PAGE)
		count = LISTENERS_A_PAGE;
	error = sum_states(c, all->first + (uint32_t)offset, count, sums);
	if (error != NULL) {
		reply_error(reply, "%s", error);
		return;
	}
	reply_page_begin(&page, reply);
	for (uint32_t i = 0; i < count; i++) {
		fill_listener(c, (uint32_t)offset + i, &sums[i], &row);
		if (!reply_page_add(&page, &row))
			break;
	}
	reply_page_end(&page);
}

/* --- connections --- */

struct found {
	struct stack_connection connection;
	uint32_t place;
	char call[64];
};

struct list_order {
	struct order order;
	uint32_t place; /* where it begins; then where it has come to */
	uint64_t skip;  /* live connections still to pass over */
	bool end;       /* there are no more places */
	unsigned int count;
	struct found found[FOUND_MAX];
};

static void
run_list(struct worker *w, struct order *order, stack_us now)
{
	struct list_order *o = (struct list_order *)order;
	const uint32_t places = stack_places(w->stack);

	(void)now;
	o->count = 0;
	for (uint32_t i = 0; i < SLICE && o->place < places && o->count < FOUND_MAX; i++) {
		struct found *found = &o->found[o->count];

		found->place = o->place++;
		if (!stack_connection_at(w->stack, found->place, &found->connection))
			continue;
		if (o->skip > 0) {
			o->skip--;
			continue;
		}
		/* Here, for a call by hand is in the stack's own memory. */
		if (found->connection.closed)
			strcpy(found->call, "close");
		else
			script_print(found->connection.step, found->call, sizeof(found->call));
		o->count++;
	}
	o->end = o->place >= places;
}

static void
fill_connection(const struct control *c, unsigned int worker, const struct found *found,
		struct reply_row *row)
{
	const struct stack_connection *at = &found->connection;
	char end[CONTROL_END_SIZE];

	reply_row_begin(row);
	reply_row_text(row, "client", control_end_print(&at->flow, false, end));
	reply_row_text(row, "server", control_end_print(&at->flow, true, end));
	reply_row_text(row, "state", tcp_state_name(at->state));
	reply_row_text(row, "listener", c->rules->listeners[at->listener].name);
	reply_row_text(row, "call", found->call);
	reply_row_number(row, "unread", at->unread);
	reply_row_number(row, "unacked", at->unacked);
	reply_row_number(row, "worker", worker);
}

/* Where the connections from the offset-th on begin, if a page has ended there just now. A cursor
 * is good for one page, which leaves another. */
static struct control_cursor
take_cursor(struct control *c, uint64_t offset)
{
	const stack_us now = worker_clock(c->workers[0].orders);
	struct control_cursor from = {0};

	for (unsigned int i = 0; i < CONTROL_CURSORS && offset > 0; i++) {
		struct control_cursor *kept = &c->cursors[i];

		if (kept->offset != offset || kept->until < now)
			continue;
		from = *kept;
		kept->offset = 0;
		break;
	}
	return from;
}

static void
keep_cursor(struct control *c, uint64_t offset, unsigned int worker, uint32_t place)
{
	c->cursors[c->next_cursor++ % CONTROL_CURSORS] = (struct control_cursor){
		.offset = offset,
		.worker = worker,
		.place = place,
		.until = worker_clock(c->workers[0].orders) + CURSOR_US,
	};
}

void
control_connections(struct control *c, const char *params, struct rte_tel_data *reply)
{
	struct list_order o = {.order.run = run_list};
	struct reply_page page;
	struct control_cursor from;
	unsigned int worker;
	uint64_t offset;

	if (!control_read_offset(params, &offset, reply))
		return;
	from = take_cursor(c, offset);
	worker = from.worker;
	o.place = from.place;
	o.skip = offset - from.offset;
	reply_page_begin(&page, reply);
	while (worker < c->worker_count) {
		const char *error = control_ask(c, worker, &o.order);

		if (error != NULL) {
			reply_page_drop(&page);
			reply_error(reply, "%s", error);
			return;
		}
		for (unsigned int i = 0; i < o.count; i++) {
			struct reply_row row;

			fill_connection(c, worker, &o.found[i], &row);
			if (reply_page_add(&page, &row))
				continue;
			keep_cursor(c, offset + page.count, worker, o.found[i].place);
			reply_page_end(&page);
			return;
		}
		if (o.end) {
			worker++;
			o.place = 0;
		}
	}
	if (page.count > 0)
		keep_cursor(c, offset + page.count, worker, 0);
	reply_page_end(&page);
}
