/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_table.h - which connection a four-tuple is: open-addressed in buckets of one cache line.
 * Single writer, no allocation, keys are not stored: the caller compares its candidates. Knows
 * neither TCP nor the shape of a connection. */
#ifndef RIPOSTE_FLOW_TABLE_H
#define RIPOSTE_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_TABLE_NONE  UINT32_MAX
#define FLOW_TABLE_SLOTS 10

struct flow_bucket {
	_Alignas(64) uint32_t index[FLOW_TABLE_SLOTS]; /* FLOW_TABLE_NONE: empty */
	uint16_t tag[FLOW_TABLE_SLOTS];                /* more bits of the hash */
	uint32_t passed; /* entries that found this bucket full and went on to a later one */
};
_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

struct flow_table {
	struct flow_bucket *buckets;
	uint32_t bucket_count;
	uint32_t count;    /* entries now */
	uint32_t capacity; /* entries at most */
};

/* Bytes of memory (64-byte aligned) that a table of capacity entries needs: at most 7.2 an entry
 * for large tables. */
size_t flow_table_bytes(uint32_t capacity);

/* Makes memory, of flow_table_bytes(capacity) bytes, an empty table. */
void flow_table_init(struct flow_table *t, void *memory, uint32_t capacity);

/* Adds index under hash; false if the table holds capacity entries already. The caller knows that
 * the key is not in it. */
bool flow_table_insert(struct flow_table *t, uint64_t hash, uint32_t index);

/* Takes index, which is in the table under hash, out of it. Asserts that it was there. */
void flow_table_remove(struct flow_table *t, uint64_t hash, uint32_t index);

/* Asks for the bucket's cache line. */
void flow_table_prefetch(const struct flow_table *t, uint64_t hash);

/* A walk over the indices whose hash looks the same:
 *	struct flow_probe p = flow_table_probe(t, hash);
 *	while ((index = flow_probe_next(t, &p)) != FLOW_TABLE_NONE)
 *		if (the key at index is the one sought) ...
 */
struct flow_probe {
	uint32_t bucket;
	uint32_t left;  /* buckets that may still be looked at */
	uint16_t tag;
	uint16_t slots; /* bit i: slot i of this bucket matches and was not given yet */
};

struct flow_probe flow_table_probe(const struct flow_table *t, uint64_t hash);
uint32_t flow_probe_next(const struct flow_table *t, struct flow_probe *p);

#endif
