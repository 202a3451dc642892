/* SPDX-License-Identifier: BSD-3-Clause */
/* path_table.c - the ways back to peers: chained hashing over as many buckets as there are indices.
 * Knows nothing of what the bytes of a path mean. */
#include "path_table.h"

#include <assert.h>
#include <string.h>

#define BUCKETS 65536u
#define LINE    64u

struct path_entry {
	struct wire_l2 l2;
	uint32_t holders; /* 0: unused */
	uint16_t next;    /* of the bucket, or of the unused */
	uint16_t bucket;
};
_Static_assert(sizeof(struct path_entry) == 24, "1.7 MB for all of them and the buckets");

static size_t
entries_bytes(void)
{
	return (PATH_MAX * sizeof(struct path_entry) + LINE - 1) / LINE * LINE;
}

size_t
path_table_bytes(void)
{
	return entries_bytes() + BUCKETS * sizeof(uint16_t);
}

void
path_table_init(struct path_table *t, void *memory, const struct siphash_key *key)
{
	assert((uintptr_t)memory % LINE == 0);
	memset(t, 0, sizeof(*t));
	t->entries = memory;
	t->buckets = (uint16_t *)((uint8_t *)memory + entries_bytes());
	t->key = *key;
	memset(t->buckets, 0xff, BUCKETS * sizeof(t->buckets[0])); /* PATH_NONE */
	memset(t->entries, 0, PATH_MAX * sizeof(t->entries[0]));
	for (uint16_t path = 0; path < PATH_MAX; path++)
		t->entries[path].next = (uint16_t)(path + 1); /* the last one's is PATH_NONE */
	t->free = 0;
}

uint16_t
path_table_hold(struct path_table *t, const struct wire_l2 *l2)
{
	struct path_entry *entry = &t->entries[t->last];
	uint16_t bucket, path;

	if (entry->holders > 0 && memcmp(&entry->l2, l2, sizeof(*l2)) == 0) {
		entry->holders++;
		return t->last;
	}
	bucket = (uint16_t)siphash(&t->key, l2, sizeof(*l2));
	for (path = t->buckets[bucket]; path != PATH_NONE; path = entry->next) {
		entry = &t->entries[path];
		if (memcmp(&entry->l2, l2, sizeof(*l2)) == 0) {
			entry->holders++;
			t->last = path;
			return path;
		}
	}
	path = t->free;
	if (path == PATH_NONE)
		return PATH_NONE;
	entry = &t->entries[path];
	t->free = entry->next;
	t->count++;
	entry->l2 = *l2;
	entry->holders = 1;
	entry->bucket = bucket;
	entry->next = t->buckets[bucket];
	t->buckets[bucket] = path;
	t->last = path;
	return path;
}

void
path_table_drop(struct path_table *t, uint16_t path)
{
	struct path_entry *entry = &t->entries[path];
	uint16_t *link;

	assert(path < PATH_MAX && entry->holders > 0);
	if (--entry->holders > 0)
		return;
	for (link = &t->buckets[entry->bucket]; *link != path; link = &t->entries[*link].next)
		assert(*link != PATH_NONE);
	*link = entry->next;
	entry->next = t->free;
	t->free = path;
	t->count--;
}

const struct wire_l2 *
path_table_get(const struct path_table *t, uint16_t path)
{
	assert(path < PATH_MAX && t->entries[path].holders > 0);
	return &t->entries[path].l2;
}
