/* SPDX-License-Identifier: BSD-3-Clause */
/* control_call.c - the application of one connection makes a socket call by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_data.h"
#include "control_internal.h"

#define SLICE 4096 /* places that one order goes over */

/* What the command said. */
struct wanted {
	struct control_end client, local;
	const char *call;
};

/* The connections that are meant: the first one, and how many there are. */
struct match {
	unsigned int count;
	unsigned int worker;
	uint32_t place;
	struct flow flow;
};

struct find_order {
	struct order order;
	const struct wanted *wanted;
	uint32_t place; /* where it begins; then where it has come to */
	bool end;       /* there are no more places */
	bool found;     /* just before place */
	struct flow flow;
};

static void
run_find(struct worker *w, struct order *order, stack_us now)
{
	struct find_order *o = (struct find_order *)order;
	const uint32_t places = stack_places(w->stack);
	struct stack_connection at;

	(void)now;
	o->found = false;
	for (uint32_t i = 0; i < SLICE && o->place < places && !o->found; i++) {
		o->found = stack_connection_at(w->stack, o->place++, &at) &&
			   control_end_is(&o->wanted->client, &at.flow, false) &&
			   control_end_is(&o->wanted->local, &at.flow, true);
	}
	o->flow = at.flow;
	o->end = o->place >= places;
}

static const char *
find(struct control *c, const struct wanted *wanted, struct match *match)
{
	*match = (struct match){0};
	for (unsigned int w = 0; w < c->worker_count; w++) {
		struct find_order o = {.order.run = run_find, .wanted = wanted};

		while (!o.end) {
			const char *error = control_ask(c, w, &o.order);

			if (error != NULL)
				return error;
			if (!o.found || match->count++ > 0)
				continue;
			match->worker = w;
			match->place = o.place - 1;
			match->flow = o.flow;
		}
	}
	return NULL;
}

struct call_order {
	struct order order;
	const struct match *match;
	const struct script_step *call;
	const char *error; /* NULL: it was made */
};

static void
run_call(struct worker *w, struct order *order, stack_us now)
{
	struct call_order *o = (struct call_order *)order;
	const struct flow *flow = &o->match->flow;
	struct stack_connection at;
	const struct flow *is = &at.flow;

	o->error = "the connection has just ended";
	if (!stack_connection_at(w->stack, o->match->place, &at) || is->family != flow->family)
		return;
	if (flow->family == 4 ? memcmp(&is->v4, &flow->v4, sizeof(flow->v4)) != 0
			      : memcmp(&is->v6, &flow->v6, sizeof(flow->v6)) != 0)
		return;
	o->error = stack_call(w->stack, o->match->place, o->call, now);
}

/* Finds the connection that is wanted, and has the call made there. */
static void
make_call(struct control *c, const struct wanted *wanted, const struct script_step *call,
	  struct rte_tel_data *reply)
{
	struct match match;
	struct call_order o = {.order.run = run_call, .match = &match, .call = call};
	char client[CONTROL_END_SIZE], text[RTE_TEL_MAX_STRING_LEN];
	const char *error = find(c, wanted, &match);

	if (error != NULL) {
		reply_error(reply, "%s", error);
		return;
	}
	if (match.count == 0) {
		reply_error(reply,
			    "no such connection; /riposte/connections lists those there are");
		return;
	}
	if (match.count > 1) {
		reply_error(reply,
			    "%u connections of %s go to that port; ADDRESS:PORT instead of the "
			    "port would be right",
			    match.count, control_end_print(&match.flow, false, client));
		return;
	}
	error = control_ask(c, match.worker, &o.order);
	if (error == NULL)
		error = o.error;
	if (error != NULL) {
		reply_error(reply, "%s", error);
		return;
	}
	rte_tel_data_start_dict(reply);
	reply_text(reply, "made", script_print(call, text, sizeof(text)));
}

/* CLIENT,PORT,LOCALPORT,CALL; of CALL a comma may be part. */
static int
parse(char *params, struct wanted *wanted, struct rte_tel_data *reply)
{
	char *client = strsep(&params, ","), *port = strsep(&params, ","),
	     *local = strsep(&params, ",");

	if (params == NULL) {
		reply_error(reply, "client,port,localport,call would be right, such as "
				   "10.9.0.2,4711,80,close");
		return -1;
	}
	if (control_addr_parse(client, &wanted->client) < 0) {
		reply_error(
			reply,
			"client \"%s\": an address, such as 10.9.0.2 or fd09::2, would be right",
			client);
		return -1;
	}
	if (control_port_parse(port, &wanted->client) < 0) {
		reply_error(reply, "port \"%s\": the client's, from 1 to 65535, would be right",
			    port);
		return -1;
	}
	if (control_end_parse(local, &wanted->local) < 0) {
		reply_error(reply,
			    "localport \"%s\": a port of riposte's, or ADDRESS:PORT or "
			    "[ADDRESS]:PORT, would be right",
			    local);
		return -1;
	}
	wanted->call = params;
	return 0;
}

void
control_call(struct control *c, const char *params, struct rte_tel_data *reply)
{
	struct conf_data data = {0};
	struct wanted wanted = {0};
	struct script_step call;
	char error[512];
	char *copy = strdup(params);

	if (copy == NULL) {
		reply_error(reply, "no memory for the command");
		return;
	}
	if (parse(copy, &wanted, reply) < 0)
		goto out;
	if (script_compile_call(wanted.call, &call, error, sizeof(error)) < 0 ||
	    (call.file != NULL &&
	     conf_data_load(c->file, call.file, &data, error, sizeof(error)) < 0)) {
		reply_error(reply, "%s", error);
		goto out;
	}
	if (call.file != NULL) {
		call.text = data.bytes;
		call.arg = (uint32_t)data.size;
	}
	make_call(c, &wanted, &call, reply);
	conf_data_unload(&data);
out:
	free(copy);
}
