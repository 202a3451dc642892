/* SPDX-License-Identifier: BSD-3-Clause */
/* compare.c - riposte's table against rte_hash, its wheel against rte_timer:
 *	compare EAL... -- tables|timers COUNT ROUNDS
 * Each round does the same with either, and prints what an operation took. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_debug.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_timer.h>

#include "compare.h"

uint64_t
compare_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void
compare_say(const char *who, const char *what, uint32_t count, uint64_t before)
{
	const uint64_t ns = compare_ns() - before;

	printf("%s %s: %.1f\n", who, what, (double)ns / count);
	fflush(stdout);
}

void *
compare_take(size_t bytes)
{
	void *memory = rte_zmalloc(NULL, bytes, 64);

	if (memory == NULL)
		rte_exit(EXIT_FAILURE, "no memory for %zu bytes: more with -m\n", bytes);
	memset(memory, 0, bytes); /* it is there from now on */
	return memory;
}

uint32_t
compare_shuffled(uint32_t i, uint32_t count, uint32_t turn)
{
	/* A prime above any count, and not one of its divisors: a walk that meets each once. */
	static const uint64_t steps[] = {2654435761u, 2246822519u, 3266489917u, 4294967291u};

	return (uint32_t)((i + 1) * steps[turn % 4] % count);
}

int
main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	const char *what;
	uint32_t count;
	int rounds;

	if (used < 0 || argc - used != 4) {
		fprintf(stderr, "usage: compare EAL... -- tables|timers COUNT ROUNDS\n");
		return EXIT_FAILURE;
	}
	what = argv[used + 1];
	count = (uint32_t)strtoul(argv[used + 2], NULL, 10);
	rounds = atoi(argv[used + 3]);
	if (rte_timer_subsystem_init() != 0)
		rte_exit(EXIT_FAILURE, "rte_timer does not start\n");
	for (int round = 0; round < rounds; round++) {
		if (strcmp(what, "tables") == 0) {
			compare_our_table(count);
			compare_rte_hash(count);
		} else {
			compare_our_wheel(count);
			compare_rte_timer(count);
		}
	}
	rte_timer_subsystem_finalize();
	(void)rte_eal_cleanup();
	return EXIT_SUCCESS;
}
