/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - reads the command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <rte_version.h>

#include "conf_key.h"
#include "drop.h"
#include "options.h"
#include "say.h"
#include "script.h"

enum {
	OPTION_CHECK = 0x100,
	OPTION_EXIT_IDLE,
	OPTION_FOR,
	OPTION_SEED,
	OPTION_POLL,
	OPTION_CAPTURE,
	OPTION_STATS,
};

static const char short_options[] = ":c:vh";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"exit-idle", required_argument, NULL, OPTION_EXIT_IDLE},
	{"for", required_argument, NULL, OPTION_FOR},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"poll", no_argument, NULL, OPTION_POLL},
	{"capture", optional_argument, NULL, OPTION_CAPTURE},
	{"stats", required_argument, NULL, OPTION_STATS},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: riposte [EAL options] -- [options]\n"
	"\n"
	"  -c, --config FILE     the configuration (required)\n"
	"      --check           read the configuration, print what it means, exit 0 or 1\n"
	"      --exit-idle TIME  exit 0 once no packet has come for TIME (for pcap runs)\n"
	"      --for TIME        exit 0 after TIME\n"
	"      --seed HEX32      fix the secret behind sequence numbers and cookies (tests only)\n"
	"      --poll            never sleep when idle\n"
	"      --stats TIME      print one line of rates to stdout every TIME\n"
	"  -v, --version\n"
	"  -h, --help\n"
	"\n"
	"TIME is digits and a unit: 250ms, 10s, 2m. \"--\" may be left out with no EAL options.\n"
	"Exit status: 0 stopped as asked, 1 bad configuration, 2 bad command line, 3 the device "
	"or\n"
	"memory could not be had, 4 an internal error.\n"
	"\n";

void
options_print_help(void)
{
	fputs(usage, stdout);
	conf_key_help(stdout);
	printf("\nCounters of received frames that were dropped:\n\n");
	for (unsigned int i = DROP_NONE + 1; i < DROP_COUNT; i++)
		printf("  dropped.%-22s %s\n", drop_name(i), drop_meaning(i));
}

void
options_print_version(void)
{
	printf("riposte %s (%s)\n", RIPOSTE_VERSION, rte_version());
}

/* Is it an option of ours? EAL has some of the same name, which it gets in front of a "--". */
static bool
is_ours(const char *arg)
{
	size_t length;

	if (arg[0] != '-' || arg[1] == '\0')
		return false;
	if (arg[1] != '-')
		return strchr(short_options + 1, arg[1]) != NULL && arg[1] != ':';
	length = strcspn(arg + 2, "=");
	for (const struct option *o = long_options; o->name != NULL; o++) {
		if (strlen(o->name) == length && memcmp(o->name, arg + 2, length) == 0)
			return true;
	}
	return false;
}

/* How many of argv are EAL's. */
static int
count_eal(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i;
	}
	return argc > 1 && is_ours(argv[1]) ? 1 : argc;
}

static int
read_time(const char *option, const char *text, uint32_t least, uint32_t *ms)
{
	if (script_time_parse(text, ms) == 0 && *ms >= least)
		return 0;
	say("%s %s: must be a time%s with a unit, such as 250ms, 10s or 2m", option, text,
	    least > 0 ? " over 0" : "");
	return -1;
}

/* After getopt_long() returned '?' for arg. */
static void
say_wrong_option(const char *arg)
{
	const char *const known = strchr(short_options, optopt);

	if (optopt == 0)
		say("%s is no option, or short for several; see riposte --help", arg);
	else if (optopt >= OPTION_CHECK || known != NULL)
		say("%s: no value is expected here; see riposte --help", arg);
	else
		say("-%c is no option; see riposte --help", optopt);
}

static int
read_option(struct options *o, int option, char **argv)
{
	switch (option) {
	case 'c':
		o->config = optarg;
		return 0;
	case 'v':
		o->version = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case OPTION_CHECK:
		o->check = true;
		return 0;
	case OPTION_POLL:
		o->poll = true;
		return 0;
	case OPTION_EXIT_IDLE:
		return read_time("--exit-idle", optarg, 1, &o->exit_idle_ms);
	case OPTION_FOR:
		return read_time("--for", optarg, 0, &o->for_ms);
	case OPTION_STATS:
		return read_time("--stats", optarg, 1, &o->stats_ms);
	case OPTION_SEED:
		o->seeded = secret_parse(optarg, o->seed) == 0;
		if (!o->seeded)
			say("--seed %s: must be %d hexadecimal digits", optarg, 2 * SECRET_BYTES);
		return o->seeded ? 0 : -1;
	case OPTION_CAPTURE:
		say("--capture is not in this version; tcpdump on the other end of the cable, or a "
		    "net_pcap device, would be right");
		return -1;
	case ':':
		say("%s needs a value; see riposte --help", argv[optind - 1]);
		return -1;
	default:
		say_wrong_option(argv[optind - 1]);
		return -1;
	}
}

int
options_read(struct options *options, int argc, char **argv)
{
	const int eal_argc = count_eal(argc, argv);
	char **all = argv;
	/* Ours begin behind "--", which stands where getopt expects the program's name. */
	const int skipped = eal_argc < argc && strcmp(argv[eal_argc], "--") == 0 ? eal_argc : 0;
	int option;

	*options = (struct options){
		.exit_idle_ms = OPTIONS_NO_TIME,
		.for_ms = OPTIONS_NO_TIME,
		.stats_ms = OPTIONS_NO_TIME,
		.eal_argc = eal_argc,
	};
	if (eal_argc < argc) {
		argc -= skipped;
		argv += skipped;
		opterr = 0;
		optind = 1;
		while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) >= 0) {
			if (read_option(options, option, argv) < 0)
				return -1;
		}
		if (optind < argc) {
			say("%s: no argument is expected here; see riposte --help", argv[optind]);
			return -1;
		}
	}
	for (int i = 1; i < eal_argc; i++)
		options->eal_help |= strcmp(all[i], "--help") == 0 || strcmp(all[i], "-h") == 0;
	if (options->config == NULL && !options->help && !options->version && !options->eal_help) {
		say("no configuration; riposte [EAL options] -- --config FILE would be right");
		return -1;
	}
	return 0;
}
