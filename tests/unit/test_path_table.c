/* SPDX-License-Identifier: BSD-3-Clause */
/* test_path_table.c - the table of paths against a list of who holds what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "path_table.h"
#include "seed.h"

static const struct siphash_key KEY = {0x0123456789abcdef, 0xfedcba9876543210};

static void
table_init(struct path_table *t)
{
	void *memory = aligned_alloc(64, path_table_bytes());

	memset(memory, 0x5a, path_table_bytes());
	path_table_init(t, memory, &KEY);
	assert_int_equal(t->count, 0);
}

/* The path number n: they differ in the address or in the tags alone. */
static struct wire_l2
make_path(uint32_t n)
{
	struct wire_l2 l2;

	memset(&l2, 0, sizeof(l2));
	l2.peer[0] = 2;
	l2.peer[4] = (uint8_t)(n >> 12);
	l2.peer[5] = (uint8_t)(n >> 4);
	l2.tags = n & 2 ? 2 : n & 1;
	if (l2.tags)
		l2.tag[0] = (struct wire_tag){.tpid = 0x0081, .tci = (uint16_t)(n & 15)};
	if (l2.tags == 2)
		l2.tag[1] = (struct wire_tag){.tpid = 0x0081, .tci = 7};
	else
		l2.peer[3] = (uint8_t)(n & 15);
	return l2;
}

static void
path_table_keeps_a_path_once_whoever_holds_it(void **state)
{
	struct path_table t;
	const struct wire_l2 a = make_path(16), b = make_path(17), c = make_path(18);
	uint16_t path_a, path_b, path_c;

	(void)state;
	table_init(&t);
	path_a = path_table_hold(&t, &a);
	path_b = path_table_hold(&t, &b);
	path_c = path_table_hold(&t, &c);
	assert_int_not_equal(path_a, path_b);
	assert_int_not_equal(path_b, path_c);
	assert_int_not_equal(path_a, path_c);
	assert_int_equal(path_table_hold(&t, &a), path_a);
	assert_int_equal(t.count, 3);
	assert_memory_equal(path_table_get(&t, path_a), &a, sizeof(a));
	assert_memory_equal(path_table_get(&t, path_b), &b, sizeof(b));
	assert_memory_equal(path_table_get(&t, path_c), &c, sizeof(c));

	path_table_drop(&t, path_a);
	assert_int_equal(t.count, 3);
	assert_memory_equal(path_table_get(&t, path_a), &a, sizeof(a)); /* held once more */
	path_table_drop(&t, path_a);
	assert_int_equal(t.count, 2);
	assert_int_equal(path_table_hold(&t, &b), path_b);
	free(t.entries);
}

/* 65,536 paths that differ in two of their bytes alone. */
static struct wire_l2
differing_at(size_t at, uint32_t n)
{
	struct wire_l2 l2;

	memset(&l2, 0, sizeof(l2));
	((uint8_t *)&l2)[at] = (uint8_t)n;
	((uint8_t *)&l2)[at + 1] = (uint8_t)(n >> 8);
	return l2;
}

/* With so many in so few buckets every bucket has had several, so that any byte left out of the
 * comparison makes two of them the same. */
static void
holds_65535_paths_that_differ_at(size_t at)
{
	uint8_t *seen = calloc(PATH_MAX, 1);
	struct path_table t;
	struct wire_l2 l2;

	table_init(&t);
	for (uint32_t n = 0; n < PATH_MAX; n++) {
		uint16_t path;

		l2 = differing_at(at, n);
		path = path_table_hold(&t, &l2);
		assert_true(path < PATH_MAX);
		assert_int_equal(seen[path]++, 0);
	}
	assert_int_equal(t.count, PATH_MAX);
	l2 = differing_at(at, PATH_MAX);
	assert_int_equal(path_table_hold(&t, &l2), PATH_NONE);
	for (uint32_t n = 0; n < PATH_MAX; n++) { /* all still found, each with two holders now */
		l2 = differing_at(at, n);
		assert_memory_equal(path_table_get(&t, path_table_hold(&t, &l2)), &l2, sizeof(l2));
	}
	for (uint16_t path = 0; path < PATH_MAX; path++) {
		path_table_drop(&t, path);
		path_table_drop(&t, path);
	}
	assert_int_equal(t.count, 0);
	l2 = differing_at(at, PATH_MAX);
	assert_true(path_table_hold(&t, &l2) < PATH_MAX);
	free(seen);
	free(t.entries);
}

static void
path_table_holds_65535_paths_and_no_more_told_apart_by_any_byte(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof(struct wire_l2); at += 2)
		holds_65535_paths_that_differ_at(at);
}

#define PATHS 200

static void
path_table_agrees_with_a_naive_model(void **state)
{
	struct seed seed = seed_start("path_table");
	uint16_t index[PATHS];
	uint32_t holders[PATHS] = {0}, count = 0;
	struct path_table t;

	(void)state;
	table_init(&t);
	for (int i = 0; i < 200000; i++) {
		const uint32_t n = seed_below(&seed, PATHS);
		const struct wire_l2 l2 = make_path(n * 37);

		if (seed_below(&seed, 2)) {
			const uint16_t path = path_table_hold(&t, &l2);

			assert_true(path < PATH_MAX);
			if (holders[n])
				assert_int_equal(path, index[n]);
			count += holders[n]++ == 0;
			index[n] = path;
		} else if (holders[n]) {
			path_table_drop(&t, index[n]);
			count -= --holders[n] == 0;
		}
		if (holders[n])
			assert_memory_equal(path_table_get(&t, index[n]), &l2, sizeof(l2));
		assert_int_equal(t.count, count);
	}
	for (uint32_t a = 0; a < PATHS; a++)
		for (uint32_t b = 0; b < a; b++)
			if (holders[a] && holders[b])
				assert_int_not_equal(index[a], index[b]);
	free(t.entries);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_table_keeps_a_path_once_whoever_holds_it),
		cmocka_unit_test(path_table_holds_65535_paths_and_no_more_told_apart_by_any_byte),
		cmocka_unit_test(path_table_agrees_with_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
