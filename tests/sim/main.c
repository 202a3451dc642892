/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the simulator: scenarios by many seeds, each scenario a test (TAP). A failure prints the
 * command that shows it again, at the same step. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SECONDS(n) (UINT64_C(1000000) * (n))

static const struct network_faults good_cable = {.delay_us = 300};
static const struct network_faults bad_cable = {
	.lost = 150,
	.doubled = 80,
	.corrupted = 60,
	.late = 200,
	.delay_us = 2000,
	.jitter_us = 3000,
	.late_us = 1500000,
};
/* Nothing gets lost, but nothing comes in order. */
static const struct network_faults crooked_cable = {
	.doubled = 300,
	.late = 500,
	.delay_us = 100,
	.jitter_us = 1000,
	.late_us = 100000,
};

static struct sim_scenario scenarios[] = {
	{
		.name = "lawful clients on a good cable end as each listener's script says",
		.runs = 60,
		.clients = 60,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.max_rounds = 3,
	},
	{
		.name = "lawful clients on a bad cable have every byte acknowledged or are reset",
		.runs = 60,
		.clients = 60,
		.heals_at = SECONDS(20),
		.starts_within = SECONDS(10),
		.connections = 4096,
		.max_rounds = 2,
	},
	{
		.name = "lawful clients on a cable that reorders and doubles",
		.runs = 60,
		.clients = 60,
		.heals_at = SECONDS(30),
		.starts_within = SECONDS(10),
		.connections = 4096,
		.max_rounds = 2,
	},
	{
		.name = "lawful clients, cookies always: nothing is kept of a SYN",
		.runs = 60,
		.clients = 60,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.cookies_always = true,
		.max_rounds = 3,
	},
	{
		.name = "lawful clients, cookies always, on a bad cable",
		.runs = 60,
		.clients = 60,
		.heals_at = SECONDS(20),
		.starts_within = SECONDS(10),
		.connections = 4096,
		.cookies_always = true,
		.max_rounds = 2,
	},
	{
		.name = "clients that abort, vanish and reboot leave no connection behind",
		.runs = 60,
		.clients = 100,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.failing = 700,
		.max_rounds = 1,
	},
	{
		.name = "the same on a bad cable, with a table too small for all",
		.runs = 60,
		.clients = 100,
		.heals_at = SECONDS(60),
		.starts_within = SECONDS(10),
		.connections = 40,
		.fills_table = true,
		.failing = 500,
		.loose = true,
		.max_rounds = 3,
	},
	{
		.name = "no blind RST, SYN, text or ACK ends a connection or adds to it",
		.runs = 60,
		.clients = 30,
		.starts_within = SECONDS(2),
		.connections = 4096,
		.rows = {"sink", "half-close", "cookies", "scaled"},
		.hold_until_s = 20,
		.max_rounds = 1,
		.attackers = {{ATTACKER_BLIND, 1000, 8000}, {ATTACKER_BLIND, 10, 2000}},
	},
	{
		.name = "the same on a bad cable",
		.runs = 60,
		.clients = 30,
		.heals_at = SECONDS(18),
		.starts_within = SECONDS(2),
		.connections = 4096,
		.rows = {"sink", "half-close", "cookies", "scaled"},
		.hold_until_s = 20,
		.max_rounds = 1,
		.attackers = {{ATTACKER_BLIND, 1000, 8000}, {ATTACKER_BLIND, 10, 2000}},
	},
	{
		.name = "a SYN flood takes a quarter of the table, and clients are served by "
			"cookies",
		.runs = 10,
		.clients = 30,
		.starts_within = SECONDS(9),
		.connections = 400,
		.fills_table = true,
		.rows = {"sink", "half-close", "cookies"},
		.max_rounds = 1,
		.state_every = 16,
		.attackers = {{ATTACKER_SYN_FLOOD, 500, 20000}},
	},
	{
		.name = "a SYN flood from living hosts, which answer the SYN-ACK with RST",
		.runs = 10,
		.clients = 30,
		.starts_within = SECONDS(9),
		.connections = 400,
		.fills_table = true,
		.rows = {"sink", "half-close", "cookies"},
		.max_rounds = 1,
		.reflected = 900,
		.state_every = 16,
		.attackers = {{ATTACKER_SYN_FLOOD, 500, 20000}},
	},
	{
		.name = "an ACK flood opens nothing, with cookies and without",
		.runs = 10,
		.clients = 30,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.cookies_always = true,
		.max_rounds = 1,
		.attackers = {{ATTACKER_ACK_FLOOD, 200, 20000}},
	},
	{
		.name = "garbage disturbs nobody, and each frame of it is counted",
		.runs = 30,
		.clients = 40,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.max_rounds = 2,
		.state_every = 4,
		.attackers = {{ATTACKER_GARBAGE, 500, 10000}},
	},
	{
		.name = "ARP, ping and neighbour solicitations are all answered, between all else",
		.runs = 30,
		.clients = 40,
		.starts_within = SECONDS(5),
		.connections = 4096,
		.closed = STACK_CLOSED_DROP,
		.rows = {"sink", "scaled"},
		.max_rounds = 2,
		.attackers = {{ATTACKER_ASKS, 1000, 3000}},
	},
	{
		.name = "everything at once",
		.runs = 30,
		.clients = 80,
		.heals_at = SECONDS(40),
		.starts_within = SECONDS(20),
		.connections = 200,
		.fills_table = true,
		.failing = 300,
		.loose = true,
		.max_rounds = 3,
		.reflected = 300,
		.attackers = {{ATTACKER_BLIND, 1000, 5000},
			      {ATTACKER_SYN_FLOOD, 2000, 4000},
			      {ATTACKER_ACK_FLOOD, 2000, 4000},
			      {ATTACKER_GARBAGE, 2000, 4000}},
	},
};
#define SCENARIOS ((unsigned int)(sizeof(scenarios) / sizeof(scenarios[0])))

