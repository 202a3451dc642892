/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_table.h - which connection a four-tuple is: open-addressed in buckets of one cache line.
 * Single writer, no allocation, keys are not stored: the caller compares its candidates. Knows
 * neither TCP nor the shape of a connection. */
#ifndef RIPOSTE_FLOW_TABLE_H
#define RIPOSTE_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define FLOW_TABLE_NONE  UINT32_MAX
#define FLOW_TABLE_SLOTS 10

struct flow_bucket {
	_Alignas(64) uint32_t index[FLOW_TABLE_SLOTS]; /* FLOW_TABLE_NONE: empty */
	uint16_t tag[FLOW_TABLE_SLOTS]; /* FLOW_TAG_HASH, FLOW_TAG_DISTANCE; empty: 0 */
	/* Entries that found this bucket full and went on to a later one; FLOW_PASSED_ANYHOW. */
	uint32_t passed;
};
_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

/* A tag: twelve more bits of the hash, and how many buckets after its own the entry lies. With that
 * entries can be moved though their keys are not known here; those FLOW_TAG_FAR buckets away or
 * more, which only a flood of equal hashes makes, stay where they are. */
#define FLOW_TAG_DISTANCE 0x000fu
#define FLOW_TAG_HASH     0xfff0u
#define FLOW_TAG_FAR      15u

/* Of passed, as long as an entry has passed: one that is nearer to its home may have come here
 * since, as far ones cannot be brought back. */
#define FLOW_PASSED_ANYHOW UINT32_C(0x80000000)

#define FLOW_BUCKET_ALL ((1u << FLOW_TABLE_SLOTS) - 1)

struct flow_table {
	struct flow_bucket *buckets;
	uint32_t bucket_count;
	uint32_t count;    /* entries now */
	uint32_t capacity; /* entries at most */
};

/* Bytes of memory (64-byte aligned) that a table of capacity entries needs: at most 7.6 an entry
 * for large tables. */
size_t flow_table_bytes(uint32_t capacity);

/* Makes memory, of flow_table_bytes(capacity) bytes, an empty table. */
void flow_table_init(struct flow_table *t, void *memory, uint32_t capacity);

/* Adds index under hash; false if the table holds capacity entries already. The caller knows that
 * the key is not in it. */
bool flow_table_insert(struct flow_table *t, uint64_t hash, uint32_t index);

/* Takes index, which is in the table under hash, out of it. Asserts that it was there. */
void flow_table_remove(struct flow_table *t, uint64_t hash, uint32_t index);

/* The bucket where hash belongs: its high half scaled to the table, so that no division is needed
 * and bucket_count need not be a power of two. */
static inline uint32_t
flow_table_bucket(const struct flow_table *t, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * t->bucket_count >> 32);
}

/* Asks for the bucket's cache line. Inlined at once: gcc takes a call of a function that only asks
 * for one that does nothing, and drops it. */
static inline __attribute__((always_inline)) void
flow_table_prefetch(const struct flow_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->buckets[flow_table_bucket(t, hash)]);
}

/* The same entry's tag one bucket further on. */
static inline uint16_t
flow_tag_next(uint16_t tag)
{
	return (uint16_t)(tag + ((tag & FLOW_TAG_DISTANCE) < FLOW_TAG_FAR));
}

/* A walk over the indices whose hash looks the same. An insertion or a removal ends it: they move
 * entries.
 *	struct flow_probe p = flow_table_probe(t, hash);
 *	while ((index = flow_probe_next(t, &p)) != FLOW_TABLE_NONE)
 *		if (the key at index is the one sought) ...
 */
struct flow_probe {
	uint32_t bucket;
	uint32_t left;  /* buckets that may still be looked at */
	uint16_t tag;   /* as it is in this bucket */
	uint16_t slots; /* bit i: slot i of this bucket matches and was not given yet */
};

/* Bit i: slot i has this tag. An empty slot may have it too. */
static inline uint16_t
flow_bucket_match(const struct flow_bucket *b, uint16_t tag)
{
	unsigned int found = 0;

#ifdef __SSE2__
	/* Ten tags: eight, then two and the four bytes of passed, which the mask cuts off. */
	const __m128i wanted = _mm_set1_epi16((short)tag);
	const __m128i low = _mm_loadu_si128((const __m128i *)&b->tag[0]);
	const __m128i high = _mm_loadl_epi64((const __m128i *)&b->tag[8]);

	found = (unsigned int)_mm_movemask_epi8(
		_mm_packs_epi16(_mm_cmpeq_epi16(low, wanted), _mm_cmpeq_epi16(high, wanted)));
#else
	for (unsigned int i = 0; i < FLOW_TABLE_SLOTS; i++)
		found |= (unsigned int)(b->tag[i] == tag) << i;
#endif
	return found & FLOW_BUCKET_ALL;
}

