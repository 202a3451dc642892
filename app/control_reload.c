/* SPDX-License-Identifier: BSD-3-Clause */
/* control_reload.c - the configuration is read again: all of it takes effect, or nothing. What came
 * before is freed once no connection goes by it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_lcore.h>

#include "control_internal.h"
#include "say.h"

#define SLICE 8192 /* listeners that one order goes over */

struct alive_order {
	struct order order;
	uint32_t first, count;
	uint64_t alive;
};

static void
run_alive(struct worker *w, struct order *order, stack_us now)
{
	struct alive_order *o = (struct alive_order *)order;

	(void)now;
	for (uint32_t i = 0; i < o->count; i++)
		o->alive += stack_listener_state(w->stack, (uint16_t)(o->first + i)).alive;
}

/* Does nothing of the worker's stack go by the set? It is not the current one, so that its
 * connections only become fewer. */
static bool
is_over(struct control *c, const struct rules_set *set, unsigned int worker)
{
	const struct rules_range *all = &set->listeners;

	for (uint32_t i = 0; i < all->count; i += SLICE) {
		const uint32_t left = all->count - i;
		struct alive_order o = {.order.run = run_alive,
					.first = all->first + i,
					.count = left < SLICE ? left : SLICE};

		if (control_ask(c, worker, &o.order) != NULL || o.alive > 0)
			return false;
	}
	return true;
}

/* Frees what earlier configurations have left and nobody needs any more. */
static void
sweep(struct control *c)
{
	struct rules_set *set, *next;

	for (set = c->rules->sets; set != NULL; set = next) {
		unsigned int worker = 0;

		next = set->next;
		if (set == c->current)
			continue;
		while (worker < c->worker_count && is_over(c, set, worker))
			worker++;
		if (worker == c->worker_count)
			rules_drop(c->rules, set);
	}
}

/* Can the stacks go by conf with the memory that they have? If not, that has been said. */
static bool
has_room(const struct control *c, const struct conf *conf)
{
	const struct conf_host *host = &conf->host, *now = &c->current->conf->host;

	for (size_t i = 0; i < conf_host_section.count; i++) {
		const struct conf_key *key = &conf_host_section.keys[i];
		char to[24], from[24];

		if (!key->at_start)
			continue;
		conf_key_print(key, host, to, sizeof(to));
		conf_key_print(key, now, from, sizeof(from));
		if (strcmp(to, from) == 0)
			continue;
		say_at(conf->file, host->key_lines[i],
		       "%s = %s: it was %s at start, by which memory was taken and devices were "
		       "set up; a restart would be right",
		       key->name, to, from);
		return false;
	}
	if ((host->v4_line != 0 && !c->v4) || (host->v6_line != 0 && !c->v6)) {
		const bool v6 = host->v6_line != 0 && !c->v6;

		say_at(conf->file, v6 ? host->v6_line : host->v4_line,
		       "no IPv%d address was owned at start, when memory was taken for those that "
		       "were; a restart would be right",
		       v6 ? 6 : 4);
		return false;
	}
	return true;
}

struct reload_order {
	struct order order;
	const struct stack_conf *conf;
};

static void
run_reload(struct worker *w, struct order *order, stack_us now)
{
	(void)now;
	stack_reload(w->stack, ((struct reload_order *)order)->conf);
}

/* Has every worker go by set. */
static bool
switch_to(struct control *c, struct rules_set *set)
{
	struct reload_order reloads[RTE_MAX_LCORE];
	struct order *orders[RTE_MAX_LCORE];
	struct stack_conf conf = c->secrets;
	const char *error;
	bool used = false;

	rules_fill(c->rules, set, &conf);
	for (unsigned int i = 0; i < c->worker_count; i++) {
		reloads[i] = (struct reload_order){.order.run = run_reload, .conf = &conf};
		orders[i] = &reloads[i].order;
	}
	error = control_ask_all(c, orders);
	if (error == NULL) {
		c->current = set;
		return true;
	}
	say_at(set->conf->file, 0, "not taken over: %s", error);
	/* Riposte is ending: some workers may go by it until they have ended. */
	for (unsigned int i = 0; i < c->worker_count; i++)
		used = used || orders[i]->done;
	if (!used)
		rules_drop(c->rules, set);
	return false;
}

/* Is it a file, or nothing that could be read anyway? A pipe or a terminal may keep us waiting for
 * ever, and with us whoever asks, and the end. If it is one, that has been said. */
static bool
can_be_read_again(const char *file)
{
	struct stat about;

	if (stat(file, &about) != 0 || S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
		return true;
	say_at(file, 0,
	       "cannot be read again, for it is no file; a configuration file, or a "
	       "restart, would be right");
	return false;
}

static bool
reload(struct control *c)
{
	struct conf *conf = NULL;
	struct rules_set *set;

	if (can_be_read_again(c->file))
		conf = conf_read(c->file);
	if (conf == NULL)
		return false;
	if (!has_room(c, conf) || (set = rules_add(c->rules, conf)) == NULL) {
		conf_free(conf);
		return false;
	}
	return switch_to(c, set);
}

void
control_reload(struct control *c, const char *params, struct rte_tel_data *reply)
{
	char line[1024];
	bool done;

	if (!control_no_params(params, reply))
		return;
	sweep(c);
	say_catch(line, sizeof(line));
	done = reload(c);
	say_release();
	if (!done) {
		reply_error(reply, "%s", line);
		return;
	}
	sweep(c);
	rte_tel_data_start_dict(reply);
	reply_text(reply, "file", c->file);
	reply_number(reply, "listeners", c->current->listeners.count);
}