/* Structures cannot be initialised by name from others. */
static void
connect_cables(void)
{
	for (unsigned int i = 0; i < SCENARIOS; i++) {
		bool bad = scenarios[i].heals_at > 0;

		scenarios[i].faults = bad ? bad_cable : good_cable;
	}
	scenarios[2].faults = crooked_cable;
}

struct arguments {
	uint64_t seed;
	unsigned int runs, scenario; /* 0: each scenario's own; all */
	uint32_t traced;
};

static bool
test_scenario(unsigned int number, const struct arguments *a)
{
	const struct sim_scenario *sc = &scenarios[number];
	unsigned int runs = a->runs ? a->runs : sc->runs;
	struct sim_result r;
	uint64_t frames = 0;

	for (uint64_t seed = a->seed; seed < a->seed + runs; seed++) {
		bool good = sim_run(sc, seed, a->traced, &r);

		frames += r.frames;
		if (!good) {
			printf("not ok %u - %s\n", number + 1, sc->name);
			printf("# seed %" PRIu64 ", %s\n", seed, r.why);
			printf("# again: sim --scenario %u --seed %" PRIu64 "\n", number + 1, seed);
			return false;
		}
		if (runs == 1)
			printf("# seed %" PRIu64 ": %" PRIu64 " frames, digest %016" PRIx64 "\n",
			       seed, frames, r.digest);
	}
	printf("ok %u - %s\n", number + 1, sc->name);
	printf("# seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64 " frames\n", a->seed,
	       a->seed + runs - 1, frames);
	return true;
}

/* The same seed gives the same frames at the same times, and another seed does not. */
static bool
test_replay(unsigned int number, uint64_t seed)
{
	const struct sim_scenario *sc = &scenarios[SCENARIOS - 1];
	struct sim_result r[3];
	bool good = true;

	for (unsigned int i = 0; i < 3; i++)
		good &= sim_run(sc, seed + (i == 2), SIM_TRACE_NONE, &r[i]);
	good &= r[0].digest == r[1].digest && r[0].digest != r[2].digest;
	printf("%s %u - the same seed gives the same digest, another seed another\n",
	       good ? "ok" : "not ok", number + 1);
	if (!good)
		printf("# seed %" PRIu64 ": %016" PRIx64 " and %016" PRIx64
		       ", the next: %016" PRIx64 " %s%s\n",
		       seed, r[0].digest, r[1].digest, r[2].digest, r[0].why, r[2].why);
	return good;
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: sim [--seed N] [--runs K] [--scenario NUMBER] [--trace CLIENT]\n"
		    "  --seed N           the first seed (1); without --runs only that one\n"
		    "  --runs K           so many seeds of each scenario\n"
		    "  --scenario NUMBER  that one alone\n"
		    "  --trace CLIENT     print the segments of that client\n");
}

static bool
parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 0);
	return *text != '\0' && *end == '\0' && *value <= max;
}

static int
parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},     {"runs", required_argument, NULL, 'r'},
		{"scenario", required_argument, NULL, 'n'}, {"trace", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
	};
	uint64_t value = 0;
	int option;

	*a = (struct arguments){.seed = 1, .traced = SIM_TRACE_NONE};
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			exit(0);
		}
		if (option == 's' && parse_number(optarg, UINT64_MAX, &value)) {
			a->seed = value;
			if (a->runs == 0)
				a->runs = 1;
		} else if (option == 'r' && parse_number(optarg, UINT32_MAX, &value) && value > 0) {
			a->runs = (unsigned int)value;
		} else if (option == 'n' && parse_number(optarg, SCENARIOS, &value) && value > 0) {
			a->scenario = (unsigned int)value;
		} else if (option == 't' && parse_number(optarg, UINT32_MAX, &value)) {
			a->traced = (uint32_t)value;
		} else {
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct arguments a;
	bool good = true;

	if (parse(argc, argv, &a) < 0) {
		usage(stderr);
		return 2;
	}
	connect_cables();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (a.scenario > 0) {
		printf("1..1\n");
		return !test_scenario(a.scenario - 1, &a);
	}
	printf("1..%u\n", SCENARIOS + 1);
	for (unsigned int i = 0; i < SCENARIOS; i++)
		good &= test_scenario(i, &a);
	good &= test_replay(SCENARIOS, a.seed);
	return !good;
}
