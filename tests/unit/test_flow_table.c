/* SPDX-License-Identifier: BSD-3-Clause */
/* test_flow_table.c - the flow table against a list of what should be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_table.h"
#include "seed.h"

/* The naive model: entries in no order. */
struct entry {
	uint64_t hash;
	uint32_t index;
};

struct model {
	struct flow_table table;
	struct entry *entries;
	uint32_t count;
	uint32_t capacity;
	uint32_t next_index;
	uint32_t *walk; /* indices of one walk */
};

static void
model_init(struct model *m, uint32_t capacity)
{
	memset(m, 0, sizeof(*m));
	flow_table_init(&m->table, aligned_alloc(64, flow_table_bytes(capacity)), capacity);
	m->entries = calloc(capacity + 1, sizeof(*m->entries));
	m->walk = calloc(capacity + 1, sizeof(*m->walk));
	m->capacity = capacity;
}

static void
model_free(struct model *m)
{
	free(m->table.buckets);
	free(m->entries);
	free(m->walk);
}

static void
model_insert(struct model *m, uint64_t hash)
{
	/* Any index will do, but FLOW_TABLE_NONE. */
	const uint32_t index = m->next_index++ * 3 % FLOW_TABLE_NONE;
	const bool expected = m->count < m->capacity;

	if (flow_table_insert(&m->table, hash, index) != expected)
		fail_msg("insert with %u of %u in the table: expected %s", m->count, m->capacity,
			 expected ? "success" : "failure");
	if (expected)
		m->entries[m->count++] = (struct entry){hash, index};
	assert_int_equal(m->table.count, m->count);
}

static void
model_remove(struct model *m, uint32_t which)
{
	flow_table_remove(&m->table, m->entries[which].hash, m->entries[which].index);
	m->entries[which] = m->entries[--m->count];
	assert_int_equal(m->table.count, m->count);
}

/* Walks hash: each entry that has it must be given, and nothing twice or that is not there. An
 * entry of another hash may be given only if the bits that tags keep are the same. */
static void
model_find(const struct model *m, uint64_t hash)
{
	struct flow_probe probe = flow_table_probe(&m->table, hash);
	uint32_t index, length = 0, found = 0, known = 0;

	while ((index = flow_probe_next(&m->table, &probe)) != FLOW_TABLE_NONE) {
		assert_true(length < m->count); /* the walk ends */
		m->walk[length++] = index;
	}
	assert_int_equal(flow_probe_next(&m->table, &probe), FLOW_TABLE_NONE);
	for (uint32_t i = 0; i < m->count; i++) {
		uint32_t times = 0;

		for (uint32_t w = 0; w < length; w++)
			times += m->walk[w] == m->entries[i].index;
		known += times;
		found += m->entries[i].hash == hash;
		if (m->entries[i].hash == hash)
			assert_int_equal(times, 1);
		else if (((m->entries[i].hash ^ hash) & FLOW_TAG_HASH) == 0)
			assert_true(times <= 1);
		else
			assert_int_equal(times, 0);
	}
	assert_int_equal(known, length); /* nothing that is not in the model */
	assert_true(found <= length);
}

/* passed, bucket by bucket, counted from where the entries lie. */
static void
model_check_passed(const struct model *m)
{
	const uint32_t buckets = m->table.bucket_count;
	uint32_t *passed = calloc(buckets, sizeof(*passed));
	uint32_t held = 0;

	for (uint32_t e = 0; e < m->count; e++) {
		uint32_t at = flow_table_bucket(&m->table, m->entries[e].hash);
		bool here = false;

		for (uint32_t far = 0; far < buckets && !here; far++) {
			const struct flow_bucket *b = &m->table.buckets[at];

			for (unsigned int i = 0; i < FLOW_TABLE_SLOTS; i++)
				here |= b->index[i] == m->entries[e].index;
			if (!here)
				passed[at]++;
			at = (at + 1) % buckets;
		}
		assert_true(here);
	}
	for (uint32_t at = 0; at < buckets; at++) {
		const struct flow_bucket *b = &m->table.buckets[at];

		if ((b->passed & ~FLOW_PASSED_ANYHOW) != passed[at] ||
		    (b->passed & FLOW_PASSED_ANYHOW && passed[at] == 0))
			fail_msg("bucket %u of %u: expected %u passed, got %#x", at, buckets,
				 passed[at], b->passed);
		for (unsigned int i = 0; i < FLOW_TABLE_SLOTS; i++)
			held += b->index[i] != FLOW_TABLE_NONE;
	}
	assert_int_equal(held, m->count);
	free(passed);
}

