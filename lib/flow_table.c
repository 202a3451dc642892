/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_table.c - changes to the flow table. Linear probing over buckets; what went past a full
 * bucket is counted there, so a lookup stops early and a removal leaves no tombstone. Of those that
 * compete for a bucket the ones farthest from home get it (Robin Hood hashing: Celis, Larson and
 * Munro, 1985), and a removal brings the next ones one bucket back: without, a full table in which
 * connections come and go ends up with two hundred buckets to look at for a four-tuple that is not
 * in it. So a bucket that an entry has passed holds none that is nearer to its own home than that
 * one would be there, and a lookup may end at one that does: but for buckets marked otherwise. */
#include "flow_table.h"

#include <assert.h>
#include <string.h>

/* A connection and all it has may take 80 bytes, of which 7.6 are left for the table: that makes it
 * 84 % full at most. (At 89 %, those that come and go pass twice as many buckets.) There is always a
 * free slot more than there are entries, so that an insertion ends. */
static uint32_t
bucket_count(uint32_t capacity)
{
	const uint32_t full = capacity / FLOW_TABLE_SLOTS + 1;
	const uint32_t loose = (uint32_t)((uint64_t)capacity * 19 / 160);

	return loose > full ? loose : full;
}

/* Bit i: slot i holds index, which may be FLOW_TABLE_NONE. */
static inline unsigned int
slots_holding(const struct flow_bucket *b, uint32_t index)
{
	unsigned int found = 0;

#ifdef __SSE2__
	/* Ten indices: four, four, and two with four tags, which the mask cuts off. */
	const __m128i wanted = _mm_set1_epi32((int)index);
	const __m128i *line = (const __m128i *)b;

	for (unsigned int i = 0; i < 3; i++)
		found |= (unsigned int)_mm_movemask_ps(_mm_castsi128_ps(
				 _mm_cmpeq_epi32(_mm_load_si128(line + i), wanted)))
			 << 4 * i;
#else
	for (unsigned int i = 0; i < FLOW_TABLE_SLOTS; i++)
		found |= (unsigned int)(b->index[i] == index) << i;
#endif
	return found & FLOW_BUCKET_ALL;
}

size_t
flow_table_bytes(uint32_t capacity)
{
	return bucket_count(capacity) * sizeof(struct flow_bucket);
}

void
flow_table_init(struct flow_table *t, void *memory, uint32_t capacity)
{
	assert((uintptr_t)memory % _Alignof(struct flow_bucket) == 0);
	t->buckets = memory;
	t->bucket_count = bucket_count(capacity);
	t->count = 0;
	t->capacity = capacity;
	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct flow_bucket *b = &t->buckets[i];

		memset(b, 0, sizeof(*b));
		memset(b->index, 0xff, sizeof(b->index)); /* FLOW_TABLE_NONE */
	}
}

static inline uint32_t
bucket_after(const struct flow_table *t, uint32_t at)
{
	return at + 1 < t->bucket_count ? at + 1 : 0;
}

/* The slot of full bucket b whose entry is nearest to home, and nearer than distance;
 * FLOW_TABLE_SLOTS if there is none. */
static inline unsigned int
nearest_slot(const struct flow_bucket *b, unsigned int distance)
{
	for (unsigned int nearer = 1; nearer <= distance; nearer++) {
		const unsigned int found = flow_bucket_from(b, nearer) ^ FLOW_BUCKET_ALL;

		if (found)
			return (unsigned int)__builtin_ctz(found);
	}
	return FLOW_TABLE_SLOTS;
}

/* The slot of bucket b whose entry is farthest from home, of those that can be brought back;
 * FLOW_TABLE_SLOTS if there is none. */
static inline unsigned int
farthest_slot(const struct flow_bucket *b)
{
	const unsigned int movable = ~flow_bucket_from(b, FLOW_TAG_FAR);
	unsigned int found = flow_bucket_from(b, 1) & movable, farther;

	if (!found)
		return FLOW_TABLE_SLOTS;
	for (unsigned int from = 2; (farther = flow_bucket_from(b, from) & movable) != 0; from++)
		found = farther;
	return (unsigned int)__builtin_ctz(found);
}

/* Has it entries that cannot be brought back? */
static inline bool
has_far(const struct flow_bucket *b)
{
	return flow_bucket_from(b, FLOW_TAG_FAR) != 0;
}

/* One entry less has passed. */
static inline void
one_less(struct flow_bucket *b)
{
	assert((b->passed & ~FLOW_PASSED_ANYHOW) > 0); /* else it is not in the table */
	if (--b->passed == FLOW_PASSED_ANYHOW)
		b->passed = 0;
}

bool
flow_table_insert(struct flow_table *t, uint64_t hash, uint32_t index)
{
	uint32_t at = flow_table_bucket(t, hash);
	uint16_t tag = hash & FLOW_TAG_HASH;
	struct flow_bucket *b;
	unsigned int empty, slot;

	assert(index != FLOW_TABLE_NONE);
	if (t->count >= t->capacity)
		return false;
	while ((empty = slots_holding(b = &t->buckets[at], FLOW_TABLE_NONE)) == 0) {
		slot = nearest_slot(b, tag & FLOW_TAG_DISTANCE);
		if (slot < FLOW_TABLE_SLOTS) {
			const uint32_t its_index = b->index[slot];
			const uint16_t its_tag = b->tag[slot];

			b->index[slot] = index;
			b->tag[slot] = tag;
			index = its_index;
			tag = its_tag;
		}
		b->passed++; /* one of them goes on */
		at = bucket_after(t, at);
		tag = flow_tag_next(tag);
	}
	slot = (unsigned int)__builtin_ctz(empty);
	b->index[slot] = index;
	b->tag[slot] = tag;
	t->count++;
	return true;
}

void
flow_table_remove(struct flow_table *t, uint64_t hash, uint32_t index)
{
	uint32_t at = flow_table_bucket(t, hash);
	uint16_t tag = hash & FLOW_TAG_HASH;
	struct flow_bucket *b, *next;
	unsigned int found, slot, its;

	assert(index != FLOW_TABLE_NONE);
	while ((found = slots_holding(b = &t->buckets[at], index)) == 0) {
		one_less(b);
		at = bucket_after(t, at);
		tag = flow_tag_next(tag);
	}
	slot = (unsigned int)__builtin_ctz(found);
	assert(b->tag[slot] == tag);
	while (b->passed > 0) {
		at = bucket_after(t, at);
		next = &t->buckets[at];
		its = farthest_slot(next);
		/* Those that are too far from home to know how far stay where they are, so what
		 * comes to this bucket instead, now or later, may be nearer than they would be. */
		if ((next->passed & FLOW_PASSED_ANYHOW) || has_far(next))
			b->passed |= FLOW_PASSED_ANYHOW;
		if (its == FLOW_TABLE_SLOTS)
			break;
		b->index[slot] = next->index[its];
		b->tag[slot] = (uint16_t)(next->tag[its] - 1);
		one_less(b);
		b = next;
		slot = its;
	}
	b->index[slot] = FLOW_TABLE_NONE;
	b->tag[slot] = 0;
	t->count--;
}
