/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_reach.c - finds listeners that can never match, since those before them take every
 * connection to their addresses and ports. */
#include <stdlib.h>

#include "conf_internal.h"
#include "say.h"

/* Does it take every connection that it matches? */
static bool
takes_all(const struct listener *l)
{
	return l->chance == LISTENER_CHANCE_ALWAYS && l->first == 0;
}

/* Does l have port? *same_to is lowered to the last port from there on for which the answer is the
 * same. */
static bool
has_port(const struct listener *l, uint16_t port, uint16_t *same_to)
{
	for (size_t i = 0; i < l->port_count; i++) {
		const struct port_range *r = &l->ports[i];

		if (port >= r->first && port <= r->last) {
			if (r->last < *same_to)
				*same_to = r->last;
			return true;
		}
		if (r->first > port && r->first <= *same_to)
			*same_to = (uint16_t)(r->first - 1);
	}
	return false;
}

/* Room for all addresses of the listeners before one, put together. */
struct together {
	struct addr_prefix *prefixes;
	struct addr_range4 *v4;
	struct addr_range6 *v6;
};

/* Do listeners before number take all that it could get on port? Or NULL: some is left. The answer
 * is one of them. */
static const struct listener *
taken_by(const struct conf *conf, uint16_t number, uint16_t port, uint16_t *same_to,
	 struct together *room)
{
	const struct conf_addrs *wanted = &conf->as_written[number].on;
	const struct listener *by = NULL;
	struct addr_set set;
	size_t count = 0;

	for (uint16_t i = 0; i < number; i++) {
		const struct listener *l = &conf->listeners[i];
		const struct conf_addrs *on = &conf->as_written[i].on;

		if (!takes_all(l) || !has_port(l, port, same_to))
			continue;
		by = l;
		if (l->on == NULL || addr_set_covers(&on->set, &wanted->set))
			return by;
		for (size_t j = 0; j < on->count; j++)
			room->prefixes[count++] = on->prefixes[j];
	}
	if (by == NULL)
		return NULL;
	addr_set_build(&set, room->prefixes, count, room->v4, room->v6);
	return addr_set_covers(&set, &wanted->set) ? by : NULL;
}

static int
check_listener(const struct conf *conf, uint16_t number, struct together *room)
{
	const struct listener *l = &conf->listeners[number], *by = NULL;

	for (size_t i = 0; i < l->port_count; i++) {
		uint32_t port = l->ports[i].first;

		while (port <= l->ports[i].last) {
			uint16_t same_to = l->ports[i].last;

			by = taken_by(conf, number, (uint16_t)port, &same_to, room);
			if (by == NULL)
				return 0;
			port = (uint32_t)same_to + 1;
		}
	}
	say_at(conf->file, conf->as_written[number].line,
	       "listener \"%s\" can never match: \"%s\", on line %d, %stakes all that it could "
	       "get; a place before it would be right",
	       l->name, by->name, conf->as_written[by - conf->listeners].line,
	       number > 1 ? "with others or alone " : "");
	return -1;
}

int
conf_reach_check(struct conf *conf)
{
	struct together room;
	size_t prefixes = 0;
	int error = -1;

	for (uint16_t i = 0; i < conf->listener_count; i++)
		prefixes += conf->as_written[i].on.count;
	room.prefixes = calloc(prefixes + 1, sizeof(*room.prefixes));
	room.v4 = calloc(prefixes + 1, sizeof(*room.v4));
	room.v6 = calloc(prefixes + 1, sizeof(*room.v6));
	if (room.prefixes == NULL || room.v4 == NULL || room.v6 == NULL) {
		say_at(conf->file, 0, "no memory to compare its listeners");
		goto out;
	}
	for (uint16_t i = 0; i < conf->listener_count; i++) {
		error = check_listener(conf, i, &room);
		if (error < 0)
			goto out;
	}
	error = 0;
out:
	free(room.prefixes);
	free(room.v4);
	free(room.v6);
	return error;
}
