/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the simulator: scenarios by many seeds, each scenario a test (TAP). Of a failure the
 * least that still fails is looked for; its command and its last segments are printed. */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim.h"

struct arguments {
	struct sim_options options;
	unsigned int runs, scenario; /* 0: each scenario's own; all */
	bool reduced;                /* not everything is played: nothing is to be looked for */
};

static struct {
	uint64_t seeds, received, sent, lasted;
} total;

/* What is being played, for the case that lib's own assertions end the program. */
static char playing[128];

static void
on_abort(int number)
{
	ssize_t written = write(STDOUT_FILENO, playing, strlen(playing));

	(void)written;
	signal(number, SIG_DFL);
	raise(number);
}

static void
print_command(const struct sim_scenario *sc, unsigned int number, const struct sim_options *o)
{
	printf("sim --scenario %u --seed %" PRIu64, number, o->seed);
	for (unsigned int i = 0; i < SIM_ACTORS; i++) {
		if (!o->muted[i])
			continue;
		printf(" --only ");
		sim_print_only(sc, o->muted, stdout);
		break;
	}
	if (o->steps != UINT64_MAX)
		printf(" --steps %" PRIu64, o->steps);
	if (o->quiet_after != UINT64_MAX)
		printf(" --quiet-after %" PRIu64, o->quiet_after);
	printf("\n");
}

/* What has failed, as little of it as is needed. */
static void
report(struct sim *s, unsigned int number, const struct sim_options *options)
{
	const struct sim_scenario *sc = &sim_scenarios[number - 1];
	struct sim_options all = *options, few;
	struct sim_result r;

	if (!sim_shrink(s, sc, &all, &few, &r)) {
		printf("# but not when it is played again with every check at every event\n");
		return;
	}
	printf("# the shortest that fails: ");
	print_command(sc, number, &all);
	printf("# ... and with few: ");
	print_command(sc, number, &few);
	few.tail = true;
	few.traced = r.client == SIM_TRACE_NONE ? SIM_TRACE_ALL : r.client;
	sim_run(s, sc, &few, &r);
	printf("# where %s\n", r.why);
	sim_trace_tail(s);
}

static bool
test_scenario(struct sim *s, unsigned int number, const struct arguments *a)
{
	const struct sim_scenario *sc = &sim_scenarios[number];
	struct sim_options options = a->options;
	unsigned int runs = a->runs ? a->runs : sc->runs;
	uint64_t received = 0;
	struct sim_result r;

	for (unsigned int i = 0; i < runs; i++, options.seed++) {
		bool good;

		snprintf(playing, sizeof(playing),
			 "# it ended in sim --scenario %u --seed %" PRIu64 "\n", number + 1,
			 options.seed);
		good = sim_run(s, sc, &options, &r);
		received += r.frames;
		total.seeds++;
		total.received += r.frames;
		total.sent += r.sent;
		total.lasted = r.lasted > total.lasted ? r.lasted : total.lasted;
		if (!good) {
			printf("not ok %u - %s\n", number + 1, sc->name);
			printf("# seed %" PRIu64 ", %s\n", options.seed, r.why);
			if (!a->reduced)
				report(s, number + 1, &options);
			return false;
		}
		if (runs == 1)
			printf("# seed %" PRIu64 ": %" PRIu64 " frames, digest %016" PRIx64 "\n",
			       options.seed, r.frames, r.digest);
	}
	printf("ok %u - %s\n", number + 1, sc->name);
	printf("# seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64 " frames\n", a->options.seed,
	       options.seed - 1, received);
	return true;
}

/* The same seed gives the same frames at the same times, and another seed does not. */
static bool
test_replay(struct sim *s, unsigned int number, uint64_t seed)
{
	const struct sim_scenario *sc = &sim_scenarios[sim_scenario_count - 1];
	struct sim_options options[3] = {sim_options(seed), sim_options(seed),
					 sim_options(seed + 1)};
	struct sim_result r[3];
	bool good = true;

	/* Where every check is made at every event, nothing else happens. */
	options[1].every = true;
	for (unsigned int i = 0; i < 3; i++)
		good &= sim_run(s, sc, &options[i], &r[i]);
	good &= r[0].digest == r[1].digest && r[0].digest != r[2].digest;
	printf("%s %u - the same seed gives the same digest, another seed another\n",
	       good ? "ok" : "not ok", number);
	if (!good)
		printf("# seed %" PRIu64 ": %016" PRIx64 " and %016" PRIx64
		       ", the next: %016" PRIx64 " %s%s\n",
		       seed, r[0].digest, r[1].digest, r[2].digest, r[0].why, r[2].why);
	return good;
}

/* Does it fail, and by the same rule? */
static bool
fails(struct sim *s, const struct sim_scenario *sc, const struct sim_options *options,
      const char *rule)
{
	struct sim_result r;

	return !sim_run(s, sc, options, &r) && r.rule == rule;
}

