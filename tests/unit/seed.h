/* SPDX-License-Identifier: BSD-3-Clause */
/* seed.h - random numbers for tests, all from one seed that is printed: RIPOSTE_TEST_SEED=N in the
 * environment runs a test again as it was. */
#ifndef RIPOSTE_TEST_SEED_H
#define RIPOSTE_TEST_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct seed {
	uint64_t state;
};

/* SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static inline uint64_t
seed_next(struct seed *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* One of 0 .. count - 1. */
static inline uint32_t
seed_below(struct seed *s, uint32_t count)
{
	return (uint32_t)((seed_next(s) >> 32) * count >> 32);
}

static inline void
seed_fill(struct seed *s, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)seed_next(s);
}

/* A new seed, or the environment's. */
static inline struct seed
seed_start(const char *test)
{
	const char *given = getenv("RIPOSTE_TEST_SEED");
	struct timespec now;
	struct seed s;

	clock_gettime(CLOCK_REALTIME, &now);
	s.state = given ? strtoull(given, NULL, 0)
			: (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	printf("# %s: RIPOSTE_TEST_SEED=%" PRIu64 "\n", test, s.state);
	fflush(stdout);
	return s;
}

#endif