/* How hashes are drawn. */
enum hashes { SPREAD, FEW_TAGS, ONE_BUCKET, LAST_BUCKET, FLOOD, ONE_HASH, HASHES };

static uint64_t
draw(struct seed *seed, enum hashes hashes)
{
	const uint64_t low = seed_next(seed) & UINT32_MAX;

	switch (hashes) {
	case SPREAD:
		return seed_next(seed);
	case FEW_TAGS: /* 0, what an empty slot holds at first, and one more */
		return (seed_next(seed) & UINT64_C(0xffffffffffff0000)) | seed_below(seed, 32);
	case ONE_BUCKET:
		return UINT64_C(0x80000000) << 32 | low;
	case LAST_BUCKET: /* and so round the end to the first */
		return UINT64_C(0xffffffff) << 32 | low;
	case FLOOD: /* one bucket's, in the midst of others */
		return seed_below(seed, 2) ? UINT64_C(0x80000000) << 32 | low : seed_next(seed);
	case ONE_HASH:
	case HASHES:
		break;
	}
	return UINT64_C(0xffffffff00000000);
}

static void
random_operations(struct seed *seed, uint32_t capacity, enum hashes hashes, uint32_t operations)
{
	struct model m;
	uint32_t target = capacity; /* the load that it drifts to, up to 100 % */

	model_init(&m, capacity);
	for (uint32_t i = 0; i < operations; i++) {
		const uint32_t what = seed_below(seed, 8);

		if (i % (operations / 8) == operations / 8 - 1) {
			model_check_passed(&m);
			target = seed_below(seed, 3) ? seed_below(seed, capacity + 1) : capacity;
		}
		if (what < 2) /* a hash that is likely not there */
			model_find(&m, draw(seed, hashes));
		else if (what < 4 && m.count)
			model_find(&m, m.entries[seed_below(seed, m.count)].hash);
		else if (m.count > target || (m.count && seed_below(seed, 4) == 0))
			model_remove(&m, seed_below(seed, m.count));
		else
			model_insert(&m, draw(seed, hashes));
	}
	while (m.count)
		model_remove(&m, seed_below(seed, m.count));
	model_check_passed(&m);
	model_find(&m, draw(seed, hashes));
	model_free(&m);
}

static void
flow_table_agrees_with_a_naive_model(void **state)
{
	static const uint32_t capacities[] = {1, 2, 9, 10, 11, 20, 79, 80, 81, 600};
	struct seed seed = seed_start("flow_table");

	(void)state;
	for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++)
		for (enum hashes hashes = 0; hashes < HASHES; hashes++)
			random_operations(&seed, capacities[c], hashes, 4000);
	random_operations(&seed, 3000, SPREAD, 40000);
	random_operations(&seed, 3000, FLOOD, 20000);
}

static void
flow_table_takes_capacity_entries_and_no_more(void **state)
{
	static const uint32_t capacities[] = {1, 9, 10, 11, 19, 20, 79, 80, 99, 100, 159, 2000};
	struct seed seed = seed_start("flow_table full");

	(void)state;
	for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		for (enum hashes hashes = 0; hashes < HASHES; hashes++) {
			struct model m;

			model_init(&m, capacities[c]);
			for (uint32_t i = 0; i < capacities[c] + 3; i++)
				model_insert(&m, draw(&seed, hashes));
			assert_int_equal(m.count, capacities[c]);
			model_check_passed(&m);
			for (uint32_t i = 0; i < m.count; i += 1 + m.count / 64)
				model_find(&m, m.entries[i].hash);
			model_free(&m);
		}
	}
}