/* Where one of many is told wrong what has to come, he alone is left, and not an event too many. */
static bool
test_shrink(struct sim *s, unsigned int number, const struct sim_scenario *lie, uint64_t seed)
{
	struct sim_options all = sim_options(seed), few = all, less;
	struct sim_result r;
	bool found = sim_shrink(s, lie, &all, &few, &r), alone = true, least;
	const char *rule = r.rule;

	for (unsigned int i = 0; i < SIM_ACTORS && found; i++) {
		bool planned = i < lie->clients ||
			       (i >= SIM_HOSTILE && i - SIM_HOSTILE < lie->hostiles) ||
			       i == SIM_ATTACKER;

		alone &= !planned || few.muted[i] == (i != SIM_CLIENT + SIM_LIAR);
	}
	least = found;
	for (unsigned int i = 0; i < 2 && found; i++) {
		less = i ? few : all;
		least &= fails(s, lie, &less, rule);
		*(less.steps != UINT64_MAX ? &less.steps : &less.quiet_after) -= 1;
		least &= !fails(s, lie, &less, rule);
	}
	printf("%s %u - a failure is brought down to its cause: %s\n",
	       found && alone && least ? "ok" : "not ok", number, lie->name);
	if (!found || !alone || !least)
		printf("# seed %" PRIu64 ": found %d, alone %d, not an event less %d: %s\n", seed,
		       found, alone, least, r.why);
	return found && alone && least;
}

/* The speed as the work that was done, whatever else the machine does. */
static void
print_speed(void)
{
	struct rusage used;
	double seconds;

	printf("# once everybody had gone the host's last timer ran after %.1f s at most\n",
	       (double)total.lasted / 1e6);
	getrusage(RUSAGE_SELF, &used);
	seconds = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6;
	if (seconds <= 0)
		return;
	printf("# %" PRIu64 " seeds, %.1f s of user time: %.0f segments a second, %" PRIu64
	       " received and %" PRIu64 " sent\n",
	       total.seeds, seconds, (double)(total.received + total.sent) / seconds,
	       total.received, total.sent);
}

static void
usage(FILE *to)
{
	fprintf(to,
		"usage: sim [--seed N] [--runs K] [--scenario NUMBER] [--trace CLIENT] [--steps "
		"N]\n"
		"           [--quiet-after N] [--only LIST]\n"
		"  --seed N           the first seed (1); without --runs only that one\n"
		"  --runs K           so many seeds of each scenario\n"
		"  --scenario NUMBER  that one alone\n"
		"  --trace CLIENT     print the segments of that client\n"
		"  --steps N          play so many steps, with every check at each\n"
		"  --quiet-after N    from that step on no client begins and nobody attacks\n"
		"  --only LIST        only these do anything: c17 (client), h2 (hostile peer),\n"
		"                     a0 (attacker), o (operator), with commas between them\n");
}

static bool
parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 0);
	return *text != '\0' && *end == '\0' && *value <= max;
}

/* One option and its value; false if that is none. */
static bool
take_option(struct arguments *a, int option, const char *text)
{
	struct sim_options *o = &a->options;
	uint64_t value = 0;

	if (option == 'o') {
		a->reduced = o->every = true;
		return sim_read_only(text, o->muted);
	}
	if (!parse_number(text, UINT64_MAX, &value))
		return false;
	switch (option) {
	case 's':
		o->seed = value;
		if (a->runs == 0)
			a->runs = 1;
		return true;
	case 'r':
		a->runs = (unsigned int)value;
		return value > 0 && value <= UINT32_MAX;
	case 'n':
		a->scenario = (unsigned int)value;
		return value > 0 && value <= sim_scenario_count;
	case 't':
		o->traced = (uint32_t)value;
		return value <= UINT32_MAX;
	case 'k':
		a->reduced = o->every = true;
		o->steps = value;
		return true;
	case 'q':
		a->reduced = o->every = true;
		o->quiet_after = value;
		return true;
	default:
		return false;
	}
}

static int
parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"runs", required_argument, NULL, 'r'},
		{"scenario", required_argument, NULL, 'n'},
		{"trace", required_argument, NULL, 't'},
		{"steps", required_argument, NULL, 'k'},
		{"quiet-after", required_argument, NULL, 'q'},
		{"only", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*a = (struct arguments){.options = sim_options(1)};
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			exit(0);
		}
		if (option == '?' || !take_option(a, option, optarg))
			return -1;
	}
	return optind == argc ? 0 : -1;
}

static bool
test_all(struct sim *s, const struct arguments *a)
{
	unsigned int number = sim_scenario_count;
	bool good = true;

	printf("1..%u\n", sim_scenario_count + 1 + sim_lie_count);
	for (unsigned int i = 0; i < sim_scenario_count; i++)
		good &= test_scenario(s, i, a);
	print_speed();
	good &= test_replay(s, ++number, a->options.seed);
	for (unsigned int i = 0; i < sim_lie_count; i++)
		good &= test_shrink(s, ++number, &sim_lies[i], a->options.seed);
	return good;
}

int
main(int argc, char **argv)
{
	struct arguments a;
	struct sim *s;
	bool good;

	if (parse(argc, argv, &a) < 0) {
		usage(stderr);
		return 2;
	}
	/* What one run gives back the next one takes: the kernel need not clear it in between. */
	mallopt(M_MMAP_THRESHOLD, 1 << 25);
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	setvbuf(stdout, NULL, _IOLBF, 0);
	s = sim_new();
	if (a.scenario > 0) {
		printf("1..1\n");
		good = test_scenario(s, a.scenario - 1, &a);
		print_speed();
	} else {
		good = test_all(s, &a);
	}
	sim_free(s);
	return !good;
}
