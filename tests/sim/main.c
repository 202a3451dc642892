/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the simulator: scenarios by many seeds, each scenario a test (TAP). A failure prints the
 * command that shows it again, at the same step. */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct arguments {
	uint64_t seed;
	unsigned int runs, scenario; /* 0: each scenario's own; all */
	uint32_t traced;
};

static bool
test_scenario(struct sim *s, unsigned int number, const struct arguments *a)
{
	const struct sim_scenario *sc = &sim_scenarios[number];
	unsigned int runs = a->runs ? a->runs : sc->runs;
	struct sim_result r;
	uint64_t frames = 0;

	for (uint64_t seed = a->seed; seed < a->seed + runs; seed++) {
		bool good = sim_run(s, sc, seed, a->traced, &r);

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
test_replay(struct sim *s, unsigned int number, uint64_t seed)
{
	const struct sim_scenario *sc = &sim_scenarios[sim_scenario_count - 1];
	struct sim_result r[3];
	bool good = true;

	for (unsigned int i = 0; i < 3; i++)
		good &= sim_run(s, sc, seed + (i == 2), SIM_TRACE_NONE, &r[i]);
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
		} else if (option == 'n' && parse_number(optarg, sim_scenario_count, &value) &&
			   value > 0) {
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
	struct sim *s;
	struct arguments a;
	bool good = true;

	if (parse(argc, argv, &a) < 0) {
		usage(stderr);
		return 2;
	}
	/* What one run gives back the next one takes: the kernel need not clear it in between. */
	mallopt(M_MMAP_THRESHOLD, 1 << 25);
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	s = sim_new();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (a.scenario > 0) {
		printf("1..1\n");
		good = test_scenario(s, a.scenario - 1, &a);
		sim_free(s);
		return !good;
	}
	printf("1..%u\n", sim_scenario_count + 1);
	for (unsigned int i = 0; i < sim_scenario_count; i++)
		good &= test_scenario(s, i, &a);
	good &= test_replay(s, sim_scenario_count, a.seed);
	sim_free(s);
	return !good;
}
