/* SPDX-License-Identifier: BSD-3-Clause */
/* sim_run.c - one run of a scenario: who takes part, and what must be true when all is over. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SECOND     1000000u
#define LOOK_EVERY 128

static struct oracle *
oracle(struct sim *s)
{
	return &s->host.oracle;
}

static bool
play(struct sim *s)
{
	if (!sim_play(s) || s->stopped)
		return s->stopped;
	s->at_end = true;
	if (!sim_check_clients(s) || !sim_check_leftovers(s, true) || !sim_check_timers(s) ||
	    !sim_check_retransmissions(s))
		return false;
	if (s->asked > 0 && !sim_is_bad_cable(s) && s->asked != s->told)
		return oracle_fail(oracle(s), "%" PRIu64 " asked, %" PRIu64 " were answered",
				   s->asked, s->told);
	for (unsigned int i = 0; i < s->scenario->clients; i++)
		client_farewell(&s->clients[i]);
	for (unsigned int i = 0; i < s->scenario->hostiles; i++)
		hostile_farewell(&s->hostiles[i], s);
	s->at_end = false;
	if (!sim_play(s) || s->stopped)
		return s->stopped;
	s->at_end = true;
	return sim_check_leftovers(s, false) && sim_check_timers(s) &&
	       oracle_check_empty(oracle(s)) && sim_check_quarter(s);
}

static void
set_up(struct sim *s)
{
	const struct sim_scenario *sc = s->scenario;
	struct host_options options = {
		.seed = seed_next(&s->seed),
		.connections = sc->connections,
		.senders = sc->senders,
		.echo_memory = sc->echo_memory,
		.challenge_acks = sim_below(s, 3) * 5,
		.closed = sc->closed,
		.cookies_always = sc->cookies_always,
	};

	/* The clock may stand anywhere: shortly before its milliseconds wrap at 2^32, for one. */
	s->start = SECOND + seed_next(&s->seed) % (UINT64_C(1) << 52);
	if (sim_below(s, 4) == 0)
		s->start = (UINT64_C(1000) << 32) - sim_below(s, 100 * SECOND);
	s->now = options.now = s->start;
	network_init(&s->network, &sc->faults, s->start + sc->heals_at, seed_next(&s->seed));
	host_init(&s->host, &options);
	oracle(s)->look_every = s->options->every ? 1 : LOOK_EVERY;
	memset(s->clients, 0, sc->clients * sizeof(*s->clients));
	for (unsigned int i = 0; i < sc->clients; i++)
		sim_plan_client(s, &s->clients[i], i);
	for (unsigned int i = 0; i < SIM_ATTACKERS; i++)
		attacker_init(&s->attackers[i], s, i, &sc->attackers[i]);
	for (unsigned int i = 0; i < sc->hostiles; i++)
		hostile_init(&s->hostiles[i], s, i);
	operator_init(s);
	for (unsigned int i = 0; i < SIM_LUCK; i++)
		s->luck[i].state = seed_next(&s->seed);
}

void
sim_free(struct sim *s)
{
	network_free(&s->network);
	host_free(&s->host);
	free(s);
}

struct sim_options
sim_options(uint64_t seed)
{
	return (struct sim_options){.seed = seed,
				    .steps = UINT64_MAX,
				    .quiet_after = UINT64_MAX,
				    .traced = SIM_TRACE_NONE};
}

struct sim *
sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	return s;
}

bool
sim_run(struct sim *s, const struct sim_scenario *scenario, const struct sim_options *options,
	struct sim_result *result)
{
	bool good;

	/* The memory of the run before is used again, and nothing else of it. */
	memset((uint8_t *)s + offsetof(struct sim, scenario), 0,
	       offsetof(struct sim, burst) - offsetof(struct sim, scenario));
	s->scenario = scenario;
	s->options = options;
	s->seed.state = options->seed;
	s->draw = &s->seed;
	s->traced = options->traced;
	set_up(s);
	good = play(s);
	sim_trace_counters(s);
	*result = (struct sim_result){
		.digest = oracle(s)->digest,
		.frames = s->frames,
		.sent = oracle(s)->sent,
		.lasted = s->lasted,
		.step = s->step,
		.at_end = s->at_end,
		.rule = oracle(s)->rule,
	};
	if (good)
		return true;
	result->client = oracle(s)->about_family == 0
				 ? SIM_TRACE_NONE
				 : host_client_number(oracle(s)->about_family, oracle(s)->about);
	snprintf(result->why, sizeof(result->why),
		 "step %" PRIu64 ", %" PRIu64 ".%06" PRIu64 " s: %s", s->step,
		 (s->now - s->start) / SECOND, (s->now - s->start) % SECOND, oracle(s)->why);
	return false;
}
