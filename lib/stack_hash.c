/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_hash.c - what has to be hashed of a burst, several slots side by side (siphash_lanes.c):
 * the four-tuples, and for SYNs what their sequence numbers are made of. */
#include "stack_internal.h"

#define LANES     SIPHASH_LANES
#define WORDS_MAX ISN_COOKIE_WORDS

_Static_assert(WORDS_MAX >= FLOW_WORDS, "flows are hashed, too");
_Static_assert(WORDS_MAX <= SIPHASH_LANE_WORDS, "they fit");

/* Inputs of the same length. */
struct lanes {
	uint64_t words[WORDS_MAX][LANES];
	uint64_t *hashes[LANES]; /* where the results go */
	unsigned int word_count;
	unsigned int count;
};

static void
flush(struct lanes *lanes, const struct siphash_key *key)
{
	uint64_t hashes[LANES];

	for (unsigned int i = 0; i < lanes->word_count; i++)
		for (unsigned int lane = lanes->count; lane < LANES; lane++)
			lanes->words[i][lane] = 0;
	siphash_lanes(key, (const uint64_t(*)[LANES])lanes->words, lanes->word_count, lanes->count,
		      hashes);
	for (unsigned int lane = 0; lane < lanes->count; lane++)
		*lanes->hashes[lane] = hashes[lane];
	lanes->count = 0;
}

static inline void
put(struct lanes *lanes, const struct siphash_key *key, const uint64_t *words, unsigned int count,
    uint64_t *hash)
{
	for (unsigned int i = 0; i < count; i++)
		lanes->words[i][lanes->count] = words[i];
	lanes->word_count = count;
	lanes->hashes[lanes->count++] = hash;
	if (lanes->count == LANES)
		flush(lanes, key);
}

/* Four-tuples. */
static void
hash_flows(struct stack *s, unsigned int count)
{
	struct lanes lanes[2];
	uint64_t words[FLOW_WORDS];

	lanes[0].count = lanes[1].count = 0;
	lanes[0].word_count = lanes[1].word_count = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct stack_slot *slot = &s->slots[i];
		const struct flow *flow = &slot->packet.flow;
		unsigned int n = flow_words(flow, words);

		words[n - 1] |= siphash_end(flow_length(flow));
		put(&lanes[flow->family == 6], &s->flow_key, words, n, &slot->hash);
	}
	flush(&lanes[0], &s->flow_key);
	flush(&lanes[1], &s->flow_key);
}

/* Of a SYN, what its ISS is likely to be made of: a cookie while cookies are being sent. */
static void
hash_syns(struct stack *s, unsigned int count)
{
	const bool cookies = s->cookie_ever && s->cookie_sent == s->cookie_tick;
	const struct siphash_key *key = cookies ? &s->cookie_key : &s->isn_key;
	struct lanes lanes[2];
	uint64_t words[WORDS_MAX];

	lanes[0].count = lanes[1].count = 0;
	lanes[0].word_count = lanes[1].word_count = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct stack_slot *slot = &s->slots[i];
		const struct flow *flow = &slot->packet.flow;
		const struct tcp_seg *seg = &slot->packet.seg;
		unsigned int n;

		slot->syn_hashed = STACK_HASHED_NOT;
		if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
			continue;
		if (cookies) {
			uint16_t mss = stack_peer_mss(s, seg, flow->family);

			n = isn_cookie_words(flow, seg->seq, isn_cookie_mss_index(mss),
					     s->cookie_tick, words);
		} else {
			n = flow_words(flow, words);
			words[n - 1] |= siphash_end(flow_length(flow));
		}
		slot->syn_hashed = cookies ? STACK_HASHED_COOKIE : STACK_HASHED_ISN;
		put(&lanes[flow->family == 6], key, words, n, &slot->syn_hash);
	}
	flush(&lanes[0], key);
	flush(&lanes[1], key);
}

void
stack_hash(struct stack *s, unsigned int count)
{
	hash_flows(s, count);
	hash_syns(s, count);
	for (unsigned int i = 0; i < count; i++)
		flow_table_prefetch(&s->table, s->slots[i].hash);
}