/* Bit i: the entry in slot i is distance (1 or more) or more from home. Only a bucket marked
 * FLOW_PASSED_ANYHOW has empty slots behind which a walk goes on. */
static inline unsigned int
flow_bucket_from(const struct flow_bucket *b, unsigned int distance)
{
	unsigned int found = 0;

#ifdef __SSE2__
	const __m128i mask = _mm_set1_epi16(FLOW_TAG_DISTANCE);
	const __m128i less = _mm_set1_epi16((short)(distance - 1));
	const __m128i low = _mm_loadu_si128((const __m128i *)&b->tag[0]);
	const __m128i high = _mm_loadl_epi64((const __m128i *)&b->tag[8]);

	found = (unsigned int)_mm_movemask_epi8(
		_mm_packs_epi16(_mm_cmpgt_epi16(_mm_and_si128(low, mask), less),
				_mm_cmpgt_epi16(_mm_and_si128(high, mask), less)));
#else
	for (unsigned int i = 0; i < FLOW_TABLE_SLOTS; i++)
		found |= (unsigned int)((b->tag[i] & FLOW_TAG_DISTANCE) >= distance) << i;
#endif
	return found & FLOW_BUCKET_ALL;
}

/* Begins a walk for hash. */
static inline struct flow_probe
flow_table_probe(const struct flow_table *t, uint64_t hash)
{
	const uint32_t bucket = flow_table_bucket(t, hash);
	const uint16_t tag = hash & FLOW_TAG_HASH;

	return (struct flow_probe){
		.bucket = bucket,
		.left = t->bucket_count - 1,
		.tag = tag,
		.slots = flow_bucket_match(&t->buckets[bucket], tag),
	};
}

/* The next index of the walk in the bucket where it is; FLOW_TABLE_NONE if there is none left. */
static inline uint32_t
flow_probe_here(const struct flow_table *t, struct flow_probe *p)
{
	const struct flow_bucket *b = &t->buckets[p->bucket];

	while (p->slots) {
		const uint32_t index = b->index[__builtin_ctz(p->slots)];

		p->slots &= (uint16_t)(p->slots - 1);
		if (index != FLOW_TABLE_NONE)
			return index;
	}
	return FLOW_TABLE_NONE;
}

/* Does the walk go on behind the bucket where it is? What is sought would have taken the place of
 * an entry that is nearer to its home. */
static inline bool
flow_probe_goes_on(const struct flow_table *t, const struct flow_probe *p)
{
	const struct flow_bucket *b = &t->buckets[p->bucket];

	return b->passed != 0 && p->left != 0 &&
	       ((p->tag & FLOW_TAG_DISTANCE) == 0 || (b->passed & FLOW_PASSED_ANYHOW) ||
		flow_bucket_from(b, p->tag & FLOW_TAG_DISTANCE) == FLOW_BUCKET_ALL);
}

/* The bucket behind the one where the walk is. */
static inline uint32_t
flow_probe_behind(const struct flow_table *t, const struct flow_probe *p)
{
	return p->bucket + 1 < t->bucket_count ? p->bucket + 1 : 0;
}

/* Asks for it; see flow_table_prefetch(). */
static inline __attribute__((always_inline)) void
flow_probe_prefetch(const struct flow_table *t, const struct flow_probe *p)
{
	__builtin_prefetch(&t->buckets[flow_probe_behind(t, p)]);
}

/* Goes there. */
static inline void
flow_probe_go_on(const struct flow_table *t, struct flow_probe *p)
{
	p->left--;
	p->bucket = flow_probe_behind(t, p);
	p->tag = flow_tag_next(p->tag);
	p->slots = flow_bucket_match(&t->buckets[p->bucket], p->tag);
}

/* The next index of the walk; FLOW_TABLE_NONE at its end. */
static inline uint32_t
flow_probe_next(const struct flow_table *t, struct flow_probe *p)
{
	for (;;) {
		const uint32_t index = flow_probe_here(t, p);

		if (index != FLOW_TABLE_NONE || !flow_probe_goes_on(t, p))
			return index;
		flow_probe_go_on(t, p);
	}
}

#endif