static void
flow_table_of_no_capacity_takes_nothing(void **state)
{
	struct model m;

	(void)state;
	model_init(&m, 0);
	model_insert(&m, 7);
	model_find(&m, 7);
	model_free(&m);
}

/* Ten in the last bucket, one more in the first; then one of the ten goes: the one beyond must come
 * back, so that a walk for what is not there looks at no second bucket any more. */
static void
flow_table_brings_back_what_passed_a_full_bucket(void **state)
{
	const uint64_t hash = UINT64_C(0xffffffff00000000);
	struct model m;
	struct flow_probe probe;
	const struct flow_bucket *last;

	(void)state;
	model_init(&m, 40);
	last = &m.table.buckets[m.table.bucket_count - 1];
	for (uint32_t i = 0; i < FLOW_TABLE_SLOTS + 1; i++)
		model_insert(&m, hash | i << 4);
	assert_int_equal(last->passed, 1);
	model_check_passed(&m);
	probe = flow_table_probe(&m.table, hash | 99 << 4);
	assert_int_equal(flow_probe_next(&m.table, &probe), FLOW_TABLE_NONE);
	assert_int_equal(m.table.bucket_count - probe.left, 2);

	model_remove(&m, 4); /* the eleventh takes its place in the model's list */
	assert_int_equal(last->passed, 0);
	model_check_passed(&m);
	for (uint32_t i = 0; i < FLOW_TABLE_SLOTS + 1; i++)
		model_find(&m, hash | i << 4);
	probe = flow_table_probe(&m.table, hash | 99 << 4);
	assert_int_equal(flow_probe_next(&m.table, &probe), FLOW_TABLE_NONE);
	assert_int_equal(m.table.bucket_count - probe.left, 1);
	model_free(&m);
}

/* Connections come and go in a full table for long: what passed must come back, or walks for what
 * is not there grow and grow: two hundred buckets where nothing comes back, four without an end at
 * what is nearer to its home. */
static void
flow_table_keeps_walks_short_in_a_full_table(void **state)
{
	const uint32_t capacity = 20000;
	struct seed seed = seed_start("flow_table churn");
	uint64_t looked_at = 0;
	struct model m;

	(void)state;
	model_init(&m, capacity);
	for (uint32_t i = 0; i < capacity; i++)
		model_insert(&m, seed_next(&seed));
	for (uint32_t i = 0; i < 8 * capacity; i++) {
		model_remove(&m, seed_below(&seed, m.count));
		model_insert(&m, seed_next(&seed));
	}
	for (uint32_t i = 0; i < capacity; i++) {
		struct flow_probe probe = flow_table_probe(&m.table, seed_next(&seed));

		while (flow_probe_next(&m.table, &probe) != FLOW_TABLE_NONE)
			;
		looked_at += m.table.bucket_count - probe.left;
	}
	if (looked_at > 2 * capacity)
		fail_msg("expected at most 2 buckets a walk, got %.2f",
			 (double)looked_at / capacity);
	model_free(&m);
}

static void
flow_table_needs_at_most_7_6_bytes_an_entry(void **state)
{
	(void)state;
	for (uint64_t capacity = 1000; capacity < UINT64_C(1) << 32; capacity += capacity / 7) {
		const uint64_t bytes = flow_table_bytes((uint32_t)capacity);

		assert_int_equal(bytes % 64, 0);
		if (bytes * 10 > capacity * 76)
			fail_msg("%" PRIu64 " entries: expected at most %" PRIu64
				 " bytes, got %" PRIu64,
				 capacity, capacity * 76 / 10, bytes);
		/* ... and room for all of them. */
		assert_true(bytes / sizeof(struct flow_bucket) * FLOW_TABLE_SLOTS > capacity);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_table_agrees_with_a_naive_model),
		cmocka_unit_test(flow_table_takes_capacity_entries_and_no_more),
		cmocka_unit_test(flow_table_of_no_capacity_takes_nothing),
		cmocka_unit_test(flow_table_brings_back_what_passed_a_full_bucket),
		cmocka_unit_test(flow_table_keeps_walks_short_in_a_full_table),
		cmocka_unit_test(flow_table_needs_at_most_7_6_bytes_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
