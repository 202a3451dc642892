/* SPDX-License-Identifier: BSD-3-Clause */
/* options.h - the command line: riposte [EAL options] -- [options]. */
#ifndef RIPOSTE_OPTIONS_H
#define RIPOSTE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

#define OPTIONS_NO_TIME UINT32_MAX

/* Times in milliseconds, or OPTIONS_NO_TIME. */
struct options {
	const char *config;
	uint32_t exit_idle_ms;
	uint32_t for_ms;
	uint32_t stats_ms;
	bool check;
	bool poll;
	bool help;
	bool eal_help; /* in front of "--": EAL prints it and exits */
	bool version;
	bool seeded;
	uint8_t seed[SECRET_BYTES];
	int eal_argc; /* of argv, the program's name included */
};

/* Reads what follows "--", or all of it if there is no "--" and it begins with an option of ours.
 * -1 after an error, which has been said. */
int options_read(struct options *options, int argc, char **argv);

/* Prints to stdout what --help and --version ask for. */
void options_print_help(void);
void options_print_version(void);

#endif
