/* SPDX-License-Identifier: BSD-3-Clause */
/* sim_shrink.c - the least of a run that still fails: who has to take part, and how many events. It
 * is played again and again, with every check at every event. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define BUDGET 20000000 /* steps in all: some seconds */

struct hunt {
	struct sim *sim;
	const struct sim_scenario *scenario;
	struct sim_result *result; /* of the last that failed */
	const char *rule;
	bool at_end;
	uint64_t steps; /* played so far */
};

/* Does the same rule still not hold? */
static bool
fails(struct hunt *h, const struct sim_options *options)
{
	struct sim_result r;
	bool good = sim_run(h->sim, h->scenario, options, &r);

	h->steps += h->sim->step;
	if (good || r.rule != h->rule || r.at_end != h->at_end)
		return false;
	*h->result = r;
	return true;
}

/* The numbers of those who take part. Returns how many. */
static unsigned int
list_actors(const struct sim_scenario *sc, unsigned int *actors)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < sc->clients; i++)
		actors[count++] = SIM_CLIENT + i;
	for (unsigned int i = 0; i < sc->hostiles; i++)
		actors[count++] = SIM_HOSTILE + i;
	for (unsigned int i = 0; i < SIM_ATTACKERS; i++) {
		if (sc->attackers[i].kind != ATTACKER_NONE)
			actors[count++] = SIM_ATTACKER + i;
	}
	if (sc->operator.actions> 0)
		actors[count++] = SIM_OPERATOR;
	return count;
}

/* Leaves out as many as it still fails without: halves, quarters, ... and each. */
static void
leave_out(struct hunt *h, struct sim_options *options)
{
	unsigned int actors[SIM_ACTORS], count = list_actors(h->scenario, actors);

	for (unsigned int size = (count + 1) / 2; size > 0; size = size > 1 ? (size + 1) / 2 : 0) {
		for (unsigned int i = 0; i < count && h->steps < BUDGET; i += size) {
			struct sim_options fewer = *options;

			for (unsigned int j = i; j < i + size && j < count; j++)
				fewer.muted[actors[j]] = true;
			if (memcmp(&fewer, options, sizeof(fewer)) != 0 && fails(h, &fewer))
				*options = fewer;
		}
	}
}

/* After which step may all be quiet? */
static void
find_quiet(struct hunt *h, struct sim_options *options)
{
	uint64_t low = 0, high = h->result->step;

	while (low < high && h->steps < 2 * BUDGET) {
		struct sim_options less = *options;

		less.quiet_after = low + (high - low) / 2;
		if (fails(h, &less))
			high = less.quiet_after;
		else
			low = less.quiet_after + 1;
	}
	options->quiet_after = high;
}

/* What fails at an event fails with all events up to it; what fails in the end, with all that began
 * before a certain event. */
static void
find_prefix(struct hunt *h, struct sim_options *options)
{
	if (h->at_end)
		find_quiet(h, options);
	else
		options->steps = h->result->step;
}

bool
sim_shrink(struct sim *s, const struct sim_scenario *scenario, struct sim_options *all,
	   struct sim_options *few, struct sim_result *result)
{
	struct hunt h = {.sim = s, .scenario = scenario, .result = result};

	all->every = true;
	all->traced = SIM_TRACE_NONE;
	if (sim_run(s, scenario, all, result))
		return false;
	h.rule = result->rule;
	h.at_end = result->at_end;
	h.steps = s->step;
	find_prefix(&h, all);
	*few = *all;
	few->quiet_after = UINT64_MAX;
	leave_out(&h, few);
	/* Without the others the same event has another number. */
	fails(&h, few);
	find_prefix(&h, few);
	return fails(&h, few);
}

/* --- lists --- */

static const struct {
	char letter;
	unsigned int first, count;
} kinds[] = {
	{'c', SIM_CLIENT, SIM_CLIENTS},
	{'h', SIM_HOSTILE, SIM_HOSTILES},
	{'a', SIM_ATTACKER, SIM_ATTACKERS},
	{'o', SIM_OPERATOR, 1},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

bool
sim_read_only(const char *list, bool muted[SIM_ACTORS])
{
	memset(muted, true, SIM_ACTORS * sizeof(muted[0]));
	for (;;) {
		unsigned long number;
		unsigned int kind = 0;
		char *end;

		while (kind < KINDS && kinds[kind].letter != *list)
			kind++;
		if (kind == KINDS)
			return false;
		number = strtoul(list + 1, &end, 10);
		if (number >= kinds[kind].count)
			return false;
		muted[kinds[kind].first + number] = false;
		if (*end == '\0')
			return true;
		if (*end != ',')
			return false;
		list = end + 1;
	}
}

void
sim_print_only(const struct sim_scenario *scenario, const bool muted[SIM_ACTORS], FILE *to)
{
	unsigned int actors[SIM_ACTORS], count = list_actors(scenario, actors);
	const char *comma = "";

	for (unsigned int i = 0; i < count; i++) {
		unsigned int kind = KINDS - 1;

		if (muted[actors[i]])
			continue;
		while (actors[i] < kinds[kind].first)
			kind--;
		fprintf(to, "%s%c%u", comma, kinds[kind].letter, actors[i] - kinds[kind].first);
		comma = ",";
	}
}
