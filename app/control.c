/* SPDX-License-Identifier: BSD-3-Clause */
/* control.c - the telemetry commands: who answers which, one at a time. Telemetry has a thread for
 * each of its clients, and goes on with them until the process ends. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>

#include "control_internal.h"
#include "say.h"

static const struct {
	const char *name;
	control_command *run;
	const char *help; /* 63 characters at most */
} commands[] = {
	{"/riposte/counters", control_counters,
	 "Every counter, summed over workers. No parameters"},
	{"/riposte/listeners", control_listeners, "A page of listeners. Parameters: offset"},
	{"/riposte/connections", control_connections,
	 "A page of live connections. Parameters: offset"},
	{"/riposte/workers", control_workers, "Workers and what they count. Parameters: offset"},
	{"/riposte/crash", control_crash, "Forgets every connection, as a host that restarts does"},
	{"/riposte/down", control_down, "Is silent. Parameters: arp, to answer no ARP either"},
	{"/riposte/up", control_up, "Ends down. No parameters"},
	{"/riposte/reload", control_reload, "Reads the configuration again. No parameters"},
	{"/riposte/call", control_call,
	 "Makes a socket call. Parameters: client,port,localport,call"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* A command gets no argument of ours from telemetry, and cannot be unregistered. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *control; /* NULL: riposte is not running */

static int
on_command(const char *name, const char *params, struct rte_tel_data *reply)
{
	unsigned int i = 0;

	while (i < COMMANDS - 1 && strcmp(commands[i].name, name) != 0)
		i++;
	pthread_mutex_lock(&lock);
	if (control != NULL)
		commands[i].run(control, params != NULL ? params : "", reply);
	else
		reply_error(reply, "riposte is ending");
	pthread_mutex_unlock(&lock);
	return 0;
}

int
control_open(struct control *c)
{
	const struct conf_host *host = &c->current->conf->host;

	c->v4 = host->v4_line != 0;
	c->v6 = host->v6_line != 0;
	pthread_mutex_lock(&lock);
	control = c;
	pthread_mutex_unlock(&lock);
	for (unsigned int i = 0; i < COMMANDS; i++) {
		int error =
			rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help);

		if (error != 0) {
			say("telemetry command %s: %s", commands[i].name, strerror(abs(error)));
			control_close();
			return -1;
		}
	}
	return 0;
}

void
control_close(void)
{
	pthread_mutex_lock(&lock);
	control = NULL;
	pthread_mutex_unlock(&lock);
}

const char *
control_ask(struct control *c, unsigned int worker, struct order *order)
{
	struct mailbox *mailbox = &c->workers[worker].mailbox;

	return mailbox_ask(&mailbox, &order, 1);
}

const char *
control_ask_all(struct control *c, struct order *const orders[])
{
	struct mailbox *mailboxes[RTE_MAX_LCORE];

	for (unsigned int i = 0; i < c->worker_count; i++)
		mailboxes[i] = &c->workers[i].mailbox;
	return mailbox_ask(mailboxes, orders, c->worker_count);
}

bool
control_read_offset(const char *params, uint64_t *offset, struct rte_tel_data *reply)
{
	char *end;

	*offset = 0;
	if (params[0] == '\0')
		return true;
	*offset = strtoull(params, &end, 10);
	if (params[0] >= '0' && params[0] <= '9' && *end == '\0')
		return true;
	reply_error(reply, "offset \"%s\": how many to pass over, such as 100, would be right",
		    params);
	return false;
}

bool
control_no_params(const char *params, struct rte_tel_data *reply)
{
	if (params[0] == '\0')
		return true;
	reply_error(reply, "\"%s\": no parameter would be right", params);
	return false;
}
