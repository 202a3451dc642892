/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_hash.c - what has to be hashed of a burst, several slots side by side (siphash_lanes.c):
 * the four-tuples, and for SYNs what their sequence numbers are made of. */
#include "stack_internal.h"

#define LANES     SIPHASH_LANES
#define WORDS_MAX ISN_COOKIE_WORDS

_Static_assert(WORDS_MAX >= FLOW_WORDS, "flows are hashed, too");
_Static_assert(WORDS_MAX <= SIPHASH_LANE_WORDS, "they fit");
_Static_assert(STACK_BURST_MAX <= LANES, "a burst fits");
_Static_assert(STACK_BURST_MAX <= UINT8_MAX, "a slot's number is 8 bits");

/* Inputs of the same length, and which slots they are of. */
struct inputs {
	uint64_t words[WORDS_MAX][LANES];
	uint8_t slot[LANES];
	unsigned int word_count;
	unsigned int count;
};

/* What is hashed with one key: IPv4's inputs and IPv6's, which are longer. */
struct batch {
	struct inputs family[2];
};

/* The hashes of all inputs; returns how many. */
static unsigned int
hash(const struct siphash_key *key, struct inputs *inputs, uint64_t hashes[LANES])
{
	if (inputs->count > 0)
		siphash_lanes(key, inputs->words, inputs->word_count, inputs->count, hashes);
	return inputs->count;
}

static inline struct inputs *
inputs_of(struct batch *batch, const struct flow *flow)
{
	return &batch->family[flow->family == 6];
}

/* Four-tuples, whose buckets are asked for at once: they are far. */
static void
hash_flows(struct stack *s, unsigned int count)
{
	uint64_t hashes[LANES];
	struct batch batch;

	batch.family[0].count = batch.family[1].count = 0;
	for (unsigned int i = 0; i < count; i++) {
		const struct flow *flow = &s->slots[i].packet.flow;
		struct inputs *inputs = inputs_of(&batch, flow);

		inputs->word_count = flow_hash_words(flow, &inputs->words[0][inputs->count], LANES);
		inputs->slot[inputs->count++] = (uint8_t)i;
	}
	for (unsigned int family = 0; family < 2; family++) {
		struct inputs *inputs = &batch.family[family];
		const unsigned int n = hash(&s->flow_key, inputs, hashes);

		for (unsigned int i = 0; i < n; i++) {
			flow_table_prefetch(&s->table, hashes[i]);
			s->slots[inputs->slot[i]].hash = hashes[i];
		}
	}
}

/* Of a SYN, what its ISS is likely to be made of: a cookie while cookies are being sent. */
static void
hash_syns(struct stack *s, unsigned int count)
{
	const bool cookies = s->cookie_ever && s->cookie_sent == s->cookie_tick;
	uint64_t hashes[LANES];
	struct batch batch;
	uint16_t mss = 0;
	uint8_t mss_index = (uint8_t)isn_cookie_mss_index(mss);

	batch.family[0].count = batch.family[1].count = 0;
	for (unsigned int i = 0; i < count; i++) {
		struct stack_slot *slot = &s->slots[i];
		const struct flow *flow = &slot->packet.flow;
		const struct tcp_seg *seg = &slot->packet.seg;
		struct inputs *inputs = inputs_of(&batch, flow);
		uint64_t *words = &inputs->words[0][inputs->count];

		slot->syn_hashed = STACK_HASHED_NOT;
		if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
			continue;
		slot->peer_mss = stack_peer_mss(s, seg, flow->family);
		if (cookies) {
			/* It takes a while, and most peers have the same. */
			if (slot->peer_mss != mss)
				mss_index = (uint8_t)isn_cookie_mss_index(slot->peer_mss);
			mss = slot->peer_mss;
			slot->mss_index = mss_index;
			inputs->word_count = isn_cookie_words(flow, seg->seq, mss_index,
							      s->cookie_tick, words, LANES);
		} else {
			inputs->word_count = flow_hash_words(flow, words, LANES);
		}
		slot->syn_hashed = cookies ? STACK_HASHED_COOKIE : STACK_HASHED_ISN;
		inputs->slot[inputs->count++] = (uint8_t)i;
	}
	for (unsigned int family = 0; family < 2; family++) {
		struct inputs *inputs = &batch.family[family];
		const unsigned int n = hash(cookies ? &s->cookie_key : &s->isn_key, inputs, hashes);

		for (unsigned int i = 0; i < n; i++)
			s->slots[inputs->slot[i]].syn_hash = hashes[i];
	}
}

void
stack_hash(struct stack *s, unsigned int count)
{
	hash_flows(s, count);
	hash_syns(s, count);
}
